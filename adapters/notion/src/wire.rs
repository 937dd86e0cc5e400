//! Notion's shapes, as far as we read them. Everything that may be missing is optional.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    pub(crate) additional_data: Option<AdditionalData>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AdditionalData {
    pub(crate) rate_limit_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DataSource {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) title: Value,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, Property>,
}

/// A column. Its options are below a key that is named as its type.
#[derive(Debug, Deserialize)]
pub(crate) struct Property {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) status: Option<Choices>,
    #[serde(default)]
    pub(crate) select: Option<Choices>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Choices {
    #[serde(default)]
    pub(crate) options: Vec<Choice>,
    #[serde(default)]
    pub(crate) groups: Vec<Group>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Group {
    #[serde(default)]
    pub(crate) option_ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Database {
    #[serde(default)]
    pub(crate) data_sources: Vec<DataSourceRef>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DataSourceRef {
    pub(crate) id: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// A page. Where access is limited Notion gives `{object, id}` alone, which is no page for us.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) url: Option<String>,
    pub(crate) last_edited_time: String,
    #[serde(default)]
    pub(crate) last_edited_by: Option<User>,
    #[serde(default)]
    pub(crate) in_trash: bool,
    #[serde(default)]
    pub(crate) archived: bool,
    #[serde(default)]
    pub(crate) properties: BTreeMap<String, Value>,
}

/// A page of a list; `results` are read one by one, so that one strange item spoils no other.
#[derive(Debug, Deserialize)]
pub(crate) struct List {
    #[serde(default)]
    pub(crate) results: Vec<Value>,
    #[serde(default)]
    pub(crate) next_cursor: Option<String>,
    #[serde(default)]
    pub(crate) has_more: bool,
    #[serde(default)]
    pub(crate) request_status: Option<RequestStatus>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RequestStatus {
    #[serde(default)]
    pub(crate) incomplete_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Block {
    pub(crate) id: String,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) has_children: bool,
    #[serde(default)]
    pub(crate) created_by: Option<User>,
    /// The content, below a key that is named as the type.
    #[serde(flatten)]
    pub(crate) content: BTreeMap<String, Value>,
}

/// Ids come with or without dashes, in either case.
pub(crate) fn bare(id: &str) -> String {
    id.replace('-', "").to_ascii_lowercase()
}

/// The text of a list of rich text items.
pub(crate) fn plain(items: &Value) -> String {
    let text = |item: &Value| {
        let plain = item["plain_text"].as_str().or_else(|| item["text"]["content"].as_str());
        plain.unwrap_or_default().to_owned()
    };
    items.as_array().into_iter().flatten().map(text).collect()
}
