//! Intake: what becomes a ticket, what continues one, and what is kept apart.

use feedback_core::{
    domain::{Channel, EventKind, JobStatus, TicketStatus},
    logic::normalize::Author,
    testing::hub::{TestHub, ticket_of},
    usecases::{Outcome, Submission, SubmitError},
};

use crate::{
    journey::{approve, kinds, resolve, stored},
    payloads,
};

#[tokio::test]
async fn f48_a_repeated_delivery_makes_no_second_ticket() {
    let test = TestHub::new().await;
    let body = payloads::slack("1767225600.000100", "U0DANA", "printer on fire");
    let first = ticket_of(&test.receive(Channel::Slack, body.clone()).await);
    assert_eq!(
        test.receive(Channel::Slack, body).await.outcomes,
        [Outcome::Duplicate(first)]
    );
    assert_eq!(test.store.all_tickets().len(), 1);
}

#[tokio::test]
async fn f48_parallel_copies_of_one_delivery_are_one_ticket() {
    let test = TestHub::new().await;
    let body = payloads::slack("1767225600.000100", "U0DANA", "printer on fire");
    let copies = (0..64).map(|_| test.receive(Channel::Slack, body.clone()));
    let outcomes: Vec<_> = futures::future::join_all(copies)
        .await
        .into_iter()
        .flat_map(|r| r.outcomes)
        .collect();
    let new = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::NewTicket { .. }))
        .count();
    assert_eq!((new, outcomes.len(), test.store.all_tickets().len()), (1, 64, 1));
}

#[tokio::test]
async fn f49_another_text_under_the_same_id_is_noted_and_the_first_stands() {
    let test = TestHub::new().await;
    let id = ticket_of(
        &test
            .receive(
                Channel::Slack,
                payloads::slack("1767225600.000100", "U0DANA", "first words"),
            )
            .await,
    );
    let again = test
        .receive(
            Channel::Slack,
            payloads::slack("1767225600.000100", "U0DANA", "other words"),
        )
        .await;
    assert_eq!(again.outcomes, [Outcome::Conflicting(id)]);
    assert_eq!(stored(&test, id).description.as_str(), "first words");
    assert!(kinds(&test, id).contains(&EventKind::ConflictingDelivery));
}

#[tokio::test]
async fn answers_in_a_slack_thread_belong_to_its_ticket() {
    let test = TestHub::new().await;
    let id = ticket_of(
        &test
            .receive(
                Channel::Slack,
                payloads::slack("1767225600.000100", "U0DANA", "printer on fire"),
            )
            .await,
    );
    let reply = payloads::slack_reply("1767225700.000200", "1767225600.000100", "U0OTTO", "mine too");
    assert_eq!(
        test.receive(Channel::Slack, reply).await.outcomes,
        [Outcome::FollowUp(id)]
    );
    let stray = payloads::slack_reply("1767225800.000300", "1767220000.000100", "U0OTTO", "lunch?");
    assert!(matches!(
        test.receive(Channel::Slack, stray).await.outcomes[..],
        [Outcome::Ignored(_)]
    ));
}

#[tokio::test]
async fn a_whatsapp_burst_in_one_delivery_is_one_ticket_and_one_commit() {
    let test = TestHub::new().await;
    let batch = payloads::whatsapp(
        "5491155550101",
        &[
            ("wamid.A", 1_767_225_500, "hola"),
            ("wamid.B", 1_767_225_520, "no puedo pagar"),
            ("wamid.C", 1_767_225_540, "me da error 500"),
        ],
    );
    let recorded = test.receive(Channel::WhatsApp, batch).await;
    let id = ticket_of(&recorded);
    assert!(matches!(
        recorded.outcomes[..],
        [Outcome::NewTicket { .. }, Outcome::FollowUp(_), Outcome::FollowUp(_)]
    ));
    assert_eq!(test.store.all_tickets().len(), 1);
    assert_eq!(test.store.all_tickets()[0].id, id);
}

#[tokio::test]
async fn two_people_of_one_batch_are_two_tickets() {
    let test = TestHub::new().await;
    let one = payloads::whatsapp("5491155550101", &[("wamid.A", 1_767_225_500, "no puedo pagar")]);
    let other = payloads::whatsapp("5491155550202", &[("wamid.B", 1_767_225_500, "no carga la app")]);
    test.receive(Channel::WhatsApp, one).await;
    test.receive(Channel::WhatsApp, other).await;
    assert_eq!(test.store.all_tickets().len(), 2);
}

