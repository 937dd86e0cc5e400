//! The hub's API as a client in another language would use it: JSON over HTTP, nothing of our own types.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;

/// A client of one hub.
#[derive(Debug, Clone)]
pub struct Api {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl Api {
    /// A client with a bearer token.
    ///
    /// # Panics
    /// If no HTTP client can be made.
    pub fn new(url: &str, token: &str) -> Self {
        // Installed once for the process; a second call only says that it is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            // A hub that does not answer at all fails the test, and does not hold it for ever.
            .timeout(Duration::from_secs(30))
            .build()
            .expect("an HTTP client can be made");
        Self {
            client,
            url: url.to_owned(),
            token: token.to_owned(),
        }
    }

    /// Calls a route. The body is `null` where the answer has none; an unreachable hub is `None`.
    pub async fn try_call(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(StatusCode, Value)> {
        self.send(method, path, body).await.ok()
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::Result<(StatusCode, Value)> {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Calls a route that must answer.
    ///
    /// # Panics
    /// If the hub cannot be reached.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let answer = self.send(method.clone(), path, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: no answer: {error:?}"))
    }

    /// Reads a route.
    ///
    /// # Panics
    /// If the answer is no success.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert!(status.is_success(), "GET {path}: {status} {body}");
        body
    }

    /// Reads a route that answers with text.
    ///
    /// # Panics
    /// If the answer is no success.
    pub async fn text(&self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        let answer = answer.unwrap_or_else(|error| panic!("GET {path}: {error:?}"));
        answer.text().await.unwrap_or_default()
    }

    /// All rows of a list, page after page.
    ///
    /// # Panics
    /// If a page cannot be read.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut cursor = None::<String>;
        loop {
            let glue = if path.contains('?') { '&' } else { '?' };
            let at = cursor
                .as_ref()
                .map(|cursor| format!("&cursor={cursor}"))
                .unwrap_or_default();
            let page = self.get(&format!("{path}{glue}limit=200{at}")).await;
            rows.extend(page["items"].as_array().expect("a list has items").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return rows,
            }
        }
    }
}
