//! `POST /api/tickets/{id}/confirm`: a reviewer's word on type and priority.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use feedback_core::{
    domain::TicketId,
    usecases::{ConfirmError, Confirmed},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    answered, port,
    show::{self, TicketDetailBody},
};
use crate::{
    api::{
        Api,
        call::{Call, Id, Seen, Versioned},
        words::{PriorityWord, TicketTypeWord},
    },
    problem::{Checks, Problem, ProblemBody},
};

/// A reviewer's word.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmTriage {
    /// The version that the person saw; or as `If-Match`.
    version: Option<u32>,
    #[schema(value_type = TicketTypeWord)]
    r#type: String,
    #[schema(value_type = PriorityWord)]
    priority: String,
    /// A better title.
    #[schema(min_length = 1, max_length = 120)]
    title: Option<String>,
}

/// Confirms type and priority.
#[utoipa::path(
    post, path = "/tickets/{id}/confirm", operation_id = "confirmTriage", tag = "tickets",
    params(
        ("id" = Uuid, Path, description = "The ticket"),
        ("If-Match" = Option<String>, Header, description = "The version that the person saw"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless for 24 hours"),
    ),
    request_body = ConfirmTriage,
    responses(
        (status = 200, body = TicketDetailBody, description = "Confirmed"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn confirm(
    State(api): State<Arc<Api>>,
    Id(id): Id<TicketId>,
    call: Call<ConfirmTriage>,
) -> Result<Versioned<TicketDetailBody>, Problem> {
    let seen = call.must_have_seen(call.body.version)?;
    let mut checks = Checks::default();
    let ticket_type = checks.parse("type", Some(&call.body.r#type));
    let priority = checks.parse("priority", Some(&call.body.priority));
    checks.finish()?;
    let (Some(ticket_type), Some(priority)) = (ticket_type, priority) else {
        return Err(Problem::internal());
    };
    let word = Confirmed {
        seen_version: seen.version,
        ticket_type,
        priority,
        title: call.body.title,
    };
    match api.hub.confirm.confirm(id, &word, call.by, call.remembered).await {
        Ok(_) => answered(&api, StatusCode::OK, id).await,
        Err(error) => Err(refusal(&api, id, Some(seen), error).await),
    }
}

/// Why a reviewer's word was not taken, with the ticket as it stands.
pub(super) async fn refusal(api: &Api, id: TicketId, seen: Option<Seen>, error: ConfirmError) -> Problem {
    let detail = error.to_string();
    match error {
        ConfirmError::NotFound => Problem::not_found("the ticket"),
        ConfirmError::Stale { .. } => match (show::load(api, id).await, seen) {
            (Ok(current), Some(seen)) => seen.stale(&current),
            (Ok(current), None) => Problem::conflict("stale-version", detail).current(&current),
            (Err(problem), _) => problem,
        },
        ConfirmError::IllegalMove(_) => match show::load(api, id).await {
            Ok(current) => Problem::conflict("illegal-move", detail).current(&current),
            Err(problem) => problem,
        },
        ConfirmError::InvalidTitle => Problem::invalid_field("title", detail),
        ConfirmError::KeyReused => Problem::key_reused(),
        ConfirmError::Storage(error) => port(error),
    }
}
