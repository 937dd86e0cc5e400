//! What must hold for any input. The fuzz targets call it with what they make up, and `feedback-core/tests/fuzz_corpus.rs`
//! with what lies in `corpus/`, on a stable compiler.

use feedback_core::{
    domain::{Channel, Cursor, Timestamp},
    logic::{
        normalize::{Answer, Intake, Rules, SlackRules, normalize},
        scrub::{KnownPeople, Scrubber},
        verify::{self, Payload, SignatureError, Verified},
    },
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const SECRET: &str = "known to the fuzzer";

/// Slack's bodies are read as whatever they look like.
pub(crate) fn slack(data: &[u8]) {
    let signature = format!("v0={}", code(&[b"v0:0:", data]));
    let headers = verify::slack::SlackHeaders {
        signature: &[signature.as_bytes()],
        timestamp: &[b"0"],
    };
    let payload = payload(Channel::Slack, data);
    let verified = verify::slack::verify(&[SECRET.into()], &headers, payload, Timestamp::UNIX_EPOCH);
    read(&verified.expect("the signature is right"));
}

/// Intercom's notifications.
pub(crate) fn intercom(data: &[u8]) {
    let signature = format!("sha256={}", code(&[data]));
    let payload = payload(Channel::Intercom, data);
    let verified = verify::intercom::verify(&[SECRET.into()], &[signature.as_bytes()], payload);
    read(&verified.expect("the signature is right"));
}

/// WhatsApp's batches.
pub(crate) fn whatsapp(data: &[u8]) {
    let signature = format!("sha256={}", code(&[data]));
    let payload = payload(Channel::WhatsApp, data);
    let verified = verify::whatsapp::verify(&[SECRET.into()], &[signature.as_bytes()], payload);
    read(&verified.expect("the signature is right"));
}

/// Mails: JSON where it looks like it, else as they came.
pub(crate) fn email(data: &[u8]) {
    let signature = format!("sha256={}", code(&[b"v1:0:", data]));
    let headers = verify::email::EmailHeaders {
        signature: &[signature.as_bytes()],
        timestamp: &[b"0"],
    };
    let payload = payload(Channel::Email, data);
    let verified = verify::email::verify(&[SECRET.into()], &headers, payload, Timestamp::UNIX_EPOCH);
    read(&verified.expect("the signature is right"));
}

/// Two header values, each a line, and a body: accepted exactly where the first is the body's code.
pub(crate) fn signature(data: &[u8]) {
    let mut lines = data.splitn(3, |&byte| byte == b'\n');
    let [signature, time, body] = [lines.next(), lines.next(), lines.next()].map(Option::unwrap_or_default);
    let is_code = |prefix: &str, code: String| {
        signature
            .strip_prefix(prefix.as_bytes())
            .is_some_and(|hex| hex.eq_ignore_ascii_case(code.as_bytes()))
    };
    let secrets = [SECRET.into()];
    let passed = |verdict: Result<Verified<Payload>, SignatureError>| verdict.is_ok();

    let hub = is_code("sha256=", code(&[body]));
    let verdict = verify::whatsapp::verify(&secrets, &[signature], payload(Channel::WhatsApp, body));
    assert_eq!(passed(verdict), hub);
    let verdict = verify::notion::verify(&secrets, &[signature], body.to_vec().into());
    assert_eq!(verdict.is_ok(), hub);
    // A SHA-1 code may be right too, and then is not a SHA-256 one.
    let verdict = verify::intercom::verify(&secrets, &[signature], payload(Channel::Intercom, body));
    assert!(passed(verdict) == hub || signature.starts_with(b"sha1="));

    let headers = verify::slack::SlackHeaders {
        signature: &[signature],
        timestamp: &[time],
    };
    let verdict = verify::slack::verify(&secrets, &headers, payload(Channel::Slack, body), Timestamp::UNIX_EPOCH);
    if passed(verdict) {
        assert!(
            is_code("v0=", code(&[b"v0:", time, b":", body])),
            "a signature that is not the body's"
        );
        assert!(std::str::from_utf8(time).is_ok_and(|time| time.parse::<u64>().is_ok_and(|time| time <= 300)));
    }
    let headers = verify::email::EmailHeaders {
        signature: &[signature],
        timestamp: &[time],
    };
    let verdict = verify::email::verify(&secrets, &headers, payload(Channel::Email, body), Timestamp::UNIX_EPOCH);
    if passed(verdict) {
        assert!(
            is_code("sha256=", code(&[b"v1:", time, b":", body])),
            "a signature that is not the body's"
        );
        assert!(std::str::from_utf8(time).is_ok_and(|time| time.parse::<u64>().is_ok_and(|time| time <= 300)));
    }
    let pairs = [("hub.mode", "subscribe"), ("hub.verify_token", SECRET)];
    if let Ok(challenge) = std::str::from_utf8(body) {
        let query = pairs.into_iter().chain([("hub.challenge", challenge)]);
        if let Ok(echo) = verify::whatsapp::handshake(query, &SECRET.into()) {
            assert!(echo == challenge && echo.len() <= 256 && echo.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}

/// A cursor that reads back is written the same way.
pub(crate) fn cursor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(cursor) = text.parse::<Cursor>() {
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }
}

/// Scrubbing ends, marks what it says, and what it took out can be put back.
pub(crate) fn scrub(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let scrubber = Scrubber::new();
    let scrub = scrubber.scrub(text, &KnownPeople::new());
    assert_eq!(scrub, scrubber.scrub(text, &KnownPeople::new()));
    for span in &scrub.spans {
        assert!(
            text.get(span.start..span.end).is_some_and(|found| !found.is_empty()),
            "a span cuts a character"
        );
    }
    let again = scrubber.scrub(scrub.text.as_str(), &KnownPeople::new());
    assert_eq!(again.text, scrub.text, "what is scrubbed is scrubbed again");
}

fn payload(channel: Channel, body: &[u8]) -> Payload {
    Payload {
        channel,
        content_type: None,
        body: body.to_vec().into(),
    }
}

fn code(parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    hex::encode(mac.finalize().into_bytes())
}

fn read(payload: &Verified<Payload>) {
    let slack = SlackRules {
        own_user_ids: vec!["U0BOT".to_owned()],
        emojis: vec!["ticket".to_owned()],
        ..SlackRules::default()
    };
    let rules = Rules {
        slack,
        ..Rules::default()
    };
    let normalized = normalize(payload, &rules);
    assert_eq!(
        normalized,
        normalize(payload, &rules),
        "the same body reads differently"
    );
    assert!(
        !normalized.items.is_empty(),
        "a delivery that says nothing, not even that"
    );
    if let Answer::Challenge(challenge) = &normalized.answer {
        assert!(challenge.len() <= 256 && challenge.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }
    for item in &normalized.items {
        if let Intake::Message(message) = item {
            assert!(!message.external_id.as_str().is_empty());
            assert!(!message.author.external_user_id.is_empty(), "a message of nobody");
            assert!(
                !message.text.contains('\0'),
                "a character that PostgreSQL does not keep"
            );
            assert!(
                !message.text.is_empty() || !message.files.is_empty(),
                "a message that says nothing"
            );
            assert_eq!(message.thread.channel(), message.channel);
        }
        // Whatever happens to be logged must not panic either.
        let _ = format!("{item:?}");
    }
}
