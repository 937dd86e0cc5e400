//! Intercom's stand-in: what is stored, what people do, and what a test may ask.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::State as Extract,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use crate::{
    Inbound, Provider, RecordedRequest, SandboxFile,
    config::SandboxConfig,
    files,
    webhooks::{IntercomAuthor, IntercomReport},
    world::World,
};

mod contacts;
mod conversations;
mod html;
mod reply;
mod shape;

pub(crate) use html::to_text;

/// Everything that this workspace holds.
#[derive(Debug)]
pub(crate) struct State {
    contacts: BTreeMap<String, IntercomContact>,
    conversations: BTreeMap<String, IntercomConversation>,
    order: Vec<String>,
}

impl State {
    pub(crate) fn new(config: &SandboxConfig) -> Self {
        let contacts = config.people.iter().map(|person| {
            let contact = IntercomContact {
                id: person.intercom_id.clone(),
                external_id: Some(format!("cust-{}", person.slack_handle)),
                role: "user".into(),
                name: Some(person.name.clone()),
                email: Some(person.email.clone()),
                phone: Some(format!("+{}", person.phone)),
            };
            (contact.id.clone(), contact)
        });
        Self {
            contacts: contacts.collect(),
            conversations: BTreeMap::new(),
            order: Vec::new(),
        }
    }
}

/// A contact as the workspace knows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntercomContact {
    /// 24 hexadecimal digits.
    pub id: String,
    /// The company's own id.
    pub external_id: Option<String>,
    /// `user` or `lead`.
    pub role: String,
    /// Leads may have none.
    pub name: Option<String>,
    /// Leads may have none.
    pub email: Option<String>,
    /// With `+`.
    pub phone: Option<String>,
}

impl IntercomContact {
    fn author(&self) -> IntercomAuthor {
        IntercomAuthor {
            id: self.id.clone(),
            external_id: self.external_id.clone(),
            kind: self.role.clone(),
            name: self.name.clone(),
            email: self.email.clone().unwrap_or_default(),
        }
    }
}

/// What a part is for: only a comment is seen by the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IntercomPartKind {
    /// Seen by the person.
    Comment,
    /// Seen by teammates only.
    Note,
}

/// Who wrote a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum IntercomPartAuthor {
    /// The person.
    Contact(String),
    /// A teammate, through the API.
    Admin(String),
}

/// One contribution to a conversation; the first is its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IntercomPart {
    /// Digits, growing.
    pub id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// For whom.
    pub kind: IntercomPartKind,
    /// By whom.
    pub author: IntercomPartAuthor,
    /// HTML.
    pub body: String,
}

/// A conversation between one contact and the company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IntercomConversation {
    /// Digits.
    pub id: String,
    /// Who began it.
    pub contact_id: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Source and parts, oldest first.
    pub parts: Vec<IntercomPart>,
}

impl IntercomConversation {
    /// What teammates wrote for the person to see.
    pub fn comments_by_admins(&self) -> impl Iterator<Item = &IntercomPart> {
        self.parts.iter().filter(|part| {
            part.kind == IntercomPartKind::Comment && matches!(part.author, IntercomPartAuthor::Admin(_))
        })
    }
}

/// What people and the app did on Intercom.
#[derive(Debug, Clone)]
pub struct Intercom {
    world: Arc<World>,
}

impl Intercom {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// All conversations, oldest first. A reply that was sent twice is two parts.
    pub fn conversations(&self) -> Vec<IntercomConversation> {
        let state = self.world.intercom.lock();
        state
            .order
            .iter()
            .filter_map(|id| state.conversations.get(id).cloned())
            .collect()
    }

    /// One conversation.
    pub fn conversation(&self, id: &str) -> Option<IntercomConversation> {
        self.world.intercom.lock().conversations.get(id).cloned()
    }

