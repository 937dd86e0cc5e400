//! People who reported: who they are, and the inbox inside the product that the company's own servers show them.

use std::sync::Arc;

use axum::{Json, extract::State};
use feedback_core::{
    domain::{Channel, Identity, NotificationId, NotificationStatus, Reporter, ReporterId, TicketId, Timestamp},
    ports::InboxRow,
    usecases::{ReviewError, SettleAmbiguousError, ShowError},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Api,
    call::{Asked, Id, Ids},
    page::{self, List},
    words::{ChannelWord, NotificationStatusWord},
};
use crate::problem::{Checks, Problem, ProblemBody};

/// A person who reported.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReporterDetail)]
pub(crate) struct ReporterBody {
    #[schema(value_type = Uuid)]
    id: ReporterId,
    /// Null once the person is erased, and where nobody told it.
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    /// Whether a provider vouches for the address.
    email_verified: bool,
    /// `es` or `en`, where a message could be read.
    language: Option<&'static str>,
    /// Where they write from, oldest first.
    identities: Vec<IdentityBody>,
    #[schema(value_type = Option<String>, format = DateTime)]
    erased_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// One address of a person; what it is stays sealed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReporterIdentity)]
struct IdentityBody {
    #[schema(value_type = ChannelWord)]
    channel: Channel,
    /// WhatsApp's 24 hours begin here.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_message_at: Option<Timestamp>,
    /// When the person asked not to be written to there.
    #[schema(value_type = Option<String>, format = DateTime)]
    opted_out_at: Option<Timestamp>,
}

/// A message in a person's inbox inside the product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboxMessage)]
pub(crate) struct InboxBody {
    /// The delivery: what is marked as read.
    #[schema(value_type = Uuid)]
    id: NotificationId,
    #[schema(value_type = Uuid)]
    ticket_id: TicketId,
    /// The approved words; null once the person is erased.
    content: Option<String>,
    /// `delivered`, or `read`.
    #[schema(value_type = NotificationStatusWord)]
    status: NotificationStatus,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
}

/// What became of a message that was read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboxRead)]
pub(crate) struct ReadBody {
    #[schema(value_type = Uuid)]
    id: NotificationId,
    #[schema(value_type = NotificationStatusWord)]
    status: NotificationStatus,
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListInbox {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most how many.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// A reporter; one that was merged leads to the person that they turned out to be.
#[utoipa::path(
    get, path = "/reporters/{id}", operation_id = "getReporter", tag = "reporters",
    params(("id" = Uuid, Path, description = "The reporter")),
    responses(
        (status = 200, body = ReporterBody, description = "The reporter"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn show(State(api): State<Arc<Api>>, Id(id): Id<ReporterId>) -> Result<Json<ReporterBody>, Problem> {
    let reporter = find(&api, id).await?;
    let identities = api.hub.show.identities(reporter.id).await.map_err(failure)?;
    let named = api.hub.show.reporter(&reporter).map_err(failure)?;
    Ok(Json(ReporterBody {
        id: reporter.id,
        name: named.name.map(|name| name.to_string()),
        email: named.email.map(|email| email.to_string()),
        phone: named.phone.map(|phone| phone.to_string()),
        email_verified: reporter.email_verified,
        language: reporter.language.map(|language| language.code()),
        identities: identities.iter().map(identity).collect(),
        erased_at: reporter.erased_at,
        created_at: reporter.created_at,
    }))
}

fn identity(identity: &Identity) -> IdentityBody {
    IdentityBody {
        channel: identity.channel,
        last_message_at: identity.last_message_at,
        opted_out_at: identity.opted_out_at,
    }
}

/// What a reporter was told inside the product, newest first.
#[utoipa::path(
    get, path = "/reporters/{id}/inbox", operation_id = "listInbox", tag = "reporters",
    params(("id" = Uuid, Path, description = "The reporter"), ListInbox),
    responses(
        (status = 200, body = List<InboxBody>, description = "Part of the list"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn inbox(
    State(api): State<Arc<Api>>,
    Id(id): Id<ReporterId>,
    Asked(asked): Asked<ListInbox>,
) -> Result<Json<List<InboxBody>>, Problem> {
    let mut checks = Checks::default();
    let request = page::requested(asked.cursor.as_deref(), asked.limit.as_deref(), &mut checks);
    checks.finish()?;
    let reporter = find(&api, id).await?;
    let found = api.hub.queries.inbox(reporter.id, request).await;
    let mut page = found.map_err(|error| Problem::port(&error))?;
    let mut rows = Vec::with_capacity(page.items.len());
    for row in std::mem::take(&mut page.items) {
        rows.push(message(&api, row).await?);
    }
    Ok(Json(List::of(&page, rows)))
}

async fn message(api: &Api, row: InboxRow) -> Result<InboxBody, Problem> {
    let content = match api.hub.review.content(&row.entry).await {
        Ok(content) => content.map(|content| content.to_string()),
        Err(ReviewError::Storage(error)) => return Err(Problem::port(&error)),
        // Its reporter's row is gone: there is nothing to open.
        Err(_) => None,
    };
    Ok(InboxBody {
        id: row.notification.id,
        ticket_id: row.notification.ticket,
        content,
        status: row.notification.status,
        delivered_at: row.notification.delivered_at,
        read_at: row.notification.read_at,
    })
}

/// Notes that the person has read a message. A repeat changes nothing.
#[utoipa::path(
    post, path = "/reporters/{id}/inbox/{message}/read", operation_id = "readInboxMessage", tag = "reporters",
    params(
        ("id" = Uuid, Path, description = "The reporter"),
        ("message" = Uuid, Path, description = "The message"),
    ),
    responses(
        (status = 200, body = ReadBody, description = "Read"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn read(
    State(api): State<Arc<Api>>,
    Ids(id, message): Ids<ReporterId, NotificationId>,
) -> Result<Json<ReadBody>, Problem> {
    let reporter = find(&api, id).await?;
    match api.hub.deliver.mark_read(reporter.id, message).await {
        Ok(read) => Ok(Json(ReadBody {
            id: read.id,
            status: read.status,
            read_at: read.read_at,
        })),
        Err(SettleAmbiguousError::NotFound) => Err(Problem::not_found("the message")),
        Err(SettleAmbiguousError::NotWaiting { status }) => Err(Problem::conflict(
            "not-delivered",
            format!("the notification is {status}"),
        )),
        Err(SettleAmbiguousError::Storage(error)) => Err(Problem::port(&error)),
    }
}

async fn find(api: &Api, id: ReporterId) -> Result<Reporter, Problem> {
    let found = api.hub.show.find_reporter(id).await.map_err(failure)?;
    found.ok_or_else(|| Problem::not_found("the reporter"))
}

fn failure(error: ShowError) -> Problem {
    let ShowError::Storage(error) = error;
    Problem::port(&error)
}
