//! Bearer tokens: who calls the API.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use feedback_core::{
    domain::UserId,
    usecases::{Access, AccessError},
};

use crate::problem::Problem;

/// In whose name a call acts. There is one only behind [`require_token`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller(pub(crate) UserId);

/// Lets a request pass whose token is known, and tells the handler whose it is.
pub(crate) async fn require_token(State(access): State<Access>, mut request: Request, next: Next) -> Response {
    match caller(&access, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn caller(access: &Access, headers: &HeaderMap) -> Result<Caller, Problem> {
    let Some(token) = bearer(headers) else {
        return Err(refused("missing"));
    };
    match access.token(token).await {
        Ok(signed_in) => Ok(Caller(signed_in.user.id)),
        Err(AccessError::Storage(error)) => Err(Problem::port(&error)),
        Err(AccessError::Denied | AccessError::InvalidName) => Err(refused("unknown")),
    }
}

fn refused(reason: &'static str) -> Problem {
    metrics::counter!("feedback_api_unauthorized_total", "reason" => reason).increment(1);
    tracing::warn!(reason, "refused an API call without a valid token");
    Problem::unauthorized()
}

/// The token of the one `Authorization` header; a repeated header is nobody's.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        // A route that somebody forgot to put behind the check stays closed.
        parts.extensions.get().copied().ok_or_else(Problem::unauthorized)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_one_bearer_token_is_a_token() {
        let read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["bearer  abc"]).as_deref(), Some("abc"));
        for none in [
            &[][..],
            &["abc"],
            &["Bearer "],
            &["Basic abc"],
            &["Bearer"],
            &["Bearer abc", "Bearer abc"],
        ] {
            assert_eq!(read(none), None, "{none:?}");
        }
    }
}
