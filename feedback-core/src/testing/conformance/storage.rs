//! The promises of [`Storage`] and of every [`Write`].

use std::{future::Future, process::ExitCode, sync::Arc, time::Duration};

use futures::future::join_all;

use super::{Check, Fresh, checks, run_checks};
use crate::{
    domain::{
        AttemptOutcome, ChainHash, Change, ChangelogEntry, ChangelogStatus, Channel, CommitReceipt, Confirmation,
        Decision, DeliveryError, DeliveryMode, EnrichmentStatus, EventKind, LinkStatus, Notification,
        NotificationStatus, Priority, Scrubbed, Suggestion, TemplateRef, ThreadRef, Ticket, TicketId, TicketNumber,
        TicketStatus, TicketType, TrackerPage, TrackerStatus, Write,
    },
    ports::{
        ChangelogEntryKey, IdentityKey, NotificationKey, NotificationsKey, PortError, PortErrorKind, ReporterKey,
        SourceKey, Storage, TicketKey,
    },
    testing::fixtures::{Fixtures, IntakeRows},
};

/// Makes stores for the checks.
pub trait StorageHarness: Send + Sync + 'static {
    /// The store under test.
    type Adapter: Storage;

    /// An empty store.
    fn fresh(&self) -> impl Future<Output = Fresh<Self::Adapter>> + Send;

    /// The stored links of a ticket's chain, oldest first: no port gives them, since only an auditor asks.
    fn chain_of(&self, adapter: &Self::Adapter, ticket: TicketId) -> impl Future<Output = Vec<ChainHash>> + Send;
}

/// Runs all checks as a test binary.
pub fn run<H: StorageHarness>(harness: H) -> ExitCode {
    run_checks(harness, "storage", checks())
}

/// All checks, for a binary that runs several suites.
pub fn checks<H: StorageHarness>() -> &'static [Check<H>] {
    checks![
        an_intake_is_found_again_by_every_key,
        a_look_up_that_finds_nothing_is_none,
        an_empty_change_does_nothing,
        every_field_of_a_ticket_survives,
        every_field_of_an_entry_survives,
        every_field_of_a_notification_and_its_tries_survives,
        every_kind_of_thread_survives,
        a_message_without_a_thread_gets_one_and_keeps_it,
        one_misfit_leaves_nothing_of_its_change,
        writes_apply_in_their_order,
        what_a_write_refers_to_must_be_there,
        the_same_id_twice_is_a_conflict,
        an_update_raises_the_version_by_one,
        a_stale_update_is_a_conflict_and_changes_nothing,
        an_update_of_nothing_is_not_found,
        an_update_keeps_number_and_creation,
        of_sixteen_updates_of_one_version_one_wins,
        numbers_rise_from_the_first,
        no_number_is_given_twice_under_sixteen_writers,
        a_verified_email_belongs_to_one_reporter,
        an_unverified_email_or_a_merged_reporter_claims_nothing,
        a_merged_reporter_is_found_where_nobody_else_has_the_address,
        the_oldest_reporter_comes_first,
        a_look_up_digest_belongs_to_one_identity_of_a_channel,
        touching_keeps_the_later_time_and_raises_no_version,
        an_update_never_takes_a_message_time_back,
        a_message_makes_one_source,
        of_sixteen_deliveries_of_a_message_one_is_recorded,
        sources_come_in_the_order_of_recording,
        a_page_belongs_to_one_ticket,
        a_ticket_has_one_open_draft,
        a_resolution_has_one_entry_that_is_not_rejected,
        the_newest_entry_of_a_ticket_is_found,
        an_idempotency_key_makes_one_notification,
        a_notification_is_found_by_message_and_by_marker,
        notifications_and_tries_come_oldest_first,
        a_known_pair_is_never_suggested_again,
        a_vector_replaces_that_of_its_model,
        vectors_of_a_window_come_newest_first,
        a_cursor_begins_at_version_0_and_has_one_mover,
        a_call_is_remembered_once,
        users_and_tokens_keep_what_was_decided,
        a_sign_in_link_is_used_once_by_sixteen,
        a_session_is_seen_later_and_ends,
        events_are_chained_in_the_order_of_commit,
        chains_of_sixteen_writers_hold,
        a_dropped_commit_is_whole_or_nothing,
        a_look_up_sees_every_answered_commit,
        errors_and_debug_say_nothing_of_the_rows,
    ]
}

async fn commit(store: &impl Storage, change: Change) -> CommitReceipt {
    store.commit(change).await.expect("the change fits")
}

async fn write(store: &impl Storage, write: Write) {
    commit(store, Change::new().with(write)).await;
}

async fn refused(store: &impl Storage, write: Write) -> PortErrorKind {
    store
        .commit(Change::new().with(write))
        .await
        .expect_err("the write does not fit")
        .kind()
}

