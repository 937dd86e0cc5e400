//! `PATCH /api/tickets/{id}/approve_changelog`: the words go out.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use feedback_core::{domain::TicketId, usecases::Audience};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{newest, refusal, show::EntryBody};
use crate::{
    api::{
        Api,
        call::{Call, Id, Versioned, etag},
        notifications::NotificationBody,
    },
    problem::{Problem, ProblemBody},
};

/// What is approved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveChangelog {
    /// The entry's version that the person saw; or as `If-Match`.
    version: Option<u32>,
    /// Who is told; the ticket's own reporter, where nothing is said.
    #[serde(default)]
    tell: TellWord,
}

/// Who hears what is approved.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TellWord {
    /// The ticket's own reporter: of a group the primary ticket's.
    #[default]
    Reporter,
    /// Each distinct person who reported the same thing, once.
    Everyone,
}

/// An approved entry, and the deliveries that it made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Approval)]
pub(crate) struct ApprovalBody {
    #[serde(flatten)]
    entry: EntryBody,
    notifications: Vec<NotificationBody>,
}

/// Approves the version that the person saw, and queues its deliveries.
#[utoipa::path(
    patch, path = "/tickets/{id}/approve_changelog", operation_id = "approveChangelog", tag = "changelog",
    params(
        ("id" = Uuid, Path, description = "The ticket"),
        ("If-Match" = Option<String>, Header, description = "The entry's version that the person saw"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat harmless for 24 hours"),
    ),
    request_body = ApproveChangelog,
    responses(
        (status = 200, body = ApprovalBody, description = "Approved"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn approve(
    State(api): State<Arc<Api>>,
    Id(ticket): Id<TicketId>,
    call: Call<ApproveChangelog>,
) -> Result<Versioned<ApprovalBody>, Problem> {
    let seen = call.must_have_seen(call.body.version)?;
    let entry = newest(&api, ticket).await?;
    let audience = match call.body.tell {
        TellWord::Reporter => Audience::Reporter,
        TellWord::Everyone => Audience::Everyone,
    };
    match api
        .hub
        .review
        .approve_for(entry.id, seen.version, audience, call.by, call.remembered)
        .await
    {
        Ok(approval) => {
            let entry = EntryBody::opened(&api.hub.review, &approval.entry).await?;
            let notifications = approval.notifications.into_iter().map(NotificationBody::from).collect();
            Ok((
                StatusCode::OK,
                etag(approval.entry.version),
                Json(ApprovalBody { entry, notifications }),
            ))
        }
        Err(error) => Err(refusal(&api, seen, error).await),
    }
}
