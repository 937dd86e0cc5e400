//! Tickets about the same thing: merged, grouped, and taken apart again.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

fn path(ticket: &Value) -> String {
    format!("/api/tickets/{}", ticket["id"].as_str().unwrap())
}

async fn merged(world: &World) -> (Value, Value, String) {
    let older = world.ticket("The export hangs.").await;
    let newer = world.ticket("The export is stuck.").await;
    let body = json!({"version": newer["version"], "into": older["id"]});
    let reply = world.post(&format!("{}/merge", path(&newer)), &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert_eq!(reply.json()["status"], "duplicate");
    let link = reply.json()["links"][0]["id"].as_str().unwrap().to_owned();
    (older, newer, link)
}

#[tokio::test]
async fn a_merge_is_seen_on_both_sides_and_taken_back() {
    let world = World::new().await;
    let (older, newer, link) = merged(&world).await;
    let other = world.get(&path(&older)).await.json();
    assert_eq!(other["links"][0]["status"], "accepted");
    assert_eq!(other["suggestions"], json!([]));
    let undone = world.post(&format!("/api/links/{link}/undo"), &json!({})).await;
    assert_eq!(
        (undone.status, &undone.json()["status"]),
        (StatusCode::OK, &json!("suggested"))
    );
    assert_eq!(world.get(&path(&newer)).await.json()["status"], "new");
    for (word, status) in [("swap", "suggested"), ("dismiss", "dismissed")] {
        let reply = world.post(&format!("/api/links/{link}/{word}"), &json!({})).await;
        assert_eq!(reply.json()["status"], status, "{word}: {}", reply.text);
    }
    let late = world
        .post(&format!("/api/links/{link}/accept"), &json!({"as": "merge"}))
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(late.json()["current"]["decided_by"], json!(world.user));
}

#[tokio::test]
async fn a_merge_of_what_was_changed_meanwhile_is_409_or_412() {
    let world = World::new().await;
    let (older, newer) = (world.ticket("One.").await, world.ticket("Two.").await);
    let merge = format!("{}/merge", path(&newer));
    let stale = world.post(&merge, &json!({"version": 7, "into": older["id"]})).await;
    assert_eq!(
        (stale.status, &stale.json()["current"]["version"]),
        (StatusCode::CONFLICT, &json!(1))
    );
    let body = json!({"into": older["id"]}).to_string();
    let stale = world
        .call_with(axum::http::Method::POST, &merge, &body, &[("if-match", "\"7\"")])
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let itself = world.post(&merge, &json!({"version": 1, "into": newer["id"]})).await;
    assert_eq!(itself.wrong_fields(), ["into"]);
    let nobody = json!({"version": 1, "into": "01890a5d-ac96-774b-bcce-b302099a8057"});
    assert_eq!(world.post(&merge, &nobody).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_group_is_made_listed_changed_and_answered_by_one_message_or_each_person_once() {
    let world = World::new().await;
    let mut tickets = Vec::new();
    for description in ["The export hangs.", "Export stuck.", "No export."] {
        tickets.push(world.ticket(description).await);
    }
    let body = json!({"primary_ticket_id": tickets[0]["id"], "ticket_ids": [tickets[1]["id"]], "title": "Export"});
    let made = world.post("/api/groups", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let group = format!("/api/groups/{}", made.json()["id"].as_str().unwrap());
    assert_eq!(made.json()["tickets"].as_array().unwrap().len(), 2);

    let add = json!({"version": 1, "add_ticket_ids": [tickets[2]["id"]], "title": "Exports hang"});
    let changed = world.patch(&group, &add).await;
    assert_eq!(
        (changed.status, &changed.json()["version"]),
        (StatusCode::OK, &json!(2))
    );
    let stale = world.patch(&group, &add).await;
    assert_eq!(
        (stale.status, &stale.json()["current"]["version"]),
        (StatusCode::CONFLICT, &json!(2))
    );
    let leave = json!({"version": 2, "remove_ticket_ids": [tickets[0]["id"]]});
    assert_eq!(world.patch(&group, &leave).await.wrong_fields(), ["primary_ticket_id"]);
    let taken = world
        .post("/api/groups", &json!({"primary_ticket_id": tickets[1]["id"]}))
        .await;
    assert_eq!(taken.status, StatusCode::CONFLICT);

    let list = world.get("/api/groups?limit=1").await.json();
    assert_eq!(
        (&list["items"][0]["title"], &list["items"][0]["tickets"]),
        (&json!("Exports hang"), &json!(3))
    );
    assert_eq!(world.get(&group).await.json()["title"], "Exports hang");
    assert_eq!(world.get("/api/groups?limit=0").await.wrong_fields(), ["limit"]);

    let ticket = path(&tickets[0]);
    let draft = world
        .post(&format!("{ticket}/generate_changelog"), &json!({}))
        .await
        .json();
    let named = json!({"version": draft["version"], "content": "Hi Ana, it works."});
    let draft = world.patch(&format!("{ticket}/update_changelog"), &named).await.json();
    let approve = json!({"version": draft["version"], "tell": "everyone"});
    let told = world.patch(&format!("{ticket}/approve_changelog"), &approve).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.text);
    let notifications = told.json()["notifications"].as_array().unwrap().len();
    assert_eq!(
        notifications, 1,
        "all three are Ana's, so that her name is hers to read"
    );
}