    /// Raw requests, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world.arrivals(Provider::Intercom).lock().to_vec()
    }

    /// Adds a contact, or changes one.
    pub fn put_contact(&self, contact: IntercomContact) {
        self.world.intercom.lock().contacts.insert(contact.id.clone(), contact);
    }

    /// A person opens a conversation. Unknown contacts become leads without a name.
    pub fn person_writes(&self, contact_id: &str, text: &str) -> (IntercomReport, Inbound) {
        let world = &self.world;
        let now = world.clock.now();
        let mut state = world.intercom.lock();
        let conversation = IntercomConversation {
            id: world.ids.digits(12),
            contact_id: contact_id.to_owned(),
            created_at: now,
            parts: vec![person_part(world, contact_id, text, now)],
        };
        let report = report(world, &mut state, &conversation, now);
        state.order.push(conversation.id.clone());
        state.conversations.insert(conversation.id.clone(), conversation);
        let inbound = Inbound(report.created());
        (report, inbound)
    }

    /// A person opens a conversation and attaches a file. Whoever has the address has the file.
    pub fn person_uploads(&self, contact_id: &str, text: &str, file: SandboxFile) -> (IntercomReport, Inbound) {
        let world = &self.world;
        let (report, _) = self.person_writes(contact_id, text);
        let id = world.ids.digits(12);
        let root = world
            .urls
            .get()
            .map_or("https://downloads.intercomcdn.com", |urls| urls.intercom.as_str());
        let upload = json!({
            "type": "upload", "name": file.name, "content_type": file.content_type, "filesize": file.bytes.len(),
            "url": format!("{root}/attachments/{id}/{}", file.name), "width": null, "height": null,
        });
        world.files.lock().put(id, file);
        (report.clone(), Inbound(report.created_with_files(&[upload])))
    }

    /// The person of a conversation writes again; `None` if there is no such conversation.
    pub fn person_replies(&self, conversation_id: &str, text: &str) -> Option<(IntercomReport, Inbound)> {
        let world = &self.world;
        let now = world.clock.now();
        let mut state = world.intercom.lock();
        let conversation = state.conversations.get_mut(conversation_id)?;
        let part = person_part(world, &conversation.contact_id, text, now);
        conversation.parts.push(part);
        let conversation = conversation.clone();
        let report = report(world, &mut state, &conversation, now);
        let inbound = Inbound(report.replied());
        Some((report, inbound))
    }

    pub(crate) fn contact_name(&self, id: &str) -> String {
        let state = self.world.intercom.lock();
        state
            .contacts
            .get(id)
            .and_then(|contact| contact.name.clone())
            .unwrap_or_else(|| id.to_owned())
    }
}

fn person_part(world: &World, contact_id: &str, text: &str, at: DateTime<Utc>) -> IntercomPart {
    IntercomPart {
        id: world.ids.digits(11),
        at,
        kind: IntercomPartKind::Comment,
        author: IntercomPartAuthor::Contact(contact_id.to_owned()),
        body: html::from_text(text),
    }
}

fn report(world: &World, state: &mut State, conversation: &IntercomConversation, at: DateTime<Utc>) -> IntercomReport {
    let contact = state
        .contacts
        .entry(conversation.contact_id.clone())
        .or_insert_with(|| IntercomContact {
            id: conversation.contact_id.clone(),
            external_id: None,
            role: "lead".into(),
            name: None,
            email: None,
            phone: None,
        });
    let (first, last) = (conversation.parts.first(), conversation.parts.last());
    IntercomReport {
        app_id: world.config.intercom.app_id.clone(),
        notification_id: format!("notif_{}", world.ids.uuid()),
        conversation_id: conversation.id.clone(),
        source_id: first.map(|part| part.id.clone()).unwrap_or_default(),
        source_html: first.map(|part| part.body.clone()).unwrap_or_default(),
        part_id: last.map(|part| part.id.clone()).unwrap_or_default(),
        html: last.map(|part| part.body.clone()).unwrap_or_default(),
        author: contact.author(),
        opened_at: conversation.created_at,
        at,
    }
}

