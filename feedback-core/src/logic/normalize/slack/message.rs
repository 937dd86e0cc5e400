//! Slack messages: which are a person's words to us, which are changes of them, and which are noise or our own echo.

use serde::Deserialize;

use super::{
    super::{
        AnnouncedFile, Deleted, DeletedMessage, EditedMessage, InboundMessage, Intake, MessageRole, Stated,
        WantedMessage,
        form::Form,
        wire::{self, Loose},
    },
    SlackIntake, blocks,
    event::{Context, Event},
    is_user_id, message_id, moment, mrkdwn, person,
};
use crate::domain::{Channel, ThreadRef};

/// Reads a `message` or `app_mention`. The same post may come as both, and is then the same message by its id.
pub(super) fn item(event: &Event<'_>, context: &Context<'_>) -> Intake {
    match event.subtype.as_str() {
        "" | "file_share" | "thread_broadcast" | "me_message" | "bot_message" => {}
        "message_changed" => return changed(event, context),
        "message_deleted" => return deleted(event.deleted_ts.as_str(), event, context),
        subtype => return noise(subtype),
    }
    if context.is_own(event) {
        return Intake::Ignored("our own message");
    }
    if !is_heard(event.channel.as_str(), context) && !is_direct(event) {
        return Intake::Ignored("in a channel that is not configured");
    }
    if is_bot(event) {
        return bot_post(event, context);
    }
    if event.user.get().is_none() {
        return Intake::Unparsed("Slack message names no person");
    }
    if event.user.as_str() == "USLACKBOT" {
        return Intake::Ignored("a message of Slackbot");
    }
    let is_reply = is_reply(event);
    let is_addressed = event.kind.as_str() == "app_mention"
        || is_direct(event)
        || mrkdwn::mentions(event.text.as_str()).any(|user| context.is_own_user(user));
    let role = match (is_reply, is_addressed, context.rules.intake) {
        (false, _, SlackIntake::All) | (false, true, SlackIntake::Mention) => MessageRole::Message,
        (false, true, SlackIntake::Emoji) if is_direct(event) => MessageRole::Message,
        (false, _, SlackIntake::Mention) => return Intake::Ignored("a message that does not mention us"),
        (false, _, SlackIntake::Emoji) => return Intake::Ignored("a message that nobody marked"),
        // Who mentions us below a message that was no report wants a ticket; else a thread goes on without us.
        (true, true, SlackIntake::All | SlackIntake::Mention) => MessageRole::Reply,
        (true, _, _) => MessageRole::Comment,
    };
    written(event, event.channel.as_str(), context, role)
}

/// A message of a person, in its thread.
pub(super) fn written(event: &Event<'_>, channel: &str, context: &Context<'_>, role: MessageRole) -> Intake {
    let Some(external_id) = message_id(context.team, channel, event.ts.as_str()) else {
        return Intake::Unparsed("Slack message has no usable id");
    };
    let text = words(event, context);
    let files: Vec<AnnouncedFile> = event.files.iter().filter_map(|raw| file(raw.get())).collect();
    if text.is_empty() && files.is_empty() {
        return Intake::Ignored("a message without words");
    }
    Intake::Message(Box::new(InboundMessage {
        channel: Channel::Slack,
        external_id,
        thread: slack_thread(context, channel, event.thread_ts.get().unwrap_or(event.ts.as_str())),
        role,
        author: person(event.user.as_str()),
        text,
        stated: Stated::default(),
        files,
        quotes: None,
        sent_at: moment(event.ts.as_str()),
    }))
}

/// A message that somebody wants a ticket of, as the API gives it. A reply belongs to its thread's ticket, if that has one.
pub(super) fn fetched(event: &Event<'_>, channel: &str, wanted: &WantedMessage, context: &Context<'_>) -> Intake {
    if context.is_own(event) {
        return Intake::Ignored("our own message");
    }
    let role = if is_reply(event) {
        MessageRole::Reply
    } else {
        MessageRole::Message
    };
    match written(event, channel, context, role) {
        Intake::Message(mut message) if message.external_id == wanted.external_id => {
            // A bot's post has no author to answer; then whoever asked for the ticket stands for it.
            if is_bot(event) || message.author.external_user_id.is_empty() {
                message.author = person(&wanted.asked_by);
            }
            Intake::Message(message)
        }
        Intake::Message(_) => Intake::Unparsed("Slack gave another message than the one asked for"),
        other => other,
    }
}

