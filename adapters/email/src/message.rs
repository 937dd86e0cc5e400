//! From approved words to a mail. Pure, but for the boundary between the parts.

use std::time::{Duration, SystemTime};

use feedback_core::{
    domain::{Marker, OutboundMessage, Route},
    ports::{PortError, PortErrorKind},
};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};

use crate::config::Server;

/// The longest text, in characters. Mail has no limit of its own; no answer comes near this one.
pub(crate) const MAX_CHARS: usize = 100_000;

/// A thread's ids beyond these are left out: the first, which names the thread, and the last stay.
const MAX_REFERENCES: usize = 20;

/// A subject is cut here.
const MAX_SUBJECT_CHARS: usize = 200;

/// A mail and the id that it is known by.
pub(crate) struct Outgoing {
    pub(crate) mail: Message,
    pub(crate) message_id: String,
}

/// Writes the mail.
pub(crate) fn outgoing(server: &Server, message: &OutboundMessage) -> Result<Outgoing, PortError> {
    let Route::Email {
        to,
        subject,
        message_id: answers,
        references,
    } = &message.route
    else {
        return Err(refused("foreign_route", "the way is another channel's"));
    };
    let text = message.approved.text();
    if text.chars().count() > MAX_CHARS {
        return Err(refused("too_long", "the text is longer than a mail of ours may be"));
    }
    let to: Address = to
        .parse()
        .map_err(|_| refused("invalid_address", "the address cannot be written to"))?;
    let id = message_id(&message.marker, server.from.email.domain());
    let mut mail = Message::builder()
        .from(server.from.clone())
        .to(Mailbox::new(None, to))
        .subject(subject_of(subject.as_deref(), &server.subject))
        .message_id(Some(format!("<{id}>")))
        .date(time_of(message));
    let answers = answers.as_deref().filter(|id| is_id(id));
    if let Some(answers) = answers {
        mail = mail.in_reply_to(format!("<{answers}>"));
    }
    let thread = thread(references, answers);
    if !thread.is_empty() {
        mail = mail.references(thread);
    }
    if let Some(address) = &server.unsubscribe {
        let name = HeaderName::new_from_ascii_str("List-Unsubscribe");
        mail = mail.raw_header(HeaderValue::new(name, format!("<{address}>")));
    }
    if message.approved.is_receipt() {
        // RFC 3834: whoever answers by machine leaves it unanswered.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        mail = mail.raw_header(HeaderValue::new(name, "auto-replied".to_owned()));
    }
    let mail = mail
        .multipart(MultiPart::alternative_plain_html(text.to_owned(), html(text)))
        .map_err(|error| refused("invalid_mail", "the mail cannot be written").with_source(error))?;
    Ok(Outgoing { mail, message_id: id })
}

/// The mail's id: the same for every send of the same attempt, and of no other.
pub(crate) fn message_id(marker: &Marker, domain: &str) -> String {
    format!("{}@{}", marker.as_str().replace(':', "."), id_domain(domain))
}

/// The domain of the ids that the hub makes: below the sender's, so that mails of the company's people are told from ours.
pub(crate) fn id_domain(domain: &str) -> String {
    format!("feedback-hub.{domain}")
}

fn refused(code: &str, words: &str) -> PortError {
    PortError::new(PortErrorKind::Rejected, "email.send")
        .with_code(code)
        .with_reason(words)
}

fn time_of(message: &OutboundMessage) -> SystemTime {
    let seconds = u64::try_from(message.started_at.unix_seconds()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The thread's subject, answered. What a stranger wrote there cannot end the header: it is one line of printable text.
fn subject_of(subject: Option<&str>, standard: &str) -> String {
    let subject: String = subject
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|c| !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}'))
        .take(MAX_SUBJECT_CHARS)
        .collect();
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_answer = subject
        .get(..3)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("re:"));
    match (subject.is_empty(), is_answer) {
        (true, _) => standard.to_owned(),
        (false, true) => subject,
        (false, false) => format!("Re: {subject}"),
    }
}

/// The ids of the thread, oldest first, as the header has them.
fn thread(references: &[String], answers: Option<&str>) -> String {
    let mut ids: Vec<&str> = Vec::new();
    for id in references.iter().map(String::as_str).chain(answers) {
        if is_id(id) && !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.len() > MAX_REFERENCES {
        let newest = ids.len() + 1 - MAX_REFERENCES;
        ids.drain(1..newest);
    }
    ids.iter().map(|id| format!("<{id}>")).collect::<Vec<_>>().join(" ")
}

/// Whether a stranger's id can stand in a header as it is.
fn is_id(id: &str) -> bool {
    let legal = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ',' | '(' | ')' | '"' | '\\');
    id.contains('@') && id.len() <= 500 && id.chars().all(legal)
}

/// The same words for readers of HTML: nothing in them is markup.
fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"></head>\
         <body><div style=\"white-space: pre-wrap\">{escaped}</div></body></html>\n"
    )
}

#[cfg(test)]
mod tests {
    use feedback_core::testing::outbound;

    use super::*;
    use crate::EmailConfig;

