//! A method's arguments, which may come as query, form or JSON.

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde_json::{Map, Value};
use url::form_urlencoded;

/// The arguments of one call.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    values: Map<String, Value>,
    /// JSON came without `charset=utf-8`: Slack takes it and warns.
    pub(super) misses_charset: bool,
}

impl Arguments {
    pub(super) fn read(query: Option<&str>, headers: &HeaderMap, body: &Bytes) -> Result<Self, &'static str> {
        let mut arguments = Self::default();
        arguments.add_form(query.unwrap_or_default().as_bytes());
        if body.is_empty() {
            return Ok(arguments);
        }
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let content_type = content_type.to_ascii_lowercase();
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/json" => {
                let Value::Object(values) = serde_json::from_slice(body).map_err(|_| "invalid_json")? else {
                    return Err("json_not_object");
                };
                arguments.values.extend(values);
                arguments.misses_charset = !content_type.contains("charset=");
            }
            "application/x-www-form-urlencoded" => arguments.add_form(body),
            _ => return Err("invalid_post_type"),
        }
        Ok(arguments)
    }

    fn add_form(&mut self, encoded: &[u8]) {
        for (name, value) in form_urlencoded::parse(encoded) {
            self.values.insert(name.into_owned(), Value::String(value.into_owned()));
        }
    }

    /// An argument that has to be text; `null` is as good as absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, &'static str> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err("invalid_arguments"),
        }
    }

    /// An argument that has to be there. Slack's name for its absence differs from method to method.
    pub(super) fn required(&self, name: &str, missing: &'static str) -> Result<&str, &'static str> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or(missing)
    }

    /// `true`, `"true"`, `1` and `"1"` all mean yes.
    pub(super) fn is_set(&self, name: &str) -> bool {
        match self.values.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true" || text == "1",
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<usize>, &'static str> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => number
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
                .map(Some)
                .ok_or("invalid_arguments"),
            Some(Value::String(text)) => text.parse().map(Some).map_err(|_| "invalid_arguments"),
            Some(_) => Err("invalid_arguments"),
        }
    }

    /// A structure, which in a form is JSON inside a string.
    pub(super) fn structure(&self, name: &str) -> Result<Option<Value>, &'static str> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map(Some).map_err(|_| "invalid_arguments"),
            Some(value) => Ok(Some(value.clone())),
        }
    }
}
