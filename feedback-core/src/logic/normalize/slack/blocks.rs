//! The words of a message that stand in blocks or attachments and not in its text.

use serde_json::{Map, Value};

use super::mrkdwn;

/// The words of blocks or attachments, as plain text.
pub(super) fn to_text(raw: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(raw) else {
        return String::new();
    };
    let mut text = String::new();
    walk(&value, &mut text);
    super::super::wire::clean(&text)
}

/// Keys that hold words or more blocks, in the order in which they are shown.
const PARTS: [&str; 8] = [
    "pretext",
    "title",
    "text",
    "fields",
    "elements",
    "blocks",
    "message_blocks",
    "message",
];

// The recursion is as deep as the JSON, which the reader limits.
fn walk(value: &Value, text: &mut String) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| walk(value, text)),
        Value::Object(object) => element(object, text),
        _ => {}
    }
}

fn element(object: &Map<String, Value>, text: &mut String) {
    let word = |key: &str| object.get(key).and_then(Value::as_str);
    match word("type").unwrap_or_default() {
        // Inside rich text, where nothing is escaped.
        "text" | "plain_text" => text.push_str(word("text").unwrap_or_default()),
        "mrkdwn" => text.push_str(&mrkdwn::to_text(word("text").unwrap_or_default(), &[])),
        "link" => text.push_str(word("text").or(word("url")).unwrap_or_default()),
        "emoji" => text.push_str(&format!(":{}:", word("name").unwrap_or_default())),
        "user" => text.push_str(&format!("@{}", word("user_id").unwrap_or_default())),
        "channel" => text.push_str(&format!("#{}", word("channel_id").unwrap_or_default())),
        "broadcast" => text.push_str(&format!("@{}", word("range").unwrap_or_default())),
        // Buttons and menus are labels of the form, not answers.
        "actions" | "button" | "image" | "divider" => {}
        _ => {
            for part in PARTS {
                match object.get(part) {
                    Some(Value::String(marked)) => text.push_str(&mrkdwn::to_text(marked, &[])),
                    Some(Value::Array(values)) if matches!(part, "fields" | "blocks" | "message_blocks") => {
                        values.iter().for_each(|value| {
                            end_line(text);
                            walk(value, text);
                        });
                    }
                    Some(value) => walk(value, text),
                    None => continue,
                }
                if part != "elements" {
                    end_line(text);
                }
            }
            end_line(text);
        }
    }
}

fn end_line(text: &mut String) {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rich_text_sections_and_attachments_are_read_in_order() {
        let blocks = r#"[
            {"type":"header","text":{"type":"plain_text","text":"New request"}},
            {"type":"section","fields":[{"type":"mrkdwn","text":"*Title:* Badge &amp; door"},{"type":"mrkdwn","text":"*Priority:* High"}]},
            {"type":"rich_text","elements":[
                {"type":"rich_text_section","elements":[{"type":"text","text":"see "},{"type":"link","url":"https://x.test"},{"type":"user","user_id":"U1"}]},
                {"type":"rich_text_list","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"one"}]}]}]},
            {"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Claim"}}]}]"#;
        assert_eq!(
            to_text(blocks),
            "New request\n*Title:* Badge & door\n*Priority:* High\nsee https://x.test@U1\none"
        );
        let attachments = r#"[{"fallback":"f","pretext":"Alert","title":"Disk","text":"95 &gt; 90"}]"#;
        assert_eq!(to_text(attachments), "Alert\nDisk\n95 > 90");
    }

    #[test]
    fn what_is_no_block_has_no_words() {
        for raw in ["", "null", "7", "[[]]", "{\"type\":\"image\"}", "[{\"text\":7}]"] {
            assert_eq!(to_text(raw), "", "{raw}");
        }
    }
}
