//! Pairs that look alike, and groups.

use std::time::Duration;

use super::{StorageHarness, commit, intake, refused, write};
use crate::{
    domain::{Change, LinkStatus, Scrubbed, TicketLink, Write},
    ports::{LinksKey, PortErrorKind, Storage, TicketsKey},
    testing::fixtures::Fixtures,
};

pub(super) async fn a_known_pair_is_never_suggested_again<H: StorageHarness>(harness: &H) {
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

pub(super) async fn a_pair_that_somebody_else_decided_is_a_conflict<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let ((one, _), (other, _)) = (intake(store, &fixtures).await, intake(store, &fixtures).await);
    let mut link = fixtures.link(one.ticket.id, other.ticket.id);
    write(store, Write::SuggestLink(link.clone())).await;
    // A person may say that the other one is the older.
    (link.ticket, link.original) = (link.original, link.ticket);
    (link.status, link.decided) = (LinkStatus::Accepted, Some((fixtures.id(), fixtures.now())));
    let decide = |link: &TicketLink| Write::UpdateLink {
        link: Box::new(link.clone()),
        expected: LinkStatus::Suggested,
    };
    // What was loaded may hold words that an erasure has taken since.
    let mut told = link.clone();
    (told.score, told.evidence) = (0.875, vec!["loaded before".into()]);
    write(store, decide(&told)).await;
    let mut late = link.clone();
    late.status = LinkStatus::Dismissed;
    assert_eq!(refused(store, decide(&late)).await, PortErrorKind::Conflict);
    let found = store.links(LinksKey::Id(link.id)).await.unwrap_or_default();
    assert_eq!(found, [link.clone()], "the first decision stands");
    link.id = fixtures.id();
    assert_eq!(refused(store, decide(&link)).await, PortErrorKind::NotFound);
}

pub(super) async fn pairs_come_best_first_whichever_way_round<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut tickets = Vec::new();
    for _ in 0..4 {
        tickets.push(intake(store, &fixtures).await.0.ticket.id);
    }
    let mut pairs = [
        fixtures.link(tickets[0], tickets[1]),
        fixtures.link(tickets[2], tickets[0]),
        fixtures.link(tickets[0], tickets[3]),
    ];
    for (pair, score) in pairs.iter_mut().zip([0.25, 0.75, 0.5]) {
        pair.score = score;
        write(store, Write::SuggestLink(pair.clone())).await;
    }
    write(store, Write::SuggestLink(fixtures.link(tickets[1], tickets[2]))).await;
    let found = store.links(LinksKey::Ticket(tickets[0])).await.unwrap_or_default();
    assert_eq!(found, [pairs[1].clone(), pairs[2].clone(), pairs[0].clone()]);
    assert_eq!(store.links(LinksKey::Id(fixtures.id())).await.unwrap_or_default(), []);
}

pub(super) async fn a_group_is_found_with_its_members_oldest_first<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(intake(store, &fixtures).await.1);
        fixtures.clock.advance(Duration::from_secs(1));
    }
    intake(store, &fixtures).await;
    let group = fixtures.group(members[1].id);
    let mut change = Change::new().with(Write::InsertGroup(group.clone()));
    for member in members.iter_mut().rev() {
        member.group = Some(group.id);
        change.push(Write::UpdateTicket(Box::new(member.clone())));
        member.version += 1;
    }
    commit(store, change).await;
    assert_eq!(store.group(group.id).await.unwrap_or(None), Some(group.clone()));
    let found = store.tickets_of(TicketsKey::Group(group.id)).await.unwrap_or_default();
    assert_eq!(found, members);
    assert_eq!(store.group(fixtures.id()).await.unwrap_or(None), None);
}

pub(super) async fn a_changed_group_keeps_its_creation_and_a_stale_one_conflicts<H: StorageHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let ((one, _), (other, _)) = (intake(store, &fixtures).await, intake(store, &fixtures).await);
    let mut group = fixtures.group(one.ticket.id);
    write(store, Write::InsertGroup(group.clone())).await;
    let created_at = group.created_at;
    group.created_at = fixtures.clock.advance(Duration::from_secs(9));
    (group.primary, group.title) = (other.ticket.id, Scrubbed::restore("Otra cosa".into()));
    write(store, Write::UpdateGroup(group.clone())).await;
    assert_eq!(
        refused(store, Write::UpdateGroup(group.clone())).await,
        PortErrorKind::Conflict
    );
    (group.created_at, group.version) = (created_at, group.version + 1);
    assert_eq!(store.group(group.id).await.unwrap_or(None), Some(group.clone()));
    group.primary = fixtures.id();
    assert_eq!(refused(store, Write::UpdateGroup(group)).await, PortErrorKind::NotFound);
    let unknown = fixtures.group(one.ticket.id);
    assert_eq!(
        refused(store, Write::UpdateGroup(unknown)).await,
        PortErrorKind::NotFound
    );
    let nothing = fixtures.group(fixtures.id());
    assert_eq!(
        refused(store, Write::InsertGroup(nothing)).await,
        PortErrorKind::NotFound
    );
}
