//! The board and the hub writing at the same moment, polls that double, duplicates that are compared at once.

use std::time::Duration;

use feedback_core::{
    domain::{Channel, JobStatus, Queue, TicketId, TicketStatus, TrackerStatus},
    ports::{ClaimRequest, Clock, JobQueue},
    testing::{
        conformance::tracker::TrackerFault,
        hub::{TestHub, ticket_of},
    },
    usecases::Edit,
};

use crate::{
    journey::{confirm, resolve, stored},
    payloads, rig,
};

async fn received() -> (TestHub, TicketId) {
    let test = TestHub::new().await;
    let body = payloads::slack("1767225600.000100", "U0DANA", "the export hangs");
    let id = ticket_of(&test.receive(Channel::Slack, body).await);
    test.run_due_jobs().await;
    (test, id)
}

#[tokio::test]
async fn f79_a_move_between_the_making_of_a_page_and_its_record_is_followed() {
    let (test, id) = received().await;
    confirm(&test, id).await;
    let (hub, gate) = rig::gated(&test);
    let engineer = async {
        let page = test.tracker.page_of(id).unwrap();
        test.tracker.move_page(&page.update.page_id, TrackerStatus::Done);
        test.hub.poll.as_ref().unwrap().poll().await.unwrap();
    };
    gate.during(hub.push.as_ref().unwrap().push(id, false), engineer)
        .await
        .unwrap();
    assert_eq!(stored(&test, id).status, TicketStatus::Resolved);
    assert_eq!(stored(&test, id).page.unwrap().seen_status, Some(TrackerStatus::Done));
}

#[tokio::test]
async fn f78_a_page_whose_making_got_no_answer_keeps_where_the_engineers_put_it() {
    let (test, id) = received().await;
    test.tracker.fail_next(TrackerFault::CreatesAndIsSilent);
    confirm(&test, id).await;
    test.run_due_jobs().await;
    let page = test.tracker.page_of(id).unwrap();
    test.tracker.move_page(&page.update.page_id, TrackerStatus::Done);
    test.hub.poll.as_ref().unwrap().poll().await.unwrap();
    for _ in 0..3 {
        test.wait(Duration::from_secs(60)).await;
    }
    assert_eq!(
        test.tracker.page_of(id).unwrap().update.status,
        Some(TrackerStatus::Done)
    );
    assert_eq!(stored(&test, id).status, TicketStatus::Resolved);
}

#[tokio::test]
async fn a_person_who_takes_the_work_up_again_takes_the_page_out_of_done() {
    let (test, id) = received().await;
    resolve(&test, id).await;
    let edit = Edit {
        status: Some(TicketStatus::InProgress),
        ..Edit::default()
    };
    test.hub.confirm.edit(id, &edit, test.reviewer.id, None).await.unwrap();
    test.run_due_jobs().await;
    assert_eq!(
        test.tracker.page_of(id).unwrap().update.status,
        Some(TrackerStatus::InProgress)
    );
    let page = test.tracker.page_of(id).unwrap();
    test.tracker.move_page(&page.update.page_id, TrackerStatus::Done);
    test.hub.poll.as_ref().unwrap().poll().await.unwrap();
    assert_eq!(stored(&test, id).resolutions, 2, "and they can be done with it again");
}

#[tokio::test]
async fn a_restart_in_the_middle_of_a_poll_does_not_double_the_poll() {
    let test = TestHub::new().await;
    let polls = || {
        let jobs = test.store.jobs();
        jobs.into_iter()
            .filter(|job| job.kind.as_str() == "poll_tracker" && job.status == JobStatus::Ready)
            .count()
    };
    test.hub.schedule_periodic().await.unwrap();
    for _ in 0..3 {
        let now = test.clock.now();
        let lease_until = now.plus(Duration::from_secs(30));
        let claimed = test
            .store
            .claim(ClaimRequest {
                queue: Queue::Low,
                limit: 1,
                lease_until,
                now,
            })
            .await
            .unwrap();
        assert_eq!(claimed.len(), 1, "the process died with the poll in its hands");
        test.hub.schedule_periodic().await.unwrap();
        test.clock.advance(Duration::from_secs(31));
        test.store.reap(test.clock.now()).await.unwrap();
        test.run_due_jobs().await;
        test.wait(Duration::from_secs(121)).await;
        test.clock.advance(Duration::from_secs(121));
    }
    test.run_due_jobs().await;
    assert_eq!(polls(), 1);
}