/// An intake, committed; the ticket as it is stored.
async fn intake(store: &impl Storage, fixtures: &Fixtures) -> (IntakeRows, Ticket) {
    let rows = fixtures.intake();
    let receipt = commit(store, rows.change()).await;
    let number = receipt.number_of(rows.ticket.id).expect("a new ticket has a number");
    let ticket = rows.stored_ticket(number);
    (rows, ticket)
}

async fn ticket(store: &impl Storage, id: TicketId) -> Ticket {
    store
        .ticket(TicketKey::Id(id))
        .await
        .expect("look-ups work")
        .expect("the ticket is there")
}

/// An approved entry with a notification, committed.
async fn approved(store: &impl Storage, fixtures: &Fixtures) -> (IntakeRows, ChangelogEntry, Notification) {
    let (rows, _) = intake(store, fixtures).await;
    let mut entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
    entry.status = ChangelogStatus::Approved;
    entry.decision = Some(Decision {
        by: Some(fixtures.id()),
        at: fixtures.now(),
        seen_version: 1,
        reason: None,
    });
    let notification = fixtures.notification(&entry, &rows.identity);
    let change = Change::new()
        .with(Write::InsertChangelogEntry(Box::new(entry.clone())))
        .with(Write::InsertNotification(Box::new(notification.clone())));
    commit(store, change).await;
    (rows, entry, notification)
}

async fn an_intake_is_found_again_by_every_key<H: StorageHarness>(harness: &H) {
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

async fn a_look_up_that_finds_nothing_is_none<H: StorageHarness>(harness: &H) {
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

async fn an_empty_change_does_nothing<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    assert_eq!(commit(&fresh.adapter, Change::new()).await, CommitReceipt::default());
}

async fn every_field_of_a_ticket_survives<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (_, mut full) = intake(store, &fixtures).await;
    full.channel = Channel::WhatsApp;
    full.title = Scrubbed::restore("Título ñ 🚀 \u{0}'\"".into());
    full.status = TicketStatus::Closed;
    full.ticket_type = TicketType::Incident;
    full.priority = Priority::P0;
    full.inferred.confidence = 0.1;
    full.suggestion = Some(Suggestion {
        ticket_type: TicketType::Question,
        priority: Priority::P5,
        summary: "Breve".into(),
        made_by: fixtures.model_use(),
        at: fixtures.now(),
    });
    full.enrichment = EnrichmentStatus::Suggested;
    let by = fixtures.id();
    full.confirmation = Some(Confirmation {
        ticket_type: TicketType::Bug,
        priority: Priority::P1,
        by,
        at: fixtures.now(),
    });
    full.sprint = Some("Sprint 7".into());
    full.page = Some(TrackerPage {
        id: "page-1".into(),
        url: Some("https://tracker.test/1".into()),
        pushed_digest: Some("d1".into()),
        pushed_at: Some(fixtures.now()),
        seen_status: Some(TrackerStatus::Done),
    });
    full.resolutions = 3;
    full.resolved_at = Some(fixtures.now());
    full.updated_at = fixtures.clock.advance(Duration::from_micros(1));
    write(store, Write::UpdateTicket(Box::new(full.clone()))).await;
    full.version += 1;
    assert_eq!(ticket(store, full.id).await, full);
    assert_eq!(
        store.ticket(TicketKey::Page("page-1".into())).await.unwrap_or(None),
        Some(full.clone())
    );

    let mut bare = full;
    (bare.original, bare.placeholders, bare.language) = (None, None, None);
    (
        bare.suggestion,
        bare.confirmation,
        bare.sprint,
        bare.page,
        bare.resolved_at,
    ) = (None, None, None, None, None);
    write(store, Write::UpdateTicket(Box::new(bare.clone()))).await;
    bare.version += 1;
    assert_eq!(ticket(store, bare.id).await, bare);
}

async fn every_field_of_an_entry_survives<H: StorageHarness>(harness: &H) {
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

async fn every_field_of_a_notification_and_its_tries_survives<H: StorageHarness>(harness: &H) {
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

async fn every_kind_of_thread_survives<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    for thread in [
        ThreadRef::Slack {
            team: "T0".into(),
            channel: "C0".into(),
            thread_ts: None,
        },
        ThreadRef::Intercom {
            app: "a1".into(),
            conversation: "9".into(),
        },
        ThreadRef::WhatsApp {
            phone_number_id: "1".into(),
            quoted: Some("wamid.2".into()),
        },
        ThreadRef::Email {
            message_id: Some("m@x.test".into()),
            references: vec!["r@x.test".into()],
            subject: None,
        },
        ThreadRef::InApp,
        ThreadRef::Backoffice,
    ] {
        let mut source = fixtures.source(rows.ticket.id, &rows.identity);
        (source.channel, source.thread_key, source.thread) = (thread.channel(), thread.key(), thread);
        (source.raw, source.redacted) = (None, None);
        write(store, Write::InsertSource(Box::new(source.clone()))).await;
        let key = SourceKey::External(source.channel, source.external_id.clone());
        assert_eq!(store.source(key).await.unwrap_or(None), Some(source));
    }
}

async fn a_message_without_a_thread_gets_one_and_keeps_it<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let thread = |ts: Option<&str>| ThreadRef::Slack {
        team: "T0".into(),
        channel: "C0".into(),
        thread_ts: ts.map(Into::into),
    };
    let mut source = fixtures.source(rows.ticket.id, &rows.identity);
    (source.thread_key, source.thread) = (None, thread(None));
    write(store, Write::InsertSource(Box::new(source.clone()))).await;
    let begun = thread(Some("1767225600.000100"));
    for offered in [begun.clone(), thread(Some("1767225999.000900"))] {
        write(store, Write::AnchorSource(source.id, offered)).await;
        let key = begun.key().expect("it has a root");
        let found = store
            .source(SourceKey::NewestInThread(Channel::Slack, key.clone()))
            .await;
        (source.thread_key, source.thread) = (Some(key), begun.clone());
        assert_eq!(
            found.unwrap_or(None),
            Some(source.clone()),
            "by its thread, the first one that it got"
        );
    }
    let error = store
        .commit(Change::new().with(Write::AnchorSource(fixtures.id(), begun)))
        .await
        .expect_err("there is no such message");
    assert_eq!(error.kind(), PortErrorKind::NotFound);
}

