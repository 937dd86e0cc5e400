#![doc = include_str!("../README.md")]

mod assets;
mod csrf;
mod headers;
mod pages;
mod session;
mod words;

use std::sync::Arc;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};
use feedback_core::Hub;

pub use self::session::CookieSecurity;

/// What the pages work with.
#[derive(Debug, Clone)]
pub struct Dashboard {
    hub: Arc<Hub>,
    cookies: CookieSecurity,
}

impl Dashboard {
    /// Pages over a hub. Where people reach them over https, say [`CookieSecurity::HttpsOnly`].
    pub fn new(hub: Arc<Hub>, cookies: CookieSecurity) -> Self {
        Self { hub, cookies }
    }
}

/// `/`, `/tickets`, `/tickets/{number}`, `/people/{id}`, `/groups`, `/notifications`, `/dead-letters`, `/sign-in` and their forms.
pub fn router(dashboard: Dashboard) -> Router {
    let signed_in = Router::new()
        .route("/", get(pages::tickets::home))
        .route("/tickets", get(pages::tickets::list))
        .route("/tickets/{number}", get(pages::ticket::show))
        .route("/tickets/{number}/confirm", post(pages::ticket::confirm))
        .route("/tickets/{number}/draft", post(pages::valve::draft))
        .route("/tickets/{number}/changelog/{entry}/update", post(pages::valve::update))
        .route(
            "/tickets/{number}/changelog/{entry}/approve",
            post(pages::valve::approve),
        )
        .route("/tickets/{number}/changelog/{entry}/reject", post(pages::valve::reject))
        .route(
            "/tickets/{number}/links/{link}/{verdict}",
            post(pages::lookalikes::decide),
        )
        .route("/people/{id}", get(pages::people::show))
        .route("/people/{id}/merge", post(pages::people::merge))
        .route("/people/{id}/part", post(pages::people::part))
        .route("/people/{id}/erase", post(pages::people::erase))
        .route("/people/{id}/copy/{format}", get(pages::people::export))
        .route("/groups", get(pages::groups::list))
        .route("/groups/{id}", get(pages::groups::show))
        .route("/attachments/{id}", get(pages::attachment::download))
        .route("/notifications", get(pages::notifications::list))
        .route("/notifications/{id}/retry", post(pages::notifications::retry))
        .route("/notifications/{id}/resolve", post(pages::notifications::resolve))
        .route("/dead-letters", get(pages::dead_letters::list))
        .route("/dead-letters/{id}/retry", post(pages::dead_letters::retry))
        .route("/dead-letters/{id}/discard", post(pages::dead_letters::discard))
        .route("/sign-out", post(pages::sign_in::sign_out))
        .layer(from_fn(csrf::check_token))
        .layer(from_fn_with_state(dashboard.clone(), session::require));
    Router::new()
        .route("/sign-in", get(pages::sign_in::show).post(pages::sign_in::sign_in))
        .merge(signed_in)
        .layer(from_fn(csrf::check_origin))
        .route("/assets/app.css", get(assets::style))
        .route("/assets/app.js", get(assets::script))
        .route("/assets/icon.svg", get(assets::icon))
        .layer(from_fn(headers::set))
        .with_state(dashboard)
}