#[tokio::test]
async fn reports_of_one_thing_find_each_other_whichever_is_compared_first() {
    let test = TestHub::new().await;
    let text = "the export to a spreadsheet hangs at ninety percent";
    let older = ticket_of(
        &test
            .receive(Channel::Slack, payloads::slack("1767225600.000100", "U0DANA", text))
            .await,
    );
    test.clock.advance(Duration::from_secs(5));
    let newer = ticket_of(
        &test
            .receive(Channel::Slack, payloads::slack("1767225605.000100", "U0OTTO", text))
            .await,
    );
    test.hub.match_duplicates.suggest(newer).await.unwrap();
    test.hub.match_duplicates.suggest(older).await.unwrap();
    let [link] = &test.store.ticket_links()[..] else {
        panic!("one pair")
    };
    assert_eq!((link.ticket, link.original), (newer, older));
}

#[tokio::test]
async fn tickets_that_an_embedder_has_not_read_are_read_in_the_background() {
    let test = TestHub::new().await;
    let text = "the export to a spreadsheet hangs";
    let id = ticket_of(
        &test
            .receive(Channel::Slack, payloads::slack("1767225600.000100", "U0DANA", text))
            .await,
    );
    let window = feedback_core::domain::Timestamp::UNIX_EPOCH;
    let vectors = || feedback_core::ports::Storage::vectors(&test.store, "scripted-words-1", window);
    assert!(vectors().await.unwrap().is_empty());
    test.hub.match_duplicates.embed_missing().await.unwrap();
    let [vector] = &vectors().await.unwrap()[..] else {
        panic!("one vector")
    };
    assert_eq!(vector.ticket, id);
    test.hub.match_duplicates.embed_missing().await.unwrap();
    assert_eq!(vectors().await.unwrap().len(), 1);
}

#[tokio::test]
async fn f80_a_copy_of_a_page_moves_no_ticket_and_holds_no_poll_up() {
    let (test, id) = received().await;
    confirm(&test, id).await;
    test.run_due_jobs().await;
    let copy = test.tracker.add_page("Copy of the page");
    test.tracker.edit(&copy, |page| page.update.ticket = Some(id));
    test.tracker.move_page(&copy, TrackerStatus::Done);
    let poll = test.hub.poll.as_ref().unwrap();
    poll.poll().await.unwrap();
    assert_eq!(
        stored(&test, id).status,
        TicketStatus::Triaged,
        "its own page is not done"
    );
    let page = test.tracker.page_of(id).unwrap();
    test.tracker.move_page(&page.update.page_id, TrackerStatus::InProgress);
    test.tracker.move_page(&copy, TrackerStatus::InProgress);
    poll.poll().await.unwrap();
    assert_eq!(stored(&test, id).status, TicketStatus::InProgress);
}

#[tokio::test]
async fn f80_a_page_that_is_made_anew_stands_in_a_column() {
    let (test, id) = received().await;
    confirm(&test, id).await;
    test.run_due_jobs().await;
    let first = test.tracker.page_of(id).unwrap().update.page_id;
    test.tracker.delete_page(&first);
    confirm(&test, id).await;
    test.run_due_jobs().await;
    assert_eq!(
        test.tracker.page_of(id).unwrap().update.status,
        Some(TrackerStatus::ToDo)
    );
}
