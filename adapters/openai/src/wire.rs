//! OpenAI's shapes as far as we read them, and what other servers make of them.

use serde::Deserialize;
use serde_json::Value;

/// An answer of `POST /chat/completions`.
#[derive(Debug, Deserialize)]
pub(crate) struct Completion {
    #[serde(default)]
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) choices: Vec<Choice>,
    #[serde(default)]
    pub(crate) usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    pub(crate) message: Message,
    #[serde(default)]
    pub(crate) finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Message {
    /// A string; some servers give a list of parts.
    #[serde(default)]
    pub(crate) content: Value,
    #[serde(default)]
    pub(crate) refusal: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(crate) struct Usage {
    #[serde(default)]
    pub(crate) prompt_tokens: u64,
    #[serde(default)]
    pub(crate) completion_tokens: u64,
}

/// An answer of `POST /embeddings`.
#[derive(Debug, Deserialize)]
pub(crate) struct Embeddings {
    #[serde(default)]
    pub(crate) data: Vec<Embedding>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Embedding {
    pub(crate) index: usize,
    pub(crate) embedding: Vec<f32>,
}

/// The code and type of an error body: an object, a string, flat, or no JSON at all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody {
    pub(crate) code: Option<String>,
    pub(crate) kind: Option<String>,
}

impl ErrorBody {
    pub(crate) fn read(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = if value["error"].is_object() {
            &value["error"]
        } else {
            &value
        };
        let word = |value: &Value| match value {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Self {
            code: word(&error["code"]),
            kind: word(&error["type"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_all_servers_are_read() {
        let read = |body: &str| {
            let body = ErrorBody::read(body.as_bytes());
            (body.code, body.kind)
        };
        let some = |text: &str| Some(text.to_owned());
        for (body, code, kind) in [
            (
                r#"{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
                some("insufficient_quota"),
                some("insufficient_quota"),
            ),
            (
                r#"{"error":{"message":"m","type":"BadRequestError","param":null,"code":400}}"#,
                some("400"),
                some("BadRequestError"),
            ),
            (
                r#"{"error":{"message":"m","type":"api_error","param":null,"code":null}}"#,
                None,
                some("api_error"),
            ),
            (r#"{"error":"Unauthorized"}"#, None, None),
            (r#"{"object":"error","message":"m","code":400}"#, some("400"), None),
            ("<html>502</html>", None, None),
            ("", None, None),
            ("[1]", None, None),
        ] {
            assert_eq!(read(body), (code, kind), "{body}");
        }
    }
}
