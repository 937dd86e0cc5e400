//! The release valve: one decision, about the version that the person saw.

use feedback_core::{
    domain::{ChangelogStatus, Channel, TicketId, TrackerStatus},
    logic::scrub::Label,
    testing::hub::{TestHub, ticket_of},
    usecases::ReviewError,
};

use crate::{
    journey::{approve, resolve, stored},
    payloads,
};

async fn drafted() -> (TestHub, TicketId) {
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
    resolve(&test, id).await;
    (test, id)
}

#[tokio::test]
async fn f72_of_many_decisions_at_once_exactly_one_wins() {
    for round in 0..25 {
        let (test, id) = drafted().await;
        let entry = test.hub.review.newest_of(id).await.unwrap().unwrap();
        let (review, by) = (&test.hub.review, test.reviewer.id);
        let approve_one = async {
            review
                .approve(entry.id, entry.version, by, None)
                .await
                .map(|_| "approved")
        };
        let approve_two = async {
            review
                .approve(entry.id, entry.version, by, None)
                .await
                .map(|_| "approved")
        };
        let edit = async {
            review
                .update(entry.id, entry.version, "Otras palabras", by, None)
                .await
                .map(|_| "edited")
        };
        let reject = async {
            review
                .reject(entry.id, entry.version, "not so", by, None)
                .await
                .map(|_| "rejected")
        };
        let results: [Result<&str, ReviewError>; 4] = match round % 2 {
            0 => futures::join!(approve_one, reject, edit, approve_two).into(),
            _ => futures::join!(edit, approve_one, approve_two, reject).into(),
        };
        let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(won.len(), 1, "{won:?}");
        test.run_due_jobs().await;
        assert_eq!(test.slack.texts().len(), usize::from(*won[0] == "approved"));
    }
}

#[tokio::test]
async fn an_edit_makes_the_version_that_others_saw_stale() {
    let (test, id) = drafted().await;
    let entry = test.hub.review.newest_of(id).await.unwrap().unwrap();
    let by = test.reviewer.id;
    let edited = test
        .hub
        .review
        .update(entry.id, entry.version, "Ya funciona.", by, None)
        .await
        .unwrap();
    assert_eq!(edited.version, entry.version + 1);
    let stale = test.hub.review.approve(entry.id, entry.version, by, None).await;
    assert!(matches!(stale, Err(ReviewError::Stale { .. })));
    test.hub
        .review
        .approve(entry.id, edited.version, by, None)
        .await
        .unwrap();
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts(), ["Ya funciona."]);
}

#[tokio::test]
async fn a_draft_is_withdrawn_when_the_engineers_take_the_work_up_again() {
    let (test, id) = drafted().await;
    let page = test.tracker.page_of(id).unwrap();
    test.tracker.move_page(&page.update.page_id, TrackerStatus::InProgress);
    test.hub.poll.as_ref().unwrap().poll().await.unwrap();
    let entry = test.hub.review.newest_of(id).await.unwrap().unwrap();
    assert_eq!(entry.status, ChangelogStatus::Rejected);
    assert_eq!(entry.decision.clone().unwrap().by, None, "no person decided it");
    let refused = test
        .hub
        .review
        .approve(entry.id, entry.version, test.reviewer.id, None)
        .await;
    assert!(matches!(refused, Err(ReviewError::AlreadyDecided { .. })));

    test.tracker.move_page(&page.update.page_id, TrackerStatus::Done);
    test.hub.poll.as_ref().unwrap().poll().await.unwrap();
    test.run_due_jobs().await;
    let second = test.hub.review.newest_of(id).await.unwrap().unwrap();
    assert_ne!(second.id, entry.id, "done again is a new draft");
    assert_eq!(second.resolution, 2);
    approve(&test, id).await;
}

#[tokio::test]
async fn a_rejection_needs_a_reason_and_leaves_the_next_draft_to_a_person() {
    let (test, id) = drafted().await;
    let entry = test.hub.review.newest_of(id).await.unwrap().unwrap();
    let by = test.reviewer.id;
    let without = test.hub.review.reject(entry.id, entry.version, "  ", by, None).await;
    assert!(matches!(without, Err(ReviewError::ReasonMissing)));
    test.hub
        .review
        .reject(entry.id, entry.version, "too technical", by, None)
        .await
        .unwrap();
    let next = test.hub.drafts.generate(id, by).await.unwrap();
    assert_ne!(next.id, entry.id);
    assert_eq!(stored(&test, id).resolutions, 1);
}

#[tokio::test]
async fn f73_the_same_approval_again_gives_the_same_answer_and_one_message() {
    let (test, id) = drafted().await;
    let entry = test.hub.review.newest_of(id).await.unwrap().unwrap();
    let call = feedback_core::domain::RememberedCall {
        scope: "user:approve".into(),
        key: "double-click".into(),
        fingerprint: [1; 32],
        subject: Default::default(),
        at: feedback_core::ports::Clock::now(&test.clock),
    };
    let mut answers = Vec::new();
    for _ in 0..10 {
        let approval = test
            .hub
            .review
            .approve(entry.id, entry.version, test.reviewer.id, Some(call.clone()))
            .await;
        answers.push(approval.unwrap().entry);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn f70_a_draft_with_data_of_others_waits_for_a_person_to_take_its_words_over() {
    let test = TestHub::new().await;
    let body = payloads::slack(
        "1767225600.000100",
        "U0DANA",
        "the export that Priya Raman set up hangs",
    );
    let id = ticket_of(&test.receive(Channel::Slack, body).await);
    test.run_due_jobs().await;
    test.writer
        .then_write("It works again for Priya. Marta Quintero (marta@example.org, +34 699 888 777) had the same.");
    resolve(&test, id).await;
    let (review, by) = (&test.hub.review, test.reviewer.id);
    let entry = review.newest_of(id).await.unwrap().unwrap();
    let kinds = [Label::Name, Label::Email, Label::Phone];
    assert_eq!(review.personal_data_of_others(&entry).await.unwrap(), kinds);
    let refused = review.approve(entry.id, entry.version, by, None).await;
    assert!(
        matches!(&refused, Err(ReviewError::NamesOthers { kinds: named }) if *named == kinds),
        "{refused:?}"
    );
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts().len(), 0);
    let edited = review
        .update(entry.id, entry.version, "It works again for Priya.", by, None)
        .await
        .unwrap();
    assert_eq!(
        review.personal_data_of_others(&edited).await.unwrap(),
        [],
        "whom the reporter named is no news to them"
    );
    review.approve(edited.id, edited.version, by, None).await.unwrap();
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts(), ["It works again for Priya."]);
}

#[tokio::test]
async fn f70_what_a_person_has_saved_is_their_word_and_stays_marked() {
    let test = TestHub::new().await;
    let body = payloads::slack("1767225600.000100", "U0DANA", "the export hangs");
    let id = ticket_of(&test.receive(Channel::Slack, body).await);
    test.run_due_jobs().await;
    let text = "Solved. Write to ventas@example.org for the new plan.";
    test.writer.then_write(text);
    resolve(&test, id).await;
    let (review, by) = (&test.hub.review, test.reviewer.id);
    let entry = review.newest_of(id).await.unwrap().unwrap();
    let refused = review.approve(entry.id, entry.version, by, None).await;
    assert!(matches!(refused, Err(ReviewError::NamesOthers { .. })), "{refused:?}");
    let saved = review.update(entry.id, entry.version, text, by, None).await.unwrap();
    assert_eq!(review.personal_data_of_others(&saved).await.unwrap(), [Label::Email]);
    review.approve(saved.id, saved.version, by, None).await.unwrap();
}
