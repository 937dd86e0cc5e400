//! What Slack sends: events, slash commands and interactions, which share one endpoint and one signature.

use std::borrow::Cow;

use url::form_urlencoded;

use super::{
    Answer, Author, InboundMessage, Intake, MessageRole, Normalized, Stated, WantedForm, WantedMessage,
    wire::{self, clean},
};
use crate::{
    domain::{Channel, ExternalId, ThreadRef, Timestamp},
    logic::verify::{Payload, Verified},
};

mod blocks;
mod event;
mod function;
mod interaction;
mod message;
mod mrkdwn;

/// Which messages of a channel become tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SlackIntake {
    /// Every top-level message of a person.
    #[default]
    All,
    /// Only those that mention our app. Direct messages to it count as such.
    Mention,
    /// Only those that somebody marks with one of the emojis. Direct messages to our app count too.
    Emoji,
}

/// What the operator configured about Slack, and who we are there. Every list may be empty: then the delivery's own word
/// on our app and bot is what keeps our echoes out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SlackRules {
    /// Ids of our app (`A…`).
    pub own_app_ids: Vec<String>,
    /// Ids of our bot (`B…`).
    pub own_bot_ids: Vec<String>,
    /// Ids of our bot as a person (`U…`): who is mentioned.
    pub own_user_ids: Vec<String>,
    /// Workspaces (`T…`) whose deliveries are ours: one app, and with it one signing secret, may be installed in several. Empty:
    /// every workspace that the app is installed in.
    pub team_ids: Vec<String>,
    /// Channels whose messages count. Empty: every channel that the app was added to. Direct messages, commands, forms
    /// and shortcuts count everywhere.
    pub channels: Vec<String>,
    /// Which of their messages become tickets.
    pub intake: SlackIntake,
    /// Emojis, without colons, by which a person makes a ticket of a message. Empty: none does.
    pub emojis: Vec<String>,
    /// Bots (`B…`) whose posts are forms: each post is a report. Empty: any bot's post that reads as a form is one, which
    /// takes a title or description and at least one more field.
    pub workflow_bot_ids: Vec<String>,
    /// Callback ids of our modals, message shortcuts and workflow steps. Empty: all that the app has.
    pub callback_ids: Vec<String>,
}

/// Why a delivery of another workspace is left alone.
const FOREIGN_TEAM: Intake = Intake::Foreign("of a workspace that is not configured");

impl SlackRules {
    fn is_ours(&self, team: &str) -> bool {
        self.team_ids.is_empty() || self.team_ids.iter().any(|id| id == team)
    }

    fn allows_callback(&self, callback_id: &str) -> bool {
        self.callback_ids.is_empty() || self.callback_ids.iter().any(|id| id == callback_id)
    }
}

/// Reads a delivery. Retries are read like first attempts: a repeat is harmless by the ids of its messages, and the first
/// attempt may have died before anything was kept.
pub fn normalize(payload: &Verified<Payload>, rules: &SlackRules) -> Normalized {
    let payload = payload.get();
    if is_form(payload) {
        from_form(&payload.body, rules)
    } else {
        event::normalize(&payload.body, rules)
    }
}

/// Reads a message that Slack's API gave for one that somebody pointed at: the same message as the webhook's, by the same
/// id and with the same words. Only a delivery that was verified names a message to fetch.
pub(crate) fn fetched(body: &[u8], wanted: &WantedMessage, rules: &SlackRules) -> Normalized {
    let ThreadRef::Slack { team, channel, .. } = &wanted.thread else {
        return Normalized::of(Intake::Unparsed("the message to fetch is not of Slack"));
    };
    let Some(text) = wire::open(body) else {
        return Normalized::of(Intake::Unparsed("Slack message is nested too deeply"));
    };
    let context = event::Context {
        team,
        app: "",
        own_users: rules.own_user_ids.iter().map(String::as_str).collect(),
        rules,
    };
    let item = match wire::read::<event::Event<'_>>(&text.text) {
        Some(event) => message::fetched(&event, channel, wanted, &context),
        None => Intake::Unparsed("Slack message has an unknown shape"),
    };
    Normalized {
        lossy: text.lossy,
        ..Normalized::of(item)
    }
}

