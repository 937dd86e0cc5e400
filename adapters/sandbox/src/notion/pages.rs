//! Creating, reading and changing pages.

use std::sync::Arc;

use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Answer, Author, Refusal, Version, authorize, bare,
    block_draft::read_children,
    block_store::Place,
    finish, only_known_keys,
    page::{Page, read_cells},
    paging::{Paging, query_values},
    parse,
    schema::Kind,
    signal,
    value::Cell,
};
use crate::world::World;

pub(super) async fn create(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = authorize(&world, &headers).and_then(|version| create_page(&world, version, &body));
    finish(&world, answer)
}

fn create_page(world: &Arc<World>, version: Version, body: &[u8]) -> Answer {
    let request = parse(body)?;
    only_known_keys(
        &request,
        &[
            "parent",
            "properties",
            "children",
            "icon",
            "cover",
            "content",
            "template",
            "position",
        ],
        "body",
    )?;
    let account = &world.config.notion;
    let parent = &request["parent"];
    let Some(parent_id) = parent["data_source_id"].as_str() else {
        return Err(Refusal::validation(
            "body failed validation: body.parent.data_source_id should be defined; pages of a database belong to one of its data sources.",
        ));
    };
    if bare(parent_id) != bare(&account.data_source_id) {
        return Err(Refusal::not_found("data_source", parent_id));
    }
    let drafts = read_children(&request["children"], "body.children")?;
    let now = world.clock.now();
    let mut state = world.notion.lock();
    let mut cells = read_cells(&mut state.schema, &request["properties"])?;
    // A new card starts in the first choice of its status column.
    if let Some(status) = state.schema.of_kind(Kind::Status) {
        let first = status.choices.first().map(|choice| choice.id.clone());
        cells.entry(status.id).or_insert(Cell::Choice(first));
    }
    let mut page = Page::new(world.ids.uuid().to_string(), now, Author::Integration, cells);
    page.icon = request["icon"].clone();
    page.cover = request["cover"].clone();
    state
        .blocks
        .append(world, &page.id, drafts, Place::End, Author::Integration);
    let shape = page.shape(&state.schema, account, version, &[]);
    state.insert(page.clone());
    drop(state);
    signal(world, "page.created", &page);
    Ok(shape)
}

pub(super) async fn show(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answer = authorize(&world, &headers).and_then(|version| {
        let state = world.notion.lock();
        let page = state.page(&id).ok_or_else(|| Refusal::not_found("page", &id))?;
        let only = query_values(query.as_deref(), "filter_properties");
        Ok(page.shape(&state.schema, &world.config.notion, version, &only))
    });
    finish(&world, answer)
}

pub(super) async fn update(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = authorize(&world, &headers).and_then(|version| update_page(&world, version, &id, &body));
    finish(&world, answer)
}

fn update_page(world: &Arc<World>, version: Version, id: &str, body: &[u8]) -> Answer {
    let request = parse(body)?;
    let mut known = vec![
        "properties",
        "in_trash",
        "icon",
        "cover",
        "is_locked",
        "erase_content",
        "template",
    ];
    if version == Version::V2025 {
        known.push("archived");
    }
    only_known_keys(&request, &known, "body")?;
    let trash = optional_bool(&request, "in_trash")?.or(optional_bool(&request, "archived")?);
    let locked = optional_bool(&request, "is_locked")?;
    let now = world.clock.now();
    let mut guard = world.notion.lock();
    let state = &mut *guard;
    let page = state
        .pages
        .get_mut(&bare(id))
        .ok_or_else(|| Refusal::not_found("page", id))?;
    if page.is_in_trash && trash != Some(false) {
        return Err(Refusal::validation(
            "Can't edit block that is archived. You must unarchive the block before editing.",
        ));
    }
    let cells = match &request["properties"] {
        Value::Null => Default::default(),
        properties => read_cells(&mut state.schema, properties)?,
    };
    page.edit(now, Author::Integration, cells);
    page.is_in_trash = trash.unwrap_or(page.is_in_trash);
    page.is_locked = locked.unwrap_or(page.is_locked);
    for (name, field) in [("icon", &mut page.icon), ("cover", &mut page.cover)] {
        if let Some(value) = request.get(name) {
            *field = value.clone();
        }
    }
    let page = page.clone();
    let shape = page.shape(&state.schema, &world.config.notion, version, &[]);
    drop(guard);
    let kind = match trash {
        Some(true) => "page.deleted",
        Some(false) => "page.undeleted",
        None => "page.properties_updated",
    };
    signal(world, kind, &page);
    Ok(shape)
}

fn optional_bool(request: &Value, name: &str) -> Result<Option<bool>, Refusal> {
    match &request[name] {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(*value)),
        _ => Err(Refusal::validation(format!(
            "body failed validation: body.{name} should be a boolean."
        ))),
    }
}

/// A cell in full: pages show no more than 25 of its items.
pub(super) async fn property(
    State(world): State<Arc<World>>,
    Path((id, property_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answer = authorize(&world, &headers).and_then(|_| {
        let state = world.notion.lock();
        let page = state.page(&id).ok_or_else(|| Refusal::not_found("page", &id))?;
        let property = state
            .schema
            .find(&property_id)
            .ok_or_else(|| Refusal::not_found("property", &property_id))?;
        let Cell::Text(items) = page.cell(property) else {
            let mut shape = page.cell(property).shape(property);
            shape["object"] = json!("property_item");
            return Ok(shape);
        };
        let kind = property.kind.as_str();
        let items = items
            .into_iter()
            .map(|item| json!({"object": "property_item", "id": property.id, "type": kind, kind: item}))
            .collect();
        let mut list = Paging::from_query(query.as_deref())?.slice(items)?;
        list["type"] = json!("property_item");
        list["property_item"] = json!({"id": property.id, "next_url": null, "type": kind, kind: {}});
        Ok(list)
    });
    finish(&world, answer)
}
