//! Lists of tickets: order, pages, filters.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{QueriesHarness, intake, page, stored, tickets, write};
use crate::{
    domain::{Channel, Cursor, PageRequest, Priority, TicketId, TicketStatus, TicketType, Timestamp, Write},
    ports::{ChangelogFilter, MetricsSummary, NotificationFilter, Queries, TicketFilter},
    testing::fixtures::Fixtures,
};

pub(super) async fn an_empty_store_has_empty_lists<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (request, works) = (PageRequest::default(), "lists work on an empty store");
    let empty = |items: usize, next: Option<Cursor>| assert_eq!((items, next), (0, None));
    let list = store.tickets(&TicketFilter::default(), request).await.expect(works);
    empty(list.items.len(), list.next);
    let list = store
        .changelog_entries(&ChangelogFilter::default(), request)
        .await
        .expect(works);
    empty(list.items.len(), list.next);
    let list = Queries::notifications(store, &NotificationFilter::default(), request)
        .await
        .expect(works);
    empty(list.items.len(), list.next);
    let list = store.dead_letters(request).await.expect(works);
    empty(list.items.len(), list.next);
    assert!(store.ticket_detail(fixtures.id()).await.expect(works).is_none());
    assert!(store.notification_detail(fixtures.id()).await.expect(works).is_none());
    assert!(store.dead_letter(fixtures.id()).await.expect(works).is_none());
    let (from, to) = (Timestamp::UNIX_EPOCH, fixtures.now());
    assert_eq!(store.metrics(from, to).await.expect(works), MetricsSummary::default());
    assert!(store.ops_status(fixtures.now()).await.expect(works).is_quiescent());
}

pub(super) async fn tickets_come_newest_first_and_ids_break_ties<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut expected = Vec::new();
    for seconds in [5, 0, 0, 9, 0] {
        let at = fixtures.now().plus(Duration::from_secs(seconds));
        let rows = intake(store, &fixtures, |rows| rows.ticket.created_at = at).await;
        expected.push((at, rows.ticket.id));
    }
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let expected: Vec<TicketId> = expected.into_iter().map(|(_, id)| id).collect();
    assert_eq!(tickets(store, &TicketFilter::default()).await, expected);
}

pub(super) async fn pages_show_every_ticket_once_whatever_is_added_meanwhile<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut expected = BTreeSet::new();
    for number in 0..11 {
        // Pairs share a moment, so that pages end between rows of one time.
        let at = fixtures.now().plus(Duration::from_secs(number / 2));
        expected.insert(
            intake(store, &fixtures, |rows| rows.ticket.created_at = at)
                .await
                .ticket
                .id,
        );
    }
    fixtures.clock.advance(Duration::from_secs(60));
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let part = store
            .tickets(&TicketFilter::default(), page(3, after))
            .await
            .expect("lists work");
        assert!(part.items.len() <= 3);
        seen.extend(
            part.items
                .iter()
                .map(|row| row.ticket.id)
                .filter(|id| expected.contains(id)),
        );
        intake(store, &fixtures, |_| {}).await;
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), expected.len(), "a ticket was shown twice or not at all");
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
}

pub(super) async fn a_page_at_the_end_has_no_next<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    for _ in 0..2 {
        intake(store, &fixtures, |_| {}).await;
    }
    let whole = store
        .tickets(&TicketFilter::default(), page(2, None))
        .await
        .expect("lists work");
    assert_eq!((whole.items.len(), whole.next), (2, None));
    let first = store
        .tickets(&TicketFilter::default(), page(1, None))
        .await
        .expect("lists work");
    let last = store
        .tickets(&TicketFilter::default(), page(1, first.next))
        .await
        .expect("lists work");
    assert_eq!((last.items.len(), last.next), (1, None));
}

pub(super) async fn each_filter_narrows_and_all_must_hold<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    intake(store, &fixtures, |_| {}).await;
    let special = intake(store, &fixtures, |rows| {
        rows.ticket.channel = Channel::WhatsApp;
        rows.ticket.priority = Priority::P0;
        rows.ticket.ticket_type = TicketType::Incident;
    })
    .await;
    let mut moved = stored(store, special.ticket.id).await;
    moved.status = TicketStatus::InProgress;
    write(store, Write::UpdateTicket(Box::new(moved))).await;
    let narrow = TicketFilter {
        status: Some(TicketStatus::InProgress),
        channel: Some(Channel::WhatsApp),
        priority: Some(Priority::P0),
        ticket_type: Some(TicketType::Incident),
        search: Some("exporta".into()),
    };
    // Every combination of the five.
    for which in 0..32 {
        let chosen = |bit: u32| which & (1 << bit) != 0;
        let filter = TicketFilter {
            status: narrow.status.filter(|_| chosen(0)),
            channel: narrow.channel.filter(|_| chosen(1)),
            priority: narrow.priority.filter(|_| chosen(2)),
            ticket_type: narrow.ticket_type.filter(|_| chosen(3)),
            search: narrow.search.clone().filter(|_| chosen(4)),
        };
        let narrows = which & 0b1111 != 0;
        assert_eq!(
            tickets(store, &filter).await.len(),
            if narrows { 1 } else { 2 },
            "{filter:?}"
        );
    }
    let clash = TicketFilter {
        status: Some(TicketStatus::Closed),
        ..narrow
    };
    assert!(tickets(store, &clash).await.is_empty());
}

pub(super) async fn a_list_sees_every_answered_commit<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let fixtures = Fixtures::default();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (store, fixtures) = (Arc::clone(&fresh.adapter), fixtures.clone());
            tokio::spawn(async move {
                for _ in 0..4 {
                    let rows = intake(&store, &fixtures, |_| {}).await;
                    assert!(
                        tickets(&store, &TicketFilter::default())
                            .await
                            .contains(&rows.ticket.id)
                    );
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("every list saw its commit");
    }
}
