//! What gave up, for a person to try again or put away.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use feedback_core::{domain::JobId, usecases::DeadLetterError};

use super::{
    Moment,
    input::{Address, Asked, ListFrom},
    page, problem,
};
use crate::{Dashboard, session::Visitor};

struct Row {
    id: String,
    kind: String,
    attempts: u32,
    error: String,
    at: Moment,
}

#[derive(Template)]
#[template(path = "dead_letters.html")]
struct DeadLetters {
    visitor: Visitor,
    here: &'static str,
    rows: Vec<Row>,
    next: Option<String>,
}

pub(crate) async fn list(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Asked(from): Asked<ListFrom>,
) -> Response {
    let request = from.request();
    let found = match dashboard.hub.queries.dead_letters(request).await {
        Ok(found) => found,
        Err(error) => return problem::unavailable(&error),
    };
    let next = found.next.map(|cursor| format!("/dead-letters?cursor={cursor}"));
    let rows = found.items.into_iter().map(|letter| Row {
        id: letter.job.id.to_string(),
        kind: letter.job.kind.as_str().replace('_', " "),
        attempts: letter.job.attempts,
        error: letter.job.last_error.unwrap_or_default(),
        at: Moment::of(letter.job.updated_at),
    });
    page(&DeadLetters {
        visitor,
        here: "dead-letters",
        rows: rows.collect(),
        next,
    })
}

pub(crate) async fn retry(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(id): Address<String>,
) -> Response {
    let Ok(id) = id.parse::<JobId>() else {
        return problem::not_found();
    };
    answer(dashboard.hub.dead_letters.retry(id, visitor.user.id).await)
}

pub(crate) async fn discard(
    State(dashboard): State<Dashboard>,
    Extension(visitor): Extension<Visitor>,
    Address(id): Address<String>,
) -> Response {
    let Ok(id) = id.parse::<JobId>() else {
        return problem::not_found();
    };
    answer(dashboard.hub.dead_letters.discard(id, visitor.user.id).await)
}

fn answer(result: Result<(), DeadLetterError>) -> Response {
    match result {
        Ok(()) => Redirect::to("/dead-letters").into_response(),
        Err(DeadLetterError::NotFound) => {
            problem::conflict("Somebody has already dealt with this dead letter.", "/dead-letters")
        }
        Err(DeadLetterError::Queue(error)) => problem::unavailable(&error),
    }
}
