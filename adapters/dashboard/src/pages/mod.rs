//! One file for each page: its view, and the forms that it takes.

pub(crate) mod attachment;
pub(crate) mod dead_letters;
pub(crate) mod groups;
pub(crate) mod input;
pub(crate) mod lookalikes;
pub(crate) mod notifications;
pub(crate) mod people;
pub(crate) mod problem;
pub(crate) mod sign_in;
pub(crate) mod ticket;
pub(crate) mod tickets;
pub(crate) mod valve;

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use feedback_core::domain::Timestamp;

/// Renders a page.
pub(crate) fn page(template: &impl Template) -> Response {
    page_with(StatusCode::OK, template)
}

/// Renders a page with another status.
pub(crate) fn page_with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "could not render a page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A moment as a page shows it: for people, and exact for machines.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    /// For people.
    pub(crate) shown: String,
    /// RFC 3339.
    pub(crate) exact: String,
}

impl Moment {
    pub(crate) fn of(at: Timestamp) -> Self {
        Self {
            shown: crate::words::moment(at),
            exact: at.to_string(),
        }
    }
}

/// An option of a choice.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// What is sent.
    pub(crate) value: &'static str,
    /// What is shown.
    pub(crate) label: &'static str,
    /// Whether it is the present one.
    pub(crate) is_chosen: bool,
}
