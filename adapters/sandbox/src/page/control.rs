//! Routes for people and scripts: look at the state, break things, move cards.

use std::{sync::Arc, time::Duration};

use axum::{
    Form, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Provider,
    faults::{Fault, Scope},
    intercom::Intercom,
    notion::{Notion, UnknownPage},
    slack::Slack,
    whatsapp::WhatsApp,
    world::World,
};

/// Everything that happened, as JSON.
pub(super) async fn state(State(world): State<Arc<World>>) -> Json<Value> {
    let slack = Slack::new(Arc::clone(&world));
    let whatsapp = WhatsApp::new(Arc::clone(&world));
    Json(json!({
        "now": world.clock.now(),
        "hub": world.hub.url(),
        "email": {"mails": crate::email::Email::new(Arc::clone(&world)).mails()},
        "slack": {"messages": slack.messages(), "answers": slack.answers()},
        "intercom": {"conversations": Intercom::new(Arc::clone(&world)).conversations()},
        "whatsapp": {"inbound": whatsapp.inbound(), "messages": whatsapp.messages()},
        "notion": {"pages": Notion::new(Arc::clone(&world)).pages()},
        "requests": Provider::ALL.map(|provider| (provider, world.arrivals(provider).lock().to_vec().len())),
        "faults": scripted(&world),
    }))
}

fn scripted(world: &World) -> Value {
    Provider::ALL
        .iter()
        .map(|provider| (provider.to_string(), json!(world.faults.pending(*provider))))
        .collect()
}

pub(super) async fn faults(State(world): State<Arc<World>>) -> Json<Value> {
    Json(scripted(&world))
}

/// `{"fault": …, "times": 3, "method": "POST", "path": "chat.postMessage"}`; without `times` until cleared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultRequest {
    fault: Fault,
    #[serde(default)]
    times: Option<u32>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    path: Option<String>,
}

pub(super) async fn script_fault(
    State(world): State<Arc<World>>,
    Path(provider): Path<String>,
    body: bytes::Bytes,
) -> Response {
    let Ok(provider) = provider.parse::<Provider>() else {
        return refuse(
            StatusCode::NOT_FOUND,
            "no such provider: slack, intercom, whatsapp, notion, openai or email",
        );
    };
    // Read by hand, so that curl works without a content type.
    let request: FaultRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let scope = Scope {
        method: request.method,
        path: request.path,
    };
    match request.times {
        Some(times) => world.faults.fail_next_in(provider, times, request.fault, scope),
        None => world.faults.always_in(provider, request.fault, scope),
    }
    Json(scripted(&world)).into_response()
}

pub(super) async fn clear_faults(State(world): State<Arc<World>>, Path(provider): Path<String>) -> Response {
    match provider.parse::<Provider>() {
        Ok(provider) => {
            world.faults.clear(provider);
            Json(scripted(&world)).into_response()
        }
        Err(error) => refuse(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

pub(super) async fn clear_all_faults(State(world): State<Arc<World>>) -> Json<Value> {
    world.faults.clear_all();
    Json(scripted(&world))
}

#[derive(Debug, Deserialize)]
pub(super) struct Move {
    status: String,
    #[serde(default)]
    notes: String,
}

/// The button on the page.
pub(super) async fn move_from_page(
    State(world): State<Arc<World>>,
    Path(id): Path<String>,
    Form(request): Form<Move>,
) -> Response {
    match carry_out(&world, &id, &request) {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => refuse(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

/// The same for scripts: `{"status": "Done", "notes": "…"}`.
pub(super) async fn move_page(State(world): State<Arc<World>>, Path(id): Path<String>, body: bytes::Bytes) -> Response {
    let request: Move = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match carry_out(&world, &id, &request) {
        Ok(()) => Json(json!(Notion::new(world).page(&id))).into_response(),
        Err(error) => refuse(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

/// Notes first: whoever is told of the move finds them there.
fn carry_out(world: &Arc<World>, id: &str, request: &Move) -> Result<(), UnknownPage> {
    let notion = Notion::new(Arc::clone(world));
    if !notion.statuses().contains(&request.status) {
        return Err(UnknownPage);
    }
    if !request.notes.trim().is_empty() {
        notion.add_notes(id, &request.notes)?;
    }
    notion.move_page(id, &request.status)
}

#[derive(Debug, Deserialize)]
struct Notes {
    notes: String,
}

/// Replaces a page's content: `{"notes": "…"}`.
pub(super) async fn set_notes(State(world): State<Arc<World>>, Path(id): Path<String>, body: bytes::Bytes) -> Response {
    let request: Notes = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let notion = Notion::new(world);
    match notion.set_notes(&id, &request.notes) {
        Ok(()) => Json(json!(notion.page(&id))).into_response(),
        Err(error) => refuse(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

#[derive(Debug, Deserialize)]
struct Advance {
    seconds: u64,
}

/// Sets the providers' clock ahead: `{"seconds": 86400}`.
pub(super) async fn advance_clock(State(world): State<Arc<World>>, body: bytes::Bytes) -> Response {
    let request: Advance = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    // Ten years are enough for any window, and keep the clock inside its range.
    world
        .clock
        .advance(Duration::from_secs(request.seconds.min(315_360_000)));
    Json(json!({"now": world.clock.now()})).into_response()
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": message}))).into_response()
}
