//! Every payload under `fixtures/` says what must come out of it, as data in the same file; one table holds them all.
//!
//! A file has `source` (whose documentation it was written after), one of `json`, `form`, `payload` (an interaction inside
//! a form), `mail` (the lines of a raw mail) or `raw`, and `expect`: for each item the fields that matter. `null` says that a field must be absent.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Map, Value, json};

use super::{
    AnnouncedFile, Answer, Deleted, EmailRules, Intake, IntercomRules, MessageRole, Normalized, Rules, SlackIntake,
    SlackRules, WhatsAppRules, normalize,
};
use crate::{
    domain::{Channel, ReceiptStatus},
    logic::verify::{Payload, Verified},
};

/// A fixture as it lies in the file system.
pub(super) struct Fixture {
    /// Folder and file, for failures.
    pub(super) name: String,
    /// What the endpoint took.
    pub(super) payload: Payload,
    /// Under which rules.
    pub(super) rules: Rules,
    expected: Map<String, Value>,
}

/// All fixtures, by name.
pub(super) fn all() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for channel in [Channel::Slack, Channel::Intercom, Channel::WhatsApp, Channel::Email] {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(channel.as_str());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let Value::Object(fixture) = file else {
                panic!("{} is no object", path.display())
            };
            let name = format!("{channel}/{}", path.file_stem().unwrap().to_str().unwrap());
            fixtures.push(read(name, channel, fixture));
        }
    }
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    fixtures
}

fn read(name: String, channel: Channel, fixture: Map<String, Value>) -> Fixture {
    let form = |fields: &Map<String, Value>| {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields.iter().map(|(key, value)| (key, value.as_str().unwrap())));
        (form.finish(), "application/x-www-form-urlencoded")
    };
    let (body, content_type) = if let Some(json) = fixture.get("json") {
        (json.to_string(), "application/json")
    } else if let Some(fields) = fixture.get("form") {
        form(fields.as_object().unwrap())
    } else if let Some(interaction) = fixture.get("payload") {
        form(&Map::from_iter([(
            "payload".to_owned(),
            interaction.to_string().into(),
        )]))
    } else if let Some(lines) = fixture.get("mail") {
        let lines: Vec<String> = serde_json::from_value(lines.clone()).unwrap();
        (lines.join("\r\n"), "message/rfc822")
    } else {
        let content_type = fixture
            .get("content_type")
            .map_or("application/json", |kind| kind.as_str().unwrap());
        (
            fixture["raw"].as_str().unwrap().to_owned(),
            if content_type.contains("form") {
                "application/x-www-form-urlencoded"
            } else {
                "application/json"
            },
        )
    };
    let payload = Payload {
        channel,
        content_type: Some(content_type.to_owned()),
        body: body.into(),
    };
    Fixture {
        name,
        payload,
        rules: rules(fixture.get("rules").unwrap_or(&Value::Null)),
        expected: fixture,
    }
}

/// The demo's workspace, with what the fixture changes.
fn rules(changes: &Value) -> Rules {
    let list = |key: &str, default: &[&str]| -> Vec<String> {
        match changes.get(key) {
            Some(list) => serde_json::from_value(list.clone()).unwrap(),
            None => default.iter().map(|text| (*text).to_owned()).collect(),
        }
    };
    Rules {
        slack: SlackRules {
            own_app_ids: list("own_app_ids", &["A0HELP"]),
            own_bot_ids: list("own_bot_ids", &["B0HUB"]),
            own_user_ids: list("own_user_ids", &["U0BOT"]),
            team_ids: list("team_ids", &[]),
            channels: list("channels", &[]),
            intake: match changes.get("intake").and_then(Value::as_str) {
                Some("mention") => SlackIntake::Mention,
                Some("emoji") => SlackIntake::Emoji,
                _ => SlackIntake::All,
            },
            emojis: list("emojis", &["ticket"]),
            workflow_bot_ids: list("workflow_bot_ids", &[]),
            callback_ids: list("callback_ids", &[]),
        },
        intercom: IntercomRules {
            app_ids: list("app_ids", &[]),
        },
        whatsapp: WhatsAppRules {
            phone_number_ids: list("phone_number_ids", &[]),
        },
        email: EmailRules {
            own_addresses: list("own_addresses", &["Help@acme.test"]),
            own_message_id_domains: list("own_message_id_domains", &["hub.acme.test"]),
            own_list_ids: list("own_list_ids", &[]),
        },
    }
}

