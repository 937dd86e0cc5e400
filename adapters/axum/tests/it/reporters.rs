//! People who reported, and their inbox inside the product.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};

use crate::world::World;

/// A report by the product of a user, answered: the reporter's path, and the notification.
async fn answered(world: &World, user: &str, words: &str) -> (String, Value) {
    let reporter = json!({"external_user_id": user, "name": "Ana Pérez", "email": format!("{user}@example.test")});
    let body = json!({"description": "The export hangs.", "reporter": reporter});
    let ticket = world.post("/api/tickets", &body).await.json();
    let path = format!("/api/tickets/{}", ticket["id"].as_str().unwrap());
    let entry = world
        .post(&format!("{path}/generate_changelog"), &json!({}))
        .await
        .json();
    let edited = json!({"version": entry["version"], "content": words});
    let edited = world.patch(&format!("{path}/update_changelog"), &edited).await.json();
    let approved = world
        .patch(
            &format!("{path}/approve_changelog"),
            &json!({"version": edited["version"]}),
        )
        .await;
    assert_eq!(approved.status, StatusCode::OK, "{}", approved.text);
    let notification = approved.json()["notifications"][0].clone();
    let reporter = format!("/api/reporters/{}", ticket["reporter"]["id"].as_str().unwrap());
    (reporter, notification)
}

async fn delivered(world: &World, notification: &Value) {
    let id = notification["id"].as_str().unwrap().parse().unwrap();
    world.hub.deliver.deliver(id).await.unwrap();
}

#[tokio::test]
async fn a_reporter_is_shown_with_where_they_write_from() {
    let world = World::new().await;
    let (reporter, _) = answered(&world, "ana", "It works again.").await;
    let shown = world.get(&reporter).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    let shown = shown.json();
    assert_eq!(
        (&shown["name"], &shown["email"]),
        (&json!("Ana Pérez"), &json!("ana@example.test"))
    );
    assert_eq!(shown["identities"][0]["channel"], "in_app");
    assert_eq!(shown["identities"][0]["opted_out_at"], Value::Null);
    for nobody in [
        "/api/reporters/00000000-0000-7000-8000-000000000000",
        "/api/reporters/ana",
    ] {
        assert_eq!(world.get(nobody).await.status, StatusCode::NOT_FOUND, "{nobody}");
    }
}

#[tokio::test]
async fn what_was_approved_lies_in_the_inbox_and_is_read_once() {
    let world = World::new().await;
    let (reporter, notification) = answered(&world, "ana", "It works again.").await;
    let inbox = format!("{reporter}/inbox");
    assert_eq!(
        world.get(&inbox).await.json()["items"],
        json!([]),
        "not before it is delivered"
    );
    let read = format!("{inbox}/{}/read", notification["id"].as_str().unwrap());
    let early = world.post(&read, &json!({})).await;
    assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.text);

    delivered(&world, &notification).await;
    let message = world.get(&inbox).await.json()["items"][0].clone();
    assert_eq!(
        (&message["content"], &message["status"]),
        (&json!("It works again."), &json!("delivered"))
    );
    assert_eq!(message["id"], notification["id"]);
    let first = world.post(&read, &json!({})).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    assert_eq!(first.json()["status"], "read");
    let again = world.post(&read, &json!({})).await;
    assert_eq!(again.json(), first.json(), "a repeat changes nothing");
    assert_eq!(
        world.get(&inbox).await.json()["items"][0]["read_at"],
        first.json()["read_at"]
    );
}

#[tokio::test]
async fn nobody_reads_in_anothers_inbox() {
    let world = World::new().await;
    let (ana, notification) = answered(&world, "ana", "It works again.").await;
    let (berta, _) = answered(&world, "berta", "Yours too.").await;
    delivered(&world, &notification).await;
    assert_eq!(world.get(&format!("{berta}/inbox")).await.json()["items"], json!([]));
    let id = notification["id"].as_str().unwrap();
    let read = world.post(&format!("{berta}/inbox/{id}/read"), &json!({})).await;
    assert_eq!(read.status, StatusCode::NOT_FOUND, "{}", read.text);
    let message = world.get(&format!("{ana}/inbox")).await.json()["items"][0].clone();
    assert_eq!(message["status"], "delivered");
    let bare = Request::builder()
        .uri(format!("{ana}/inbox"))
        .body(Body::empty())
        .unwrap();
    let unsigned = world.send(bare).await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_inbox_comes_in_pages_newest_first() {
    let world = World::new().await;
    let mut reporter = String::new();
    for n in 0..5 {
        let (path, notification) = answered(&world, "ana", &format!("News {n}.")).await;
        delivered(&world, &notification).await;
        reporter = path;
    }
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = world.get(&format!("{reporter}/inbox{query}")).await.json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["content"].clone()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => query = format!("?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["News 4.", "News 3.", "News 2.", "News 1.", "News 0."]);
    let refused = world.get(&format!("{reporter}/inbox?limit=0")).await;
    assert_eq!(refused.wrong_fields(), ["limit"]);
}

#[tokio::test]
async fn operators_see_how_the_providers_are_doing() {
    let world = World::new().await;
    let status = world.get("/api/ops/status").await.json();
    let providers = status["providers"].as_array().unwrap();
    let slack = providers.iter().find(|one| one["provider"] == "slack").unwrap();
    assert_eq!((&slack["state"], &slack["failing_since"]), (&json!("up"), &Value::Null));
}
