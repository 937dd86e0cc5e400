//! Teammates and contacts.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::IntoResponse,
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Answer, IntercomContact, Refusal, authorize, shape};
use crate::world::World;

pub(super) async fn me(State(world): State<Arc<World>>, headers: HeaderMap) -> Answer {
    authorize(&world, &headers)?;
    let mut admin = shape::admin(&world.config.intercom);
    admin["app"] = json!({
        "type": "app", "id_code": world.config.intercom.app_id, "name": "Sandbox", "created_at": 1_767_225_600, "secure": false,
        "identity_verification": false, "timezone": "America/Argentina/Buenos_Aires", "region": "US",
    });
    Ok(Json(admin).into_response())
}

pub(super) async fn admins(State(world): State<Arc<World>>, headers: HeaderMap) -> Answer {
    authorize(&world, &headers)?;
    Ok(Json(json!({"type": "admin.list", "admins": [shape::admin(&world.config.intercom)]})).into_response())
}

pub(super) async fn show(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    authorize(&world, &headers)?;
    let state = world.intercom.lock();
    let contact = state
        .contacts
        .get(&id)
        .ok_or_else(|| Refusal::of(&world, "not_found"))?;
    Ok(Json(shape::contact(&world.config.intercom, contact)).into_response())
}

/// Search by one field: `email`, `phone` or `external_id`, with `=`.
pub(super) async fn search(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Answer {
    authorize(&world, &headers)?;
    let invalid = || Refusal::of(&world, "parameter_invalid");
    let request: Value = serde_json::from_slice(&body).map_err(|_| invalid())?;
    let query = &request["query"];
    let (Some(field), Some("="), Some(value)) = (
        query["field"].as_str(),
        query["operator"].as_str(),
        query["value"].as_str(),
    ) else {
        return Err(invalid());
    };
    let read = |contact: &IntercomContact| match field {
        "email" => Ok(contact.email.clone()),
        "phone" => Ok(contact.phone.clone()),
        "external_id" => Ok(contact.external_id.clone()),
        _ => Err(invalid()),
    };
    let mut found = Vec::new();
    for contact in world.intercom.lock().contacts.values() {
        if read(contact)?.is_some_and(|known| known.eq_ignore_ascii_case(value)) {
            found.push(shape::contact(&world.config.intercom, contact));
        }
    }
    let total = found.len();
    let pages = json!({"type": "pages", "page": 1, "per_page": 50, "total_pages": 1});
    Ok(Json(json!({"type": "list", "data": found, "total_count": total, "pages": pages})).into_response())
}
