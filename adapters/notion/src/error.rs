//! How Notion fails, and what that means for us.

use feedback_core::ports::{PortError, PortErrorKind};
use feedback_http_client::{Answer, kind_of, kind_of_send, shown_code};

use crate::wire::ErrorBody;

/// What a call is about, which decides what "not found" and a fault on their side mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// The data source and who we are: a person has to share it with the integration.
    Board,
    /// A page: it may have been deleted.
    Page,
    /// A page that is being made: a fault may come after it was.
    NewPage,
}

/// The failure that an answer tells. Notion's message stays out: it quotes what was sent.
pub(crate) fn refused(operation: &'static str, about: About, answer: &Answer) -> PortError {
    let status = answer.status();
    let retry_after = answer.retry_after();
    let kind = match (status.as_u16(), about) {
        (429 | 529, _) => PortErrorKind::RateLimited { retry_after },
        (404, About::Board | About::NewPage) => PortErrorKind::Unauthorized,
        (_, About::NewPage) => kind_of_send(status, retry_after),
        (_, About::Board | About::Page) => kind_of(status, retry_after),
    };
    let body: ErrorBody = answer.json().unwrap_or_default();
    let code = body.code.unwrap_or_else(|| format!("http_{}", status.as_u16()));
    let error = PortError::new(kind, operation).with_code(shown_code(&code));
    match (
        status.as_u16(),
        about,
        body.additional_data.and_then(|data| data.rate_limit_reason),
    ) {
        (429 | 529, _, Some(reason)) => error.with_reason(shown_code(&reason)),
        (404, About::Board | About::NewPage, _) => {
            error.with_reason("the data source does not exist or is not shared with the integration")
        }
        _ => error,
    }
}

/// A 2xx that we cannot read. After a write it may have happened.
pub(crate) fn unreadable(operation: &'static str) -> PortError {
    PortError::new(PortErrorKind::Unknown, operation).with_code("unreadable_answer")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feedback_http_client::StatusCode;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let headers = [("retry-after".parse().unwrap(), "70".parse().unwrap())]
            .into_iter()
            .collect();
        Answer::new(StatusCode::from_u16(status).unwrap(), headers, body.to_owned())
    }

    #[test]
    fn every_code_says_what_may_be_done() {
        use About::{Board, NewPage, Page};
        use PortErrorKind::{Conflict, NotFound, Rejected, Unauthorized, Unavailable, Unknown};
        let limited = PortErrorKind::RateLimited {
            retry_after: Some(Duration::from_secs(70)),
        };
        for (status, code, about, kind) in [
            (400, "validation_error", Page, Rejected),
            (400, "missing_version", Board, Rejected),
            (401, "unauthorized", Page, Unauthorized),
            (403, "restricted_resource", Page, Unauthorized),
            (404, "object_not_found", Page, NotFound),
            (404, "object_not_found", Board, Unauthorized),
            (404, "object_not_found", NewPage, Unauthorized),
            (409, "conflict_error", Page, Conflict),
            (429, "rate_limited", Page, limited),
            (529, "service_overload", NewPage, limited),
            (500, "internal_server_error", Page, Unavailable),
            (500, "internal_server_error", NewPage, Unknown),
            (503, "service_unavailable", NewPage, Unavailable),
            (504, "gateway_timeout", NewPage, Unknown),
        ] {
            let body = format!(r#"{{"object":"error","status":{status},"code":"{code}","message":"quotes Ana"}}"#);
            let error = refused("notion.test", about, &answer(status, &body));
            assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{status} {about:?}");
            assert!(!format!("{error:?}").contains("Ana"));
        }
    }

    #[test]
    fn a_page_of_the_firewall_is_no_puzzle() {
        let error = refused("notion.test", About::Page, &answer(403, "<html>cf-ray</html>"));
        assert_eq!(
            (error.kind(), error.code()),
            (PortErrorKind::Unauthorized, Some("http_403"))
        );
    }
}
