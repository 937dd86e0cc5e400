//! Mails, as a forwarding function delivers them: parsed by the mail provider, as the JSON below (`application/json`), or
//! as they came (`message/rfc822`). Providers' own webhooks differ from each other and change; the few lines that turn one
//! of them into this shape stand in front of the hub, sign it ([`verify::email`](crate::logic::verify::email)), and keep
//! the attachments where the hub can fetch them.
//!
//! ```json
//! {
//!   "message_id": "<CAF1@mail.example.test>",
//!   "from": "Dana O <dana@example.test>",
//!   "from_name": "Dana O",
//!   "to": ["help@acme.test"],
//!   "subject": "Invoice 7",
//!   "text": "It shows 20 EUR twice",
//!   "html": "<p>It shows 20 EUR twice</p>",
//!   "in_reply_to": "<root@mail.example.test>",
//!   "references": ["<root@mail.example.test>"],
//!   "date": "2026-01-01T00:00:00Z",
//!   "attachments": [{"reference": "s3://mail/1.png", "name": "1.png", "content_type": "image/png", "size": 1234}],
//!   "headers": {"Auto-Submitted": "no", "List-Id": "<news.example.test>", "Return-Path": "<dana@example.test>"},
//!   "authenticated": true
//! }
//! ```
//!
//! - `from` is the one field that must be there: an address, `Name <address>`, or `{"address", "name"}`.
//! - `text` or `html`: the text is read where there is one. Of both, only what the person wrote now is taken.
//! - `message_id`, `in_reply_to` and `references` come with or without angle brackets; the last two as a text or a list.
//!   Without a `message_id` the mail is known by a digest of what it says.
//! - `date`: RFC 3339, as in the mail's own header, or seconds since 1970.
//! - `attachments`: `content` is the file in Base64. Without it, `reference` is whatever the host's own
//!   [`FileSource`](crate::ports::FileSource) for mail understands; a host without one says that the file is not in the mail.
//! - `headers`: an object, or a list of `{"name", "value"}` or `[name, value]`; names in any case. Those that are looked at:
//!   `Auto-Submitted`, `Content-Type`, `List-Id`, `Precedence`, `Return-Path`, `X-Autoreply`, `X-Autorespond`, and, where
//!   the field above is absent, `Date`, `In-Reply-To`, `Message-ID`, `References`, `Subject`.
//! - `authenticated`: true only where the receiving server found that DKIM or SPF passes *for the domain of `from`* (what
//!   DMARC calls aligned). Without it the address is anybody's claim, and joins no person of another channel by itself. A
//!   raw mail never has it: its `Authentication-Results` header may have been written by its sender.
//! - `to` and anything else is kept with the delivery and not read.
//!
//! # Threads
//! A thread is known by its first mail: the first of `References`, or the mail's own id. Outlook may send `In-Reply-To`
//! alone, which then stands for the references. So a reply whose references were cut is found where it answers the first
//! mail of its thread, and opens a ticket of its own where it answers a later one; what it answers is in
//! [`quotes`](super::InboundMessage::quotes).

mod automatic;
mod file;
mod json;
mod raw;
mod thread;
mod words;

use sha2::{Digest, Sha256};

pub use self::file::file;
use self::thread::Ids;
use super::{
    AnnouncedFile, Answer, Author, InboundMessage, Intake, MessageRole, Normalized, Stated,
    wire::{self, clean},
};
use crate::{
    domain::{Channel, ExternalId, MAX_TITLE_CHARS, ThreadRef, Timestamp, shortened},
    logic::{
        identity::fold_email,
        verify::{Payload, Verified},
    },
};

/// Files of a mail beyond these are not announced.
const MAX_FILES: usize = 100;

/// A subject is cut here: RFC 5322's longest line.
const MAX_SUBJECT_CHARS: usize = 998;

/// What the operator configured about mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmailRules {
    /// Addresses that the hub, or the company's automatic mails, write from: what comes from them is not a report.
    pub own_addresses: Vec<String>,
    /// Domains of the `Message-ID`s that the hub itself makes. Not the company's mail domain: colleagues report too.
    pub own_message_id_domains: Vec<String>,
    /// `List-Id`s of groups through which mail reaches the hub (a shared inbox is often one). Mail of any other list is
    /// ignored.
    pub own_list_ids: Vec<String>,
}

