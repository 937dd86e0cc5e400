//! Rich text: what a request may hold, and what an answer shows.

use serde_json::{Value, json};

use super::{Refusal, only_known_keys};

/// In UTF-16 units, as JavaScript counts.
const CONTENT_LIMIT: usize = 2_000;
const ITEM_LIMIT: usize = 100;
const LINK_LIMIT: usize = 2_000;

/// Checks a `rich_text` array and gives it as answers show it.
pub(super) fn read(value: &Value, path: &str) -> Result<Vec<Value>, Refusal> {
    let items = value.as_array().ok_or_else(|| {
        Refusal::validation(format!(
            "body failed validation: {path} should be an array, instead was `{}`.",
            kind_of(value)
        ))
    })?;
    if items.len() > ITEM_LIMIT {
        return Err(too_long(path, ITEM_LIMIT, items.len()));
    }
    items
        .iter()
        .enumerate()
        .map(|(index, item)| read_item(item, &format!("{path}[{index}]")))
        .collect()
}

fn read_item(item: &Value, path: &str) -> Result<Value, Refusal> {
    only_known_keys(item, &["type", "text", "annotations", "plain_text", "href"], path)?;
    if !matches!(item["type"].as_str(), None | Some("text")) {
        return Err(Refusal::validation(format!(
            "body failed validation: {path}.type should be `\"text\"`."
        )));
    }
    let Some(content) = item["text"]["content"].as_str() else {
        return Err(Refusal::validation(format!(
            "body failed validation: {path}.text.content should be defined."
        )));
    };
    let units = content.encode_utf16().count();
    if units > CONTENT_LIMIT {
        return Err(too_long(&format!("{path}.text.content"), CONTENT_LIMIT, units));
    }
    let link = match &item["text"]["link"] {
        Value::Null => None,
        link => {
            let url = link["url"].as_str().filter(|url| !url.is_empty());
            let url = url.ok_or_else(|| {
                Refusal::validation(format!(
                    "body failed validation: {path}.text.link.url should be defined."
                ))
            })?;
            if url.encode_utf16().count() > LINK_LIMIT {
                return Err(too_long(&format!("{path}.text.link.url"), LINK_LIMIT, url.len()));
            }
            Some(url)
        }
    };
    let mut shown = from_text(content);
    shown["href"] = json!(link);
    shown["text"]["link"] = link.map_or(Value::Null, |url| json!({"url": url}));
    if let Some(annotations) = item["annotations"].as_object() {
        for (name, value) in annotations {
            shown["annotations"][name] = value.clone();
        }
    }
    Ok(shown)
}

pub(super) fn too_long(path: &str, limit: usize, was: usize) -> Refusal {
    Refusal::validation(format!(
        "body failed validation: {path}.length should be ≤ `{limit}`, instead was `{was}`."
    ))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// One item of plain text.
pub(super) fn from_text(content: &str) -> Value {
    json!({
        "type": "text",
        "text": {"content": content, "link": null},
        "annotations": {
            "bold": false, "italic": false, "strikethrough": false, "underline": false, "code": false, "color": "default",
        },
        "plain_text": content,
        "href": null,
    })
}

/// What a person reads.
pub(super) fn plain(items: &[Value]) -> String {
    items.iter().filter_map(|item| item["plain_text"].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(contents: &[&str]) -> Value {
        contents
            .iter()
            .map(|content| json!({"text": {"content": content}}))
            .collect()
    }

    #[test]
    fn length_is_counted_in_utf16_units() {
        assert!(read(&items(&[&"é".repeat(2_000)]), "x").is_ok());
        assert!(read(&items(&[&"🎉".repeat(1_000)]), "x").is_ok());
        let refusal = read(&items(&[&"🎉".repeat(1_001)]), "body.properties.Name.title").unwrap_err();
        assert!(
            refusal
                .message
                .contains("title[0].text.content.length should be ≤ `2000`, instead was `2002`")
        );
    }

    #[test]
    fn no_more_than_a_hundred_items() {
        assert!(read(&items(&["a"; 100]), "x").is_ok());
        assert!(read(&items(&["a"; 101]), "x").is_err());
    }

    #[test]
    fn malformed_items_are_refused() {
        for bad in [
            json!("text"),
            json!([{"text": {}}]),
            json!([{"text": {"content": 3}}]),
            json!([{"txt": {"content": "a"}}]),
        ] {
            assert!(read(&bad, "x").is_err(), "{bad}");
        }
    }
}
