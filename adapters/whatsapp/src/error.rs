//! How WhatsApp fails: the code in Meta's answer decides, and the HTTP status only where there is none.

use feedback_core::ports::{PortError, PortErrorKind};
use feedback_http_client::{Answer, LONGEST_WAIT, kind_of_send};

use crate::wire::{GraphError, Refusal};

/// Meta's limit of messages to one person.
const TOO_MANY_TO_ONE_PERSON: i64 = 131_056;

/// The failure that an answer tells; `Ok` where it is a success.
pub(crate) fn check(operation: &'static str, answer: &Answer) -> Result<(), PortError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let Ok(Refusal { error }) = answer.json::<Refusal>() else {
        let kind = match status.as_u16() {
            // Meta says what it does not find. A bare 404 is another server's: the base URL leads elsewhere.
            404 => PortErrorKind::Unauthorized,
            _ => kind_of_send(status, answer.retry_after()),
        };
        return Err(PortError::new(kind, operation).with_code(format!("http_{}", status.as_u16())));
    };
    let (known, words) = meaning(&error);
    let kind = match known {
        Some(PortErrorKind::RateLimited { retry_after }) => PortErrorKind::RateLimited {
            retry_after: answer.retry_after().or(retry_after),
        },
        Some(kind) => kind,
        None if error.is_transient => PortErrorKind::Unavailable,
        None => match kind_of_send(status, answer.retry_after()) {
            // A code that nobody here knows is about the message: what a 404 or a 500 would mean elsewhere, it does not here.
            PortErrorKind::RateLimited { retry_after } => PortErrorKind::RateLimited { retry_after },
            PortErrorKind::Unknown | PortErrorKind::Unavailable => PortErrorKind::Unavailable,
            _ => PortErrorKind::Rejected,
        },
    };
    let is_about_one_person = error.code == TOO_MANY_TO_ONE_PERSON;
    let error = PortError::new(kind, operation).with_code(error.code.to_string());
    // Others may be written to meanwhile: only this person has had too many.
    let error = if is_about_one_person { error.narrow() } else { error };
    Err(if words.is_empty() {
        error
    } else {
        error.with_reason(words)
    })
}

/// What a code means for us, and in our words: Meta's own may repeat a phone number.
fn meaning(error: &GraphError) -> (Option<PortErrorKind>, &'static str) {
    use PortErrorKind::{ChannelRestricted, RateLimited, Rejected, Unauthorized, Unavailable};
    let limited = RateLimited { retry_after: None };
    // Meta lifts these after a day at the earliest; an hour is the longest wait that anything is given here.
    let limited_for_long = RateLimited {
        retry_after: Some(LONGEST_WAIT),
    };
    let (kind, words) = match error.code {
        0 | 190 => (Unauthorized, "the access token is not valid any more"),
        3 | 10 | 200..=299 => (Unauthorized, "a permission is missing"),
        100 if error.error_subcode == Some(33) => (Unauthorized, "the number is not this account's"),
        2_500 | 2_635 => (Unauthorized, "the API version or its address is wrong"),
        368 | 130_497 | 131_031 => (Unauthorized, "the account is restricted"),
        131_042 => (Unauthorized, "the account's payment has a problem"),
        131_045 | 133_010 => (Unauthorized, "the number is not registered"),

        131_047 => (ChannelRestricted, "the 24 hours are over"),
        130_472 | 131_049 => (ChannelRestricted, "not delivered now, by Meta's choice"),
        132_069 => (limited, "the template is throttled"),
        132_000..=132_999 => (ChannelRestricted, "the template cannot be used so"),

        4 | 80_007 => (limited, "too many calls"),
        130_429 => (limited, "too many messages of this number"),
        TOO_MANY_TO_ONE_PERSON => (limited, "too many messages to this person"),
        131_048 | 131_064 => (limited_for_long, "the number's messaging limit is reached"),

        1 | 2 | 131_000 | 131_016 | 133_004 => (Unavailable, "a fault at Meta"),
        131_057 => (Unavailable, "the number is in maintenance"),

        131_026 => (Rejected, "the person cannot be reached on WhatsApp"),
        131_050 => (Rejected, "the person does not want such messages"),
        33 | 100 | 131_008 | 131_009 => (Rejected, "a parameter is wrong"),
        131_021 => (Rejected, "sender and recipient are the same"),
        131_030 => (Rejected, "a test number sends to its list of recipients alone"),
        131_051..=131_053 => (Rejected, "the kind of message or its media is wrong"),
        _ => return (None, ""),
    };
    (Some(kind), words)
}

