//! Intercom: notifications of one app.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use feedback_core::{domain::Channel, logic::verify::intercom};
use secrecy::SecretString;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Door, Judge, values};

/// A conversation's notification is far below this.
const MAX_BYTES: usize = 1 << 20;

/// How Intercom proves itself.
#[derive(Debug, Clone)]
pub struct IntercomEndpoint {
    /// Client secrets of the app; two while one is rotated.
    pub client_secrets: Vec<SecretString>,
}

type IntercomDoor = Arc<Door<IntercomEndpoint>>;

pub(super) fn routes() -> OpenApiRouter<IntercomDoor> {
    OpenApiRouter::new().routes(routes!(ingest_intercom, find_intercom))
}

/// Intercom delivers a notification.
#[utoipa::path(
    post, path = "/webhooks/intercom", operation_id = "ingestIntercom", tag = "webhooks", security(()),
    request_body(content = Vec<u8>, content_type = "application/json", description = "As Intercom signs it"),
    responses(
        (status = 200, description = "Recorded"),
        (status = 401, description = "Not signed by Intercom"),
        (status = 413, description = "Over 1 MiB"),
        (status = 415, description = "Compressed"),
        (status = 503, description = "Not recorded: deliver again"),
    )
)]
pub(super) async fn ingest_intercom(State(door): State<IntercomDoor>, request: Request) -> Response {
    let secrets = &door.endpoint.client_secrets;
    let judge = Judge {
        channel: Channel::Intercom,
        max_bytes: MAX_BYTES,
        verify: |headers: &_, payload| intercom::verify(secrets, &values(headers, "x-hub-signature"), payload),
    };
    door.intake.receive(request, judge).await
}

/// Intercom looks whether the endpoint is there before it saves its address.
#[utoipa::path(
    head, path = "/webhooks/intercom", operation_id = "findIntercomEndpoint", tag = "webhooks", security(()),
    responses((status = 200, description = "It is there"))
)]
pub(super) async fn find_intercom() -> StatusCode {
    StatusCode::OK
}
