//! A page of the data source.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    Author, Refusal, Version, bare,
    schema::{Property, Schema},
    stamp,
    value::Cell,
};
use crate::config::NotionAccount;

/// A page; its content is in the workspace's blocks.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) id: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: Author,
    pub(super) last_edited_at: DateTime<Utc>,
    pub(super) last_edited_by: Author,
    pub(super) is_in_trash: bool,
    pub(super) is_locked: bool,
    pub(super) icon: Value,
    pub(super) cover: Value,
    cells: BTreeMap<&'static str, Cell>,
}

impl Page {
    pub(super) fn new(id: String, at: DateTime<Utc>, by: Author, cells: BTreeMap<&'static str, Cell>) -> Self {
        Self {
            id,
            created_at: at,
            created_by: by,
            last_edited_at: at,
            last_edited_by: by,
            is_in_trash: false,
            is_locked: false,
            icon: Value::Null,
            cover: Value::Null,
            cells,
        }
    }

    pub(super) fn edit(&mut self, at: DateTime<Utc>, by: Author, cells: BTreeMap<&'static str, Cell>) {
        self.cells.extend(cells);
        self.touch(at, by);
    }

    pub(super) fn touch(&mut self, at: DateTime<Utc>, by: Author) {
        self.last_edited_at = at;
        self.last_edited_by = by;
    }

    pub(super) fn cell(&self, property: &Property) -> Cell {
        self.cells
            .get(property.id)
            .cloned()
            .unwrap_or_else(|| Cell::empty(property.kind))
    }

    /// What a person reads in a column.
    pub(super) fn plain(&self, property: &Property) -> Option<String> {
        self.cells.get(property.id).and_then(|cell| cell.plain(property))
    }

    /// The page as answers show it; with `only`, just those columns.
    pub(super) fn shape(&self, schema: &Schema, account: &NotionAccount, version: Version, only: &[String]) -> Value {
        let mut properties = json!({});
        for property in schema.properties() {
            let is_wanted = only.is_empty()
                || only
                    .iter()
                    .any(|key| schema.find(key).is_some_and(|found| found.id == property.id));
            if is_wanted {
                properties[&property.name] = self.cell(property).shape(property);
            }
        }
        let mut shape = json!({
            "object": "page",
            "id": self.id,
            "created_time": stamp(self.created_at),
            "last_edited_time": stamp(self.last_edited_at),
            "created_by": self.created_by.user(),
            "last_edited_by": self.last_edited_by.user(),
            "cover": self.cover,
            "icon": self.icon,
            "parent": {
                "type": "data_source_id", "data_source_id": account.data_source_id, "database_id": account.database_id,
            },
            "in_trash": self.is_in_trash,
            "is_locked": self.is_locked,
            "properties": properties,
            "url": format!("https://www.notion.so/{}", bare(&self.id)),
            "public_url": null,
        });
        if version == Version::V2025 {
            shape["archived"] = json!(self.is_in_trash);
        }
        shape
    }
}

/// Reads the `properties` of a request. Nothing is stored unless all of them are right.
pub(super) fn read_cells(schema: &mut Schema, properties: &Value) -> Result<BTreeMap<&'static str, Cell>, Refusal> {
    let Some(properties) = properties.as_object() else {
        return Err(Refusal::validation(
            "body failed validation: body.properties should be an object.",
        ));
    };
    // Choices that a refused request would have made must not stay.
    let mut draft = schema.clone();
    let mut cells = BTreeMap::new();
    for (key, value) in properties {
        let property = draft.find(key).cloned();
        let property = property.ok_or_else(|| Refusal::validation(format!("{key} is not a property that exists.")))?;
        cells.insert(property.id, Cell::read(&mut draft, &property, value)?);
    }
    *schema = draft;
    Ok(cells)
}
