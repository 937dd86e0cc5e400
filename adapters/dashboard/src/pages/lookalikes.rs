//! Tickets that look alike: suggested, decided by the person who looks at them, and taken back.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use feedback_core::{
    domain::{LinkStatus, TicketLink, TicketLinkId},
    ports::TicketDetail,
    usecases::{AcceptAs, DuplicateError, ShowError},
};

use serde::Deserialize;

use super::{input::Address, problem};
use crate::{Dashboard, session::Visitor, words};

/// The other ticket of a pair, and what can be said about the two.
pub(crate) struct Lookalike {
    pub(crate) link: String,
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) lang: &'static str,
    pub(crate) percent: u32,
    pub(crate) evidence: String,
    /// What was decided, in words; `None` while nobody has.
    pub(crate) decided: Option<&'static str>,
    /// Whether the other one came first.
    pub(crate) is_original: bool,
}

impl Lookalike {
    /// All pairs that a ticket is part of.
    pub(crate) async fn all_of(dashboard: &Dashboard, detail: &TicketDetail) -> Result<Vec<Self>, ShowError> {
        let mut found = Vec::new();
        for link in &detail.links {
            let is_original = link.ticket == detail.ticket.id;
            let other = if is_original { link.original } else { link.ticket };
            let other = dashboard
                .hub
                .queries
                .ticket_detail(other)
                .await
                .map_err(ShowError::Storage)?;
            if let Some(other) = other {
                found.push(Self {
                    link: link.id.to_string(),
                    number: other.ticket.number.value(),
                    title: words::shown(other.ticket.title.as_str()),
                    lang: words::language_code(other.ticket.language),
                    percent: percent(link.score),
                    evidence: link.evidence.join(", "),
                    decided: match link.status {
                        LinkStatus::Suggested => None,
                        LinkStatus::Accepted => Some("the same"),
                        LinkStatus::Dismissed => Some("not the same"),
                    },
                    is_original,
                });
            }
        }
        Ok(found)
    }
}

/// What a person decides about a pair: the last word of the form's address.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Merge,
    Group,
    Dismiss,
    Swap,
    Undo,
}

pub(crate) async fn decide(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address((number, link, verdict)): Address<(u64, String, Verdict)>,
) -> Response {
    let Ok(id) = link.parse::<TicketLinkId>() else {
        return problem::not_found();
    };
    let (duplicates, by) = (&dashboard.hub.duplicates, visitor.user.id);
    let decided = match verdict {
        Verdict::Merge => duplicates.accept(id, AcceptAs::Merge, by).await,
        Verdict::Group => duplicates.accept(id, AcceptAs::Group, by).await,
        Verdict::Dismiss => duplicates.dismiss(id, by).await,
        Verdict::Swap => duplicates.swap(id, by).await,
        Verdict::Undo => duplicates.undo(id, by).await,
    };
    answer(decided, number)
}

fn answer(result: Result<TicketLink, DuplicateError>, number: u64) -> Response {
    let back = format!("/tickets/{number}");
    let Err(error) = result else {
        return Redirect::to(&back).into_response();
    };
    let words = match error {
        DuplicateError::NotFound => return problem::not_found(),
        DuplicateError::Storage(error) => return problem::unavailable(&error),
        DuplicateError::AlreadyDecided { .. } => "Somebody has already decided about these two tickets.",
        DuplicateError::IllegalMove(_) => "The ticket cannot be put away as it stands: reopen it first.",
        DuplicateError::MovedOn => "One of the tickets was changed since: what was before cannot be brought back.",
        DuplicateError::UnlikePrimary { .. } => {
            "The ticket was not found to be like the one that speaks for the group. Compare it with that one first."
        }
        DuplicateError::InAnotherGroup => "The ticket is in another group.",
        DuplicateError::Same | DuplicateError::Stale { .. } => "The ticket was changed since you opened it.",
    };
    problem::conflict(words, &back)
}

/// A score of 0 to 1 as a whole number of hundredths.
fn percent(score: f32) -> u32 {
    (0..=100)
        .rev()
        .find(|percent| f64::from(*percent) <= f64::from(score) * 100.0 + 0.5)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_shown_in_whole_hundredths() {
        assert_eq!(
            [0.0, 0.504, 0.999, 1.0, -1.0, f32::NAN].map(percent),
            [0, 50, 100, 100, 0, 0]
        );
    }
}
