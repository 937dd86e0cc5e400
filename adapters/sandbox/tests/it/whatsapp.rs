use std::time::Duration;

use chrono::{TimeDelta, Utc};
use feedback_sandbox::{Receipts, Sandbox, Template, WhatsAppState, WindowRefusal, webhooks::signature};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{client, eventually, hub::TestHub, read, request, sandbox};

fn url(sandbox: &Sandbox) -> String {
    format!(
        "{}/v23.0/{}/messages",
        sandbox.whatsapp_base_url(),
        sandbox.config().whatsapp.phone_number_id
    )
}

async fn send(sandbox: &Sandbox, body: &Value) -> (u16, Value) {
    let post = request(Method::POST, url(sandbox), &sandbox.config().whatsapp.access_token).json(body);
    read(post.send().await.unwrap()).await
}

fn text(to: &str, body: &str) -> Value {
    json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": "text",
        "text": {"body": body, "preview_url": false}, "biz_opaque_callback_data": "attempt:1",
    })
}

fn template(to: &str, name: &str, language: &str, parameters: &[&str]) -> Value {
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|text| json!({"type": "text", "text": text}))
        .collect();
    json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": "template",
        "template": {"name": name, "language": {"policy": "deterministic", "code": language},
                     "components": [{"type": "body", "parameters": parameters}]},
    })
}

fn phone(sandbox: &Sandbox) -> String {
    sandbox.config().people[0].phone.clone()
}

fn states(hub: &TestHub) -> Vec<String> {
    let statuses = hub.received("/webhooks/whatsapp").into_iter().map(|webhook| {
        webhook.json()["entry"][0]["changes"][0]["value"]["statuses"][0]["status"]
            .as_str()
            .unwrap_or("message")
            .to_owned()
    });
    statuses.collect()
}

#[tokio::test]
async fn an_accepted_text_is_followed_by_signed_statuses() {
    let sandbox = sandbox().await;
    let (hub, hub_url) = TestHub::start().await;
    let to = phone(&sandbox);
    let _ = sandbox.whatsapp().person_writes(&to, "Lucía", "hola");
    sandbox.connect(&hub_url);
    let (status, answer) = send(&sandbox, &text(&to, "Ya está 🎉")).await;
    assert_eq!(status, 200);
    assert_eq!(answer["messages"][0]["message_status"], "accepted");
    let wamid = answer["messages"][0]["id"].as_str().unwrap().to_owned();
    assert!(wamid.starts_with("wamid."));
    eventually("three statuses", || states(&hub).len() == 3).await;
    assert_eq!(states(&hub), ["sent", "delivered", "read"]);
    for webhook in hub.received("/webhooks/whatsapp") {
        let expected = signature::whatsapp(&sandbox.config().whatsapp.app_secret, &webhook.body);
        assert_eq!(webhook.header("x-hub-signature-256"), expected);
        let status = &webhook.json()["entry"][0]["changes"][0]["value"]["statuses"][0];
        assert_eq!(status["id"], wamid);
        assert_eq!(status["biz_opaque_callback_data"], "attempt:1");
        assert!(status["timestamp"].is_string());
    }
    let sent = sandbox.whatsapp().messages();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].state(), WhatsAppState::Read);
}

#[tokio::test]
async fn a_status_is_repeated_until_the_hub_takes_it() {
    let sandbox = sandbox().await;
    let (hub, hub_url) = TestHub::start().await;
    sandbox.whatsapp().set_receipts(Receipts::UpToDelivered);
    hub.answer(&[503, 401, 200]);
    let to = phone(&sandbox);
    let _ = sandbox.whatsapp().person_writes(&to, "Lucía", "hola");
    sandbox.connect(&hub_url);
    send(&sandbox, &text(&to, "hola")).await;
    eventually("both statuses taken", || hub.received("/webhooks/whatsapp").len() == 4).await;
}

#[tokio::test]
async fn free_text_outside_the_window_fails_in_either_way() {
    let sandbox = sandbox().await;
    let to = phone(&sandbox);
    let (status, _) = send(&sandbox, &text(&to, "hola")).await;
    assert_eq!(status, 200, "the API accepts, and a status tells");
    eventually("the failure", || {
        sandbox.whatsapp().messages()[0].state() == WhatsAppState::Failed
    })
    .await;
    assert_eq!(sandbox.whatsapp().messages()[0].error_code, Some(131_047));

    sandbox.whatsapp().set_window_refusal(WindowRefusal::Synchronous);
    let (status, answer) = send(&sandbox, &text(&to, "hola")).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!(131_047)));
    assert_eq!(sandbox.whatsapp().messages().len(), 1);
}

