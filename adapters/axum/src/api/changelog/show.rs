//! `GET /api/tickets/{id}/changelog`: the newest entry.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use feedback_core::{
    domain::{ChangelogEntry, ChangelogEntryId, ChangelogStatus, Language, TicketId, Timestamp, UserId},
    logic::scrub::Label,
    usecases::Review,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{newest, plan::PlanBody, unexpected};
use crate::{
    api::{
        Api,
        call::{Id, Versioned, etag},
        words::ChangelogStatusWord,
    },
    problem::{Problem, ProblemBody},
};

/// What a reporter is to be told, or was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangelogEntry)]
pub(crate) struct EntryBody {
    #[schema(value_type = Uuid)]
    id: ChangelogEntryId,
    #[schema(value_type = Uuid)]
    ticket_id: TicketId,
    /// The text as the reporter will read it; null once the reporter is erased.
    content: Option<String>,
    #[schema(value_type = ChangelogStatusWord)]
    status: ChangelogStatus,
    /// What a decision about it names.
    version: u32,
    /// `en` or `es`.
    #[schema(value_type = String)]
    language: Language,
    /// Which resolution of the ticket it is about.
    resolution: u32,
    /// The model that drafted it.
    model: String,
    prompt_version: String,
    input_tokens: u32,
    output_tokens: u32,
    /// Who last edited it.
    #[schema(value_type = Option<Uuid>)]
    edited_by: Option<UserId>,
    /// Who approved or rejected it; null also where the hub withdrew it.
    #[schema(value_type = Option<Uuid>)]
    decided_by: Option<UserId>,
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    /// Why it was rejected.
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl EntryBody {
    /// Opens the text for the one who asked.
    pub(crate) async fn opened(review: &Review, entry: &ChangelogEntry) -> Result<Self, Problem> {
        let content = review.content(entry).await.map_err(|error| unexpected(&error))?;
        let decision = entry.decision.as_ref();
        Ok(Self {
            id: entry.id,
            ticket_id: entry.ticket,
            content: content.map(|text| text.to_string()),
            status: entry.status,
            version: entry.version,
            language: entry.language,
            resolution: entry.resolution,
            model: entry.made_by.model.clone(),
            prompt_version: entry.made_by.prompt_version.clone(),
            input_tokens: entry.made_by.input_tokens,
            output_tokens: entry.made_by.output_tokens,
            edited_by: entry.edited_by,
            decided_by: decision.and_then(|decision| decision.by),
            decided_at: decision.map(|decision| decision.at),
            reason: decision.and_then(|decision| decision.reason.clone()),
            created_at: entry.created_at,
            updated_at: entry.updated_at,
        })
    }
}

/// The newest entry, and while it is a draft what its approval would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShownChangelogEntry)]
pub(crate) struct ShownBody {
    #[serde(flatten)]
    entry: EntryBody,
    /// Null once somebody decided.
    plan: Option<PlanBody>,
    /// Kinds of personal data in a draft that are not its reporter's own, `NAME` or `EMAIL` for example: read it well. While
    /// nobody has edited the draft, it is not approved with any (`names-others`).
    #[schema(value_type = Vec<String>)]
    personal_data_of_others: Vec<Label>,
}

/// The newest entry of a ticket.
#[utoipa::path(
    get, path = "/tickets/{id}/changelog", operation_id = "getChangelog", tag = "changelog",
    params(("id" = Uuid, Path, description = "The ticket")),
    responses(
        (status = 200, body = ShownBody, description = "The entry; `ETag` is its version"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    Id(ticket): Id<TicketId>,
) -> Result<Versioned<ShownBody>, Problem> {
    let found = newest(&api, ticket).await?;
    let review = &api.hub.review;
    let entry = EntryBody::opened(review, &found).await?;
    let (plan, personal_data_of_others) = match found.status {
        ChangelogStatus::Draft => {
            let others = review.personal_data_of_others(&found).await;
            (
                Some(PlanBody::of(review, &found, api.hub.clock.now()).await?),
                others.map_err(|error| unexpected(&error))?,
            )
        }
        ChangelogStatus::Approved | ChangelogStatus::Rejected => (None, Vec::new()),
    };
    let body = ShownBody {
        entry,
        plan,
        personal_data_of_others,
    };
    Ok((StatusCode::OK, etag(found.version), Json(body)))
}
