//! People as deliveries name them: several in one batch, under several ids, with others' addresses, erased and back.

use feedback_core::{
    domain::{Change, Channel, NotificationStatus, Reporter, TicketId, Write},
    logic::normalize::Author,
    ports::{ReporterKey, Storage},
    testing::hub::{TestHub, ticket_of},
    usecases::{Outcome, Submission},
};

use crate::{
    deliver::notification,
    journey::{approve, resolve, stored},
    payloads,
};

async fn reporter(test: &TestHub, ticket: TicketId) -> Reporter {
    let id = stored(test, ticket).reporter;
    test.store.reporter(ReporterKey::Id(id)).await.unwrap().unwrap()
}

/// What an erasure leaves of a reporter.
async fn erase(test: &TestHub, ticket: TicketId) {
    let reporter = reporter(test, ticket).await;
    let erased = Reporter {
        key: None,
        name: None,
        email: None,
        email_index: None,
        email_verified: false,
        phone: None,
        phone_index: None,
        erased_at: Some(reporter.created_at),
        ..reporter
    };
    test.store
        .commit(Change::new().with(Write::UpdateReporter(erased)))
        .await
        .unwrap();
}

fn submission(user: &str, email: Option<&str>) -> Submission {
    Submission {
        channel: Channel::InApp,
        external_id: None,
        author: Author {
            external_user_id: user.into(),
            email: email.map(Into::into),
            email_verified: email.is_some(),
            ..Author::default()
        },
        text: "broken".into(),
        title: None,
        ticket_type: None,
        priority: None,
    }
}

#[tokio::test]
async fn two_new_people_in_one_delivery_are_two_reporters_with_a_ticket_each() {
    let test = TestHub::new().await;
    let messages = [
        payloads::whatsapp_message("5491155550101", "wamid.A", 1_767_225_500, "no puedo pagar"),
        payloads::whatsapp_message("5491155550202", "wamid.B", 1_767_225_501, "no carga la app"),
        payloads::whatsapp_message("5491155550101", "wamid.C", 1_767_225_502, "me da error 500"),
    ];
    let recorded = test
        .receive(Channel::WhatsApp, payloads::whatsapp_mixed(&messages, &[]))
        .await;
    let [
        Outcome::NewTicket { ticket: one, .. },
        Outcome::NewTicket { ticket: other, .. },
        Outcome::FollowUp(third),
    ] = recorded.outcomes[..]
    else {
        panic!("{recorded:?}")
    };
    assert_eq!(third, one);
    assert_ne!(stored(&test, one).reporter, stored(&test, other).reporter);
}

#[tokio::test]
async fn every_id_that_a_delivery_names_is_known_afterwards() {
    let test = TestHub::new().await;
    let scoped = |id: &str, at: i64| {
        let mut message = payloads::whatsapp_message("5491155550101", id, at, "hola");
        message["from_user_id"] = "AR.abc123".into();
        message
    };
    let mut nameless = scoped("wamid.A", 1_767_225_500);
    nameless.as_object_mut().unwrap().remove("from");
    let batch = [nameless, scoped("wamid.B", 1_767_225_510)];
    let id = ticket_of(
        &test
            .receive(Channel::WhatsApp, payloads::whatsapp_mixed(&batch, &[]))
            .await,
    );
    let identities = test.store.identities(stored(&test, id).reporter).await.unwrap();
    assert_eq!(identities.len(), 2, "the scoped id, and the number that came later");
    assert!(identities.iter().all(|identity| identity.last_message_at.is_some()));
    assert_eq!(test.store.all_tickets().len(), 1);
}

#[tokio::test]
async fn an_address_that_another_person_has_proved_holds_no_message_up() {
    let test = TestHub::new().await;
    let proved = test
        .hub
        .ingest
        .submit(&submission("one", Some("dana@example.test")), None)
        .await
        .unwrap()
        .ticket;
    let before = test
        .hub
        .ingest
        .submit(&submission("two", None), None)
        .await
        .unwrap()
        .ticket;
    let after = test
        .hub
        .ingest
        .submit(&submission("two", Some("dana@example.test")), None)
        .await
        .unwrap()
        .ticket;
    assert_eq!(stored(&test, before).reporter, stored(&test, after).reporter);
    assert_ne!(stored(&test, proved).reporter, stored(&test, after).reporter);
    assert!(
        !reporter(&test, after).await.email_verified,
        "that the two are one is for a reviewer to say"
    );
}

#[tokio::test]
async fn a_changed_number_and_the_first_message_from_it_come_in_one_delivery() {
    let test = TestHub::new().await;
    let first = payloads::whatsapp("5491155550101", &[("wamid.A", 1_767_225_500, "no puedo pagar")]);
    let id = ticket_of(&test.receive(Channel::WhatsApp, first).await);
    let changed = payloads::whatsapp_number_changed("5491155550101", "5491155550303");
    let from_new = payloads::whatsapp_message("5491155550303", "wamid.B", 1_767_225_520, "soy yo otra vez");
    let batch = payloads::whatsapp_mixed(&[changed.clone(), changed, from_new], &[]);
    test.receive(Channel::WhatsApp, batch).await;
    let reporters: std::collections::HashSet<_> =
        test.store.all_tickets().iter().map(|ticket| ticket.reporter).collect();
    assert_eq!(reporters.len(), 1, "still the same person");
    assert_eq!(
        test.store.identities(stored(&test, id).reporter).await.unwrap().len(),
        2
    );
}

#[tokio::test]
async fn f85_news_of_an_erased_persons_number_is_taken_and_changes_nothing() {
    let test = TestHub::new().await;
    let first = payloads::whatsapp("5491155550101", &[("wamid.A", 1_767_225_500, "no puedo pagar")]);
    let id = ticket_of(&test.receive(Channel::WhatsApp, first).await);
    erase(&test, id).await;
    let changed = payloads::whatsapp_number_changed("5491155550101", "5491155550303");
    let recorded = test
        .receive(Channel::WhatsApp, payloads::whatsapp_mixed(&[changed], &[]))
        .await;
    assert!(matches!(recorded.outcomes[..], [Outcome::Ignored(_)]));
}

#[tokio::test]
async fn f85_an_erased_person_who_writes_again_can_be_answered_and_nothing_old_comes_back() {
    let test = TestHub::new().await;
    let old = payloads::slack("1767225600.000100", "U0DANA", "the export hangs");
    let old = ticket_of(&test.receive(Channel::Slack, old).await);
    test.run_due_jobs().await;
    erase(&test, old).await;
    let new = payloads::slack("1767225700.000100", "U0DANA", "the invoice is wrong");
    let new = ticket_of(&test.receive(Channel::Slack, new).await);
    test.run_due_jobs().await;
    resolve(&test, new).await;
    approve(&test, new).await;
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(
        test.hub.show.original(&stored(&test, old)).await.unwrap(),
        None,
        "what was erased stays so"
    );
    assert!(test.hub.show.original(&stored(&test, new)).await.unwrap().is_some());
}
