//! What happens to every request before a stand-in sees it: it is noted, and fails if it was told to.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::{Provider, connection::Connection, faults::Fault, intercom, notion, openai, slack, whatsapp, world::World};

/// More than any of the providers accepts.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// How many requests are kept for each provider; a demo that runs for days must not grow without end.
const KEPT_REQUESTS: usize = 10_000;

/// A request as it arrived at a stand-in, whether it was served or not. Headers are left out: they hold credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// In capitals.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The raw bytes.
    pub body: Bytes,
}

/// The requests that arrived at one provider.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(VecDeque<RecordedRequest>);

impl Arrivals {
    pub(crate) fn note(&mut self, request: RecordedRequest) {
        if self.0.len() == KEPT_REQUESTS {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    pub(crate) fn to_vec(&self) -> Vec<RecordedRequest> {
        self.0.iter().cloned().collect()
    }
}

#[derive(Clone)]
struct Gate {
    world: Arc<World>,
    provider: Provider,
}

/// Puts a provider's routes behind the gate.
pub(crate) fn guard(world: &Arc<World>, provider: Provider, routes: Router) -> Router {
    let gate = Gate {
        world: Arc::clone(world),
        provider,
    };
    routes.layer(middleware::from_fn_with_state(gate, pass))
}

async fn pass(
    State(gate): State<Gate>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let Gate { world, provider } = gate;
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    let full_path = parts
        .uri
        .path_and_query()
        .map_or_else(|| path.clone(), ToString::to_string);
    let at = world.clock.now();
    world.arrivals(provider).lock().note(RecordedRequest {
        at,
        method: method.clone(),
        path: full_path,
        body: body.clone(),
    });

    let fault = world.faults.take(provider, &method, &path);
    if let Some(fault) = &fault {
        tracing::debug!(%provider, %method, %path, ?fault, "A scripted fault meets its request.");
    }
    let request = Request::from_parts(parts, Body::from(body));
    match fault {
        None => next.run(request).await,
        Some(Fault::Status(status, body)) => plain(status, body),
        Some(Fault::RateLimited { retry_after_secs }) => rate_limited(&world, provider, retry_after_secs),
        Some(Fault::ProviderError(code)) => provider_error(&world, provider, &code),
        Some(Fault::Slow(pause)) => {
            let response = next.run(request).await;
            tokio::time::sleep(pause).await;
            response
        }
        Some(Fault::Hang) => {
            drop(next.run(request).await);
            std::future::pending().await
        }
        Some(Fault::CloseAfterEffect) => {
            drop(next.run(request).await);
            never_answer(&connection).await
        }
        Some(Fault::CloseBeforeEffect) => never_answer(&connection).await,
    }
}

async fn never_answer(connection: &Connection) -> Response {
    connection.cut();
    std::future::pending().await
}

fn plain(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let is_json = serde_json::from_str::<serde_json::Value>(&body).is_ok();
    let content_type = if is_json {
        "application/json; charset=utf-8"
    } else {
        "text/html; charset=utf-8"
    };
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

fn rate_limited(world: &World, provider: Provider, retry_after_secs: u64) -> Response {
    match provider {
        Provider::Slack => slack::rate_limited(retry_after_secs),
        Provider::Intercom => intercom::rate_limited(world, retry_after_secs),
        Provider::WhatsApp => whatsapp::error(world, "130429"),
        Provider::Notion => notion::rate_limited(world, retry_after_secs),
        Provider::OpenAi => openai::rate_limited(world, retry_after_secs),
        // Mail is no HTTP: its server fails by itself.
        Provider::Email => StatusCode::NOT_FOUND.into_response(),
    }
}

fn provider_error(world: &World, provider: Provider, code: &str) -> Response {
    match provider {
        Provider::Slack => slack::error(code),
        Provider::Intercom => intercom::error(world, code),
        Provider::WhatsApp => whatsapp::error(world, code),
        Provider::Notion => notion::error(world, code),
        Provider::OpenAi => openai::error(world, code),
        Provider::Email => StatusCode::NOT_FOUND.into_response(),
    }
}
