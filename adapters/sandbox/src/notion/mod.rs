//! Notion's stand-in: one database with one data source, its pages and their blocks.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::State as Extract,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, patch, post},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    config::{Echoes, SandboxConfig},
    webhooks::NotionEvent,
    world::World,
};

mod block_draft;
mod block_store;
mod blocks;
mod data_source;
mod filter;
mod page;
mod pages;
mod paging;
mod people;
mod query;
mod rich_text;
mod schema;
mod stand_in;
mod value;

pub use stand_in::{Notion, NotionPage, UnknownPage};

use block_store::Blocks;
use page::Page;
use schema::Schema;

/// Everything that this workspace holds.
#[derive(Debug)]
pub(crate) struct State {
    schema: Schema,
    pages: BTreeMap<String, Page>,
    order: Vec<String>,
    blocks: Blocks,
}

impl State {
    pub(crate) fn new(_config: &SandboxConfig) -> Self {
        Self {
            schema: Schema::demo(),
            pages: BTreeMap::new(),
            order: Vec::new(),
            blocks: Blocks::default(),
        }
    }

    fn page(&self, id: &str) -> Option<&Page> {
        self.pages.get(&bare(id))
    }

    fn page_mut(&mut self, id: &str) -> Option<&mut Page> {
        self.pages.get_mut(&bare(id))
    }

    fn insert(&mut self, page: Page) {
        let key = bare(&page.id);
        self.order.push(key.clone());
        self.pages.insert(key, page);
    }

    fn in_order(&self) -> impl Iterator<Item = &Page> {
        self.order.iter().filter_map(|key| self.pages.get(key))
    }
}

/// Ids come with or without dashes.
fn bare(id: &str) -> String {
    id.replace('-', "").to_ascii_lowercase()
}

/// Who edits: the integration, or a member of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    Integration,
    Member,
}

/// The integration's own user id.
const BOT_ID: &str = "66666666-6666-4666-8666-666666666666";
/// The member who moves cards.
const MEMBER_ID: &str = "11111111-1111-4111-8111-111111111111";

impl Author {
    fn id(self) -> &'static str {
        match self {
            Self::Integration => BOT_ID,
            Self::Member => MEMBER_ID,
        }
    }

    fn user(self) -> Value {
        json!({"object": "user", "id": self.id()})
    }
}

/// API versions that know data sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    V2025,
    V2026,
}

/// A request that is not carried out: status, code, message.
#[derive(Debug)]
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn validation(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: "validation_error",
            message: message.into(),
        }
    }

    fn not_found(what: &str, id: &str) -> Self {
        let message = format!(
            "Could not find {what} with ID: {id}. Make sure the relevant pages and databases are shared with your integration."
        );
        Self {
            status: 404,
            code: "object_not_found",
            message,
        }
    }
}

/// What a route gives.
type Answer = Result<Value, Refusal>;

fn finish(world: &World, answer: Answer) -> Response {
    let request_id = world.ids.uuid().to_string();
    let mut response = match answer {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => {
            let body = json!({
                "object": "error", "status": refusal.status, "code": refusal.code, "message": refusal.message, "request_id": request_id,
            });
            (
                StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST),
                Json(body),
            )
                .into_response()
        }
    };
    if let Ok(request_id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-notion-request-id", request_id);
    }
    response
}

/// Token first, then version, as the real one does.
fn authorize(world: &World, headers: &HeaderMap) -> Result<Version, Refusal> {
    if crate::bearer::token(headers) != Some(world.config.notion.token.as_str()) {
        return Err(Refusal {
            status: 401,
            code: "unauthorized",
            message: "API token is invalid.".into(),
        });
    }
    match headers.get("notion-version").and_then(|value| value.to_str().ok()) {
        None => Err(Refusal {
            status: 400,
            code: "missing_version",
            message: "Notion-Version header failed validation: Notion-Version header should be defined.".into(),
        }),
        Some("2025-09-03") => Ok(Version::V2025),
        Some("2026-03-11") => Ok(Version::V2026),
        Some(other) => Err(Refusal::validation(format!(
            "Notion-Version header failed validation: should be `\"2025-09-03\"` or `\"2026-03-11\"`, instead was `\"{other}\"`."
        ))),
    }
}

/// No request may be larger.
const REQUEST_LIMIT: usize = 500 * 1024;

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    if body.len() > REQUEST_LIMIT {
        return Err(Refusal::validation("The request body is larger than 500KB."));
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| Refusal {
        status: 400,
        code: "invalid_json",
        message: "Error parsing JSON body.".into(),
    })?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Refusal::validation("body failed validation: body should be an object."))
    }
}

