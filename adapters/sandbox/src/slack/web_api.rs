//! One entrance for all methods: who calls, and what for.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, arguments::Arguments, error, functions, history, post_message, users, views};
use crate::world::World;

pub(super) async fn call(
    State(world): State<Arc<World>>,
    Path(method): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let arguments = match Arguments::read(query.as_deref(), &headers, &body) {
        Ok(arguments) => arguments,
        Err(code) => return error(code),
    };
    if method != "api.test"
        && let Err(code) = authorize(&world, &headers, &arguments)
    {
        return error(code);
    }
    match answer(&world, &method, &arguments) {
        Ok(mut fields) => {
            fields["ok"] = json!(true);
            if arguments.misses_charset {
                warn(&mut fields, "missing_charset");
            }
            Json(fields).into_response()
        }
        Err(code) => error(code),
    }
}

/// Adds a warning to those that an answer may already have.
pub(super) fn warn(fields: &mut Value, code: &str) {
    let mut warnings: Vec<Value> = fields["response_metadata"]["warnings"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    warnings.push(json!(code));
    let joined: Vec<&str> = warnings.iter().filter_map(Value::as_str).collect();
    fields["warning"] = json!(joined.join(","));
    fields["response_metadata"]["warnings"] = json!(warnings);
}

fn authorize(world: &World, headers: &HeaderMap, arguments: &Arguments) -> Result<(), &'static str> {
    let header = crate::bearer::token(headers);
    let token = match header {
        Some(token) => Some(token),
        None => arguments.text("token")?,
    };
    match token {
        None => Err("not_authed"),
        Some(token) if token == world.config.slack.bot_token => Ok(()),
        Some(_) => Err("invalid_auth"),
    }
}

fn answer(world: &Arc<World>, method: &str, arguments: &Arguments) -> Answer {
    match method {
        "api.test" => Ok(json!({})),
        "auth.test" => Ok(users::auth_test(world)),
        "bots.info" => users::bot_info(world, arguments),
        "chat.postMessage" => post_message::post_message(world, arguments),
        "conversations.history" => history::history(world, arguments),
        "conversations.info" => history::channel_info(world, arguments),
        "conversations.open" => users::open_conversation(world, arguments),
        "conversations.replies" => history::replies(world, arguments),
        "functions.completeError" => functions::complete_error(world, arguments),
        "functions.completeSuccess" => functions::complete_success(world, arguments),
        "files.info" => users::file_info(world, arguments),
        "users.info" => users::info(world, arguments),
        "users.lookupByEmail" => users::lookup_by_email(world, arguments),
        "views.open" => views::open(world, arguments),
        _ => Err("unknown_method"),
    }
}