/// Reads a mail.
pub fn normalize(payload: &Verified<Payload>, rules: &EmailRules) -> Normalized {
    let Payload { content_type, body, .. } = payload.get();
    let (mail, lossy) = match Format::of(content_type.as_deref(), body) {
        Some(Format::Json) => match wire::open(body) {
            Some(text) => (
                json::read(&text.text).ok_or("body is no mail of the documented shape"),
                text.lossy,
            ),
            None => (Err("mail is nested too deeply"), false),
        },
        Some(Format::Raw) => (raw::read(body), false),
        None => (Err("body is neither JSON nor a raw mail"), false),
    };
    let item = mail.map_or_else(Intake::Unparsed, |mail| mail.intake(rules));
    let is_replaced = matches!(&item, Intake::Message(message) if message.text.contains('\u{fffd}'));
    Normalized {
        answer: Answer::Empty,
        items: vec![item],
        lossy: lossy || is_replaced,
    }
}

/// The two formats of a delivery.
enum Format {
    Json,
    Raw,
}

impl Format {
    /// By the content type; where a caller sends none, by the look of the body.
    fn of(content_type: Option<&str>, body: &[u8]) -> Option<Self> {
        let Some(content_type) = content_type else {
            let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
            let is_json = body.trim_ascii_start().starts_with(b"{");
            return Some(if is_json { Self::Json } else { Self::Raw });
        };
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else if kind.eq_ignore_ascii_case("message/rfc822") {
            Some(Self::Raw)
        } else {
            None
        }
    }
}

/// A mail as either reader understood it: what the rules below need, and no more.
#[derive(Default)]
struct Mail {
    from: String,
    from_name: Option<String>,
    subject: String,
    /// What was written, quotations and all, as plain text.
    text: String,
    ids: Ids,
    date: Option<Timestamp>,
    files: Vec<AnnouncedFile>,
    headers: Headers,
    is_authenticated: bool,
}

/// The headers that decide whether a person wrote, by name in small letters.
#[derive(Default)]
struct Headers(Vec<(String, String)>);

/// The headers that are kept of a mail.
const HEADERS: [&str; 12] = [
    "auto-submitted",
    "content-type",
    "date",
    "in-reply-to",
    "list-id",
    "message-id",
    "precedence",
    "references",
    "return-path",
    "subject",
    "x-autoreply",
    "x-autorespond",
];

impl Headers {
    /// Keeps a header that somebody looks at; the first of a name counts.
    fn put(&mut self, name: &str, value: &str) {
        let name = name.trim().to_ascii_lowercase();
        if HEADERS.contains(&name.as_str()) && self.get(&name).is_none() {
            self.0.push((name, value.trim().to_owned()));
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Mail {
    fn intake(self, rules: &EmailRules) -> Intake {
        let Some(address) = fold_email(&self.from) else {
            return Intake::Unparsed("mail names no sender");
        };
        if let Some(reason) = automatic::reason(&self, &address, rules) {
            return Intake::Ignored(reason);
        }
        let subject: String = clean(&self.subject).chars().take(MAX_SUBJECT_CHARS).collect();
        let subject = subject.replace('\n', " ");
        let is_reply = !self.ids.references.is_empty();
        let title = words::without_prefixes(&subject);
        let mut text = words::newest(&self.text, &subject, is_reply);
        let title: Option<String> = (!title.is_empty()).then(|| shortened(title, MAX_TITLE_CHARS));
        if text.is_empty() && !is_reply {
            text = title.clone().unwrap_or_default();
        }
        if text.is_empty() && self.files.is_empty() {
            return Intake::Ignored("a mail without words of its own");
        }
        Intake::Message(Box::new(InboundMessage {
            channel: Channel::Email,
            external_id: self.external_id(&address),
            role: if is_reply {
                MessageRole::Reply
            } else {
                MessageRole::Message
            },
            author: Author {
                external_user_id: address,
                other_user_ids: Vec::new(),
                name: self.from_name.as_deref().map(clean).filter(|name| !name.is_empty()),
                email: Some(clean(&self.from)),
                email_verified: self.is_authenticated,
                phone: None,
            },
            text,
            stated: Stated {
                title,
                ..Stated::default()
            },
            files: self.files,
            quotes: self.ids.in_reply_to.and_then(|id| ExternalId::parse(id).ok()),
            sent_at: self.date,
            thread: ThreadRef::Email {
                message_id: self.ids.message_id,
                references: self.ids.references,
                subject: (!subject.is_empty()).then_some(subject),
            },
        }))
    }

    /// The mail's own id; for one without, a digest of who said what and when, so that a repeat is still known.
    fn external_id(&self, address: &str) -> ExternalId {
        if let Some(id) = &self.ids.message_id
            && let Ok(id) = ExternalId::parse(id.clone())
        {
            return id;
        }
        let mut digest = Sha256::new();
        let date = self.date.map_or(0, Timestamp::unix_micros).to_string();
        for part in [address, &date, &self.subject, &self.text] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
        ExternalId::parse(format!("digest:{}", hex::encode(digest.finalize())))
            .expect("hexadecimal digits of one digest are a legal external id")
    }
}

#[cfg(test)]
mod tests;
