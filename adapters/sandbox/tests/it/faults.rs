use std::time::{Duration, Instant};

use feedback_sandbox::{Fault, Provider, Sandbox, Scope};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::{client, read, request, sandbox};

fn post_message(sandbox: &Sandbox) -> RequestBuilder {
    let url = format!("{}/chat.postMessage", sandbox.slack_base_url());
    request(Method::POST, url, &sandbox.config().slack.bot_token)
        .header("content-type", "application/json; charset=utf-8")
        .body(json!({"channel": "C0SUPPORT", "text": "hola"}).to_string())
}

#[tokio::test]
async fn each_provider_has_its_own_429() {
    let sandbox = sandbox().await;
    let cases = [
        (Provider::Slack, format!("{}/auth.test", sandbox.slack_base_url())),
        (Provider::Intercom, format!("{}/me", sandbox.intercom_base_url())),
        (
            Provider::WhatsApp,
            format!("{}/v23.0/1/messages", sandbox.whatsapp_base_url()),
        ),
        (Provider::Notion, format!("{}/v1/users/me", sandbox.notion_base_url())),
        (Provider::OpenAi, format!("{}/models", sandbox.openai_base_url())),
    ];
    for (provider, url) in cases {
        sandbox
            .faults()
            .fail_next(provider, 1, Fault::RateLimited { retry_after_secs: 7 });
        let response = client().post(url).send().await.unwrap();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let (retry_after, reset) = (header("retry-after"), header("x-ratelimit-reset"));
        let (status, body) = read(response).await;
        assert_eq!(status, 429);
        let (code, pause) = match provider {
            Provider::Slack => (&body["error"], Some("7".to_owned())),
            Provider::Intercom => (&body["errors"][0]["code"], None),
            Provider::WhatsApp => (&body["error"]["code"], None),
            Provider::Notion => (&body["code"], Some("7".to_owned())),
            Provider::OpenAi => (&body["error"]["code"], Some("7".to_owned())),
            Provider::Email => unreachable!("mail is not sent by HTTP"),
        };
        let expected = match provider {
            Provider::Slack => json!("ratelimited"),
            Provider::Intercom | Provider::OpenAi => json!("rate_limit_exceeded"),
            Provider::WhatsApp => json!(130_429),
            Provider::Notion => json!("rate_limited"),
            Provider::Email => unreachable!("mail is not sent by HTTP"),
        };
        assert_eq!((code, retry_after), (&expected, pause), "{provider}");
        assert_eq!(reset.is_some(), provider == Provider::Intercom);
        assert!(sandbox.faults().pending(provider).is_empty());
    }
}

#[tokio::test]
async fn a_dropped_connection_leaves_the_effect_behind_or_not() {
    let sandbox = sandbox().await;
    sandbox.faults().fail_next(Provider::Slack, 1, Fault::CloseAfterEffect);
    let error = post_message(&sandbox).send().await.unwrap_err();
    assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
    assert_eq!(sandbox.slack().app_messages().len(), 1);

    sandbox.faults().fail_next(Provider::Slack, 1, Fault::CloseBeforeEffect);
    assert!(post_message(&sandbox).send().await.is_err());
    assert_eq!(sandbox.slack().app_messages().len(), 1);

    assert_eq!(
        post_message(&sandbox).send().await.unwrap().status(),
        200,
        "only one request was to fail"
    );
    assert_eq!(sandbox.requests(Provider::Slack).len(), 3);
}

#[tokio::test]
async fn a_hanging_request_has_its_effect_and_no_answer() {
    let sandbox = sandbox().await;
    sandbox.faults().fail_next(Provider::Slack, 1, Fault::Hang);
    let error = post_message(&sandbox)
        .timeout(Duration::from_millis(300))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(sandbox.slack().app_messages().len(), 1);
}

#[tokio::test]
async fn a_stopped_sandbox_ends_what_hangs() {
    let sandbox = sandbox().await;
    sandbox.faults().fail_next(Provider::Slack, 1, Fault::Hang);
    let url = sandbox.slack_base_url();
    let hanging = tokio::spawn(post_message(&sandbox).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    sandbox.shutdown().await;
    assert!(hanging.await.unwrap().is_err());
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(client().post(url).send().await.unwrap_err().is_connect());
}

#[tokio::test]
async fn a_slow_answer_comes_late_with_its_effect_done() {
    let sandbox = sandbox().await;
    sandbox
        .faults()
        .fail_next(Provider::Slack, 1, Fault::Slow(Duration::from_millis(200)));
    let begun = Instant::now();
    assert_eq!(post_message(&sandbox).send().await.unwrap().status(), 200);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    sandbox
        .faults()
        .fail_next(Provider::Slack, 1, Fault::Slow(Duration::from_secs(60)));
    assert!(
        post_message(&sandbox)
            .timeout(Duration::from_millis(200))
            .send()
            .await
            .is_err()
    );
    assert_eq!(sandbox.slack().app_messages().len(), 2);
}

#[tokio::test]
async fn plain_statuses_and_provider_codes_have_no_effect() {
    let sandbox = sandbox().await;
    sandbox.faults().fail_next(
        Provider::Slack,
        1,
        Fault::Status(502, "<html>bad gateway</html>".into()),
    );
    let response = post_message(&sandbox).send().await.unwrap();
    assert_eq!(response.status(), 502);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");

    sandbox.faults().always_in(
        Provider::Slack,
        Fault::code("token_revoked"),
        Scope::path("chat.postMessage"),
    );
    for _ in 0..2 {
        let (status, body) = read(post_message(&sandbox).send().await.unwrap()).await;
        assert_eq!((status, body), (200, json!({"ok": false, "error": "token_revoked"})));
    }
    let url = format!("{}/auth.test", sandbox.slack_base_url());
    let spared = request(Method::POST, url, &sandbox.config().slack.bot_token)
        .send()
        .await
        .unwrap();
    assert_eq!(read(spared).await.1["ok"], true);
    sandbox.faults().clear(Provider::Slack);
    assert_eq!(read(post_message(&sandbox).send().await.unwrap()).await.1["ok"], true);
    assert_eq!(sandbox.slack().app_messages().len(), 1);
}

#[tokio::test]
async fn provider_codes_have_the_status_that_belongs_to_them() {
    let sandbox = sandbox().await;
    let cases = [
        (
            Provider::Intercom,
            sandbox.intercom_base_url(),
            "service_unavailable",
            503,
        ),
        (Provider::Intercom, sandbox.intercom_base_url(), "token_revoked", 401),
        (Provider::WhatsApp, sandbox.whatsapp_base_url(), "190", 401),
        (Provider::WhatsApp, sandbox.whatsapp_base_url(), "131016", 503),
        (Provider::WhatsApp, sandbox.whatsapp_base_url(), "131026", 400),
        (Provider::Notion, sandbox.notion_base_url(), "conflict_error", 409),
        (Provider::Notion, sandbox.notion_base_url(), "service_overload", 529),
        (Provider::OpenAi, sandbox.openai_base_url(), "insufficient_quota", 429),
        (Provider::OpenAi, sandbox.openai_base_url(), "model_not_found", 404),
    ];
    for (provider, url, code, status) in cases {
        sandbox.faults().fail_next(provider, 1, Fault::code(code));
        let (got, body) = read(client().get(url).send().await.unwrap()).await;
        assert_eq!(got, status, "{provider} {code}");
        assert!(body.to_string().contains(code));
    }
}
