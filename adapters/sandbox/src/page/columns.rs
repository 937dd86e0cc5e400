//! Five columns: what reporters and engineers see.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use chrono::{DateTime, Utc};

use super::escape::escape;
use crate::{
    email::{Email, Mail},
    intercom::{Intercom, IntercomPartAuthor, IntercomPartKind, to_text},
    notion::{Notion, NotionPage},
    slack::{Slack, SlackAuthor, SlackMessage},
    whatsapp::{WhatsApp, WhatsAppInbound, WhatsAppMessage, WhatsAppState, canonical_wa_id},
    world::World,
};

/// How many threads, conversations or cards a column shows, newest first.
const SHOWN: usize = 40;

/// A piece of the page and when it happened.
type Stamped = (DateTime<Utc>, String);

pub(super) fn render(world: &Arc<World>) -> String {
    let columns = [
        column(
            "Slack",
            "What people see in their channels and direct messages",
            &slack(world),
        ),
        column(
            "Intercom",
            "What people see in the messenger; notes stay inside",
            &intercom(world),
        ),
        column("WhatsApp", "What people see on their phones", &whatsapp(world)),
        column("Email", "What people see in their mailboxes", &email(world)),
        column("Notion", "What engineers see on their board", &notion(world)),
    ];
    columns.concat()
}

fn column(title: &str, what: &str, content: &str) -> String {
    let content = if content.is_empty() {
        "<p class=\"empty\">Nothing yet.</p>"
    } else {
        content
    };
    let class = title.to_lowercase();
    format!(
        "<section class=\"column {class}\"><header><h2>{title}</h2><p>{what}</p></header><div class=\"scroll\">{content}</div></section>"
    )
}

fn time(at: DateTime<Utc>) -> String {
    format!(
        "<time datetime=\"{}\">{}</time>",
        at.to_rfc3339(),
        at.format("%H:%M:%S")
    )
}

/// One bubble: ours stand on the right.
struct Bubble<'a> {
    is_ours: bool,
    class: &'a str,
    author: &'a str,
    text: &'a str,
    at: DateTime<Utc>,
    mark: String,
}

impl Bubble<'_> {
    fn render(&self) -> String {
        let side = if self.is_ours { "ours" } else { "theirs" };
        format!(
            "<div class=\"bubble {side} {}\"><b>{}</b><p dir=\"auto\">{}</p><span>{}{}</span></div>",
            self.class,
            escape(self.author),
            escape(self.text),
            time(self.at),
            self.mark,
        )
    }
}

/// A card around the bubbles of one thread.
fn thread(title: &str, bubbles: &[String]) -> String {
    format!("<article><h3>{}</h3>{}</article>", escape(title), bubbles.concat())
}

fn slack(world: &Arc<World>) -> String {
    let slack = Slack::new(Arc::clone(world));
    let names: BTreeMap<String, String> = slack
        .channels()
        .into_iter()
        .map(|channel| (channel.id, channel.name))
        .collect();
    let messages = slack.messages();
    let mut replies: BTreeMap<(&str, &str), Vec<&SlackMessage>> = BTreeMap::new();
    for message in &messages {
        if let Some(root) = &message.thread_ts {
            replies.entry((&message.channel, root)).or_default().push(message);
        }
    }
    let bubble = |message: &SlackMessage| {
        let author = match &message.author {
            SlackAuthor::Person(id) => slack.user_name(id),
            SlackAuthor::App | SlackAuthor::ResponseUrl => "Feedback (app)".to_owned(),
        };
        let text = message
            .text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        let is_ours = !matches!(message.author, SlackAuthor::Person(_));
        Bubble {
            is_ours,
            class: "",
            author: &author,
            text: &text,
            at: message.at,
            mark: String::new(),
        }
        .render()
    };
    let mut threads: Vec<(DateTime<Utc>, String)> = messages
        .iter()
        .filter(|message| message.thread_ts.is_none())
        .map(|root| {
            let name = names.get(&root.channel).map_or(root.channel.as_str(), String::as_str);
            let title = if root.channel.starts_with('D') {
                format!("Direct message with {name}")
            } else {
                format!("#{name}")
            };
            let answers = replies.get(&(root.channel.as_str(), root.ts.as_str()));
            let mut bubbles = vec![bubble(root)];
            bubbles.extend(answers.into_iter().flatten().map(|reply| bubble(reply)));
            let latest = answers
                .and_then(|replies| replies.last())
                .map_or(root.at, |reply| reply.at);
            (latest, thread(&title, &bubbles))
        })
        .collect();
    threads.extend(
        slack
            .answers()
            .into_iter()
            .filter(|answer| answer.response_type == "ephemeral")
            .map(|answer| {
                let mark = " · only this person sees it".to_owned();
                let bubble = Bubble {
                    is_ours: true,
                    class: "private",
                    author: "Feedback (app)",
                    text: &answer.text,
                    at: answer.at,
                    mark,
                };
                (
                    answer.at,
                    thread(
                        &format!("Answer to {}'s command", slack.user_name(&answer.user)),
                        &[bubble.render()],
                    ),
                )
            }),
    );
    newest_first(threads)
}

