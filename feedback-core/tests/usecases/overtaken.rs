//! A job whose ticket was put away while it ran: what it brings back changes nothing that was decided meanwhile.

use feedback_core::{
    domain::{Channel, EventKind, JobStatus, TicketId, TicketStatus},
    ports::{ClaimRequest, Clock, JobQueue, SettleError},
    testing::hub::{TestHub, ticket_of},
};

use crate::{
    journey::{confirm, kinds, stored},
    payloads, rig,
};

async fn two_tickets(test: &TestHub) -> (TicketId, TicketId) {
    let one = payloads::slack("1767225600.000100", "U0DANA", "the export to a spreadsheet hangs");
    let two = payloads::slack("1767225605.000100", "U0OTTO", "the import of contacts is slow");
    (
        ticket_of(&test.receive(Channel::Slack, one).await),
        ticket_of(&test.receive(Channel::Slack, two).await),
    )
}

#[tokio::test]
async fn f42_a_ticket_that_was_merged_while_its_page_was_made_stays_merged() {
    let test = TestHub::new().await;
    let (original, repeat) = two_tickets(&test).await;
    test.run_due_jobs().await;
    confirm(&test, repeat).await;
    let (hub, gate) = rig::gated(&test);
    let merged = async {
        let seen = stored(&test, repeat).version;
        let duplicates = &test.hub.duplicates;
        duplicates
            .merge(repeat, original, seen, test.reviewer.id)
            .await
            .unwrap();
    };
    let push = hub.push.as_ref().expect("the hub has a board");
    gate.during(push.push(repeat, false), merged).await.unwrap();
    assert_eq!(stored(&test, repeat).status, TicketStatus::Duplicate);
    // The page that was made is known all the same: nothing of ours is left behind on the board unseen.
    assert_eq!(
        stored(&test, repeat).page.is_some(),
        test.tracker.page_of(repeat).is_some()
    );
    test.run_due_jobs().await;
    assert_eq!(
        stored(&test, repeat).status,
        TicketStatus::Duplicate,
        "nor does a later job bring it back"
    );
    let told = kinds(&test, repeat);
    let merges = told.iter().filter(|kind| **kind == EventKind::Merged).count();
    assert_eq!(merges, 1, "{told:?}");
}

#[tokio::test]
async fn f42_a_person_who_was_erased_while_a_draft_was_written_gets_none() {
    let test = TestHub::new().await;
    let (id, _) = two_tickets(&test).await;
    test.run_due_jobs().await;
    confirm(&test, id).await;
    let (hub, gate) = rig::gated(&test);
    let reporter = stored(&test, id).reporter;
    let erased = async {
        test.hub.erase.erase(reporter, None).await.unwrap();
    };
    // What it says of itself does not matter; what is stored does.
    let _ = gate.during(hub.drafts.generate(id, test.reviewer.id), erased).await;
    assert_eq!(stored(&test, id).title.as_str(), "[erased]");
    test.run_due_jobs().await;
    assert_eq!(stored(&test, id).title.as_str(), "[erased]", "no row comes back");
    assert!(test.slack.texts().is_empty());
}

#[tokio::test]
async fn f42_a_job_that_was_settled_by_somebody_else_is_not_brought_back() {
    let test = TestHub::new().await;
    two_tickets(&test).await;
    let now = test.clock.now();
    let lease_until = now.plus(std::time::Duration::from_secs(30));
    let request = |queue| ClaimRequest {
        queue,
        limit: 1,
        lease_until,
        now,
    };
    let held = test
        .store
        .claim(request(feedback_core::domain::Queue::Default))
        .await
        .unwrap();
    let held = &held[0];
    test.store.complete(&held.lease, now).await.unwrap();
    for late in [
        test.store.complete(&held.lease, now).await,
        test.store.retry_later(&held.lease, now, "late", now).await,
        test.store.snooze(&held.lease, now, "late", now).await,
        test.store.bury(&held.lease, "late", now).await,
    ] {
        assert!(matches!(late, Err(SettleError::LeaseLost)), "{late:?}");
    }
    let jobs = test.store.jobs();
    let job = jobs
        .iter()
        .find(|job| job.id == held.job.id)
        .expect("it is kept as done");
    assert_eq!((job.status, job.last_error.as_deref()), (JobStatus::Done, None));
}
