//! Notion: signals that something on the board changed. A signal may be lost, doubled and late, so it is a hint that the
//! next poll is due now; what changed, the poll reads.

use std::{fmt, sync::Arc};

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use feedback_core::{logic::verify::notion, usecases::PollTracker};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Door, values};
use crate::{
    limits,
    problem::{Chain, Problem},
};

/// A signal has ids and names of kinds.
const MAX_BYTES: usize = 256 << 10;

/// Longer tokens are none of Notion's.
const MAX_TOKEN_BYTES: usize = 512;

/// How Notion proves itself, and what a signal sets off.
#[derive(Clone)]
pub struct NotionEndpoint {
    /// Verification tokens of subscriptions; two while one is replaced. Empty while none is set up yet.
    pub verification_tokens: Vec<SecretString>,
    /// Shows the operator the token that Notion sends when a subscription is made, for them to paste it back into Notion and
    /// into the configuration. That request cannot be signed with it yet, so it is taken only while no token is configured.
    pub show_token: Option<ShowToken>,
    /// The poll that a signal makes due.
    pub poll: PollTracker,
}

/// Shows an operator a verification token.
pub type ShowToken = Arc<dyn Fn(SecretString) + Send + Sync>;

impl fmt::Debug for NotionEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotionEndpoint")
            .field("verification_tokens", &self.verification_tokens.len())
            .field("shows_token", &self.show_token.is_some())
            .finish_non_exhaustive()
    }
}

type NotionDoor = Arc<Door<NotionEndpoint>>;

pub(super) fn routes() -> OpenApiRouter<NotionDoor> {
    OpenApiRouter::new().routes(routes!(hint_notion))
}

/// What Notion posts once when a subscription is made.
#[derive(Deserialize)]
struct SetUp {
    verification_token: String,
}

/// Notion signals a change, or hands over the token of a new subscription.
#[utoipa::path(
    post, path = "/webhooks/notion", operation_id = "hintNotion", tag = "webhooks", security(()),
    request_body(content = Vec<u8>, content_type = "application/json", description = "As Notion signs it"),
    responses(
        (status = 200, description = "The board is read now; or the token of a new subscription was taken"),
        (status = 401, description = "Not signed by Notion"),
        (status = 413, description = "Over 256 KiB"),
        (status = 415, description = "Compressed"),
        (status = 503, description = "Not recorded: deliver again"),
    )
)]
pub(super) async fn hint_notion(State(door): State<NotionDoor>, request: Request) -> Response {
    match hinted(&door, request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err((reason, problem)) => {
            let labels = [("channel", "notion"), ("reason", reason)];
            metrics::counter!("feedback_webhook_refused_total", &labels).increment(1);
            problem.into_response()
        }
    }
}

async fn hinted(door: &Door<NotionEndpoint>, request: Request) -> Result<(), (&'static str, Problem)> {
    let endpoint = &door.endpoint;
    let (parts, body) = request.into_parts();
    let held = limits::read(&parts.headers, body, MAX_BYTES, &door.intake.in_flight).await;
    let held = held.map_err(|reason| (reason.as_str(), Problem::from(reason)))?;
    if endpoint.verification_tokens.is_empty() {
        return show_token(endpoint, &held.bytes);
    }
    let signature = values(&parts.headers, "x-notion-signature");
    let signal = notion::verify(&endpoint.verification_tokens, &signature, held.bytes).map_err(|reason| {
        tracing::warn!(
            reason = reason.as_str(),
            "refused a signal whose signature is not Notion's"
        );
        (reason.as_str(), Problem::unauthorized())
    })?;
    if token_in(signal.get()).is_some() {
        // Another subscription with a token that we know already: nothing changed on the board.
        return Ok(());
    }
    metrics::counter!("feedback_tracker_signals_total").increment(1);
    let poll = endpoint.poll.clone();
    // On a task of its own: a sender that hangs up does not take the hint back.
    let hurried = tokio::spawn(async move { poll.hurry().await });
    match tokio::time::timeout(door.intake.deadline, hurried).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => {
            tracing::error!(error = %Chain(&error), "could not make the poll due");
            Err(again("store_failed"))
        }
        Ok(Err(_)) => Err(again("panicked")),
        Err(_) => Err(again("deadline")),
    }
}

fn again(reason: &'static str) -> (&'static str, Problem) {
    (reason, Problem::unavailable("could not take the signal now", 30))
}

/// Only while a set-up is expected: whoever sends a token then makes the operator paste a wrong one, which Notion refuses.
fn show_token(endpoint: &NotionEndpoint, body: &Bytes) -> Result<(), (&'static str, Problem)> {
    match (&endpoint.show_token, token_in(body)) {
        (Some(show), Some(token)) => {
            show(token);
            Ok(())
        }
        _ => Err(("no_secret", Problem::unauthorized())),
    }
}

fn token_in(body: &[u8]) -> Option<SecretString> {
    let token = serde_json::from_slice::<SetUp>(body).ok()?.verification_token;
    let is_token = (16..=MAX_TOKEN_BYTES).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_token.then(|| SecretString::from(token))
}
