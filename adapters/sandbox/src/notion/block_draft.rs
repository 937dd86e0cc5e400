//! Blocks as a request describes them: what is accepted, and how deep.

use serde_json::{Map, Value, json};

use super::{Refusal, rich_text};

const CHILD_LIMIT: usize = 100;
const BLOCK_LIMIT: usize = 1_000;
/// Children may have children; those may not.
const NESTING: usize = 2;

/// Block types that hold rich text.
const TEXT_TYPES: [&str; 11] = [
    "paragraph",
    "heading_1",
    "heading_2",
    "heading_3",
    "heading_4",
    "bulleted_list_item",
    "numbered_list_item",
    "to_do",
    "toggle",
    "quote",
    "callout",
];

/// A block as a request describes it, checked.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) kind: String,
    pub(super) content: Value,
    pub(super) children: Vec<Self>,
}

/// Reads a `children` array; absent is as good as empty.
pub(super) fn read_children(value: &Value, path: &str) -> Result<Vec<Draft>, Refusal> {
    let mut total = 0;
    let drafts = read_list(value, path, 1, &mut total)?;
    if total > BLOCK_LIMIT {
        return Err(Refusal::validation(format!(
            "body failed validation: {path}: a request holds 1000 blocks at most."
        )));
    }
    Ok(drafts)
}

fn read_list(value: &Value, path: &str, depth: usize, total: &mut usize) -> Result<Vec<Draft>, Refusal> {
    let blocks = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(blocks) => blocks,
        _ => {
            return Err(Refusal::validation(format!(
                "body failed validation: {path} should be an array."
            )));
        }
    };
    if blocks.len() > CHILD_LIMIT {
        return Err(rich_text::too_long(path, CHILD_LIMIT, blocks.len()));
    }
    if depth > NESTING && !blocks.is_empty() {
        return Err(Refusal::validation(format!(
            "body failed validation: {path} should be not present: two levels of children at most."
        )));
    }
    *total += blocks.len();
    let read = |(index, block)| read_block(block, &format!("{path}[{index}]"), depth, total);
    blocks.iter().enumerate().map(read).collect()
}

fn read_block(block: &Value, path: &str, depth: usize, total: &mut usize) -> Result<Draft, Refusal> {
    let fields = block.as_object();
    let fields =
        fields.ok_or_else(|| Refusal::validation(format!("body failed validation: {path} should be an object.")))?;
    let mut kinds = fields.keys().filter(|key| !matches!(key.as_str(), "object" | "type"));
    let (Some(kind), None) = (kinds.next(), kinds.next()) else {
        return Err(Refusal::validation(format!(
            "body failed validation: {path} should have exactly one block type."
        )));
    };
    if block["type"].as_str().is_some_and(|named| named != kind) {
        return Err(Refusal::validation(format!(
            "body failed validation: {path}.type should be `\"{kind}\"`."
        )));
    }
    let mut content = block[kind].clone();
    let inner = content.as_object_mut();
    let inner = inner
        .ok_or_else(|| Refusal::validation(format!("body failed validation: {path}.{kind} should be an object.")))?;
    let inner_path = format!("{path}.{kind}");
    let children = read_list(
        &inner.remove("children").unwrap_or_default(),
        &format!("{inner_path}.children"),
        depth + 1,
        total,
    )?;
    check_content(kind, inner, &inner_path)?;
    Ok(Draft {
        kind: kind.clone(),
        content,
        children,
    })
}

fn check_content(kind: &str, inner: &mut Map<String, Value>, path: &str) -> Result<(), Refusal> {
    let text = |inner: &mut Map<String, Value>| {
        let items = rich_text::read(
            inner.get("rich_text").unwrap_or(&Value::Null),
            &format!("{path}.rich_text"),
        )?;
        inner.insert("rich_text".into(), items.into());
        Ok(())
    };
    match kind {
        _ if TEXT_TYPES.contains(&kind) => {
            text(inner)?;
            inner.entry("color").or_insert(json!("default"));
            Ok(())
        }
        "code" if inner.get("language").is_some_and(Value::is_string) => text(inner),
        "code" => Err(Refusal::validation(format!(
            "body failed validation: {path}.language should be defined."
        ))),
        "divider" => Ok(()),
        "bookmark" | "embed" => match inner.get("url").and_then(Value::as_str) {
            Some(url) if !url.is_empty() => Ok(()),
            _ => Err(Refusal::validation(format!(
                "body failed validation: {path}.url should be defined."
            ))),
        },
        _ => Err(Refusal::validation(format!(
            "body failed validation: {path} is a block type that the sandbox does not have."
        ))),
    }
}

/// Notes that a member types: one paragraph for each line.
pub(super) fn paragraphs(text: &str) -> Vec<Draft> {
    let paragraph = |line: &str| Draft {
        kind: "paragraph".into(),
        content: json!({"rich_text": chunks(line), "color": "default"}),
        children: Vec::new(),
    };
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(paragraph)
        .collect()
}

fn chunks(line: &str) -> Vec<Value> {
    let characters: Vec<char> = line.chars().collect();
    characters
        .chunks(1_000)
        .map(|chunk| rich_text::from_text(&chunk.iter().collect::<String>()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paragraph(children: Value) -> Value {
        json!({"type": "paragraph", "paragraph": {"rich_text": [{"text": {"content": "a"}}], "children": children}})
    }

    #[test]
    fn the_limits_of_a_tree_hold() {
        let hundred: Vec<Value> = (0..100).map(|_| paragraph(Value::Null)).collect();
        assert!(read_children(&json!(hundred), "c").is_ok());
        let more: Vec<Value> = (0..101).map(|_| paragraph(Value::Null)).collect();
        assert!(read_children(&json!(more), "c").is_err());
        let nested = |children: Value| json!([paragraph(children)]);
        assert!(read_children(&nested(nested(Value::Null)), "c").is_ok());
        assert!(
            read_children(&nested(nested(nested(Value::Null))), "c").is_err(),
            "three levels"
        );
        let wide: Vec<Value> = (0..11).map(|_| paragraph(json!(hundred))).collect();
        assert!(read_children(&json!(wide), "c").is_err(), "1111 blocks");
    }

    #[test]
    fn malformed_blocks_are_refused() {
        for bad in [
            json!([{"type": "heading_1", "paragraph": {"rich_text": []}}]),
            json!([{"paragraph": {}}]),
            json!([{"hologram": {"rich_text": []}}]),
            json!([{"code": {"rich_text": []}}]),
            json!(["text"]),
        ] {
            assert!(read_children(&bad, "c").is_err(), "{bad}");
        }
    }
}
