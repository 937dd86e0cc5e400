//! What reporters are told: one decision, about the words that the person saw.

use std::{sync::Arc, time::Duration};

use axum::http::{Method, StatusCode};
use feedback_core::{
    domain::EventKind,
    ports::{Clock, PortErrorKind},
};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn a_draft_is_written_read_edited_and_approved() {
    let world = World::new().await;
    world.writer.then_write("The export works again.");
    let (path, draft) = world.drafted("The export hangs.").await;
    for (field, value) in [
        ("content", json!("The export works again.")),
        ("status", json!("draft")),
        ("version", json!(1)),
        ("language", json!("en")),
        ("decided_by", Value::Null),
    ] {
        assert_eq!(draft[field], value, "{field}");
    }
    let mut shown = world.get(&format!("{path}/changelog")).await.json();
    let plan = shown["plan"].take();
    assert_eq!(
        (&plan["recipients"][0]["sends_as"], &plan["others"]),
        (&json!("inbox"), &json!([]))
    );
    shown.as_object_mut().unwrap().remove("plan");
    assert_eq!(shown["personal_data_of_others"].take(), json!([]));
    shown.as_object_mut().unwrap().remove("personal_data_of_others");
    assert_eq!(shown, draft);
    let again = world.post(&format!("{path}/generate_changelog"), &json!({})).await;
    assert_eq!(again.json()["id"], draft["id"]);

    let edited = world
        .patch(
            &format!("{path}/update_changelog"),
            &json!({"version": 1, "content": "It works."}),
        )
        .await;
    assert_eq!(
        (edited.status, edited.json()["version"].as_u64()),
        (StatusCode::OK, Some(2)),
        "{}",
        edited.text
    );
    let stale = world
        .patch(&format!("{path}/approve_changelog"), &json!({"version": 1}))
        .await;
    assert_eq!(
        (stale.status, stale.json()["current"]["content"].as_str()),
        (StatusCode::CONFLICT, Some("It works."))
    );

    let approved = world
        .patch(&format!("{path}/approve_changelog"), &json!({"version": 2}))
        .await;
    assert_eq!(approved.status, StatusCode::OK, "{}", approved.text);
    let approval = approved.json();
    assert_eq!(
        (approval["status"].as_str(), approval["content"].as_str()),
        (Some("approved"), Some("It works."))
    );
    assert_eq!(approval["decided_by"], json!(world.user));
    assert_eq!(approval["notifications"][0]["status"], "pending");
    let ticket = world.get(&path).await.json();
    assert_eq!(ticket["changelog"]["id"], draft["id"]);
    assert_eq!(ticket["notifications"], approval["notifications"]);

    let late = world
        .patch(
            &format!("{path}/reject_changelog"),
            &json!({"version": 3, "reason": "no"}),
        )
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(
        (&late.json()["decided_by"], &late.json()["current"]["status"]),
        (&json!(world.user), &json!("approved"))
    );
    let more = world.post(&format!("{path}/generate_changelog"), &json!({})).await;
    assert_eq!(
        (more.status, &more.json()["current"]["id"]),
        (StatusCode::CONFLICT, &draft["id"])
    );
}

/// The plan beside the draft of a new ticket that came in by this request.
async fn plan_of(world: &World, request: axum::http::Request<axum::body::Body>, later: Duration) -> Value {
    assert_eq!(world.send(request).await.status, StatusCode::OK);
    let page = world.get("/api/tickets?limit=1").await.json();
    let path = format!("/api/tickets/{}", page["items"][0]["id"].as_str().unwrap());
    let draft = world.post(&format!("{path}/generate_changelog"), &json!({})).await;
    assert_eq!(draft.status, StatusCode::CREATED, "{}", draft.text);
    world.clock.advance(later);
    let shown = world.get(&format!("{path}/changelog")).await;
    assert_eq!(shown.headers["etag"], "\"1\"");
    let plan = shown.json()["plan"].clone();
    assert_eq!(plan["others"], json!([]));
    assert_eq!(plan["recipients"].as_array().map(Vec::len), Some(1), "{plan}");
    plan["recipients"][0].clone()
}

