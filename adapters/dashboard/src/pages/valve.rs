//! The release valve: the draft as it stands, who would be told and how, and a person's decision about the version that
//! they see.

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use feedback_core::{
    domain::{ChangelogEntry, ChangelogEntryId, ChangelogStatus, TicketNumber, TicketStatus},
    ports::TicketDetail,
    usecases::{Audience, DraftError, ReviewError, ShowError},
};
use serde::Deserialize;

use super::{
    Moment,
    input::{Address, Sent},
    problem,
};
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
        /// Who else reported it, and how they would be told.
        others: Vec<String>,
        /// Personal data in it that is not the reporter's own, in words; empty where there is none.
        warning: String,
        /// Whether a person has taken its words over: until then a warned draft wants their word.
        is_edited: bool,
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
    /// What differs when something happened: pages tell people who are typing.
    pub(crate) fn state(&self) -> String {
        match self {
            Self::Closed { .. } => "closed".to_owned(),
            Self::Draft { id, version, .. } => format!("{id} {version}"),
            Self::Decided { status_label, .. } => (*status_label).to_owned(),
        }
    }

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
            let everyone = review
                .plan_audience(entry.id, Audience::Everyone)
                .await
                .map_err(of_review)?;
            let others = everyone.iter().skip(plan.len());
            let strangers = review.personal_data_of_others(entry).await.map_err(of_review)?;
            return Ok(Self::Draft {
                warning: words::kinds_of_data(&strangers),
                is_edited: entry.edited_by.is_some(),
                id: entry.id.to_string(),
                version: entry.version,
                content,
                made_by: made_by(dashboard, entry).await?,
                others: others.map(|planned| words::plan(planned, now)).collect(),
                plan: plan.iter().map(|planned| words::plan(planned, now)).collect(),
            });
        }
        let decision = entry.decision.as_ref();
        let who = match decision.and_then(|decision| decision.by) {
            Some(by) => dashboard
                .hub
                .show
                .user_name(by)
                .await?
                .unwrap_or_else(|| "a reviewer".to_owned()),
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
    let Some(editor) = entry.edited_by else {
        return Ok(drafted);
    };
    let name = dashboard
        .hub
        .show
        .user_name(editor)
        .await?
        .unwrap_or_else(|| "a reviewer".to_owned());
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

pub(crate) async fn draft(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(number): Address<u64>,
) -> Response {
    let back = format!("/tickets/{number}");
    let id = match dashboard.hub.show.find_ticket(TicketNumber::new(number)).await {
        Ok(Some(ticket)) => ticket.id,
        Ok(None) => return problem::not_found(),
        Err(ShowError::Storage(error)) => return problem::unavailable(&error),
    };
    match dashboard.hub.drafts.generate(id, visitor.user.id).await {
        Ok(_) => Redirect::to(&back).into_response(),
        Err(DraftError::NotFound) => problem::not_found(),
        Err(DraftError::Storage(error)) => problem::unavailable(&error),
        Err(DraftError::Writer(error) | DraftError::Tracker(error)) => {
            tracing::warn!(%error, "a draft that a person asked for could not be written");
            problem::invalid("The draft could not be written now. Try again in a moment.", &back)
        }
        Err(error @ (DraftError::PutAway { .. } | DraftError::AlreadyApproved { .. } | DraftError::Erased)) => {
            problem::conflict(&sentence(&error.to_string()), &back)
        }
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
    /// `yes` where everybody who reported it is told.
    #[serde(default)]
    everyone: String,
    /// `yes` where the person takes over words that hold somebody else's data.
    #[serde(default)]
    mine: String,
}

pub(crate) async fn update(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address((number, entry)): Address<(u64, String)>,
    Sent(form): Sent<ValveForm>,
) -> Response {
    let Ok(id) = entry.parse::<ChangelogEntryId>() else {
        return problem::not_found();
    };
    let content = form.content.replace("\r\n", "\n");
    let updated = dashboard
        .hub
        .review
        .update(id, form.version, &content, visitor.user.id, None)
        .await;
    answer(&dashboard, updated.map(|_| ()), number, &form.content).await
}

/// Approves what is in the text field: a changed text is stored first, as its own version, and that one is approved.
pub(crate) async fn approve(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address((number, entry)): Address<(u64, String)>,
    Sent(form): Sent<ValveForm>,
) -> Response {
    let Ok(id) = entry.parse::<ChangelogEntryId>() else {
        return problem::not_found();
    };
    let approved = approve_shown(&dashboard, &visitor, id, &form).await;
    answer(&dashboard, approved, number, &form.content).await
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
    let version = if is_changed || form.mine == "yes" {
        review.update(id, form.version, &shown, by, None).await?.version
    } else {
        form.version
    };
    let audience = if form.everyone == "yes" {
        Audience::Everyone
    } else {
        Audience::Reporter
    };
    review.approve_for(id, version, audience, by, None).await.map(|_| ())
}

pub(crate) async fn reject(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address((number, entry)): Address<(u64, String)>,
    Sent(form): Sent<ValveForm>,
) -> Response {
    let Ok(id) = entry.parse::<ChangelogEntryId>() else {
        return problem::not_found();
    };
    let rejected = dashboard
        .hub
        .review
        .reject(id, form.version, &form.reason, visitor.user.id, None)
        .await;
    answer(&dashboard, rejected.map(|_| ()), number, &form.reason).await
}

/// Back to the ticket; or why not, with what the person wrote.
async fn answer(dashboard: &Dashboard, result: Result<(), ReviewError>, number: u64, written: &str) -> Response {
    let back = format!("/tickets/{number}");
    let Err(error) = result else {
        return Redirect::to(&back).into_response();
    };
    let (status, words) = match error {
        ReviewError::NotFound => return problem::not_found(),
        ReviewError::AlreadyDecided { current } => (StatusCode::CONFLICT, decided(dashboard, &current).await),
        ReviewError::Stale { .. } => (
            StatusCode::CONFLICT,
            "The draft changed since you opened it. Read it again, then decide.".to_owned(),
        ),
        ReviewError::TicketMovedOn => (
            StatusCode::CONFLICT,
            "The ticket moved on since the draft was written: it is not solved any more.".to_owned(),
        ),
        ReviewError::InvalidContent
        | ReviewError::ReasonMissing
        | ReviewError::KeyReused
        | ReviewError::NamesReporter
        | ReviewError::NamesOthers { .. }
        | ReviewError::Erased => (StatusCode::UNPROCESSABLE_ENTITY, sentence(&error.to_string())),
        ReviewError::Storage(error) => {
            tracing::error!(%error, "a reviewer's decision could not be stored");
            let words = "The hub cannot reach its data now. Look at the ticket again before you repeat this.";
            (StatusCode::SERVICE_UNAVAILABLE, words.to_owned())
        }
    };
    problem::with_words(status, &words, written, &back)
}

/// Who was faster, and with what.
async fn decided(dashboard: &Dashboard, current: &ChangelogEntry) -> String {
    let by = current.decision.as_ref().and_then(|decision| decision.by);
    let who = match by {
        Some(by) => dashboard.hub.show.user_name(by).await.ok().flatten(),
        None => None,
    };
    let who = who.unwrap_or_else(|| "The hub".to_owned());
    let what = words::changelog(current.status).to_lowercase();
    format!("{who} has decided already: {what}.")
}

/// An error's words as a page has them.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_becomes_a_sentence() {
        assert_eq!(sentence("élan is missing"), "Élan is missing.");
        assert_eq!(sentence(""), ".");
    }
}
