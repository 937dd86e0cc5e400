//! `POST /api/tickets/{id}/merge`: a ticket goes up in another.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use feedback_core::domain::TicketId;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    answered,
    show::{self, TicketDetailBody},
};
use crate::{
    api::{
        Api,
        call::{Call, Id, Versioned},
        links,
    },
    problem::{Problem, ProblemBody},
};

/// Into which ticket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeTicket {
    /// The version of this ticket that the person saw; or as `If-Match`.
    version: Option<u32>,
    /// The ticket that speaks for both.
    into: Uuid,
}

/// Puts a ticket away as a duplicate of another. A repeat changes nothing; `POST /links/{id}/undo` takes it back.
#[utoipa::path(
    post, path = "/tickets/{id}/merge", operation_id = "mergeTicket", tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "The ticket that is put away"),
        ("If-Match" = Option<String>, Header, description = "The version that the person saw"),
    ),
    request_body = MergeTicket,
    responses(
        (status = 200, body = TicketDetailBody, description = "The ticket, now a duplicate"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn merge(
    State(api): State<Arc<Api>>,
    Id(id): Id<TicketId>,
    call: Call<MergeTicket>,
) -> Result<Versioned<TicketDetailBody>, Problem> {
    let seen = call.must_have_seen(call.body.version)?;
    let into = TicketId::from_uuid(call.body.into);
    match api.hub.duplicates.merge(id, into, seen.version, call.by).await {
        Ok(_) => answered(&api, StatusCode::OK, id).await,
        Err(feedback_core::usecases::DuplicateError::Stale { .. }) => match show::load(&api, id).await {
            Ok(current) => Err(seen.stale(&current)),
            Err(problem) => Err(problem),
        },
        Err(error) => Err(links::refusal(&error)),
    }
}