/// Workflows and form apps post as bots: their forms are reports of whoever filled them in.
fn bot_post(event: &Event<'_>, context: &Context<'_>) -> Intake {
    let listed = &context.rules.workflow_bot_ids;
    let is_listed = event.bot_id.get().is_some_and(|bot| listed.iter().any(|id| id == bot));
    if !is_listed && !listed.is_empty() {
        return Intake::Ignored("a bot's message");
    }
    let Some(external_id) = message_id(context.team, event.channel.as_str(), event.ts.as_str()) else {
        return Intake::Unparsed("Slack message has no usable id");
    };
    let marked = if event.text.get().is_some() {
        event.text.as_str()
    } else {
        ""
    };
    let mut form = Form::from_post(marked);
    if !form.is_report() {
        // Many forms say in their text only that there is one, and fill it in below.
        let below = Form::from_post(&blocks_text(event));
        if below.is_report() || (marked.trim().is_empty() && below.has_words()) {
            form = below;
        }
    }
    if !(form.is_report() || (is_listed && form.has_words())) {
        if !is_listed {
            return Intake::Ignored("a bot's message");
        }
        form = Form::default();
        form.put("description", &words(event, context));
        if !form.has_words() {
            return Intake::Ignored("a message without words");
        }
    }
    // Without a submitter the form itself is who reports, and the thread is still the way back.
    let named = form.reporter.as_deref().and_then(|text| first_user(text, context));
    let submitter = named.or_else(|| first_user(marked, context));
    let mut author = person(
        submitter
            .or(event.user.get())
            .or(event.bot_id.get())
            .unwrap_or_default(),
    );
    if author.external_user_id.is_empty() {
        return Intake::Unparsed("Slack form names neither person nor bot");
    }
    author.email = form.email.take().map(|email| mrkdwn::to_text(&email, &[]));
    let (stated, text) = form.into_parts();
    Intake::Message(Box::new(InboundMessage {
        channel: Channel::Slack,
        external_id,
        thread: thread(event, context),
        role: MessageRole::Report,
        author,
        text: mrkdwn::to_text(&text, &context.own_users),
        stated: Stated {
            title: stated.title.map(|title| mrkdwn::to_text(&title, &[])),
            ..stated
        },
        files: event.files.iter().filter_map(|raw| file(raw.get())).collect(),
        quotes: None,
        sent_at: moment(event.ts.as_str()),
    }))
}

fn first_user<'t>(marked: &'t str, context: &Context<'_>) -> Option<&'t str> {
    mrkdwn::mentions(marked).find(|user| is_user_id(user) && !context.is_own_user(user))
}

/// An edit counts where the words differ: Slack also sends one for each link preview and each reply below.
fn changed(event: &Event<'_>, context: &Context<'_>) -> Intake {
    let Some(message) = event.message.as_deref() else {
        return Intake::Unparsed("Slack edit holds no message");
    };
    let before = event.previous_message.as_deref();
    let ts = message.ts.get().or_else(|| before?.ts.get()).unwrap_or_default();
    if message.subtype.as_str() == "tombstone" {
        return deleted(ts, event, context);
    }
    if context.is_own(message) || is_bot(message) {
        return Intake::Ignored("an edit by us or another bot");
    }
    let text = words(message, context);
    let is_same = match before {
        Some(before) => words(before, context) == text,
        // Slack marks what a person changed, and nothing else.
        None => message.edited.is_none_or(|edited| edited.get() == "null"),
    };
    if is_same {
        return Intake::Ignored("an edit that changes no words");
    }
    let channel = event.channel.get().or(message.channel.get()).unwrap_or_default();
    if !is_heard(channel, context) && !is_direct(event) {
        return Intake::Ignored("in a channel that is not configured");
    }
    let Some(external_id) = message_id(context.team, channel, ts) else {
        return Intake::Unparsed("Slack edit names no usable message");
    };
    if message.user.get().is_none() {
        return Intake::Unparsed("Slack edit names no person");
    }
    Intake::Edited(Box::new(EditedMessage {
        channel: Channel::Slack,
        external_id,
        thread: slack_thread(context, channel, message.thread_ts.get().unwrap_or(ts)),
        author: person(message.user.as_str()),
        text,
        edited_at: moment(event.ts.get().unwrap_or(event.event_ts.as_str())),
    }))
}

