//! `POST /api/tickets/{id}/generate_changelog`: a person asks for a draft.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use feedback_core::{
    domain::TicketId,
    ports::{PortError, PortErrorKind},
    usecases::DraftError,
};

use super::{answered, port, show::EntryBody};
use crate::{
    api::{
        Api,
        call::{Id, Versioned},
    },
    auth::Caller,
    problem::{Chain, Problem, ProblemBody},
};

/// Writes a draft, or gives the open one.
#[utoipa::path(
    post, path = "/tickets/{id}/generate_changelog", operation_id = "generateChangelog", tag = "changelog",
    params(("id" = Uuid, Path, description = "The ticket")),
    responses(
        (status = 201, body = EntryBody, description = "The draft"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn generate(
    State(api): State<Arc<Api>>,
    Id(ticket): Id<TicketId>,
    Caller(by): Caller,
) -> Result<Versioned<EntryBody>, Problem> {
    match api.hub.drafts.generate(ticket, by).await {
        Ok(entry) => answered(&api, StatusCode::CREATED, &entry).await,
        Err(error) => Err(refusal(&api, error).await),
    }
}

async fn refusal(api: &Api, error: DraftError) -> Problem {
    let detail = error.to_string();
    match error {
        DraftError::NotFound => Problem::not_found("the ticket"),
        DraftError::PutAway { .. } => Problem::conflict("put-away", detail),
        DraftError::Erased => Problem::conflict("erased", detail),
        DraftError::AlreadyApproved { entry } => match EntryBody::opened(&api.hub.review, &entry).await {
            Ok(current) => Problem::conflict("already-approved", detail).current(&current),
            Err(problem) => problem,
        },
        DraftError::Writer(error) => provider(&error, "the AI provider"),
        DraftError::Tracker(error) => provider(&error, "the tracker"),
        DraftError::Storage(error) => port(&error),
    }
}

/// A provider behind the hub failed: a person can try again where that may help.
fn provider(error: &PortError, who: &'static str) -> Problem {
    tracing::warn!(error = %Chain(error), who, "could not write a draft that a person asked for");
    match error.kind() {
        PortErrorKind::Unauthorized | PortErrorKind::Rejected | PortErrorKind::NotFound => {
            Problem::bad_gateway("the provider that drafts are made with refused")
        }
        _ => Problem::unavailable("the provider that drafts are made with does not answer", 30),
    }
}
