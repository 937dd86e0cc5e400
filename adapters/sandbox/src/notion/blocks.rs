//! Reading and writing page content.

use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Answer, Author, Refusal, Version, authorize, block_draft::read_children, block_store::Place, finish,
    only_known_keys, paging::Paging, parse,
};
use crate::world::World;

pub(super) async fn show(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let answer = authorize(&world, &headers).and_then(|version| {
        let state = world.notion.lock();
        let block = state.blocks.get(&id).ok_or_else(|| Refusal::not_found("block", &id))?;
        Ok(state.blocks.shape(block, state.page(&block.parent).is_some(), version))
    });
    finish(&world, answer)
}

pub(super) async fn delete(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let answer = authorize(&world, &headers).and_then(|version| {
        let mut state = world.notion.lock();
        let block = state
            .blocks
            .remove(&id)
            .ok_or_else(|| Refusal::not_found("block", &id))?;
        let mut shape = state.blocks.shape(&block, state.page(&block.parent).is_some(), version);
        shape["in_trash"] = json!(true);
        Ok(shape)
    });
    finish(&world, answer)
}

pub(super) async fn children(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answer = authorize(&world, &headers).and_then(|version| {
        let paging = Paging::from_query(query.as_deref())?;
        let state = world.notion.lock();
        let is_page = state.page(&id).is_some();
        if !is_page && !state.blocks.contains(&id) {
            return Err(Refusal::not_found("block", &id));
        }
        let blocks = state
            .blocks
            .of(&id)
            .map(|block| state.blocks.shape(block, is_page, version))
            .collect();
        Ok(block_list(paging.slice(blocks)?))
    });
    finish(&world, answer)
}

fn block_list(mut list: Value) -> Value {
    list["type"] = json!("block");
    list["block"] = json!({});
    list
}

pub(super) async fn append(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = authorize(&world, &headers).and_then(|version| append_children(&world, version, &id, &body));
    finish(&world, answer)
}

/// Content written through the API does not move the page's stamp, so that a poll does not see it.
fn append_children(world: &World, version: Version, id: &str, body: &[u8]) -> Answer {
    let request = parse(body)?;
    let place_key = if version == Version::V2025 { "after" } else { "position" };
    only_known_keys(&request, &["children", place_key], "body")?;
    if !request["children"].is_array() {
        return Err(Refusal::validation(
            "body failed validation: body.children should be defined.",
        ));
    }
    let drafts = read_children(&request["children"], "body.children")?;
    let place = read_place(&request)?;
    let mut state = world.notion.lock();
    let is_page = match state.page(id) {
        Some(page) if page.is_in_trash => {
            return Err(Refusal::validation(
                "Can't edit block that is archived. You must unarchive the block before editing.",
            ));
        }
        page => page.is_some(),
    };
    if !is_page && !state.blocks.contains(id) {
        return Err(Refusal::not_found("block", id));
    }
    let added = state.blocks.append(world, id, drafts, place, Author::Integration);
    let shapes: Vec<Value> = added
        .iter()
        .filter_map(|id| state.blocks.get(id))
        .map(|block| state.blocks.shape(block, is_page, version))
        .collect();
    Ok(block_list(
        json!({"object": "list", "results": shapes, "next_cursor": null, "has_more": false}),
    ))
}

fn read_place(request: &Value) -> Result<Place, Refusal> {
    if let Some(after) = request.get("after") {
        let id = after
            .as_str()
            .ok_or_else(|| Refusal::validation("body failed validation: body.after should be a string."))?;
        return Ok(Place::After(id.to_owned()));
    }
    let position = &request["position"];
    match position["type"].as_str() {
        None if position.is_null() => Ok(Place::End),
        Some("end") => Ok(Place::End),
        Some("start") => Ok(Place::Start),
        Some("after_block") => {
            let id = position["after_block"]["id"].as_str();
            let id = id.ok_or_else(|| {
                Refusal::validation("body failed validation: body.position.after_block.id should be defined.")
            })?;
            Ok(Place::After(id.to_owned()))
        }
        _ => Err(Refusal::validation(
            "body failed validation: body.position.type should be `\"after_block\"`, `\"start\"` or `\"end\"`.",
        )),
    }
}

pub(super) async fn markdown(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let answer = authorize(&world, &headers).and_then(|_| {
        let state = world.notion.lock();
        let page = state.page(&id).ok_or_else(|| Refusal::not_found("page", &id))?;
        Ok(json!({
            "object": "page_markdown", "id": page.id, "markdown": state.blocks.markdown(&page.id, ""), "truncated": false,
            "unknown_block_ids": [],
        }))
    });
    finish(&world, answer)
}