#[tokio::test]
async fn a_reviewer_reads_how_each_person_would_be_told_before_approving() {
    let world = World::new().await;
    let slack = plan_of(
        &world,
        world.slack_message("1767225600.000100", "it hangs"),
        Duration::ZERO,
    )
    .await;
    assert_eq!(
        (
            &slack["channel"],
            &slack["mode"],
            &slack["sends_as"],
            &slack["restricted"]
        ),
        (
            &json!("slack"),
            &json!("thread_reply"),
            &json!("thread_reply"),
            &Value::Null
        )
    );
    assert!(slack["window_closes_at"].is_null() && slack["template"].is_null());

    let hour = Duration::from_secs(3600);
    let at = world.clock.now().unix_seconds();
    let open = plan_of(
        &world,
        world.whatsapp_message("5491155550101", "wamid.A", at, "no puedo pagar"),
        hour,
    )
    .await;
    assert_eq!(
        (&open["sends_as"], &open["mode"]),
        (&json!("session"), &json!("session_or_template"))
    );
    let left = open["window_seconds_left"].as_u64().unwrap();
    assert_eq!(left, 23 * 3600 - 5 * 60, "24 hours from the message, less the margin");
    assert_eq!(open["why_no_template"], "no template is configured");

    let at = world.clock.now().unix_seconds();
    let over = plan_of(
        &world,
        world.whatsapp_message("5491155550202", "wamid.B", at, "no anda"),
        hour * 24,
    )
    .await;
    assert_eq!(
        (&over["sends_as"], &over["window_seconds_left"]),
        (&Value::Null, &Value::Null)
    );
    let why = "WhatsApp's 24 hours are over, and no template is configured";
    assert_eq!(over["restricted"], why);
}

#[tokio::test]
async fn a_plan_says_where_nothing_is_configured_that_sends_and_is_gone_once_somebody_decided() {
    let world = World::new().await;
    let mail =
        json!({"from": "Dana <dana@example.test>", "subject": "Invoice", "text": "it is wrong", "message_id": "<a@x>"});
    let mail = world.email_message(&mail.to_string());
    let planned = plan_of(&world, mail, Duration::ZERO).await;
    assert_eq!(planned["restricted"], "nothing is configured that sends by Email");
    assert_eq!(planned["sends_as"], Value::Null);
    let (path, _) = world.drafted("The export hangs.").await;
    world
        .patch(
            &format!("{path}/reject_changelog"),
            &json!({"version": 1, "reason": "no"}),
        )
        .await;
    assert_eq!(
        world.get(&format!("{path}/changelog")).await.json()["plan"],
        Value::Null
    );
}

#[tokio::test]
async fn a_rejection_says_why_and_another_draft_may_follow() {
    let world = World::new().await;
    let (path, draft) = world.drafted("The export hangs.").await;
    let path_of = |verb: &str| format!("{path}/{verb}_changelog");
    for (body, field) in [
        (json!({"version": 1}), "reason"),
        (json!({"version": 1, "reason": " "}), "reason"),
        (json!({"reason": "x"}), "version"),
    ] {
        let reply = world.patch(&path_of("reject"), &body).await;
        assert_eq!(
            (reply.status, reply.wrong_fields()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec![field.to_owned()])
        );
    }
    let rejected = world
        .patch(&path_of("reject"), &json!({"version": 1, "reason": "too technical"}))
        .await;
    assert_eq!(
        (rejected.json()["status"].as_str(), rejected.json()["reason"].as_str()),
        (Some("rejected"), Some("too technical"))
    );
    let next = world.post(&path_of("generate"), &json!({})).await;
    assert_eq!(next.status, StatusCode::CREATED);
    assert_ne!(next.json()["id"], draft["id"]);
}

#[tokio::test]
async fn words_that_no_channel_takes_are_422() {
    let world = World::new().await;
    let (path, _) = world.drafted("The export hangs.").await;
    for content in [String::new(), "  \n".to_owned(), "x".repeat(4001), "a\u{0}b".to_owned()] {
        let reply = world
            .patch(
                &format!("{path}/update_changelog"),
                &json!({"version": 1, "content": content}),
            )
            .await;
        assert_eq!(
            (reply.status, reply.wrong_fields()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec!["content".to_owned()])
        );
    }
    let missing = world.patch(&format!("{path}/approve_changelog"), &json!({})).await;
    assert_eq!(
        (missing.status, missing.wrong_fields()),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["version".to_owned()])
    );
}

