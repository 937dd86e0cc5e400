use feedback_sandbox::{IntercomPartAuthor, IntercomPartKind, Sandbox, webhooks::signature};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{client, eventually, hub::TestHub, read, request, sandbox};

fn lucia(sandbox: &Sandbox) -> String {
    sandbox.config().people[0].intercom_id.clone()
}

async fn get(sandbox: &Sandbox, path: &str) -> (u16, Value) {
    let token = &sandbox.config().intercom.access_token;
    let get = request(Method::GET, format!("{}{path}", sandbox.intercom_base_url()), token);
    read(get.header("Intercom-Version", "2.14").send().await.unwrap()).await
}

async fn reply(sandbox: &Sandbox, conversation: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/conversations/{conversation}/reply", sandbox.intercom_base_url());
    let post = request(Method::POST, url, &sandbox.config().intercom.access_token);
    read(post.header("Intercom-Version", "2.14").json(body).send().await.unwrap()).await
}

fn comment(sandbox: &Sandbox, body: &str) -> Value {
    json!({"message_type": "comment", "type": "admin", "admin_id": sandbox.config().intercom.admin_id, "body": body})
}

#[tokio::test]
async fn a_comment_becomes_the_last_part() {
    let sandbox = sandbox().await;
    let (opened, _) = sandbox
        .intercom()
        .person_writes(&lucia(&sandbox), "No funciona < nada >");
    let (status, answer) = reply(&sandbox, &opened.conversation_id, &comment(&sandbox, "<p>Ya está</p>")).await;
    assert_eq!(status, 200);
    assert_eq!(answer["source"]["body"], "<p>No funciona &lt; nada &gt;</p>");
    let parts = answer["conversation_parts"]["conversation_parts"].as_array().unwrap();
    let part = parts.last().unwrap();
    assert_eq!(part["body"], "<p>Ya está</p>");
    assert_eq!(part["author"]["type"], "admin");
    assert_eq!(part["app_package_code"], "feedback-hub");
    let stored = sandbox.intercom().conversation(&opened.conversation_id).unwrap();
    assert_eq!(stored.parts.len(), 2);
    assert_eq!(stored.parts[1].kind, IntercomPartKind::Comment);
    assert!(matches!(stored.parts[1].author, IntercomPartAuthor::Admin(_)));
    let (_, read_back) = get(
        &sandbox,
        &format!("/conversations/{}?display_as=plaintext", opened.conversation_id),
    )
    .await;
    assert_eq!(read_back["source"]["body"], "No funciona < nada >");
    assert_eq!(read_back["conversation_parts"]["total_count"], 1);
}

#[tokio::test]
async fn a_note_is_kept_apart_from_comments() {
    let sandbox = sandbox().await;
    let (opened, _) = sandbox.intercom().person_writes(&lucia(&sandbox), "hola");
    let mut note = comment(&sandbox, "interno");
    note["message_type"] = json!("note");
    assert_eq!(reply(&sandbox, &opened.conversation_id, &note).await.0, 200);
    let stored = sandbox.intercom().conversation(&opened.conversation_id).unwrap();
    assert_eq!(stored.comments_by_admins().count(), 0);
    assert_eq!(stored.parts[1].kind, IntercomPartKind::Note);
    assert_eq!(stored.parts[1].body, "<p>interno</p>");
}

#[tokio::test]
async fn wrong_replies_are_refused_in_intercoms_shape() {
    let sandbox = sandbox().await;
    let (opened, _) = sandbox.intercom().person_writes(&lucia(&sandbox), "hola");
    let id = &opened.conversation_id;
    let with = |name: &str, value: Value| {
        let mut body = comment(&sandbox, "x");
        body[name] = value;
        body
    };
    let cases = [
        (with("admin_id", Value::Null), 400, "parameter_not_found"),
        (with("admin_id", json!("999")), 404, "not_found"),
        (with("body", json!("")), 400, "parameter_not_found"),
        (with("body", json!(5)), 400, "parameter_invalid"),
        (with("message_type", json!("shout")), 400, "parameter_invalid"),
        (with("type", Value::Null), 400, "parameter_not_found"),
        (
            with("attachment_urls", json!(vec!["https://a.example/1.png"; 11])),
            400,
            "parameter_invalid",
        ),
    ];
    for (body, status, code) in cases {
        let (got, answer) = reply(&sandbox, id, &body).await;
        assert_eq!((got, &answer["errors"][0]["code"]), (status, &json!(code)), "{body}");
        assert_eq!(answer["type"], "error.list");
        assert!(answer["request_id"].is_string());
    }
    assert_eq!(reply(&sandbox, "1", &comment(&sandbox, "x")).await.0, 404);
    let number = with(
        "admin_id",
        json!(sandbox.config().intercom.admin_id.parse::<u64>().unwrap()),
    );
    assert_eq!(
        reply(&sandbox, id, &number).await.0,
        200,
        "official examples send numbers"
    );
    let url = format!("{}/conversations/{id}/reply", sandbox.intercom_base_url());
    let form = request(Method::POST, url, &sandbox.config().intercom.access_token).form(&[("body", "x")]);
    assert_eq!(form.send().await.unwrap().status(), 415);
    assert_eq!(sandbox.intercom().conversation(id).unwrap().parts.len(), 2);
}

