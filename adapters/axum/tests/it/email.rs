//! Mails, from the forwarder's request to the ticket.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use feedback_core::domain::{Channel, JobStatus};

use crate::world::{EMAIL_SECRET, World, email_signature};

const AT: &str = "1767603600";
const JSON: &str = "application/json";

fn signed_at(at: &str, secret: &str, content_type: &str, body: &str) -> Request<Body> {
    Request::post("/webhooks/email")
        .header(header::CONTENT_TYPE, content_type)
        .header("x-feedback-timestamp", at)
        .header("x-feedback-signature", email_signature(secret, at, body.as_bytes()))
        .body(Body::from(body.to_owned()))
        .unwrap()
}

pub(crate) fn mail(content_type: &str, body: &str) -> Request<Body> {
    signed_at(AT, EMAIL_SECRET, content_type, body)
}

fn parsed(id: &str, in_reply_to: &str, text: &str) -> String {
    serde_json::json!({"message_id": id, "in_reply_to": in_reply_to, "from": "Dana O <dana@example.test>",
        "subject": "Invoice 7", "text": text})
    .to_string()
}

#[tokio::test]
async fn a_mail_is_a_ticket_once_and_its_reply_belongs_to_it() {
    let world = World::new().await;
    let first = parsed("<a@x.test>", "", "The invoice shows the sum twice since yesterday");
    let again = parsed(
        "<b@x.test>",
        "<a@x.test>",
        "Still twice\n\nOn Monday, Help wrote:\n> fixed",
    );
    for body in [&first, &first, &again, &again] {
        let reply = world.send(mail(JSON, body)).await;
        assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""));
    }
    let tickets = world.store.all_tickets();
    assert_eq!(tickets.len(), 1);
    assert_eq!(tickets[0].channel, Channel::Email);
    let shown = world.get(&format!("/api/tickets/{}", tickets[0].id)).await.json();
    let sources = shown["sources"].as_array().map_or(0, Vec::len);
    assert_eq!(sources, 2, "{shown}");
}

#[tokio::test]
async fn a_raw_mail_and_its_parsed_reply_are_one_ticket() {
    let world = World::new().await;
    let raw = "From: Dana O <dana@example.test>\r\nMessage-ID: <a@x.test>\r\nSubject: Invoice 7\r\n\r\nIt shows the sum twice\r\n";
    assert_eq!(world.send(mail("message/rfc822", raw)).await.status, StatusCode::OK);
    assert_eq!(
        world
            .send(mail(JSON, &parsed("<b@x.test>", "<a@x.test>", "Still twice")))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(world.store.all_tickets().len(), 1);
}

#[tokio::test]
async fn an_absence_notice_is_no_ticket_and_what_is_no_mail_is_kept() {
    let world = World::new().await;
    let absent = r#"{"from":"dana@example.test","text":"I am away","headers":{"Auto-Submitted":"auto-replied"}}"#;
    assert_eq!(world.send(mail(JSON, absent)).await.status, StatusCode::OK);
    assert!(world.store.all_tickets().is_empty() && world.store.jobs().is_empty());
    for (content_type, body) in [
        (JSON, r#"{"text":"nobody's"}"#),
        ("multipart/form-data; boundary=b", "--b--"),
    ] {
        assert_eq!(world.send(mail(content_type, body)).await.status, StatusCode::OK);
    }
    let jobs = world.store.jobs();
    assert!(
        jobs.iter()
            .all(|job| job.status == JobStatus::Dead && job.kind.as_str() == "unparsed")
    );
    assert_eq!(jobs.len(), 2);
    assert!(world.store.all_tickets().is_empty());
}

#[tokio::test]
async fn a_mail_that_is_not_signed_as_it_must_be_is_401_and_leaves_nothing() {
    let world = World::new().await;
    let body = parsed("<a@x.test>", "", "It shows the sum twice");
    let right = email_signature(EMAIL_SECRET, AT, body.as_bytes());
    let unsigned = |time: Option<&str>, signature: Option<&str>| {
        let mut request = Request::post("/webhooks/email").header(header::CONTENT_TYPE, JSON);
        if let Some(time) = time {
            request = request.header("x-feedback-timestamp", time);
        }
        if let Some(signature) = signature {
            request = request.header("x-feedback-signature", signature);
        }
        request.body(Body::from(body.clone())).unwrap()
    };
    let twice = Request::post("/webhooks/email")
        .header("x-feedback-timestamp", AT)
        .header("x-feedback-signature", &right)
        .header("x-feedback-signature", &right)
        .body(Body::from(body.clone()))
        .unwrap();
    for (what, request) in [
        ("no header", unsigned(None, None)),
        ("no time", unsigned(None, Some(&right))),
        ("no signature", unsigned(Some(AT), None)),
        ("another time", unsigned(Some("1767603601"), Some(&right))),
        ("another secret", signed_at(AT, "another", JSON, &body)),
        ("too old", signed_at("1767603299", EMAIL_SECRET, JSON, &body)),
        ("too new", signed_at("1767603901", EMAIL_SECRET, JSON, &body)),
        ("repeated", twice),
    ] {
        assert_eq!(world.send(request).await.status, StatusCode::UNAUTHORIZED, "{what}");
    }
    assert!(world.store.all_tickets().is_empty() && world.store.jobs().is_empty());
    assert_eq!(
        world.send(unsigned(Some(AT), Some(&right))).await.status,
        StatusCode::OK,
        "the right one passes"
    );
}

#[tokio::test]
async fn a_mail_over_the_cap_is_413_and_one_below_is_recorded() {
    let world = World::new().await;
    let of = |bytes: usize| {
        let rest = bytes - parsed("<a@x.test>", "", "").len();
        parsed("<a@x.test>", "", &"a ".repeat(rest / 2 + 1)[..rest])
    };
    let cap = 3_670_016;
    assert_eq!(
        world.send(mail(JSON, &of(cap + 1))).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    assert_eq!(world.send(mail(JSON, &of(cap))).await.status, StatusCode::OK);
    assert_eq!(world.store.all_tickets().len(), 1);
}
