//! What every answer has, whatever happened on the way to it.

use std::any::Any;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};

use crate::problem::Problem;

/// Headers that keep browsers from guessing, storing and embedding, on all answers; and a 500 where a handler panics.
pub(crate) fn guarded(router: Router) -> Router {
    let always = |name: HeaderName, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    router
        .layer(CatchPanicLayer::custom(panicked))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::CACHE_CONTROL, "no-store"))
        .layer(always(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ))
}

fn panicked(_message: Box<dyn Any + Send>) -> Response {
    // The message may quote what the handler read; the panic hook of the host has the place.
    tracing::error!("a handler panicked");
    Problem::internal().into_response()
}
