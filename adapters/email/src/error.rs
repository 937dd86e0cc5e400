//! How SMTP fails: which step it failed in, and the server's code.

use std::error::Error as _;

use feedback_core::ports::{PortError, PortErrorKind};
use lettre::transport::smtp::{Error, response::Code};

/// How far a conversation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Connection, greeting, TLS.
    Connect,
    /// User and password.
    SignIn,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`, before the text.
    Announce,
    /// The text, and the answer to it.
    Text,
}

impl Step {
    const ALL: [Self; 6] = [
        Self::Connect,
        Self::SignIn,
        Self::Sender,
        Self::Recipient,
        Self::Announce,
        Self::Text,
    ];

    /// The step as a number, to be shared with a time limit.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// The step of a number.
    pub(crate) fn of(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Text)
    }
}

/// What a failure in a step means.
pub(crate) fn failed(operation: &'static str, step: Step, error: Error) -> PortError {
    if let Some(status) = error.status() {
        return refused(operation, step, status, &said(&error));
    }
    if error.is_tls() {
        return PortError::new(PortErrorKind::NotSent, operation).with_code("tls");
    }
    if step == Step::SignIn && error.is_client() {
        return PortError::new(PortErrorKind::Unauthorized, operation)
            .with_code("no_sign_in")
            .with_reason("the server offers no way to sign in that we know");
    }
    silent(operation, step, "connection_lost")
}

/// No answer came in a step.
pub(crate) fn silent(operation: &'static str, step: Step, code: &str) -> PortError {
    let kind = match step {
        // The text may have been taken: SMTP cannot be asked.
        Step::Text => PortErrorKind::Unknown,
        _ => PortErrorKind::NotSent,
    };
    let code = if step == Step::Connect { "connect" } else { code };
    PortError::new(kind, operation).with_code(code)
}

fn refused(operation: &'static str, step: Step, status: Code, said: &str) -> PortError {
    let number = u16::from(status);
    let enhanced = enhanced(said);
    let (kind, words) = meaning(step, number, enhanced.as_deref());
    let code = match &enhanced {
        Some(enhanced) => format!("{number} {enhanced}"),
        None => number.to_string(),
    };
    let error = PortError::new(kind, operation).with_code(code).with_reason(words);
    // What is said of one recipient says nothing about the server.
    if step == Step::Recipient { error.narrow() } else { error }
}

/// What an answer means for us, and in our words: the server's own often repeat the address.
fn meaning(step: Step, number: u16, enhanced: Option<&str>) -> (PortErrorKind, &'static str) {
    use PortErrorKind::{RateLimited, Rejected, Unauthorized, Unavailable};
    let is_policy = enhanced.is_some_and(|code| code.starts_with("4.7."));
    match (step, number) {
        (_, 421) if !is_policy => (Unavailable, "the mail server is closing down"),
        (_, 400..=499) if is_policy => (
            RateLimited { retry_after: None },
            "the mail server asks for fewer mails",
        ),
        (Step::Recipient, 450..=452) => (Unavailable, "the mailbox cannot take a mail now"),
        (_, 400..=499) => (Unavailable, "the mail server cannot take a mail now"),
        (_, 530 | 534 | 535 | 538) | (Step::SignIn, _) => {
            (Unauthorized, "the mail server does not accept our credentials")
        }
        (Step::Connect, _) => (Unauthorized, "the mail server does not speak to us"),
        (Step::Sender, _) => (Unauthorized, "the mail server does not let us write from this address"),
        (Step::Recipient, 550 | 551 | 553) => (Rejected, "the mailbox does not exist or does not take our mails"),
        (Step::Recipient, _) => (Rejected, "the mail server does not take mails for this person"),
        (_, 552) => (Rejected, "the mailbox is full, or the mail is too big"),
        _ => (Rejected, "the mail server refused the mail"),
    }
}

fn said(error: &Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}

/// The code of three numbers that modern servers begin their words with.
fn enhanced(said: &str) -> Option<String> {
    let first = said.split_whitespace().next()?;
    let mut numbers = first.split('.');
    let is_number = |part: Option<&str>| {
        part.is_some_and(|part| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_code = is_number(numbers.next()) && is_number(numbers.next()) && is_number(numbers.next());
    (is_code && numbers.next().is_none()).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_says_what_may_be_done() {
        use PortErrorKind::{RateLimited, Rejected, Unauthorized, Unavailable};
        let limited = RateLimited { retry_after: None };
        let rows = [
            (Step::Connect, 421, None, Unavailable),
            (Step::Connect, 421, Some("4.7.0"), limited),
            (Step::Connect, 554, None, Unauthorized),
            (Step::SignIn, 535, Some("5.7.8"), Unauthorized),
            (Step::SignIn, 454, None, Unavailable),
            (Step::Sender, 530, Some("5.7.0"), Unauthorized),
            (Step::Sender, 553, None, Unauthorized),
            (Step::Sender, 452, Some("4.3.1"), Unavailable),
            (Step::Recipient, 450, Some("4.2.1"), Unavailable),
            (Step::Recipient, 451, Some("4.7.1"), limited),
            (Step::Recipient, 550, Some("5.1.1"), Rejected),
            (Step::Recipient, 554, Some("5.7.1"), Rejected),
            (Step::Announce, 451, None, Unavailable),
            (Step::Text, 452, Some("4.3.1"), Unavailable),
            (Step::Text, 552, Some("5.3.4"), Rejected),
            (Step::Text, 554, Some("5.7.1"), Rejected),
        ];
        for (step, number, enhanced, expected) in rows {
            assert_eq!(
                meaning(step, number, enhanced).0,
                expected,
                "{step:?} {number} {enhanced:?}"
            );
        }
    }

    #[test]
    fn only_silence_after_the_text_is_unknown() {
        for step in Step::ALL {
            let expected = if step == Step::Text {
                PortErrorKind::Unknown
            } else {
                PortErrorKind::NotSent
            };
            assert_eq!(silent("email.send", step, "timeout").kind(), expected, "{step:?}");
            assert_eq!(Step::of(step.number()), step);
        }
    }

    #[test]
    fn enhanced_codes_are_read_and_words_are_not() {
        assert_eq!(
            enhanced("5.1.1 <dana@example.test>: no such user").as_deref(),
            Some("5.1.1")
        );
        for words in ["dana@example.test unknown", "", "1.2", "1.2.3.4 hello", "5.1.x"] {
            assert_eq!(enhanced(words), None, "{words}");
        }
    }
}
