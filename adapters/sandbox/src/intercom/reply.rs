//! `POST /conversations/{id}/reply`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::IntoResponse,
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Answer, IntercomPart, IntercomPartAuthor, IntercomPartKind, Refusal, authorize, html,
    shape::{self, DisplayAs},
};
use crate::{config::Echoes, webhooks::intercom::notification, world::World};

const ATTACHMENT_LIMIT: usize = 10;

pub(super) async fn reply(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    authorize(&world, &headers)?;
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value
                .split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        });
    if !is_json {
        return Err(Refusal::of(&world, "media_type_not_acceptable"));
    }
    let request: Value = serde_json::from_slice(&body).map_err(|_| Refusal::of(&world, "bad_request"))?;
    let draft = Draft::read(&world, &request)?;

    let now = world.clock.now();
    let part = IntercomPart {
        id: world.ids.digits(11),
        at: now,
        kind: draft.kind,
        author: draft.author,
        body: draft.body,
    };
    let mut state = world.intercom.lock();
    let Some(conversation) = state.conversations.get_mut(&id) else {
        return Err(Refusal::of(&world, "not_found"));
    };
    conversation.parts.push(part.clone());
    let conversation = conversation.clone();
    let whole = shape::conversation(&world, &state, &conversation, DisplayAs::Html);
    let echoed = shape::conversation_with_part(&world, &state, &conversation, &part);
    drop(state);
    echo(&world, &part, echoed);
    Ok(Json(whole).into_response())
}

/// The request, each field checked.
struct Draft {
    kind: IntercomPartKind,
    author: IntercomPartAuthor,
    body: String,
}

impl Draft {
    fn read(world: &World, request: &Value) -> Result<Self, Refusal> {
        let missing = |field: &str| Refusal::new(world, 400, "parameter_not_found", &format!("{field} is required"));
        let invalid = |message: &str| Refusal::new(world, 400, "parameter_invalid", message);

        let kind = match request["message_type"].as_str() {
            Some("comment") => IntercomPartKind::Comment,
            Some("note") => IntercomPartKind::Note,
            Some("quick_reply") => {
                return Err(invalid(
                    "quick_reply needs reply_options, which the sandbox does not have",
                ));
            }
            Some(_) => return Err(invalid("message_type is invalid")),
            None => return Err(missing("message_type")),
        };
        let author = match request["type"].as_str() {
            Some("admin") => {
                // The specification says string, official examples send numbers.
                let admin_id = match &request["admin_id"] {
                    Value::String(id) => id.clone(),
                    Value::Number(id) => id.to_string(),
                    _ => return Err(missing("admin_id")),
                };
                if admin_id != world.config.intercom.admin_id {
                    return Err(Refusal::new(world, 404, "not_found", "Resource Not Found"));
                }
                IntercomPartAuthor::Admin(admin_id)
            }
            Some("user") => match request["intercom_user_id"].as_str() {
                Some(id) if world.intercom.lock().contacts.contains_key(id) => {
                    IntercomPartAuthor::Contact(id.to_owned())
                }
                Some(_) => {
                    return Err(Refusal::new(world, 404, "not_found", "User Not Found"));
                }
                None => return Err(missing("intercom_user_id")),
            },
            Some(_) => return Err(invalid("type is invalid")),
            None => return Err(missing("type")),
        };
        if matches!(
            (kind, &author),
            (IntercomPartKind::Note, IntercomPartAuthor::Contact(_))
        ) {
            return Err(invalid("only admins write notes"));
        }
        let body = match &request["body"] {
            Value::String(body) if !body.trim().is_empty() => html::from_api(body),
            Value::String(_) | Value::Null => return Err(missing("body")),
            _ => return Err(invalid("body must be a string")),
        };
        for list in ["attachment_urls", "attachment_files"] {
            match &request[list] {
                Value::Null => {}
                Value::Array(items) if items.len() <= ATTACHMENT_LIMIT => {}
                Value::Array(_) => return Err(invalid(&format!("{list} takes up to 10"))),
                _ => return Err(invalid(&format!("{list} must be an array"))),
            }
        }
        Ok(Self { kind, author, body })
    }
}

/// Intercom announces what teammates write, through the API as well.
fn echo(world: &Arc<World>, part: &IntercomPart, conversation: Value) {
    if world.config.echoes == Echoes::Off || !matches!(part.author, IntercomPartAuthor::Admin(_)) {
        return;
    }
    let topic = match part.kind {
        IntercomPartKind::Comment => "conversation.admin.replied",
        IntercomPartKind::Note => "conversation.admin.noted",
    };
    let id = json!(format!("notif_{}", world.ids.uuid()));
    let app_id = &world.config.intercom.app_id;
    world.announce(notification(app_id, topic, id.as_str(), part.at, conversation));
}
