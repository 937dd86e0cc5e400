//! The loop of the README, by API calls alone: what `--no-autopilot` leaves to a person.

use std::time::Duration;

use feedback_tests::{host::Host, wait::until};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_of_the_readme_works_by_api_calls_alone() {
    let host = Host::demo(&["--no-autopilot", "--seed", "3", "--rate", "1"]).await;
    let api = host.api();
    let ticket = until("a ticket from Slack", Duration::from_secs(20), || async {
        api.all("/api/tickets?channel=slack&status=new")
            .await
            .into_iter()
            .next()
    })
    .await;
    let id = ticket["id"].as_str().expect("a ticket has an id").to_owned();
    until("AI's suggestion", Duration::from_secs(20), || async {
        let detail = api.get(&format!("/api/tickets/{id}")).await;
        (detail["enrichment_status"] == "suggested").then_some(())
    })
    .await;

    let version = api.get(&format!("/api/tickets/{id}")).await["version"].clone();
    let word = json!({"version": version, "type": "bug", "priority": "P2"});
    let (status, confirmed) = api
        .call(Method::POST, &format!("/api/tickets/{id}/confirm"), Some(&word))
        .await;
    assert_eq!(status, StatusCode::OK, "{confirmed}");
    let (status, stale) = api
        .call(Method::POST, &format!("/api/tickets/{id}/confirm"), Some(&word))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "a version that is no longer so: {stale}");

    let page = until("a page on the board", Duration::from_secs(20), || async {
        api.get(&format!("/api/tickets/{id}")).await["notion_page_id"]
            .as_str()
            .map(str::to_owned)
    })
    .await;
    let outside = host.outside.clone().expect("a demo has a sandbox");
    move_to_done(&outside, &page).await;

    let entry = until("a draft", Duration::from_secs(30), || async {
        let (status, entry) = api
            .call(Method::GET, &format!("/api/tickets/{id}/changelog"), None)
            .await;
        (status == StatusCode::OK).then_some(entry)
    })
    .await;
    assert_eq!(entry["status"], "draft");
    let edit = json!({"version": entry["version"], "content": "Ya está resuelto. ¡Gracias por avisar!"});
    let (status, edited) = api
        .call(
            Method::PATCH,
            &format!("/api/tickets/{id}/update_changelog"),
            Some(&edit),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{edited}");
    assert!(
        api.all(&format!("/api/notifications?ticket_id={id}")).await.is_empty(),
        "nothing goes out unapproved"
    );

    let approval = json!({"version": edited["version"]});
    let path = format!("/api/tickets/{id}/approve_changelog");
    let (status, approved) = api.call(Method::PATCH, &path, Some(&approval)).await;
    assert_eq!(status, StatusCode::OK, "{approved}");
    let told = until("the message to arrive", Duration::from_secs(20), || async {
        let rows = api.all(&format!("/api/notifications?ticket_id={id}")).await;
        rows.into_iter()
            .find(|row| matches!(row["status"].as_str(), Some("sent" | "delivered" | "read")))
    })
    .await;
    assert_eq!(told["channel"], "slack");
    assert_eq!(api.get(&format!("/api/tickets/{id}")).await["status"], "closed");
}

/// What a person does with the button on the sandbox's page.
async fn move_to_done(outside: &str, page: &str) {
    let url = format!("{}/control/notion/{page}/status", outside.trim_end_matches('/'));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client
        .post(url)
        .json(&json!({"status": "Done"}))
        .send()
        .await
        .expect("the sandbox answers");
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    assert!(status.is_success(), "{status} {body}");
}