    fn server() -> Server {
        let config = EmailConfig::new("smtp://127.0.0.1:25".to_owned(), "Acme Support <help@acme.example>")
            .with_unsubscribe("mailto:stop@acme.example");
        Server::check(config).expect("the configuration is right")
    }

    fn route(to: &str, subject: Option<&str>, answers: Option<&str>, references: &[&str]) -> Route {
        Route::Email {
            to: to.into(),
            subject: subject.map(Into::into),
            message_id: answers.map(Into::into),
            references: references.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn mail(route: Route, text: &str) -> String {
        let message = outbound::outbound(route, text, feedback_core::domain::Timestamp::UNIX_EPOCH);
        let outgoing = outgoing(&server(), &message).expect("a mail");
        String::from_utf8(outgoing.mail.formatted()).expect("mails are ASCII here")
    }

    fn header<'a>(mail: &'a str, name: &str) -> Vec<&'a str> {
        let head = mail.split("\r\n\r\n").next().unwrap_or_default();
        head.split("\r\n")
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .collect()
    }

    #[test]
    fn a_mail_answers_in_its_thread() {
        let route = route(
            "dana@example.test",
            Some("Export hangs"),
            Some("b@example.test"),
            &["a@example.test"],
        );
        let mail = mail(route, "Done.");
        assert_eq!(header(&mail, "Subject"), ["Re: Export hangs"]);
        assert_eq!(header(&mail, "In-Reply-To"), ["<b@example.test>"]);
        assert_eq!(header(&mail, "References"), ["<a@example.test> <b@example.test>"]);
        assert_eq!(header(&mail, "List-Unsubscribe"), ["<mailto:stop@acme.example>"]);
        assert_eq!(header(&mail, "To"), ["dana@example.test"]);
        let id = header(&mail, "Message-ID").join("");
        assert!(
            id.starts_with("<feedback-hub.") && id.ends_with("@feedback-hub.acme.example>"),
            "{id}"
        );
    }

    #[test]
    fn a_receipt_says_that_a_machine_wrote_it_and_an_answer_does_not() {
        let at = feedback_core::domain::Timestamp::UNIX_EPOCH;
        let to = || route("dana@example.test", Some("Export hangs"), Some("b@example.test"), &[]);
        let receipt = outgoing(&server(), &outbound::receipt(to(), "We have it.", at)).expect("a mail");
        let receipt = String::from_utf8(receipt.mail.formatted()).expect("mails are ASCII here");
        assert_eq!(header(&receipt, "Auto-Submitted"), ["auto-replied"]);
        assert!(header(&mail(to(), "Done."), "Auto-Submitted").is_empty());
    }

    #[test]
    fn f76_nothing_that_a_stranger_wrote_ends_a_header() {
        let evil = "x\r\nBcc: victim@example.test\r\n\r\nbody";
        let with_subject = mail(route("dana@example.test", Some(evil), None, &[]), "Done.");
        assert!(header(&with_subject, "Bcc").is_empty(), "{with_subject}");
        let ids = [
            "a@b.example>\r\nBcc: victim@example.test",
            "c@d.example e@f.example",
            "ok@example.test",
        ];
        let with_ids = mail(route("dana@example.test", None, Some(evil), &ids), "Done.");
        assert!(header(&with_ids, "Bcc").is_empty(), "{with_ids}");
        assert_eq!(header(&with_ids, "References"), ["<ok@example.test>"]);
        assert!(header(&with_ids, "In-Reply-To").is_empty());
        for to in [
            "dana@example.test\r\nRCPT TO:<x@y.example>",
            "a b@example.test",
            "",
            "@example.test",
            "<dana@example.test>, x@y.example",
        ] {
            let message = outbound::outbound(
                route(to, None, None, &[]),
                "Done.",
                feedback_core::domain::Timestamp::UNIX_EPOCH,
            );
            let error = outgoing(&server(), &message).err().expect("no address");
            assert_eq!(error.code(), Some("invalid_address"), "{to}");
        }
    }

    #[test]
    fn long_threads_keep_their_first_mail_and_the_last_ones() {
        let ids: Vec<String> = (0..60).map(|n| format!("{n}@example.test")).collect();
        let thread = thread(&ids, Some("last@example.test"));
        let kept: Vec<&str> = thread.split(' ').collect();
        assert_eq!(kept.len(), MAX_REFERENCES);
        assert_eq!((kept[0], kept[19]), ("<0@example.test>", "<last@example.test>"));
        assert_eq!(kept[18], "<59@example.test>");
    }

    #[test]
    fn subjects_are_answered_once() {
        for (subject, expected) in [
            (Some("Export hangs"), "Re: Export hangs"),
            (Some("RE: Export hangs"), "RE: Export hangs"),
            (Some(" \r\n "), "Hello"),
            (None, "Hello"),
            (Some("ñandú"), "Re: ñandú"),
        ] {
            assert_eq!(subject_of(subject, "Hello"), expected);
        }
    }

    #[test]
    fn words_are_no_markup() {
        assert!(
            html("<script>alert(1)</script> & \"x\"")
                .contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;")
        );
    }
}