fn deleted(ts: &str, event: &Event<'_>, context: &Context<'_>) -> Intake {
    if event
        .previous_message
        .as_ref()
        .is_some_and(|message| context.is_own(message))
    {
        return Intake::Ignored("our own message was deleted");
    }
    match message_id(context.team, event.channel.as_str(), ts) {
        Some(id) => Intake::Deleted(DeletedMessage {
            channel: Channel::Slack,
            what: Deleted::Message(id),
            at: moment(event.event_ts.get().unwrap_or(event.ts.as_str())),
        }),
        None => Intake::Unparsed("Slack deletion names no usable message"),
    }
}

/// Subtypes that are no message of a person.
fn noise(subtype: &str) -> Intake {
    const KNOWN: [&str; 28] = [
        "message_replied",
        "tombstone",
        "assistant_app_thread",
        "bot_add",
        "bot_remove",
        "bot_enable",
        "bot_disable",
        "pinned_item",
        "unpinned_item",
        "reminder_add",
        "reminder_delete",
        "ekm_access_denied",
        "file_comment",
        "file_mention",
        "huddle_thread",
        "joiner_notification",
        "joiner_notification_for_inviter",
        "sh_room_created",
        "sh_room_shared",
        "bot_removed",
        "group_join",
        "app_conversation_join",
        "document_mention",
        "list_record_comment",
        "slackbot_response",
        "channel_canvas_updated",
        "lifecycle",
        "convert_to_private",
    ];
    if subtype.starts_with("channel_") || subtype.starts_with("group_") || KNOWN.contains(&subtype) {
        Intake::Ignored("Slack's word on a channel, no message of a person")
    } else {
        Intake::Unparsed("Slack message is of an unknown subtype")
    }
}

/// The words of a message: its text, or what stands in its blocks and attachments where it has none.
pub(super) fn words(event: &Event<'_>, context: &Context<'_>) -> String {
    let text = mrkdwn::to_text(event.text.as_str(), &context.own_users);
    if event.text.as_str().trim().is_empty() {
        blocks_text(event)
    } else {
        text
    }
}

fn blocks_text(event: &Event<'_>) -> String {
    let parts = [event.blocks, event.attachments];
    let texts = parts.into_iter().flatten().map(|raw| blocks::to_text(raw.get()));
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

fn thread(event: &Event<'_>, context: &Context<'_>) -> ThreadRef {
    slack_thread(
        context,
        event.channel.as_str(),
        event.thread_ts.get().unwrap_or(event.ts.as_str()),
    )
}

fn slack_thread(context: &Context<'_>, channel: &str, root: &str) -> ThreadRef {
    ThreadRef::Slack {
        team: context.team.to_owned(),
        channel: channel.to_owned(),
        thread_ts: Some(root.to_owned()),
    }
}

fn is_reply(event: &Event<'_>) -> bool {
    event.thread_ts.get().is_some_and(|root| root != event.ts.as_str())
}

fn is_bot(event: &Event<'_>) -> bool {
    event.subtype.as_str() == "bot_message" || event.bot_id.get().is_some() || event.bot_profile.is_some()
}

/// A direct message to our app: whoever writes there means us.
fn is_direct(event: &Event<'_>) -> bool {
    event.channel_type.as_str() == "im" || event.channel.as_str().starts_with('D')
}

/// True for a channel whose messages count.
pub(super) fn is_heard(channel: &str, context: &Context<'_>) -> bool {
    let channels = &context.rules.channels;
    channels.is_empty() || channels.iter().any(|id| id == channel) || channel.starts_with('D')
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    name: Loose<'a>,
    #[serde(borrow, default)]
    mimetype: Loose<'a>,
    #[serde(borrow, default)]
    size: Loose<'a>,
    #[serde(borrow, default)]
    mode: Loose<'a>,
    #[serde(borrow, default)]
    url_private_download: Loose<'a>,
    #[serde(borrow, default)]
    url_private: Loose<'a>,
}

/// A file; by its id where the payload holds no address, as for files of another workspace.
fn file(raw: &str) -> Option<AnnouncedFile> {
    let file: File<'_> = wire::read(raw)?;
    if matches!(file.mode.as_str(), "tombstone" | "hidden_by_limit") {
        return None;
    }
    let reference = file
        .url_private_download
        .owned()
        .or(file.url_private.owned())
        .or(file.id.owned())?;
    Some(AnnouncedFile {
        reference,
        name: file.name.owned(),
        content_type: file.mimetype.owned(),
        size_bytes: file.size.get().and_then(|size| size.parse().ok()),
    })
}
