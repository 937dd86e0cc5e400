//! Files of messages: listed on their ticket with their names, and downloaded as files and nothing else.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    email::mail,
    world::{Reply, World},
};

const REFERENCE: &str = "https://files.slack.com/files-pri/T1-F1/x";
/// Text as well, since answers are read as text here.
const GIF: &[u8] = b"GIF89a a picture";

async fn ticket(world: &World) -> Value {
    let id = world.store.all_tickets().last().unwrap().id;
    world.get(&format!("/api/tickets/{id}")).await.json()
}

/// A Slack message with one file; its ticket once the file was fetched.
async fn with_file(world: &World, name: &str) -> Value {
    let body = json!({
        "type": "event_callback", "team_id": "T0DEMO", "event_id": "Ev1",
        "event": {"type": "message", "subtype": "file_share", "channel": "C0DEMO", "user": "U0DANA", "text": "look",
            "ts": "1767603600.000100", "files": [{"id": "F1", "name": name, "mimetype": "text/html", "size": 5,
                "mode": "hosted", "url_private_download": REFERENCE}]},
    });
    let reply = world.send(world.slack("application/json", body.to_string())).await;
    assert_eq!(reply.status, StatusCode::OK);
    fetch_all(world, &ticket(world).await).await;
    ticket(world).await
}

async fn fetch_all(world: &World, ticket: &Value) {
    for file in ticket["attachments"].as_array().unwrap() {
        assert_eq!(file["status"], "announced");
        let id = file["id"].as_str().unwrap().parse().unwrap();
        world.hub.fetch_attachment.fetch(id).await.unwrap();
    }
}

async fn download(world: &World, file: &Value) -> Reply {
    world
        .get(&format!("/api/attachments/{}", file["id"].as_str().unwrap()))
        .await
}

#[tokio::test]
async fn a_stored_file_is_listed_and_downloaded_under_what_its_bytes_are() {
    let world = World::new().await;
    world.files.offer(REFERENCE, GIF);
    let ticket = with_file(&world, "captura año.png").await;
    let file = &ticket["attachments"][0];
    assert_eq!(file["status"], "stored");
    assert_eq!(file["name"], "captura año.png");
    assert_eq!(file["content_type"], "image/gif", "not what the sender says");
    assert_eq!(file["size_bytes"], GIF.len());
    assert_eq!(file["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(file["reason"], Value::Null);
    assert_eq!(file["source_id"], ticket["sources"][0]["id"]);
    assert_eq!(
        file["download"],
        format!("/api/attachments/{}", file["id"].as_str().unwrap())
    );

    let reply = download(&world, file).await;
    assert_eq!((reply.status, reply.content_type()), (StatusCode::OK, "image/gif"));
    assert_eq!(
        reply.headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"captura a_o.png\"; filename*=UTF-8''captura%20a%C3%B1o.png"
    );
    assert_eq!(reply.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(reply.headers["cross-origin-resource-policy"], "same-origin");
    let policy = reply.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.contains("sandbox") && policy.contains("default-src 'none'"),
        "{policy}"
    );
    assert!(reply.text.ends_with(" a picture"));
}

#[tokio::test]
async fn hostile_names_stay_in_their_header_and_html_is_only_bytes() {
    for (name, disposition) in [
        (
            "../../etc/passwd",
            "attachment; filename=\"passwd\"; filename*=UTF-8''passwd",
        ),
        (
            "a\r\nSet-Cookie: x=1",
            "attachment; filename=\"aSet-Cookie_ x=1\"; filename*=UTF-8''aSet-Cookie_%20x%3D1",
        ),
        (
            "\"; filename=\"b",
            "attachment; filename=\"_; filename=_b\"; filename*=UTF-8''_%3B%20filename%3D_b",
        ),
        ("\u{202e}", "attachment; filename=\"file\"; filename*=UTF-8''file"),
    ] {
        let world = World::new().await;
        world.files.offer(REFERENCE, *b"<html><script>alert(1)</script>");
        let ticket = with_file(&world, name).await;
        let reply = download(&world, &ticket["attachments"][0]).await;
        assert_eq!(
            (reply.status, reply.content_type()),
            (StatusCode::OK, "application/octet-stream"),
            "{name:?}"
        );
        assert_eq!(reply.headers[header::CONTENT_DISPOSITION], disposition, "{name:?}");
        assert!(!reply.headers.contains_key(header::SET_COOKIE));
    }
    let world = World::new().await;
    world.files.offer(REFERENCE, GIF);
    let ticket = with_file(&world, &"ñ".repeat(4096)).await;
    let reply = download(&world, &ticket["attachments"][0]).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.headers[header::CONTENT_DISPOSITION].len() < 1024);
}

#[tokio::test]
async fn what_is_not_stored_says_why_and_cannot_be_downloaded() {
    let world = World::new().await;
    world.files.offer(REFERENCE, *b"MZ\0\0 a program");
    let ticket = with_file(&world, "invoice.pdf").await;
    let file = &ticket["attachments"][0];
    assert_eq!(
        (&file["status"], &file["reason"]),
        (&json!("refused"), &json!("program"))
    );
    assert_eq!((&file["download"], &file["sha256"]), (&Value::Null, &Value::Null));
    assert_eq!(download(&world, file).await.status, StatusCode::NOT_FOUND);
    let kinds: Vec<_> = ticket["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["kind"])
        .collect();
    assert!(kinds.contains(&&json!("attachment_refused")), "{kinds:?}");
}

#[tokio::test]
async fn a_file_of_a_mail_comes_out_of_the_mail() {
    let raw = "From: Dana <dana@example.test>\r\nSubject: Invoice\r\nMessage-ID: <1@example.test>\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt shows 20 EUR twice\r\n\
        --b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjcKaG9sYQ==\r\n--b--\r\n";
    let parsed = json!({
        "from": "dana@example.test", "message_id": "<2@example.test>", "subject": "Other", "text": "Another matter",
        "attachments": [
            {"name": "a.pdf", "content": "JVBERi0x\nLjcKaG9sYQ=="},
            {"name": "b.pdf", "reference": "s3://mail/b.pdf"},
        ],
    });
    for (content_type, body) in [
        ("message/rfc822", raw.to_owned()),
        ("application/json", parsed.to_string()),
    ] {
        let world = World::new().await;
        assert_eq!(world.send(mail(content_type, &body)).await.status, StatusCode::OK);
        fetch_all(&world, &ticket(&world).await).await;
        let ticket = ticket(&world).await;
        let files = ticket["attachments"].as_array().unwrap();
        let reply = download(&world, &files[0]).await;
        assert_eq!(
            (reply.text.as_str(), reply.content_type()),
            ("%PDF-1.7\nhola", "application/pdf"),
            "{ticket}"
        );
        if let Some(elsewhere) = files.get(1) {
            assert_eq!(
                (&elsewhere["status"], &elsewhere["reason"]),
                (&json!("failed"), &json!("not_in_the_mail"))
            );
        }
    }
}
