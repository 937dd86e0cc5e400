//! Reads one webhook body from standard input and prints what the hub would make of it.
//!
//! ```text
//! cargo run -p feedback-core --example normalize -- slack < event.json
//! cargo run -p feedback-core --example normalize -- slack application/x-www-form-urlencoded < command.txt
//! cargo run -p feedback-core --example normalize -- email message/rfc822 < mail.eml
//! ```
//!
//! Only verified bodies can be read, so the example signs what it is given with a secret of its own, as the provider
//! would: there is no way around the check.

use std::{
    error::Error,
    io::{self, Read},
};

use feedback_core::{
    domain::{Channel, ThreadRef, Timestamp},
    logic::{
        normalize::{Answer, Author, Deleted, InboundMessage, Intake, MessageRole, Normalized, Rules, normalize},
        verify::{self, Payload, SignatureError, Verified},
    },
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let channel: Channel = arguments
        .next()
        .ok_or("say which channel: slack, intercom, whatsapp or email")?
        .parse()?;
    let mut body = Vec::new();
    io::stdin().lock().read_to_end(&mut body)?;
    let payload = Payload {
        channel,
        content_type: arguments.next(),
        body: body.into(),
    };
    let normalized = normalize(&sign_and_verify(payload)?, &Rules::default());
    println!("{}", serde_json::to_string_pretty(&answer(&normalized))?);
    Ok(())
}

/// Signs a body as its provider would, and has it checked.
fn sign_and_verify(payload: Payload) -> Result<Verified<Payload>, SignatureError> {
    const SECRET: &str = "known only to this example";
    let secrets = [SECRET.into()];
    let now = Timestamp::UNIX_EPOCH;
    let code = |parts: &[&[u8]]| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
        parts.iter().for_each(|part| mac.update(part));
        hex::encode(mac.finalize().into_bytes())
    };
    match payload.channel {
        Channel::Intercom => {
            let signature = format!("sha256={}", code(&[&payload.body]));
            verify::intercom::verify(&secrets, &[signature.as_bytes()], payload)
        }
        Channel::WhatsApp => {
            let signature = format!("sha256={}", code(&[&payload.body]));
            verify::whatsapp::verify(&secrets, &[signature.as_bytes()], payload)
        }
        Channel::Email => {
            let signature = format!("sha256={}", code(&[b"v1:0:", &payload.body]));
            let headers = verify::email::EmailHeaders {
                signature: &[signature.as_bytes()],
                timestamp: &[b"0"],
            };
            verify::email::verify(&secrets, &headers, payload, now)
        }
        _ => {
            let signature = format!("v0={}", code(&[b"v0:0:", &payload.body]));
            let headers = verify::slack::SlackHeaders {
                signature: &[signature.as_bytes()],
                timestamp: &[b"0"],
            };
            verify::slack::verify(&secrets, &headers, payload, now)
        }
    }
}

fn answer(normalized: &Normalized) -> Value {
    let body = match &normalized.answer {
        Answer::Empty => Value::Null,
        Answer::Challenge(challenge) => json!(challenge),
        Answer::Command => json!("the ticket's number, for the person alone"),
        Answer::Form(_) => json!("a form to fill in, for the person alone"),
    };
    let items: Vec<Value> = normalized.items.iter().map(item).collect();
    json!({"ack": 200, "body": body, "lossy": normalized.lossy, "items": items})
}

