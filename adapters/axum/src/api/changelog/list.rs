//! `GET /api/changelog_entries`: what waits for review, and what was decided.

use std::sync::Arc;

use axum::{Json, extract::State};
use feedback_core::{domain::TicketNumber, ports::ChangelogFilter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{port, show::EntryBody};
use crate::{
    api::{
        Api,
        call::Asked,
        page::{self, List},
        words::ChangelogStatusWord,
    },
    problem::{Checks, Problem, ProblemBody},
};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListChangelogEntries {
    /// Only those in this status.
    #[param(value_type = Option<ChangelogStatusWord>)]
    status: Option<String>,
    /// Only those of this ticket.
    #[param(value_type = Option<Uuid>)]
    ticket_id: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// At most how many.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// An entry in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangelogRow)]
pub(crate) struct EntryRowBody {
    #[serde(flatten)]
    entry: EntryBody,
    /// The ticket's short number.
    #[schema(value_type = u64)]
    ticket_number: TicketNumber,
}

/// Changelog entries, newest first.
#[utoipa::path(
    get, path = "/changelog_entries", operation_id = "listChangelogEntries", tag = "changelog",
    params(ListChangelogEntries),
    responses(
        (status = 200, body = List<EntryRowBody>, description = "Part of the list"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<ListChangelogEntries>,
) -> Result<Json<List<EntryRowBody>>, Problem> {
    let mut checks = Checks::default();
    let filter = ChangelogFilter {
        status: checks.parse("status", asked.status.as_deref()),
        ticket: checks.parse("ticket_id", asked.ticket_id.as_deref()),
    };
    let request = page::requested(asked.cursor.as_deref(), asked.limit.as_deref(), &mut checks);
    checks.finish()?;
    let page = api
        .hub
        .queries
        .changelog_entries(&filter, request)
        .await
        .map_err(|error| port(&error))?;
    let mut rows = Vec::with_capacity(page.items.len());
    for row in &page.items {
        let entry = EntryBody::opened(&api.hub.review, &row.entry).await?;
        rows.push(EntryRowBody {
            entry,
            ticket_number: row.ticket_number,
        });
    }
    Ok(Json(List::of(&page, rows)))
}
