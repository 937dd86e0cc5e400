//! Reading a conversation back.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::IntoResponse,
};
use url::form_urlencoded;

use super::{
    Answer, Refusal, authorize,
    shape::{self, DisplayAs},
};
use crate::world::World;

pub(super) async fn show(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    authorize(&world, &headers)?;
    let is_plain = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "display_as" && value == "plaintext");
    let display_as = if is_plain {
        DisplayAs::PlainText
    } else {
        DisplayAs::Html
    };
    let state = world.intercom.lock();
    let conversation = state
        .conversations
        .get(&id)
        .ok_or_else(|| Refusal::of(&world, "not_found"))?;
    Ok(Json(shape::conversation(&world, &state, conversation, display_as)).into_response())
}
