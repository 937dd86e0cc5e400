//! Tickets: reported, listed, shown, confirmed, changed.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use feedback_core::ports::PortErrorKind;
use serde_json::{Value, json};

use crate::world::{Reply, World};

fn path_of(ticket: &Value) -> String {
    format!("/api/tickets/{}", ticket["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_report_is_created_and_read_back_with_the_fields_that_are_promised() {
    let world = World::new().await;
    let body = json!({
        "description": "The export hangs. Ask ana@example.test.", "title": "Export hangs", "channel": "in_app",
        "external_id": "r-1", "type": "bug", "priority": "P1",
        "reporter": {"external_user_id": "u-1", "email": "ana@example.test", "name": "Ana Pérez", "phone": "+34 612 34 56 78"},
    });
    let created = world.post("/api/tickets", &body).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    let ticket = created.json();
    assert_eq!(created.headers[header::LOCATION].to_str().unwrap(), path_of(&ticket));
    assert_eq!(created.headers[header::ETAG], "\"1\"");
    for (field, value) in [
        ("number", json!(1001)),
        ("title", json!("Export hangs")),
        ("status", json!("new")),
        ("type", json!("bug")),
        ("priority", json!("P1")),
        ("channel", json!("in_app")),
        ("version", json!(1)),
        ("enrichment_status", json!("pending")),
        ("created_at", json!("2026-01-05T09:00:00.000000Z")),
        ("notion_page_id", Value::Null),
        ("ai_suggested_type", Value::Null),
        ("ai_suggested_priority", Value::Null),
        ("ai_summary", Value::Null),
        ("confirmed_type", Value::Null),
        ("confirmed_priority", Value::Null),
        ("confirmed_by", Value::Null),
        ("confirmed_at", Value::Null),
        ("changelog", Value::Null),
        ("notifications", json!([])),
        ("links", json!([])),
        ("suggestions", json!([])),
    ] {
        assert_eq!(ticket[field], value, "{field}");
    }
    assert_eq!(ticket["reporter"]["name"], "Ana Pérez");
    assert_eq!(ticket["timeline"][0]["kind"], "received");
    assert_eq!(ticket["sources"][0]["external_id"], "r-1");
    let description = ticket["description"].as_str().unwrap();
    assert!(
        !description.contains("ana@example.test") && description.contains("[EMAIL_1]"),
        "{description}"
    );
    assert_eq!(world.get(&path_of(&ticket)).await.json(), ticket);

    let list = world.get("/api/tickets").await.json();
    let row = &list["items"][0];
    let mut fields: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    let promised = [
        "channel",
        "created_at",
        "id",
        "number",
        "priority",
        "reporter",
        "sources",
        "status",
        "title",
        "type",
        "version",
    ];
    assert_eq!(fields, promised);
    assert_eq!(row["sources"], json!([{"channel": "in_app", "external_id": "r-1"}]));
    assert_eq!(list["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_report_that_is_not_valid_is_422_with_every_field_that_is_wrong() {
    let world = World::new().await;
    let wrong = json!({
        "description": " ", "title": "x".repeat(121), "channel": "slack", "external_id": "", "type": "rant", "priority": "P9",
        "reporter": {"email": "nobody", "phone": "call me", "name": "x".repeat(201), "external_user_id": "x".repeat(513)},
    });
    let reply = world.post("/api/tickets", &wrong).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut fields = reply.wrong_fields();
    fields.sort_unstable();
    let expected = [
        "channel",
        "description",
        "external_id",
        "priority",
        "reporter.email",
        "reporter.external_user_id",
        "reporter.name",
        "reporter.phone",
        "title",
        "type",
    ];
    assert_eq!(fields, expected);
    for (body, field) in [
        (json!({"description": "x"}), "reporter"),
        (json!({"reporter": {}}), "description"),
        (
            json!({"description": "x", "reporter": {}, "confirmed_type": "bug"}),
            "confirmed_type",
        ),
        (json!({"description": "x", "reporter": {"id": "1"}}), "id"),
    ] {
        let reply = world.post("/api/tickets", &body).await;
        assert_eq!(
            (reply.status, reply.wrong_fields()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec![field.to_owned()])
        );
    }
    assert!(world.store.all_tickets().is_empty());
}

#[tokio::test]
async fn f55_bodies_that_cannot_be_read_are_refused_by_what_is_wrong_with_them() {
    let world = World::new().await;
    let deep = format!("{{\"description\":{}", "[".repeat(100_000));
    let twice = r#"{"description":"x","description":"y","reporter":{}}"#;
    let large = " ".repeat((1 << 20) + 1);
    for (body, status) in [
        ("{", StatusCode::BAD_REQUEST),
        (twice, StatusCode::BAD_REQUEST),
        (large.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
        (r#"{"description":7,"reporter":{}}"#, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let reply = world.call_with(Method::POST, "/api/tickets", body, &[]).await;
        assert_eq!(reply.status, status, "{}", reply.text);
        assert_eq!(reply.content_type(), "application/problem+json");
    }
    let deep = world.call_with(Method::POST, "/api/tickets", &deep, &[]).await;
    assert!(deep.status.is_client_error());
    let text = axum::http::Request::post("/api/tickets")
        .header(header::AUTHORIZATION, format!("Bearer {}", world.token))
        .header(header::CONTENT_TYPE, "text/plain")
        .body(axum::body::Body::from("{}"))
        .unwrap();
    assert_eq!(world.send(text).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn the_same_external_id_is_the_same_report() {
    let world = World::new().await;
    let body =
        json!({"description": "The export hangs.", "external_id": "r-1", "reporter": {"external_user_id": "u-1"}});
    let first = world.post("/api/tickets", &body).await;
    let again = world.post("/api/tickets", &body).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!(world.store.all_tickets().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn f66_a_repeat_by_key_is_the_same_answer_also_at_the_same_time_and_another_body_is_422() {
    let world = Arc::new(World::new().await);
    let body = json!({"description": "The export hangs.", "reporter": {}}).to_string();
    let key = [("idempotency-key", "k-1")];
    let calls = (0..16).map(|_| {
        let (world, body) = (Arc::clone(&world), body.clone());
        tokio::spawn(async move { world.call_with(Method::POST, "/api/tickets", &body, &key).await })
    });
    let mut texts = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        let reply = call.await.unwrap();
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
        texts.push(reply.text);
    }
    texts.dedup();
    assert_eq!((texts.len(), world.store.all_tickets().len()), (1, 1));

    let other = json!({"description": "Something else.", "reporter": {}}).to_string();
    let reused = world.call_with(Method::POST, "/api/tickets", &other, &key).await;
    assert_eq!(reused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reused.json()["type"], "urn:feedback-hub:problem:idempotency-key-reused");
    for bad in ["", " ", &"k".repeat(256)] {
        let reply = world
            .call_with(Method::POST, "/api/tickets", &body, &[("idempotency-key", bad)])
            .await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(world.store.all_tickets().len(), 1);
}

#[tokio::test]
async fn keys_of_two_people_do_not_meet() {
    let world = World::new().await;
    let body = json!({"description": "The export hangs.", "reporter": {}}).to_string();
    let key = [("idempotency-key", "k-1")];
    world.call_with(Method::POST, "/api/tickets", &body, &key).await;
    let other = world.hub.access.add_user("Otto Other").await.unwrap().id;
    let (_, token) = world.hub.access.add_token("other", other).await.unwrap();
    let request = axum::http::Request::post("/api/tickets")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", secrecy::ExposeSecret::expose_secret(&token)),
        )
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", "k-1")
        .body(axum::body::Body::from(body))
        .unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::CREATED);
    assert_eq!(world.store.all_tickets().len(), 2);
}

#[tokio::test]
async fn a_store_that_fails_is_503_and_tells_nothing_of_the_inside() {
    let world = World::new().await;
    world.store.fail_next_commit(PortErrorKind::Unavailable);
    let reply = world
        .post(
            "/api/tickets",
            &json!({"description": "The export hangs.", "reporter": {}}),
        )
        .await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers[header::RETRY_AFTER], "30");
    assert!(
        !reply.text.contains("storage.commit") && !reply.text.contains("ordered"),
        "{}",
        reply.text
    );
}

#[tokio::test]
async fn lists_are_filtered_and_paged_and_bad_parameters_are_refused() {
    let world = World::new().await;
    for n in 0..5 {
        world.clock.advance(std::time::Duration::from_secs(1));
        let kind = if n == 2 { "question" } else { "bug" };
        let body =
            json!({"description": format!("Report about faktura {n}"), "type": kind, "priority": "P3", "reporter": {}});
        world.post("/api/tickets", &body).await;
    }
    let numbers = |reply: &Reply| -> Vec<u64> {
        reply.json()["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["number"].as_u64().unwrap())
            .collect()
    };
    let first = world.get("/api/tickets?limit=2").await;
    assert_eq!(numbers(&first), [1005, 1004]);
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let second = world.get(&format!("/api/tickets?limit=2&cursor={cursor}")).await;
    assert_eq!(numbers(&second), [1003, 1002]);
    let cursor = second.json()["next_cursor"].as_str().unwrap().to_owned();
    let last = world.get(&format!("/api/tickets?limit=2&cursor={cursor}")).await;
    assert_eq!(
        (numbers(&last), last.json()["next_cursor"].is_null()),
        (vec![1001], true)
    );
    assert_eq!(
        numbers(
            &world
                .get("/api/tickets?type=question&status=new&channel=in_app&priority=P3")
                .await
        ),
        [1003]
    );
    assert_eq!(numbers(&world.get("/api/tickets?q=FAKTURA%203").await), [1004]);
    assert!(numbers(&world.get("/api/tickets?status=closed").await).is_empty());
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("cursor=rubbish", "cursor"),
        ("status=open", "status"),
        ("channel=fax", "channel"),
        ("priority=P6", "priority"),
        ("type=rant", "type"),
    ] {
        let reply = world.get(&format!("/api/tickets?{query}")).await;
        assert_eq!(
            (reply.status, reply.wrong_fields()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec![field.to_owned()]),
            "{query}"
        );
    }
    for query in ["stauts=new", "limit=1&limit=2"] {
        assert_eq!(
            world.get(&format!("/api/tickets?{query}")).await.status,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
}

#[tokio::test]
async fn what_is_no_id_or_no_ticket_is_404() {
    let world = World::new().await;
    for id in [
        "1001",
        "x",
        "019b8d00-0000-7000-8000-000000000000",
        "%00",
        "..%2f..",
        "%FF",
    ] {
        for (method, route) in [
            (Method::GET, ""),
            (Method::GET, "/changelog"),
            (Method::POST, "/generate_changelog"),
        ] {
            let reply = world
                .call_with(method, &format!("/api/tickets/{id}{route}"), "", &[])
                .await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{id}{route}");
            assert_eq!(reply.content_type(), "application/problem+json");
        }
    }
    let confirm = json!({"version": 1, "type": "bug", "priority": "P2"});
    let missing = "/api/tickets/019b8d00-0000-7000-8000-000000000000/confirm";
    assert_eq!(world.post(missing, &confirm).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_confirmation_is_about_the_version_that_was_seen() {
    let world = World::new().await;
    let ticket = world.ticket("The export hangs.").await;
    let path = format!("{}/confirm", path_of(&ticket));
    let word = |version| json!({"version": version, "type": "incident", "priority": "P0", "title": "Export down"});
    let confirmed = world.post(&path, &word(1)).await;
    assert_eq!(confirmed.status, StatusCode::OK, "{}", confirmed.text);
    let body = confirmed.json();
    for (field, value) in [
        ("confirmed_type", json!("incident")),
        ("confirmed_priority", json!("P0")),
        ("title", json!("Export down")),
        ("status", json!("triaged")),
        ("version", json!(2)),
        ("confirmed_by", json!(world.user)),
        ("confirmed_at", json!("2026-01-05T09:00:00.000000Z")),
    ] {
        assert_eq!(body[field], value, "{field}");
    }
    let stale = world.post(&path, &word(1)).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert_eq!(stale.json()["current"]["version"], 2);
    let no_version = json!({"type": "bug", "priority": "P2"}).to_string();
    let by_header = |version: &'static str| [("if-match", version)];
    let failed = world
        .call_with(Method::POST, &path, &no_version, &by_header("\"1\""))
        .await;
    assert_eq!(
        (failed.status, failed.json()["current"]["version"].as_u64()),
        (StatusCode::PRECONDITION_FAILED, Some(2))
    );
    assert_eq!(
        world
            .call_with(Method::POST, &path, &no_version, &by_header("\"2\""))
            .await
            .status,
        StatusCode::OK
    );
    let missing = world.call_with(Method::POST, &path, &no_version, &[]).await;
    assert_eq!(
        (missing.status, missing.wrong_fields()),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["version".to_owned()])
    );
    let two = world
        .call_with(Method::POST, &path, &word(3).to_string(), &by_header("2"))
        .await;
    assert_eq!(two.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (body, field) in [
        (json!({"version": 3, "type": "x", "priority": "P2"}), "type"),
        (json!({"version": 3, "type": "bug", "priority": "x"}), "priority"),
        (
            json!({"version": 3, "type": "bug", "priority": "P2", "title": " "}),
            "title",
        ),
        (json!({"version": 3, "type": "bug"}), "priority"),
    ] {
        assert_eq!(world.post(&path, &body).await.wrong_fields(), [field]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_confirmations_of_one_version_one_is_taken() {
    let world = Arc::new(World::new().await);
    let path = format!("{}/confirm", path_of(&world.ticket("The export hangs.").await));
    let calls = (0..64).map(|_| {
        let (world, path) = (Arc::clone(&world), path.clone());
        tokio::spawn(async move {
            world
                .post(&path, &json!({"version": 1, "type": "bug", "priority": "P2"}))
                .await
                .status
        })
    });
    let mut taken = 0;
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            StatusCode::OK => taken += 1,
            other => assert_eq!(other, StatusCode::CONFLICT),
        }
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn title_and_status_change_as_the_states_allow() {
    let world = World::new().await;
    let path = path_of(&world.ticket("The export hangs.").await);
    let resolved = world
        .patch(&path, &json!({"status": "resolved", "title": "Export"}))
        .await;
    assert_eq!(resolved.status, StatusCode::OK, "{}", resolved.text);
    assert_eq!(
        (resolved.json()["status"].as_str(), resolved.json()["title"].as_str()),
        (Some("resolved"), Some("Export"))
    );
    let illegal = world.patch(&path, &json!({"status": "new"})).await;
    assert_eq!(illegal.status, StatusCode::CONFLICT);
    assert_eq!(illegal.json()["current"]["status"], "resolved");
    assert_eq!(
        world.patch(&path, &json!({"version": 1, "title": "x"})).await.status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        world.patch(&path, &json!({})).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        world.patch(&path, &json!({"status": "done"})).await.wrong_fields(),
        ["status"]
    );
    assert_eq!(
        world
            .patch(&path, &json!({"confirmed_type": "bug"}))
            .await
            .wrong_fields(),
        ["confirmed_type"]
    );
    let key = [("idempotency-key", "k")];
    for _ in 0..2 {
        let body = json!({"status": "triaged"}).to_string();
        let reply = world.call_with(Method::PATCH, &path, &body, &key).await;
        assert_eq!(
            (reply.status, reply.json()["version"].as_u64()),
            (StatusCode::OK, Some(3)),
            "{}",
            reply.text
        );
    }
}
