//! WhatsApp: Meta's deliveries, and the handshake by which it learns that the endpoint is ours.

use std::sync::Arc;

use axum::{
    extract::{Query, Request, State, rejection::QueryRejection},
    response::Response,
};
use feedback_core::{
    domain::Channel,
    logic::verify::whatsapp::{self, HandshakeError},
};
use secrecy::SecretString;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Door, Judge, values};
use crate::problem::Problem;

/// Meta sends up to 3 MB.
const MAX_BYTES: usize = 3 * (1 << 20) + (1 << 19);

/// How Meta proves itself, and how the hub does to Meta.
#[derive(Debug, Clone)]
pub struct WhatsAppEndpoint {
    /// App secrets, which sign deliveries; two while one is rotated.
    pub app_secrets: Vec<SecretString>,
    /// The word that Meta names in its handshake.
    pub verify_token: SecretString,
}

type WhatsAppDoor = Arc<Door<WhatsAppEndpoint>>;

pub(super) fn routes() -> OpenApiRouter<WhatsAppDoor> {
    OpenApiRouter::new().routes(routes!(ingest_whatsapp, shake_hands))
}

/// Meta delivers messages and status reports.
#[utoipa::path(
    post, path = "/webhooks/whatsapp", operation_id = "ingestWhatsapp", tag = "webhooks", security(()),
    request_body(content = Vec<u8>, content_type = "application/json", description = "As Meta signs it"),
    responses(
        (status = 200, description = "Recorded"),
        (status = 401, description = "Not signed by Meta"),
        (status = 413, description = "Over 3.5 MiB"),
        (status = 415, description = "Compressed"),
        (status = 503, description = "Not recorded: deliver again"),
    )
)]
pub(super) async fn ingest_whatsapp(State(door): State<WhatsAppDoor>, request: Request) -> Response {
    let secrets = &door.endpoint.app_secrets;
    let judge = Judge {
        channel: Channel::WhatsApp,
        max_bytes: MAX_BYTES,
        verify: |headers: &_, payload| whatsapp::verify(secrets, &values(headers, "x-hub-signature-256"), payload),
    };
    door.intake.receive(request, judge).await
}

/// Meta asks whether the endpoint is ours.
#[utoipa::path(
    get, path = "/webhooks/whatsapp", operation_id = "verifyWhatsappEndpoint", tag = "webhooks", security(()),
    params(
        ("hub.mode" = String, Query, description = "`subscribe`"),
        ("hub.verify_token" = String, Query, description = "The word that both sides know"),
        ("hub.challenge" = String, Query, description = "What to answer"),
    ),
    responses(
        (status = 200, description = "The challenge, verbatim", body = String, content_type = "text/plain"),
        (status = 400, description = "Not a handshake"),
        (status = 403, description = "Another token"),
    )
)]
pub(super) async fn shake_hands(
    State(door): State<WhatsAppDoor>,
    query: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<String, Problem> {
    let Ok(Query(query)) = query else {
        return Err(not_a_handshake(HandshakeError::NotAHandshake));
    };
    let query = query.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    whatsapp::handshake(query, &door.endpoint.verify_token).map_err(not_a_handshake)
}

fn not_a_handshake(reason: HandshakeError) -> Problem {
    tracing::warn!(%reason, "refused a handshake");
    match reason {
        HandshakeError::NotAHandshake | HandshakeError::UnprintableChallenge => {
            Problem::malformed("not a handshake that can be answered")
        }
        HandshakeError::WrongToken => Problem::forbidden(),
    }
}
