use feedback_sandbox::{Provider, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{client, read, request, sandbox};

async fn text(sandbox: &Sandbox, path: &str) -> String {
    client()
        .get(format!("{}{path}", sandbox.page_url()))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
}

async fn create_page(sandbox: &Sandbox, title: &str) -> String {
    let body = json!({
        "parent": {"data_source_id": sandbox.config().notion.data_source_id},
        "properties": {"Name": {"title": [{"text": {"content": title}}]}},
    });
    let url = format!("{}/v1/pages", sandbox.notion_base_url());
    let post = request(Method::POST, url, &sandbox.config().notion.token).header("Notion-Version", "2025-09-03");
    read(post.json(&body).send().await.unwrap()).await.1["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn the_page_shows_all_four_columns_and_escapes_what_people_wrote() {
    let sandbox = sandbox().await;
    let attack = "<script>alert('hola')</script> & \"más\"";
    let _ = sandbox.slack().person_posts("U0LUCIAFERN", "C0SUPPORT", attack);
    let _ = sandbox
        .intercom()
        .person_writes(&sandbox.config().people[0].intercom_id, attack);
    let _ = sandbox.whatsapp().person_writes("15550101555", attack, attack);
    create_page(&sandbox, attack).await;
    let page = text(&sandbox, "/").await;
    assert!(page.contains("Sandbox: what the outside world sees"));
    for title in [
        "<h2>Slack</h2>",
        "<h2>Intercom</h2>",
        "<h2>WhatsApp</h2>",
        "<h2>Notion</h2>",
        "Move to Done",
    ] {
        assert!(page.contains(title), "{title}");
    }
    assert!(!page.contains("<script>alert"));
    let fragment = text(&sandbox, "/fragment").await;
    let escaped = "&lt;script&gt;alert(&#39;hola&#39;)&lt;/script&gt; &amp; &quot;más&quot;";
    assert_eq!(fragment.matches(escaped).count(), 6, "{fragment}");
}

#[tokio::test]
async fn the_button_moves_a_card_and_leaves_a_note() {
    let sandbox = sandbox().await;
    let id = create_page(&sandbox, "No exporta").await;
    let url = format!("{}/pages/{id}/status", sandbox.page_url());
    let form = client()
        .post(&url)
        .form(&[("status", "Done"), ("notes", "Corregido")])
        .send()
        .await
        .unwrap();
    assert_eq!(form.status(), 303);
    let page = sandbox.notion().page(&id).unwrap();
    assert_eq!(page.status.as_deref(), Some("Done"));
    assert_eq!(page.content, ["Corregido"]);
    let unknown = client().post(url).form(&[("status", "Never")]).send().await.unwrap();
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn faults_and_cards_are_controlled_over_http() {
    let sandbox = sandbox().await;
    let base = sandbox.page_url();
    let put = |provider: &str, body: &'static str| {
        client()
            .put(format!("{base}/control/faults/{provider}"))
            .body(body)
            .send()
    };
    let scripted = put(
        "slack",
        r#"{"fault": {"rate_limited": {"retry_after_secs": 2}}, "times": 3, "path": "chat."}"#,
    );
    assert_eq!(scripted.await.unwrap().status(), 200);
    assert_eq!(sandbox.faults().pending(Provider::Slack)[0].remaining, Some(3));
    assert_eq!(put("slack", r#"{"fault": "explode"}"#).await.unwrap().status(), 400);
    assert_eq!(put("smoke-signals", "{}").await.unwrap().status(), 404);
    let cleared = client()
        .delete(format!("{base}/control/faults/slack"))
        .send()
        .await
        .unwrap();
    assert_eq!(cleared.status(), 200);
    assert!(sandbox.faults().pending(Provider::Slack).is_empty());

    let id = create_page(&sandbox, "No exporta").await;
    let moved = client()
        .post(format!("{base}/control/notion/{id}/status"))
        .body(r#"{"status": "In progress"}"#)
        .send();
    assert_eq!(read(moved.await.unwrap()).await.1["status"], "In progress");
    let noted = client()
        .post(format!("{base}/control/notion/{id}/notes"))
        .body(r#"{"notes": "a\nb"}"#)
        .send();
    assert_eq!(read(noted.await.unwrap()).await.1["content"], json!(["a", "b"]));
    let state: Value = serde_json::from_str(&text(&sandbox, "/control/state").await).unwrap();
    assert_eq!(state["notion"]["pages"][0]["id"], id.as_str());
    assert!(!state.to_string().contains(&sandbox.config().slack.bot_token));
}

#[tokio::test]
async fn other_sites_cannot_change_anything() {
    let sandbox = sandbox().await;
    let id = create_page(&sandbox, "a").await;
    let url = format!("{}/pages/{id}/status", sandbox.page_url());
    let foreign = client()
        .post(&url)
        .header("sec-fetch-site", "cross-site")
        .form(&[("status", "Done")]);
    assert_eq!(foreign.send().await.unwrap().status(), 403);
    let rebound = client().get(sandbox.page_url()).header("host", "evil.example");
    assert_eq!(rebound.send().await.unwrap().status(), 403);
    assert_eq!(
        sandbox.notion().page(&id).unwrap().status.as_deref(),
        Some("Not started")
    );
}