/// A success that does not have the shape of one: the message may have gone out.
pub(crate) fn unreadable(operation: &'static str) -> PortError {
    PortError::new(PortErrorKind::Unknown, operation).with_code("unreadable_answer")
}

#[cfg(test)]
mod tests {
    use feedback_http_client::StatusCode;

    use super::*;

    fn refused(status: u16, error: &str) -> PortError {
        let answer = Answer::new(
            StatusCode::from_u16(status).unwrap(),
            Default::default(),
            error.to_owned(),
        );
        check("whatsapp.send", &answer).unwrap_err()
    }

    fn kind(code: i64) -> PortErrorKind {
        // Meta's HTTP statuses are not to be relied on: the same code means the same under each.
        let error = |status| {
            refused(
                status,
                &format!(
                    r#"{{"error":{{"message":"(#{code}) to 15550109999","type":"OAuthException","code":{code},
                    "error_data":{{"messaging_product":"whatsapp","details":"to 15550109999"}},"fbtrace_id":"A"}}}}"#
                ),
            )
        };
        let first = error(400);
        assert_eq!(first.code(), Some(code.to_string().as_str()));
        assert!(!format!("{first} {first:?}").contains("15550109999"));
        for status in [401, 403, 404, 500, 503] {
            assert_eq!(error(status).kind(), first.kind(), "{code} under {status}");
        }
        first.kind()
    }

    #[test]
    fn every_documented_code_has_its_meaning() {
        use PortErrorKind::{ChannelRestricted, RateLimited, Rejected, Unauthorized, Unavailable};
        let rows: [(&[i64], PortErrorKind); 6] = [
            (
                &[
                    0, 190, 3, 10, 200, 219, 299, 368, 130_497, 131_031, 131_042, 131_045, 133_010,
                ],
                Unauthorized,
            ),
            (
                &[
                    131_047, 131_049, 130_472, 132_000, 132_001, 132_005, 132_007, 132_008, 132_012, 132_015, 132_016,
                    132_068,
                ],
                ChannelRestricted,
            ),
            (
                &[4, 80_007, 130_429, 131_056, 132_069],
                RateLimited { retry_after: None },
            ),
            (
                &[131_048, 131_064],
                RateLimited {
                    retry_after: Some(LONGEST_WAIT),
                },
            ),
            (&[1, 2, 131_000, 131_016, 131_057, 133_004], Unavailable),
            (
                &[
                    33, 100, 131_008, 131_009, 131_021, 131_026, 131_030, 131_050, 131_051, 131_052, 131_053,
                ],
                Rejected,
            ),
        ];
        for (codes, expected) in rows {
            for code in codes {
                assert_eq!(kind(*code), expected, "{code}");
            }
        }
    }

    #[test]
    fn f36_too_many_messages_to_one_person_hold_nobody_else_back() {
        let narrow = |code: i64| refused(400, &format!(r#"{{"error":{{"code":{code}}}}}"#)).is_narrow();
        assert!(narrow(131_056));
        assert!(!narrow(130_429));
        assert!(!narrow(80_007));
    }

    #[test]
    fn an_unknown_number_is_a_broken_connection_and_not_a_bad_message() {
        let error = refused(400, r#"{"error":{"message":"x","code":100,"error_subcode":33}}"#);
        assert_eq!(error.kind(), PortErrorKind::Unauthorized);
    }

    #[test]
    fn a_code_of_next_year_follows_what_meta_says_beside_it() {
        let rows = [
            (400, r#"{"error":{"code":139999}}"#, PortErrorKind::Rejected),
            (
                400,
                r#"{"error":{"code":139999,"is_transient":true}}"#,
                PortErrorKind::Unavailable,
            ),
            (404, r#"{"error":{"code":139999}}"#, PortErrorKind::Rejected),
            (
                429,
                r#"{"error":{"code":139999}}"#,
                PortErrorKind::RateLimited { retry_after: None },
            ),
            (500, r#"{"error":{"code":139999}}"#, PortErrorKind::Unavailable),
        ];
        for (status, body, expected) in rows {
            assert_eq!(refused(status, body).kind(), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_page_that_is_not_metas_may_hide_a_message_that_went_out() {
        let rows = [
            (500, PortErrorKind::Unknown),
            (502, PortErrorKind::Unknown),
            (503, PortErrorKind::Unavailable),
            (404, PortErrorKind::Unauthorized),
            (302, PortErrorKind::Unauthorized),
            (413, PortErrorKind::Rejected),
        ];
        for (status, expected) in rows {
            let error = refused(status, "<html>");
            assert_eq!(
                (error.kind(), error.code()),
                (expected, Some(format!("http_{status}").as_str()))
            );
        }
    }
}
