//! `PATCH /api/tickets/{id}`: title and status.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use feedback_core::{domain::TicketId, usecases::Edit};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{answered, confirm::refusal, show::TicketDetailBody};
use crate::{
    api::{
        Api,
        call::{Call, Id, Versioned},
        words::TicketStatusWord,
    },
    problem::{Checks, Problem, ProblemBody},
};

/// What changes; at least one of title and status.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateTicket {
    /// The version that the person saw, here or as `If-Match`; without one, whatever is there is changed.
    version: Option<u32>,
    #[schema(min_length = 1, max_length = 120)]
    title: Option<String>,
    #[schema(value_type = Option<TicketStatusWord>)]
    status: Option<String>,
}

/// Changes title or status.
#[utoipa::path(
    patch, path = "/tickets/{id}", operation_id = "updateTicket", tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "The ticket"),
        ("If-Match" = Option<String>, Header, description = "The version that the person saw"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless for 24 hours"),
    ),
    request_body = UpdateTicket,
    responses(
        (status = 200, body = TicketDetailBody, description = "Changed"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn update(
    State(api): State<Arc<Api>>,
    Id(id): Id<TicketId>,
    call: Call<UpdateTicket>,
) -> Result<Versioned<TicketDetailBody>, Problem> {
    let seen = call.seen(call.body.version)?;
    let mut checks = Checks::default();
    let status = checks.parse("status", call.body.status.as_deref());
    checks.finish()?;
    if call.body.title.is_none() && status.is_none() {
        return Err(Problem::invalid("one of title and status is wanted"));
    }
    let edit = Edit {
        seen_version: seen.map(|seen| seen.version),
        title: call.body.title,
        status,
    };
    match api.hub.confirm.edit(id, &edit, call.by, call.remembered).await {
        Ok(_) => answered(&api, StatusCode::OK, id).await,
        Err(error) => Err(refusal(&api, id, seen, error).await),
    }
}