fn item(item: &Intake) -> Value {
    match item {
        Intake::Message(message) => written(message),
        Intake::Status(report) => json!({
            "kind": "status",
            "external_id": report.provider_message_id,
            "status": report.status,
            "timestamp": report.at,
            "error": report.error,
            "should_create_ticket": false,
            "why": "a delivery report on a message of ours",
        }),
        Intake::Edited(edit) => json!({
            "kind": "edited",
            "external_id": edit.external_id,
            "author": person(&edit.author),
            "text": edit.text,
            "timestamp": edit.edited_at,
            "conversation_id": conversation(&edit.thread),
            "thread_id": thread(&edit.thread),
            "should_create_ticket": false,
            "why": "the author changed a message",
        }),
        Intake::Deleted(deleted) => json!({
            "kind": "deleted",
            "external_id": match &deleted.what {
                Deleted::Message(id) => json!(id),
                Deleted::Thread(_) => Value::Null,
            },
            "conversation_id": match &deleted.what {
                Deleted::Message(_) => None,
                Deleted::Thread(thread) => conversation(thread),
            },
            "timestamp": deleted.at,
            "should_create_ticket": false,
            "why": "deleted at the provider",
        }),
        Intake::Wanted(wanted) => json!({
            "kind": "wanted",
            "external_id": wanted.external_id,
            "author": person(&wanted.author),
            "timestamp": wanted.asked_at,
            "conversation_id": conversation(&wanted.thread),
            "thread_id": thread(&wanted.thread),
            "should_create_ticket": true,
            "why": "somebody marked the message; its text is to be fetched",
        }),
        Intake::IdentityChanged(change) => json!({
            "kind": "identity_changed",
            "former_user_ids": change.former_user_ids,
            "current_user_ids": change.current_user_ids,
            "timestamp": change.at,
            "should_create_ticket": false,
            "why": "a person's id at the provider changed",
        }),
        Intake::Preference(preference) => json!({
            "kind": "preference",
            "user_ids": preference.user_ids,
            "marketing": preference.marketing.as_str(),
            "timestamp": preference.at,
            "should_create_ticket": false,
            "why": "a person said whether they want marketing messages",
        }),
        Intake::Step(step) => json!({
            "kind": "step",
            "external_id": step.execution,
            "should_create_ticket": false,
            "why": "a workflow waits to hear that its report was recorded",
        }),
        Intake::Notice(why) => json!({"kind": "notice", "should_create_ticket": false, "why": why}),
        Intake::Ignored(why) => json!({"kind": "ignored", "should_create_ticket": false, "why": why}),
        Intake::Foreign(why) => json!({"kind": "foreign", "should_create_ticket": false, "why": why}),
        Intake::Unparsed(why) => json!({"kind": "unparsed", "should_create_ticket": false, "why": why}),
    }
}

fn written(message: &InboundMessage) -> Value {
    let (opens, why) = match message.role {
        MessageRole::Report => (true, "a report by itself"),
        MessageRole::Message => (true, "a person's message, unless it continues an open ticket"),
        MessageRole::Reply => (
            false,
            "an answer in a conversation; it opens a ticket only where none is known",
        ),
        MessageRole::Comment => (false, "an answer in a thread; it matters only where a ticket is known"),
    };
    json!({
        "kind": "message",
        "external_id": message.external_id,
        "author": person(&message.author),
        "text": message.text,
        "title": message.stated.title,
        "type": message.stated.ticket_type,
        "priority": message.stated.priority,
        "files": message.files.iter().map(|file| json!({"reference": file.reference, "name": file.name})).collect::<Vec<_>>(),
        "timestamp": message.sent_at,
        "conversation_id": conversation(&message.thread),
        "thread_id": thread(&message.thread),
        "quotes": message.quotes,
        "should_create_ticket": opens,
        "why": why,
    })
}

fn person(author: &Author) -> Value {
    json!({
        "id": author.external_user_id,
        "other_ids": author.other_user_ids,
        "name": author.name,
        "email": author.email,
        "phone": author.phone,
    })
}

fn conversation(thread: &ThreadRef) -> Option<&str> {
    match thread {
        ThreadRef::Slack { channel, .. } => Some(channel),
        ThreadRef::Intercom { conversation, .. } => Some(conversation),
        ThreadRef::WhatsApp { phone_number_id, .. } => Some(phone_number_id),
        ThreadRef::Email {
            references, message_id, ..
        } => references.first().or(message_id.as_ref()).map(String::as_str),
        ThreadRef::InApp | ThreadRef::Backoffice => None,
    }
}

fn thread(thread: &ThreadRef) -> Option<&str> {
    match thread {
        ThreadRef::Slack { thread_ts, .. } => thread_ts.as_deref(),
        ThreadRef::Intercom { conversation, .. } => Some(conversation),
        ThreadRef::Email {
            references, message_id, ..
        } => references.first().or(message_id.as_ref()).map(String::as_str),
        ThreadRef::WhatsApp { .. } | ThreadRef::InApp | ThreadRef::Backoffice => None,
    }
}
