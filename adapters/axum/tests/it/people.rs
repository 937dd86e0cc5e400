//! Who is who, a person's copy, and their erasure.

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::world::World;

async fn report(world: &World, user: &str, email: &str) -> Value {
    let reporter = json!({"external_user_id": user, "name": "Ana Pérez", "email": email});
    let body = json!({"description": "The export hangs.", "reporter": reporter});
    world.post("/api/tickets", &body).await.json()
}

fn reporter(ticket: &Value) -> String {
    format!("/api/reporters/{}", ticket["reporter"]["id"].as_str().unwrap())
}

#[tokio::test]
async fn two_reporters_are_said_to_be_one_person_and_parted_again() {
    let world = World::new().await;
    let (one, other) = (
        report(&world, "u-1", "a@example.test").await,
        report(&world, "u-2", "b@example.test").await,
    );
    let into = json!({"into": one["reporter"]["id"]});
    let merged = world.post(&format!("{}/merge", reporter(&other)), &into).await;
    assert_eq!(merged.status, StatusCode::OK, "{}", merged.text);
    assert_eq!(merged.json()["reporter_id"], one["reporter"]["id"]);
    assert_eq!(merged.json()["merged_ids"], json!([other["reporter"]["id"]]));
    assert_eq!(merged.json()["evidence"][0]["kind"], "reviewer");
    let again = world.post(&format!("{}/merge", reporter(&other)), &into).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    let parted = world.post(&format!("{}/part", reporter(&other)), &json!({})).await;
    assert_eq!(parted.json()["reporter_id"], other["reporter"]["id"], "{}", parted.text);
    let again = world.post(&format!("{}/part", reporter(&other)), &json!({})).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_typed_address_is_shown_as_a_suspicion() {
    let world = World::new().await;
    let one = report(&world, "u-1", "a@example.test").await;
    let reporter_of = json!({"external_user_id": "u-2", "email": "a@example.test"});
    let typed = json!({"description": "It hangs.", "channel": "backoffice", "reporter": reporter_of});
    let other = world.post("/api/tickets", &typed).await.json();
    assert_ne!(one["reporter"]["id"], other["reporter"]["id"]);
    let known = world.get(&format!("{}/known_as", reporter(&one))).await.json();
    assert_eq!(known["suspected_ids"], json!([other["reporter"]["id"]]));
    assert_eq!(known["evidence"][0]["strength"], "weak");
}

#[tokio::test]
async fn a_person_gets_their_copy_as_json_and_as_a_table() {
    let world = World::new().await;
    let ticket = report(&world, "u-1", "ana@example.test").await;
    let copy = world.get(&format!("{}/export", reporter(&ticket))).await;
    assert_eq!(copy.status, StatusCode::OK, "{}", copy.text);
    assert_eq!(
        copy.headers[header::CONTENT_DISPOSITION],
        "attachment; filename=\"reporter.json\""
    );
    assert_eq!(copy.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(copy.json()["tickets"][0]["text"], "The export hangs.");
    let table = world.get(&format!("{}/export?format=csv", reporter(&ticket))).await;
    assert_eq!(table.content_type(), "text/csv; charset=utf-8");
    assert!(table.text.contains("\"ana@example.test\""), "{}", table.text);
    let wrong = world.get(&format!("{}/export?format=xml", reporter(&ticket))).await;
    assert_eq!(wrong.wrong_fields(), ["format"]);
}

#[tokio::test]
async fn f85_an_erased_person_has_no_words_left() {
    let world = World::new().await;
    let ticket = report(&world, "u-1", "ana@example.test").await;
    let erased = world.call_with(Method::DELETE, &reporter(&ticket), "", &[]).await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text);
    assert_eq!(
        (&erased.json()["tickets"], &erased.json()["kept_at"]),
        (&json!(1), &json!([]))
    );
    let shown = world
        .get(&format!("/api/tickets/{}", ticket["id"].as_str().unwrap()))
        .await;
    assert!(
        !shown.text.contains("export") && !shown.text.contains("Ana"),
        "{}",
        shown.text
    );
    assert_eq!(shown.json()["title"], "[erased]");
    let nobody = "/api/reporters/01890a5d-ac96-774b-bcce-b302099a8057";
    assert_eq!(
        world.call_with(Method::DELETE, nobody, "", &[]).await.status,
        StatusCode::NOT_FOUND
    );
}
