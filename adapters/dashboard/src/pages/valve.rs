//! The release valve: the draft as it stands, who would be told and how, and a person's decision about the version that
//! they see.

use axum::{
    Extension, Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use feedback_core::{
    domain::{ChangelogEntry, ChangelogEntryId, ChangelogStatus, TicketStatus},
    ports::TicketDetail,
    usecases::{ReviewError, ShowError},
};
use serde::Deserialize;

use super::{Moment, problem};
use crate::{Dashboard, session::Visitor, words};

/// What the valve shows.
pub(crate) enum Valve {
    /// Nothing is written, and nothing is due.
    Closed {
        /// Whether a draft can be asked for.
        can_draft: bool,
    },
    /// A draft waits.
    Draft {
        id: String,
        version: u32,
        content: String,
        made_by: String,
        plan: Vec<String>,
    },
    /// Somebody decided.
    Decided {
        status_label: &'static str,
        content: String,
        who: String,
        at: Option<Moment>,
        reason: Option<String>,
        can_draft: bool,
    },
}

impl Valve {
    pub(crate) async fn of(dashboard: &Dashboard, detail: &TicketDetail) -> Result<Self, ShowError> {
        let put_away = matches!(detail.ticket.status, TicketStatus::Duplicate | TicketStatus::Dismissed);
        let Some(entry) = detail.changelog_entries.first() else {
            return Ok(Self::Closed { can_draft: !put_away });
        };
        let review = &dashboard.hub.review;
        let content = review.content(entry).await.map_err(of_review)?;
        let content = content.map_or_else(|| "(erased)".to_owned(), |text| text.to_string());
        if entry.status == ChangelogStatus::Draft {
            let now = dashboard.hub.clock.now();
            let plan = review.plan(entry.id).await.map_err(of_review)?;
            return Ok(Self::Draft {
                id: entry.id.to_string(),
                version: entry.version,
                content,
                made_by: made_by(dashboard, entry).await?,
                plan: plan.iter().map(|planned| words::plan(planned, now)).collect(),
            });
        }
        let decision = entry.decision.as_ref();
        let who = match decision.and_then(|decision| decision.by) {
            Some(by) => dashboard.hub.show.user_name(by).await?.unwrap_or_else(|| "a reviewer".to_owned()),
            None => "the hub, since the ticket moved on".to_owned(),
        };
        Ok(Self::Decided {
            status_label: words::changelog(entry.status),
            content,
            who,
            at: decision.map(|decision| Moment::of(decision.at)),
            reason: decision.and_then(|decision| decision.reason.clone()),
            can_draft: !put_away && entry.status == ChangelogStatus::Rejected,
        })
    }
}

async fn made_by(dashboard: &Dashboard, entry: &ChangelogEntry) -> Result<String, ShowError> {
    let drafted = format!("drafted by {}", entry.made_by.model);
    let Some(editor) = entry.edited_by else { return Ok(drafted) };
    let name = dashboard.hub.show.user_name(editor).await?.unwrap_or_else(|| "a reviewer".to_owned());
    Ok(format!("{drafted}, edited by {name}"))
}

/// A page shows what storage gives; what a decision could refuse does not come up in reading.
fn of_review(error: ReviewError) -> ShowError {
    match error {
        ReviewError::Storage(error) => ShowError::Storage(error),
        other => ShowError::Storage(
            feedback_core::ports::PortError::new(feedback_core::ports::PortErrorKind::NotFound, "dashboard.valve")
                .with_reason(other.to_string()),
        ),
    }
}

/// What the forms of the valve send.
#[derive(Deserialize)]
pub(crate) struct ValveForm {
    version: u32,
    #[serde(default)]
    content: String,
    #[serde(default)]
    reason: String,
}

pub(crate) async fn update(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Path((number, entry)): Path<(u64, String)>,
    Form(form): Form<ValveForm>,
) -> Response {
    let Ok(id) = entry.parse::<ChangelogEntryId>() else { return problem::not_found() };
    let content = form.content.replace("\r\n", "\n");
    let updated = dashboard.hub.review.update(id, form.version, &content, visitor.user.id, None).await;
    answer(&dashboard, updated.map(|_| ()), number).await
}

/// Approves what is in the text field: a changed text is stored first, as its own version, and that one is approved.
pub(crate) async fn approve(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Path((number, entry)): Path<(u64, String)>,
    Form(form): Form<ValveForm>,
) -> Response {
    let Ok(id) = entry.parse::<ChangelogEntryId>() else { return problem::not_found() };
    let approved = approve_shown(&dashboard, &visitor, id, &form).await;
    answer(&dashboard, approved, number).await
}

async fn approve_shown(
    dashboard: &Dashboard,
    visitor: &Visitor,
    id: ChangelogEntryId,
    form: &ValveForm,
) -> Result<(), ReviewError> {
    let review = &dashboard.hub.review;
    let by = visitor.user.id;
    let shown = form.content.replace("\r\n", "\n");
    let stored = review.content(&review.entry(id).await?).await?;
    let is_changed = stored.is_some_and(|stored| stored.trim() != shown.trim());
    let version = if is_changed { review.update(id, form.version, &shown, by, None).await?.version } else { form.version };
    review.approve(id, version, by, None).await.map(|_| ())
}

pub(crate) async fn reject(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Path((number, entry)): Path<(u64, String)>,
    Form(form): Form<ValveForm>,
) -> Response {
    let Ok(id) = entry.parse::<ChangelogEntryId>() else { return problem::not_found() };
    let rejected = dashboard.hub.review.reject(id, form.version, &form.reason, visitor.user.id, None).await;
    answer(&dashboard, rejected.map(|_| ()), number).await
}

async fn answer(dashboard: &Dashboard, result: Result<(), ReviewError>, number: u64) -> Response {
    let back = format!("/tickets/{number}");
    match result {
        Ok(()) => Redirect::to(&back).into_response(),
        Err(ReviewError::NotFound) => problem::not_found(),
        Err(ReviewError::Storage(error)) => problem::unavailable(&error),
        Err(ReviewError::AlreadyDecided { current }) => {
            let by = current.decision.as_ref().and_then(|decision| decision.by);
            let who = match by {
                Some(by) => dashboard.hub.show.user_name(by).await.ok().flatten(),
                None => None,
            };
            let who = who.unwrap_or_else(|| "The hub".to_owned());
            let words = format!("{who} has decided already: {}.", words::changelog(current.status).to_lowercase());
            problem::conflict(&words, &back)
        }
        Err(ReviewError::Stale { .. }) => {
            problem::conflict("The draft changed since you opened it. Read it again, then decide.", &back)
        }
        Err(ReviewError::TicketMovedOn) => {
            problem::conflict("The ticket moved on since the draft was written: it is not solved any more.", &back)
        }
        Err(
            error @ (ReviewError::InvalidContent
            | ReviewError::ReasonMissing
            | ReviewError::KeyReused
            | ReviewError::Erased),
        ) => problem::invalid(&error.to_string(), &back),
    }
}