/// What an item says, in the words of the fixtures.
pub(super) fn view(item: &Intake) -> Value {
    match item {
        Intake::Message(message) => json!({
            "kind": "message",
            "external_id": message.external_id,
            "role": match message.role {
                MessageRole::Report => "report",
                MessageRole::Message => "message",
                MessageRole::Reply => "reply",
                MessageRole::Comment => "comment",
            },
            "author": message.author.external_user_id,
            "other_ids": message.author.other_user_ids,
            "name": message.author.name,
            "email": message.author.email,
            "email_verified": message.author.email_verified,
            "phone": message.author.phone,
            "text": message.text,
            "title": message.stated.title,
            "type": message.stated.ticket_type,
            "priority": message.stated.priority,
            "files": message.files.iter().map(file).collect::<Vec<_>>(),
            "thread": message.thread,
            "quotes": message.quotes,
            "at": message.sent_at,
        }),
        Intake::Status(report) => json!({
            "kind": "status",
            "message_id": report.provider_message_id,
            "marker": report.marker.as_ref().map(|marker| marker.as_str()),
            "status": match report.status {
                ReceiptStatus::Sent => "sent",
                ReceiptStatus::Delivered => "delivered",
                ReceiptStatus::Read => "read",
                ReceiptStatus::Failed => "failed",
            },
            "at": report.at,
            "error_code": report.error.as_ref().map(|error| &error.code),
            "error": report.error.as_ref().map(|error| &error.words),
        }),
        Intake::Edited(edit) => json!({
            "kind": "edited",
            "external_id": edit.external_id,
            "author": edit.author.external_user_id,
            "text": edit.text,
            "thread": edit.thread,
            "at": edit.edited_at,
        }),
        Intake::Deleted(deleted) => match &deleted.what {
            Deleted::Message(id) => json!({"kind": "deleted", "external_id": id, "at": deleted.at}),
            Deleted::Thread(thread) => json!({"kind": "deleted", "thread": thread, "at": deleted.at}),
        },
        Intake::Wanted(wanted) => json!({
            "kind": "wanted",
            "external_id": wanted.external_id,
            "author": wanted.author.external_user_id,
            "asked_by": wanted.asked_by,
            "thread": wanted.thread,
            "at": wanted.asked_at,
        }),
        Intake::IdentityChanged(change) => json!({
            "kind": "identity_changed",
            "connection": change.connection,
            "former": change.former_user_ids,
            "current": change.current_user_ids,
            "at": change.at,
        }),
        Intake::Preference(preference) => json!({
            "kind": "preference",
            "connection": preference.connection,
            "ids": preference.user_ids,
            "marketing": preference.marketing.as_str(),
            "at": preference.at,
        }),
        Intake::Step(step) => json!({
            "kind": "step",
            "execution": step.execution,
            "wants": step.wants.iter().map(|output| &output.name).collect::<Vec<_>>(),
        }),
        Intake::Notice(why) => json!({"kind": "notice", "why": why}),
        Intake::Ignored(why) => json!({"kind": "ignored", "why": why}),
        Intake::Foreign(why) => json!({"kind": "foreign", "why": why}),
        Intake::Unparsed(why) => json!({"kind": "unparsed", "why": why}),
    }
}

fn file(file: &AnnouncedFile) -> Value {
    json!({
        "reference": file.reference,
        "name": file.name,
        "content_type": file.content_type,
        "size_bytes": file.size_bytes,
    })
}

/// True where everything that is expected is so; what is not mentioned does not matter.
fn agrees(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => expected
            .iter()
            .all(|(key, value)| agrees(value, actual.get(key).unwrap_or(&Value::Null))),
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(one, other)| agrees(one, other))
        }
        _ => expected == actual,
    }
}

fn complaints(fixture: &Fixture, normalized: &Normalized) -> Vec<String> {
    let mut complaints = Vec::new();
    let items: Value = normalized.items.iter().map(view).collect();
    if !agrees(&fixture.expected["expect"], &items) {
        complaints.push(format!("expected {}\n     got {items}", fixture.expected["expect"]));
    }
    if let Some(expected) = fixture.expected.get("answer") {
        let answer = match &normalized.answer {
            Answer::Empty => json!("empty"),
            Answer::Challenge(challenge) => json!({"challenge": challenge}),
            Answer::Command => json!("command"),
            Answer::Form(form) => json!({"form": {"trigger": form.trigger, "user": form.user, "place": form.place}}),
        };
        if *expected != answer {
            complaints.push(format!("expected answer {expected}, got {answer}"));
        }
    }
    let is_lossy = fixture.expected.get("lossy").is_some_and(|lossy| *lossy == json!(true));
    if is_lossy != normalized.lossy {
        complaints.push(format!("expected lossy {is_lossy}"));
    }
    complaints
}

#[test]
fn every_fixture_reads_as_it_says() {
    let fixtures = all();
    let mut failures = BTreeMap::new();
    for fixture in &fixtures {
        assert!(
            fixture.expected["source"]
                .as_str()
                .is_some_and(|source| !source.is_empty()),
            "{}",
            fixture.name
        );
        let normalized = normalize(&Verified::vouch(fixture.payload.clone()), &fixture.rules);
        let complaints = complaints(fixture, &normalized);
        if !complaints.is_empty() {
            failures.insert(fixture.name.clone(), complaints.join("\n"));
        }
    }
    let report: Vec<String> = failures.iter().map(|(name, why)| format!("{name}:\n{why}")).collect();
    assert!(
        report.is_empty(),
        "{} of {} fixtures differ\n{}",
        report.len(),
        fixtures.len(),
        report.join("\n\n")
    );
    assert!(fixtures.len() >= 120, "only {} fixtures were found", fixtures.len());
}

#[test]
fn nothing_that_a_person_wrote_shows_in_debug() {
    for fixture in all() {
        let normalized = normalize(&Verified::vouch(fixture.payload.clone()), &fixture.rules);
        let shown = format!("{normalized:?} {:?}", fixture.payload);
        for secret in [
            "Printer",
            "Invoice",
            "pedido",
            "dana@example.test",
            "Dana O",
            "15550109999",
            "U0DANA",
            "MEDIA-1",
        ] {
            assert!(!shown.contains(secret), "{} shows {secret}", fixture.name);
        }
    }
}
