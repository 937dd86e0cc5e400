//! What a newcomer sees: within a minute, a report of each channel has gone all the way.

use std::{collections::BTreeSet, time::Duration};

use feedback_tests::{host::Host, wait::until};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn within_a_minute_a_report_on_each_channel_is_answered() {
    let host = Host::demo(&["--seed", "11"]).await;
    let api = host.api();
    let arrived = |row: &Value| matches!(row["status"].as_str(), Some("sent" | "delivered" | "read"));
    let rows = until(
        "a delivered message on each channel",
        Duration::from_secs(60),
        || async {
            let rows = api.all("/api/notifications").await;
            let channels: BTreeSet<_> = rows
                .iter()
                .filter(|row| arrived(row))
                .filter_map(|row| row["channel"].as_str())
                .collect();
            (["intercom", "slack", "whatsapp"]
                .iter()
                .all(|channel| channels.contains(channel)))
            .then_some(rows.clone())
        },
    )
    .await;
    assert!(
        rows.iter().all(|row| row["last_error"].is_null()),
        "nothing failed on the way: {rows:?}"
    );

    let page = host.outside.as_deref().expect("a demo has a sandbox");
    let state: Value = reqwest::get_json(page, "control/state").await;
    let said = state.to_string();
    for row in rows.iter().filter(|row| arrived(row)) {
        let id = row["ticket_id"].as_str().expect("a notification names its ticket");
        let entry = api.get(&format!("/api/tickets/{id}/changelog")).await;
        let text = entry["content"].as_str().expect("an approved entry has its text");
        // Slack keeps its three escapes in what it stores, and Intercom has markup: compare what they do not touch.
        let words: Vec<_> = text
            .split(|c: char| "&<>\n\"\\".contains(c))
            .max_by_key(|part| part.len())
            .into_iter()
            .collect();
        assert!(
            words.iter().all(|part| said.contains(part.trim())),
            "{text:?} is not in the outside world"
        );
    }
}

mod reqwest {
    //! One GET without a token: the sandbox's page is open to whoever sits at this machine.
    use super::Value;

    pub(super) async fn get_json(page: &str, path: &str) -> Value {
        let url = format!("{}/{path}", page.trim_end_matches('/'));
        let answer = ::reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client")
            .get(url)
            .send()
            .await;
        let text = answer.expect("the sandbox answers").text().await.expect("text");
        serde_json::from_str(&text).expect("JSON")
    }
}
