//! Requests to Notion: one method for each call, each within the time that its operation has left.

use std::time::Duration;

use feedback_core::ports::{PortError, PortErrorKind};
use feedback_http_client::{Answer, BaseUrl, Bearer, Call, ConfigError, Deadline, HttpClient, HttpClientConfig};
use reqwest::header::HeaderValue;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    NotionConfig,
    error::{About, refused, unreadable},
    wire::{DataSource, Database, List, Page, User},
};

#[derive(Debug)]
pub(crate) struct Client {
    http: HttpClient,
    base: BaseUrl,
    token: Bearer,
    version: HeaderValue,
    timeout: Duration,
}

/// One operation of the port: its name in errors, and its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) operation: &'static str,
    deadline: Deadline,
    limit: Duration,
}

impl Turn {
    /// Whether enough time is left to begin another part of a long operation.
    pub(crate) fn has_time(&self) -> bool {
        self.deadline.left() > self.limit / 3
    }

    pub(crate) fn failed(&self, kind: PortErrorKind) -> PortError {
        PortError::new(kind, self.operation)
    }
}

impl Client {
    pub(crate) fn new(config: &NotionConfig) -> Result<Self, ConfigError> {
        let version = &config.version;
        let is_version = version.len() == 10 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let wrong_version = ConfigError::Setting {
            name: "version",
            problem: "it is no date such as 2025-09-03",
        };
        if !is_version {
            return Err(wrong_version);
        }
        Ok(Self {
            http: HttpClient::new(HttpClientConfig::default().with_timeout(config.timeout))?,
            base: BaseUrl::parse(&config.base_url)?,
            token: Bearer::new(&config.token)?,
            version: HeaderValue::from_str(version).map_err(|_| wrong_version)?,
            timeout: config.timeout,
        })
    }

    pub(crate) fn turn(&self, operation: &'static str) -> Turn {
        Turn {
            operation,
            deadline: Deadline::after(self.timeout),
            limit: self.timeout,
        }
    }

    pub(crate) async fn me(&self, turn: &Turn) -> Result<User, PortError> {
        let call = Call::get(turn.operation, self.base.join(&["v1", "users", "me"]));
        self.read(turn, About::Board, call).await
    }

    /// `None` where there is no data source of that id.
    pub(crate) async fn data_source(&self, turn: &Turn, id: &str) -> Result<Option<DataSource>, PortError> {
        let call = Call::get(turn.operation, self.base.join(&["v1", "data_sources", id]));
        let answer = self.send(turn, call).await?;
        if answer.status().as_u16() == 404 {
            return Ok(None);
        }
        self.parse(turn, About::Board, &answer).map(Some)
    }

    pub(crate) async fn database(&self, turn: &Turn, id: &str) -> Result<Database, PortError> {
        let call = Call::get(turn.operation, self.base.join(&["v1", "databases", id]));
        self.read(turn, About::Board, call).await
    }

    pub(crate) async fn query(&self, turn: &Turn, data_source: &str, body: &Value) -> Result<List, PortError> {
        let url = self.base.join(&["v1", "data_sources", data_source, "query"]);
        self.read(turn, About::Board, Call::post(turn.operation, url).json(body))
            .await
    }

    pub(crate) async fn create_page(&self, turn: &Turn, body: &Value) -> Result<Page, PortError> {
        let call = Call::post(turn.operation, self.base.join(&["v1", "pages"])).json(body);
        self.read(turn, About::NewPage, call).await
    }

    pub(crate) async fn update_page(&self, turn: &Turn, id: &str, body: &Value) -> Result<Page, PortError> {
        let call = Call::patch(turn.operation, self.base.join(&["v1", "pages", id])).json(body);
        self.read(turn, About::Page, call).await
    }

    pub(crate) async fn page(&self, turn: &Turn, id: &str) -> Result<Page, PortError> {
        let call = Call::get(turn.operation, self.base.join(&["v1", "pages", id]));
        self.read(turn, About::Page, call).await
    }

    pub(crate) async fn children(&self, turn: &Turn, id: &str, cursor: Option<&str>) -> Result<List, PortError> {
        let url = self.base.join(&["v1", "blocks", id, "children"]);
        let mut call = Call::get(turn.operation, url).query("page_size", "100");
        if let Some(cursor) = cursor {
            call = call.query("start_cursor", cursor);
        }
        self.read(turn, About::Page, call).await
    }

    async fn read<T: DeserializeOwned>(&self, turn: &Turn, about: About, call: Call) -> Result<T, PortError> {
        let answer = self.send(turn, call).await?;
        self.parse(turn, about, &answer)
    }

    fn parse<T: DeserializeOwned>(&self, turn: &Turn, about: About, answer: &Answer) -> Result<T, PortError> {
        if !answer.status().is_success() {
            return Err(refused(turn.operation, about, answer));
        }
        // The parse error may quote a value: it stays out.
        answer.json().map_err(|_| unreadable(turn.operation))
    }

    async fn send(&self, turn: &Turn, call: Call) -> Result<Answer, PortError> {
        let left = turn.deadline.left();
        if left.is_zero() {
            return Err(turn.failed(PortErrorKind::NotSent).with_code("deadline"));
        }
        let call = call
            .bearer(&self.token)
            .header_value("notion-version", self.version.clone())
            .timeout(left);
        self.http.call(call).await
    }
}
