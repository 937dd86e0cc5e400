//! Response URLs: a bearer secret that takes five answers within half an hour.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{SlackAnswer, SlackAuthor, SlackMessage, post_message::echo};
use crate::world::World;

const USES: u32 = 5;
const LIFETIME: TimeDelta = TimeDelta::minutes(30);

/// An open response URL.
#[derive(Debug)]
pub(super) struct ResponseUrl {
    opened_at: DateTime<Utc>,
    channel: String,
    user: String,
    uses: u32,
}

impl ResponseUrl {
    pub(super) fn new(opened_at: DateTime<Utc>, channel: &str, user: &str) -> Self {
        Self {
            opened_at,
            channel: channel.to_owned(),
            user: user.to_owned(),
            uses: 0,
        }
    }
}

pub(super) async fn answer(
    State(world): State<Arc<World>>,
    Path((_, _, token)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    let Ok(Value::Object(answer)) = serde_json::from_slice(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_payload");
    };
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let response_type = text("response_type").unwrap_or("ephemeral");
    let Some(words) = text("text").filter(|text| !text.is_empty()) else {
        return refuse(StatusCode::BAD_REQUEST, "no_text");
    };
    if !matches!(response_type, "ephemeral" | "in_channel") {
        return refuse(StatusCode::BAD_REQUEST, "invalid_response_type");
    }
    let now = world.clock.now();
    let mut state = world.slack.lock();
    let Some(url) = state.response_urls.get_mut(&token) else {
        return refuse(StatusCode::NOT_FOUND, "invalid_url");
    };
    if now - url.opened_at > LIFETIME {
        return refuse(StatusCode::NOT_FOUND, "expired_url");
    }
    if url.uses == USES {
        return refuse(StatusCode::NOT_FOUND, "used_url");
    }
    url.uses += 1;
    let (channel, user) = (url.channel.clone(), url.user.clone());
    state.answers.push(SlackAnswer {
        at: now,
        channel: channel.clone(),
        user,
        response_type: response_type.to_owned(),
        text: words.to_owned(),
    });
    let message = (response_type == "in_channel").then(|| SlackMessage {
        at: now,
        channel,
        ts: state.next_ts(now),
        thread_ts: None,
        author: SlackAuthor::ResponseUrl,
        text: words.to_owned(),
        metadata: None,
        is_broadcast: false,
        blocks: None,
    });
    if let Some(message) = message {
        state.messages.push(message.clone());
        drop(state);
        echo(&world, &message);
    }
    "ok".into_response()
}

fn refuse(status: StatusCode, code: &str) -> Response {
    (status, Json(json!({"ok": false, "error": code}))).into_response()
}
