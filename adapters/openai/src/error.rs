//! How the server fails, and what that means for us.

use feedback_core::ports::{PortError, PortErrorKind};
use feedback_http_client::{Answer, kind_of, shown_code};

use crate::wire::ErrorBody;

/// The failure that an answer tells. The server's message stays out: it may quote the prompt.
pub(crate) fn refused(operation: &'static str, answer: &Answer) -> PortError {
    let status = answer.status();
    let body = ErrorBody::read(answer.body());
    let is_unpaid = [&body.code, &body.kind]
        .into_iter()
        .flatten()
        .any(|word| is_about_money(word));
    let kind = match status.as_u16() {
        _ if is_unpaid => PortErrorKind::Unauthorized,
        // The model or the path is wrong: every ticket would fail until a person repairs it, so that tickets wait.
        404 | 410 => PortErrorKind::Unauthorized,
        // A lock on their side, which the official clients wait for.
        409 => PortErrorKind::Unavailable,
        _ => kind_of(status, answer.retry_after()),
    };
    let code = body
        .code
        .or(body.kind)
        .unwrap_or_else(|| format!("http_{}", status.as_u16()));
    PortError::new(kind, operation).with_code(shown_code(&code))
}

/// 429 without any wait that would help: the account has to be paid.
fn is_about_money(word: &str) -> bool {
    matches!(
        word,
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active"
    )
}

/// Why a 2xx is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// No JSON of the API's shape.
    Shape,
    /// No choices.
    Empty,
    /// The token limit cut it.
    Cut,
    /// The provider withheld it.
    Filtered,
    /// The model refused.
    Refused,
    /// Not the JSON that was asked for.
    Content,
    /// Vectors of another length, number, or none.
    Vectors,
}

impl Unusable {
    /// Whether asking once more may help. A refusal stays one.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self, Self::Shape | Self::Empty | Self::Cut | Self::Content)
    }

    pub(crate) fn into_error(self, operation: &'static str) -> PortError {
        let code = match self {
            Self::Shape => "unreadable_answer",
            Self::Empty => "no_choices",
            Self::Cut => "length",
            Self::Filtered => "content_filter",
            Self::Refused => "refusal",
            Self::Content => "unusable_content",
            Self::Vectors => "unusable_vectors",
        };
        PortError::new(PortErrorKind::Rejected, operation).with_code(code)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feedback_http_client::StatusCode;

    use super::*;

    #[test]
    fn every_refusal_says_what_may_be_done() {
        use PortErrorKind::{Rejected, Unauthorized, Unavailable};
        let limited = PortErrorKind::RateLimited {
            retry_after: Some(Duration::from_millis(1_500)),
        };
        for (status, code, kind) in [
            (400, "context_length_exceeded", Rejected),
            (401, "invalid_api_key", Unauthorized),
            (403, "unsupported_country_region_territory", Unauthorized),
            (404, "model_not_found", Unauthorized),
            (408, "timeout", Unavailable),
            (409, "lock", Unavailable),
            (413, "too_large", Rejected),
            (422, "unprocessable", Rejected),
            (429, "rate_limit_exceeded", limited),
            (429, "insufficient_quota", Unauthorized),
            (429, "billing_hard_limit_reached", Unauthorized),
            (500, "server_error", Unavailable),
            (503, "overloaded", Unavailable),
            (529, "slow_down", Unavailable),
        ] {
            let headers = [("retry-after-ms".parse().unwrap(), "1500".parse().unwrap())]
                .into_iter()
                .collect();
            let body =
                format!(r#"{{"error":{{"message":"you wrote: soy Ana","type":"t","param":null,"code":"{code}"}}}}"#);
            let error = refused(
                "openai.test",
                &Answer::new(StatusCode::from_u16(status).unwrap(), headers, body),
            );
            assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{status}");
            assert!(!format!("{error:?}").contains("Ana"));
        }
    }
}
