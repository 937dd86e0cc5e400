//! What is found by which key, and what a look-up sees.

use std::sync::Arc;

use futures::future::join_all;

use super::{StorageHarness, commit, intake, ticket};
use crate::{
    domain::{Channel, Scrubbed, TicketNumber, Write},
    ports::{
        ChangelogEntryKey, IdentityKey, NotificationKey, NotificationsKey, ReporterKey, SourceKey, Storage, TicketKey,
    },
    testing::fixtures::Fixtures,
};

pub(super) async fn an_intake_is_found_again_by_every_key<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut rows = fixtures.intake();
    rows.reporter.email_index = Some(fixtures.blind_index());
    rows.reporter.email_verified = true;
    rows.reporter.phone_index = Some(fixtures.blind_index());
    let receipt = commit(
        store,
        rows.change()
            .with(Write::InsertIdentityLink(fixtures.identity_link(&rows.identity))),
    )
    .await;
    let number = receipt.number_of(rows.ticket.id).expect("a new ticket has a number");

    let stored = Some(rows.stored_ticket(number));
    for key in [TicketKey::Id(rows.ticket.id), TicketKey::Number(number)] {
        assert_eq!(store.ticket(key).await.unwrap_or(None), stored);
    }
    let (channel, external) = (rows.source.channel, rows.source.external_id.clone());
    let thread = rows.source.thread_key.clone().expect("the fixture has a thread");
    for key in [
        SourceKey::External(channel, external),
        SourceKey::NewestInThread(channel, thread),
        SourceKey::NewestBy(rows.identity.id),
    ] {
        assert_eq!(store.source(key).await.unwrap_or(None), Some(rows.source.clone()));
    }
    assert_eq!(
        store.sources(rows.ticket.id).await.unwrap_or_default(),
        [rows.source.clone()]
    );
    let (email, phone) = (rows.reporter.email_index, rows.reporter.phone_index);
    let (email, phone) = (email.expect("set above"), phone.expect("set above"));
    for key in [
        ReporterKey::Id(rows.reporter.id),
        ReporterKey::VerifiedEmail(email),
        ReporterKey::AnyEmail(email),
        ReporterKey::Phone(vec![fixtures.blind_index(), phone]),
    ] {
        assert_eq!(store.reporter(key).await.unwrap_or(None), Some(rows.reporter.clone()));
    }
    for key in [
        IdentityKey::Id(rows.identity.id),
        IdentityKey::External(rows.identity.channel, rows.identity.lookup),
    ] {
        assert_eq!(store.identity(key).await.unwrap_or(None), Some(rows.identity.clone()));
    }
    assert_eq!(
        store.identities(rows.reporter.id).await.unwrap_or_default(),
        [rows.identity.clone()]
    );
}

pub(super) async fn a_look_up_that_finds_nothing_is_none<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let none = "a look-up works on an empty store";
    assert!(store.ticket(TicketKey::Id(fixtures.id())).await.expect(none).is_none());
    assert!(
        store
            .ticket(TicketKey::Number(TicketNumber::FIRST))
            .await
            .expect(none)
            .is_none()
    );
    assert!(
        store
            .ticket(TicketKey::Number(TicketNumber::new(u64::MAX)))
            .await
            .expect(none)
            .is_none()
    );
    assert!(
        store
            .ticket(TicketKey::Page("page".into()))
            .await
            .expect(none)
            .is_none()
    );
    assert!(
        store
            .source(SourceKey::External(Channel::Slack, fixtures.external_id()))
            .await
            .expect(none)
            .is_none()
    );
    assert!(
        store
            .source(SourceKey::NewestBy(fixtures.id()))
            .await
            .expect(none)
            .is_none()
    );
    assert!(store.sources(fixtures.id()).await.expect(none).is_empty());
    assert!(
        store
            .reporter(ReporterKey::Id(fixtures.id()))
            .await
            .expect(none)
            .is_none()
    );
    assert!(
        store
            .reporter(ReporterKey::VerifiedEmail(fixtures.blind_index()))
            .await
            .expect(none)
            .is_none()
    );
    assert!(store.reporter(ReporterKey::Phone(vec![])).await.expect(none).is_none());
    assert!(
        store
            .identity(IdentityKey::Id(fixtures.id()))
            .await
            .expect(none)
            .is_none()
    );
    assert!(store.identities(fixtures.id()).await.expect(none).is_empty());
    assert!(
        store
            .changelog_entry(ChangelogEntryKey::Id(fixtures.id()))
            .await
            .expect(none)
            .is_none()
    );
    assert!(
        store
            .changelog_entry(ChangelogEntryKey::NewestOf(fixtures.id()))
            .await
            .expect(none)
            .is_none()
    );
    assert!(
        store
            .notification(NotificationKey::Id(fixtures.id()))
            .await
            .expect(none)
            .is_none()
    );
    let message = NotificationKey::ProviderMessage(Channel::Slack, "1.2".into());
    assert!(store.notification(message).await.expect(none).is_none());
    assert!(
        store
            .notifications(NotificationsKey::Entry(fixtures.id()))
            .await
            .expect(none)
            .is_empty()
    );
    assert!(store.attempts(fixtures.id()).await.expect(none).is_empty());
    assert!(store.cursor("tracker").await.expect(none).is_none());
    assert!(store.vectors("model", fixtures.now()).await.expect(none).is_empty());
    assert!(store.remembered_call("scope", "key").await.expect(none).is_none());
    assert!(store.user(fixtures.id()).await.expect(none).is_none());
    assert!(store.session(fixtures.secret_digest()).await.expect(none).is_none());
    assert!(
        store
            .sign_in_link(fixtures.secret_digest())
            .await
            .expect(none)
            .is_none()
    );
    assert!(store.api_token(fixtures.secret_digest()).await.expect(none).is_none());
}

pub(super) async fn a_look_up_sees_every_answered_commit<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let fixtures = Fixtures::default();
    let tasks = (0..16).map(|_| {
        let (store, fixtures) = (Arc::clone(&fresh.adapter), fixtures.clone());
        tokio::spawn(async move {
            for _ in 0..5 {
                let (_, expected) = intake(&store, &fixtures).await;
                assert_eq!(ticket(&store, expected.id).await, expected);
            }
        })
    });
    for result in join_all(tasks).await {
        result.expect("every look-up saw its commit");
    }
}

pub(super) async fn errors_and_debug_say_nothing_of_the_rows<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut rows = fixtures.intake();
    rows.ticket.title = Scrubbed::restore("canary-title".into());
    rows.source.redacted = Some("canary-payload".into());
    commit(store, rows.change()).await;
    let mut shown = format!("{store:?}");
    let mut error: Option<&dyn std::error::Error>;
    let failure = store.commit(rows.change()).await.expect_err("the rows are there");
    error = Some(&failure);
    while let Some(part) = error {
        shown.push_str(&format!(" {part} {part:?}"));
        error = part.source();
    }
    assert!(!shown.contains("canary"), "{shown}");
    assert!(!shown.contains(rows.source.external_id.as_str()), "{shown}");
}
