//! What we write: a page's properties, its body, and the digest by which our own echo is known.

use feedback_core::{domain::canonical_json, ports::TrackedTicket};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{board::Board, text};

/// Above the report.
pub(crate) const REPORT_HEADING: &str = "Report";
/// Where people write about the solution.
pub(crate) const RESOLUTION_HEADING: &str = "Resolution";
/// Paragraphs of one report; with the headings below Notion's 100 blocks for a request.
const MAX_PARAGRAPHS: usize = 90;
/// Longest report, in UTF-16 units: with JSON's escapes below Notion's 500 KB for a request.
const MAX_REPORT_UNITS: usize = 80_000;

/// The properties of a ticket's page. Columns that the board has not are left out.
pub(crate) fn properties(ticket: &TrackedTicket, board: &Board) -> Value {
    let mut properties = Map::new();
    let id = ticket.id.to_string();
    let written = [
        (Some(&board.title), &[ticket.title.as_str()][..]),
        (Some(&board.hub_id), &[id.as_str()]),
        (board.priority.as_ref(), &[ticket.priority.as_str()]),
        (
            board.ticket_type.as_ref(),
            &[ticket.ticket_type.as_str(), ticket.ticket_type.label()],
        ),
        (board.source.as_ref(), &[ticket.source.as_str()]),
        (board.reporter.as_ref(), &[ticket.reporter.as_str()]),
        (board.hub_link.as_ref(), &[ticket.link.as_deref().unwrap_or_default()]),
    ];
    for (column, spellings) in written {
        if let Some((column, value)) = column.and_then(|column| Some((column, column.value(spellings)?))) {
            properties.insert(column.id.clone(), value);
        }
    }
    if let Some((id, value)) = ticket.status.and_then(|status| board.status_value(status)) {
        properties.insert(id.to_owned(), value);
    }
    Value::Object(properties)
}

/// The request that makes a page.
pub(crate) fn new_page(ticket: &TrackedTicket, board: &Board) -> Value {
    json!({
        "parent": {"type": "data_source_id", "data_source_id": board.data_source},
        "properties": properties(ticket, board),
        "children": body(ticket.description.as_str()),
    })
}

/// A digest of the properties: equal where a push would change nothing.
pub(crate) fn digest(properties: &Value) -> String {
    hex::encode(Sha256::digest(canonical_json(properties).to_string()))
}

fn body(report: &str) -> Vec<Value> {
    let report = text::cut(report, MAX_REPORT_UNITS);
    let paragraphs: Vec<&str> = report
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .collect();
    // A log of 5,000 short lines: several share a block.
    let together = paragraphs.len().div_ceil(MAX_PARAGRAPHS).max(1);
    let blocks = paragraphs
        .chunks(together)
        .map(|paragraphs| block("paragraph", &paragraphs.join("\n\n")));
    let mut body = vec![block("heading_2", REPORT_HEADING)];
    body.extend(blocks);
    body.push(block("heading_2", RESOLUTION_HEADING));
    body
}

fn block(kind: &str, text: &str) -> Value {
    json!({"object": "block", "type": kind, kind: {"rich_text": text::rich_text(text)}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f77_no_report_is_more_than_a_request_may_hold() {
        for report in [
            "x\n\n".repeat(5_000),
            "\"\\".repeat(300_000),
            "ñ".repeat(300_000),
            "\u{7}".repeat(300_000),
        ] {
            let body = body(&report);
            assert!(body.len() <= 100);
            assert!(body.iter().all(|block| {
                block["paragraph"]["rich_text"]
                    .as_array()
                    .is_none_or(|items| items.len() <= 100)
            }));
            assert!(serde_json::to_vec(&body).unwrap().len() < 450_000);
        }
    }

    #[test]
    fn f77_a_report_within_the_limits_is_whole() {
        let report = "Hola 👩‍👩‍👧‍👦\nsegunda línea\n\n".repeat(300);
        let written: String = body(&report)
            .iter()
            .filter_map(|block| block["paragraph"]["rich_text"].as_array())
            .flatten()
            .map(|item| item["text"]["content"].as_str().unwrap().to_owned())
            .collect();
        let without_space = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(without_space(&written), without_space(&report));
    }

    #[test]
    fn the_digest_follows_the_content() {
        let one = json!({"b": 1, "a": 2});
        assert_eq!(digest(&one), digest(&json!({"a": 2, "b": 1})));
        assert_ne!(digest(&one), digest(&json!({"a": 2})));
    }
}
