//! Members and integrations.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use serde_json::{Value, json};

use super::{Author, BOT_ID, MEMBER_ID, Refusal, authorize, bare, finish};
use crate::world::World;

fn user(author: Author) -> Value {
    match author {
        Author::Integration => json!({
            "object": "user", "id": BOT_ID, "name": "Feedback Hub", "avatar_url": null, "type": "bot",
            "bot": {"owner": {"type": "workspace", "workspace": true}, "workspace_name": "Sandbox"},
        }),
        Author::Member => json!({
            "object": "user", "id": MEMBER_ID, "name": "Inés Ferrer", "avatar_url": null, "type": "person",
            "person": {"email": "ines.ferrer@empresa.example"},
        }),
    }
}

pub(super) async fn me(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    finish(&world, authorize(&world, &headers).map(|_| user(Author::Integration)))
}

pub(super) async fn list(State(world): State<Arc<World>>, headers: HeaderMap) -> Response {
    let answer = authorize(&world, &headers).map(|_| {
        json!({
            "object": "list", "results": [user(Author::Member), user(Author::Integration)], "next_cursor": null, "has_more": false,
            "type": "user", "user": {},
        })
    });
    finish(&world, answer)
}

pub(super) async fn show(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let answer = authorize(&world, &headers).and_then(|_| {
        let known = [Author::Integration, Author::Member]
            .into_iter()
            .find(|author| bare(author.id()) == bare(&id));
        known.map(user).ok_or_else(|| Refusal::not_found("user", &id))
    });
    finish(&world, answer)
}
