//! How Slack fails: by code, mostly with HTTP 200.

use feedback_core::ports::{PortError, PortErrorKind};
use feedback_http_client::{Answer, kind_of, kind_of_send, shown_code};

use crate::wire::Verdict;

/// Whether a person would see a repetition of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A message: after a server fault nobody knows whether it was posted.
    Sends,
    /// A look-up, or what changes nothing when it is repeated.
    Reads,
}

impl Effect {
    /// What an answer means that says neither yes nor no.
    fn of_no_verdict(self) -> PortErrorKind {
        match self {
            Self::Sends => PortErrorKind::Unknown,
            Self::Reads => PortErrorKind::Unavailable,
        }
    }
}

/// The failure that an answer tells; `Ok` where it says yes.
pub(crate) fn check(operation: &'static str, effect: Effect, answer: &Answer) -> Result<(), PortError> {
    let status = answer.status();
    match answer.json::<Verdict>() {
        Ok(Verdict { ok: true, .. }) if status.is_success() => Ok(()),
        Ok(Verdict {
            ok: false,
            error: Some(code),
            needed,
        }) => {
            let kind = match kind_of_code(&code, effect) {
                // Only the status has the wait beside it.
                PortErrorKind::RateLimited { .. } => PortErrorKind::RateLimited {
                    retry_after: answer.retry_after(),
                },
                kind => kind,
            };
            let error = PortError::new(kind, operation).with_code(shown_code(&code));
            Err(match needed {
                Some(scope) => error.with_reason(format!("needs scope {}", shown_code(&scope.replace(',', ":")))),
                None => error,
            })
        }
        _ if status.is_success() => Err(unreadable(operation, effect)),
        _ => {
            let kind = match effect {
                // Slack answers 200 also for what it does not find: the base URL leads elsewhere.
                _ if status.as_u16() == 404 => PortErrorKind::Unauthorized,
                Effect::Sends => kind_of_send(status, answer.retry_after()),
                Effect::Reads => kind_of(status, answer.retry_after()),
            };
            Err(PortError::new(kind, operation).with_code(format!("http_{}", status.as_u16())))
        }
    }
}

/// An answer that does not have the shape that its method promises.
pub(crate) fn unreadable(operation: &'static str, effect: Effect) -> PortError {
    PortError::new(effect.of_no_verdict(), operation).with_code("unreadable_answer")
}

