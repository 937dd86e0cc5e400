//! Deliveries, dead letters, counts and health: what operators look at.

use axum::http::StatusCode;
use feedback_axum::health::{self, Health};
use feedback_core::{
    domain::{Change, NotificationStatus, Write},
    ports::{NotificationKey, PortErrorKind, Storage},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::World;

/// Approves the draft of a new Slack ticket and gives its notification.
async fn notification(world: &World) -> Value {
    world
        .send(world.slack_message("1767603600.000100", "the export of invoices hangs"))
        .await;
    let ticket = world.get("/api/tickets?channel=slack").await.json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/api/tickets/{ticket}");
    world.post(&format!("{path}/generate_changelog"), &json!({})).await;
    let approved = world
        .patch(&format!("{path}/approve_changelog"), &json!({"version": 1}))
        .await;
    assert_eq!(approved.status, StatusCode::OK, "{}", approved.text);
    approved.json()["notifications"][0].clone()
}

/// Puts a notification where only deliveries bring it.
async fn put(world: &World, id: &str, status: NotificationStatus) {
    let key = NotificationKey::Id(id.parse().unwrap());
    let mut stored = Storage::notification(&world.store, key).await.unwrap().unwrap();
    stored.status = status;
    world
        .store
        .commit(Change::new().with(Write::UpdateNotification(Box::new(stored))))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_notification_is_listed_shown_and_followed() {
    let world = World::new().await;
    let made = notification(&world).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        (&made["mode"], &made["channel"], &made["retry_count"]),
        (&json!("thread_reply"), &json!("slack"), &json!(0))
    );
    for query in [
        "",
        "?status=pending",
        "?channel=slack",
        &format!("?ticket_id={}", made["ticket_id"].as_str().unwrap()),
    ] {
        assert_eq!(
            world.get(&format!("/api/notifications{query}")).await.json()["items"],
            json!([made]),
            "{query}"
        );
    }
    assert_eq!(
        world.get("/api/notifications?status=sent").await.json()["items"],
        json!([])
    );
    assert_eq!(
        world.get("/api/notifications?status=lost").await.wrong_fields(),
        ["status"]
    );
    world.hub.deliver.deliver(id.parse().unwrap()).await.unwrap();
    let shown = world.get(&format!("/api/notifications/{id}")).await.json();
    assert_eq!(
        (&shown["status"], &shown["provider_message_id"]),
        (&json!("sent"), &json!("slack-1"))
    );
    assert_eq!(
        (
            shown["attempts"][0]["outcome"].as_str(),
            shown["ticket_number"].as_u64()
        ),
        (Some("sent"), Some(1001))
    );
    for missing in [
        "/api/notifications/x",
        "/api/notifications/019b8d00-0000-7000-8000-000000000000",
    ] {
        assert_eq!(world.get(missing).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_failed_delivery_is_retried_and_one_that_waits_for_nothing_is_not() {
    let world = World::new().await;
    let made = notification(&world).await;
    let id = made["id"].as_str().unwrap();
    let retry = format!("/api/notifications/{id}/retry");
    let early = world.post(&retry, &json!({})).await;
    assert_eq!(
        (early.status, &early.json()["current"]["status"]),
        (StatusCode::CONFLICT, &json!("pending"))
    );
    put(&world, id, NotificationStatus::PermanentlyFailed).await;
    let taken = world.post(&retry, &json!({})).await;
    assert_eq!(
        (taken.status, &taken.json()["status"]),
        (StatusCode::OK, &json!("pending")),
        "{}",
        taken.text
    );
    let missing = "/api/notifications/019b8d00-0000-7000-8000-000000000000/retry";
    assert_eq!(world.post(missing, &json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_person_says_what_became_of_an_ambiguous_delivery() {
    let world = World::new().await;
    let made = notification(&world).await;
    let id = made["id"].as_str().unwrap();
    let resolve = format!("/api/notifications/{id}/resolve");
    assert_eq!(
        world.post(&resolve, &json!({"outcome": "sent"})).await.status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        world.post(&resolve, &json!({"outcome": "maybe"})).await.wrong_fields(),
        ["outcome"]
    );
    assert_eq!(world.post(&resolve, &json!({})).await.wrong_fields(), ["outcome"]);
    for (outcome, status) in [("send_again", "pending"), ("sent", "sent")] {
        put(&world, id, NotificationStatus::Ambiguous).await;
        let taken = world.post(&resolve, &json!({"outcome": outcome})).await;
        assert_eq!(
            (taken.status, taken.json()["status"].as_str()),
            (StatusCode::OK, Some(status)),
            "{}",
            taken.text
        );
    }
}

#[tokio::test]
async fn a_dead_letter_is_listed_without_its_body_retried_and_put_away() {
    let world = World::new().await;
    for word in ["first", "second"] {
        world
            .send(world.slack("application/json", format!("{{\"secret\":\"{word}\"}}")))
            .await;
    }
    let list = world.get("/api/dead_letters").await;
    assert!(
        !list.text.contains("payload") && !list.text.contains("body"),
        "{}",
        list.text
    );
    let items = list.json()["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 2);
    for (field, value) in [
        ("kind", json!("unparsed")),
        ("queue", json!("low")),
        ("attempts", json!(0)),
        ("channel", json!("slack")),
    ] {
        assert_eq!(items[0][field], value, "{field}");
    }
    assert!(items[0]["last_error"].is_string() && items[0]["created_at"].is_string());
    for (item, verb) in items.iter().zip(["retry", "discard"]) {
        let path = format!("/api/dead_letters/{}/{verb}", item["id"].as_str().unwrap());
        assert_eq!(world.post(&path, &json!({})).await.status, StatusCode::OK);
        assert_eq!(world.post(&path, &json!({})).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(
        world.get("/api/dead_letters").await.json(),
        json!({"items": [], "next_cursor": null})
    );
    assert_eq!(world.get("/api/dead_letters?limit=0").await.wrong_fields(), ["limit"]);
}

#[tokio::test]
async fn the_summary_counts_what_came_in_until_this_moment() {
    let world = World::new().await;
    world.ticket("The export hangs.").await;
    world.clock.advance(std::time::Duration::from_secs(25 * 3600));
    world.ticket("The invoice is wrong.").await;
    let day = world.get("/api/metrics/summary").await.json();
    assert_eq!((day["total"].as_u64(), day["period"].as_str()), (Some(1), Some("24h")));
    let week = world.get("/api/metrics/summary?period=7d").await.json();
    assert_eq!(week["total"], 2);
    assert_eq!(week["by_channel"], json!({"in_app": 2}));
    assert_eq!(week["by_status"], json!({"new": 2}));
    assert_eq!(week["by_day"], json!({"2026-01-05": 1, "2026-01-06": 1}));
    assert_eq!(
        (
            &week["top_reporters"][0]["reporter"]["name"],
            &week["top_reporters"][0]["tickets"]
        ),
        (&json!("Ana Pérez"), &json!(2))
    );
    assert_eq!(week["time_to_step"]["confirmed_seconds"], Value::Null);
    assert_eq!(
        world.get("/api/metrics/summary?period=30d").await.status,
        StatusCode::OK
    );
    assert_eq!(
        world.get("/api/metrics/summary?period=1y").await.wrong_fields(),
        ["period"]
    );
}

#[tokio::test]
async fn the_status_of_operations_has_exactly_its_fields() {
    let world = World::new().await;
    let quiet = json!({
        "ready": true, "jobs_due": 0, "jobs_running": 0, "jobs_scheduled": 0, "dead": 0, "quiescent": true, "schema_version": 0,
    });
    let mut status = world.get("/api/ops/status").await.json();
    let providers = status.as_object_mut().unwrap().remove("providers").unwrap();
    assert_eq!(status, quiet);
    let named: Vec<_> = providers
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["provider"].as_str().unwrap())
        .collect();
    assert_eq!(
        named,
        ["ai", "embedder", "intercom", "slack", "slack conversations", "whatsapp"]
    );
    world.ticket("The export hangs.").await;
    let busy = world.get("/api/ops/status").await.json();
    assert_eq!(
        (busy["quiescent"].as_bool(), busy["jobs_due"].as_u64() > Some(0)),
        (Some(false), true)
    );
}

#[tokio::test]
async fn health_is_open_and_a_host_that_stops_is_not_ready() {
    let world = World::new().await;
    for path in ["/healthz", "/readyz"] {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        assert_eq!(world.send(request).await.status, StatusCode::OK, "{path}");
    }
    let health = Health::new(&world.hub);
    let app = health::router(health.clone());
    health.stop();
    for (path, status) in [
        ("/healthz", StatusCode::OK),
        ("/readyz", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), status, "{path}");
    }
}

#[tokio::test]
async fn f09_readiness_is_a_write_and_many_questions_are_one() {
    let world = World::new().await;
    let ask = async |app: &axum::Router| {
        let request = axum::http::Request::get("/readyz")
            .body(axum::body::Body::empty())
            .unwrap();
        app.clone().oneshot(request).await.unwrap().status()
    };
    let written = async || {
        let row = world.store.cursor("write-probe").await.unwrap();
        row.map_or(0, |row| row.version)
    };
    let app = health::router(Health::new(&world.hub));
    for _ in 0..50 {
        assert_eq!(ask(&app).await, StatusCode::OK);
    }
    assert_eq!(written().await, 1, "what a write came to is believed for a while");

    let app = health::router(Health::new(&world.hub));
    world.store.fail_next_commit(PortErrorKind::Unavailable);
    for _ in 0..2 {
        assert_eq!(
            ask(&app).await,
            StatusCode::SERVICE_UNAVAILABLE,
            "every read is answered"
        );
    }
    assert_eq!(written().await, 1);
}