#[tokio::test]
async fn one_person_with_a_verified_email_is_recognised_on_another_channel() {
    let test = TestHub::new().await;
    test.directory.put_verified("U0DANA", "Dana Ortiz", "dana@example.test");
    let slack = ticket_of(
        &test
            .receive(Channel::Slack, payloads::slack("1767225600.000100", "U0DANA", "broken"))
            .await,
    );
    test.run_due_jobs().await;
    let mail = Submission {
        channel: Channel::InApp,
        external_id: None,
        author: Author {
            external_user_id: "user-9".into(),
            email: Some("Dana@Example.test".into()),
            email_verified: true,
            ..Author::default()
        },
        text: "still broken in the app".into(),
        title: None,
        ticket_type: None,
        priority: None,
    };
    let in_app = test.hub.ingest.submit(&mail, None).await.unwrap().ticket;
    assert_eq!(stored(&test, slack).reporter, stored(&test, in_app).reporter);
    assert_eq!(test.store.all_identity_links().len(), 1, "and the evidence is kept");
}

#[tokio::test]
async fn an_unverified_email_suggests_and_never_links() {
    let test = TestHub::new().await;
    let submission = |id: &str, verified| Submission {
        channel: Channel::InApp,
        external_id: None,
        author: Author {
            external_user_id: id.into(),
            email: Some("dana@example.test".into()),
            email_verified: verified,
            ..Author::default()
        },
        text: "broken".into(),
        title: None,
        ticket_type: None,
        priority: None,
    };
    let proved = test
        .hub
        .ingest
        .submit(&submission("one", true), None)
        .await
        .unwrap()
        .ticket;
    let typed = test
        .hub
        .ingest
        .submit(&submission("two", false), None)
        .await
        .unwrap()
        .ticket;
    assert_ne!(stored(&test, proved).reporter, stored(&test, typed).reporter);
    let [link] = &test.store.all_identity_links()[..] else {
        panic!("one suspicion")
    };
    assert_eq!(link.reporter, stored(&test, proved).reporter);
}

#[tokio::test]
async fn f58_an_unknown_event_is_kept_as_a_dead_letter_and_acknowledged() {
    let test = TestHub::new().await;
    let recorded = test
        .receive(
            Channel::WhatsApp,
            r#"{"object":"whatsapp_business_account","entry":"surprise"}"#,
        )
        .await;
    assert!(
        matches!(recorded.outcomes[..], [Outcome::Quarantined(_)]),
        "{recorded:?}"
    );
    let letters: Vec<_> = test
        .store
        .jobs()
        .into_iter()
        .filter(|job| job.status == JobStatus::Dead)
        .collect();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].kind.as_str(), "unparsed");
    assert!(!letters[0].payload.contains("surprise"), "the body is sealed");

    test.hub
        .dead_letters
        .retry(letters[0].id, test.reviewer.id)
        .await
        .unwrap();
    test.run_due_jobs().await;
    let still: Vec<_> = test
        .store
        .jobs()
        .into_iter()
        .filter(|job| job.status == JobStatus::Dead)
        .collect();
    assert_eq!(still.len(), 1, "it still cannot be read, and is still there");
}

#[tokio::test]
async fn a_reporter_who_says_it_is_still_broken_reopens_the_ticket() {
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
    approve(&test, id).await;
    test.run_due_jobs().await;
    assert_eq!(stored(&test, id).status, TicketStatus::Closed);
    let reply = payloads::slack_reply(
        "1767229999.000200",
        "1767225600.000100",
        "U0DANA",
        "it is still not working",
    );
    assert_eq!(
        test.receive(Channel::Slack, reply).await.outcomes,
        [Outcome::FollowUp(id)]
    );
    assert_eq!(stored(&test, id).status, TicketStatus::Triaged);
    test.run_due_jobs().await;
    let page = test.tracker.page_of(id).unwrap();
    assert_eq!(
        page.update.status,
        Some(feedback_core::domain::TrackerStatus::ToDo),
        "the page left its Done column"
    );
    test.hub.poll.as_ref().unwrap().poll().await.unwrap();
    assert_eq!(
        stored(&test, id).status,
        TicketStatus::Triaged,
        "our own echo moves nothing"
    );
}

#[tokio::test]
async fn f66_an_idempotency_key_has_one_effect_and_is_bound_to_its_request() {
    let test = TestHub::new().await;
    let submission = Submission {
        channel: Channel::Backoffice,
        external_id: None,
        author: Author {
            name: Some("Otto".into()),
            ..Author::default()
        },
        text: "a colleague called: the invoice is wrong".into(),
        title: None,
        ticket_type: None,
        priority: None,
    };
    let call = |fingerprint| feedback_core::domain::RememberedCall {
        scope: "user:POST /api/tickets".into(),
        key: "k1".into(),
        fingerprint: [fingerprint; 32],
        subject: Default::default(),
        at: feedback_core::ports::Clock::now(&test.clock),
    };
    let first = test.hub.ingest.submit(&submission, Some(call(1))).await.unwrap();
    let again = test.hub.ingest.submit(&submission, Some(call(1))).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(test.store.all_tickets().len(), 1);
    let other = test.hub.ingest.submit(&submission, Some(call(2))).await;
    assert!(matches!(other, Err(SubmitError::KeyReused)));
}
