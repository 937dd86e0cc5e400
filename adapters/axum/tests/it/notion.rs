//! Notion's signals: signed hints that a poll is due, and the token of a new subscription.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use feedback_axum::webhooks::{self, NotionEndpoint, ShowToken, Webhooks};
use feedback_core::{domain::JobStatus, testing::hub::TestHub};
use secrecy::{ExposeSecret, SecretString};
use tower::ServiceExt;

use crate::world::sha256_signature;

const TOKEN: &str = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl";
const SIGNAL: &str = r#"{"id":"77777777-7777-4777-8777-777777777777","type":"page.properties_updated","entity":{"id":"4","type":"page"}}"#;

fn app(test: &TestHub, tokens: &[&str], shown: &Arc<Mutex<Vec<String>>>) -> Router {
    let shown = Arc::clone(shown);
    let show: ShowToken =
        Arc::new(move |token: SecretString| shown.lock().unwrap().push(token.expose_secret().to_owned()));
    let mut hooks = Webhooks::new(&test.hub);
    hooks.notion = Some(NotionEndpoint {
        verification_tokens: tokens.iter().map(|token| (*token).into()).collect(),
        show_token: Some(show),
        poll: test.hub.poll.clone().unwrap(),
    });
    webhooks::router(hooks)
}

async fn post(app: &Router, signature: Option<&str>, body: &str) -> StatusCode {
    let mut request = Request::post("/webhooks/notion");
    if let Some(signature) = signature {
        request = request.header("x-notion-signature", signature);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    app.clone().oneshot(request).await.unwrap().status()
}

fn polls(test: &TestHub) -> usize {
    let is_waiting =
        |job: &&feedback_core::domain::Job| job.kind.as_str() == "poll_tracker" && job.status == JobStatus::Ready;
    test.store.jobs().iter().filter(is_waiting).count()
}

#[tokio::test]
async fn a_signed_signal_makes_one_poll_due_and_an_unsigned_one_none() {
    let test = TestHub::new().await;
    let app = app(&test, &["secret_the_next_one_0123", TOKEN], &Arc::default());
    let signature = sha256_signature(TOKEN, SIGNAL.as_bytes());
    for (signature, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some("sha256=00"), StatusCode::UNAUTHORIZED),
        (
            Some(sha256_signature("another", SIGNAL.as_bytes()).as_str()),
            StatusCode::UNAUTHORIZED,
        ),
        (Some(signature.as_str()), StatusCode::OK),
        (
            Some(signature.to_uppercase().replacen("SHA", "sha", 1).as_str()),
            StatusCode::OK,
        ),
    ] {
        assert_eq!(post(&app, signature, SIGNAL).await, status, "{signature:?}");
        assert_eq!(
            polls(&test),
            usize::from(status == StatusCode::OK),
            "signals that wait are one poll"
        );
    }
    test.run_due_jobs().await;
    assert_eq!(polls(&test), 1, "the periodic poll goes on, and it alone");
}

#[tokio::test]
async fn the_token_of_a_new_subscription_is_shown_only_while_none_is_configured() {
    let test = TestHub::new().await;
    let shown = Arc::default();
    let hand_over = format!(r#"{{"verification_token":"{TOKEN}"}}"#);
    let expecting = app(&test, &[], &shown);
    for (body, status) in [
        (hand_over.as_str(), StatusCode::OK),
        (SIGNAL, StatusCode::UNAUTHORIZED),
        (r#"{"verification_token":"x\u001b[2J"}"#, StatusCode::UNAUTHORIZED),
        ("", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(post(&expecting, None, body).await, status, "{body}");
    }
    assert_eq!(*shown.lock().unwrap(), [TOKEN]);

    let set_up = app(&test, &[TOKEN], &shown);
    assert_eq!(post(&set_up, None, &hand_over).await, StatusCode::UNAUTHORIZED);
    // The vector that Notion's documentation prints.
    let golden = "sha256=461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735";
    assert_eq!(post(&set_up, Some(golden), &hand_over).await, StatusCode::OK);
    assert_eq!(
        shown.lock().unwrap().len(),
        1,
        "a token that is known is shown to nobody"
    );
    assert_eq!(polls(&test), 0);
}

#[tokio::test]
async fn too_much_for_a_signal_is_413_and_compression_415() {
    let test = TestHub::new().await;
    let app = app(&test, &[TOKEN], &Arc::default());
    assert_eq!(
        post(&app, None, &" ".repeat((256 << 10) + 1)).await,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let zipped = Request::post("/webhooks/notion")
        .header("content-encoding", "gzip")
        .body(Body::from("x"));
    assert_eq!(
        app.oneshot(zipped.unwrap()).await.unwrap().status(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
}
