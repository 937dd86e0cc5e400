//! A person's word on two tickets that look alike.

use std::sync::Arc;

use axum::{Json, extract::State};
use feedback_core::{
    domain::{LinkStatus, TicketId, TicketLink, TicketLinkId, Timestamp, UserId},
    usecases::{AcceptAs, DuplicateError},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Api,
    call::{Call, Id},
};
use crate::problem::{Problem, ProblemBody};

/// Two tickets that look alike, and what a person made of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = TicketLink)]
pub(crate) struct LinkBody {
    #[schema(value_type = Uuid)]
    id: TicketLinkId,
    /// The one that may repeat the other.
    #[schema(value_type = Uuid)]
    ticket_id: TicketId,
    #[schema(value_type = Uuid)]
    original_id: TicketId,
    /// How likely they are the same, 0 to 1.
    score: f32,
    /// The words that made it likely.
    evidence: Vec<String>,
    /// `suggested`, `accepted` or `dismissed`.
    #[schema(value_type = String)]
    status: LinkStatus,
    #[schema(value_type = Option<Uuid>)]
    decided_by: Option<UserId>,
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl LinkBody {
    /// Whether nobody has decided.
    pub(super) fn is_open(&self) -> bool {
        self.status == LinkStatus::Suggested
    }
}

/// How a pair is accepted.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AcceptAsWord {
    /// The newer ticket is put away as a duplicate.
    Merge,
    /// Both stay, and are resolved and answered together.
    Group,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptLink {
    r#as: AcceptAsWord,
}

/// Nothing is said beside the decision itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideLink {}

impl From<TicketLink> for LinkBody {
    fn from(link: TicketLink) -> Self {
        let (decided_by, decided_at) = link.decided.unzip();
        Self {
            id: link.id,
            ticket_id: link.ticket,
            original_id: link.original,
            score: link.score,
            evidence: link.evidence,
            status: link.status,
            decided_by,
            decided_at,
            created_at: link.created_at,
        }
    }
}

/// Accepts a suggested duplicate.
#[utoipa::path(
    post, path = "/links/{id}/accept", operation_id = "acceptLink", tag = "tickets",
    params(("id" = Uuid, Path, description = "The pair")),
    request_body = AcceptLink,
    responses(
        (status = 200, body = LinkBody, description = "Accepted"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn accept(
    State(api): State<Arc<Api>>,
    Id(id): Id<TicketLinkId>,
    call: Call<AcceptLink>,
) -> Result<Json<LinkBody>, Problem> {
    let how = match call.body.r#as {
        AcceptAsWord::Merge => AcceptAs::Merge,
        AcceptAsWord::Group => AcceptAs::Group,
    };
    answered(api.hub.duplicates.accept(id, how, call.by).await)
}

/// Says that the two are not the same; they are never suggested again.
#[utoipa::path(
    post, path = "/links/{id}/dismiss", operation_id = "dismissLink", tag = "tickets",
    params(("id" = Uuid, Path, description = "The pair")),
    request_body = DecideLink,
    responses(
        (status = 200, body = LinkBody, description = "Dismissed"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn dismiss(
    State(api): State<Arc<Api>>,
    Id(id): Id<TicketLinkId>,
    call: Call<DecideLink>,
) -> Result<Json<LinkBody>, Problem> {
    answered(api.hub.duplicates.dismiss(id, call.by).await)
}

/// Says that the other one of the two speaks for both.
#[utoipa::path(
    post, path = "/links/{id}/swap", operation_id = "swapLink", tag = "tickets",
    params(("id" = Uuid, Path, description = "The pair")),
    request_body = DecideLink,
    responses(
        (status = 200, body = LinkBody, description = "Swapped"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn swap(
    State(api): State<Arc<Api>>,
    Id(id): Id<TicketLinkId>,
    call: Call<DecideLink>,
) -> Result<Json<LinkBody>, Problem> {
    answered(api.hub.duplicates.swap(id, call.by).await)
}

/// Takes a decision back: a suggestion again, and the tickets as they stood.
#[utoipa::path(
    post, path = "/links/{id}/undo", operation_id = "undoLink", tag = "tickets",
    params(("id" = Uuid, Path, description = "The pair")),
    request_body = DecideLink,
    responses(
        (status = 200, body = LinkBody, description = "As before"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn undo(
    State(api): State<Arc<Api>>,
    Id(id): Id<TicketLinkId>,
    call: Call<DecideLink>,
) -> Result<Json<LinkBody>, Problem> {
    answered(api.hub.duplicates.undo(id, call.by).await)
}

fn answered(result: Result<TicketLink, DuplicateError>) -> Result<Json<LinkBody>, Problem> {
    result.map(|link| Json(link.into())).map_err(|error| refusal(&error))
}

/// Why a word on a pair was not taken.
pub(super) fn refusal(error: &DuplicateError) -> Problem {
    let detail = error.to_string();
    match error {
        DuplicateError::NotFound => Problem::not_found("the pair of tickets"),
        DuplicateError::AlreadyDecided { current } => {
            Problem::conflict("already-decided", detail).current(&LinkBody::from((**current).clone()))
        }
        DuplicateError::Same => Problem::invalid_field("into", detail),
        DuplicateError::Stale { .. } => Problem::conflict("stale-version", detail),
        DuplicateError::IllegalMove(_) => Problem::conflict("illegal-move", detail),
        DuplicateError::MovedOn => Problem::conflict("ticket-moved-on", detail),
        DuplicateError::UnlikePrimary { .. } => Problem::conflict("unlike-primary", detail),
        DuplicateError::InAnotherGroup => Problem::conflict("in-another-group", detail),
        DuplicateError::Storage(error) => Problem::port(error),
    }
}
