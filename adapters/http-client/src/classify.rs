//! What a refused request means for us, as far as all providers agree. Each adapter's `error.rs` looks at its provider's own
//! codes first and falls back to this.

use std::time::Duration;

use feedback_core::ports::PortErrorKind;
use reqwest::StatusCode;

/// What a status means for a call that may be repeated: a look-up, or a write that leaves the same state twice.
///
/// 4xx that nobody can repair by waiting is `Rejected`: repeating it harms our standing. A redirect is `Unauthorized`, the
/// kind that stops a connection until a person acts: the base URL is wrong, or somebody stands between us and the provider.
pub fn kind_of(status: StatusCode, retry_after: Option<Duration>) -> PortErrorKind {
    match status.as_u16() {
        300..=399 | 401 | 403 => PortErrorKind::Unauthorized,
        404 | 410 => PortErrorKind::NotFound,
        409 => PortErrorKind::Conflict,
        429 => PortErrorKind::RateLimited { retry_after },
        408 | 425 | 500..=599 => PortErrorKind::Unavailable,
        _ => PortErrorKind::Rejected,
    }
}

/// What a status means for a call whose repetition a person would see: a message that is sent twice.
///
/// As [`kind_of`], but a server fault is `Unknown`: a provider, or the proxy before it, can fail after the message went out.
/// 503 alone stays `Unavailable`: it says that the server does not take requests now. 409 is `Rejected`: a message has no version
/// that somebody else could have changed.
pub fn kind_of_send(status: StatusCode, retry_after: Option<Duration>) -> PortErrorKind {
    match status.as_u16() {
        409 => PortErrorKind::Rejected,
        503 => PortErrorKind::Unavailable,
        500..=599 => PortErrorKind::Unknown,
        _ => kind_of(status, retry_after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        use PortErrorKind::{Conflict, NotFound, RateLimited, Rejected, Unauthorized, Unavailable, Unknown};
        let wait = Some(Duration::from_secs(3));
        let rows = [
            (301, Unauthorized, Unauthorized),
            (400, Rejected, Rejected),
            (401, Unauthorized, Unauthorized),
            (403, Unauthorized, Unauthorized),
            (404, NotFound, NotFound),
            (408, Unavailable, Unavailable),
            (409, Conflict, Rejected),
            (410, NotFound, NotFound),
            (413, Rejected, Rejected),
            (422, Rejected, Rejected),
            (
                429,
                RateLimited { retry_after: wait },
                RateLimited { retry_after: wait },
            ),
            (500, Unavailable, Unknown),
            (502, Unavailable, Unknown),
            (503, Unavailable, Unavailable),
            (504, Unavailable, Unknown),
        ];
        for (status, of_call, of_send) in rows {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(kind_of(status, wait), of_call, "{status}");
            assert_eq!(kind_of_send(status, wait), of_send, "{status}");
        }
    }
}
