//! A demo that leaves everything to people, and a reviewer at its pages.

use std::time::Duration;

use feedback_tests::{
    browser::Browser,
    host::{self, Host},
    wait::until,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A demo whose engineers and reviewers are the test.
pub(crate) async fn demo() -> Host {
    Host::demo(&["--no-autopilot", "--seed", "3", "--rate", "1"]).await
}

/// The same for several people: each gets a link of their own, made before the host holds the file.
pub(crate) async fn demo_for<const N: usize>(names: [&str; N], database: &str) -> (Host, [String; N]) {
    let mut links = Vec::new();
    for name in names {
        let mut command = host::command();
        command
            .args(["user", "add", name])
            .env("FEEDBACK_DATABASE_URL", format!("sqlite://{database}"));
        let output = command.output().await.expect("the host binary can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).expect("a link is text");
        links.push(
            printed
                .trim()
                .split_once("/sign-in")
                .expect("it prints a link")
                .1
                .to_owned(),
        );
    }
    let host = Host::demo(&["--no-autopilot", "--seed", "3", "--rate", "1", "--database", database]).await;
    let links = links
        .into_iter()
        .map(|link| format!("{}/sign-in{link}", host.url))
        .collect::<Vec<_>>();
    (host, links.try_into().expect("a link for each name"))
}

/// A browser whose person signed in by a link, with its button.
pub(crate) async fn signed_in(link: &str) -> Browser {
    let browser = Browser::start().await;
    browser.open(link).await;
    browser.click("main button").await;
    browser.reads("h1", "Tickets").await;
    browser
}

/// The ticket of the opening burst that came by Slack, once AI has answered.
pub(crate) async fn ticket_from_slack(host: &Host) -> Value {
    let api = host.api();
    until("AI's word on a ticket from Slack", Duration::from_secs(30), || async {
        let ticket = api.all("/api/tickets?channel=slack&status=new").await.pop()?;
        let detail = api.get(&format!("/api/tickets/{}", ticket["id"].as_str()?)).await;
        (detail["enrichment_status"] == "suggested").then_some(detail)
    })
    .await
}

/// A ticket that a colleague writes down.
pub(crate) async fn write_down(host: &Host, description: &str, name: &str) -> Value {
    let body = json!({"description": description, "reporter": {"name": name}, "channel": "backoffice"});
    let (status, ticket) = host.api().call(Method::POST, "/api/tickets", Some(&body)).await;
    assert_eq!(status, StatusCode::CREATED, "{ticket}");
    ticket
}

/// The address of a ticket's page.
pub(crate) fn page_of(host: &Host, ticket: &Value) -> String {
    format!("{}/tickets/{}", host.url, ticket["number"])
}

/// Lets the engineers finish: moves the ticket's page on their board.
pub(crate) async fn resolve(host: &Host, ticket: &Value) {
    let api = host.api();
    let path = format!("/api/tickets/{}", ticket["id"].as_str().expect("a ticket has an id"));
    let page = until("a page on the board", Duration::from_secs(30), || async {
        api.get(&path).await["notion_page_id"].as_str().map(str::to_owned)
    })
    .await;
    let outside = host
        .outside
        .as_deref()
        .expect("a demo has a sandbox")
        .trim_end_matches('/');
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = format!("{outside}/control/notion/{page}/status");
    let answer = client
        .post(url)
        .json(&json!({"status": "Done"}))
        .send()
        .await
        .expect("the sandbox answers");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// Fails where the browser complained of anything: refused content, a script's error, a failed request.
pub(crate) async fn assert_no_complaints(browser: &Browser) {
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:?}");
}