async fn one_misfit_leaves_nothing_of_its_change<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (known, before) = intake(store, &fixtures).await;
    let rows = fixtures.intake();
    let mut moved = before.clone();
    moved.status = TicketStatus::Triaged;
    let mut repeated = fixtures.source(rows.ticket.id, &rows.identity);
    repeated.external_id = known.source.external_id.clone();
    let change = Change::new()
        .with(Write::UpdateTicket(Box::new(moved)))
        .with(Write::TouchIdentity(
            known.identity.id,
            fixtures.now().plus(Duration::from_secs(60)),
        ));
    let change = rows.change().into_writes().into_iter().fold(change, Change::with);
    let error = store
        .commit(change.with(Write::InsertSource(Box::new(repeated))))
        .await
        .expect_err("one misfit");
    assert_eq!(error.kind(), PortErrorKind::Conflict);
    assert_eq!(ticket(store, before.id).await, before);
    assert!(
        store
            .ticket(TicketKey::Id(rows.ticket.id))
            .await
            .unwrap_or(None)
            .is_none()
    );
    assert!(
        store
            .reporter(ReporterKey::Id(rows.reporter.id))
            .await
            .unwrap_or(None)
            .is_none()
    );
    assert!(store.sources(rows.ticket.id).await.unwrap_or_default().is_empty());
    assert!(harness.chain_of(store, rows.ticket.id).await.is_empty());
    let identity = store.identity(IdentityKey::Id(known.identity.id)).await.unwrap_or(None);
    assert_eq!(identity, Some(known.identity));
}

async fn writes_apply_in_their_order<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (first, mut second) = (fixtures.reporter(), fixtures.reporter());
    second.merged_into = Some(first.id);
    let mut updated = second.clone();
    updated.merged_into = None;
    let change = Change::new()
        .with(Write::InsertReporter(first))
        .with(Write::InsertReporter(second))
        .with(Write::UpdateReporter(updated.clone()));
    commit(store, change).await;
    updated.version += 1;
    assert_eq!(
        store.reporter(ReporterKey::Id(updated.id)).await.unwrap_or(None),
        Some(updated)
    );
    let late = fixtures.reporter();
    let backwards = Change::new()
        .with(Write::UpdateReporter(late.clone()))
        .with(Write::InsertReporter(late));
    assert_eq!(
        store
            .commit(backwards)
            .await
            .expect_err("the update comes first")
            .kind(),
        PortErrorKind::NotFound
    );
}

async fn what_a_write_refers_to_must_be_there<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let stranger = fixtures.intake();
    let entry = fixtures.changelog_entry(stranger.ticket.id, rows.reporter.id);
    let user = fixtures.id();
    for orphan in [
        Write::InsertIdentity(stranger.identity.clone()),
        Write::InsertIdentityLink(fixtures.identity_link(&stranger.identity)),
        Write::InsertTicket(Box::new(stranger.ticket.clone())),
        Write::InsertSource(Box::new(fixtures.source(stranger.ticket.id, &rows.identity))),
        Write::InsertSource(Box::new(fixtures.source(rows.ticket.id, &stranger.identity))),
        Write::AppendEvent(stranger.event.clone()),
        Write::InsertNotification(Box::new(fixtures.notification(&entry, &rows.identity))),
        Write::InsertChangelogEntry(Box::new(entry)),
        Write::SuggestLink(fixtures.link(rows.ticket.id, stranger.ticket.id)),
        Write::InsertAttachment(Box::new(fixtures.attachment(&stranger.source))),
        Write::PutVector(fixtures.vector(stranger.ticket.id, "m")),
        Write::InsertApiToken(fixtures.api_token(user)),
        Write::InsertSignInLink(fixtures.sign_in_link(user)),
        Write::PutSession(fixtures.session(user)),
    ] {
        assert_eq!(
            refused(store, orphan.clone()).await,
            PortErrorKind::NotFound,
            "{orphan:?}"
        );
    }
}

