//! A page as the core knows it.

use std::collections::BTreeMap;

use feedback_core::{
    domain::{TicketId, TicketType, Timestamp},
    ports::TrackerUpdate,
};
use serde_json::Value;

use crate::{
    board::{Board, Column, same_name},
    wire::{Choice, Page, bare, plain},
};

/// What a page says; `None` where its edit time cannot be read, which no page of Notion has.
pub(crate) fn update(page: &Page, board: &Board) -> Option<TrackerUpdate> {
    let value = |column: Option<&Column>| column.and_then(|column| column.of_page(&page.properties));
    let text = |column: Option<&Column>| value(column).map(shown).filter(|text| !text.is_empty());
    let status = value(board.status.as_ref()).and_then(choice);
    let by_us = page
        .last_edited_by
        .as_ref()
        .is_some_and(|user| bare(&user.id) == bare(&board.bot));
    Some(TrackerUpdate {
        page_id: page.id.clone(),
        ticket: text(Some(&board.hub_id)).and_then(|id| id.trim().parse::<TicketId>().ok()),
        status: status.as_ref().and_then(|option| board.statuses.meaning(option)),
        status_name: status.map(|option| option.name),
        priority: text(board.priority.as_ref()).and_then(|name| name.trim().parse().ok()),
        ticket_type: text(board.ticket_type.as_ref()).and_then(|name| ticket_type(&name)),
        sprint: text(board.sprint.as_ref()),
        edited_at: page.last_edited_time.parse::<Timestamp>().ok()?,
        edited_by_us: by_us,
    })
}

/// Whether the page's status is an option that the board did not have when it was read.
pub(crate) fn has_new_option(page: &Page, board: &Board) -> bool {
    let status = board
        .status
        .as_ref()
        .and_then(|column| column.of_page(&page.properties))
        .and_then(choice);
    status.is_some_and(|option| !board.statuses.knows(&option))
}

fn ticket_type(name: &str) -> Option<TicketType> {
    TicketType::ALL
        .into_iter()
        .find(|kind| same_name(name, kind.as_str()) || same_name(name, kind.label()))
}

fn choice(value: &Value) -> Option<Choice> {
    let chosen = value.get("status").or_else(|| value.get("select"))?;
    serde_json::from_value(chosen.clone())
        .ok()
        .filter(|choice: &Choice| !choice.name.is_empty())
}

/// What a person reads in a cell of any kind that has words.
fn shown(value: &Value) -> String {
    let inner = value["type"]
        .as_str()
        .and_then(|kind| value.get(kind))
        .unwrap_or(&Value::Null);
    match inner {
        Value::Array(items) if items.iter().any(|item| item.get("plain_text").is_some()) => plain(inner),
        Value::Array(items) => items
            .iter()
            .filter_map(|item| item["name"].as_str())
            .collect::<Vec<_>>()
            .join(", "),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Object(object) => named(object),
        Value::Null | Value::Bool(_) => String::new(),
    }
}

fn named(object: &serde_json::Map<String, Value>) -> String {
    let parts: BTreeMap<&str, &Value> = object.iter().map(|(key, value)| (key.as_str(), value)).collect();
    ["name", "string", "number", "start"]
        .into_iter()
        .find_map(|key| match parts.get(key) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use feedback_core::domain::{Priority, TrackerStatus};
    use serde_json::json;

    use super::*;
    use crate::board::tests::board;

    fn page(properties: Value) -> Page {
        serde_json::from_value(json!({
            "object": "page", "id": "44444444-4444-4444-8444-444444444444", "last_edited_time": "2026-01-01T10:04:00.000Z",
            "last_edited_by": {"object": "user", "id": "66666666666646668666666666666666"}, "properties": properties,
        }))
        .unwrap()
    }

    #[test]
    fn a_page_is_read_by_the_ids_of_its_columns() {
        let update = update(
            &page(json!({
                "Estado": {"id": "st%3A1", "type": "status", "status": {"id": "o3", "name": "Hecho"}},
                "Prioridad": {"id": "prio", "type": "select", "select": {"id": "x", "name": "p1"}},
                "Tipo": {"id": "type", "type": "select", "select": {"id": "y", "name": "Feature request"}},
                "Hub ID": {"id": "hb[id", "type": "rich_text", "rich_text": [{"plain_text": "01900000-0000-7000-8000-000000000001"}]},
            })),
            &board(),
        )
        .unwrap();
        assert_eq!(
            (update.status, update.status_name.as_deref()),
            (Some(TrackerStatus::Done), Some("Hecho"))
        );
        assert_eq!(
            (update.priority, update.ticket_type),
            (Some(Priority::P1), Some(TicketType::FeatureRequest))
        );
        assert!(update.ticket.is_some() && update.edited_by_us);
        assert_eq!(update.edited_at.to_string(), "2026-01-01T10:04:00.000000Z");
    }

    #[test]
    fn f80_strange_cells_are_no_crash_and_no_value() {
        for properties in [
            json!({}),
            json!({"Status": null, "x": 3}),
            json!({"Status": {"id": "st%3A1", "type": "status", "status": null}}),
            json!({"Status": {"id": "st%3A1", "type": "number", "number": 3}}),
            json!({"Status": {"id": "st%3A1", "type": "status", "status": {"id": 5, "name": []}}}),
            json!({"Priority": {"id": "prio", "type": "select", "select": {"id": "z", "name": "Urgent!"}}}),
            json!({"Hub ID": {"id": "hb%5Bid", "type": "rich_text", "rich_text": [{"plain_text": "not ours"}]}}),
        ] {
            let update = update(&page(properties.clone()), &board()).unwrap();
            assert_eq!(
                (update.ticket, update.status, update.priority),
                (None, None, None),
                "{properties}"
            );
        }
    }

    #[test]
    fn a_sprint_may_be_of_any_kind() {
        for (cell, text) in [
            (
                json!({"type": "rich_text", "rich_text": [{"plain_text": "S"}, {"plain_text": "12"}]}),
                "S12",
            ),
            (json!({"type": "select", "select": {"name": "S12"}}), "S12"),
            (
                json!({"type": "multi_select", "multi_select": [{"name": "A"}, {"name": "B"}]}),
                "A, B",
            ),
            (json!({"type": "number", "number": 12}), "12"),
            (
                json!({"type": "formula", "formula": {"type": "string", "string": "S12"}}),
                "S12",
            ),
            (json!({"type": "date", "date": {"start": "2026-01-05"}}), "2026-01-05"),
            (json!({"type": "checkbox", "checkbox": true}), ""),
            (json!({}), ""),
        ] {
            assert_eq!(shown(&cell), text, "{cell}");
        }
    }
}
