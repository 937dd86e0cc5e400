//! The page for people, and the control routes below it.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::{get, post, put},
};

use crate::world::World;

mod columns;
mod control;
mod escape;

const SHELL: &str = include_str!("shell.html");

/// The page, its fragment for refreshing, and the control routes.
pub(crate) fn router(world: &Arc<World>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/fragment", get(fragment))
        .route("/pages/{id}/status", post(control::move_from_page))
        .route("/control/state", get(control::state))
        .route(
            "/control/faults",
            get(control::faults).delete(control::clear_all_faults),
        )
        .route(
            "/control/faults/{provider}",
            put(control::script_fault).delete(control::clear_faults),
        )
        .route("/control/notion/{page}/status", post(control::move_page))
        .route("/control/notion/{page}/notes", post(control::set_notes))
        .route("/control/clock/advance", post(control::advance_clock))
        .layer(middleware::from_fn(only_from_here))
        .with_state(Arc::clone(world))
}

/// A page on the internet must not reach these routes through the browser of a person who tries the demo.
async fn only_from_here(request: Request, next: Next) -> Response {
    if !is_allowed(&request) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

fn is_allowed(request: &Request) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_loopback = header("host").is_some_and(|host| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        matches!(name, "127.0.0.1" | "localhost" | "[::1]")
    });
    // A link from the dashboard is a navigation from another port: it may show the page, but change nothing.
    let is_foreign = header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    is_loopback && (!is_foreign || request.method().is_safe())
}

async fn page(State(world): State<Arc<World>>) -> Html<String> {
    Html(SHELL.replace("<!--columns-->", &columns::render(&world)))
}

async fn fragment(State(world): State<Arc<World>>) -> Html<String> {
    Html(columns::render(&world))
}