async fn the_same_id_twice_is_a_conflict<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let mut identity = fixtures.identity(rows.reporter.id);
    identity.id = rows.identity.id;
    let mut source = fixtures.source(rows.ticket.id, &rows.identity);
    source.id = rows.source.id;
    let user = fixtures.user();
    write(store, Write::InsertUser(user.clone())).await;
    for again in [
        Write::InsertReporter(rows.reporter.clone()),
        Write::InsertIdentity(identity),
        Write::InsertTicket(Box::new(rows.ticket.clone())),
        Write::InsertSource(Box::new(source)),
        Write::AppendEvent(rows.event.clone()),
        Write::Enqueue(rows.job.clone()),
        Write::InsertUser(user),
    ] {
        assert_eq!(
            refused(store, again.clone()).await,
            PortErrorKind::Conflict,
            "{again:?}"
        );
    }
}

/// One update of each versioned kind, of rows that are stored with version 1.
async fn updates(store: &impl Storage, fixtures: &Fixtures) -> Vec<Write> {
    let (rows, entry, notification) = approved(store, fixtures).await;
    let number = ticket(store, rows.ticket.id).await.number;
    vec![
        Write::UpdateReporter(rows.reporter.clone()),
        Write::UpdateIdentity(rows.identity.clone()),
        Write::UpdateTicket(Box::new(rows.stored_ticket(number))),
        Write::UpdateChangelogEntry(Box::new(entry)),
        Write::UpdateNotification(Box::new(notification)),
    ]
}

fn with_version(write: &Write, version: u32) -> Write {
    let mut write = write.clone();
    match &mut write {
        Write::UpdateReporter(row) => row.version = version,
        Write::UpdateIdentity(row) => row.version = version,
        Write::UpdateTicket(row) => row.version = version,
        Write::UpdateChangelogEntry(row) => row.version = version,
        Write::UpdateNotification(row) => row.version = version,
        other => panic!("{other:?} has no version"),
    }
    write
}

async fn an_update_raises_the_version_by_one<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let store = &fresh.adapter;
    for update in updates(store, &Fixtures::default()).await {
        for version in 1..4 {
            write(store, with_version(&update, version)).await;
        }
        assert_eq!(refused(store, with_version(&update, 3)).await, PortErrorKind::Conflict);
    }
}

async fn a_stale_update_is_a_conflict_and_changes_nothing<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    for update in updates(store, &fixtures).await {
        for version in [0, 2, u32::MAX] {
            assert_eq!(
                refused(store, with_version(&update, version)).await,
                PortErrorKind::Conflict,
                "{update:?}"
            );
        }
    }
    let (_, before) = intake(store, &fixtures).await;
    let mut stale = before.clone();
    (stale.version, stale.status) = (7, TicketStatus::Closed);
    assert_eq!(
        refused(store, Write::UpdateTicket(Box::new(stale))).await,
        PortErrorKind::Conflict
    );
    assert_eq!(ticket(store, before.id).await, before);
}

async fn an_update_of_nothing_is_not_found<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (known, _, notification) = approved(store, &fixtures).await;
    let mut entry = fixtures.changelog_entry(known.ticket.id, known.reporter.id);
    entry.status = ChangelogStatus::Rejected;
    let mut cursor = fixtures.cursor("tracker");
    cursor.version = 1;
    for update in [
        Write::UpdateReporter(fixtures.reporter()),
        Write::UpdateIdentity(fixtures.identity(known.reporter.id)),
        Write::TouchIdentity(fixtures.id(), fixtures.now()),
        Write::UpdateTicket(Box::new(
            fixtures.new_ticket(known.reporter.id).numbered(TicketNumber::new(9000)),
        )),
        Write::UpdateNotification(Box::new(fixtures.notification(&entry, &known.identity))),
        Write::UpdateChangelogEntry(Box::new(entry)),
        Write::UpdateAttempt(fixtures.attempt(&notification)),
        Write::UpdateUser(fixtures.user()),
        Write::RevokeApiToken(fixtures.id(), fixtures.now()),
        Write::PutCursor(cursor),
    ] {
        assert_eq!(
            refused(store, update.clone()).await,
            PortErrorKind::NotFound,
            "{update:?}"
        );
    }
}

async fn an_update_keeps_number_and_creation<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (_, before) = intake(store, &fixtures).await;
    let mut changed = before.clone();
    changed.number = TicketNumber::new(9000);
    changed.created_at = fixtures.now().plus(Duration::from_secs(3600));
    write(store, Write::UpdateTicket(Box::new(changed))).await;
    let after = ticket(store, before.id).await;
    assert_eq!((after.number, after.created_at), (before.number, before.created_at));
}