fn email(world: &Arc<World>) -> String {
    let mails = Email::new(Arc::clone(world)).mails();
    let root_of = |mail: &Mail| mail.references.first().unwrap_or(&mail.message_id).clone();
    let mut threads: BTreeMap<String, Vec<&Mail>> = BTreeMap::new();
    for mail in &mails {
        threads.entry(root_of(mail)).or_default().push(mail);
    }
    let cards = threads.into_values().filter_map(|mails| {
        let (first, last) = (mails.first()?, mails.last()?);
        let bubbles: Vec<String> = mails
            .iter()
            .map(|mail| {
                Bubble {
                    is_ours: !mail.is_from_person,
                    class: "",
                    author: &mail.from,
                    text: &mail.text,
                    at: mail.at,
                    mark: String::new(),
                }
                .render()
            })
            .collect();
        Some((last.at, thread(&first.subject, &bubbles)))
    });
    newest_first(cards.collect())
}

fn newest_first(mut cards: Vec<(DateTime<Utc>, String)>) -> String {
    cards.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    cards.into_iter().take(SHOWN).map(|(_, card)| card).collect()
}

fn intercom(world: &Arc<World>) -> String {
    let intercom = Intercom::new(Arc::clone(world));
    let cards = intercom.conversations().into_iter().map(|conversation| {
        let name = intercom.contact_name(&conversation.contact_id);
        let bubbles: Vec<String> = conversation
            .parts
            .iter()
            .map(|part| {
                let is_ours = matches!(part.author, IntercomPartAuthor::Admin(_));
                let author = if is_ours {
                    world.config.intercom.admin_name.as_str()
                } else {
                    name.as_str()
                };
                let (class, mark) = match part.kind {
                    IntercomPartKind::Comment => ("", ""),
                    IntercomPartKind::Note => ("private", " · internal note, not seen by the person"),
                };
                Bubble {
                    is_ours,
                    class,
                    author,
                    text: &to_text(&part.body),
                    at: part.at,
                    mark: mark.to_owned(),
                }
                .render()
            })
            .collect();
        let latest = conversation
            .parts
            .last()
            .map_or(conversation.created_at, |part| part.at);
        (latest, thread(&name, &bubbles))
    });
    newest_first(cards.collect())
}

fn whatsapp(world: &Arc<World>) -> String {
    let whatsapp = WhatsApp::new(Arc::clone(world));
    let (inbound, messages) = (whatsapp.inbound(), whatsapp.messages());
    let mut chats: BTreeMap<String, (String, Vec<Stamped>)> = BTreeMap::new();
    for message in &inbound {
        let (name, bubbles) = chats.entry(canonical_wa_id(&message.from)).or_default();
        message.profile_name.clone_into(name);
        bubbles.push((message.at, inbound_bubble(message)));
    }
    for message in &messages {
        chats
            .entry(message.to.clone())
            .or_default()
            .1
            .push((message.at, outbound_bubble(message)));
    }
    let cards = chats.into_iter().map(|(number, (name, mut bubbles))| {
        bubbles.sort_by_key(|(at, _)| *at);
        let latest = bubbles.last().map(|(at, _)| *at).unwrap_or_default();
        let title = format!("{name} +{number}");
        let bubbles: Vec<String> = bubbles.into_iter().map(|(_, bubble)| bubble).collect();
        (latest, thread(title.trim(), &bubbles))
    });
    newest_first(cards.collect())
}

