//! Entries, deliveries and their tries.

use std::time::Duration;

use super::{StorageHarness, approved, commit, intake, only_winner, refused, sixteen, write};
use crate::{
    domain::{
        AttemptOutcome, Change, ChangelogStatus, Channel, Decision, DeliveryError, DeliveryMode, IdempotencyKey,
        NotificationStatus, TemplateRef, Write,
    },
    ports::{ChangelogEntryKey, NotificationKey, NotificationsKey, PortErrorKind, Storage},
    testing::fixtures::Fixtures,
};

pub(super) async fn every_field_of_an_entry_survives<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let mut entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
    write(store, Write::InsertChangelogEntry(Box::new(entry.clone()))).await;
    let found = store.changelog_entry(ChangelogEntryKey::Id(entry.id)).await;
    assert_eq!(found.unwrap_or(None), Some(entry.clone()));
    entry.status = ChangelogStatus::Rejected;
    entry.edited_by = Some(fixtures.id());
    entry.decision = Some(Decision {
        by: None,
        at: fixtures.now(),
        seen_version: 1,
        reason: Some("reopened".into()),
    });
    write(store, Write::UpdateChangelogEntry(Box::new(entry.clone()))).await;
    entry.version += 1;
    let found = store.changelog_entry(ChangelogEntryKey::Id(entry.id)).await;
    assert_eq!(found.unwrap_or(None), Some(entry));
}

pub(super) async fn every_field_of_a_notification_and_its_tries_survives<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (_, _, mut notification) = approved(store, &fixtures).await;
    let mut attempt = fixtures.attempt(&notification);
    write(store, Write::InsertAttempt(attempt.clone())).await;
    let template = TemplateRef {
        name: "resolved".into(),
        language: "es_AR".into(),
    };
    for mode in [
        DeliveryMode::ThreadReply,
        DeliveryMode::DirectMessage,
        DeliveryMode::ConversationReply,
        DeliveryMode::SessionOrTemplate {
            template: Some(template),
        },
        DeliveryMode::SessionOrTemplate { template: None },
        DeliveryMode::Email,
        DeliveryMode::Inbox,
        DeliveryMode::ByHand,
    ] {
        notification.mode = mode;
        write(store, Write::UpdateNotification(Box::new(notification.clone()))).await;
        notification.version += 1;
        let found = store.notification(NotificationKey::Id(notification.id)).await;
        assert_eq!(found.unwrap_or(None), Some(notification.clone()));
    }
    for status in NotificationStatus::ALL {
        notification.status = status;
        notification.retry_count += 1;
        notification.last_error = Some(DeliveryError {
            code: "131047".into(),
            words: "re-engagement".into(),
        });
        notification.sent_as = Some("template".into());
        notification.provider_message_id = Some("wamid.1".into());
        notification.sent_at = Some(fixtures.now());
        notification.delivered_at = Some(fixtures.clock.advance(Duration::from_secs(1)));
        notification.read_at = Some(fixtures.clock.advance(Duration::from_secs(1)));
        write(store, Write::UpdateNotification(Box::new(notification.clone()))).await;
        notification.version += 1;
        let found = store.notification(NotificationKey::Id(notification.id)).await;
        assert_eq!(found.unwrap_or(None), Some(notification.clone()));
    }
    for outcome in [
        AttemptOutcome::Sent,
        AttemptOutcome::NotSent,
        AttemptOutcome::Refused,
        AttemptOutcome::Unknown,
    ] {
        attempt.finished_at = Some(fixtures.clock.advance(Duration::from_secs(1)));
        attempt.outcome = Some(outcome);
        attempt.error = Some(DeliveryError {
            code: "timeout".into(),
            words: "no answer".into(),
        });
        write(store, Write::UpdateAttempt(attempt.clone())).await;
        assert_eq!(
            store.attempts(notification.id).await.unwrap_or_default(),
            [attempt.clone()]
        );
    }
}

pub(super) async fn a_ticket_has_one_open_draft<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let draft = |resolution| {
        let mut entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
        entry.resolution = resolution;
        Change::new().with(Write::InsertChangelogEntry(Box::new(entry)))
    };
    only_winner(&sixteen(store, |number| draft(number as u32)).await);
    let entry = store
        .changelog_entry(ChangelogEntryKey::NewestOf(rows.ticket.id))
        .await
        .unwrap_or(None);
    let mut entry = entry.expect("one draft won");
    entry.status = ChangelogStatus::Rejected;
    write(store, Write::UpdateChangelogEntry(Box::new(entry.clone()))).await;
    commit(store, draft(entry.resolution)).await;
}

pub(super) async fn a_resolution_has_one_entry_that_is_not_rejected<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, entry, _) = approved(store, &fixtures).await;
    let mut again = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
    again.resolution = entry.resolution;
    assert_eq!(
        refused(store, Write::InsertChangelogEntry(Box::new(again.clone()))).await,
        PortErrorKind::Conflict
    );
    again.resolution += 1;
    write(store, Write::InsertChangelogEntry(Box::new(again))).await;
}

