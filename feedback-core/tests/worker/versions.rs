//! Jobs that a program of another version queued: an unknown kind waits for it, a changed shape is kept for a person.

use std::time::Duration;

use feedback_core::{
    domain::{JobPayload, JobStatus},
    ports::{Clock, JobQueue},
};

use super::{Act, Bench};

/// A payload of every kind, as this program writes it.
fn every_kind() -> Vec<serde_json::Value> {
    let id = "00000000-0000-4000-8000-000000000001";
    [
        "triage_ticket",
        "match_duplicates",
        "embed_tickets",
        "push_to_tracker",
        "draft_changelog",
        "deliver_notification",
        "reconcile_notification",
        "poll_tracker",
        "purge_expired",
        "look_up_reporter",
        "fetch_message",
        "open_thread",
        "send_receipt",
        "end_step",
        "fetch_attachment",
        "delete_blob",
        "replay_delivery",
    ]
    .into_iter()
    // What a newer program made of it: the same kind, other fields.
    .map(|kind| serde_json::json!({"kind": kind, "ticket": {"renamed": id}, "notification": [], "reporter": [], "source": [], "attachment": [], "key": [], "channel": 7}))
    .collect()
}

#[tokio::test]
async fn f32_a_job_of_an_unknown_kind_waits_for_a_newer_program_and_uses_no_attempt_up() {
    let bench = Bench::new(Act::Panic).await;
    bench.enqueue().await;
    bench
        .store
        .rewrite_payload(bench.job().id, r#"{"kind":"made_by_a_newer_program","ticket":1}"#);
    bench.worker.run_due().await;
    let job = bench.job();
    assert_eq!((job.status, job.attempts), (JobStatus::Ready, 0));
    assert_eq!(job.run_at, bench.clock.now().plus(Duration::from_secs(60)));
    assert!(job.last_error.unwrap_or_default().starts_with("unknown_kind"));
    bench.run_hours(72).await;
    let job = bench.job();
    assert_eq!(
        (job.status, job.attempts),
        (JobStatus::Ready, 0),
        "three days later it still waits"
    );
    bench.run_hours(2).await;
    let job = bench.job();
    assert_eq!(job.status, JobStatus::Dead);
    assert!(job.last_error.unwrap_or_default().starts_with("unknown_kind"));
}

#[tokio::test]
async fn f33_a_payload_that_cannot_be_read_is_dead_at_the_first_try_kept_and_retried_by_hand() {
    let bench = Bench::new(Act::Panic).await;
    bench.enqueue().await;
    let (id, whole) = (bench.job().id, bench.job().payload);
    for broken in [
        "",
        "{",
        "\u{0}\u{1b}[31m",
        "[]",
        r#"{"kind":"triage_ticket","ticket":7}"#,
    ] {
        bench.store.rewrite_payload(id, broken);
        bench.worker.run_due().await;
        let job = bench.job();
        assert_eq!(
            (job.status, job.attempts, job.payload.as_str()),
            (JobStatus::Dead, 1, broken)
        );
        let said = job.last_error.unwrap_or_default();
        assert!(said.starts_with("decode"), "{broken:?}: {said}");
        assert!(
            bench
                .store
                .revive(id, bench.clock.now())
                .await
                .expect("the store answers")
        );
    }
    // After the deploy that knows the shape, the same job runs.
    bench.store.rewrite_payload(id, &whole);
    bench.worker.run_due().await;
    assert_eq!(
        bench.job().last_error.as_deref(),
        Some("the job panicked"),
        "it was run"
    );
}

#[tokio::test]
async fn f33_a_changed_shape_of_any_kind_of_ours_is_no_unknown_kind() {
    let bench = Bench::new(Act::Panic).await;
    bench.enqueue().await;
    let id = bench.job().id;
    for payload in every_kind() {
        // Some kinds have no fields at all, or take the others for their own.
        if serde_json::from_value::<JobPayload>(payload.clone()).is_ok() {
            continue;
        }
        bench.store.rewrite_payload(id, &payload.to_string());
        bench.worker.run_due().await;
        let job = bench.job();
        assert_eq!(job.status, JobStatus::Dead, "{payload}");
        assert!(job.last_error.unwrap_or_default().starts_with("decode"), "{payload}");
        bench
            .store
            .revive(id, bench.clock.now())
            .await
            .expect("the store answers");
    }
}
