//! A mail as it came over the wire (RFC 5322 and MIME), by the `mail-parser` library. A file's reference is
//! `part:<number>`, the MIME part of the kept delivery.

use std::{borrow::Cow, panic};

use mail_parser::{HeaderName, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::{Headers, Mail, thread::Ids};
use crate::{
    domain::Timestamp,
    logic::normalize::{AnnouncedFile, html, wire::clean},
};

/// Lines that may be headers, and that may be boundaries: each becomes a structure of a hundred bytes, so that a mail of
/// nothing else would cost many times its size. A mail with a long log inside stays below.
const MAX_HEADERS: usize = 100_000;
const MAX_BOUNDARIES: usize = 10_000;

/// Parts that hold parts. The library looks for the end of each to the end of the mail: 60,000 of them in 3 MB took it more
/// than a minute.
const MAX_MULTIPARTS: usize = 50;

/// Parts whose words are read.
const MAX_BODIES: usize = 20;

/// Reads a mail.
///
/// # Errors
/// Why it cannot be read, as a constant sentence.
pub(super) fn read(body: &[u8]) -> Result<Mail, &'static str> {
    let body = tame(body).ok_or("raw mail has more headers or parts than any mail program writes")?;
    // The library says that it never panics, and its list of fixes says where it did. A mail that cannot be read shall be
    // kept and not be delivered again and again.
    panic::catch_unwind(|| parse(&body)).unwrap_or(Err("raw mail breaks the mail parser"))
}

fn parse(body: &[u8]) -> Result<Mail, &'static str> {
    let parser = MessageParser::new()
        .with_mime_headers()
        .with_message_ids()
        .header_date(HeaderName::Date)
        .header_address(HeaderName::From)
        .header_text(HeaderName::Subject)
        .header_raw(HeaderName::MessageId)
        .header_raw(HeaderName::InReplyTo)
        .header_raw(HeaderName::References)
        .header_raw(HeaderName::ReturnPath)
        .default_header_raw();
    let message = parser.parse(body).ok_or("body is no mail")?;
    let mut headers = Headers::default();
    for (name, value) in message.headers_raw() {
        headers.put(name, value);
    }
    let from = message.from().and_then(|from| from.first());
    let raw = |name: &str| headers.get(name).unwrap_or_default();
    Ok(Mail {
        from: from.and_then(|from| from.address()).unwrap_or_default().to_owned(),
        from_name: from.and_then(|from| from.name()).map(str::to_owned),
        subject: message.subject().unwrap_or_default().to_owned(),
        text: text(&message),
        ids: Ids::new(raw("message-id"), raw("in-reply-to"), raw("references")),
        date: message
            .date()
            .filter(|date| date.is_valid())
            .and_then(|date| Timestamp::from_unix_seconds(date.to_timestamp())),
        files: files(&message),
        headers,
        is_authenticated: false,
    })
}

/// The plain text where there is one, else the HTML. A mail with pictures between its words has several of either.
fn text(message: &Message<'_>) -> String {
    let words = |ids: &[u32]| {
        let parts = ids
            .iter()
            .take(MAX_BODIES)
            .filter_map(|&id| message.part(id))
            .filter_map(|part| match &part.body {
                PartType::Text(text) => Some(Cow::Borrowed(text.as_ref())),
                PartType::Html(html) => Some(Cow::Owned(html::to_text(html).text)),
                _ => None,
            });
        parts.collect::<Vec<_>>().join("\n")
    };
    let text = words(&message.text_body);
    if text.trim().is_empty() {
        words(&message.html_body)
    } else {
        text
    }
}

fn files(message: &Message<'_>) -> Vec<AnnouncedFile> {
    let is_body = |id: &u32| message.text_body.contains(id) || message.html_body.contains(id);
    let attached = message.attachments.iter().filter(|id| !is_body(id));
    let files = attached.filter_map(|&id| {
        let part = message.part(id)?;
        let content_type = content_type(part);
        let is_signature = content_type.as_deref().is_some_and(|kind| kind.ends_with("-signature"));
        (!is_signature).then(|| AnnouncedFile {
            reference: format!("part:{id}"),
            name: part.attachment_name().map(clean).filter(|name| !name.is_empty()),
            size_bytes: u64::try_from(part.len()).ok(),
            content_type,
        })
    });
    files.take(super::MAX_FILES).collect()
}

/// The bytes of a part, its transfer encoding undone; of files alone, by the same count as when they were announced.
pub(super) fn file(delivery: &[u8], id: u32) -> Option<Vec<u8>> {
    let body = tame(delivery)?;
    let read = || {
        let message = MessageParser::new().with_mime_headers().parse(&*body)?;
        if !message.attachments.contains(&id) {
            return None;
        }
        Some(message.part(id)?.contents().to_vec())
    };
    panic::catch_unwind(read).unwrap_or_default()
}

fn content_type(part: &MessagePart<'_>) -> Option<String> {
    let kind = part.content_type()?;
    match kind.subtype() {
        Some("xfc822" | "xlobal") => Some("message/rfc822".to_owned()),
        Some(subtype) => Some(clean(&format!("{}/{subtype}", kind.ctype()))),
        None => None,
    }
}

/// The mail with every mail inside it as an opaque file; `None` for what only hostility writes. Nobody reads the mails inside,
/// and the library reads them to any depth, deeper than a stack is: the word that makes a part a mail is changed by one
/// letter, in each header that may be the type of a part.
fn tame(body: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut tamed = Cow::Borrowed(body);
    let (mut headers, mut boundaries, mut multiparts) = (0_usize, 0_usize, 0_usize);
    let (mut start, mut is_type) = (0, false);
    for line in body.split_inclusive(|&byte| byte == b'\n') {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            headers += usize::from(line.contains(&b':'));
            boundaries += usize::from(line.starts_with(b"--"));
            is_type = false;
        }
        is_type |= is_content_type(line);
        if is_type {
            multiparts += places(line, b"multipart").count();
            for word in [&b"rfc822"[..], b"global", b"digest"] {
                for at in places(line, word) {
                    tamed.to_mut()[start + at] = b'x';
                }
            }
        }
        if headers > MAX_HEADERS || boundaries > MAX_BOUNDARIES || multiparts > MAX_MULTIPARTS {
            return None;
        }
        start += line.len();
    }
    Some(tamed)
}

fn places<'a>(line: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let windows = line.windows(word.len()).enumerate();
    windows
        .filter(|(_, found)| found.eq_ignore_ascii_case(word))
        .map(|(at, _)| at)
}

/// The library skips white space inside the name of a header, and so does this.
fn is_content_type(line: &[u8]) -> bool {
    let written = line
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(u8::to_ascii_lowercase);
    written.take(13).eq(b"content-type:".iter().copied())
}
