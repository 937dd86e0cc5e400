//! Slack: events, commands and interactions over one endpoint.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use feedback_core::{
    domain::{Channel, Language, TicketId, TicketNumber},
    logic::verify::slack::{self, SlackHeaders},
    ports::Queries,
    usecases::Outcome,
};
use secrecy::SecretString;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Door, Judge, values};

/// Events and forms of Slack are far below this.
const MAX_BYTES: usize = 1 << 20;

/// How long the look-up of what to say may keep a person waiting who has sent a command.
const LOOK_UP_TIME: Duration = Duration::from_millis(300);

/// How Slack proves itself.
#[derive(Debug, Clone)]
pub struct SlackEndpoint {
    /// Signing secrets of the app; two while one is rotated.
    pub signing_secrets: Vec<SecretString>,
}

type SlackDoor = Arc<Door<SlackEndpoint>>;

pub(super) fn routes() -> OpenApiRouter<SlackDoor> {
    OpenApiRouter::new().routes(routes!(ingest_slack))
}

/// Slack delivers events, slash commands and interactions.
#[utoipa::path(
    post, path = "/webhooks/slack", operation_id = "ingestSlack", tag = "webhooks", security(()),
    request_body(content = Vec<u8>, content_type = "application/json", description = "As Slack signs it"),
    responses(
        (status = 200, description = "Recorded; a challenge or an answer to the command where Slack wants one"),
        (status = 401, description = "Not signed by Slack"),
        (status = 413, description = "Over 1 MiB"),
        (status = 415, description = "Compressed"),
        (status = 503, description = "Not recorded: deliver again"),
    )
)]
pub(super) async fn ingest_slack(State(door): State<SlackDoor>, request: Request) -> Response {
    let (secrets, now) = (&door.endpoint.signing_secrets, door.intake.clock.now());
    let judge = Judge {
        channel: Channel::Slack,
        max_bytes: MAX_BYTES,
        verify: |headers: &_, payload| {
            let (signature, timestamp) = (
                values(headers, "x-slack-signature"),
                values(headers, "x-slack-request-timestamp"),
            );
            slack::verify(
                secrets,
                &SlackHeaders {
                    signature: &signature,
                    timestamp: &timestamp,
                },
                payload,
                now,
            )
        },
    };
    door.intake.receive(request, judge).await
}

/// What the person who sent a command is told, visible to them alone. The report is recorded by now, so nothing here may
/// fail: what cannot be looked up in time is left out.
pub(super) async fn tell_command(queries: &dyn Queries, outcomes: &[Outcome]) -> Response {
    let text = match outcomes.first() {
        Some(Outcome::NewTicket { ticket, number }) => {
            let known = look_up(queries, *ticket).await;
            received(Some(*number), known.and_then(|(_, language)| language))
        }
        Some(Outcome::FollowUp(ticket) | Outcome::Duplicate(ticket) | Outcome::Conflicting(ticket)) => {
            let known = look_up(queries, *ticket).await;
            received(
                known.map(|(number, _)| number),
                known.and_then(|(_, language)| language),
            )
        }
        Some(Outcome::Ignored(_)) => "Nothing was recorded: write what happened after the command.".to_owned(),
        Some(Outcome::Quarantined(_) | Outcome::StatusApplied | Outcome::Fetching | Outcome::EndingStep) | None => {
            received(None, None)
        }
    };
    Json(serde_json::json!({ "response_type": "ephemeral", "text": text })).into_response()
}

async fn look_up(queries: &dyn Queries, ticket: TicketId) -> Option<(TicketNumber, Option<Language>)> {
    let detail = tokio::time::timeout(LOOK_UP_TIME, queries.ticket_detail(ticket))
        .await
        .ok()?
        .ok()??;
    Some((
        detail.ticket.number,
        detail.ticket.language.or(detail.reporter.language),
    ))
}

fn received(number: Option<TicketNumber>, language: Option<Language>) -> String {
    match (language.unwrap_or(Language::English), number) {
        (Language::English, Some(number)) => format!("Got it. Your report is ticket {number}."),
        (Language::English, None) => "Got it. Your report is recorded.".to_owned(),
        (Language::Spanish, Some(number)) => format!("Recibido. Tu reporte es el ticket {number}."),
        (Language::Spanish, None) => "Recibido. Tu reporte quedó registrado.".to_owned(),
    }
}