pub(super) async fn the_newest_entry_of_a_ticket_is_found<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _, _) = approved(store, &fixtures).await;
    fixtures.clock.advance(Duration::from_secs(1));
    let mut newer = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
    newer.resolution = 2;
    write(store, Write::InsertChangelogEntry(Box::new(newer.clone()))).await;
    let found = store.changelog_entry(ChangelogEntryKey::NewestOf(rows.ticket.id)).await;
    assert_eq!(found.unwrap_or(None), Some(newer));
}

pub(super) async fn an_idempotency_key_makes_one_notification<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
    write(store, Write::InsertChangelogEntry(Box::new(entry.clone()))).await;
    let insert = |_| {
        Change::new().with(Write::InsertNotification(Box::new(
            fixtures.notification(&entry, &rows.identity),
        )))
    };
    only_winner(&sixteen(store, insert).await);
    assert_eq!(
        store
            .notifications(NotificationsKey::Entry(entry.id))
            .await
            .unwrap_or_default()
            .len(),
        1
    );
}

pub(super) async fn a_notification_is_found_by_message_and_by_marker<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (_, _, mut notification) = approved(store, &fixtures).await;
    approved(store, &fixtures).await;
    let attempt = fixtures.attempt(&notification);
    notification.provider_message_id = Some("C0:1.2".into());
    let change = Change::new()
        .with(Write::InsertAttempt(attempt.clone()))
        .with(Write::UpdateNotification(Box::new(notification.clone())));
    commit(store, change).await;
    notification.version += 1;
    for key in [
        NotificationKey::ProviderMessage(Channel::Slack, "C0:1.2".into()),
        NotificationKey::Marker(attempt.marker()),
    ] {
        assert_eq!(
            store.notification(key).await.unwrap_or(None),
            Some(notification.clone())
        );
    }
    let elsewhere = NotificationKey::ProviderMessage(Channel::WhatsApp, "C0:1.2".into());
    assert_eq!(store.notification(elsewhere).await.unwrap_or(None), None);
}

pub(super) async fn notifications_and_tries_come_oldest_first<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, entry, first) = approved(store, &fixtures).await;
    let mut identity = fixtures.identity(rows.reporter.id);
    identity.channel = Channel::Email;
    identity.created_at = fixtures.now().minus(Duration::from_secs(5));
    let mut earlier = fixtures.notification(&entry, &identity);
    earlier.created_at = fixtures.now().minus(Duration::from_secs(5));
    let (mut late, early) = (fixtures.attempt(&first), fixtures.attempt(&first));
    late.started_at = fixtures.now().plus(Duration::from_secs(5));
    let change = Change::new()
        .with(Write::InsertIdentity(identity.clone()))
        .with(Write::InsertNotification(Box::new(earlier.clone())))
        .with(Write::InsertAttempt(late.clone()))
        .with(Write::InsertAttempt(early.clone()));
    commit(store, change).await;
    assert_eq!(
        store
            .notifications(NotificationsKey::Entry(entry.id))
            .await
            .unwrap_or_default(),
        [earlier, first.clone()]
    );
    assert_eq!(store.attempts(first.id).await.unwrap_or_default(), [early, late]);
    assert_eq!(
        store.identities(rows.reporter.id).await.unwrap_or_default(),
        [identity, rows.identity]
    );
}

pub(super) async fn deliveries_that_wait_for_an_address_are_found_by_it<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, entry, mut sent) = approved(store, &fixtures).await;
    let mut waiting = Vec::new();
    for turn in 0..2 {
        fixtures.clock.advance(Duration::from_secs(1));
        let mut parked = fixtures.notification(&entry, &rows.identity);
        parked.idempotency_key = IdempotencyKey::composed(&["parked", &turn.to_string()]);
        parked.status = NotificationStatus::ChannelRestricted;
        write(store, Write::InsertNotification(Box::new(parked.clone()))).await;
        waiting.push(parked);
    }
    let found = store.notifications(NotificationsKey::Parked(rows.identity.id)).await;
    assert_eq!(found.unwrap_or_default(), waiting);
    let mut released = waiting[0].clone();
    released.status = NotificationStatus::Pending;
    write(store, Write::UpdateNotification(Box::new(released.clone()))).await;
    let found = store.notifications(NotificationsKey::Parked(rows.identity.id)).await;
    assert_eq!(found.unwrap_or_default(), waiting[1..]);
    (sent.status, released.version) = (sent.status, released.version + 1);
    let found = store.notifications(NotificationsKey::Reporter(rows.reporter.id)).await;
    assert_eq!(found.unwrap_or_default(), [sent, released, waiting[1].clone()]);
    let nobody = store.notifications(NotificationsKey::Reporter(fixtures.id())).await;
    assert_eq!(nobody.unwrap_or_default(), []);
}