fn inbound_bubble(message: &WhatsAppInbound) -> String {
    let author = &message.profile_name;
    Bubble {
        is_ours: false,
        class: "",
        author,
        text: &message.text,
        at: message.at,
        mark: String::new(),
    }
    .render()
}

/// With the ticks that the phone shows, and words for those who do not see them.
fn outbound_bubble(message: &WhatsAppMessage) -> String {
    let (class, ticks, label) = match message.state() {
        WhatsAppState::Accepted => ("", "🕓", "accepted"),
        WhatsAppState::Sent => ("", "✓", "sent"),
        WhatsAppState::Delivered => ("", "✓✓", "delivered"),
        WhatsAppState::Read => ("read", "✓✓", "read"),
        WhatsAppState::Failed => ("failed", "✕", "failed"),
    };
    let mut mark = format!(" <i class=\"ticks\" title=\"{label}\">{ticks} {label}</i>");
    if let Some(code) = message.error_code {
        // Writing to a string cannot fail.
        let _ = write!(mark, " <i>error {code}</i>");
    }
    let author = match &message.content {
        crate::WhatsAppContent::Text { .. } => "Feedback".to_owned(),
        crate::WhatsAppContent::Template { name, .. } => format!("Feedback · template {name}"),
    };
    Bubble {
        is_ours: true,
        class,
        author: &author,
        text: message.content.body(),
        at: message.at,
        mark,
    }
    .render()
}

fn notion(world: &Arc<World>) -> String {
    let notion = Notion::new(Arc::clone(world));
    let pages = notion.pages();
    if pages.is_empty() {
        return String::new();
    }
    let statuses = notion.statuses();
    let last = statuses.last().cloned().unwrap_or_default();
    let mut lanes = String::new();
    for status in &statuses {
        let cards: Vec<&NotionPage> = pages
            .iter()
            .rev()
            .filter(|page| !page.is_in_trash && page.status.as_deref() == Some(status))
            .collect();
        let shown: String = cards.iter().take(SHOWN).map(|page| card(page, &last)).collect();
        // Writing to a string cannot fail.
        let _ = write!(
            lanes,
            "<div class=\"lane\"><h3>{} <small>{}</small></h3>{shown}</div>",
            escape(status),
            cards.len()
        );
    }
    lanes
}

fn card(page: &NotionPage, last_status: &str) -> String {
    let chip = |name: &str| {
        page.properties
            .get(name)
            .map(|value| format!("<span class=\"chip\">{}</span>", escape(value)))
    };
    let chips: String = ["Priority", "Type", "Source"].into_iter().filter_map(chip).collect();
    let notes: String = page
        .content
        .iter()
        .map(|line| format!("<p dir=\"auto\">{}</p>", escape(line)))
        .collect();
    let details = if notes.is_empty() {
        String::new()
    } else {
        format!("<details><summary>Content</summary>{notes}</details>")
    };
    let form = if page.status.as_deref() == Some(last_status) {
        String::new()
    } else {
        format!(
            "<form method=\"post\" action=\"/pages/{}/status\"><input type=\"hidden\" name=\"status\" value=\"{status}\">\
             <input name=\"notes\" placeholder=\"Resolution note\" aria-label=\"Resolution note\" autocomplete=\"off\">\
             <button>Move to {status}</button></form>",
            escape(&page.id),
            status = escape(last_status),
        )
    };
    format!(
        "<article class=\"card\"><h4 dir=\"auto\">{}</h4><div>{chips}</div>{details}{form}<span>{}</span></article>",
        escape(&page.title),
        time(page.last_edited_at),
    )
}
