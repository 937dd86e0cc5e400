//! Intercom's shapes, as far as they are used. Ids come as text or as numbers.

use serde::{Deserialize, Deserializer, Serialize};

/// The body of a reply. There is no way here to write a note: what a reviewer approved is for the person.
#[derive(Serialize)]
pub(crate) struct Reply<'a> {
    message_type: &'static str,
    #[serde(rename = "type")]
    author_type: &'static str,
    admin_id: &'a str,
    body: &'a str,
}

impl<'a> Reply<'a> {
    /// A comment of a teammate.
    pub(crate) fn comment(admin_id: &'a str, body: &'a str) -> Self {
        Self {
            message_type: "comment",
            author_type: "admin",
            admin_id,
            body,
        }
    }
}

/// A conversation.
#[derive(Deserialize)]
pub(crate) struct Conversation {
    #[serde(default)]
    conversation_parts: Parts,
}

impl Conversation {
    /// The parts, oldest first; Intercom returns the last 500.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.conversation_parts.conversation_parts
    }
}

#[derive(Default, Deserialize)]
struct Parts {
    #[serde(default)]
    conversation_parts: Vec<Part>,
}

/// One contribution to a conversation.
#[derive(Deserialize)]
pub(crate) struct Part {
    #[serde(default, deserialize_with = "text_or_number")]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) part_type: String,
    pub(crate) body: Option<String>,
    pub(crate) created_at: Option<i64>,
    pub(crate) author: Option<Author>,
}

/// Who wrote a part.
#[derive(Deserialize)]
pub(crate) struct Author {
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    #[serde(default, deserialize_with = "text_or_number")]
    pub(crate) id: Option<String>,
}

/// A contact.
#[derive(Deserialize)]
pub(crate) struct Contact {
    #[serde(default)]
    pub(crate) role: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
}

/// The answer of `/me`.
#[derive(Deserialize)]
pub(crate) struct Me {
    #[serde(default, deserialize_with = "text_or_number")]
    pub(crate) id: Option<String>,
    pub(crate) app: Option<App>,
}

/// A workspace.
#[derive(Deserialize)]
pub(crate) struct App {
    pub(crate) id_code: Option<String>,
    pub(crate) region: Option<String>,
}

/// The answer of `/admins`.
#[derive(Deserialize)]
pub(crate) struct Admins {
    #[serde(default)]
    pub(crate) admins: Vec<Admin>,
}

/// A teammate.
#[derive(Deserialize)]
pub(crate) struct Admin {
    #[serde(default, deserialize_with = "text_or_number")]
    pub(crate) id: Option<String>,
}

/// What a refused request answers.
#[derive(Deserialize)]
pub(crate) struct ErrorList {
    #[serde(default)]
    pub(crate) errors: Vec<ErrorItem>,
}

/// One reason. Its message may repeat what was sent and is left where it is.
#[derive(Deserialize)]
pub(crate) struct ErrorItem {
    pub(crate) code: Option<String>,
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(u64),
    }
    Ok(Option::<Either>::deserialize(deserializer)?.map(|either| match either {
        Either::Text(text) => text,
        Either::Number(number) => number.to_string(),
    }))
}