#[tokio::test]
async fn the_token_and_the_version_are_checked() {
    let sandbox = sandbox().await;
    let url = format!("{}/me", sandbox.intercom_base_url());
    let (status, body) = read(client().get(&url).bearer_auth("wrong").send().await.unwrap()).await;
    assert_eq!((status, &body["errors"][0]["code"]), (401, &json!("unauthorized")));
    let token = &sandbox.config().intercom.access_token;
    let odd = request(Method::GET, url.clone(), token)
        .header("Intercom-Version", "9.9")
        .send()
        .await
        .unwrap();
    assert_eq!(read(odd).await.0, 400);
    let fine = request(Method::GET, url, token).send().await.unwrap();
    assert_eq!(fine.headers()["x-ratelimit-limit"], "1667");
    assert_eq!(read(fine).await.1["id"], sandbox.config().intercom.admin_id);
}

#[tokio::test]
async fn contacts_are_found_by_id_and_by_search() {
    let sandbox = sandbox().await;
    let person = sandbox.config().people[0].clone();
    let (_, contact) = get(&sandbox, &format!("/contacts/{}", person.intercom_id)).await;
    assert_eq!(contact["email"], person.email);
    assert_eq!(contact["phone"], format!("+{}", person.phone));
    assert_eq!(get(&sandbox, "/contacts/000000000000000000000000").await.0, 404);
    let query = json!({"query": {"field": "email", "operator": "=", "value": person.email}});
    let url = format!("{}/contacts/search", sandbox.intercom_base_url());
    let post = request(Method::POST, url, &sandbox.config().intercom.access_token).json(&query);
    let (_, found) = read(post.send().await.unwrap()).await;
    assert_eq!(found["data"][0]["id"], person.intercom_id);
    assert_eq!(found["total_count"], 1);
}

#[tokio::test]
async fn what_people_and_teammates_write_is_announced() {
    let sandbox = sandbox().await;
    let (hub, url) = TestHub::start().await;
    hub.answer(&[500]);
    sandbox.connect(&url);
    let (opened, inbound) = sandbox
        .intercom()
        .person_writes("00000000000000000000beef", "soy nueva");
    assert_eq!(sandbox.deliver(&inbound).await.attempts, 2);
    let (_, inbound) = sandbox
        .intercom()
        .person_replies(&opened.conversation_id, "¿hay alguien?")
        .unwrap();
    assert!(sandbox.deliver(&inbound).await.is_accepted());
    reply(&sandbox, &opened.conversation_id, &comment(&sandbox, "sí")).await;
    eventually("the echo", || hub.received("/webhooks/intercom").len() == 4).await;
    let received = hub.received("/webhooks/intercom");
    let topics: Vec<String> = received
        .iter()
        .map(|webhook| webhook.json()["topic"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        topics,
        [
            "conversation.user.created",
            "conversation.user.created",
            "conversation.user.replied",
            "conversation.admin.replied"
        ]
    );
    for webhook in &received {
        let expected = signature::intercom(&sandbox.config().intercom.client_secret, &webhook.body);
        assert_eq!(webhook.header("x-hub-signature"), expected);
    }
    assert_eq!(received[0].json()["data"]["item"]["source"]["author"]["type"], "lead");
    assert_eq!(received[0].json()["data"]["item"]["source"]["author"]["email"], "");
    let echoed = &received[3].json()["data"]["item"]["conversation_parts"];
    assert_eq!(echoed["conversation_parts"][0]["author"]["type"], "admin");
    assert_eq!(echoed["total_count"], 1);
}
