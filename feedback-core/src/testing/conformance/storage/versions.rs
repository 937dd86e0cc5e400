//! An update names the version that it was made from.

use std::time::Duration;

use super::{StorageHarness, approved, intake, only_winner, refused, sixteen, ticket, write};
use crate::{
    domain::{Change, ChangelogStatus, TicketNumber, TicketStatus, Write},
    ports::{PortErrorKind, Storage},
    testing::fixtures::Fixtures,
};

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

pub(super) async fn an_update_raises_the_version_by_one<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let store = &fresh.adapter;
    for update in updates(store, &Fixtures::default()).await {
        for version in 1..4 {
            write(store, with_version(&update, version)).await;
        }
        assert_eq!(refused(store, with_version(&update, 3)).await, PortErrorKind::Conflict);
    }
}

pub(super) async fn a_stale_update_is_a_conflict_and_changes_nothing<H: StorageHarness>(harness: &H) {
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

pub(super) async fn an_update_of_nothing_is_not_found<H: StorageHarness>(harness: &H) {
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

pub(super) async fn an_update_keeps_number_and_creation<H: StorageHarness>(harness: &H) {
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

pub(super) async fn of_sixteen_updates_of_one_version_one_wins<H: StorageHarness>(harness: &H) {
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
