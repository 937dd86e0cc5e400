//! Slack's Events API: the envelope, and which of its events concern us.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    super::{
        Answer, Intake, Normalized, WantedMessage,
        wire::{self, Items, Loose, nullable},
    },
    FOREIGN_TEAM, SlackRules, function, message, message_id, moment, person,
};
use crate::{
    domain::{Channel, ThreadRef},
    logic::verify::whatsapp::is_echoable,
};

/// Reads an event delivery.
pub(super) fn normalize(body: &[u8], rules: &SlackRules) -> Normalized {
    let Some(text) = wire::open(body) else {
        return Normalized::of(Intake::Unparsed("Slack delivery is nested too deeply"));
    };
    let mut normalized = match wire::read::<Envelope<'_, Event<'_>>>(&text.text) {
        Some(envelope) => envelope.read(rules),
        // An event whose fields have other types than a message's may still be one that we know to be none of ours.
        None => match wire::read::<Envelope<'_, Named<'_>>>(&text.text) {
            Some(envelope) => Normalized::of(match envelope.event {
                Some(event) => unreadable(event.kind.as_str()),
                None => Intake::Unparsed("Slack delivery has an unknown shape"),
            }),
            None => Normalized::of(Intake::Unparsed("body is no Slack delivery")),
        },
    };
    normalized.lossy = text.lossy;
    normalized
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "E: Deserialize<'de>"))]
struct Envelope<'a, E> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow, default)]
    challenge: Loose<'a>,
    #[serde(borrow, default)]
    team_id: Loose<'a>,
    #[serde(borrow, default)]
    context_team_id: Loose<'a>,
    #[serde(borrow, default)]
    api_app_id: Loose<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    authorizations: Vec<Authorization<'a>>,
    #[serde(default = "none")]
    event: Option<E>,
}

/// Spares the event's type a default of its own.
fn none<E>() -> Option<E> {
    None
}

#[derive(Deserialize)]
struct Authorization<'a> {
    #[serde(borrow, default)]
    team_id: Loose<'a>,
    #[serde(borrow, default)]
    user_id: Loose<'a>,
    #[serde(default)]
    is_bot: wire::Flag,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
}

/// An event, or a message inside one: the fields of all kinds together. The ones that other kinds use for other things
/// read as absent there.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Loose<'a>,
    #[serde(borrow)]
    pub(super) subtype: Loose<'a>,
    #[serde(borrow)]
    pub(super) channel: Loose<'a>,
    #[serde(borrow)]
    pub(super) channel_type: Loose<'a>,
    #[serde(borrow)]
    pub(super) user: Loose<'a>,
    #[serde(borrow)]
    pub(super) text: Loose<'a>,
    #[serde(borrow)]
    pub(super) ts: Loose<'a>,
    #[serde(borrow)]
    pub(super) thread_ts: Loose<'a>,
    #[serde(borrow)]
    pub(super) event_ts: Loose<'a>,
    #[serde(borrow)]
    pub(super) deleted_ts: Loose<'a>,
    #[serde(borrow)]
    pub(super) bot_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) app_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) username: Loose<'a>,
    #[serde(borrow)]
    pub(super) bot_profile: Option<BotProfile<'a>>,
    // Words are looked for in these only where the text is empty, so they stay unread until then.
    #[serde(borrow)]
    pub(super) blocks: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) attachments: Option<&'a RawValue>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub(super) files: Items<'a>,
    #[serde(borrow)]
    pub(super) edited: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) message: Option<Box<Event<'a>>>,
    #[serde(borrow)]
    pub(super) previous_message: Option<Box<Event<'a>>>,
    #[serde(borrow)]
    reaction: Loose<'a>,
    #[serde(borrow)]
    item_user: Loose<'a>,
    #[serde(borrow)]
    item: Option<Item<'a>>,
    #[serde(borrow)]
    pub(super) function: Option<function::Function<'a>>,
    #[serde(borrow)]
    pub(super) inputs: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) function_execution_id: Loose<'a>,
}

#[derive(Deserialize)]
pub(super) struct BotProfile<'a> {
    #[serde(borrow, default)]
    pub(super) app_id: Loose<'a>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow, default)]
    channel: Loose<'a>,
    #[serde(borrow, default)]
    ts: Loose<'a>,
}

/// Who and where we are, by the delivery's own word and by configuration.
pub(super) struct Context<'e> {
    /// The workspace that the app is installed in; with Slack Connect the author's may be another.
    pub(super) team: &'e str,
    /// Our app, as the envelope names it.
    pub(super) app: &'e str,
    /// Our bot as a person.
    pub(super) own_users: Vec<&'e str>,
    /// Configuration.
    pub(super) rules: &'e SlackRules,
}

impl Context<'_> {
    /// True for a message that our own app or bot posted.
    pub(super) fn is_own(&self, event: &Event<'_>) -> bool {
        let listed = |list: &[String], id: &str| !id.is_empty() && list.iter().any(|own| own == id);
        let profile_app = event.bot_profile.as_ref().map_or("", |profile| profile.app_id.as_str());
        let is_own_app = |app: &str| !app.is_empty() && (app == self.app || listed(&self.rules.own_app_ids, app));
        listed(&self.rules.own_bot_ids, event.bot_id.as_str())
            || self.is_own_user(event.user.as_str())
            || is_own_app(event.app_id.as_str())
            || is_own_app(profile_app)
    }

    /// True for our bot as a person.
    pub(super) fn is_own_user(&self, user: &str) -> bool {
        !user.is_empty() && self.own_users.contains(&user)
    }
}