async fn of_sixteen_updates_of_one_version_one_wins<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (_, before) = intake(store, &fixtures).await;
    let results = sixteen(store, |number| {
        let mut mine = before.clone();
        mine.sprint = Some(format!("sprint {number}"));
        Change::new().with(Write::UpdateTicket(Box::new(mine)))
    })
    .await;
    let winner = only_winner(&results);
    let after = ticket(store, before.id).await;
    assert_eq!(
        (after.version, after.sprint),
        (before.version + 1, Some(format!("sprint {winner}")))
    );
}

/// Commits sixteen changes at once, each from a task of its own.
async fn sixteen<S: Storage>(
    store: &Arc<S>,
    change: impl Fn(usize) -> Change,
) -> Vec<Result<CommitReceipt, PortError>> {
    let tasks = (0..16).map(|number| {
        let (store, change) = (Arc::clone(store), change(number));
        tokio::spawn(async move { store.commit(change).await })
    });
    join_all(tasks)
        .await
        .into_iter()
        .map(|result| result.expect("no task panics"))
        .collect()
}

fn only_winner(results: &[Result<CommitReceipt, PortError>]) -> usize {
    let winners: Vec<usize> = (0..results.len()).filter(|&number| results[number].is_ok()).collect();
    assert_eq!(winners.len(), 1, "winners: {winners:?}");
    for error in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(error.kind(), PortErrorKind::Conflict);
    }
    winners[0]
}

async fn numbers_rise_from_the_first<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let reporter = fixtures.reporter();
    let tickets = [fixtures.new_ticket(reporter.id), fixtures.new_ticket(reporter.id)];
    let change = Change::new()
        .with(Write::InsertReporter(reporter))
        .with(Write::InsertTicket(Box::new(tickets[0].clone())))
        .with(Write::InsertTicket(Box::new(tickets[1].clone())));
    let receipt = commit(store, change).await;
    let first = TicketNumber::FIRST;
    let second = TicketNumber::new(first.value() + 1);
    assert_eq!(
        receipt.ticket_numbers,
        [(tickets[0].id, first), (tickets[1].id, second)]
    );
    let (_, third) = intake(store, &fixtures).await;
    assert!(third.number > second);
}

async fn no_number_is_given_twice_under_sixteen_writers<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let results = sixteen(store, |_| fixtures.intake().change()).await;
    let mut numbers: Vec<u64> = results
        .iter()
        .flat_map(|result| &result.as_ref().expect("sixteen intakes fit").ticket_numbers)
        .map(|(_, number)| number.value())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 16);
}

async fn a_verified_email_belongs_to_one_reporter<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let email = fixtures.blind_index();
    let claimant = || {
        let mut reporter = fixtures.reporter();
        (reporter.email_index, reporter.email_verified) = (Some(email), true);
        reporter
    };
    only_winner(&sixteen(store, |_| Change::new().with(Write::InsertReporter(claimant()))).await);
    let mut later = fixtures.reporter();
    write(store, Write::InsertReporter(later.clone())).await;
    (later.email_index, later.email_verified) = (Some(email), true);
    assert_eq!(
        refused(store, Write::UpdateReporter(later)).await,
        PortErrorKind::Conflict
    );
}

async fn an_unverified_email_or_a_merged_reporter_claims_nothing<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let email = fixtures.blind_index();
    let mut verified = fixtures.reporter();
    (verified.email_index, verified.email_verified) = (Some(email), true);
    let mut typed = fixtures.reporter();
    typed.email_index = Some(email);
    let other = fixtures.reporter();
    let mut merged = fixtures.reporter();
    (merged.email_index, merged.email_verified, merged.merged_into) = (Some(email), true, Some(other.id));
    let change = [verified.clone(), typed, other, merged]
        .map(Write::InsertReporter)
        .into_iter();
    commit(store, change.fold(Change::new(), Change::with)).await;
    let found = store.reporter(ReporterKey::VerifiedEmail(email)).await.unwrap_or(None);
    assert_eq!(found.map(|reporter| reporter.id), Some(verified.id));
}

async fn a_merged_reporter_is_found_where_nobody_else_has_the_address<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let kept = fixtures.reporter();
    let mut merged = fixtures.reporter();
    let (email, phone) = (fixtures.blind_index(), fixtures.blind_index());
    (merged.email_index, merged.email_verified, merged.phone_index) = (Some(email), true, Some(phone));
    merged.merged_into = Some(kept.id);
    let mut active = fixtures.reporter();
    (active.email_index, active.email_verified, active.phone_index) = (Some(email), true, Some(phone));
    active.created_at = merged.created_at.plus(Duration::from_secs(1));
    let keys = [
        ReporterKey::VerifiedEmail(email),
        ReporterKey::AnyEmail(email),
        ReporterKey::Phone(vec![phone]),
    ];
    let change = Change::new()
        .with(Write::InsertReporter(kept))
        .with(Write::InsertReporter(merged.clone()));
    commit(store, change).await;
    for key in keys.clone() {
        let found = store.reporter(key).await.unwrap_or(None);
        assert_eq!(found.as_ref(), Some(&merged));
    }
    write(store, Write::InsertReporter(active.clone())).await;
    for key in keys {
        let found = store.reporter(key).await.unwrap_or(None);
        assert_eq!(found.map(|reporter| reporter.id), Some(active.id));
    }
}

