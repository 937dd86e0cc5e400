//! All of a change or nothing of it.

use std::time::Duration;

use super::{StorageHarness, commit, intake, refused, ticket, write};
use crate::{
    domain::{Change, CommitReceipt, TicketStatus, Write},
    ports::{IdentityKey, PortErrorKind, ReporterKey, Storage, TicketKey},
    testing::fixtures::Fixtures,
};

pub(super) async fn an_empty_change_does_nothing<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    assert_eq!(commit(&fresh.adapter, Change::new()).await, CommitReceipt::default());
}

pub(super) async fn one_misfit_leaves_nothing_of_its_change<H: StorageHarness>(harness: &H) {
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

pub(super) async fn writes_apply_in_their_order<H: StorageHarness>(harness: &H) {
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

pub(super) async fn what_a_write_refers_to_must_be_there<H: StorageHarness>(harness: &H) {
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

pub(super) async fn the_same_id_twice_is_a_conflict<H: StorageHarness>(harness: &H) {
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

pub(super) async fn a_dropped_commit_is_whole_or_nothing<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    for turn in 0..20_u64 {
        let rows = fixtures.intake();
        let commit = tokio::time::timeout(Duration::from_micros(turn * 50), store.commit(rows.change()));
        // Whether it was in time is what the check must not depend on.
        let _ = commit.await;
        // A store that answers in order has done with it when it answers the commit behind. One that has several writers may
        // still do it while it is looked for: then all is looked for again.
        commit_behind(store, &fixtures).await;
        loop {
            let ticket = TicketKey::Id(rows.ticket.id);
            let found = store.ticket(ticket.clone()).await.expect("look-ups work").is_some();
            let person = ReporterKey::Id(rows.reporter.id);
            let person = store.reporter(person).await.expect("look-ups work").is_some();
            let sources = store.sources(rows.ticket.id).await.expect("look-ups work").len();
            let events = harness.chain_of(store, rows.ticket.id).await.len();
            if store.ticket(ticket).await.expect("look-ups work").is_some() != found {
                continue;
            }
            assert_eq!(
                (person, sources, events),
                (found, usize::from(found), usize::from(found))
            );
            break;
        }
    }
}

async fn commit_behind(store: &impl Storage, fixtures: &Fixtures) {
    write(store, Write::InsertUser(fixtures.user())).await;
}
