//! What reporters are told: drafted, edited, approved or rejected, and read.

pub(super) mod approve;
pub(super) mod generate;
pub(super) mod list;
mod plan;
pub(super) mod reject;
pub(super) mod show;
pub(super) mod update;

use axum::{Json, http::StatusCode};
use feedback_core::{
    domain::{ChangelogEntry, ChangelogStatus, TicketId},
    ports::PortError,
    usecases::ReviewError,
};

pub(super) use self::show::EntryBody;
use super::{
    Api,
    call::{Seen, Versioned, etag},
};
use crate::problem::Problem;

/// The entry that a ticket's routes are about: its newest.
async fn newest(api: &Api, ticket: TicketId) -> Result<ChangelogEntry, Problem> {
    let found = api
        .hub
        .review
        .newest_of(ticket)
        .await
        .map_err(|error| unexpected(&error))?;
    found.ok_or_else(|| Problem::not_found("a changelog entry of this ticket"))
}

async fn answered(api: &Api, status: StatusCode, entry: &ChangelogEntry) -> Result<Versioned<EntryBody>, Problem> {
    let body = EntryBody::opened(&api.hub.review, entry).await?;
    Ok((status, etag(entry.version), Json(body)))
}

/// Why a decision or edit was not taken, with the entry as it stands.
async fn refusal(api: &Api, seen: Seen, error: ReviewError) -> Problem {
    match error {
        ReviewError::AlreadyDecided { current } => {
            let by = current.decision.as_ref().and_then(|decision| decision.by);
            let how = if current.status == ChangelogStatus::Approved {
                "approved"
            } else {
                "rejected"
            };
            let detail = match by {
                Some(by) => format!("the changelog entry was already {how} by user {by}"),
                None => "the changelog entry was withdrawn, since the ticket moved on".to_owned(),
            };
            match EntryBody::opened(&api.hub.review, &current).await {
                Ok(current) => Problem::conflict("already-decided", detail)
                    .current(&current)
                    .decided_by(by.map(|by| *by.as_uuid())),
                Err(problem) => problem,
            }
        }
        ReviewError::Stale { current, .. } => match EntryBody::opened(&api.hub.review, &current).await {
            Ok(current) => seen.stale(&current),
            Err(problem) => problem,
        },
        other => unexpected(&other),
    }
}

fn unexpected(error: &ReviewError) -> Problem {
    match error {
        ReviewError::NotFound => Problem::not_found("the changelog entry"),
        ReviewError::AlreadyDecided { .. } => Problem::conflict("already-decided", error.to_string()),
        ReviewError::Stale { .. } => Problem::conflict("stale-version", error.to_string()),
        ReviewError::TicketMovedOn => Problem::conflict("ticket-moved-on", error.to_string()),
        ReviewError::NamesOthers { .. } => Problem::conflict("names-others", error.to_string()),
        ReviewError::NamesReporter => Problem::conflict("names-reporter", error.to_string()),
        ReviewError::Erased => Problem::conflict("erased", error.to_string()),
        ReviewError::InvalidContent => Problem::invalid_field("content", error),
        ReviewError::ReasonMissing => Problem::invalid_field("reason", error),
        ReviewError::KeyReused => Problem::key_reused(),
        ReviewError::Storage(error) => port(error),
    }
}

fn port(error: &PortError) -> Problem {
    Problem::port(error)
}
