//! How Intercom fails: by status, with a code in a list.

use feedback_core::ports::{PortError, PortErrorKind};
use feedback_http_client::{Answer, kind_of, kind_of_send, shown_code};

use crate::wire::ErrorList;

/// Whether a person would see a repetition of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A comment: after a server fault nobody knows whether it was written.
    Sends,
    /// A look-up.
    Reads,
}

/// The failure that an answer tells; `Ok` where it is a success.
pub(crate) fn check(operation: &'static str, effect: Effect, answer: &Answer) -> Result<(), PortError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let code = answer
        .json::<ErrorList>()
        .ok()
        .and_then(|list| list.errors.into_iter().find_map(|item| item.code));
    let kind = match (status.as_u16(), code.as_deref(), effect) {
        // Intercom says what it does not find. A bare 404 is another server's: the base URL leads elsewhere.
        (404, None, _) => PortErrorKind::Unauthorized,
        (_, Some("service_unavailable"), _) => PortErrorKind::Unavailable,
        // Neither port has a version that somebody else could have changed.
        (409, _, Effect::Reads) => PortErrorKind::Unavailable,
        (_, _, Effect::Sends) => kind_of_send(status, answer.retry_after()),
        (_, _, Effect::Reads) => kind_of(status, answer.retry_after()),
    };
    let error = PortError::new(kind, operation);
    Err(match code {
        Some(code) => error.with_code(shown_code(&code)),
        None => error.with_code(format!("http_{}", status.as_u16())),
    })
}

/// An answer that does not have the shape that its method promises.
pub(crate) fn unreadable(operation: &'static str, effect: Effect) -> PortError {
    let kind = match effect {
        Effect::Sends => PortErrorKind::Unknown,
        Effect::Reads => PortErrorKind::Unavailable,
    };
    PortError::new(kind, operation).with_code("unreadable_answer")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feedback_http_client::StatusCode;

    use super::*;

    fn refused(status: u16, code: &str, effect: Effect) -> PortError {
        let body = format!(
            r#"{{"type":"error.list","request_id":"r","errors":[{{"code":"{code}","message":"Ana said hola","field":null}}]}}"#
        );
        let answer = Answer::new(StatusCode::from_u16(status).unwrap(), Default::default(), body);
        check("intercom.send", effect, &answer).unwrap_err()
    }

    #[test]
    fn every_documented_code_has_its_meaning() {
        use PortErrorKind::{NotFound, RateLimited, Rejected, Unauthorized, Unavailable, Unknown};
        let rows = [
            (400, "parameter_invalid", Rejected, Rejected),
            (400, "parameter_not_found", Rejected, Rejected),
            (400, "bad_request", Rejected, Rejected),
            (400, "intercom_version_invalid", Rejected, Rejected),
            (401, "unauthorized", Unauthorized, Unauthorized),
            (401, "token_revoked", Unauthorized, Unauthorized),
            (401, "token_expired", Unauthorized, Unauthorized),
            (403, "api_plan_restricted", Unauthorized, Unauthorized),
            (403, "forbidden", Unauthorized, Unauthorized),
            (404, "not_found", NotFound, NotFound),
            (404, "conversation_not_found", NotFound, NotFound),
            (408, "request_timeout", Unavailable, Unavailable),
            (409, "conflict", Rejected, Unavailable),
            (415, "media_type_not_acceptable", Rejected, Rejected),
            (422, "data_invalid", Rejected, Rejected),
            (423, "locked", Rejected, Rejected),
            (
                429,
                "rate_limit_exceeded",
                RateLimited { retry_after: None },
                RateLimited { retry_after: None },
            ),
            (500, "server_error", Unknown, Unavailable),
            (502, "server_error", Unknown, Unavailable),
            (503, "service_unavailable", Unavailable, Unavailable),
            (500, "service_unavailable", Unavailable, Unavailable),
        ];
        for (status, code, of_send, of_read) in rows {
            let error = refused(status, code, Effect::Sends);
            assert_eq!((error.kind(), error.code()), (of_send, Some(code)), "{status}");
            assert_eq!(refused(status, code, Effect::Reads).kind(), of_read, "{status} {code}");
            assert!(!format!("{error} {error:?}").contains("Ana"));
        }
    }

    #[test]
    fn the_reset_moment_is_the_wait() {
        let headers = [
            ("x-ratelimit-reset", "1767225610"),
            ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ];
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let answer = Answer::new(StatusCode::TOO_MANY_REQUESTS, headers, "");
        let kind = check("intercom.send", Effect::Sends, &answer).unwrap_err().kind();
        assert_eq!(
            kind,
            PortErrorKind::RateLimited {
                retry_after: Some(Duration::from_secs(10))
            }
        );
    }

    #[test]
    fn a_page_that_is_not_intercoms_is_no_word_about_the_conversation() {
        for (status, expected) in [
            (404, PortErrorKind::Unauthorized),
            (302, PortErrorKind::Unauthorized),
            (502, PortErrorKind::Unknown),
        ] {
            let answer = Answer::new(StatusCode::from_u16(status).unwrap(), Default::default(), "<html>");
            let error = check("intercom.send", Effect::Sends, &answer).unwrap_err();
            assert_eq!(
                (error.kind(), error.code()),
                (expected, Some(format!("http_{status}").as_str()))
            );
        }
    }
}
