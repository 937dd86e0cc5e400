//! What gave up: listed, tried again, put away. The sealed body of a delivery that could not be read is never shown.

use std::sync::Arc;

use axum::{Json, extract::State};
use feedback_core::{
    domain::{Channel, Job, JobId, JobKind, JobPayload, NotificationId, Queue, ReporterId, TicketId, Timestamp},
    usecases::DeadLetterError,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Api,
    call::{Asked, Id},
    page::{self, List},
    words::ChannelWord,
};
use crate::{
    auth::Caller,
    problem::{Checks, Problem, ProblemBody},
};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListDeadLetters {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most how many.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// A job that gave up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(crate) struct DeadLetterBody {
    #[schema(value_type = Uuid)]
    id: JobId,
    /// What was to be done; `unparsed` for a delivery that could not be read.
    #[schema(value_type = String)]
    kind: JobKind,
    /// `critical`, `notifications`, `default` or `low`.
    #[schema(value_type = String)]
    queue: Queue,
    /// Tries begun.
    attempts: u32,
    /// Why it gave up.
    last_error: Option<String>,
    /// For a delivery that could not be read: where it came in.
    #[schema(value_type = Option<ChannelWord>)]
    channel: Option<Channel>,
    /// What it was about, where it was about a ticket.
    #[schema(value_type = Option<Uuid>)]
    ticket_id: Option<TicketId>,
    /// What it was about, where it was about a delivery.
    #[schema(value_type = Option<Uuid>)]
    notification_id: Option<NotificationId>,
    /// What it was about, where it was about a person.
    #[schema(value_type = Option<Uuid>)]
    reporter_id: Option<ReporterId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// What a person decided on a dead letter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeadLetterDecision)]
pub(crate) struct DecisionBody {
    #[schema(value_type = Uuid)]
    id: JobId,
    /// `ready` or `discarded`.
    status: &'static str,
}

impl From<Job> for DeadLetterBody {
    fn from(job: Job) -> Self {
        let (mut channel, mut ticket_id, mut notification_id, mut reporter_id) = (None, None, None, None);
        // A payload of another version of the program is listed without what it was about.
        match serde_json::from_str(&job.payload) {
            Ok(JobPayload::ReplayDelivery { channel: of, .. } | JobPayload::FetchMessage { channel: of, .. }) => {
                channel = Some(of);
            }
            Ok(
                JobPayload::TriageTicket { ticket }
                | JobPayload::MatchDuplicates { ticket }
                | JobPayload::PushToTracker { ticket, .. }
                | JobPayload::OpenThread { ticket }
                | JobPayload::SendReceipt { ticket }
                | JobPayload::EndStep {
                    ticket: Some(ticket), ..
                }
                | JobPayload::DraftChangelog { ticket, .. },
            ) => ticket_id = Some(ticket),
            Ok(
                JobPayload::DeliverNotification { notification, .. }
                | JobPayload::ReconcileNotification { notification },
            ) => notification_id = Some(notification),
            Ok(JobPayload::LookUpReporter { reporter }) => reporter_id = Some(reporter),
            Ok(
                JobPayload::PollTracker
                | JobPayload::PurgeExpired
                | JobPayload::EmbedTickets
                | JobPayload::EndStep { ticket: None, .. }
                | JobPayload::FetchAttachment { .. }
                | JobPayload::DeleteBlob { .. },
            )
            | Err(_) => {}
        }
        Self {
            id: job.id,
            kind: job.kind,
            queue: job.queue,
            attempts: job.attempts,
            last_error: job.last_error,
            channel,
            ticket_id,
            notification_id,
            reporter_id,
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }
}

/// Dead letters, newest first.
#[utoipa::path(
    get, path = "/dead_letters", operation_id = "listDeadLetters", tag = "operations", params(ListDeadLetters),
    responses(
        (status = 200, body = List<DeadLetterBody>, description = "Part of the list"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<ListDeadLetters>,
) -> Result<Json<List<DeadLetterBody>>, Problem> {
    let mut checks = Checks::default();
    let request = page::requested(asked.cursor.as_deref(), asked.limit.as_deref(), &mut checks);
    checks.finish()?;
    let mut page = api
        .hub
        .queries
        .dead_letters(request)
        .await
        .map_err(|error| Problem::port(&error))?;
    let rows = std::mem::take(&mut page.items)
        .into_iter()
        .map(|letter| letter.job.into())
        .collect();
    Ok(Json(List::of(&page, rows)))
}

/// Tries a dead letter again, from attempt one.
#[utoipa::path(
    post, path = "/dead_letters/{id}/retry", operation_id = "retryDeadLetter", tag = "operations",
    params(("id" = Uuid, Path, description = "The dead letter")),
    responses(
        (status = 200, body = DecisionBody, description = "Queued"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn retry(
    State(api): State<Arc<Api>>,
    Id(id): Id<JobId>,
    Caller(by): Caller,
) -> Result<Json<DecisionBody>, Problem> {
    api.hub.dead_letters.retry(id, by).await.map_err(refusal)?;
    Ok(Json(DecisionBody { id, status: "ready" }))
}

/// Puts a dead letter away.
#[utoipa::path(
    post, path = "/dead_letters/{id}/discard", operation_id = "discardDeadLetter", tag = "operations",
    params(("id" = Uuid, Path, description = "The dead letter")),
    responses(
        (status = 200, body = DecisionBody, description = "Put away"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn discard(
    State(api): State<Arc<Api>>,
    Id(id): Id<JobId>,
    Caller(by): Caller,
) -> Result<Json<DecisionBody>, Problem> {
    api.hub.dead_letters.discard(id, by).await.map_err(refusal)?;
    Ok(Json(DecisionBody {
        id,
        status: "discarded",
    }))
}

fn refusal(error: DeadLetterError) -> Problem {
    match error {
        DeadLetterError::NotFound => Problem::not_found("the dead letter"),
        DeadLetterError::Queue(error) => Problem::port(&error),
    }
}
