use feedback_sandbox::{Fault, Provider, Sandbox, Scope, webhooks::signature};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{client, eventually, hub::TestHub, read, request, sandbox};

async fn call(sandbox: &Sandbox, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    call_as(sandbox, "2025-09-03", method, path, body).await
}

async fn call_as(sandbox: &Sandbox, version: &str, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("{}{path}", sandbox.notion_base_url());
    let mut call = request(method, url, &sandbox.config().notion.token).header("Notion-Version", version);
    if let Some(body) = body {
        call = call.json(&body);
    }
    read(call.send().await.unwrap()).await
}

fn text(content: &str) -> Value {
    json!([{"text": {"content": content}}])
}

fn page(sandbox: &Sandbox, title: &str, hub_id: &str) -> Value {
    json!({
        "parent": {"type": "data_source_id", "data_source_id": sandbox.config().notion.data_source_id},
        "properties": {"Name": {"title": text(title)}, "Hub ID": {"rich_text": text(hub_id)}, "Priority": {"select": {"name": "P1"}}},
        "children": [{"object": "block", "type": "paragraph", "paragraph": {"rich_text": text("cuerpo")}}],
    })
}

async fn create(sandbox: &Sandbox, title: &str, hub_id: &str) -> String {
    let (status, answer) = call(sandbox, Method::POST, "/v1/pages", Some(page(sandbox, title, hub_id))).await;
    assert_eq!(status, 200, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

fn query_path(sandbox: &Sandbox) -> String {
    format!("/v1/data_sources/{}/query", sandbox.config().notion.data_source_id)
}

async fn query(sandbox: &Sandbox, body: Value) -> Value {
    let (status, answer) = call(sandbox, Method::POST, &query_path(sandbox), Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn a_page_is_created_and_found_by_its_hub_id() {
    let sandbox = sandbox().await;
    let id = create(&sandbox, "No exporta", "01J").await;
    create(&sandbox, "Otra", "02K").await;
    let found = query(
        &sandbox,
        json!({"filter": {"property": "Hub ID", "rich_text": {"equals": "01J"}}}),
    )
    .await;
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
    let page = &found["results"][0];
    assert_eq!(page["id"], id.as_str());
    assert_eq!(page["properties"]["Name"]["title"][0]["plain_text"], "No exporta");
    assert_eq!(page["properties"]["Status"]["status"]["name"], "Not started");
    assert_eq!(page["properties"]["Priority"]["select"]["name"], "P1");
    assert_eq!(page["archived"], false);
    assert!(page["last_edited_time"].as_str().unwrap().ends_with(":00.000Z"));
    let undashed = id.replace('-', "");
    assert_eq!(
        call(&sandbox, Method::GET, &format!("/v1/pages/{undashed}"), None)
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn the_version_and_the_token_are_required() {
    let sandbox = sandbox().await;
    let url = format!("{}/v1/users/me", sandbox.notion_base_url());
    let (status, body) = read(client().get(&url).bearer_auth("wrong").send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (401, &json!("unauthorized")));
    let token = &sandbox.config().notion.token;
    let (status, body) = read(request(Method::GET, url, token).send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (400, &json!("missing_version")));
    assert!(body["request_id"].is_string());
    let old = call_as(&sandbox, "2022-06-28", Method::GET, "/v1/users/me", None).await;
    assert_eq!((old.0, &old.1["code"]), (400, &json!("validation_error")));
    assert_eq!(call(&sandbox, Method::GET, "/v1/users/me", None).await.1["type"], "bot");
}

#[tokio::test]
async fn the_schema_is_discovered_from_the_database() {
    let sandbox = sandbox().await;
    let database = &sandbox.config().notion.database_id;
    let (_, found) = call(&sandbox, Method::GET, &format!("/v1/databases/{database}"), None).await;
    let source = found["data_sources"][0]["id"].as_str().unwrap();
    let (_, schema) = call(&sandbox, Method::GET, &format!("/v1/data_sources/{source}"), None).await;
    let names: Vec<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for name in [
        "Name", "Status", "Priority", "Type", "Source", "Reporter", "Sprint", "Hub ID", "Hub link",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    let wrong = call(&sandbox, Method::GET, &format!("/v1/data_sources/{database}"), None).await;
    assert_eq!((wrong.0, &wrong.1["code"]), (404, &json!("object_not_found")));
}

#[tokio::test]
async fn bad_pages_are_refused_whole() {
    let sandbox = sandbox().await;
    let with = |name: &str, value: Value| {
        let mut body = page(&sandbox, "t", "h");
        body["properties"][name] = value;
        body
    };
    let cases = [
        with("Nope", json!({"select": {"name": "x"}})),
        with("name", json!({"title": text("x")})),
        with("Status", json!({"status": {"name": "Listo"}})),
        with("Status", json!({"select": {"name": "Done"}})),
        with("Name", json!({"title": text(&"x".repeat(2_001))})),
        with("Name", json!({"title": text(&"🎉".repeat(1_001))})),
        with(
            "Reporter",
            json!({"rich_text": vec![json!({"text": {"content": "a"}}); 101]}),
        ),
        with("Hub link", json!({"url": ""})),
        with("Source", json!({"select": {"name": "a,b"}})),
    ];
    for body in cases {
        let (status, answer) = call(&sandbox, Method::POST, "/v1/pages", Some(body)).await;
        assert_eq!((status, &answer["code"]), (400, &json!("validation_error")));
    }
    let mut body = page(&sandbox, "t", "h");
    body["children"] = json!(vec![json!({"paragraph": {"rich_text": text("a")}}); 101]);
    assert_eq!(call(&sandbox, Method::POST, "/v1/pages", Some(body)).await.0, 400);
    let mut body = page(&sandbox, "t", "h");
    body["parent"]["data_source_id"] = json!(sandbox.config().notion.database_id);
    assert_eq!(call(&sandbox, Method::POST, "/v1/pages", Some(body)).await.0, 404);
    let mut body = page(&sandbox, "t", "h");
    body["title"] = json!("no such key");
    assert_eq!(call(&sandbox, Method::POST, "/v1/pages", Some(body)).await.0, 400);
    let huge = with(
        "Sprint",
        json!({"rich_text": vec![json!({"text": {"content": "ñ".repeat(1_999)}}); 99]}),
    );
    let mut body = huge.clone();
    body["children"] = json!(vec![json!({"paragraph": {"rich_text": text(&"x".repeat(2_000))}}); 100]);
    body["properties"]["Reporter"] = huge["properties"]["Sprint"].clone();
    assert_eq!(
        call(&sandbox, Method::POST, "/v1/pages", Some(body)).await.0,
        400,
        "over 500 KB"
    );
    assert!(sandbox.notion().pages().is_empty());
}

#[tokio::test]
async fn an_update_changes_only_what_it_names() {
    let sandbox = sandbox().await;
    let id = create(&sandbox, "No exporta", "01J").await;
    let body = json!({"properties": {"st:1": {"status": {"name": "In progress"}}, "Priority": {"select": null}}});
    let (status, answer) = call(&sandbox, Method::PATCH, &format!("/v1/pages/{id}"), Some(body)).await;
    assert_eq!(status, 200);
    assert_eq!(answer["properties"]["Status"]["status"]["name"], "In progress");
    assert!(answer["properties"]["Priority"]["select"].is_null());
    assert_eq!(answer["properties"]["Name"]["title"][0]["plain_text"], "No exporta");
    let unknown = format!("/v1/pages/{}", sandbox.config().notion.database_id);
    assert_eq!(
        call(&sandbox, Method::PATCH, &unknown, Some(json!({"properties": {}})))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn trashed_pages_vanish_from_queries_and_refuse_edits() {
    let sandbox = sandbox().await;
    let id = create(&sandbox, "a", "1").await;
    sandbox.notion().trash_page(&id).unwrap();
    assert_eq!(query(&sandbox, json!({})).await["results"], json!([]));
    let path = format!("/v1/pages/{id}");
    assert_eq!(call(&sandbox, Method::GET, &path, None).await.1["in_trash"], true);
    let edit = json!({"properties": {"Sprint": {"rich_text": text("7")}}});
    assert_eq!(call(&sandbox, Method::PATCH, &path, Some(edit)).await.0, 400);
    assert_eq!(
        call(&sandbox, Method::PATCH, &path, Some(json!({"archived": false})))
            .await
            .0,
        200
    );
    assert_eq!(query(&sandbox, json!({})).await["results"].as_array().unwrap().len(), 1);
    let newer = call_as(
        &sandbox,
        "2026-03-11",
        Method::PATCH,
        &path,
        Some(json!({"archived": true})),
    )
    .await;
    assert_eq!(newer.0, 400, "renamed to in_trash");
    assert!(
        call_as(&sandbox, "2026-03-11", Method::GET, &path, None)
            .await
            .1
            .get("archived")
            .is_none()
    );
}

#[tokio::test]
async fn queries_are_paged_in_a_stable_order() {
    let sandbox = sandbox().await;
    for number in 0..7 {
        create(&sandbox, &format!("p{number}"), &number.to_string()).await;
    }
    let sorts = json!([{"timestamp": "last_edited_time", "direction": "ascending"}]);
    let mut titles = Vec::new();
    let mut body = json!({"sorts": sorts, "page_size": 3});
    loop {
        let page = query(&sandbox, body.clone()).await;
        for result in page["results"].as_array().unwrap() {
            titles.push(
                result["properties"]["Name"]["title"][0]["plain_text"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
        assert_eq!(page["has_more"].as_bool().unwrap(), page["next_cursor"].is_string());
        if page["has_more"] == false {
            break;
        }
        body["start_cursor"] = page["next_cursor"].clone();
    }
    assert_eq!(titles, ["p0", "p1", "p2", "p3", "p4", "p5", "p6"]);
    for wrong in [
        json!({"page_size": 101}),
        json!({"page_size": 0}),
        json!({"start_cursor": null}),
        json!({"start_cursor": "bm9wZQ"}),
        json!({"sorts": [{"timestamp": "birthday"}]}),
        json!({"filters": {}}),
    ] {
        assert_eq!(
            call(&sandbox, Method::POST, &query_path(&sandbox), Some(wrong.clone()))
                .await
                .0,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_members_move_is_seen_by_the_next_poll() {
    let sandbox = sandbox().await;
    let id = create(&sandbox, "a", "1").await;
    sandbox.advance_clock(std::time::Duration::from_secs(120));
    let before = query(&sandbox, json!({})).await["results"][0]["last_edited_time"]
        .as_str()
        .unwrap()
        .to_owned();
    sandbox
        .notion()
        .set_notes(&id, "Se corrigió el botón.\n\nYa exporta bien.")
        .unwrap();
    sandbox.notion().move_page(&id, "Done").unwrap();
    let filter = json!({"and": [
        {"timestamp": "last_edited_time", "last_edited_time": {"after": before}},
        {"property": "Status", "status": {"equals": "Done"}},
    ]});
    let changed = query(&sandbox, json!({"filter": filter})).await;
    assert_eq!(
        changed["results"][0]["last_edited_by"]["id"],
        "11111111-1111-4111-8111-111111111111"
    );
    let (_, blocks) = call(
        &sandbox,
        Method::GET,
        &format!("/v1/blocks/{id}/children?page_size=1"),
        None,
    )
    .await;
    assert_eq!(
        blocks["results"][0]["paragraph"]["rich_text"][0]["plain_text"],
        "Se corrigió el botón."
    );
    assert_eq!(blocks["has_more"], true);
    let cursor = blocks["next_cursor"].as_str().unwrap();
    let (_, rest) = call(
        &sandbox,
        Method::GET,
        &format!("/v1/blocks/{id}/children?start_cursor={cursor}"),
        None,
    )
    .await;
    assert_eq!(
        rest["results"][0]["paragraph"]["rich_text"][0]["plain_text"],
        "Ya exporta bien."
    );
    assert!(sandbox.notion().move_page(&id, "Nowhere").is_err());
    assert!(sandbox.notion().move_page("x", "Done").is_err());
}

#[tokio::test]
async fn appended_content_does_not_move_the_pages_stamp() {
    let sandbox = sandbox().await;
    let id = create(&sandbox, "a", "1").await;
    let before = sandbox.notion().page(&id).unwrap().last_edited_at;
    let path = format!("/v1/blocks/{id}/children");
    let nested =
        json!({"toggle": {"rich_text": text("más"), "children": [{"paragraph": {"rich_text": text("dentro")}}]}});
    let (status, added) = call(&sandbox, Method::PATCH, &path, Some(json!({"children": [nested]}))).await;
    assert_eq!(status, 200, "{added}");
    assert_eq!(added["results"][0]["has_children"], true);
    let first = call(&sandbox, Method::GET, &path, None).await.1["results"][0]["id"].clone();
    let between = json!({"children": [{"divider": {}}], "after": first});
    assert_eq!(call(&sandbox, Method::PATCH, &path, Some(between.clone())).await.0, 200);
    assert_eq!(
        call_as(&sandbox, "2026-03-11", Method::PATCH, &path, Some(between))
            .await
            .0,
        400
    );
    let start = json!({"children": [{"quote": {"rich_text": text("arriba")}}], "position": {"type": "start"}});
    assert_eq!(
        call_as(&sandbox, "2026-03-11", Method::PATCH, &path, Some(start))
            .await
            .0,
        200
    );
    let page = sandbox.notion().page(&id).unwrap();
    assert_eq!(page.content, ["arriba", "cuerpo", "", "más", "  dentro"]);
    assert_eq!(page.last_edited_at, before);
    let (_, markdown) = call(&sandbox, Method::GET, &format!("/v1/pages/{id}/markdown"), None).await;
    assert!(
        markdown["markdown"]
            .as_str()
            .unwrap()
            .starts_with("> arriba\ncuerpo\n---\n")
    );
    let gone = call(
        &sandbox,
        Method::DELETE,
        &format!("/v1/blocks/{}", first.as_str().unwrap()),
        None,
    )
    .await;
    assert_eq!(gone.1["in_trash"], true);
    assert_eq!(sandbox.notion().page(&id).unwrap().content.len(), 4);
}

#[tokio::test]
async fn long_cells_are_cut_at_25_items_and_read_in_full_elsewhere() {
    let sandbox = sandbox().await;
    let mut body = page(&sandbox, "t", "h");
    body["properties"]["Reporter"] = json!({"rich_text": vec![json!({"text": {"content": "ab"}}); 30]});
    let (_, created) = call(&sandbox, Method::POST, "/v1/pages", Some(body)).await;
    assert_eq!(
        created["properties"]["Reporter"]["rich_text"].as_array().unwrap().len(),
        25
    );
    let path = format!("/v1/pages/{}/properties/rptr", created["id"].as_str().unwrap());
    let (_, full) = call(&sandbox, Method::GET, &path, None).await;
    assert_eq!(full["results"].as_array().unwrap().len(), 30);
    assert_eq!(full["results"][0]["object"], "property_item");
}

#[tokio::test]
async fn owners_may_rename_and_remove_columns_and_choices() {
    let sandbox = sandbox().await;
    let id = create(&sandbox, "a", "1").await;
    sandbox.notion().rename_choice("Status", "Not started", "Por hacer");
    sandbox.notion().rename_property("Hub ID", "Referencia");
    sandbox.notion().remove_property("Priority");
    let (_, shown) = call(&sandbox, Method::GET, &format!("/v1/pages/{id}"), None).await;
    assert_eq!(shown["properties"]["Status"]["status"]["name"], "Por hacer");
    assert_eq!(shown["properties"]["Referencia"]["rich_text"][0]["plain_text"], "1");
    assert!(shown["properties"].get("Priority").is_none());
    assert_eq!(
        call(&sandbox, Method::POST, "/v1/pages", Some(page(&sandbox, "b", "2")))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn a_lost_answer_leaves_one_page_to_be_found() {
    let sandbox = sandbox().await;
    let scope = Scope::path("/v1/pages").with_method("POST");
    sandbox
        .faults()
        .fail_next_in(Provider::Notion, 1, Fault::CloseAfterEffect, scope);
    let url = format!("{}/v1/pages", sandbox.notion_base_url());
    let post = request(Method::POST, url, &sandbox.config().notion.token).header("Notion-Version", "2025-09-03");
    assert!(post.json(&page(&sandbox, "a", "01J")).send().await.is_err());
    let found = query(
        &sandbox,
        json!({"filter": {"property": "Hub ID", "rich_text": {"equals": "01J"}}}),
    )
    .await;
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn edits_are_signalled_with_a_signature() {
    let sandbox = sandbox().await;
    let (hub, url) = TestHub::start().await;
    sandbox.connect(&url);
    let id = create(&sandbox, "a", "1").await;
    sandbox.notion().move_page(&id, "Done").unwrap();
    eventually("both signals", || hub.received("/webhooks/notion").len() == 2).await;
    let token = sandbox.config().notion.verification_token.clone().unwrap();
    let mut authors = Vec::new();
    for webhook in hub.received("/webhooks/notion") {
        assert_eq!(
            webhook.header("x-notion-signature"),
            signature::notion(&token, &webhook.body)
        );
        assert_eq!(webhook.json()["entity"]["id"], id.as_str());
        authors.push(webhook.json()["authors"][0]["type"].as_str().unwrap().to_owned());
    }
    authors.sort();
    assert_eq!(authors, ["bot", "person"]);
}