#[tokio::test]
async fn a_version_as_if_match_needs_no_body_and_a_stale_one_is_412() {
    let world = World::new().await;
    let (path, _) = world.drafted("The export hangs.").await;
    let approve = format!("{path}/approve_changelog");
    world
        .patch(
            &format!("{path}/update_changelog"),
            &json!({"version": 1, "content": "It works."}),
        )
        .await;
    let stale = world
        .call_with(Method::PATCH, &approve, "", &[("if-match", "\"1\"")])
        .await;
    assert_eq!(
        (stale.status, stale.json()["current"]["version"].as_u64()),
        (StatusCode::PRECONDITION_FAILED, Some(2))
    );
    assert_eq!(
        world
            .call_with(Method::PATCH, &approve, "", &[("if-match", "\"2\"")])
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_ticket_without_an_entry_has_none_to_decide() {
    let world = World::new().await;
    let ticket = world.ticket("The export hangs.").await;
    let path = format!("/api/tickets/{}", ticket["id"].as_str().unwrap());
    assert_eq!(
        world.get(&format!("{path}/changelog")).await.status,
        StatusCode::NOT_FOUND
    );
    for (verb, body) in [
        ("approve", json!({"version": 1})),
        ("reject", json!({"version": 1, "reason": "x"})),
        ("update", json!({"version": 1, "content": "x"})),
    ] {
        assert_eq!(
            world.patch(&format!("{path}/{verb}_changelog"), &body).await.status,
            StatusCode::NOT_FOUND
        );
    }
}

#[tokio::test]
async fn a_writer_that_fails_is_told_apart_by_whether_waiting_helps() {
    let world = World::new().await;
    let ticket = world.ticket("The export hangs.").await;
    let path = format!("/api/tickets/{}/generate_changelog", ticket["id"].as_str().unwrap());
    for (kind, status) in [
        (PortErrorKind::Unavailable, StatusCode::SERVICE_UNAVAILABLE),
        (PortErrorKind::Rejected, StatusCode::BAD_GATEWAY),
    ] {
        world.writer.then_fail(kind);
        assert_eq!(world.post(&path, &json!({})).await.status, status);
    }
    world
        .patch(
            &path.replace("/generate_changelog", ""),
            &json!({"status": "dismissed"}),
        )
        .await;
    assert_eq!(world.post(&path, &json!({})).await.status, StatusCode::CONFLICT);
}

/// Lets 64 tasks decide about one draft at once; the statuses that came back, and how often each.
async fn race(world: &Arc<World>, path: &str, request: impl Fn(usize) -> (&'static str, Value)) -> Vec<StatusCode> {
    let barrier = Arc::new(tokio::sync::Barrier::new(64));
    let calls = (0..64).map(|n| {
        let (verb, body) = request(n);
        let (world, barrier, path) = (
            Arc::clone(world),
            Arc::clone(&barrier),
            format!("{path}/{verb}_changelog"),
        );
        tokio::spawn(async move {
            barrier.wait().await;
            let reply = world.patch(&path, &body).await;
            if reply.status == StatusCode::CONFLICT {
                assert!(reply.json()["current"]["status"].is_string(), "{}", reply.text);
            }
            reply.status
        })
    });
    let mut statuses = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        statuses.push(call.await.unwrap());
    }
    statuses
}

fn taken(statuses: &[StatusCode]) -> usize {
    assert!(
        statuses
            .iter()
            .all(|status| matches!(*status, StatusCode::OK | StatusCode::CONFLICT)),
        "{statuses:?}"
    );
    statuses.iter().filter(|status| **status == StatusCode::OK).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn f72_of_64_approvals_one_is_taken_and_one_notification_is_made() {
    let world = Arc::new(World::new().await);
    let (path, draft) = world.drafted("The export hangs.").await;
    let statuses = race(&world, &path, |_| ("approve", json!({"version": 1}))).await;
    assert_eq!(taken(&statuses), 1);
    assert_eq!(world.store.all_notifications().len(), 1);
    let events = world
        .store
        .events(draft["ticket_id"].as_str().unwrap().parse().unwrap());
    assert_eq!(
        events.iter().filter(|event| event.kind == EventKind::Approved).count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f72_of_approvals_rejections_and_edits_at_once_one_is_taken() {
    let world = Arc::new(World::new().await);
    let (path, _) = world.drafted("The export hangs.").await;
    let statuses = race(&world, &path, |n| match n % 3 {
        0 => ("approve", json!({"version": 1})),
        1 => ("reject", json!({"version": 1, "reason": "no"})),
        _ => ("update", json!({"version": 1, "content": format!("words {n}")})),
    })
    .await;
    assert_eq!(taken(&statuses), 1);
    let entry = world.get(&format!("{path}/changelog")).await.json();
    let expected = usize::from(entry["status"] == "approved");
    assert_eq!(
        (entry["version"].as_u64(), world.store.all_notifications().len()),
        (Some(2), expected)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f73_a_repeated_approval_with_one_key_is_one_approval_and_the_same_answer() {
    let world = Arc::new(World::new().await);
    let (path, _) = world.drafted("The export hangs.").await;
    let path = format!("{path}/approve_changelog");
    let calls = (0..10).map(|_| {
        let (world, path) = (Arc::clone(&world), path.clone());
        tokio::spawn(async move {
            world
                .call_with(
                    Method::PATCH,
                    &path,
                    r#"{"version":1}"#,
                    &[("idempotency-key", "click")],
                )
                .await
        })
    });
    let mut answers = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        let reply = call.await.unwrap();
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        answers.push(reply.json());
    }
    answers.dedup();
    assert_eq!((answers.len(), world.store.all_notifications().len()), (1, 1));
    let other = world
        .call_with(
            Method::PATCH,
            &path,
            r#"{"version":2}"#,
            &[("idempotency-key", "click")],
        )
        .await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn f73_a_late_repeat_is_about_the_entry_that_it_decided_and_not_about_a_newer_one() {
    let world = World::new().await;
    let (path, draft) = world.drafted("The export hangs.").await;
    let approve = || {
        let path = format!("{path}/approve_changelog");
        let world = &world;
        async move {
            world
                .call_with(
                    Method::PATCH,
                    &path,
                    r#"{"version":1}"#,
                    &[("idempotency-key", "click")],
                )
                .await
        }
    };
    assert_eq!(approve().await.json()["id"], draft["id"]);
    for status in ["resolved", "triaged"] {
        let moved = world.patch(&path, &json!({"status": status})).await;
        assert_eq!(moved.status, StatusCode::OK, "{}", moved.text);
    }
    world.clock.advance(Duration::from_secs(1));
    let newer = world.post(&format!("{path}/generate_changelog"), &json!({})).await;
    assert_eq!(newer.status, StatusCode::CREATED, "{}", newer.text);
    assert_ne!(newer.json()["id"], draft["id"]);
    let repeat = approve().await;
    assert_eq!(
        (repeat.status, &repeat.json()["id"], &repeat.json()["status"]),
        (StatusCode::OK, &draft["id"], &json!("approved"))
    );
    assert_eq!(world.get(&format!("{path}/changelog")).await.json()["status"], "draft");
}

#[tokio::test]
async fn entries_are_listed_by_status_and_ticket() {
    let world = World::new().await;
    let (_, first) = world.drafted("The export hangs.").await;
    let (path, _) = world.drafted("The invoice is wrong.").await;
    world
        .patch(
            &format!("{path}/reject_changelog"),
            &json!({"version": 1, "reason": "no"}),
        )
        .await;
    let drafts = world.get("/api/changelog_entries?status=draft").await.json();
    assert_eq!(drafts["items"].as_array().unwrap().len(), 1);
    let row = &drafts["items"][0];
    assert_eq!(
        (&row["id"], &row["content"], &row["ticket_number"]),
        (&first["id"], &first["content"], &json!(1001))
    );
    let of_ticket = format!(
        "/api/changelog_entries?ticket_id={}",
        first["ticket_id"].as_str().unwrap()
    );
    assert_eq!(world.get(&of_ticket).await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(
        world.get("/api/changelog_entries?status=sent").await.wrong_fields(),
        ["status"]
    );
    assert_eq!(
        world.get("/api/changelog_entries?ticket_id=1001").await.wrong_fields(),
        ["ticket_id"]
    );
}

#[tokio::test]
async fn f70_a_draft_with_data_of_others_is_approved_once_somebody_edited_it() {
    let world = World::new().await;
    world
        .writer
        .then_write("Solved, as for Marta Quintero (marta@example.org).");
    let (path, _) = world.drafted("The export hangs.").await;
    let shown = world.get(&format!("{path}/changelog")).await.json();
    assert_eq!(shown["personal_data_of_others"], json!(["NAME", "EMAIL"]));
    let refused = world
        .patch(&format!("{path}/approve_changelog"), &json!({"version": 1}))
        .await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
    assert!(refused.text.contains("names-others"), "{}", refused.text);
    assert!(!refused.text.contains("Marta"), "{}", refused.text);
    let edit = json!({"version": 1, "content": "Solved."});
    world.patch(&format!("{path}/update_changelog"), &edit).await;
    let approved = world
        .patch(&format!("{path}/approve_changelog"), &json!({"version": 2}))
        .await;
    assert_eq!(approved.status, StatusCode::OK, "{}", approved.text);
}
