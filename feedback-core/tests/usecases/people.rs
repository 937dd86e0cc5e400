//! Who is who: reporters merged and parted, and people who ask not to be written to.

use feedback_core::{
    domain::{Channel, DeliveryMode, EventKind, NotificationStatus, ReporterId, TicketId},
    logic::normalize::Author,
    testing::hub::{TestHub, ticket_of},
    usecases::{MergeError, Outcome, Submission},
};

use crate::{
    deliver::approved_on,
    journey::{approve, resolve, stored},
    payloads,
};

fn report(user: &str, email: Option<&str>, verified: bool) -> Submission {
    Submission {
        channel: Channel::InApp,
        external_id: None,
        author: Author {
            external_user_id: user.into(),
            email: email.map(str::to_owned),
            email_verified: verified,
            ..Author::default()
        },
        text: "the export hangs".into(),
        title: None,
        ticket_type: None,
        priority: None,
    }
}

async fn submit(test: &TestHub, submission: &Submission) -> (TicketId, ReporterId) {
    let ticket = test.hub.ingest.submit(submission, None).await.unwrap().ticket;
    (ticket, stored(test, ticket).reporter)
}

#[tokio::test]
async fn a_merge_and_its_undo_lose_nothing() {
    let test = TestHub::new().await;
    let (first, ana) = submit(&test, &report("ana", Some("ana@example.test"), true)).await;
    let (second, other) = submit(&test, &report("ana-2", Some("ana.work@example.test"), true)).await;
    let before = test.hub.show.find_reporter(other).await.unwrap().unwrap();
    let by = test.reviewer.id;
    let merge = &test.hub.merge_reporters;

    merge.merge(other, ana, by).await.unwrap();
    assert_eq!(test.hub.show.find_reporter(other).await.unwrap().unwrap().id, ana);
    let known = merge.known_as(other).await.unwrap();
    assert_eq!(
        (known.reporter.id, known.identities.len(), known.merged.len()),
        (ana, 2, 1)
    );
    assert_eq!(
        stored(&test, second).reporter,
        other,
        "what was sealed under a key stays under it"
    );
    let again = merge.merge(other, ana, by).await;
    assert!(matches!(again, Err(MergeError::Same)), "{again:?}");

    let mut after = merge.part(other, by).await.unwrap();
    after.version = before.version;
    assert_eq!(after, before);
    assert!(merge.known_as(ana).await.unwrap().merged.is_empty());
    let links = test.store.all_identity_links();
    assert!(
        links.iter().all(|link| link.undone.is_some_and(|(_, who)| who == by)),
        "{links:?}"
    );
    let told = test.store.events(second);
    assert_eq!(
        told.iter()
            .filter(|event| event.kind == EventKind::ReporterLinked)
            .count(),
        2
    );
    assert!(
        test.store
            .events(first)
            .iter()
            .all(|event| event.kind != EventKind::ReporterLinked)
    );
}

#[tokio::test]
async fn a_merged_persons_address_leads_to_who_they_are() {
    let test = TestHub::new().await;
    let (_, ana) = submit(&test, &report("ana", Some("ana@example.test"), true)).await;
    let (_, other) = submit(&test, &report("ana-2", Some("ana.work@example.test"), true)).await;
    test.hub
        .merge_reporters
        .merge(other, ana, test.reviewer.id)
        .await
        .unwrap();
    let (_, third) = submit(&test, &report("ana-3", Some("ana.work@example.test"), true)).await;
    assert_eq!(third, ana);
    let (_, same) = submit(&test, &report("ana-2", None, false)).await;
    assert_eq!(
        same, other,
        "a known address stays with the key that it is sealed under"
    );
}

#[tokio::test]
async fn merges_make_no_ring() {
    let test = TestHub::new().await;
    let mut people = Vec::new();
    for user in ["one", "two", "three"] {
        people.push(submit(&test, &report(user, None, false)).await.1);
    }
    let (merge, by) = (&test.hub.merge_reporters, test.reviewer.id);
    let (one, two) = futures::join!(
        merge.merge(people[0], people[1], by),
        merge.merge(people[1], people[0], by)
    );
    assert_eq!(one.is_ok() as u8 + two.is_ok() as u8, 1, "{one:?} {two:?}");
    merge.merge(people[2], people[0], by).await.unwrap();
    let ring = merge.merge(people[0], people[2], by).await;
    assert!(matches!(ring, Err(MergeError::Same)), "{ring:?}");
    assert_eq!(merge.known_as(people[1]).await.unwrap().merged.len(), 2);
}

