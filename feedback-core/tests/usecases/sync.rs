//! The tracker: one page for a ticket, every move once, and no echo.

use feedback_core::{
    domain::{Channel, EventKind, JobStatus, TicketStatus, TrackerStatus},
    testing::{
        conformance::tracker::TrackerFault,
        hub::{TestHub, ticket_of},
    },
};

use crate::{
    journey::{confirm, kinds, resolve, stored},
    payloads,
};

async fn received() -> (TestHub, feedback_core::domain::TicketId) {
    let test = TestHub::new().await;
    let id = ticket_of(
        &test
            .receive(
                Channel::Slack,
                payloads::slack("1767225600.000100", "U0DANA", "the export hangs"),
            )
            .await,
    );
    test.run_due_jobs().await;
    (test, id)
}

#[tokio::test]
async fn a_ticket_has_no_page_before_a_person_confirmed_it() {
    let (test, id) = received().await;
    assert!(test.tracker.page_of(id).is_none());
    confirm(&test, id).await;
    test.run_due_jobs().await;
    assert!(test.tracker.page_of(id).is_some());
    assert!(stored(&test, id).page.is_some());
}

#[tokio::test]
async fn f78_a_push_whose_answer_is_lost_leaves_one_page() {
    let (test, id) = received().await;
    test.tracker.fail_next(TrackerFault::CreatesAndIsSilent);
    confirm(&test, id).await;
    test.run_due_jobs().await;
    for _ in 0..3 {
        test.wait(std::time::Duration::from_secs(60)).await;
    }
    assert_eq!(test.tracker.pages().len(), 1);
    assert!(stored(&test, id).page.is_some());
}

#[tokio::test]
async fn f79_a_poll_that_sees_a_move_twice_acts_once() {
    let (test, id) = received().await;
    resolve(&test, id).await;
    for _ in 0..5 {
        test.hub.poll.as_ref().unwrap().poll().await.unwrap();
        test.run_due_jobs().await;
    }
    assert_eq!(
        kinds(&test, id)
            .iter()
            .filter(|kind| **kind == EventKind::Resolved)
            .count(),
        1
    );
    assert_eq!(stored(&test, id).resolutions, 1);
}

#[tokio::test]
async fn f80_a_page_that_was_deleted_is_made_anew() {
    let (test, id) = received().await;
    confirm(&test, id).await;
    test.run_due_jobs().await;
    let first = test.tracker.page_of(id).unwrap().update.page_id;
    test.tracker.delete_page(&first);
    confirm(&test, id).await;
    test.run_due_jobs().await;
    assert_ne!(test.tracker.page_of(id).unwrap().update.page_id, first);
}

#[tokio::test]
async fn work_in_progress_on_the_board_is_work_in_progress_here() {
    let (test, id) = received().await;
    confirm(&test, id).await;
    test.run_due_jobs().await;
    let page = test.tracker.page_of(id).unwrap();
    test.tracker.move_page(&page.update.page_id, TrackerStatus::InProgress);
    test.hub.poll.as_ref().unwrap().poll().await.unwrap();
    assert_eq!(stored(&test, id).status, TicketStatus::InProgress);
}

#[tokio::test]
async fn a_push_that_gave_up_is_on_the_timeline_and_among_the_dead_letters_at_once() {
    let (test, id) = received().await;
    for _ in 0..10 {
        test.tracker.fail_next(TrackerFault::Unavailable);
    }
    confirm(&test, id).await;
    let failed = |kinds: &[EventKind]| kinds.iter().filter(|kind| **kind == EventKind::SyncFailed).count();
    for _ in 0..10 {
        test.run_due_jobs().await;
        let dead = test
            .store
            .jobs()
            .iter()
            .filter(|job| job.status == JobStatus::Dead)
            .count();
        assert_eq!(failed(&kinds(&test, id)), dead, "one never without the other");
        test.clock.advance(std::time::Duration::from_secs(3600));
    }
    assert_eq!(failed(&kinds(&test, id)), 1);
    let event = test
        .store
        .events(id)
        .into_iter()
        .find(|event| event.kind == EventKind::SyncFailed);
    let dead = test
        .store
        .jobs()
        .into_iter()
        .find(|job| job.status == JobStatus::Dead)
        .unwrap();
    assert_eq!(event.unwrap().data["job"], serde_json::json!(dead.id));
}
