//! Email: mails that a forwarding function takes from the mail provider, and signs.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use feedback_core::{
    domain::Channel,
    logic::verify::email::{self, EmailHeaders},
};
use secrecy::SecretString;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Door, Judge, values};

/// A mail's words are far below this; its attachments are named in the delivery and not part of it.
const MAX_BYTES: usize = 3 * (1 << 20) + (1 << 19);

/// How the forwarding function proves itself.
#[derive(Debug, Clone)]
pub struct EmailEndpoint {
    /// Secrets that it signs with; two while one is rotated.
    pub secrets: Vec<SecretString>,
}

type EmailDoor = Arc<Door<EmailEndpoint>>;

pub(super) fn routes() -> OpenApiRouter<EmailDoor> {
    OpenApiRouter::new().routes(routes!(ingest_email))
}

/// A mail came in: parsed, as JSON of our shape, or as it was sent.
#[utoipa::path(
    post, path = "/webhooks/email", operation_id = "ingestEmail", tag = "webhooks", security(()),
    params(
        ("X-Feedback-Timestamp" = String, Header, description = "Seconds since 1970, within five minutes of now"),
        ("X-Feedback-Signature" = String, Header,
            description = "`sha256=` and the HMAC-SHA256 of `v1:{timestamp}:{body}` in hexadecimal"),
    ),
    request_body(
        description = "A mail with at least `from`, and references to its attachments; or the raw mail",
        content((serde_json::Value = "application/json"), (String = "message/rfc822")),
    ),
    responses(
        (status = 200, description = "Recorded"),
        (status = 401, description = "Not signed with our secret, or not now"),
        (status = 413, description = "Over 3.5 MiB"),
        (status = 415, description = "Compressed"),
        (status = 503, description = "Not recorded: deliver again"),
    )
)]
pub(super) async fn ingest_email(State(door): State<EmailDoor>, request: Request) -> Response {
    let (secrets, now) = (&door.endpoint.secrets, door.intake.clock.now());
    let judge = Judge {
        channel: Channel::Email,
        max_bytes: MAX_BYTES,
        verify: |headers: &_, payload| {
            let (signature, timestamp) = (
                values(headers, "x-feedback-signature"),
                values(headers, "x-feedback-timestamp"),
            );
            let headers = EmailHeaders {
                signature: &signature,
                timestamp: &timestamp,
            };
            email::verify(secrets, &headers, payload, now)
        },
    };
    door.intake.receive(request, judge).await
}
