//! `PATCH /api/tickets/{id}/reject_changelog`: the words do not go out.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use feedback_core::domain::TicketId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{answered, newest, refusal, show::EntryBody};
use crate::{
    api::{
        Api,
        call::{Call, Id, Versioned},
    },
    problem::{Checks, Problem, ProblemBody},
};

/// Longest reason.
const MAX_REASON_CHARS: usize = 2000;

/// What is rejected, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectChangelog {
    /// The entry's version that the person saw; or as `If-Match`.
    version: Option<u32>,
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// Rejects the version that the person saw.
#[utoipa::path(
    patch, path = "/tickets/{id}/reject_changelog", operation_id = "rejectChangelog", tag = "changelog",
    params(
        ("id" = Uuid, Path, description = "The ticket"),
        ("If-Match" = Option<String>, Header, description = "The entry's version that the person saw"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless for 24 hours"),
    ),
    request_body = RejectChangelog,
    responses(
        (status = 200, body = EntryBody, description = "Rejected"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn reject(
    State(api): State<Arc<Api>>,
    Id(ticket): Id<TicketId>,
    call: Call<RejectChangelog>,
) -> Result<Versioned<EntryBody>, Problem> {
    let seen = call.must_have_seen(call.body.version)?;
    let mut checks = Checks::default();
    checks.text("reason", &call.body.reason, MAX_REASON_CHARS);
    checks.finish()?;
    let entry = newest(&api, ticket).await?;
    let rejected = api
        .hub
        .review
        .reject(entry.id, seen.version, &call.body.reason, call.by, call.remembered)
        .await;
    match rejected {
        Ok(entry) => answered(&api, StatusCode::OK, &entry).await,
        Err(error) => Err(refusal(&api, seen, error).await),
    }
}