/// The REST API.
pub(crate) fn router(world: &Arc<World>) -> Router {
    Router::new()
        .route("/me", get(contacts::me))
        .route("/admins", get(contacts::admins))
        .route("/contacts/search", post(contacts::search))
        .route("/contacts/{id}", get(contacts::show))
        .route("/conversations/{id}", get(conversations::show))
        .route("/conversations/{id}/reply", post(reply::reply))
        .route("/attachments/{id}/{name}", get(files::of_intercom))
        .fallback(unknown_route)
        .with_state(Arc::clone(world))
        .layer(axum::middleware::map_response(add_rate_limit_headers))
}

async fn unknown_route(Extract(world): Extract<Arc<World>>) -> Response {
    error(&world, "not_found")
}

/// Every answer tells the budget; the reset is an absolute time, so a served request says nothing of it.
async fn add_rate_limit_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut put = |name: &'static str, value: &'static str| {
        headers
            .entry(HeaderName::from_static(name))
            .or_insert(HeaderValue::from_static(value));
    };
    put("x-ratelimit-limit", "1667");
    put("x-ratelimit-remaining", "1666");
    response
}

/// What a route gives.
type Answer = Result<Response, Refusal>;

/// A request that is not carried out.
#[derive(Debug)]
struct Refusal {
    status: u16,
    code: String,
    message: String,
    request_id: String,
}

impl Refusal {
    fn new(world: &World, status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            request_id: world.ids.uuid().to_string(),
        }
    }

    /// By its code, with the status that belongs to it.
    fn of(world: &World, code: &str) -> Self {
        let (status, message) = match code {
            "parameter_invalid" | "parameter_not_found" | "bad_request" => (400, "Bad request"),
            "unauthorized" => (401, "Access Token Invalid"),
            "token_revoked" => (401, "Access Token Revoked"),
            "token_expired" => (401, "Access Token Expired"),
            "api_plan_restricted" => (403, "Active subscription needed."),
            "forbidden" => (403, "Not allowed"),
            "not_found" | "conversation_not_found" => (404, "Resource Not Found"),
            "conflict" => (409, "Conflict"),
            "media_type_not_acceptable" => (415, "The Content-Type must be application/json"),
            "data_invalid" => (422, "Data invalid"),
            "locked" => (423, "Locked"),
            "rate_limit_exceeded" => (429, "Exceeded rate limit"),
            "service_unavailable" => (503, "Sorry, the API service is temporarily unavailable"),
            _ => (500, "An unexpected error occurred"),
        };
        Self::new(world, status, code, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "error.list",
            "request_id": self.request_id,
            "errors": [{"code": self.code, "message": self.message, "field": null}],
        });
        (
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Json(body),
        )
            .into_response()
    }
}

/// Checks the token, and that the version is one that exists.
fn authorize(world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
    if crate::bearer::token(headers) != Some(world.config.intercom.access_token.as_str()) {
        return Err(Refusal::of(world, "unauthorized"));
    }
    let Some(version) = headers.get("intercom-version") else {
        return Ok(());
    };
    let version = version.to_str().unwrap_or_default();
    let is_known = version == "Unstable"
        || version
            .split_once('.')
            .is_some_and(|(major, minor)| match (major.parse::<u8>(), minor.parse::<u8>()) {
                (Ok(1), Ok(minor)) => minor <= 4,
                (Ok(2), Ok(minor)) => minor <= 17,
                _ => false,
            });
    if is_known {
        return Ok(());
    }
    Err(Refusal::new(
        world,
        400,
        "intercom_version_invalid",
        "The requested version could not be found",
    ))
}

/// An error by its code.
pub(crate) fn error(world: &World, code: &str) -> Response {
    Refusal::of(world, code).into_response()
}

/// There is no `Retry-After`: the reset is told as an absolute time.
pub(crate) fn rate_limited(world: &World, retry_after_secs: u64) -> Response {
    let reset = world
        .clock
        .now()
        .timestamp()
        .saturating_add(i64::try_from(retry_after_secs).unwrap_or(i64::MAX));
    let mut response = error(world, "rate_limit_exceeded");
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", HeaderValue::from_static("1667"));
    headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
    headers.insert("x-ratelimit-reset", HeaderValue::from(reset));
    response
}