async fn the_oldest_reporter_comes_first<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (email, phones) = (fixtures.blind_index(), [fixtures.blind_index(), fixtures.blind_index()]);
    let mut people = [fixtures.reporter(), fixtures.reporter(), fixtures.reporter()];
    for (number, person) in people.iter_mut().enumerate() {
        person.email_index = Some(email);
        person.phone_index = Some(phones[number % 2]);
        person.created_at = fixtures.now().minus(Duration::from_secs(number as u64));
    }
    let oldest = people[2].id;
    commit(
        store,
        people
            .map(Write::InsertReporter)
            .into_iter()
            .fold(Change::new(), Change::with),
    )
    .await;
    for key in [ReporterKey::AnyEmail(email), ReporterKey::Phone(phones.to_vec())] {
        assert_eq!(
            store.reporter(key).await.unwrap_or(None).map(|reporter| reporter.id),
            Some(oldest)
        );
    }
}

async fn a_look_up_digest_belongs_to_one_identity_of_a_channel<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let reporter = fixtures.reporter();
    write(store, Write::InsertReporter(reporter.clone())).await;
    let lookup = fixtures.blind_index();
    let identity = |channel| {
        let mut identity = fixtures.identity(reporter.id);
        (identity.lookup, identity.channel) = (lookup, channel);
        identity
    };
    let insert = |channel| Change::new().with(Write::InsertIdentity(identity(channel)));
    only_winner(&sixteen(store, |_| insert(Channel::Slack)).await);
    commit(store, insert(Channel::Intercom)).await;
}

async fn touching_keeps_the_later_time_and_raises_no_version<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let (early, late) = (
        fixtures.now().minus(Duration::from_secs(9)),
        fixtures.now().plus(Duration::from_secs(9)),
    );
    for at in [late, early] {
        write(store, Write::TouchIdentity(rows.identity.id, at)).await;
    }
    let touched = store
        .identity(IdentityKey::Id(rows.identity.id))
        .await
        .unwrap_or(None)
        .expect("it is there");
    assert_eq!(
        (touched.last_message_at, touched.version),
        (Some(late), rows.identity.version)
    );
}

async fn an_update_never_takes_a_message_time_back<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let late = fixtures.now().plus(Duration::from_secs(9));
    write(store, Write::TouchIdentity(rows.identity.id, late)).await;
    let mut loaded_before = rows.identity.clone();
    loaded_before.opted_out_at = Some(fixtures.now());
    write(store, Write::UpdateIdentity(loaded_before)).await;
    let stored = store
        .identity(IdentityKey::Id(rows.identity.id))
        .await
        .unwrap_or(None)
        .expect("it is there");
    assert_eq!(
        (stored.last_message_at, stored.opted_out_at),
        (Some(late), Some(fixtures.now()))
    );
}

async fn a_message_makes_one_source<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let mut again = fixtures.source(rows.ticket.id, &rows.identity);
    again.external_id = rows.source.external_id.clone();
    assert_eq!(
        refused(store, Write::InsertSource(Box::new(again.clone()))).await,
        PortErrorKind::Conflict
    );
    again.channel = Channel::Email;
    write(store, Write::InsertSource(Box::new(again))).await;
}

async fn of_sixteen_deliveries_of_a_message_one_is_recorded<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let external_id = fixtures.external_id();
    let all: Vec<IntakeRows> = (0..16)
        .map(|_| {
            let mut rows = fixtures.intake();
            rows.source.external_id = external_id.clone();
            rows
        })
        .collect();
    let winner = only_winner(&sixteen(store, |number| all[number].change()).await);
    for (number, rows) in all.iter().enumerate() {
        let found = store
            .ticket(TicketKey::Id(rows.ticket.id))
            .await
            .expect("look-ups work");
        assert_eq!(found.is_some(), number == winner, "a loser left a ticket behind");
    }
}

async fn sources_come_in_the_order_of_recording<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let mut recorded = vec![rows.source.clone()];
    for _ in 0..3 {
        let mut source = fixtures.source(rows.ticket.id, &rows.identity);
        // Written earlier, recorded later: recording decides.
        source.sent_at = fixtures.now().minus(Duration::from_secs(60));
        (source.thread, source.thread_key) = (rows.source.thread.clone(), rows.source.thread_key.clone());
        recorded.push(source.clone());
        write(store, Write::InsertSource(Box::new(source))).await;
    }
    assert_eq!(store.sources(rows.ticket.id).await.unwrap_or_default(), recorded);
    let thread = rows.source.thread_key.expect("the fixture has a thread");
    for key in [
        SourceKey::NewestInThread(Channel::Slack, thread),
        SourceKey::NewestBy(rows.identity.id),
    ] {
        assert_eq!(store.source(key).await.unwrap_or(None).as_ref(), recorded.last());
    }
}

