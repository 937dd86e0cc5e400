//! What providers send, and what they are answered.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use bytes::Bytes;
use feedback_axum::{
    ClockSkew, InFlight,
    health::{self, Health},
    webhooks::SlackEndpoint,
};
use feedback_core::{
    domain::{Channel, JobStatus},
    logic::normalize::FORM_CALLBACK,
    ports::{Clock, PortErrorKind},
    testing::memory::MemoryStore,
};
use futures::stream;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::{
    slow_storage::SlowStorage,
    world::{INTERCOM_SECRET, META_SECRET, SLACK_SECRET, World, sha256_signature, slack_message_body, slack_signature},
};

const AT: &str = "1767603600";

fn signed(path: &str, secret: &str, body: &str) -> Request<Body> {
    let name = if path.ends_with("intercom") {
        "x-hub-signature"
    } else {
        "x-hub-signature-256"
    };
    Request::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(name, sha256_signature(secret, body.as_bytes()))
        .body(Body::from(body.to_owned()))
        .unwrap()
}

fn whatsapp_body(id: &str, text: &str) -> String {
    serde_json::json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
            "contacts": [{"profile": {"name": "Ana"}, "wa_id": "34612345678"}],
            "messages": [{"from": "34612345678", "id": id, "timestamp": AT, "type": "text", "text": {"body": text}}],
        }}]}],
    })
    .to_string()
}

#[tokio::test]
async fn a_slack_message_is_a_ticket_once_however_often_it_comes() {
    let world = World::new().await;
    for _ in 0..2 {
        let reply = world
            .send(world.slack_message("1767603600.000100", "printer on fire"))
            .await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""));
    }
    let tickets = world.store.all_tickets();
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0].channel, Channel::Slack);
}

