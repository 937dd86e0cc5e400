//! Drafts and the tickets that move under them: none replaces another's work, none outlives what it says.

use feedback_core::{
    domain::{Change, ChangelogStatus, Channel, EventKind, Reporter, TicketId, TicketStatus, TrackerStatus, Write},
    ports::{ReporterKey, Storage},
    testing::hub::{TestHub, ticket_of},
    usecases::Edit,
};

use crate::{
    journey::{confirm, kinds, resolve, stored},
    payloads, rig,
};

async fn confirmed() -> (TestHub, TicketId) {
    let test = TestHub::new().await;
    let body = payloads::slack("1767225600.000100", "U0DANA", "the export hangs");
    let id = ticket_of(&test.receive(Channel::Slack, body).await);
    test.run_due_jobs().await;
    confirm(&test, id).await;
    test.run_due_jobs().await;
    (test, id)
}

async fn newest_status(test: &TestHub, id: TicketId) -> ChangelogStatus {
    test.hub
        .review
        .newest_of(id)
        .await
        .unwrap()
        .expect("there is an entry")
        .status
}

async fn put(test: &TestHub, id: TicketId, status: TicketStatus) {
    let edit = Edit {
        status: Some(status),
        ..Edit::default()
    };
    test.hub.confirm.edit(id, &edit, test.reviewer.id, None).await.unwrap();
}

async fn done_on_board(test: &TestHub, id: TicketId) {
    let page = test.tracker.page_of(id).unwrap();
    test.tracker.move_page(&page.update.page_id, TrackerStatus::Done);
    test.hub.poll.as_ref().unwrap().poll().await.unwrap();
}

#[tokio::test]
async fn a_draft_that_a_reviewer_edited_while_another_was_being_written_stays() {
    let (test, id) = confirmed().await;
    let (hub, gate) = rig::gated(&test);
    let by = test.reviewer.id;
    let reviewer = async {
        let entry = test.hub.drafts.generate(id, by).await.unwrap();
        test.hub
            .review
            .update(entry.id, entry.version, "Ya funciona.", by, None)
            .await
            .unwrap();
    };
    let given = gate.during(hub.drafts.generate(id, by), reviewer).await.unwrap();
    let entry = test.hub.review.newest_of(id).await.unwrap().unwrap();
    assert_eq!((entry.id, entry.status), (given.id, ChangelogStatus::Draft));
    assert_eq!(
        test.hub.review.content(&entry).await.unwrap().unwrap().as_str(),
        "Ya funciona."
    );
}

#[tokio::test]
async fn a_draft_of_a_resolution_that_ended_while_it_was_written_is_not_kept() {
    let (test, id) = confirmed().await;
    let (hub, gate) = rig::gated(&test);
    done_on_board(&test, id).await;
    let reopened = async { put(&test, id, TicketStatus::Triaged).await };
    let _ = gate.during(hub.drafts.for_resolution(id, 1), reopened).await;
    assert_eq!(
        test.hub.review.newest_of(id).await.unwrap(),
        None,
        "nobody could ever approve it"
    );
}

#[tokio::test]
async fn a_reporter_who_says_that_it_is_still_broken_withdraws_the_draft() {
    let (test, id) = confirmed().await;
    resolve(&test, id).await;
    assert_eq!(newest_status(&test, id).await, ChangelogStatus::Draft);
    let reply = payloads::slack_reply(
        "1767229999.000200",
        "1767225600.000100",
        "U0DANA",
        "it is still not working",
    );
    test.receive(Channel::Slack, reply).await;
    assert_eq!(stored(&test, id).status, TicketStatus::Triaged);
    assert_eq!(newest_status(&test, id).await, ChangelogStatus::Rejected);
    assert!(kinds(&test, id).contains(&EventKind::Withdrawn));
}

#[tokio::test]
async fn a_ticket_that_a_person_dismisses_takes_its_draft_along_and_gets_a_new_one_when_done_after_all() {
    let (test, id) = confirmed().await;
    test.hub.drafts.generate(id, test.reviewer.id).await.unwrap();
    put(&test, id, TicketStatus::Dismissed).await;
    assert_eq!(newest_status(&test, id).await, ChangelogStatus::Rejected);
    put(&test, id, TicketStatus::Triaged).await;
    test.run_due_jobs().await;
    done_on_board(&test, id).await;
    test.run_due_jobs().await;
    assert_eq!(newest_status(&test, id).await, ChangelogStatus::Draft);
}

#[tokio::test]
async fn a_person_who_reopens_a_ticket_withdraws_its_draft() {
    let (test, id) = confirmed().await;
    resolve(&test, id).await;
    put(&test, id, TicketStatus::Triaged).await;
    assert_eq!(newest_status(&test, id).await, ChangelogStatus::Rejected);
    assert!(kinds(&test, id).contains(&EventKind::Withdrawn));
}

#[tokio::test]
async fn the_draft_of_an_erased_reporter_can_be_rejected() {
    let (test, id) = confirmed().await;
    resolve(&test, id).await;
    let reporter = test
        .store
        .reporter(ReporterKey::Id(stored(&test, id).reporter))
        .await
        .unwrap()
        .unwrap();
    let erased = Reporter {
        key: None,
        name: None,
        email: None,
        ..reporter
    };
    test.store
        .commit(Change::new().with(Write::UpdateReporter(erased)))
        .await
        .unwrap();
    let entry = test.hub.review.newest_of(id).await.unwrap().unwrap();
    let rejected = test
        .hub
        .review
        .reject(entry.id, entry.version, "erased", test.reviewer.id, None)
        .await
        .unwrap();
    assert_eq!(rejected.status, ChangelogStatus::Rejected);
}

#[tokio::test]
async fn f37_a_draft_on_a_clock_that_was_put_back_is_the_newest_one() {
    let (test, id) = confirmed().await;
    resolve(&test, id).await;
    let first = test.hub.review.newest_of(id).await.unwrap().unwrap();
    let by = test.reviewer.id;
    test.hub
        .review
        .reject(first.id, first.version, "too technical", by, None)
        .await
        .unwrap();
    let now = feedback_core::ports::Clock::now(&test.clock);
    test.clock.set(now.minus(std::time::Duration::from_secs(3600)));
    let second = test.hub.drafts.generate(id, by).await.unwrap();
    assert_eq!(test.hub.review.newest_of(id).await.unwrap().unwrap().id, second.id);
}
