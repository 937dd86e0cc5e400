//! Who is signed in: a cookie with a secret that storage knows the digest of.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use feedback_core::{
    domain::User,
    usecases::{AccessError, SESSION_LIMIT},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{Dashboard, pages::problem};

/// How the cookie travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieSecurity {
    /// Over https alone: the only choice where people come over a network.
    HttpsOnly,
    /// Also over http, for a hub on one's own machine.
    LoopbackHttp,
}

impl CookieSecurity {
    const fn name(self) -> &'static str {
        match self {
            // The prefix makes browsers refuse it without Secure, from a subdomain, or for a part of the site.
            Self::HttpsOnly => "__Host-feedback",
            Self::LoopbackHttp => "feedback_session",
        }
    }

    /// The header that puts the session's secret into the browser.
    pub(crate) fn set(self, secret: &SecretString) -> Option<HeaderValue> {
        let age = SESSION_LIMIT.as_secs();
        self.header(&format!("{}={}; Max-Age={age}", self.name(), secret.expose_secret()))
    }

    /// The header that takes it away.
    pub(crate) fn clear(self) -> Option<HeaderValue> {
        self.header(&format!("{}=; Max-Age=0", self.name()))
    }

    fn header(self, start: &str) -> Option<HeaderValue> {
        let secure = if self == Self::HttpsOnly { "; Secure" } else { "" };
        let mut value = HeaderValue::from_str(&format!("{start}; Path=/; HttpOnly; SameSite=Lax{secure}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The session's secret, where the browser sent one.
    pub(crate) fn read(self, headers: &HeaderMap) -> Option<SecretString> {
        let cookies = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut pairs = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(name, _)| *name == self.name())
            .map(|(_, value)| SecretString::from(value))
    }
}

/// The person at the browser, for pages; and the token that their forms carry.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) user: User,
    pub(crate) csrf: String,
}

/// Lets signed-in people through, and sends others to the sign-in page.
pub(crate) async fn require(State(dashboard): State<Dashboard>, mut request: Request, next: Next) -> Response {
    let Some(secret) = dashboard.cookies.read(request.headers()) else {
        return Redirect::to("/sign-in").into_response();
    };
    match dashboard.hub.access.session(secret.expose_secret()).await {
        Ok(signed_in) => {
            let csrf = crate::csrf::token_of(&secret);
            request.extensions_mut().insert(Visitor {
                user: signed_in.user,
                csrf,
            });
            next.run(request).await
        }
        Err(AccessError::Storage(error)) => problem::unavailable(&error),
        Err(AccessError::Denied | AccessError::InvalidName) => Redirect::to("/sign-in").into_response(),
    }
}