#[tokio::test(flavor = "multi_thread")]
async fn f48_parallel_copies_are_all_200_and_one_ticket() {
    let world = Arc::new(World::new().await);
    let copies = (0..64).map(|_| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            world
                .send(world.slack_message("1767603600.000100", "printer on fire"))
                .await
                .status
        })
    });
    for copy in copies.collect::<Vec<_>>() {
        assert_eq!(copy.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(world.store.all_tickets().len(), 1);
}

#[tokio::test]
async fn slacks_challenge_is_answered_as_plain_text_and_verbatim() {
    let world = World::new().await;
    let body =
        r#"{"type":"url_verification","token":"x","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}"#;
    let reply = world.send(world.slack("application/json", body)).await;
    assert_eq!(reply.text, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P");
    assert_eq!(reply.content_type(), "text/plain; charset=utf-8");
    assert_eq!(reply.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn f44_f45_f47_what_is_not_signed_as_it_must_be_is_401_with_one_body_and_leaves_nothing() {
    let world = World::new().await;
    let body = slack_message_body("1767603600.000100", "printer on fire");
    let right = slack_signature(SLACK_SECRET, AT, body.as_bytes());
    let other = slack_signature("another", AT, body.as_bytes());
    let stale = slack_signature(SLACK_SECRET, "1767603299", body.as_bytes());
    let early = slack_signature(SLACK_SECRET, "1767603901", body.as_bytes());
    let joined = format!("{right}, {right}");
    let cases: [(&[&str], &[&str]); 12] = [
        (&[], &[AT]),
        (&[""], &[AT]),
        (&[&other], &[AT]),
        (&[&right[..40]], &[AT]),
        (&["v0=zz"], &[AT]),
        (&[&joined], &[AT]),
        (&[&right, &right], &[AT]),
        (&[&other, &right], &[AT]),
        (&[&right], &[]),
        (&[&right], &[AT, AT]),
        (&[&stale], &["1767603299"]),
        (&[&early], &["1767603901"]),
    ];
    let mut bodies = Vec::new();
    for (signatures, times) in cases {
        let mut request = Request::post("/webhooks/slack");
        for signature in signatures {
            request = request.header("x-slack-signature", *signature);
        }
        for time in times {
            request = request.header("x-slack-request-timestamp", *time);
        }
        let reply = world.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{signatures:?} {times:?}");
        bodies.push(reply.text);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "the answer tells why");
    assert!(world.store.all_tickets().is_empty() && world.store.jobs().is_empty());
}

/// One header twice, or two values in one: no scheme of ours defines a list, so the first valid one never wins.
#[tokio::test]
async fn f45_two_signatures_are_none_whichever_comes_first() {
    let world = World::new().await;
    let slack = slack_message_body("1767603600.000100", "printer on fire");
    let meta = whatsapp_body("wamid.1", "printer on fire");
    let ours = |path: &str, body: &str| match path {
        "slack" => slack_signature(SLACK_SECRET, AT, body.as_bytes()),
        "intercom" => sha256_signature(INTERCOM_SECRET, body.as_bytes()),
        _ => sha256_signature(META_SECRET, body.as_bytes()),
    };
    for (path, header, body) in [
        ("slack", "x-slack-signature", &slack),
        ("intercom", "x-hub-signature", &meta),
        ("whatsapp", "x-hub-signature-256", &meta),
    ] {
        let right = ours(path, body);
        let wrong = format!("{}0", &right[..right.len() - 1]);
        let wrong = if wrong == right {
            format!("{}1", &right[..right.len() - 1])
        } else {
            wrong
        };
        for values in [
            vec![right.clone(), right.clone()],
            vec![right.clone(), wrong.clone()],
            vec![wrong.clone(), right.clone()],
            vec![format!("{right},{wrong}")],
            vec![format!("{wrong}, {right}")],
            vec![format!("{right} {right}")],
            vec![format!("{right};{right}")],
        ] {
            let mut request = Request::post(format!("/webhooks/{path}")).header("x-slack-request-timestamp", AT);
            for value in &values {
                request = request.header(header, value);
            }
            let reply = world.send(request.body(Body::from(body.clone())).unwrap()).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path}: {values:?}");
        }
    }
    assert!(world.store.all_tickets().is_empty() && world.store.jobs().is_empty());
}

#[tokio::test]
async fn f38_a_clock_that_is_wrong_refuses_and_says_so_and_a_forger_cannot_make_it_say_so() {
    let (store, skew) = (MemoryStore::new(), ClockSkew::default());
    let world = World::over(store.clone(), Arc::new(store), |webhooks| {
        webhooks.clock_skew = skew.clone();
    })
    .await;
    let app = health::router(Health::new(&world.hub).with_clock_skew(skew));
    let degraded = async || {
        let answer = app
            .clone()
            .oneshot(Request::get("/readyz").body(Body::empty()).unwrap());
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "the other channels go on");
        let body = axum::body::to_bytes(answer.into_body(), 1024).await.unwrap();
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
        said["degraded"] == "clock_skew"
    };
    // Ten minutes off, as a provider signs it while our clock is behind.
    let at = (AT.parse::<i64>().unwrap() + 600).to_string();
    let body = slack_message_body("1767603600.000100", "printer on fire");
    let send = async |secret: &str, at: &str| {
        let request = Request::post("/webhooks/slack")
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-slack-signature", slack_signature(secret, at, body.as_bytes()))
            .header("x-slack-request-timestamp", at)
            .body(Body::from(body.clone()))
            .unwrap();
        world.send(request).await.status
    };
    for _ in 0..30 {
        assert_eq!(send("another", &at).await, StatusCode::UNAUTHORIZED);
    }
    for _ in 0..19 {
        assert_eq!(send(SLACK_SECRET, &at).await, StatusCode::UNAUTHORIZED);
    }
    assert!(!degraded().await);
    assert_eq!(send(SLACK_SECRET, &at).await, StatusCode::UNAUTHORIZED);
    assert!(degraded().await);
    assert!(world.store.all_tickets().is_empty());
    assert_eq!(send(SLACK_SECRET, AT).await, StatusCode::OK, "the clock was set");
    assert!(!degraded().await);
}

#[tokio::test]
async fn f47_a_slack_delivery_counts_from_five_minutes_before_to_five_minutes_after() {
    let world = World::new().await;
    let now: i64 = AT.parse().unwrap();
    for (seconds, status) in [
        (-301, StatusCode::UNAUTHORIZED),
        (-300, StatusCode::OK),
        (-299, StatusCode::OK),
        (299, StatusCode::OK),
        (300, StatusCode::OK),
        (301, StatusCode::UNAUTHORIZED),
    ] {
        let at = (now + seconds).to_string();
        let body = slack_message_body(&format!("{}.000100", now + seconds), "printer on fire");
        let request = Request::post("/webhooks/slack")
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-slack-signature", slack_signature(SLACK_SECRET, &at, body.as_bytes()))
            .header("x-slack-request-timestamp", &at)
            .body(Body::from(body))
            .unwrap();
        assert_eq!(world.send(request).await.status, status, "{seconds} s");
    }
    assert_eq!(world.store.all_tickets().len(), 4);
}

#[tokio::test]
async fn f51_what_is_rightly_signed_and_for_another_connection_is_401_in_the_same_words_and_leaves_no_row() {
    let world = World::with_settings(|settings| {
        settings.rules.slack.team_ids = vec!["T0OURS".into()];
        settings.rules.whatsapp.phone_number_ids = vec!["PN-OURS".into()];
    })
    .await;
    let unsigned = world
        .send(Request::post("/webhooks/slack").body(Body::from("{}")).unwrap())
        .await;
    let at = world.clock.now().unix_seconds();
    for request in [
        world.slack_message("1767603600.000100", "printer on fire"),
        world.whatsapp_message("5491155550101", "wamid.A", at, "no puedo pagar"),
    ] {
        let foreign = world.send(request).await;
        assert_eq!(foreign.status, StatusCode::UNAUTHORIZED);
        assert_eq!(foreign.text, unsigned.text);
    }
    assert!(world.store.all_tickets().is_empty() && world.store.jobs().is_empty());
}

#[tokio::test]
async fn f51_a_signature_of_another_provider_or_tenant_is_401_and_no_header_names_a_tenant() {
    let world = World::new().await;
    let slack = slack_message_body("1767603600.000100", "printer on fire");
    let meta = whatsapp_body("wamid.1", "printer on fire");
    let crossed = [
        signed("/webhooks/whatsapp", INTERCOM_SECRET, &meta),
        signed("/webhooks/intercom", META_SECRET, &meta),
        signed("/webhooks/whatsapp", "the-secret-of-another-tenant", &meta),
        Request::post("/webhooks/slack")
            .header("x-slack-signature", slack_signature(META_SECRET, AT, slack.as_bytes()))
            .header("x-slack-request-timestamp", AT)
            .body(Body::from(slack))
            .unwrap(),
    ];
    for mut request in crossed {
        request.headers_mut().insert("x-tenant", "another".parse().unwrap());
        assert_eq!(world.send(request).await.status, StatusCode::UNAUTHORIZED);
    }
    assert!(world.store.all_tickets().is_empty() && world.store.jobs().is_empty());
    let mut request = signed("/webhooks/whatsapp", META_SECRET, &meta);
    request.headers_mut().insert("x-tenant", "another".parse().unwrap());
    assert_eq!(world.send(request).await.status, StatusCode::OK);
    assert_eq!(world.store.all_tickets().len(), 1, "the header means nothing");
}

#[tokio::test]
async fn f50_a_retired_secret_is_401() {
    let store = MemoryStore::new();
    let world = World::over(store.clone(), Arc::new(store), |webhooks| {
        webhooks.slack = Some(SlackEndpoint {
            signing_secrets: vec!["new".into()],
        });
    })
    .await;
    let reply = world
        .send(world.slack_message("1767603600.000100", "printer on fire"))
        .await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn f50_both_secrets_count_while_one_is_rotated() {
    let store = MemoryStore::new();
    let world = World::over(store.clone(), Arc::new(store), |webhooks| {
        webhooks.slack = Some(SlackEndpoint {
            signing_secrets: vec!["new".into(), SLACK_SECRET.into()],
        });
    })
    .await;
    assert_eq!(
        world
            .send(world.slack_message("1767603600.000100", "printer on fire"))
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn who_sends_the_command_alone_or_uses_the_shortcut_is_shown_a_form_whose_answers_are_a_report() {
    let world = World::new().await;
    let form = |fields: &str| world.slack("application/x-www-form-urlencoded", fields.to_owned());
    let command = "command=%2Ffeedback&team_id=T0DEMO&channel_id=C0DEMO&user_id=U0DANA&trigger_id=1.5.x&text=";
    let payload = |json: &serde_json::Value| {
        let json: String = json.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("payload={json}")
    };
    let shortcut = payload(&serde_json::json!({
        "type": "shortcut", "callback_id": "report", "trigger_id": "1.6.x", "team": {"id": "T0DEMO"}, "user": {"id": "U0DANA"},
    }));
    for (nth, request) in [form(command), form(&shortcut)].into_iter().enumerate() {
        let reply = world.send(request).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""));
        assert_eq!(world.conversations.forms().len(), nth + 1);
    }
    let places: Vec<_> = world.conversations.forms().into_iter().map(|form| form.place).collect();
    assert_eq!(places, [Some("C0DEMO".to_owned()), None]);
    assert!(world.store.all_tickets().is_empty());
    let filled = payload(&serde_json::json!({
        "type": "view_submission", "team": {"id": "T0DEMO"}, "user": {"id": "U0DANA"},
        "view": {"id": "V1", "hash": "1.x", "callback_id": FORM_CALLBACK, "private_metadata": "C0DEMO",
            "state": {"values": {
                "description": {"description": {"type": "plain_text_input", "value": "the export hangs"}},
                "title": {"title": {"type": "plain_text_input", "value": null}},
            }}},
    }));
    for _ in 0..2 {
        // Sent twice, it is one report; an empty answer closes the form.
        let reply = world.send(form(&filled)).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""));
    }
    let [ticket] = &world.store.all_tickets()[..] else {
        panic!("one ticket")
    };
    assert_eq!(ticket.description.as_str(), "the export hangs");
}

#[tokio::test]
async fn a_slash_command_is_told_its_number_in_the_persons_language() {
    let world = World::new().await;
    let command = |trigger: &str, text: &str| {
        let fields = [
            ("command", "/feedback"),
            ("team_id", "T0DEMO"),
            ("channel_id", "C0DEMO"),
            ("user_id", "U0DANA"),
            ("trigger_id", trigger),
            ("text", text),
        ];
        let form: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
            .collect();
        world.slack("application/x-www-form-urlencoded", form.join("&"))
    };
    // Asked for words in a form, which cannot be shown: then the words say so.
    world
        .conversations
        .fail_next(PortErrorKind::Unavailable, "internal_error");
    for (trigger, text, told) in [
        (
            "1.1",
            "the export of invoices does not finish since this morning",
            "Got it. Your report is ticket #1001.",
        ),
        (
            "1.1",
            "the export of invoices does not finish since this morning",
            "Got it. Your report is ticket #1001.",
        ),
        (
            "1.2",
            "la pantalla de facturas no abre desde ayer por la tarde",
            "Recibido. Tu reporte es el ticket #1002.",
        ),
        (
            "1.3",
            "",
            "Nothing was recorded: write what happened after the command.",
        ),
    ] {
        let reply = world.send(command(trigger, text)).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(
            reply.json(),
            serde_json::json!({"response_type": "ephemeral", "text": told})
        );
    }
    assert_eq!(world.store.all_tickets().len(), 2);
}

#[tokio::test]
async fn f58_f55_what_is_signed_and_not_understood_is_200_and_a_dead_letter() {
    let world = World::new().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let unknown = r#"{"type":"event_callback","team_id":"T0DEMO","event_id":"Ev1","event":{"type":"message","text":{"new":"shape"}}}"#;
    for body in [deep.as_str(), unknown, "not json at all"] {
        let reply = world.send(world.slack("application/json", body)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    }
    let dead: Vec<_> = world
        .store
        .jobs()
        .into_iter()
        .filter(|job| job.status == JobStatus::Dead)
        .collect();
    assert_eq!(dead.len(), 3);
    assert!(dead.iter().all(|job| job.kind.as_str() == "unparsed"));
    let listed = world.get("/api/dead_letters").await;
    assert_eq!(listed.json()["items"][0]["channel"], "slack");
    assert!(world.store.all_tickets().is_empty());
}

#[tokio::test]
async fn intercom_finds_its_endpoint_and_delivers() {
    let world = World::new().await;
    let head = Request::head("/webhooks/intercom").body(Body::empty()).unwrap();
    assert_eq!(world.send(head).await.status, StatusCode::OK);
    let get = Request::get("/webhooks/intercom").body(Body::empty()).unwrap();
    assert_eq!(world.send(get).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let ping = r#"{"type":"notification_event","app_id":"wkspdemo","topic":"ping","id":null,"data":{"type":"notification_event_data","item":{"type":"ping","message":"hello"}}}"#;
    let golden = Request::post("/webhooks/intercom")
        .header("x-hub-signature", "sha1=f33c330334b99fd5a3e4954f95b24fd6dcb10480")
        .body(Body::from(ping))
        .unwrap();
    assert_eq!(world.send(golden).await.status, StatusCode::OK);
    assert_eq!(
        world
            .send(signed("/webhooks/intercom", INTERCOM_SECRET, ping))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        world.send(signed("/webhooks/intercom", "other", ping)).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_whatsapp_message_is_a_ticket_and_the_older_signature_header_means_nothing() {
    let world = World::new().await;
    let body = whatsapp_body("wamid.1", "La factura no abre, ¿me ayudan? 🙏");
    let mut request = signed("/webhooks/whatsapp", META_SECRET, &body);
    request
        .headers_mut()
        .insert("x-hub-signature", "sha1=00".parse().unwrap());
    assert_eq!(world.send(request).await.status, StatusCode::OK);
    assert_eq!(world.store.all_tickets()[0].channel, Channel::WhatsApp);
    assert_eq!(
        world.send(signed("/webhooks/whatsapp", "vt-demo", &body)).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn f61_the_handshake_echoes_what_is_printable_to_who_knows_the_token() {
    let world = World::new().await;
    let long = "7".repeat(257);
    let cases = [
        (
            "hub.mode=subscribe&hub.verify_token=vt-demo&hub.challenge=1158201444",
            StatusCode::OK,
            "1158201444",
        ),
        (
            "hub.mode=subscribe&hub.verify_token=vt-demo&hub.challenge=%3Cscript%3E",
            StatusCode::OK,
            "<script>",
        ),
        (
            "hub.mode=subscribe&hub.verify_token=other&hub.challenge=1",
            StatusCode::FORBIDDEN,
            "",
        ),
        (
            "hub.mode=unsubscribe&hub.verify_token=vt-demo&hub.challenge=1",
            StatusCode::BAD_REQUEST,
            "",
        ),
        (
            "hub.mode=subscribe&hub.verify_token=vt-demo&hub.challenge=a%0Ab",
            StatusCode::BAD_REQUEST,
            "",
        ),
        (
            &format!("hub.mode=subscribe&hub.verify_token=vt-demo&hub.challenge={long}"),
            StatusCode::BAD_REQUEST,
            "",
        ),
        (
            "hub.mode=subscribe&hub.verify_token=vt-demo&hub.challenge=1&hub.challenge=2",
            StatusCode::BAD_REQUEST,
            "",
        ),
        ("", StatusCode::BAD_REQUEST, ""),
    ];
    for (query, status, echoed) in cases {
        let reply = world
            .send(
                Request::get(format!("/webhooks/whatsapp?{query}"))
                    .body(Body::empty())
                    .unwrap(),
            )
            .await;
        assert_eq!(reply.status, status, "{query}");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
        if status == StatusCode::OK {
            assert_eq!(reply.text, echoed);
            assert_eq!(reply.content_type(), "text/plain; charset=utf-8");
        }
    }
}

#[tokio::test]
async fn f52_f54_a_body_is_refused_for_its_size_or_coding_before_its_signature_is_judged() {
    let world = World::new().await;
    let chunked = |bytes: usize| {
        let chunks = stream::iter(
            (0..bytes.div_ceil(1 << 16)).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 1 << 16]))),
        );
        Body::from_stream(chunks)
    };
    for (path, cap) in [("slack", 1 << 20), ("intercom", 1 << 20), ("whatsapp", 3_670_016)] {
        let path = format!("/webhooks/{path}");
        for (body, status) in [
            (Body::from(vec![b' '; cap + 1]), StatusCode::PAYLOAD_TOO_LARGE),
            (Body::from(vec![b' '; cap]), StatusCode::UNAUTHORIZED),
            (chunked(cap + (1 << 16)), StatusCode::PAYLOAD_TOO_LARGE),
            (chunked(cap), StatusCode::UNAUTHORIZED),
        ] {
            let reply = world.send(Request::post(&path).body(body).unwrap()).await;
            assert_eq!(reply.status, status, "{path}");
            assert_eq!(
                reply.headers.contains_key(header::CONNECTION),
                status == StatusCode::PAYLOAD_TOO_LARGE
            );
        }
        let zipped = Request::post(&path)
            .header(header::CONTENT_ENCODING, "gzip")
            .body(Body::from("x"))
            .unwrap();
        assert_eq!(world.send(zipped).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}

#[tokio::test]
async fn a_provider_that_is_not_configured_has_no_route() {
    let store = MemoryStore::new();
    let world = World::over(store.clone(), Arc::new(store), |webhooks| webhooks.intercom = None).await;
    let reply = world.send(signed("/webhooks/intercom", INTERCOM_SECRET, "{}")).await;
    assert_eq!(
        (reply.status, reply.text.as_str()),
        (StatusCode::NOT_FOUND, "the host knows no such page")
    );
}

#[tokio::test]
async fn f09_a_store_that_fails_is_503_and_the_repeat_is_taken() {
    let world = World::new().await;
    world.store.fail_next_commit(PortErrorKind::Unavailable);
    let reply = world
        .send(world.slack_message("1767603600.000100", "printer on fire"))
        .await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers[header::RETRY_AFTER], "30");
    assert!(world.store.all_tickets().is_empty());
    assert_eq!(
        world
            .send(world.slack_message("1767603600.000100", "printer on fire"))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(world.store.all_tickets().len(), 1);
}

/// A world whose next commits after the set-up wait at a gate.
async fn gated(deadline: Duration) -> (World, Arc<SlowStorage>) {
    let store = MemoryStore::new();
    let slow = Arc::new(SlowStorage {
        store: store.clone(),
        gate: Semaphore::new(2),
    });
    let world = World::over(store, Arc::clone(&slow) as _, |webhooks| webhooks.deadline = deadline).await;
    assert_eq!(
        slow.gate.available_permits(),
        0,
        "the user and the token were two commits"
    );
    (world, slow)
}

async fn until_there_is_a_ticket(world: &World) {
    let wait = async {
        while world.store.all_tickets().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .expect("the ticket is recorded in the end");
}

#[tokio::test]
async fn a_record_that_takes_too_long_is_503_and_goes_on() {
    let (world, slow) = gated(Duration::from_millis(20)).await;
    let reply = world
        .send(world.slack_message("1767603600.000100", "printer on fire"))
        .await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers[header::RETRY_AFTER], "30");
    assert!(world.store.all_tickets().is_empty());
    slow.gate.add_permits(1);
    until_there_is_a_ticket(&world).await;
}

#[tokio::test]
async fn f65_a_sender_that_hangs_up_does_not_stop_the_record() {
    let (world, slow) = gated(Duration::from_secs(60)).await;
    let mut answer = Box::pin(
        world
            .app
            .clone()
            .oneshot(world.slack_message("1767603600.000100", "printer on fire")),
    );
    assert!(
        tokio::time::timeout(Duration::from_millis(20), &mut answer)
            .await
            .is_err(),
        "it waits at the gate"
    );
    drop(answer);
    slow.gate.add_permits(1);
    until_there_is_a_ticket(&world).await;
}

#[tokio::test]
async fn bodies_that_find_no_room_are_503_and_the_room_is_given_back() {
    let store = MemoryStore::new();
    let world = World::over(store.clone(), Arc::new(store), |webhooks| {
        webhooks.in_flight = InFlight::new(1000)
    })
    .await;
    let large = Request::post("/webhooks/slack")
        .body(Body::from(vec![b' '; 1001]))
        .unwrap();
    let reply = world.send(large).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers[header::RETRY_AFTER], "30");
    for n in 0..20 {
        let message = world.slack_message(&format!("1767603600.0001{n:02}"), "printer on fire");
        assert_eq!(world.send(message).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn other_methods_are_405() {
    let world = World::new().await;
    for path in ["/webhooks/slack", "/webhooks/intercom", "/webhooks/whatsapp"] {
        for method in [Method::PUT, Method::DELETE, Method::TRACE, Method::PATCH] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            assert_eq!(world.send(request).await.status, StatusCode::METHOD_NOT_ALLOWED);
        }
    }
}