/// Refuses names that the request must not have.
fn only_known_keys(object: &Value, known: &[&str], path: &str) -> Result<(), Refusal> {
    let unknown = object
        .as_object()
        .into_iter()
        .flat_map(|map| map.keys())
        .find(|key| !known.contains(&key.as_str()));
    match unknown {
        None => Ok(()),
        Some(key) => Err(Refusal::validation(format!(
            "body failed validation: {path}.{key} should be not present."
        ))),
    }
}

/// The API.
pub(crate) fn router(world: &Arc<World>) -> Router {
    Router::new()
        .route("/v1/pages", post(pages::create))
        .route("/v1/pages/{id}", get(pages::show).patch(pages::update))
        .route("/v1/pages/{id}/properties/{property_id}", get(pages::property))
        .route("/v1/pages/{id}/markdown", get(blocks::markdown))
        .route("/v1/databases/{id}", get(data_source::database))
        .route("/v1/data_sources/{id}", get(data_source::show))
        .route("/v1/data_sources/{id}/query", post(query::query))
        .route("/v1/blocks/{id}", get(blocks::show).delete(blocks::delete))
        .route(
            "/v1/blocks/{id}/children",
            get(blocks::children).merge(patch(blocks::append)),
        )
        .route("/v1/users", get(people::list))
        .route("/v1/users/me", get(people::me))
        .route("/v1/users/{id}", get(people::show))
        .fallback(unknown_route)
        .with_state(Arc::clone(world))
}

async fn unknown_route(Extract(world): Extract<Arc<World>>) -> Response {
    finish(
        &world,
        Err(Refusal {
            status: 400,
            code: "invalid_request_url",
            message: "Invalid request URL.".into(),
        }),
    )
}

/// An error by its code.
pub(crate) fn error(world: &World, code: &str) -> Response {
    let (status, code, message) = match code {
        "invalid_json" => (400, "invalid_json", "Error parsing JSON body."),
        "invalid_request_url" => (400, "invalid_request_url", "Invalid request URL."),
        "invalid_request" => (400, "invalid_request", "Unsupported request."),
        "missing_version" => (400, "missing_version", "Notion-Version header should be defined."),
        "validation_error" => (400, "validation_error", "body failed validation."),
        "unauthorized" => (401, "unauthorized", "API token is invalid."),
        "restricted_resource" => (
            403,
            "restricted_resource",
            "Insufficient permissions for this endpoint.",
        ),
        "object_not_found" => (404, "object_not_found", "Could not find the requested object."),
        "conflict_error" => (
            409,
            "conflict_error",
            "Conflict occurred while saving. Please try again.",
        ),
        "rate_limited" => (
            429,
            "rate_limited",
            "You have been rate limited. Please try again later.",
        ),
        "service_unavailable" => (
            503,
            "service_unavailable",
            "Notion is unavailable. Please try again later.",
        ),
        "gateway_timeout" => (
            504,
            "gateway_timeout",
            "Notion timed out while attempting to complete this request.",
        ),
        "service_overload" => (529, "service_overload", "Notion is overloaded. Please try again later."),
        _ => (500, "internal_server_error", "Unexpected error occurred."),
    };
    finish(
        world,
        Err(Refusal {
            status,
            code,
            message: message.into(),
        }),
    )
}

/// 429 with the reason that Notion gives nowadays.
pub(crate) fn rate_limited(world: &World, retry_after_secs: u64) -> Response {
    let body = json!({
        "object": "error", "status": 429, "code": "rate_limited", "message": "You have been rate limited. Please try again later.",
        "additional_data": {"rate_limit_reason": "public_api_request_rate_limit"}, "request_id": world.ids.uuid(),
    });
    (
        StatusCode::TOO_MANY_REQUESTS,
        [("Retry-After", retry_after_secs.to_string())],
        Json(body),
    )
        .into_response()
}

/// Stamps are shown rounded down to the minute, which is the trap in polling.
fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:00.000Z").to_string()
}

/// Signals an edit, if the workspace has a subscription.
fn signal(world: &Arc<World>, kind: &str, page: &Page) {
    let account = &world.config.notion;
    let is_own = page.last_edited_by == Author::Integration;
    if account.verification_token.is_none() || (is_own && world.config.echoes == Echoes::Off) {
        return;
    }
    let event = NotionEvent {
        id: world.ids.uuid().to_string(),
        kind: kind.to_owned(),
        page_id: page.id.clone(),
        data_source_id: account.data_source_id.clone(),
        database_id: account.database_id.clone(),
        author_id: page.last_edited_by.id().to_owned(),
        author_kind: if is_own { "bot" } else { "person" }.to_owned(),
        at: page.last_edited_at,
    };
    world.announce(event.webhook());
}