#[tokio::test]
async fn the_window_lasts_24_hours_from_the_last_message() {
    let sandbox = sandbox().await;
    sandbox.whatsapp().set_window_refusal(WindowRefusal::Synchronous);
    let to = phone(&sandbox);
    let ago = |seconds: i64| Utc::now_for_tests() - TimeDelta::seconds(seconds);
    sandbox.whatsapp().set_last_inbound(&to, ago(24 * 3_600 - 30));
    assert_eq!(send(&sandbox, &text(&to, "a")).await.0, 200);
    sandbox.whatsapp().set_last_inbound(&to, ago(24 * 3_600 + 1));
    assert_eq!(send(&sandbox, &text(&to, "a")).await.0, 400);
    let _ = sandbox.whatsapp().person_writes(&to, "Lucía", "sigo acá");
    assert_eq!(send(&sandbox, &text(&to, "a")).await.0, 200);
    sandbox.advance_clock(Duration::from_secs(86_400));
    assert_eq!(send(&sandbox, &text(&to, "a")).await.0, 400);
    assert_eq!(
        send(&sandbox, &template(&to, "feedback_update", "es", &["listo"]))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn templates_are_checked_by_name_language_and_count() {
    let sandbox = sandbox().await;
    let to = phone(&sandbox);
    let cases = [
        (template(&to, "nope", "es", &["a"]), 404, 132_001),
        (template(&to, "feedback_update", "pt_BR", &["a"]), 404, 132_001),
        (template(&to, "feedback_update", "es", &[]), 400, 132_000),
        (template(&to, "feedback_update", "es", &["a", "b"]), 400, 132_000),
        (template(&to, "feedback_update", "es", &["a\nb"]), 400, 100),
    ];
    for (body, status, code) in cases {
        let (got, answer) = send(&sandbox, &body).await;
        assert_eq!((got, &answer["error"]["code"]), (status, &json!(code)), "{body}");
        assert_eq!(answer["error"]["type"], "OAuthException");
        assert!(answer["error"]["fbtrace_id"].is_string());
    }
    sandbox
        .whatsapp()
        .put_template(Template::approved("two", "es", "{{1}} y {{2}}"));
    assert_eq!(
        send(&sandbox, &template(&to, "two", "es", &["uno", "dos"])).await.0,
        200
    );
    assert_eq!(sandbox.whatsapp().messages()[0].content.body(), "uno y dos");
}

#[tokio::test]
async fn credentials_version_and_number_are_checked() {
    let sandbox = sandbox().await;
    let body = text("15550109999", "a");
    let (status, answer) = read(
        client()
            .post(url(&sandbox))
            .bearer_auth("wrong")
            .json(&body)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!(190)));
    let token = &sandbox.config().whatsapp.access_token;
    let other = format!("{}/v23.0/999/messages", sandbox.whatsapp_base_url());
    let (status, answer) = read(request(Method::POST, other, token).json(&body).send().await.unwrap()).await;
    assert_eq!(
        (status, &answer["error"]["code"], &answer["error"]["error_subcode"]),
        (400, &json!(100), &json!(33))
    );
    let odd = url(&sandbox).replace("v23.0", "latest");
    let (_, answer) = read(request(Method::POST, odd, token).json(&body).send().await.unwrap()).await;
    assert_eq!(answer["error"]["code"], 2500);
}

#[tokio::test]
async fn the_number_shows_the_asked_fields() {
    let sandbox = sandbox().await;
    let account = &sandbox.config().whatsapp;
    let url = format!(
        "{}/v23.0/{}?fields=display_phone_number,quality_rating",
        sandbox.whatsapp_base_url(),
        account.phone_number_id
    );
    let (status, shown) = read(
        request(Method::GET, url.clone(), &account.access_token)
            .send()
            .await
            .unwrap(),
    )
    .await;
    let expected = json!({
        "id": account.phone_number_id, "display_phone_number": account.display_phone_number, "quality_rating": "GREEN",
    });
    assert_eq!((status, shown), (200, expected));
    assert_eq!(
        read(client().get(url).send().await.unwrap()).await.1["error"]["code"],
        190
    );
}

#[tokio::test]
async fn a_delivery_can_fail_after_it_was_sent() {
    let sandbox = sandbox().await;
    let to = phone(&sandbox);
    sandbox.whatsapp().fail_next_deliveries(1, 131_049);
    send(&sandbox, &template(&to, "feedback_update", "es", &["a"])).await;
    eventually("the failure", || {
        sandbox.whatsapp().messages()[0].state() == WhatsAppState::Failed
    })
    .await;
    let history: Vec<WhatsAppState> = sandbox.whatsapp().messages()[0]
        .history
        .iter()
        .map(|(state, _)| *state)
        .collect();
    assert_eq!(
        history,
        [WhatsAppState::Accepted, WhatsAppState::Sent, WhatsAppState::Failed]
    );

    sandbox.whatsapp().set_unreachable(&to);
    send(&sandbox, &template(&to, "feedback_update", "es", &["b"])).await;
    eventually("the second failure", || {
        sandbox.whatsapp().messages()[1].error_code == Some(131_026)
    })
    .await;
}

#[tokio::test]
async fn numbers_are_answered_as_whatsapp_spells_them() {
    let sandbox = sandbox().await;
    let (_, answer) = send(
        &sandbox,
        &template("+52 55 5550 1281", "feedback_update", "es_MX", &["a"]),
    )
    .await;
    assert_eq!(
        answer["contacts"][0],
        json!({"input": "+52 55 5550 1281", "wa_id": "5215555501281"})
    );
}

#[tokio::test]
async fn a_message_can_be_marked_as_read() {
    let sandbox = sandbox().await;
    let (report, _) = sandbox.whatsapp().person_writes(&phone(&sandbox), "Lucía", "hola");
    let read_it = |id: &str| json!({"messaging_product": "whatsapp", "status": "read", "message_id": id});
    assert_eq!(
        send(&sandbox, &read_it(&report.wamid)).await,
        (200, json!({"success": true}))
    );
    assert!(sandbox.whatsapp().inbound()[0].is_read);
    assert_eq!(send(&sandbox, &read_it("wamid.none")).await.1["error"]["code"], 131_009);
}

/// The wall clock, which only tests may read on their own.
trait NowForTests {
    fn now_for_tests() -> chrono::DateTime<Utc>;
}

impl NowForTests for Utc {
    #[expect(
        clippy::disallowed_methods,
        reason = "the stand-in's windows are relative to the real time"
    )]
    fn now_for_tests() -> chrono::DateTime<Utc> {
        Utc::now()
    }
}
