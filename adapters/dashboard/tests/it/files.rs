//! Files on a ticket's page.

use axum::http::{StatusCode, header};
use feedback_core::{
    domain::Channel,
    testing::hub::{TestHub, ticket_of},
};
use feedback_dashboard::CookieSecurity;

use crate::person::Person;

const REFERENCE: &str = "https://files.slack.com/files-pri/T1-F1/x";

async fn page_with(test: &TestHub, bytes: &'static [u8]) -> String {
    test.files.offer(REFERENCE, bytes);
    let body = serde_json::json!({
        "type": "event_callback", "team_id": "T0", "event_id": "Ev1",
        "event": {"type": "message", "subtype": "file_share", "channel": "C0", "user": "U0DANA", "text": "mirá",
            "ts": "1767225600.000100", "files": [{"id": "F1", "name": "<b>error</b>.png", "mimetype": "image/png", "size": 9,
                "mode": "hosted", "url_private_download": REFERENCE}]},
    });
    ticket_of(&test.receive(Channel::Slack, body.to_string()).await);
    test.run_due_jobs().await;
    format!("/tickets/{}", test.store.all_tickets()[0].number.value())
}

fn link_in(html: &str) -> Option<String> {
    let (_, rest) = html.split_once("href=\"/attachments/")?;
    Some(format!("/attachments/{}", rest.split('"').next()?))
}

#[tokio::test]
async fn a_stored_file_is_a_link_to_a_download_that_runs_nothing_for_who_is_signed_in() {
    let test = TestHub::new().await;
    let page = page_with(&test, b"GIF89a a picture").await;
    let person = Person::reviewer(&test).await;
    let html = person.get(&page).await.html;
    assert!(html.contains("_b_error__b_.png") || html.contains("b_.png"), "{html}");
    assert!(!html.contains("<b>error"), "a name is not markup");
    let link = link_in(&html).unwrap_or_else(|| panic!("no link: {html}"));

    let file = person.get(&link).await;
    assert_eq!(
        (file.status, file.header(header::CONTENT_TYPE)),
        (StatusCode::OK, "image/gif")
    );
    assert!(
        file.header(header::CONTENT_DISPOSITION)
            .starts_with("attachment; filename=")
    );
    assert_eq!(file.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(file.header(header::CACHE_CONTROL), "no-store");
    assert!(file.header(header::CONTENT_SECURITY_POLICY).ends_with("sandbox"));
    assert!(file.html.ends_with(" a picture"));

    let stranger = Person::stranger(&test, CookieSecurity::LoopbackHttp);
    let sent_away = stranger.get(&link).await;
    assert!(
        sent_away.status.is_redirection() && !sent_away.html.contains("a picture"),
        "{sent_away:?}"
    );
    for path in [
        "/attachments/nonsense",
        "/attachments/019b8d00-0000-7000-8000-000000000000",
    ] {
        assert_eq!(person.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_refused_file_says_why_and_has_no_link() {
    let test = TestHub::new().await;
    let page = page_with(&test, b"MZ\x90\0 a program").await;
    let html = Person::reviewer(&test).await.get(&page).await.html;
    assert!(html.contains("not kept: a program"), "{html}");
    assert_eq!(link_in(&html), None);
}
