//! What holds for any input: every reader ends with at least one item, says the same twice, and a batch says what its
//! parts say.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Intake, Rules, fixtures, normalize};
use crate::{
    domain::Channel,
    logic::verify::{Payload, Verified},
};

fn read(channel: Channel, content_type: Option<&str>, body: Vec<u8>) -> Vec<Intake> {
    let payload = Payload {
        channel,
        content_type: content_type.map(str::to_owned),
        body: body.into(),
    };
    let normalized = normalize(&Verified::vouch(payload.clone()), &Rules::default());
    assert_eq!(normalized, normalize(&Verified::vouch(payload), &Rules::default()));
    assert!(!normalized.items.is_empty());
    normalized.items
}

fn any_channel() -> impl Strategy<Value = Channel> {
    prop::sample::select(Channel::ALL.to_vec())
}

fn any_content_type() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![
        None,
        Some("application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("message/rfc822"),
    ])
}

/// The bodies of all fixtures: what providers send, to be damaged.
static BODIES: LazyLock<Vec<(Channel, Vec<u8>)>> = LazyLock::new(|| {
    fixtures::all()
        .into_iter()
        .map(|fixture| (fixture.payload.channel, fixture.payload.body.to_vec()))
        .collect()
});

/// A message of WhatsApp, sound or not.
fn any_message() -> impl Strategy<Value = Value> {
    let text = "[a-z ]{0,12}";
    (any::<u16>(), text, 0..6_u8).prop_map(|(id, text, shape)| match shape {
        0 => json!("no message"),
        1 => json!({"id": format!("wamid.{id}"), "type": "reaction", "from": "15550109999"}),
        2 => json!({"id": id, "timestamp": 1_767_225_800, "text": {"body": text}, "from": 15_550_109_999_u64}),
        3 => json!({"id": format!("wamid.{id}"), "type": "text", "text": [text]}),
        _ => json!({"id": format!("wamid.{id}"), "type": "text", "timestamp": "1767225800", "text": {"body": text},
                    "from": "15550109999"}),
    })
}

fn delivery(messages: &[&[Value]]) -> Vec<u8> {
    let changes: Vec<Value> = messages
        .iter()
        .map(|messages| json!({"field": "messages", "value": {"metadata": {"phone_number_id": "PN-1"}, "messages": messages}}))
        .collect();
    json!({"object": "whatsapp_business_account", "entry": [{"id": "W", "changes": changes}]})
        .to_string()
        .into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_read_to_something(channel in any_channel(), kind in any_content_type(), body in prop::collection::vec(any::<u8>(), 0..400)) {
        read(channel, kind, body);
    }

    #[test]
    fn any_damage_to_a_real_body_is_survived(
        pick in any::<prop::sample::Index>(),
        channel in prop::option::of(any_channel()),
        kind in any_content_type(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..12),
    ) {
        let (own, mut body) = pick.get(&BODIES[..]).clone();
        for (at, byte, how) in damage {
            if body.is_empty() { break; }
            let at = at.index(body.len());
            match how {
                0 => body[at] = byte,
                1 => { body.remove(at); }
                2 => body.insert(at, byte),
                _ => body.truncate(at),
            }
        }
        read(channel.unwrap_or(own), kind, body);
    }

    #[test]
    fn a_batch_says_what_its_parts_say(
        messages in prop::collection::vec(any_message(), 1..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
    ) {
        let whole = read(Channel::WhatsApp, None, delivery(&[&messages]));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(messages.len())).collect();
        cuts.extend([0, messages.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let parts: Vec<&[Value]> = cuts.windows(2).map(|cut| &messages[cut[0]..cut[1]]).collect();
        prop_assert_eq!(&read(Channel::WhatsApp, None, delivery(&parts)), &whole, "as several changes");
        let apart: Vec<Intake> = parts.iter().flat_map(|part| read(Channel::WhatsApp, None, delivery(&[part]))).collect();
        prop_assert_eq!(&apart, &whole, "as several deliveries");
    }
}

#[test]
fn hostile_sizes_end_soon() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let wide = format!(
        "{{{}}}",
        (0..50_000)
            .map(|n| format!("\"k{n}\":{n}"))
            .collect::<Vec<_>>()
            .join(",")
    );
    let number = format!("{{\"type\":{}}}", "9".repeat(1_000_000));
    for channel in Channel::ALL {
        for body in [&deep, &wide, &number] {
            let items = read(channel, Some("application/json"), body.clone().into_bytes());
            assert!(matches!(items[..], [Intake::Unparsed(_)]), "{channel}");
        }
    }
}
