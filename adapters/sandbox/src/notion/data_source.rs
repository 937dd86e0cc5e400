//! The database and its one data source.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Value, json};

use super::{Refusal, Version, authorize, bare, finish, rich_text};
use crate::world::World;

const TITLE: &str = "Feedback";

pub(super) async fn database(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let account = &world.config.notion;
    let answer = authorize(&world, &headers).and_then(|version| {
        if bare(&id) != bare(&account.database_id) {
            return Err(Refusal::not_found("database", &id));
        }
        let mut shape = frame("database", &account.database_id, version);
        shape["parent"] = json!({"type": "workspace", "workspace": true});
        shape["data_sources"] = json!([{"id": account.data_source_id, "name": TITLE}]);
        Ok(shape)
    });
    finish(&world, answer)
}

pub(super) async fn show(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let account = &world.config.notion;
    let answer = authorize(&world, &headers).and_then(|version| {
        if bare(&id) != bare(&account.data_source_id) {
            return Err(Refusal::not_found("data_source", &id));
        }
        let mut shape = frame("data_source", &account.data_source_id, version);
        shape["parent"] = json!({"type": "database_id", "database_id": account.database_id});
        shape["database_parent"] = json!({"type": "workspace", "workspace": true});
        shape["properties"] = world.notion.lock().schema.shape();
        Ok(shape)
    });
    finish(&world, answer)
}

fn frame(object: &str, id: &str, version: Version) -> Value {
    let mut frame = json!({
        "object": object,
        "id": id,
        "title": [rich_text::from_text(TITLE)],
        "description": [],
        "created_time": "2026-01-01T00:00:00.000Z",
        "last_edited_time": "2026-01-01T00:00:00.000Z",
        "icon": null,
        "cover": null,
        "is_inline": false,
        "in_trash": false,
        "url": format!("https://www.notion.so/{}", bare(id)),
        "public_url": null,
    });
    if version == Version::V2025 {
        frame["archived"] = json!(false);
    }
    frame
}
