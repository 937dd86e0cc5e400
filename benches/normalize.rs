//! What does a delivery cost before anything is stored: signature, JSON and normalization, beside the least that any
//! receiver must do, which is the HMAC of the same bytes and serde_json into the fields that are used?
//!
//! The floor believes everything: it knows no other event, no other shape, no markup, no limits and no broken Unicode.

use std::borrow::Cow;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use feedback_benches::{
    compare::{self, compare, timed},
    deliveries::{self, Delivery, SECRET},
};
use feedback_core::logic::normalize::{Intake, Rules, normalize};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha1::Sha1;
use sha2::Sha256;

fn deliveries(c: &mut Criterion) {
    let text =
        "La exportación de facturas se queda colgada al 60 % desde ayer, y no podemos cerrar el mes. ¿Alguien más?";
    measure(c, "slack event", &deliveries::slack_event(7, 1, text), |delivery| {
        is_signed::<Hmac<Sha256>>("v0=", &["v0:", &delivery.timestamp, ":"], delivery);
        from_json::<slack::Event>(delivery)
    });
    measure(c, "slack command", &deliveries::slack_command(), |delivery| {
        is_signed::<Hmac<Sha256>>("v0=", &["v0:", &delivery.timestamp, ":"], delivery);
        slack::Command::from_form(&delivery.body)
    });
    for (name, html) in [
        (
            "intercom, one sentence",
            "<p>La exportación de facturas se queda colgada</p>",
        ),
        ("intercom, paragraphs", deliveries::PARAGRAPHS),
        ("intercom, list and link", deliveries::MARKUP),
    ] {
        measure(c, name, &deliveries::intercom_notification(html), |delivery| {
            is_signed::<Hmac<Sha1>>("sha1=", &[], delivery);
            from_json::<intercom::Notification>(delivery)
        });
    }
    for (name, messages) in [("whatsapp, 1 message", 1), ("whatsapp, 50 messages", 50)] {
        measure(c, name, &deliveries::whatsapp_delivery(messages), |delivery| {
            is_signed::<Hmac<Sha256>>("sha256=", &[], delivery);
            from_json::<whatsapp::Batch>(delivery)
        });
    }
}

fn measure<T>(c: &mut Criterion, name: &str, delivery: &Delivery, floor: fn(&Delivery) -> T) {
    let rules = Rules::default();
    let ours = || {
        let verified = delivery.verified().expect("it is signed with the bench's own secret");
        normalize(&verified, &rules)
    };
    let items = ours().items;
    assert!(
        items.iter().all(|item| matches!(item, Intake::Message(_))),
        "{name}: {items:?}"
    );
    let bytes = Throughput::Bytes(delivery.body.len() as u64);
    let name = format!("normalize/{name}");
    compare(c, &name, bytes, timed(ours), ("floor", timed(|| floor(delivery))));
}

fn is_signed<M: Mac + KeyInit>(prefix: &str, before: &[&str], delivery: &Delivery) {
    let claimed = delivery
        .signature
        .strip_prefix(prefix)
        .and_then(|digits| hex::decode(digits).ok());
    let mut mac = <M as KeyInit>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    for part in before {
        mac.update(part.as_bytes());
    }
    mac.update(&delivery.body);
    assert!(mac.verify_slice(&claimed.unwrap_or_default()).is_ok());
}

fn from_json<T: for<'de> Deserialize<'de>>(delivery: &Delivery) -> T {
    serde_json::from_slice(&delivery.body).expect("the bench made it")
}

/// The fields of Slack that a ticket is made of.
mod slack {
    #![expect(dead_code, reason = "the floor reads its fields and does nothing with them")]

    use super::{Cow, Deserialize};

    #[derive(Deserialize)]
    pub(super) struct Event {
        #[serde(rename = "type")]
        kind: String,
        team_id: String,
        api_app_id: String,
        authorizations: Vec<Authorization>,
        event: Message,
    }

    #[derive(Deserialize)]
    struct Authorization {
        team_id: String,
        user_id: String,
        is_bot: bool,
    }

    #[derive(Deserialize)]
    struct Message {
        #[serde(rename = "type")]
        kind: String,
        #[serde(default)]
        subtype: Option<String>,
        channel: String,
        channel_type: String,
        user: String,
        text: String,
        ts: String,
        #[serde(default)]
        thread_ts: Option<String>,
        #[serde(default)]
        bot_id: Option<String>,
    }

    /// The fields of a slash command.
    #[derive(Default)]
    pub(super) struct Command {
        team: String,
        channel: String,
        user: String,
        command: String,
        text: String,
        trigger: String,
    }

    impl Command {
        pub(super) fn from_form(body: &[u8]) -> Self {
            let mut command = Self::default();
            for (key, value) in url::form_urlencoded::parse(body) {
                let field = match key.as_ref() {
                    "team_id" => &mut command.team,
                    "channel_id" => &mut command.channel,
                    "user_id" => &mut command.user,
                    "command" => &mut command.command,
                    "text" => &mut command.text,
                    "trigger_id" => &mut command.trigger,
                    _ => continue,
                };
                *field = Cow::into_owned(value);
            }
            command
        }
    }
}

/// The fields of Intercom that a ticket is made of.
mod intercom {
    #![expect(dead_code, reason = "the floor reads its fields and does nothing with them")]

    use super::Deserialize;

    #[derive(Deserialize)]
    pub(super) struct Notification {
        topic: String,
        app_id: String,
        created_at: i64,
        data: Data,
    }

    #[derive(Deserialize)]
    struct Data {
        item: Conversation,
    }

    #[derive(Deserialize)]
    struct Conversation {
        id: String,
        created_at: i64,
        source: Source,
        contacts: Contacts,
    }

    #[derive(Deserialize)]
    struct Source {
        id: String,
        subject: String,
        body: String,
        author: Person,
        attachments: Vec<Upload>,
        redacted: bool,
    }

    #[derive(Deserialize)]
    struct Contacts {
        contacts: Vec<Person>,
    }

    #[derive(Deserialize)]
    struct Person {
        #[serde(rename = "type")]
        kind: String,
        id: String,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        email: Option<String>,
        #[serde(default)]
        phone: Option<String>,
        #[serde(default)]
        external_id: Option<String>,
    }

    #[derive(Deserialize)]
    struct Upload {
        url: String,
    }
}

/// The fields of WhatsApp that a ticket is made of.
mod whatsapp {
    #![expect(dead_code, reason = "the floor reads its fields and does nothing with them")]

    use super::Deserialize;

    #[derive(Deserialize)]
    pub(super) struct Batch {
        object: String,
        entry: Vec<Entry>,
    }

    #[derive(Deserialize)]
    struct Entry {
        changes: Vec<Change>,
    }

    #[derive(Deserialize)]
    struct Change {
        field: String,
        value: Value,
    }

    #[derive(Deserialize)]
    struct Value {
        metadata: Metadata,
        contacts: Vec<Contact>,
        messages: Vec<Message>,
    }

    #[derive(Deserialize)]
    struct Metadata {
        phone_number_id: String,
    }

    #[derive(Deserialize)]
    struct Contact {
        profile: Profile,
        wa_id: String,
    }

    #[derive(Deserialize)]
    struct Profile {
        name: String,
    }

    #[derive(Deserialize)]
    struct Message {
        from: String,
        id: String,
        timestamp: String,
        #[serde(rename = "type")]
        kind: String,
        text: Text,
    }

    #[derive(Deserialize)]
    struct Text {
        body: String,
    }
}

criterion_group! {
    name = benches;
    config = compare::criterion();
    targets = deliveries
}
criterion_main!(benches);
