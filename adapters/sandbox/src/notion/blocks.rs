//! Page content: a tree of blocks.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{
    Answer, Author, Refusal, Version, authorize, bare, finish, only_known_keys, paging::Paging, parse, rich_text, stamp,
};
use crate::world::World;

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
    kind: String,
    content: Value,
    children: Vec<Self>,
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

/// A block as stored.
#[derive(Debug, Clone)]
struct Block {
    id: String,
    parent: String,
    kind: String,
    content: Value,
    created_at: DateTime<Utc>,
    created_by: Author,
}

/// All blocks of the workspace, and the order of each parent's children.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    blocks: BTreeMap<String, Block>,
    children: BTreeMap<String, Vec<String>>,
}

/// Where new children go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Start,
    End,
    After(String),
}

impl Blocks {
    /// Adds children to a page or block and gives their ids.
    pub(super) fn append(
        &mut self,
        world: &World,
        parent: &str,
        drafts: Vec<Draft>,
        place: Place,
        by: Author,
    ) -> Vec<String> {
        let mut added = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let id = world.ids.uuid().to_string();
            let block = Block {
                id: id.clone(),
                parent: bare(parent),
                kind: draft.kind,
                content: draft.content,
                created_at: world.clock.now(),
                created_by: by,
            };
            self.blocks.insert(bare(&id), block);
            self.append(world, &id, draft.children, Place::End, by);
            added.push(bare(&id));
        }
        let siblings = self.children.entry(bare(parent)).or_default();
        let at = match place {
            Place::Start => 0,
            Place::End => siblings.len(),
            Place::After(id) => siblings
                .iter()
                .position(|sibling| *sibling == bare(&id))
                .map_or(siblings.len(), |index| index + 1),
        };
        siblings.splice(at..at, added.iter().cloned());
        added
    }

    pub(super) fn clear(&mut self, parent: &str) {
        for id in self.children.remove(&bare(parent)).unwrap_or_default() {
            self.clear(&id);
            self.blocks.remove(&id);
        }
    }

    fn remove(&mut self, id: &str) -> Option<Block> {
        self.clear(id);
        let block = self.blocks.remove(&bare(id))?;
        if let Some(siblings) = self.children.get_mut(&block.parent) {
            siblings.retain(|sibling| *sibling != bare(id));
        }
        Some(block)
    }

    fn contains(&self, id: &str) -> bool {
        self.blocks.contains_key(&bare(id))
    }

    fn of(&self, parent: &str) -> impl Iterator<Item = &Block> {
        self.children
            .get(&bare(parent))
            .into_iter()
            .flatten()
            .filter_map(|id| self.blocks.get(id))
    }

    fn has_children(&self, id: &str) -> bool {
        self.children
            .get(&bare(id))
            .is_some_and(|children| !children.is_empty())
    }

    /// What a person reads, one line for each block, children indented.
    pub(super) fn lines(&self, parent: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for block in self.of(parent) {
            let items = block.content["rich_text"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let text = rich_text::plain(items);
            let url = block.content["url"].as_str().unwrap_or_default();
            lines.push(if text.is_empty() { url.to_owned() } else { text });
            lines.extend(self.lines(&block.id).into_iter().map(|line| format!("  {line}")));
        }
        lines
    }

    fn markdown(&self, parent: &str, indent: &str) -> String {
        let mut markdown = String::new();
        for block in self.of(parent) {
            let items = block.content["rich_text"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let text = rich_text::plain(items);
            let line = match block.kind.as_str() {
                "heading_1" => format!("# {text}"),
                "heading_2" => format!("## {text}"),
                "heading_3" => format!("### {text}"),
                "heading_4" => format!("#### {text}"),
                "bulleted_list_item" => format!("- {text}"),
                "numbered_list_item" => format!("1. {text}"),
                "to_do" if block.content["checked"] == true => format!("- [x] {text}"),
                "to_do" => format!("- [ ] {text}"),
                "quote" => format!("> {text}"),
                "divider" => "---".to_owned(),
                _ => text,
            };
            markdown.push_str(&format!("{indent}{line}\n"));
            markdown.push_str(&self.markdown(&block.id, &format!("{indent}\t")));
        }
        markdown
    }

    fn shape(&self, block: &Block, parent_is_page: bool, version: Version) -> Value {
        let parent = uuid::Uuid::parse_str(&block.parent)
            .map(|id| id.to_string())
            .unwrap_or_else(|_| block.parent.clone());
        let parent_kind = if parent_is_page { "page_id" } else { "block_id" };
        let mut shape = json!({
            "object": "block",
            "id": block.id,
            "parent": {"type": parent_kind, parent_kind: parent},
            "created_time": stamp(block.created_at),
            "last_edited_time": stamp(block.created_at),
            "created_by": block.created_by.user(),
            "last_edited_by": block.created_by.user(),
            "has_children": self.has_children(&block.id),
            "in_trash": false,
            "type": block.kind,
            block.kind.as_str(): block.content,
        });
        if version == Version::V2025 {
            shape["archived"] = json!(false);
        }
        shape
    }
}

pub(super) async fn show(State(world): State<Arc<World>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let answer = authorize(&world, &headers).and_then(|version| {
        let state = world.notion.lock();
        let block = state
            .blocks
            .blocks
            .get(&bare(&id))
            .ok_or_else(|| Refusal::not_found("block", &id))?;
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
        .filter_map(|id| state.blocks.blocks.get(id))
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
