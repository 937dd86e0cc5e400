//! A mail as the mail provider parsed it, in our documented shape. Only the sender must be there; a field of another type
//! than promised reads as absent.

use chrono::DateTime;
use mail_parser::decoders::base64::base64_decode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::{Headers, Mail, thread::Ids};
use crate::{
    domain::Timestamp,
    logic::normalize::{
        AnnouncedFile, html,
        wire::{self, Items, Loose},
    },
};

#[derive(Deserialize)]
struct Parsed<'a> {
    #[serde(borrow, default)]
    from: Option<&'a RawValue>,
    #[serde(borrow, default)]
    from_name: Loose<'a>,
    #[serde(borrow, default)]
    subject: Loose<'a>,
    #[serde(borrow, default)]
    text: Loose<'a>,
    #[serde(borrow, default)]
    html: Loose<'a>,
    #[serde(borrow, default)]
    message_id: Loose<'a>,
    #[serde(borrow, default)]
    in_reply_to: Option<&'a RawValue>,
    #[serde(borrow, default)]
    references: Option<&'a RawValue>,
    #[serde(borrow, default)]
    date: Loose<'a>,
    #[serde(borrow, default)]
    attachments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    headers: Option<&'a RawValue>,
    #[serde(borrow, default)]
    authenticated: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Attachment<'a> {
    #[serde(borrow, default)]
    reference: Loose<'a>,
    #[serde(borrow, default)]
    name: Loose<'a>,
    #[serde(borrow, default)]
    content_type: Loose<'a>,
    #[serde(borrow, default)]
    size: Loose<'a>,
    #[serde(borrow, default)]
    content: Loose<'a>,
}

#[derive(Deserialize)]
struct Person<'a> {
    #[serde(borrow, default)]
    address: Loose<'a>,
    #[serde(borrow, default)]
    name: Loose<'a>,
}

/// Reads a delivery; `None` where it is no object.
pub(super) fn read(json: &str) -> Option<Mail> {
    let parsed: Parsed<'_> = wire::read(json)?;
    let headers = parsed.headers.map(headers).unwrap_or_default();
    let or_header = |field: &str, name: &str| {
        if field.is_empty() {
            headers.get(name).unwrap_or_default().to_owned()
        } else {
            field.to_owned()
        }
    };
    let (from, name) = parsed.from.map(sender).unwrap_or_default();
    let ids = Ids::new(
        &or_header(parsed.message_id.as_str(), "message-id"),
        &or_header(&joined(parsed.in_reply_to), "in-reply-to"),
        &or_header(&joined(parsed.references), "references"),
    );
    let text = parsed.text.as_str();
    Some(Mail {
        from,
        from_name: parsed.from_name.owned().or(name),
        subject: or_header(parsed.subject.as_str(), "subject"),
        text: if text.trim().is_empty() {
            html::to_text(parsed.html.as_str()).text
        } else {
            text.to_owned()
        },
        ids,
        date: date(&or_header(parsed.date.as_str(), "date")),
        files: parsed.attachments.map(files).unwrap_or_default(),
        is_authenticated: parsed.authenticated.is_some_and(|flag| flag.get() == "true"),
        headers,
    })
}

/// An address, `Name <address>`, or an object.
fn sender(raw: &RawValue) -> (String, Option<String>) {
    if let Some(person) = wire::read::<Person<'_>>(raw.get()) {
        return (person.address.as_str().to_owned(), person.name.owned());
    }
    let written: Loose<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let written = written.as_str();
    match written
        .rsplit_once('<')
        .and_then(|(name, rest)| Some((name, rest.split_once('>')?.0)))
    {
        Some((name, address)) => {
            let name = name.trim().trim_matches('"').replace("\\\"", "\"");
            (address.to_owned(), (!name.is_empty()).then_some(name))
        }
        None => (written.to_owned(), None),
    }
}

/// A text, or the texts of a list.
fn joined(raw: Option<&RawValue>) -> String {
    let Some(raw) = raw else { return String::new() };
    if let Some(list) = list::<String>(raw) {
        return list.join(" ");
    }
    let text: Loose<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    text.as_str().to_owned()
}

fn list<T: DeserializeOwned>(raw: &RawValue) -> Option<Vec<T>> {
    serde_json::from_str(raw.get()).ok()
}

fn headers(raw: &RawValue) -> Headers {
    let mut headers = Headers::default();
    match serde_json::from_str(raw.get()) {
        Ok(Value::Object(fields)) => {
            for (name, value) in &fields {
                put(&mut headers, name, value);
            }
        }
        Ok(Value::Array(items)) => {
            for item in &items {
                let (name, value) = match item {
                    Value::Array(pair) => (pair.first(), pair.get(1)),
                    Value::Object(_) => (item.get("name"), item.get("value")),
                    _ => continue,
                };
                if let (Some(name), Some(value)) = (name.and_then(Value::as_str), value) {
                    put(&mut headers, name, value);
                }
            }
        }
        _ => {}
    }
    headers
}

/// A header that came several times may be a list; the first counts.
fn put(headers: &mut Headers, name: &str, value: &Value) {
    let value = value.as_array().and_then(|values| values.first()).unwrap_or(value);
    if let Some(value) = value.as_str() {
        headers.put(name, value);
    }
}

fn date(written: &str) -> Option<Timestamp> {
    let written = written.trim();
    if let Ok(seconds) = written.parse() {
        return Timestamp::from_unix_seconds(seconds);
    }
    let date = DateTime::parse_from_rfc3339(written).or_else(|_| DateTime::parse_from_rfc2822(written));
    Timestamp::from_unix_micros(date.ok()?.timestamp_micros())
}

/// A file that came in the delivery itself.
pub(super) fn file(json: &str, reference: &str) -> Option<Vec<u8>> {
    let parsed: Parsed<'_> = wire::read(json)?;
    let items: Items<'_> = serde_json::from_str(parsed.attachments?.get()).unwrap_or_default();
    let mut files = items.iter().enumerate();
    let content = files.find_map(|(at, raw)| {
        let file: Attachment<'_> = wire::read(raw.get())?;
        (reference_of(&file, at) == reference).then_some(file.content)
    })?;
    let content: Vec<u8> = content
        .get()?
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    base64_decode(&content)
}

/// Without a place to fetch it from, it is still told that there was a file, and which of the delivery's.
fn reference_of(file: &Attachment<'_>, at: usize) -> String {
    file.reference.owned().unwrap_or_else(|| format!("attachment:{at}"))
}

fn files(raw: &RawValue) -> Vec<AnnouncedFile> {
    let items: Items<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let read = items.iter().enumerate().filter_map(|(at, raw)| {
        let file: Attachment<'_> = wire::read(raw.get())?;
        Some(AnnouncedFile {
            reference: reference_of(&file, at),
            name: file.name.owned(),
            content_type: file.content_type.owned(),
            size_bytes: file.size.get().and_then(|size| size.parse().ok()),
        })
    });
    read.take(super::MAX_FILES).collect()
}
