//! Cursors and page sizes.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::Refusal;

/// Maximum and default.
pub(super) const PAGE_SIZE: usize = 100;

/// All values of a query parameter.
pub(super) fn query_values(query: Option<&str>, name: &str) -> Vec<String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .collect()
}

/// Which part of a list is asked for.
#[derive(Debug)]
pub(super) struct Paging {
    pub(super) size: usize,
    pub(super) cursor: Option<String>,
}

impl Paging {
    pub(super) fn from_query(query: Option<&str>) -> Result<Self, Refusal> {
        let size = match query_values(query, "page_size").first() {
            None => PAGE_SIZE,
            Some(text) => check_size(text.parse().ok(), "query.page_size")?,
        };
        Ok(Self {
            size,
            cursor: query_values(query, "start_cursor").into_iter().next(),
        })
    }

    pub(super) fn from_body(body: &Value) -> Result<Self, Refusal> {
        let size = match &body["page_size"] {
            Value::Null => PAGE_SIZE,
            value => check_size(value.as_u64(), "body.page_size")?,
        };
        let cursor = match body.get("start_cursor") {
            None => None,
            Some(Value::String(cursor)) => Some(cursor.clone()),
            // Null is refused: the cursor has to be left out on the first call.
            Some(_) => {
                return Err(Refusal::validation(
                    "body failed validation: body.start_cursor should be a string or `undefined`.",
                ));
            }
        };
        Ok(Self { size, cursor })
    }

    /// A page of a list whose items stay where they are.
    pub(super) fn slice(&self, items: Vec<Value>) -> Result<Value, Refusal> {
        let start = match &self.cursor {
            None => 0,
            Some(cursor) => open::<usize>(cursor).ok_or_else(stale)?,
        };
        let end = (start + self.size).min(items.len());
        let next = (end < items.len()).then(|| seal(&json!(end)));
        let results = items.get(start..end).unwrap_or_default();
        Ok(json!({"object": "list", "results": results, "has_more": next.is_some(), "next_cursor": next}))
    }
}

fn check_size(size: Option<u64>, path: &str) -> Result<usize, Refusal> {
    size.and_then(|size| usize::try_from(size).ok())
        .filter(|size| (1..=PAGE_SIZE).contains(size))
        .ok_or_else(|| {
            Refusal::validation(format!(
                "body failed validation: {path} should be a number between `1` and `100`."
            ))
        })
}

/// Clients have to restart without the cursor.
pub(super) fn stale() -> Refusal {
    Refusal::validation("The start_cursor provided is invalid or expired.")
}

/// An opaque cursor.
pub(super) fn seal(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// What [`seal`] hid, if it is ours.
pub(super) fn open<T: serde::de::DeserializeOwned>(cursor: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}
