//! RFC 9457: what every refusal of the API looks like. It says what was wrong with the request and how things stand, and
//! nothing about the inside.

use std::{borrow::Cow, error::Error, fmt::Display, str::FromStr};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use feedback_core::ports::{PortError, PortErrorKind};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A refusal.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    retry_after: Option<u32>,
    body: ProblemBody,
}

/// Problem document of RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// What kind of problem it is: a URN that does not change.
    #[serde(rename = "type")]
    kind: String,
    /// The same in words.
    title: &'static str,
    /// Status of the answer.
    status: u16,
    /// What is wrong with this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'static, str>>,
    /// Fields that are wrong, each with its reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// What the request was about, as it stands now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    current: Option<Value>,
    /// Who decided, where somebody else was first.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<Uuid>,
}

/// A field that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Its name, with dots for fields of fields.
    field: String,
    /// Why.
    message: String,
}

impl Problem {
    fn new(status: StatusCode, slug: &str, title: &'static str) -> Self {
        let body = ProblemBody {
            kind: format!("urn:feedback-hub:problem:{slug}"),
            title,
            status: status.as_u16(),
            detail: None,
            errors: Vec::new(),
            current: None,
            decided_by: None,
        };
        Self(Box::new(Parts {
            status,
            retry_after: None,
            body,
        }))
    }

    /// 400: not a request that can be read.
    pub(crate) fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read").detail(detail)
    }

    /// 401: no credential, or not one of ours; which one is not told.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Not authorized")
    }

    /// 403: a handshake of somebody else.
    pub(crate) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed")
    }

    /// 404: no such thing.
    pub(crate) fn not_found(what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found").detail(format!("{what} does not exist"))
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
        )
    }

    /// 408: the body did not come in time.
    pub(crate) fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The request took too long")
    }

    /// 409: it cannot be done as things stand.
    pub(crate) fn conflict(slug: &str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, slug, "Not possible as things stand").detail(detail)
    }

    /// 412: things stand otherwise than `If-Match` says.
    pub(crate) fn precondition_failed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "stale-version", "Changed meanwhile").detail(detail)
    }

    /// 413.
    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large")
    }

    /// 415: not a body that is understood.
    pub(crate) fn unsupported(detail: &'static str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported",
            "Not a supported body",
        )
        .detail(detail)
    }

    /// 422: it can be read, and says what cannot be.
    pub(crate) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request is not valid").detail(detail)
    }

    /// 422 for one field.
    pub(crate) fn invalid_field(field: &str, message: impl Display) -> Self {
        let mut checks = Checks::default();
        checks.fail(field, message);
        checks.into_problem()
    }

    /// 422: the idempotency key belongs to another request.
    pub(crate) fn key_reused() -> Self {
        let title = "The idempotency key was used for another request";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", title)
    }

    /// 500, without detail.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something is wrong on our side",
        )
    }

    /// 502: a provider behind the hub refused for good.
    pub(crate) fn bad_gateway(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "provider-refused", "A provider refused").detail(detail)
    }

    /// 503: not now.
    pub(crate) fn unavailable(detail: &'static str, retry_after_seconds: u32) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now").detail(detail);
        problem.0.retry_after = Some(retry_after_seconds);
        problem
    }

    /// A port failed: logged here, once, with its chain; the caller learns only whether to come again.
    pub(crate) fn port(error: &PortError) -> Self {
        tracing::error!(error = %Chain(error), "an API call failed");
        match error.kind() {
            PortErrorKind::NotSent
            | PortErrorKind::RateLimited { .. }
            | PortErrorKind::Unavailable
            | PortErrorKind::Unknown => Self::unavailable("the store does not answer", 30),
            PortErrorKind::Conflict => Self::unavailable("too many changes at once", 1),
            _ => Self::internal(),
        }
    }

    pub(crate) fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.body.detail = Some(detail.into());
        self
    }

    /// With what the request was about, as it stands.
    pub(crate) fn current(mut self, current: &impl Serialize) -> Self {
        self.0.body.current = serde_json::to_value(current).ok();
        self
    }

    /// With who was first.
    pub(crate) fn decided_by(mut self, by: Option<Uuid>) -> Self {
        self.0.body.decided_by = by;
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts {
            status,
            retry_after,
            body,
        } = *self.0;
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // What is left of such a body is not read, so nothing else can come over this connection.
        if matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Judges the fields of a request one by one, so that the caller learns of all that is wrong at once.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes what is wrong with a field.
    pub(crate) fn fail(&mut self, field: &str, message: impl Display) {
        self.0.push(FieldError {
            field: field.to_owned(),
            message: message.to_string(),
        });
    }

    /// A field's value, if there is one and it reads.
    pub(crate) fn parse<T>(&mut self, field: &str, text: Option<&str>) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match text?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(field, error);
                None
            }
        }
    }

    /// Notes a text that is empty, longer than `max` characters, or that holds control characters.
    pub(crate) fn text(&mut self, field: &str, text: &str, max: usize) {
        let is_break = |c: char| matches!(c, '\n' | '\r' | '\t');
        if text.trim().is_empty() {
            self.fail(field, "must not be empty");
        } else if text.chars().count() > max {
            self.fail(field, format_args!("must have at most {max} characters"));
        } else if text.chars().any(|c| c.is_control() && !is_break(c)) {
            self.fail(field, "must not hold control characters");
        }
    }

    /// 422 with all that is wrong, if anything is.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.into_problem())
        }
    }

    fn into_problem(self) -> Problem {
        let mut problem = Problem::invalid("some fields are not valid");
        problem.0.body.errors = self.0;
        problem
    }
}

/// An error with everything underneath, for the one line in the log.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn Error);

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_what_may_be_told_and_leaves_out_what_is_not_known() {
        let error = PortError::new(PortErrorKind::Unavailable, "storage.commit").with_reason("disk full at /data");
        let response = Problem::port(&error).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "30");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body = serde_json::to_value(Problem::port(&error).0.body).unwrap();
        let expected = serde_json::json!({
            "type": "urn:feedback-hub:problem:unavailable", "title": "Not available now", "status": 503,
            "detail": "the store does not answer",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn all_wrong_fields_are_told_at_once() {
        let mut checks = Checks::default();
        assert_eq!(
            checks.parse::<feedback_core::domain::Priority>("priority", Some("P9")),
            None
        );
        checks.text("title", "a\u{0}b", 120);
        checks.text("description", " \n", 120);
        checks.text("note", &"é".repeat(121), 120);
        let problem = checks.finish().unwrap_err();
        let fields: Vec<&str> = problem.0.body.errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["priority", "title", "description", "note"]);
    }

    #[test]
    fn the_log_gets_the_whole_chain() {
        let error =
            PortError::new(PortErrorKind::Unavailable, "storage.commit").with_source(std::io::Error::other("inner"));
        assert_eq!(Chain(&error).to_string(), "storage.commit is unavailable: inner");
    }
}