async fn a_page_belongs_to_one_ticket<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let page = TrackerPage {
        id: "p1".into(),
        url: None,
        pushed_digest: None,
        pushed_at: None,
        seen_status: None,
    };
    let ((_, mut one), (_, mut other)) = (intake(store, &fixtures).await, intake(store, &fixtures).await);
    (one.page, other.page) = (Some(page.clone()), Some(page));
    write(store, Write::UpdateTicket(Box::new(one))).await;
    assert_eq!(
        refused(store, Write::UpdateTicket(Box::new(other))).await,
        PortErrorKind::Conflict
    );
}

async fn a_ticket_has_one_open_draft<H: StorageHarness>(harness: &H) {
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

async fn a_resolution_has_one_entry_that_is_not_rejected<H: StorageHarness>(harness: &H) {
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

async fn the_newest_entry_of_a_ticket_is_found<H: StorageHarness>(harness: &H) {
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

async fn an_idempotency_key_makes_one_notification<H: StorageHarness>(harness: &H) {
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

async fn a_notification_is_found_by_message_and_by_marker<H: StorageHarness>(harness: &H) {
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

async fn notifications_and_tries_come_oldest_first<H: StorageHarness>(harness: &H) {
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

async fn a_known_pair_is_never_suggested_again<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let ((one, _), (other, _)) = (intake(store, &fixtures).await, intake(store, &fixtures).await);
    let mut dismissed = fixtures.link(one.ticket.id, other.ticket.id);
    dismissed.status = LinkStatus::Dismissed;
    dismissed.decided = Some((fixtures.id(), fixtures.now()));
    write(store, Write::SuggestLink(dismissed)).await;
    for (ticket, original) in [(one.ticket.id, other.ticket.id), (other.ticket.id, one.ticket.id)] {
        write(store, Write::SuggestLink(fixtures.link(ticket, original))).await;
    }
}

async fn a_vector_replaces_that_of_its_model<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let mut vector = fixtures.vector(rows.ticket.id, "small");
    write(store, Write::PutVector(vector.clone())).await;
    write(store, Write::PutVector(fixtures.vector(rows.ticket.id, "large"))).await;
    vector.values = vec![f32::MIN_POSITIVE, -1.5, 0.1];
    write(store, Write::PutVector(vector.clone())).await;
    assert_eq!(
        store.vectors("small", fixtures.now()).await.unwrap_or_default(),
        [vector]
    );
}

async fn vectors_of_a_window_come_newest_first<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut made = Vec::new();
    for _ in 0..3 {
        let (rows, _) = intake(store, &fixtures).await;
        let vector = fixtures.vector(rows.ticket.id, "m");
        write(store, Write::PutVector(vector.clone())).await;
        made.push(vector);
        fixtures.clock.advance(Duration::from_secs(60));
    }
    let found = store.vectors("m", made[1].ticket_created_at).await.unwrap_or_default();
    assert_eq!(found, [made[2].clone(), made[1].clone()]);
}

async fn a_cursor_begins_at_version_0_and_has_one_mover<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let put = |cursor: &crate::domain::SyncCursor| Change::new().with(Write::PutCursor(cursor.clone()));
    only_winner(&sixteen(store, |_| put(&fixtures.cursor("tracker"))).await);
    let mut cursor = store.cursor("tracker").await.unwrap_or(None).expect("it was put");
    assert_eq!((cursor.version, cursor.value.as_str()), (1, "start"));
    cursor.value = "next".into();
    only_winner(&sixteen(store, |_| put(&cursor)).await);
    cursor.version = 2;
    assert_eq!(store.cursor("tracker").await.unwrap_or(None), Some(cursor));
    assert_eq!(store.cursor("other").await.unwrap_or(None), None);
}

async fn a_call_is_remembered_once<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let calls: Vec<_> = (0..16).map(|_| fixtures.remembered_call("k1")).collect();
    let results = sixteen(store, |number| {
        Change::new().with(Write::RememberCall(calls[number].clone()))
    })
    .await;
    let winner = only_winner(&results);
    let found = store.remembered_call("createTicket", "k1").await.unwrap_or(None);
    assert_eq!(found.as_ref(), Some(&calls[winner]));
    assert_eq!(store.remembered_call("confirmTriage", "k1").await.unwrap_or(None), None);
    write(store, Write::RememberCall(fixtures.remembered_call("k2"))).await;
}

async fn users_and_tokens_keep_what_was_decided<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut user = fixtures.user();
    let mut token = fixtures.api_token(user.id);
    let change = Change::new()
        .with(Write::InsertUser(user.clone()))
        .with(Write::InsertApiToken(token.clone()));
    commit(store, change).await;
    assert_eq!(store.api_token(token.digest).await.unwrap_or(None), Some(token.clone()));
    (user.name, user.disabled_at) = ("Rita R.".into(), Some(fixtures.now()));
    write(store, Write::UpdateUser(user.clone())).await;
    assert_eq!(store.user(user.id).await.unwrap_or(None), Some(user.clone()));
    let mut same_secret = fixtures.api_token(user.id);
    same_secret.digest = token.digest;
    assert_eq!(
        refused(store, Write::InsertApiToken(same_secret)).await,
        PortErrorKind::Conflict
    );
    token.revoked_at = Some(fixtures.now());
    for at in [fixtures.now(), fixtures.clock.advance(Duration::from_secs(60))] {
        write(store, Write::RevokeApiToken(token.id, at)).await;
    }
    assert_eq!(
        store.api_token(token.digest).await.unwrap_or(None),
        Some(token),
        "the first revocation stands"
    );
}

