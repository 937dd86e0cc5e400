//! Page content: a tree of blocks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Author, Version, bare, block_draft::Draft, rich_text, stamp};
use crate::world::World;

/// A block as stored.
#[derive(Debug, Clone)]
pub(super) struct Block {
    id: String,
    pub(super) parent: String,
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

    pub(super) fn remove(&mut self, id: &str) -> Option<Block> {
        self.clear(id);
        let block = self.blocks.remove(&bare(id))?;
        if let Some(siblings) = self.children.get_mut(&block.parent) {
            siblings.retain(|sibling| *sibling != bare(id));
        }
        Some(block)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Block> {
        self.blocks.get(&bare(id))
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.blocks.contains_key(&bare(id))
    }

    pub(super) fn of(&self, parent: &str) -> impl Iterator<Item = &Block> {
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

    pub(super) fn markdown(&self, parent: &str, indent: &str) -> String {
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

    pub(super) fn shape(&self, block: &Block, parent_is_page: bool, version: Version) -> Value {
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
