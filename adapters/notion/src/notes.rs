//! What people wrote on a page about the solution.

use serde_json::Value;

use crate::{
    content::{REPORT_HEADING, RESOLUTION_HEADING},
    wire::{Block, bare, plain},
};

/// What a heading over the solution is called, folded.
const RESOLUTION_NAMES: [&str; 6] = ["resolution", "solution", "fix", "resolucion", "solucion", "arreglo"];

/// One line of a page's content, in reading order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    text: String,
    is_heading: bool,
    /// Whether the hub wrote the block.
    is_ours: bool,
}

impl Line {
    /// The line of a block; `None` where it has no words.
    pub(crate) fn of(block: &Block, bot: &str) -> Option<Self> {
        let text = text_of(block);
        let is_ours = block
            .created_by
            .as_ref()
            .is_some_and(|user| bare(&user.id) == bare(bot));
        (!text.trim().is_empty()).then(|| Self {
            text,
            is_heading: block.kind.starts_with("heading_"),
            is_ours,
        })
    }
}

/// Blocks that are pages of their own, which nobody meant to quote.
pub(crate) fn is_separate(block: &Block) -> bool {
    matches!(block.kind.as_str(), "child_page" | "child_database" | "link_to_page")
}

/// The notes: what people wrote under the heading for it, or, where that is nothing, what they wrote anywhere.
pub(crate) fn notes(lines: &[Line]) -> String {
    let by_people = |lines: &[Line]| {
        let texts: Vec<&str> = lines
            .iter()
            .filter(|line| !line.is_ours)
            .map(|line| line.text.trim())
            .collect();
        texts.join("\n")
    };
    let under_heading = lines.iter().position(is_resolution_heading).map(|at| {
        let rest = &lines[at + 1..];
        let end = rest
            .iter()
            .position(|line| line.is_heading && line.text.trim() == REPORT_HEADING);
        by_people(&rest[..end.unwrap_or(rest.len())])
    });
    match under_heading {
        Some(notes) if !notes.is_empty() => notes,
        _ => {
            let elsewhere: Vec<Line> = lines
                .iter()
                .filter(|line| !is_resolution_heading(line))
                .cloned()
                .collect();
            by_people(&elsewhere)
        }
    }
}

fn is_resolution_heading(line: &Line) -> bool {
    let name: String = line
        .text
        .to_lowercase()
        .chars()
        .map(|c| if c == 'ó' { 'o' } else { c })
        .collect();
    let name = name.trim_matches(|c: char| !c.is_alphanumeric());
    line.is_heading && (line.text.trim() == RESOLUTION_HEADING || RESOLUTION_NAMES.contains(&name))
}

/// The words of a block of any type, known or not.
fn text_of(block: &Block) -> String {
    let content = block.content.get(&block.kind).unwrap_or(&Value::Null);
    if block.kind == "table_row" {
        let cells = content["cells"].as_array().into_iter().flatten();
        return cells.map(plain).collect::<Vec<_>>().join(" | ");
    }
    let text = plain(&content["rich_text"]);
    match block.kind.as_str() {
        "bulleted_list_item" | "numbered_list_item" if !text.trim().is_empty() => format!("- {text}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BOT: &str = "bot";

    fn line(kind: &str, text: &str, by: &str) -> Line {
        let block = serde_json::from_value(json!({
            "id": "b", "type": kind, "created_by": {"id": by}, kind: {"rich_text": [{"plain_text": text}]},
        }));
        Line::of(&block.unwrap(), BOT).unwrap()
    }

    fn ours() -> Vec<Line> {
        vec![
            line("heading_2", "Report", BOT),
            line("paragraph", "It hangs", BOT),
            line("heading_2", "Resolution", BOT),
        ]
    }

    #[test]
    fn what_people_write_under_the_heading_is_the_note() {
        let mut lines = ours();
        lines.insert(2, line("paragraph", "I can reproduce it", "ana"));
        assert_eq!(notes(&lines), "I can reproduce it", "there is nothing else yet");
        lines.push(line("paragraph", "The cache is cleared now.", "ana"));
        lines.push(line("bulleted_list_item", "also for exports", "ana"));
        assert_eq!(notes(&lines), "The cache is cleared now.\n- also for exports");
    }

    #[test]
    fn our_own_words_are_no_note() {
        assert_eq!(notes(&ours()), "");
        assert_eq!(notes(&[]), "");
    }

    #[test]
    fn a_page_that_people_rewrote_is_all_note() {
        let lines = [
            line("paragraph", "Fixed.", "ana"),
            line("heading_3", "Solución ✅", "ana"),
        ];
        assert_eq!(notes(&lines), "Fixed.");
    }

    #[test]
    fn rows_and_unknown_blocks_have_words_too() {
        let block = |json: Value| serde_json::from_value::<Block>(json).unwrap();
        let row = block(
            json!({"id": "b", "type": "table_row", "table_row": {"cells": [[{"plain_text": "a"}], [{"plain_text": "b"}]]}}),
        );
        assert_eq!(text_of(&row), "a | b");
        assert_eq!(
            text_of(&block(
                json!({"id": "b", "type": "hologram", "hologram": {"rich_text": [{"plain_text": "x"}]}})
            )),
            "x"
        );
        assert_eq!(text_of(&block(json!({"id": "b"}))), "");
        assert!(is_separate(&block(
            json!({"id": "b", "type": "child_page", "child_page": {"title": "secret"}})
        )));
    }
}
