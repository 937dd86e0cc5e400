//! Between the hub's values and Slack's: pure.

use feedback_core::{
    domain::{Marker, Timestamp},
    ports::{Person, Receipt},
};
use secrecy::SecretString;

use crate::wire::{EVENT_TYPE, Message, RECEIPT_TYPE, User};

/// Texts over this many characters, escapes counted, may be cut or split. Slack asks to stay under it.
pub(crate) const MAX_TEXT_CHARS: usize = 4_000;

/// The text with Slack's three escapes, applied once. What is left of `<!channel>` or `<@U…>` is text; with `link_names` off a
/// bare `@here` is, too.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// True for what can be an id of Slack's. Names (`#general`) would reach another channel than the approved one.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// True for a person's id.
pub(crate) fn is_user(text: &str) -> bool {
    text.starts_with(['U', 'W'])
}

/// True for what can be a message's `ts`.
pub(crate) fn is_ts(text: &str) -> bool {
    moment_of(text).is_some()
}

/// The moment that a `ts` is: seconds, a dot, six digits. Never read as a float, since its digits matter.
pub(crate) fn moment_of(ts: &str) -> Option<Timestamp> {
    let (seconds, micros) = ts.split_once('.')?;
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(seconds) || !is_digits(micros) || micros.len() != 6 {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    Timestamp::from_unix_micros(seconds.checked_mul(1_000_000)?.checked_add(micros.parse().ok()?)?)
}

/// A moment as `oldest` takes it.
pub(crate) fn ts_of(moment: Timestamp) -> String {
    let micros = moment.unix_micros().max(0);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// The receipt of a message.
pub(crate) fn receipt(team: &str, channel: &str, ts: &str) -> Receipt {
    Receipt {
        provider_message_id: format!("{team}:{channel}:{ts}"),
        at: moment_of(ts),
    }
}

/// The `ts` of the message with our marker.
pub(crate) fn find<'a>(messages: &'a [Message], marker: &Marker) -> Option<&'a str> {
    messages.iter().find_map(|message| {
        let metadata = message.metadata.as_ref()?;
        let is_ours = metadata["event_type"] == EVENT_TYPE && metadata["event_payload"]["marker"] == marker.as_str();
        message.ts.as_deref().filter(|_| is_ours)
    })
}

/// The `ts` of the receipt with this marker.
pub(crate) fn find_receipt<'a>(messages: &'a [Message], marker: &str) -> Option<&'a str> {
    messages.iter().find_map(|message| {
        let metadata = message.metadata.as_ref()?;
        let is_ours = metadata["event_type"] == RECEIPT_TYPE && metadata["event_payload"]["receipt"] == marker;
        message.ts.as_deref().filter(|_| is_ours)
    })
}

/// The person behind a user; `None` for bots. `USLACKBOT` is one that is not flagged.
pub(crate) fn person(user: User) -> Option<Person> {
    if user.is_bot || user.is_app_user || user.id == "USLACKBOT" {
        return None;
    }
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let name = filled(user.profile.display_name)
        .or(filled(user.profile.real_name))
        .or(filled(user.real_name));
    let email = filled(user.profile.email);
    let email_verified = email.is_some() && !user.is_stranger && user.is_email_confirmed != Some(false);
    Some(Person {
        name: name.map(SecretString::from),
        email: email.map(SecretString::from),
        email_verified,
        phone: None,
    })
}

#[cfg(test)]
mod tests {
    use feedback_core::domain::AttemptId;
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    /// Slack's own way back.
    fn unescaped(text: &str) -> String {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }

    #[test]
    fn f75_no_markup_of_the_text_survives_and_the_text_does() {
        for text in [
            "<!channel>",
            "<!here|x>",
            "<@U0ANA>",
            "<https://evil.example|Click>",
            "&lt;!channel&gt;",
            "a & b &amp; c",
            "\u{ff1c}!channel\u{ff1e}",
        ] {
            let escaped = escaped(text);
            assert!(!escaped.contains(['<', '>']), "{escaped}");
            assert_eq!(unescaped(&escaped), text);
        }
    }

    #[test]
    fn a_ts_keeps_its_digits_both_ways() {
        for ts in ["1700000000.000100", "1767225600.123459", "0.000000"] {
            assert_eq!(ts_of(moment_of(ts).unwrap()), ts);
        }
        for ts in [
            "",
            "1767225600",
            "1767225600.1",
            "1e9.000000",
            "-1.000000",
            "99999999999999999999.000000",
            "1.0000001",
        ] {
            assert!(!is_ts(ts), "{ts}");
        }
    }

    #[test]
    fn names_and_paths_are_no_ids() {
        assert!(is_id("C0SUPPORT"));
        for text in ["", "#general", "general", "C0/..", "U0 U1", "U0,U1"] {
            assert!(!is_id(text), "{text}");
        }
    }

    #[test]
    fn only_the_message_with_our_marker_is_found() {
        let marker = Marker::of("00000000-0000-0000-0000-000000000005".parse::<AttemptId>().unwrap());
        let other = Marker::of("00000000-0000-0000-0000-000000000006".parse::<AttemptId>().unwrap());
        let messages: Vec<Message> = serde_json::from_value(json!([
            {"ts": "1.000001"},
            {"ts": "1.000002", "metadata": {"event_type": "deploy", "event_payload": {"marker": marker.as_str()}}},
            {"ts": "1.000003", "metadata": {"event_type": EVENT_TYPE, "event_payload": [1]}},
            {"ts": "1.000004", "metadata": {"event_type": EVENT_TYPE, "event_payload": {"marker": marker.as_str()}}},
        ]))
        .unwrap();
        assert_eq!(find(&messages, &marker), Some("1.000004"));
        assert_eq!(find(&messages, &other), None);
    }

    fn read(user: serde_json::Value) -> Option<Person> {
        person(serde_json::from_value(user).unwrap())
    }

    #[test]
    fn a_person_has_the_name_that_is_filled_in_and_an_address_that_the_workspace_vouches_for() {
        let found = read(json!({"id": "U0DANA", "real_name": "Dana O", "profile":
            {"email": "dana@empresa.example", "display_name": "", "real_name": "Dana Ocampo", "phone": "+1 555"}}))
        .unwrap();
        assert_eq!(found.name.unwrap().expose_secret(), "Dana Ocampo");
        assert_eq!(found.email.unwrap().expose_secret(), "dana@empresa.example");
        assert!(found.email_verified);
        assert!(found.phone.is_none());

        for doubt in [json!({"is_stranger": true}), json!({"is_email_confirmed": false})] {
            let mut user = json!({"id": "U1", "profile": {"email": "x@y.example"}});
            user.as_object_mut().unwrap().extend(doubt.as_object().unwrap().clone());
            assert!(!read(user).unwrap().email_verified);
        }
        let silent = read(json!({"id": "U2", "profile": {"display_name": " "}})).unwrap();
        assert!(silent.name.is_none() && silent.email.is_none() && !silent.email_verified);
    }

    #[test]
    fn bots_are_nobody() {
        for user in [
            json!({"id": "USLACKBOT"}),
            json!({"id": "U1", "is_bot": true}),
            json!({"id": "U1", "is_app_user": true}),
        ] {
            assert!(read(user).is_none());
        }
    }
}
