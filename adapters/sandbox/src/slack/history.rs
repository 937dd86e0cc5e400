//! Reading channels and threads back.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Answer, SlackAuthor, SlackMessage, State, arguments::Arguments, post_message::shape};
use crate::{config::ChannelAccess, world::World};

const HISTORY_DEFAULT: usize = 100;
const HISTORY_LIMIT: usize = 999;
const REPLIES_LIMIT: usize = 1_000;

/// `conversations.history`: roots and broadcast replies, newest first.
pub(super) fn history(world: &Arc<World>, arguments: &Arguments) -> Answer {
    let state = world.slack.lock();
    let channel = readable_channel(&state, arguments)?;
    let window = Window::read(arguments, HISTORY_DEFAULT, HISTORY_LIMIT)?;
    let shown = |message: &&SlackMessage| message.thread_ts.is_none() || message.is_broadcast;
    let mut messages: Vec<&SlackMessage> = state
        .messages
        .iter()
        .filter(|message| message.channel == channel)
        .filter(shown)
        .collect();
    messages.reverse();
    messages.retain(|message| window.covers(&message.ts));
    Ok(window.page(messages, |message| view(world, &state, message, arguments)))
}

/// `conversations.replies`: the root, then the replies, oldest first. A reply's own `ts` gives that one message.
pub(super) fn replies(world: &Arc<World>, arguments: &Arguments) -> Answer {
    let state = world.slack.lock();
    let channel = readable_channel(&state, arguments)?;
    let ts = arguments.required("ts", "thread_not_found")?;
    let window = Window::read(arguments, REPLIES_LIMIT, REPLIES_LIMIT)?;
    let root = state.message(&channel, ts).ok_or("thread_not_found")?;
    let in_thread = |message: &&SlackMessage| {
        message.channel == channel && (message.ts == root.ts || message.thread_ts.as_deref() == Some(ts))
    };
    let messages: Vec<&SlackMessage> = state
        .messages
        .iter()
        .filter(in_thread)
        .filter(|message| message.ts == root.ts || window.covers(&message.ts))
        .collect();
    Ok(window.page(messages, |message| view(world, &state, message, arguments)))
}

/// `conversations.info`.
pub(super) fn channel_info(world: &Arc<World>, arguments: &Arguments) -> Answer {
    let id = arguments.required("channel", "channel_not_found")?;
    let state = world.slack.lock();
    let channel = state.channels.get(id).ok_or("channel_not_found")?;
    Ok(json!({"channel": {
        "id": channel.id,
        "name": channel.name,
        "is_channel": !id.starts_with('D'),
        "is_im": id.starts_with('D'),
        "is_private": false,
        "is_archived": channel.access == ChannelAccess::Archived,
        "is_member": channel.access == ChannelAccess::Member,
    }}))
}

/// Archived channels can be read, those of others cannot.
fn readable_channel(state: &State, arguments: &Arguments) -> Result<String, &'static str> {
    let id = arguments.required("channel", "channel_not_found")?;
    let channel = state.channels.get(id).ok_or("channel_not_found")?;
    if channel.access == ChannelAccess::NotMember {
        Err("not_in_channel")
    } else {
        Ok(channel.id.clone())
    }
}

/// A message as read back: a root knows its replies, a reply its root's author.
fn view(world: &World, state: &State, message: &SlackMessage, arguments: &Arguments) -> Value {
    let mut view = shape(world, message);
    if !arguments.is_set("include_all_metadata")
        && let Some(view) = view.as_object_mut()
    {
        view.remove("metadata");
    }
    let author = |message: &SlackMessage| match &message.author {
        SlackAuthor::Person(user) => user.clone(),
        SlackAuthor::App | SlackAuthor::ResponseUrl => world.config.slack.bot_user_id.clone(),
    };
    if let Some(root) = &message.thread_ts {
        if let Some(root) = state.message(&message.channel, root) {
            view["parent_user_id"] = json!(author(root));
        }
        return view;
    }
    let replies: Vec<&SlackMessage> = state
        .messages
        .iter()
        .filter(|reply| reply.channel == message.channel && reply.thread_ts.as_deref() == Some(message.ts.as_str()))
        .collect();
    if let Some(latest) = replies.last() {
        let mut users: Vec<String> = replies.iter().map(|reply| author(reply)).collect();
        users.sort();
        users.dedup();
        view["thread_ts"] = json!(message.ts);
        view["reply_count"] = json!(replies.len());
        view["reply_users_count"] = json!(users.len());
        view["reply_users"] = json!(users);
        view["latest_reply"] = json!(latest.ts);
        view["subscribed"] = json!(false);
    }
    view
}

/// Which part of the messages is asked for.
struct Window<'a> {
    oldest: Option<&'a str>,
    latest: Option<&'a str>,
    is_inclusive: bool,
    limit: usize,
    offset_ts: Option<String>,
}

impl<'a> Window<'a> {
    fn read(arguments: &'a Arguments, default: usize, limit: usize) -> Result<Self, &'static str> {
        let wanted = arguments.number("limit")?.unwrap_or(default);
        if wanted == 0 || wanted > limit {
            return Err("invalid_limit");
        }
        let offset_ts = match arguments.text("cursor")?.filter(|cursor| !cursor.is_empty()) {
            None => None,
            Some(cursor) => Some(open_cursor(cursor).ok_or("invalid_cursor")?),
        };
        Ok(Self {
            oldest: arguments.text("oldest")?,
            latest: arguments.text("latest")?,
            is_inclusive: arguments.is_set("inclusive"),
            limit: wanted,
            offset_ts,
        })
    }

    fn covers(&self, ts: &str) -> bool {
        let ts = micros(ts);
        let above = |bound: i64| ts > bound || (self.is_inclusive && ts == bound);
        let below = |bound: i64| ts < bound || (self.is_inclusive && ts == bound);
        self.oldest.is_none_or(|oldest| above(micros(oldest))) && self.latest.is_none_or(|latest| below(micros(latest)))
    }

    fn page(&self, messages: Vec<&SlackMessage>, view: impl Fn(&SlackMessage) -> Value) -> Value {
        let start = match &self.offset_ts {
            None => 0,
            Some(ts) => messages
                .iter()
                .position(|message| message.ts == *ts)
                .unwrap_or(messages.len()),
        };
        let shown: Vec<Value> = messages
            .iter()
            .skip(start)
            .take(self.limit)
            .map(|message| view(message))
            .collect();
        let next = messages.get(start + self.limit);
        let mut page = json!({"messages": shown, "has_more": next.is_some(), "pin_count": 0});
        if let Some(next) = next {
            page["response_metadata"]["next_cursor"] = json!(STANDARD.encode(format!("next_ts:{}", next.ts)));
        }
        page
    }
}

fn open_cursor(cursor: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("next_ts:").map(ToOwned::to_owned)
}

/// Bounds may come with fewer digits, or as whole seconds.
fn micros(ts: &str) -> i64 {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    seconds.parse::<i64>().unwrap_or(0) * 1_000_000 + fraction.parse::<i64>().unwrap_or(0)
}
