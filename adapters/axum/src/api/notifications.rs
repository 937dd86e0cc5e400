//! Deliveries: what became of them, another try, and a person's word on those whose outcome nobody knows.

use std::sync::Arc;

use axum::{Json, extract::State};
use feedback_core::{
    domain::{
        AttemptId, AttemptOutcome, ChangelogEntryId, Channel, DeliveryError, Notification, NotificationAttempt,
        NotificationId, NotificationStatus, ReporterId, TicketId, TicketNumber, Timestamp,
    },
    ports::NotificationFilter,
    usecases::{SettleAmbiguousError, Settled},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Api,
    call::{Asked, Call, Id},
    page::{self, List},
    words::{ChannelWord, NotificationStatusWord},
};
use crate::{
    auth::Caller,
    problem::{Checks, Problem, ProblemBody},
};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListNotifications {
    /// Only those in this status.
    #[param(value_type = Option<NotificationStatusWord>)]
    status: Option<String>,
    /// Only those on this channel.
    #[param(value_type = Option<ChannelWord>)]
    channel: Option<String>,
    /// Only those of this ticket.
    #[param(value_type = Option<Uuid>)]
    ticket_id: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most how many.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// One delivery of approved words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
pub(crate) struct NotificationBody {
    #[schema(value_type = Uuid)]
    id: NotificationId,
    #[schema(value_type = Uuid)]
    ticket_id: TicketId,
    #[schema(value_type = Uuid)]
    changelog_entry_id: ChangelogEntryId,
    #[schema(value_type = Uuid)]
    reporter_id: ReporterId,
    #[schema(value_type = ChannelWord)]
    channel: Channel,
    /// How it went out (`session`, `template`, …), or before that the way that was approved.
    mode: String,
    #[schema(value_type = NotificationStatusWord)]
    status: NotificationStatus,
    /// Tries that failed.
    retry_count: u32,
    /// Why the last one failed: the provider's code and what it means.
    last_error: Option<String>,
    provider_message_id: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// A delivery with its tries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationDetail)]
pub(crate) struct NotificationDetailBody {
    #[serde(flatten)]
    notification: NotificationBody,
    /// The ticket's short number.
    #[schema(value_type = u64)]
    ticket_number: TicketNumber,
    /// Oldest first.
    attempts: Vec<AttemptBody>,
}

/// One try.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationAttempt)]
struct AttemptBody {
    #[schema(value_type = Uuid)]
    id: AttemptId,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// `sent`, `not_sent`, `refused` or `unknown`; null while it runs.
    #[schema(value_type = Option<String>)]
    outcome: Option<AttemptOutcome>,
    error: Option<String>,
}

/// What happened to a delivery whose outcome nobody knows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveNotification {
    /// `sent` or `send_again`.
    outcome: String,
}

impl From<Notification> for NotificationBody {
    fn from(notification: Notification) -> Self {
        let approved = notification.mode.as_str();
        Self {
            id: notification.id,
            ticket_id: notification.ticket,
            changelog_entry_id: notification.changelog_entry,
            reporter_id: notification.reporter,
            channel: notification.channel,
            mode: notification.sent_as.unwrap_or_else(|| approved.to_owned()),
            status: notification.status,
            retry_count: notification.retry_count,
            last_error: notification.last_error.map(in_words),
            provider_message_id: notification.provider_message_id,
            sent_at: notification.sent_at,
            delivered_at: notification.delivered_at,
            read_at: notification.read_at,
            created_at: notification.created_at,
            updated_at: notification.updated_at,
        }
    }
}

impl From<NotificationAttempt> for AttemptBody {
    fn from(attempt: NotificationAttempt) -> Self {
        Self {
            id: attempt.id,
            started_at: attempt.started_at,
            finished_at: attempt.finished_at,
            outcome: attempt.outcome,
            error: attempt.error.map(in_words),
        }
    }
}

fn in_words(DeliveryError { code, words }: DeliveryError) -> String {
    if words.is_empty() {
        code
    } else {
        format!("{code}: {words}")
    }
}

/// Notifications, newest first.
#[utoipa::path(
    get, path = "/notifications", operation_id = "listNotifications", tag = "notifications", params(ListNotifications),
    responses(
        (status = 200, body = List<NotificationBody>, description = "Part of the list"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<ListNotifications>,
) -> Result<Json<List<NotificationBody>>, Problem> {
    let mut checks = Checks::default();
    let filter = NotificationFilter {
        status: checks.parse("status", asked.status.as_deref()),
        channel: checks.parse("channel", asked.channel.as_deref()),
        ticket: checks.parse("ticket_id", asked.ticket_id.as_deref()),
    };
    let request = page::requested(asked.cursor.as_deref(), asked.limit.as_deref(), &mut checks);
    checks.finish()?;
    let mut page = api
        .hub
        .queries
        .notifications(&filter, request)
        .await
        .map_err(|error| Problem::port(&error))?;
    let rows = std::mem::take(&mut page.items)
        .into_iter()
        .map(NotificationBody::from)
        .collect();
    Ok(Json(List::of(&page, rows)))
}

/// A notification with its tries.
#[utoipa::path(
    get, path = "/notifications/{id}", operation_id = "getNotification", tag = "notifications",
    params(("id" = Uuid, Path, description = "The notification")),
    responses(
        (status = 200, body = NotificationDetailBody, description = "The notification"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Id(id): Id<NotificationId>,
) -> Result<Json<NotificationDetailBody>, Problem> {
    let found = api
        .hub
        .queries
        .notification_detail(id)
        .await
        .map_err(|error| Problem::port(&error))?;
    let detail = found.ok_or_else(|| Problem::not_found("the notification"))?;
    Ok(Json(NotificationDetailBody {
        notification: detail.notification.into(),
        ticket_number: detail.ticket_number,
        attempts: detail.attempts.into_iter().map(AttemptBody::from).collect(),
    }))
}

/// Asks for another try of a delivery that failed or is parked.
#[utoipa::path(
    post, path = "/notifications/{id}/retry", operation_id = "retryNotification", tag = "notifications",
    params(("id" = Uuid, Path, description = "The notification")),
    responses(
        (status = 200, body = NotificationBody, description = "Queued"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn retry(
    State(api): State<Arc<Api>>,
    Id(id): Id<NotificationId>,
    Caller(by): Caller,
) -> Result<Json<NotificationBody>, Problem> {
    match api.hub.deliver.retry(id, by).await {
        Ok(notification) => Ok(Json(notification.into())),
        Err(error) => Err(refusal(&api, id, error).await),
    }
}

/// Says what happened to a delivery whose outcome nobody knows.
#[utoipa::path(
    post, path = "/notifications/{id}/resolve", operation_id = "resolveNotification", tag = "notifications",
    params(("id" = Uuid, Path, description = "The notification")),
    request_body = ResolveNotification,
    responses(
        (status = 200, body = NotificationBody, description = "Taken"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn resolve(
    State(api): State<Arc<Api>>,
    Id(id): Id<NotificationId>,
    call: Call<ResolveNotification>,
) -> Result<Json<NotificationBody>, Problem> {
    let settled = match call.body.outcome.as_str() {
        "sent" => Settled::Sent,
        "send_again" => Settled::SendAgain,
        _ => return Err(Problem::invalid_field("outcome", "expected sent or send_again")),
    };
    match api.hub.deliver.settle(id, settled, call.by).await {
        Ok(notification) => Ok(Json(notification.into())),
        Err(error) => Err(refusal(&api, id, error).await),
    }
}

async fn refusal(api: &Api, id: NotificationId, error: SettleAmbiguousError) -> Problem {
    match error {
        SettleAmbiguousError::NotFound => Problem::not_found("the notification"),
        SettleAmbiguousError::NotWaiting { status } => {
            let problem = Problem::conflict("not-waiting", format!("the notification is {status}"));
            match api.hub.queries.notification_detail(id).await {
                Ok(Some(detail)) => problem.current(&NotificationBody::from(detail.notification)),
                Ok(None) => problem,
                Err(error) => Problem::port(&error),
            }
        }
        SettleAmbiguousError::Storage(error) => Problem::port(&error),
    }
}