#[tokio::test]
async fn two_reporters_whose_providers_vouch_for_one_address_become_one_person() {
    let test = TestHub::new().await;
    let (_, ana) = submit(&test, &report("ana", Some("ana@example.test"), true)).await;
    test.directory.put_verified("U0ANA", "Ana Ruiz", "Ana@example.test");
    let slack = payloads::slack("1767225600.000100", "U0ANA", "broken");
    let slack = ticket_of(&test.receive(Channel::Slack, slack).await);
    let reporter = stored(&test, slack).reporter;
    assert_ne!(reporter, ana, "nobody knows before the directory was asked");
    test.run_due_jobs().await;
    assert_eq!(test.hub.show.find_reporter(reporter).await.unwrap().unwrap().id, ana);
    let parted = test.hub.merge_reporters.part(reporter, test.reviewer.id).await.unwrap();
    assert_eq!(parted.merged_into, None);
}

#[tokio::test]
async fn weak_evidence_is_shown_and_links_nobody() {
    let test = TestHub::new().await;
    let (_, proved) = submit(&test, &report("one", Some("dana@example.test"), true)).await;
    let (_, typed) = submit(&test, &report("two", Some("dana@example.test"), false)).await;
    for (one, other) in [(proved, typed), (typed, proved)] {
        let known = test.hub.merge_reporters.known_as(one).await.unwrap();
        assert_eq!((known.reporter.id, known.suspected), (one, vec![other]));
    }
}

#[tokio::test]
async fn who_asks_not_to_be_written_to_is_not_and_can_take_it_back() {
    let (test, ticket) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    let wish = |id: &str, at: i64, text: &str| payloads::whatsapp("5491155550101", &[(id, at, text)]);
    let recorded = test
        .receive(Channel::WhatsApp, wish("wamid.S1", 1_767_225_601, "BAJA"))
        .await;
    assert_eq!(
        ticket_of(&recorded),
        ticket,
        "the wish stands on the last ticket's timeline"
    );
    test.run_due_jobs().await;
    assert!(test.whatsapp.delivered().is_empty());
    let [notification] = &test.store.all_notifications()[..] else {
        panic!("one notification")
    };
    assert_eq!(notification.mode, DeliveryMode::SessionOrTemplate { template: None });
    assert!(!notification.status.has_arrived());
    assert_eq!(
        notification.last_error.as_ref().map(|error| &*error.code),
        Some("opted_out")
    );
    assert_eq!(test.store.all_tickets().len(), 1, "and makes no ticket");

    let late = wish("wamid.S0", 1_767_225_500, "alta");
    test.receive(Channel::WhatsApp, late).await;
    let identity = test.store.events(ticket);
    assert!(identity.iter().any(|event| event.kind == EventKind::OptedOut));
    let plan = test.hub.review.plan(notification.changelog_entry).await.unwrap();
    assert!(plan[0].opted_out, "an older message that comes late changes nothing");

    test.receive(Channel::WhatsApp, wish("wamid.S2", 1_767_225_700, "ALTA"))
        .await;
    let plan = test.hub.review.plan(notification.changelog_entry).await.unwrap();
    assert!(!plan[0].opted_out);
}

#[tokio::test]
async fn a_wish_from_somebody_unknown_is_kept_for_them() {
    let test = TestHub::new().await;
    let wish = payloads::whatsapp("5491155550101", &[("wamid.S1", 1_767_225_600, "stop")]);
    let recorded = test.receive(Channel::WhatsApp, wish).await;
    assert!(matches!(recorded.outcomes[..], [Outcome::Ignored(_)]), "{recorded:?}");
    let report = payloads::whatsapp("5491155550101", &[("wamid.R1", 1_767_225_700, "the export hangs")]);
    let ticket = ticket_of(&test.receive(Channel::WhatsApp, report).await);
    test.run_due_jobs().await;
    resolve(&test, ticket).await;
    approve(&test, ticket).await;
    test.run_due_jobs().await;
    assert!(test.whatsapp.delivered().is_empty());
    let statuses: Vec<_> = test.store.all_notifications().iter().map(|n| n.status).collect();
    assert!(!statuses.contains(&NotificationStatus::Sent), "{statuses:?}");
}
