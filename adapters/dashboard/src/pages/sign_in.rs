//! In by a link that works once, and out.
//!
//! Opening the link shows a button and changes nothing: mail scanners and chat previews open links too.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use feedback_core::usecases::AccessError;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{
    input::{Asked, Sent},
    page, page_with, problem,
};
use crate::Dashboard;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    link: Option<String>,
    refused: bool,
}

/// The secret of a link.
#[derive(Deserialize)]
pub(crate) struct Link {
    link: Option<String>,
}

pub(crate) async fn show(Asked(query): Asked<Link>) -> Response {
    page(&SignIn {
        link: query.link,
        refused: false,
    })
}

pub(crate) async fn sign_in(State(dashboard): State<Dashboard>, Sent(form): Sent<Link>) -> Response {
    let secret = form.link.unwrap_or_default();
    match dashboard.hub.access.sign_in(&secret).await {
        Ok((cookie, signed_in)) => {
            tracing::info!(user.id = %signed_in.user.id, "a person signed in");
            let mut response = Redirect::to("/tickets").into_response();
            if let Some(value) = dashboard.cookies.set(&cookie) {
                response.headers_mut().insert(header::SET_COOKIE, value);
            }
            response
        }
        Err(AccessError::Storage(error)) => problem::unavailable(&error),
        Err(AccessError::Denied | AccessError::InvalidName) => {
            tracing::warn!("a sign-in was refused");
            page_with(
                StatusCode::UNAUTHORIZED,
                &SignIn {
                    link: None,
                    refused: true,
                },
            )
        }
    }
}

pub(crate) async fn sign_out(State(dashboard): State<Dashboard>, headers: HeaderMap) -> Response {
    if let Some(secret) = dashboard.cookies.read(&headers)
        && let Err(AccessError::Storage(error)) = dashboard.hub.access.sign_out(secret.expose_secret()).await
    {
        return problem::unavailable(&error);
    }
    let mut response = Redirect::to("/sign-in").into_response();
    if let Some(value) = dashboard.cookies.clear() {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    // Not "cookies": browsers would take those of the whole registrable domain, and sign people out of its other sites.
    let clear = header::HeaderName::from_static("clear-site-data");
    response
        .headers_mut()
        .insert(clear, HeaderValue::from_static("\"cache\", \"storage\""));
    response
}
