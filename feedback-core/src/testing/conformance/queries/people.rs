//! Groups of tickets, and what a person reads in the product.

use std::time::Duration;

use super::{QueriesHarness, commit, drafted, intake, page, stored, write};
use crate::{
    domain::{Change, ChangelogStatus, Channel, NotificationStatus, ThreadRef, Write},
    ports::{GroupRow, InboxRow, Queries, Storage},
    testing::fixtures::{Fixtures, IntakeRows},
};

pub(super) async fn groups_are_listed_newest_first_with_their_size<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut expected = Vec::new();
    for members in 0..5 {
        // Two of a time: ids break the tie.
        if members % 2 == 0 {
            fixtures.clock.advance(Duration::from_secs(1));
        }
        let first = intake(store, &fixtures, |_| {}).await;
        let group = fixtures.group(first.ticket.id);
        write(store, Write::InsertGroup(group.clone())).await;
        for _ in 0..members {
            let rows = intake(store, &fixtures, |_| {}).await;
            let mut member = stored(store, rows.ticket.id).await;
            member.group = Some(group.id);
            write(store, Write::UpdateTicket(Box::new(member))).await;
        }
        expected.push(GroupRow {
            group,
            tickets: members,
        });
    }
    expected.sort_by_key(|row| std::cmp::Reverse((row.group.created_at, row.group.id)));
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let found = store.groups(page(2, after)).await.expect("lists work");
        assert!(found.items.len() <= 2);
        listed.extend(found.items);
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, expected);
}

/// A delivery into the product's inbox, arrived or not.
pub(super) async fn told_in_app(
    store: &impl Storage,
    fixtures: &Fixtures,
    rows: &IntakeRows,
    status: NotificationStatus,
) -> InboxRow {
    let mut entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
    entry.status = ChangelogStatus::Rejected;
    let mut notification = fixtures.notification(&entry, &rows.identity);
    (notification.channel, notification.thread) = (Channel::InApp, ThreadRef::InApp);
    notification.status = status;
    let change = Change::new()
        .with(Write::InsertChangelogEntry(Box::new(entry.clone())))
        .with(Write::InsertNotification(Box::new(notification.clone())));
    commit(store, change).await;
    InboxRow { notification, entry }
}

pub(super) async fn an_inbox_follows_merges_and_pages<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut people = Vec::new();
    for _ in 0..4 {
        people.push(intake(store, &fixtures, |_| {}).await);
    }
    // The third was merged into the second, and that one into the first; the fourth is somebody else.
    for (merged, into) in [(1, 0), (2, 1)] {
        let mut reporter = people[merged].reporter.clone();
        reporter.merged_into = Some(people[into].reporter.id);
        write(store, Write::UpdateReporter(reporter)).await;
    }
    let mut expected = Vec::new();
    for turn in 0..12 {
        if turn % 2 == 0 {
            fixtures.clock.advance(Duration::from_secs(1));
        }
        let row = told_in_app(store, &fixtures, &people[turn % 4], NotificationStatus::Delivered).await;
        if turn % 4 != 3 {
            expected.push(row);
        }
    }
    expected.sort_by_key(|row| std::cmp::Reverse((row.notification.created_at, row.notification.id)));
    let inbox = async |person: usize, rows: u16, after| {
        let found = store.inbox(people[person].reporter.id, page(rows, after)).await;
        found.expect("lists work")
    };
    for rows in [1, 2, 4, 9] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let found = inbox(0, rows, after).await;
            assert!(found.items.len() <= usize::from(rows));
            listed.extend(found.items);
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(listed, expected, "{rows} at a time");
    }
    let of = |rows: &[InboxRow], person: &[usize]| {
        let theirs = |row: &&InboxRow| {
            person
                .iter()
                .any(|&p| row.notification.reporter == people[p].reporter.id)
        };
        rows.iter().filter(theirs).cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        inbox(1, 50, None).await.items,
        of(&expected, &[1, 2]),
        "who was merged away keeps their own"
    );
    assert_eq!(inbox(3, 50, None).await.items.len(), 3);
}

pub(super) async fn an_inbox_shows_what_has_arrived_in_the_product<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let rows = intake(store, &fixtures, |_| {}).await;
    let mut expected = Vec::new();
    for status in NotificationStatus::ALL {
        fixtures.clock.advance(Duration::from_secs(1));
        let row = told_in_app(store, &fixtures, &rows, status).await;
        if status.has_arrived() {
            expected.insert(0, row);
        }
    }
    // The same on another channel is not in the inbox.
    let entry = drafted(store, &fixtures, &rows).await;
    let mut elsewhere = fixtures.notification(&entry, &rows.identity);
    elsewhere.status = NotificationStatus::Delivered;
    write(store, Write::InsertNotification(Box::new(elsewhere))).await;
    let found = store.inbox(rows.reporter.id, page(50, None)).await.expect("lists work");
    assert_eq!((found.items, found.next), (expected, None));
}