async fn a_sign_in_link_is_used_once_by_sixteen<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let user = fixtures.user();
    let link = fixtures.sign_in_link(user.id);
    let change = Change::new()
        .with(Write::InsertUser(user))
        .with(Write::InsertSignInLink(link.clone()));
    commit(store, change).await;
    assert_eq!(
        store.sign_in_link(link.digest).await.unwrap_or(None),
        Some(link.clone())
    );
    only_winner(&sixteen(store, |_| Change::new().with(Write::ConsumeSignInLink(link.digest))).await);
    assert_eq!(store.sign_in_link(link.digest).await.unwrap_or(None), None);
}

async fn a_session_is_seen_later_and_ends<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let user = fixtures.user();
    let mut session = fixtures.session(user.id);
    let change = Change::new()
        .with(Write::InsertUser(user))
        .with(Write::PutSession(session.clone()));
    commit(store, change).await;
    let earlier = session.clone();
    session.seen_at = fixtures.clock.advance(Duration::from_secs(60));
    for put in [session.clone(), earlier] {
        write(store, Write::PutSession(put)).await;
    }
    assert_eq!(
        store.session(session.digest).await.unwrap_or(None),
        Some(session.clone())
    );
    for _ in 0..2 {
        write(store, Write::DeleteSession(session.digest)).await;
    }
    assert_eq!(store.session(session.digest).await.unwrap_or(None), None);
}

async fn events_are_chained_in_the_order_of_commit<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let ((rows, _), (other, _)) = (intake(store, &fixtures).await, intake(store, &fixtures).await);
    let mut expected = vec![rows.event.chained(None)];
    for kind in [EventKind::Enriched, EventKind::Confirmed, EventKind::Synced] {
        let mut event = fixtures.event(rows.ticket.id, kind);
        // The order of commit decides, not the time that an event names.
        event.at = fixtures.now().minus(Duration::from_secs(expected.len() as u64));
        event.data = serde_json::json!({"ü": [1, 2.5, null], "a": {"z": true, "b": "x"}});
        expected.push(event.chained(expected.last().copied()));
        write(store, Write::AppendEvent(event)).await;
    }
    assert_eq!(harness.chain_of(store, rows.ticket.id).await, expected);
    assert_eq!(
        harness.chain_of(store, other.ticket.id).await,
        [other.event.chained(None)]
    );
}

async fn chains_of_sixteen_writers_hold<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let event = |_| {
        Change::new().with(Write::AppendEvent(
            fixtures.event(rows.ticket.id, EventKind::MessageReceived),
        ))
    };
    assert!(sixteen(store, event).await.iter().all(Result::is_ok));
    let mut chain = harness.chain_of(store, rows.ticket.id).await;
    assert_eq!(chain.len(), 17);
    chain.sort_by_key(|hash| *hash.as_bytes());
    chain.dedup();
    assert_eq!(chain.len(), 17, "two events have one link");
}

async fn a_dropped_commit_is_whole_or_nothing<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    for turn in 0..20_u64 {
        let rows = fixtures.intake();
        let commit = tokio::time::timeout(Duration::from_micros(turn * 50), store.commit(rows.change()));
        // Whether it was in time is what the check must not depend on.
        let _ = commit.await;
        // A commit behind it is answered after whatever the dropped one did.
        commit_behind(store, &fixtures).await;
        let found = store
            .ticket(TicketKey::Id(rows.ticket.id))
            .await
            .expect("look-ups work")
            .is_some();
        let person = store
            .reporter(ReporterKey::Id(rows.reporter.id))
            .await
            .expect("look-ups work")
            .is_some();
        let sources = store.sources(rows.ticket.id).await.expect("look-ups work").len();
        let events = harness.chain_of(store, rows.ticket.id).await.len();
        assert_eq!(
            (found, sources, events),
            (person, usize::from(person), usize::from(person))
        );
    }
}

async fn commit_behind(store: &impl Storage, fixtures: &Fixtures) {
    write(store, Write::InsertUser(fixtures.user())).await;
}

async fn a_look_up_sees_every_answered_commit<H: StorageHarness>(harness: &H) {
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

async fn errors_and_debug_say_nothing_of_the_rows<H: StorageHarness>(harness: &H) {
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
