//! `PATCH /api/tickets/{id}/update_changelog`: other words for the draft.

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

/// Far more than any channel takes; the use case has the exact limit.
const MAX_CHARS: usize = 100_000;

/// Other words.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateDraft {
    /// The entry's version that the person saw; or as `If-Match`.
    version: Option<u32>,
    #[schema(min_length = 1, max_length = 4000)]
    content: String,
}

/// Replaces the draft's text.
#[utoipa::path(
    patch, path = "/tickets/{id}/update_changelog", operation_id = "updateDraft", tag = "changelog",
    params(
        ("id" = Uuid, Path, description = "The ticket"),
        ("If-Match" = Option<String>, Header, description = "The entry's version that the person saw"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless for 24 hours"),
    ),
    request_body = UpdateDraft,
    responses(
        (status = 200, body = EntryBody, description = "Changed"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn update(
    State(api): State<Arc<Api>>,
    Id(ticket): Id<TicketId>,
    call: Call<UpdateDraft>,
) -> Result<Versioned<EntryBody>, Problem> {
    let seen = call.must_have_seen(call.body.version)?;
    let mut checks = Checks::default();
    checks.text("content", &call.body.content, MAX_CHARS);
    checks.finish()?;
    let entry = newest(&api, ticket).await?;
    let updated = api
        .hub
        .review
        .update(entry.id, seen.version, &call.body.content, call.by, call.remembered)
        .await;
    match updated {
        Ok(entry) => answered(&api, StatusCode::OK, &entry).await,
        Err(error) => Err(refusal(&api, seen, error).await),
    }
}