fn is_form(payload: &Payload) -> bool {
    match &payload.content_type {
        Some(kind) => kind
            .trim_start()
            .get(..FORM.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(FORM)),
        // A replayed body may have lost its headers; JSON always starts with its bracket.
        None => !payload.body.trim_ascii_start().starts_with(b"{"),
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn from_form(body: &[u8], rules: &SlackRules) -> Normalized {
    // Few enough to be looked through. As in a map, the last of a key counts.
    let fields: Vec<(Cow<'_, str>, Cow<'_, str>)> = form_urlencoded::parse(body).collect();
    let field = |name: &str| {
        let (_, text) = fields.iter().rfind(|(key, _)| key == name)?;
        Some(text.as_ref()).filter(|text| !text.is_empty())
    };
    let mut normalized = if let Some(interaction) = field("payload") {
        interaction::normalize(interaction, rules)
    } else if field("command").is_some() {
        let item = command(field, rules);
        let answer = match &item {
            Intake::Ignored(_) => form_instead(field),
            _ => None,
        };
        Normalized {
            answer: answer.map_or(Answer::Command, Answer::Form),
            items: vec![item],
            lossy: false,
        }
    } else if field("ssl_check").is_some() {
        Normalized::of(Intake::Ignored("Slack checks the certificate"))
    } else {
        Normalized::of(Intake::Unparsed("Slack form is neither command nor interaction"))
    };
    // The form parser replaces what is no Unicode without a word; only where it may have done so the bytes are looked at.
    let has_replacement = |text: &Cow<'_, str>| matches!(text, Cow::Owned(text) if text.contains('\u{fffd}'));
    let is_suspect = fields
        .iter()
        .any(|(key, text)| has_replacement(key) || has_replacement(text));
    normalized.lossy |= is_suspect && is_decoding_lossy(body);
    normalized
}

/// True where a form's bytes, decoded, are no Unicode.
fn is_decoding_lossy(body: &[u8]) -> bool {
    let bytes: Vec<u8> = percent_decoded(body).collect();
    std::str::from_utf8(&bytes).is_err()
}

fn percent_decoded(body: &[u8]) -> impl Iterator<Item = u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *body.get(at)?;
        let decoded = match (byte, digit(body.get(at + 1)), digit(body.get(at + 2))) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        at += if decoded.is_some() { 3 } else { 1 };
        Some(decoded.unwrap_or(byte))
    })
}

/// Who sends the command alone is asked for the words in a form.
fn form_instead<'f>(field: impl Fn(&str) -> Option<&'f str>) -> Option<WantedForm> {
    Some(WantedForm {
        trigger: field("trigger_id")?.to_owned(),
        user: clean(field("user_id")?),
        place: field("channel_id").filter(|id| is_channel_id(id)).map(clean),
    })
}

/// A command is a report by itself. It has no message and no time: `trigger_id` is its only unique value.
fn command<'f>(field: impl Fn(&str) -> Option<&'f str>, rules: &SlackRules) -> Intake {
    let (Some(team), Some(channel), Some(user)) = (field("team_id"), field("channel_id"), field("user_id")) else {
        return Intake::Unparsed("Slack command names no team, channel or person");
    };
    if !rules.is_ours(team) {
        return FOREIGN_TEAM;
    }
    let Ok(external_id) = ExternalId::parse(field("trigger_id").unwrap_or_default()) else {
        return Intake::Unparsed("Slack command has no usable trigger id");
    };
    let text = mrkdwn::to_text(field("text").unwrap_or_default(), &[]);
    if text.is_empty() {
        return Intake::Ignored("a command without words");
    }
    Intake::Message(Box::new(InboundMessage {
        channel: Channel::Slack,
        external_id,
        thread: ThreadRef::Slack {
            team: clean(team),
            channel: clean(channel),
            thread_ts: None,
        },
        role: MessageRole::Report,
        author: person(user),
        text,
        stated: Stated::default(),
        files: Vec::new(),
        quotes: None,
        sent_at: None,
    }))
}

/// Payloads name people by id alone; who that is, the directory says.
fn person(user: &str) -> Author {
    Author {
        external_user_id: clean(user),
        ..Author::default()
    }
}

/// A message's id. `None` for a `ts` that is none of Slack's: it is the message's identity, so it is never guessed.
fn message_id(team: &str, channel: &str, ts: &str) -> Option<ExternalId> {
    moment(ts)?;
    if team.is_empty() || channel.is_empty() {
        return None;
    }
    ExternalId::parse(format!("{team}:{channel}:{ts}")).ok()
}

/// The time that a `ts` says: seconds, a dot, six digits.
fn moment(ts: &str) -> Option<Timestamp> {
    let (seconds, micros) = ts.split_once('.')?;
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(seconds) || !is_digits(micros) || micros.len() != 6 {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let micros: i64 = micros.parse().ok()?;
    Timestamp::from_unix_micros(seconds.checked_mul(1_000_000)?.checked_add(micros)?)
}

/// True for the ids of channels, groups and direct messages.
fn is_channel_id(text: &str) -> bool {
    text.starts_with(['C', 'D', 'G']) && is_id(text)
}

/// True for the ids of people.
fn is_user_id(text: &str) -> bool {
    text.starts_with(['U', 'W']) && is_id(text)
}

fn is_id(text: &str) -> bool {
    (2..=32).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ts_is_read_to_the_microsecond_and_never_as_a_float() {
        assert_eq!(
            moment("1767225600.123459").unwrap().to_string(),
            "2026-01-01T00:00:00.123459Z"
        );
        for ts in [
            "1767225600",
            "1767225600.1",
            "1767225600.0001000",
            "-1.000000",
            ".000000",
            "9e9.000000",
            "",
        ] {
            assert_eq!(moment(ts), None, "{ts}");
        }
    }

    #[test]
    fn lossy_percent_encoding_is_noticed() {
        assert!(!is_decoding_lossy(b"text=caf%C3%A9+100%"));
        assert!(is_decoding_lossy(b"text=caf%E9"));
    }
}
