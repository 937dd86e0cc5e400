//! A write must come from a page of ours: from the same origin, with the session's own token in the form.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{pages::problem, session::Visitor};

/// No form of ours is longer: the text of a message, and a few fields.
const MAX_FORM_BYTES: usize = 64 * 1024;

/// The token of a session: derived from its secret, so that it needs no storage and tells nothing about it.
pub(crate) fn token_of(secret: &SecretString) -> String {
    let mut digest = Sha256::new();
    digest.update(b"csrf-1:");
    digest.update(secret.expose_secret().as_bytes());
    hex::encode(digest.finalize())
}

/// Refuses writes from other origins. Browsers say where a request comes from; one that does not is old or no browser.
pub(crate) async fn check_origin(request: Request, next: Next) -> Response {
    if is_read(request.method()) || is_same_origin(request.headers()) {
        return next.run(request).await;
    }
    problem::forbidden("This form was sent from another site.")
}

/// Refuses writes without the session's token.
pub(crate) async fn check_token(request: Request, next: Next) -> Response {
    if is_read(request.method()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, MAX_FORM_BYTES).await else {
        return problem::too_large();
    };
    let expected = parts
        .extensions
        .get::<Visitor>()
        .map(|visitor| visitor.csrf.clone())
        .unwrap_or_default();
    let given = field(&bytes, "csrf").unwrap_or_default();
    if expected.is_empty() || !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
        return problem::forbidden("This form is too old, or was not made for you. Go back and load the page again.");
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, origin)| origin == host),
        _ => false,
    }
}

/// The value of a form field; hexadecimal tokens need no decoding.
fn field(form: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(form).ok()?;
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .into_iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_the_same_origin_may_write() {
        assert!(is_same_origin(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(is_same_origin(&headers(&[
            ("origin", "https://hub.test"),
            ("host", "hub.test")
        ])));
        for foreign in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://evil.test"), ("host", "hub.test")],
            &[("origin", "null"), ("host", "hub.test")],
            &[("host", "hub.test")],
        ] {
            assert!(!is_same_origin(&headers(foreign)), "{foreign:?}");
        }
    }

    #[test]
    fn two_sessions_have_two_tokens() {
        assert_ne!(token_of(&"one".into()), token_of(&"two".into()));
    }
}
