//! What went wrong, in plain words. Never a detail of the inside.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use feedback_core::ports::PortError;

use super::page_with;

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem<'a> {
    title: &'a str,
    words: &'a str,
    written: Option<&'a str>,
    back: Option<&'a str>,
}

fn answer(status: StatusCode, title: &str, words: &str, back: Option<&str>) -> Response {
    let written = None;
    page_with(
        status,
        &Problem {
            title,
            words,
            written,
            back,
        },
    )
}

/// The store cannot be asked now.
pub(crate) fn unavailable(error: &PortError) -> Response {
    tracing::error!(%error, "a page could not be shown");
    let words = "The hub cannot reach its data now. Look at the page again in a moment.";
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE, "Not available now", words, None);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    response
}

/// There is no such thing.
pub(crate) fn not_found() -> Response {
    answer(
        StatusCode::NOT_FOUND,
        "Not found",
        "There is nothing at this address.",
        Some("/tickets"),
    )
}

/// The write did not come from a page of ours.
pub(crate) fn forbidden(words: &str) -> Response {
    answer(StatusCode::FORBIDDEN, "Refused", words, Some("/tickets"))
}

/// The form is longer than any of ours.
pub(crate) fn too_large() -> Response {
    answer(
        StatusCode::PAYLOAD_TOO_LARGE,
        "Too long",
        "This form is longer than the hub takes.",
        Some("/tickets"),
    )
}

/// What was asked for makes no sense.
pub(crate) fn invalid(words: &str, back: &str) -> Response {
    answer(StatusCode::UNPROCESSABLE_ENTITY, "That did not work", words, Some(back))
}

/// Somebody else was first.
pub(crate) fn conflict(words: &str, back: &str) -> Response {
    answer(StatusCode::CONFLICT, "Somebody was faster", words, Some(back))
}

/// What a person decided or wrote does not fit what is there now; their words are shown, so that nobody types them twice.
pub(crate) fn with_words(status: StatusCode, words: &str, written: &str, back: &str) -> Response {
    let title = match status {
        StatusCode::CONFLICT => "Somebody was faster",
        StatusCode::SERVICE_UNAVAILABLE => "Not available now",
        _ => "That did not work",
    };
    let written = Some(written).filter(|written| !written.trim().is_empty());
    page_with(
        status,
        &Problem {
            title,
            words,
            written,
            back: Some(back),
        },
    )
}
