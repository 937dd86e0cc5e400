//! `POST /v1/data_sources/{id}/query`.

use std::{cmp::Ordering, sync::Arc};

use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Answer, Refusal, Version, authorize, bare,
    filter::Filter,
    finish, only_known_keys,
    page::Page,
    paging::{Paging, open, query_values, seal, stale},
    parse,
    schema::{Property, Schema},
    stamp,
};
use crate::world::World;

/// One query gives no more rows, over all of its pages.
const ROW_LIMIT: usize = 10_000;

pub(super) async fn query(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let only = query_values(query.as_deref(), "filter_properties");
    let answer = authorize(&world, &headers).and_then(|version| run(&world, version, &id, &only, &body));
    finish(&world, answer)
}

fn run(world: &World, version: Version, id: &str, only: &[String], body: &[u8]) -> Answer {
    let account = &world.config.notion;
    if bare(id) != bare(&account.data_source_id) {
        return Err(Refusal::not_found("data_source", id));
    }
    let request = if body.is_empty() { json!({}) } else { parse(body)? };
    let mut known = vec![
        "filter",
        "sorts",
        "start_cursor",
        "page_size",
        "in_trash",
        "result_type",
    ];
    if version == Version::V2025 {
        known.push("archived");
    }
    only_known_keys(&request, &known, "body")?;
    let paging = Paging::from_body(&request)?;
    let state = world.notion.lock();
    let filter = match &request["filter"] {
        Value::Null => None,
        filter => Some(Filter::read(filter, &state.schema)?),
    };
    let sorts = read_sorts(&request["sorts"], &state.schema)?;
    let wants_trash = request["in_trash"] == true || request["archived"] == true;

    let mut rows: Vec<(Position, &Page)> = state
        .in_order()
        .filter(|page| page.is_in_trash == wants_trash)
        .filter(|page| filter.as_ref().is_none_or(|filter| filter.matches(page)))
        .map(|page| (Position::of(page, &sorts), page))
        .collect();
    rows.sort_by(|(one, _), (other, _)| one.compare(other, &sorts));
    let start: Option<Cursor> = match &paging.cursor {
        None => None,
        Some(cursor) => Some(
            open::<Cursor>(cursor)
                .filter(|cursor| cursor.position.keys.len() == sorts.len())
                .ok_or_else(stale)?,
        ),
    };
    let served = start.as_ref().map_or(0, |cursor| cursor.served);
    if let Some(cursor) = &start {
        rows.retain(|(position, _)| position.compare(&cursor.position, &sorts) == Ordering::Greater);
    }
    let room = ROW_LIMIT.saturating_sub(served).min(paging.size);
    let shown = &rows[..rows.len().min(room)];
    let is_cut = served + shown.len() >= ROW_LIMIT && rows.len() > shown.len();
    let last = shown.last().filter(|_| rows.len() > shown.len() && !is_cut);
    let next = last.map(|(position, _)| {
        seal(&json!(Cursor {
            position: position.clone(),
            served: served + shown.len()
        }))
    });
    let results: Vec<Value> = shown
        .iter()
        .map(|(_, page)| page.shape(&state.schema, account, version, only))
        .collect();
    let request_status = if is_cut {
        json!({"type": "incomplete", "incomplete_reason": "query_result_limit_reached"})
    } else {
        json!({"type": "complete"})
    };
    Ok(json!({
        "object": "list", "results": results, "next_cursor": next, "has_more": next.is_some(), "type": "page_or_data_source",
        "page_or_data_source": {}, "request_status": request_status,
    }))
}

/// One sort order.
struct Sort {
    by: By,
    is_descending: bool,
}

enum By {
    Created,
    Edited,
    Property(Box<Property>),
}

fn read_sorts(value: &Value, schema: &Schema) -> Result<Vec<Sort>, Refusal> {
    let sorts = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(sorts) => sorts,
        _ => {
            return Err(Refusal::validation(
                "body failed validation: body.sorts should be an array.",
            ));
        }
    };
    let invalid =
        |index: usize, what: &str| Refusal::validation(format!("body failed validation: body.sorts[{index}].{what}."));
    sorts
        .iter()
        .enumerate()
        .map(|(index, sort)| {
            let by = match (sort["timestamp"].as_str(), sort["property"].as_str()) {
                (Some("created_time"), None) => By::Created,
                (Some("last_edited_time"), None) => By::Edited,
                (None, Some(key)) => {
                    let property = schema.find(key);
                    let missing =
                        || Refusal::validation(format!("Could not find sort property with name or id: {key}"));
                    By::Property(Box::new(property.ok_or_else(missing)?.clone()))
                }
                _ => {
                    return Err(invalid(
                        index,
                        "timestamp should be `\"created_time\"` or `\"last_edited_time\"`",
                    ));
                }
            };
            let is_descending = match sort["direction"].as_str() {
                Some("ascending") => false,
                Some("descending") => true,
                None if sort["direction"].is_null() => false,
                _ => {
                    return Err(invalid(
                        index,
                        "direction should be `\"ascending\"` or `\"descending\"`",
                    ));
                }
            };
            Ok(Sort { by, is_descending })
        })
        .collect()
}

/// Where a page stands in the order: its sort keys, then its age and id, so that no two stand in one place.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Position {
    keys: Vec<String>,
    created: String,
    id: String,
}

/// The position of the last row served. A page that is edited meanwhile moves, and is seen again or not at all.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    position: Position,
    served: usize,
}

impl Position {
    fn of(page: &Page, sorts: &[Sort]) -> Self {
        let key = |sort: &Sort| match &sort.by {
            By::Created => stamp(page.created_at),
            By::Edited => stamp(page.last_edited_at),
            By::Property(property) => page.plain(property).unwrap_or_default(),
        };
        Self {
            keys: sorts.iter().map(key).collect(),
            created: page.created_at.to_rfc3339(),
            id: page.id.clone(),
        }
    }

    fn compare(&self, other: &Self, sorts: &[Sort]) -> Ordering {
        for ((sort, one), another) in sorts.iter().zip(&self.keys).zip(&other.keys) {
            let order = one.cmp(another);
            let order = if sort.is_descending { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        (&self.created, &self.id).cmp(&(&other.created, &other.id))
    }
}