/// What one of Slack's codes means for us. Codes that nobody here knows are `Rejected`: repeating a message that Slack does
/// not want harms our standing, and a person reads the code.
fn kind_of_code(code: &str, effect: Effect) -> PortErrorKind {
    match code {
        "ratelimited" | "rate_limited" => PortErrorKind::RateLimited { retry_after: None },
        // Slack says of these two that the call may have succeeded in part.
        "internal_error" | "fatal_error" => effect.of_no_verdict(),
        "service_unavailable" | "request_timeout" | "team_added_to_org" => PortErrorKind::Unavailable,
        "file_not_found" | "file_deleted" | "channel_not_found" | "user_not_found" | "users_not_found"
        | "user_not_visible" | "thread_not_found" | "message_not_found" => PortErrorKind::NotFound,
        "invalid_auth"
        | "not_authed"
        | "account_inactive"
        | "token_revoked"
        | "token_expired"
        | "missing_scope"
        | "no_permission"
        | "not_allowed_token_type"
        | "access_denied"
        | "app_access_restricted"
        | "ekm_access_denied"
        | "org_login_required"
        | "two_factor_setup_required" => PortErrorKind::Unauthorized,
        _ => PortErrorKind::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feedback_http_client::StatusCode;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        Answer::new(StatusCode::from_u16(status).unwrap(), headers, body.to_owned())
    }

    fn kind(effect: Effect, code: &str) -> PortErrorKind {
        let answer = answer(200, &[], &format!(r#"{{"ok":false,"error":"{code}"}}"#));
        let error = check("slack.send", effect, &answer).unwrap_err();
        assert_eq!(error.code(), Some(code));
        error.kind()
    }

    #[test]
    fn every_documented_code_has_its_meaning() {
        use PortErrorKind::{NotFound, RateLimited, Rejected, Unauthorized, Unavailable, Unknown};
        let rows: [(&[&str], PortErrorKind, PortErrorKind); 6] = [
            (
                &["ratelimited", "rate_limited"],
                RateLimited { retry_after: None },
                RateLimited { retry_after: None },
            ),
            (
                &["service_unavailable", "request_timeout", "team_added_to_org"],
                Unavailable,
                Unavailable,
            ),
            (&["internal_error", "fatal_error"], Unknown, Unavailable),
            (
                &["channel_not_found", "user_not_found", "thread_not_found"],
                NotFound,
                NotFound,
            ),
            (
                &[
                    "not_in_channel",
                    "is_archived",
                    "msg_too_long",
                    "msg_blocks_too_long",
                    "no_text",
                    "invalid_blocks",
                    "invalid_blocks_format",
                    "too_many_attachments",
                    "metadata_too_large",
                    "cannot_reply_to_message",
                    "restricted_action",
                    "restricted_action_thread_only_channel",
                    "message_limit_exceeded",
                    "markdown_text_conflict",
                    "a_code_of_next_year",
                ],
                Rejected,
                Rejected,
            ),
            (
                &[
                    "invalid_auth",
                    "not_authed",
                    "account_inactive",
                    "token_revoked",
                    "token_expired",
                    "missing_scope",
                    "no_permission",
                    "not_allowed_token_type",
                    "access_denied",
                    "app_access_restricted",
                    "ekm_access_denied",
                ],
                Unauthorized,
                Unauthorized,
            ),
        ];
        for (codes, of_send, of_read) in rows {
            for code in codes {
                assert_eq!(kind(Effect::Sends, code), of_send, "{code}");
                assert_eq!(kind(Effect::Reads, code), of_read, "{code}");
            }
        }
    }

    #[test]
    fn a_rate_limit_keeps_its_wait_and_a_missing_scope_is_named() {
        let limited = answer(429, &[("retry-after", "7")], r#"{"ok":false,"error":"ratelimited"}"#);
        let kind = check("slack.send", Effect::Sends, &limited).unwrap_err().kind();
        assert_eq!(
            kind,
            PortErrorKind::RateLimited {
                retry_after: Some(Duration::from_secs(7))
            }
        );

        let scope = answer(
            200,
            &[],
            r#"{"ok":false,"error":"missing_scope","needed":"im:write","provided":"chat:write"}"#,
        );
        let error = check("slack.send", Effect::Sends, &scope).unwrap_err();
        assert_eq!(error.reason(), Some("needs scope im:write"));
    }

    #[test]
    fn an_answer_without_a_verdict_is_unknown_for_a_message_and_no_news_for_a_look_up() {
        for (status, body, of_send, of_read) in [
            (200, "<html>", PortErrorKind::Unknown, PortErrorKind::Unavailable),
            (200, "{}", PortErrorKind::Unknown, PortErrorKind::Unavailable),
            (
                200,
                r#"{"ok":false}"#,
                PortErrorKind::Unknown,
                PortErrorKind::Unavailable,
            ),
            (500, "oops", PortErrorKind::Unknown, PortErrorKind::Unavailable),
            (
                502,
                r#"{"ok":true}"#,
                PortErrorKind::Unknown,
                PortErrorKind::Unavailable,
            ),
            (503, "", PortErrorKind::Unavailable, PortErrorKind::Unavailable),
            (302, "", PortErrorKind::Unauthorized, PortErrorKind::Unauthorized),
            (404, "<html>", PortErrorKind::Unauthorized, PortErrorKind::Unauthorized),
        ] {
            let answer = answer(status, &[], body);
            assert_eq!(
                check("slack.send", Effect::Sends, &answer).unwrap_err().kind(),
                of_send,
                "{status} {body}"
            );
            assert_eq!(
                check("slack.person", Effect::Reads, &answer).unwrap_err().kind(),
                of_read,
                "{status} {body}"
            );
        }
    }

    #[test]
    fn words_in_place_of_a_code_do_not_show() {
        let answer = answer(200, &[], r#"{"ok":false,"error":"Ana said hello"}"#);
        assert_eq!(
            check("slack.send", Effect::Sends, &answer).unwrap_err().code(),
            Some("unreadable_code")
        );
    }
}