impl Envelope<'_, Event<'_>> {
    fn read(&self, rules: &SlackRules) -> Normalized {
        match self.kind.as_str() {
            "event_callback" => Normalized {
                answer: Answer::Empty,
                items: match &self.event {
                    Some(event) => self.event_items(event, rules),
                    None => vec![Intake::Unparsed("Slack delivery holds no event")],
                },
                lossy: false,
            },
            "url_verification" if is_echoable(self.challenge.as_str()) => Normalized {
                answer: Answer::Challenge(self.challenge.as_str().to_owned()),
                items: vec![Intake::Ignored("Slack asks whether the endpoint answers")],
                lossy: false,
            },
            "url_verification" => Normalized::of(Intake::Unparsed("Slack challenge is not printable, or too long")),
            "app_rate_limited" => Normalized::of(Intake::Notice(
                "Slack drops events of this workspace: over 30 000 in an hour",
            )),
            _ => Normalized::of(Intake::Unparsed("Slack delivery is of an unknown kind")),
        }
    }

    fn event_items(&self, event: &Event<'_>, rules: &SlackRules) -> Vec<Intake> {
        let installed = self
            .authorizations
            .iter()
            .find_map(|authorization| authorization.team_id.get());
        let bots = self
            .authorizations
            .iter()
            .filter(|authorization| authorization.is_bot.0);
        let context = Context {
            team: installed
                .or(self.context_team_id.get())
                .or(self.team_id.get())
                .unwrap_or_default(),
            app: self.api_app_id.as_str(),
            own_users: bots
                .filter_map(|bot| bot.user_id.get())
                .chain(rules.own_user_ids.iter().map(String::as_str))
                .collect(),
            rules,
        };
        if context.team.is_empty() {
            return vec![Intake::Unparsed("Slack event names no workspace")];
        }
        if !rules.is_ours(context.team) {
            return vec![FOREIGN_TEAM];
        }
        vec![match event.kind.as_str() {
            "message" | "app_mention" => message::item(event, &context),
            "reaction_added" => reaction(event, &context),
            "function_executed" => return function::items(event, &context),
            "member_left_channel" if context.is_own_user(event.user.as_str()) => {
                Intake::Notice("our bot was taken out of a Slack channel: nothing more is heard from there")
            }
            kind => notice(kind).unwrap_or_else(|| other(kind)),
        }]
    }
}

/// Events that a person should know of, since reports or answers stop with them.
fn notice(kind: &str) -> Option<Intake> {
    match kind {
        "app_uninstalled" | "tokens_revoked" => Some(Intake::Notice("Slack withdrew our access to a workspace")),
        "channel_archive" | "group_archive" | "channel_deleted" | "group_deleted" => Some(Intake::Notice(
            "a Slack channel was archived or deleted: answers into it will be refused",
        )),
        _ => None,
    }
}

/// An emoji that makes a ticket. The payload names the message and not its words.
fn reaction(event: &Event<'_>, context: &Context<'_>) -> Intake {
    let emoji = event.reaction.as_str().split("::").next().unwrap_or_default();
    if !context
        .rules
        .emojis
        .iter()
        .any(|wanted| wanted.trim_matches(':') == emoji)
    {
        return Intake::Ignored("a reaction that makes no ticket");
    }
    let (Some(item), Some(asked_by)) = (&event.item, event.user.owned()) else {
        return Intake::Unparsed("Slack reaction names no message or person");
    };
    if item.kind.as_str() != "message" {
        return Intake::Ignored("a reaction to something other than a message");
    }
    if context.is_own_user(event.item_user.as_str()) || context.is_own_user(event.user.as_str()) {
        return Intake::Ignored("a reaction to our own message, or ours");
    }
    if !message::is_heard(item.channel.as_str(), context) {
        return Intake::Ignored("in a channel that is not configured");
    }
    let (channel, ts) = (item.channel.as_str(), item.ts.as_str());
    let Some(external_id) = message_id(context.team, channel, ts) else {
        return Intake::Unparsed("Slack reaction names no usable message");
    };
    Intake::Wanted(Box::new(WantedMessage {
        channel: Channel::Slack,
        external_id,
        thread: ThreadRef::Slack {
            team: context.team.to_owned(),
            channel: channel.to_owned(),
            thread_ts: Some(ts.to_owned()),
        },
        // Absent for a bot's post: then who asks stands for it.
        author: event.item_user.get().map_or_else(|| person(&asked_by), person),
        asked_by,
        asked_at: moment(event.event_ts.as_str()),
    }))
}

/// What to say of an event whose fields did not read.
fn unreadable(kind: &str) -> Intake {
    match kind {
        "message" | "app_mention" | "reaction_added" | "function_executed" => {
            Intake::Unparsed("Slack event has an unknown shape")
        }
        kind => notice(kind).unwrap_or_else(|| other(kind)),
    }
}

/// Events without reports, by the prefixes that Slack names them with.
fn other(kind: &str) -> Intake {
    const KNOWN: [&str; 34] = [
        "reaction_removed",
        "app_",
        "assistant_thread_",
        "bot_",
        "call_",
        "channel_",
        "commands_changed",
        "dnd_",
        "email_domain_changed",
        "emoji_changed",
        "entity_details_requested",
        "external_org_",
        "file_",
        "goodbye",
        "grid_migration_",
        "group_",
        "im_",
        "invite_requested",
        "link_shared",
        "member_",
        "message_metadata_",
        "mpim_",
        "pin_",
        "resources_",
        "scope_",
        "shared_channel_",
        "star_",
        "subteam_",
        "team_",
        "token",
        "url_verification",
        "user_",
        "workflow_",
        "function_",
    ];
    if KNOWN.iter().any(|prefix| kind.starts_with(prefix)) {
        Intake::Ignored("a Slack event without a report")
    } else {
        Intake::Unparsed("Slack event is of an unknown kind")
    }
}
