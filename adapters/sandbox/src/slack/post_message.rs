//! `chat.postMessage`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, SlackAuthor, SlackMessage, State, arguments::Arguments, refusal, web_api::warn};
use crate::{
    config::Echoes,
    webhooks::slack::{App, envelope},
    world::World,
};

/// Longer texts are cut.
const TEXT_LIMIT: usize = 40_000;
const MARKDOWN_LIMIT: usize = 12_000;
const BLOCK_LIMIT: usize = 50;
const ATTACHMENT_LIMIT: usize = 100;
const METADATA_LIMIT: usize = 3_000;

pub(super) fn post_message(world: &Arc<World>, arguments: &Arguments) -> Answer {
    let draft = Draft::read(arguments)?;
    let now = world.clock.now();
    let mut state = world.slack.lock();
    let channel = writable_channel(&mut state, draft.channel)?;
    let root = draft.thread_ts.filter(|ts| is_root(&state, &channel, ts));
    let message = SlackMessage {
        at: now,
        ts: state.next_ts(now),
        thread_ts: root.map(ToOwned::to_owned),
        author: SlackAuthor::App,
        text: draft.text.chars().take(TEXT_LIMIT).collect(),
        metadata: draft.metadata,
        is_broadcast: root.is_some() && draft.is_broadcast,
        blocks: draft.blocks,
        channel,
    };
    state.messages.push(message.clone());
    drop(state);

    let mut fields = json!({"channel": message.channel, "ts": message.ts, "message": shape(world, &message)});
    if draft.text.chars().nth(TEXT_LIMIT).is_some() {
        warn(&mut fields, "message_truncated");
    }
    echo(world, &message);
    Ok(fields)
}

/// The arguments, each checked on its own.
struct Draft<'a> {
    channel: &'a str,
    thread_ts: Option<&'a str>,
    text: &'a str,
    metadata: Option<Value>,
    blocks: Option<Value>,
    is_broadcast: bool,
}

impl<'a> Draft<'a> {
    fn read(arguments: &'a Arguments) -> Result<Self, &'static str> {
        let channel = arguments.required("channel", "channel_not_found")?;
        let text = arguments.text("text")?.unwrap_or_default();
        let markdown = arguments.text("markdown_text")?.unwrap_or_default();
        let blocks = arguments.structure("blocks").map_err(|_| "invalid_blocks_format")?;
        let attachments = arguments.structure("attachments")?;
        check_list(blocks.as_ref(), BLOCK_LIMIT, "invalid_blocks_format", "invalid_blocks")?;
        check_list(
            attachments.as_ref(),
            ATTACHMENT_LIMIT,
            "invalid_attachments",
            "too_many_attachments",
        )?;
        if !markdown.is_empty() && (!text.is_empty() || blocks.is_some()) {
            return Err("markdown_text_conflict");
        }
        if markdown.chars().count() > MARKDOWN_LIMIT {
            return Err("msg_too_long");
        }
        let has_content = |list: &Option<Value>| {
            list.as_ref()
                .and_then(Value::as_array)
                .is_some_and(|list| !list.is_empty())
        };
        if text.trim().is_empty() && markdown.trim().is_empty() && !has_content(&blocks) && !has_content(&attachments) {
            return Err("no_text");
        }
        let metadata = arguments.structure("metadata").map_err(|_| "invalid_metadata_format")?;
        if let Some(metadata) = &metadata {
            check_metadata(metadata)?;
        }
        Ok(Self {
            channel,
            thread_ts: arguments.text("thread_ts")?.filter(|ts| !ts.is_empty()),
            text: if markdown.is_empty() { text } else { markdown },
            metadata,
            blocks,
            is_broadcast: arguments.is_set("reply_broadcast"),
        })
    }
}

fn check_list(
    list: Option<&Value>,
    limit: usize,
    no_list: &'static str,
    too_long: &'static str,
) -> Result<(), &'static str> {
    let Some(list) = list else { return Ok(()) };
    let list = list.as_array().ok_or(no_list)?;
    if list.len() > limit { Err(too_long) } else { Ok(()) }
}

fn check_metadata(metadata: &Value) -> Result<(), &'static str> {
    if !metadata["event_type"].is_string() || !metadata["event_payload"].is_object() {
        return Err("invalid_metadata_format");
    }
    if metadata["event_payload"].to_string().len() > METADATA_LIMIT {
        return Err("metadata_too_large");
    }
    Ok(())
}

/// Channels go by id only. A person's id means their direct messages.
fn writable_channel(state: &mut State, channel: &str) -> Result<String, &'static str> {
    if channel.starts_with(['U', 'W']) {
        return state.open_dm(channel).map(|(id, _)| id).ok_or("channel_not_found");
    }
    let known = state.channels.get(channel).ok_or("channel_not_found")?;
    match refusal(known) {
        Some(code) => Err(code),
        None => Ok(known.id.clone()),
    }
}

/// A `thread_ts` that is no root does not fail: the message then stands in the channel, and says so by having no thread.
fn is_root(state: &State, channel: &str, ts: &str) -> bool {
    state
        .message(channel, ts)
        .is_some_and(|message| message.thread_ts.is_none())
}

/// A message of the app as Slack shows it.
pub(super) fn shape(world: &World, message: &SlackMessage) -> Value {
    let account = &world.config.slack;
    let mut shape = json!({"type": "message", "ts": message.ts, "text": message.text, "team": account.team_id});
    match &message.author {
        SlackAuthor::Person(user) => shape["user"] = json!(user),
        SlackAuthor::App => {
            shape["user"] = json!(account.bot_user_id);
            shape["bot_id"] = json!(account.bot_id);
            shape["app_id"] = json!(account.app_id);
            shape["bot_profile"] = json!({
                "id": account.bot_id, "app_id": account.app_id, "team_id": account.team_id, "name": "Feedback", "deleted": false,
                "updated": 1_767_225_600,
            });
        }
        SlackAuthor::ResponseUrl => {
            shape["subtype"] = json!("bot_message");
            shape["bot_id"] = json!(account.bot_id);
        }
    }
    let optional = [
        ("thread_ts", message.thread_ts.as_ref().map(|ts| json!(ts))),
        ("metadata", message.metadata.clone()),
        ("blocks", message.blocks.clone()),
        ("subtype", message.is_broadcast.then(|| json!("thread_broadcast"))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            shape[name] = value;
        }
    }
    shape
}

/// Slack announces the app's own messages to it, too: as a message with `bot_id` and without a subtype.
pub(super) fn echo(world: &Arc<World>, message: &SlackMessage) {
    if world.config.echoes == Echoes::Off {
        return;
    }
    let account = &world.config.slack;
    let mut event = shape(world, message);
    if let Some(event) = event.as_object_mut() {
        event.remove("metadata");
    }
    event["channel"] = json!(message.channel);
    event["channel_type"] = json!(if message.channel.starts_with('D') {
        "im"
    } else {
        "channel"
    });
    event["event_ts"] = json!(message.ts);
    let app = App {
        team_id: &account.team_id,
        app_id: &account.app_id,
        bot_user_id: &account.bot_user_id,
    };
    world.announce(envelope(app, &world.ids.slack("Ev"), message.at.timestamp(), event));
}
