//! What is shown of one ticket, and the lists of the valve.

use std::time::Duration;

use super::{QueriesHarness, commit, drafted, intake, notified, page, stored, write};
use crate::{
    domain::{
        Change, ChangelogStatus, Channel, Decision, EventKind, LinkStatus, NotificationStatus, PageRequest, Write,
    },
    ports::{ChangelogFilter, JobQueue, NotificationFilter, Queries, SourceRef, TicketFilter, TicketRow},
    testing::fixtures::Fixtures,
};

pub(super) async fn a_row_names_the_person_and_the_messages<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let rows = intake(store, &fixtures, |_| {}).await;
    let second = fixtures.source(rows.ticket.id, &rows.identity);
    let (person, between) = (fixtures.reporter(), fixtures.reporter());
    let (mut merged, mut step) = (rows.reporter.clone(), between.clone());
    merged.merged_into = Some(between.id);
    step.merged_into = Some(person.id);
    let change = Change::new()
        .with(Write::InsertSource(Box::new(second.clone())))
        .with(Write::InsertReporter(person.clone()))
        .with(Write::InsertReporter(between))
        .with(Write::UpdateReporter(merged))
        .with(Write::UpdateReporter(step));
    commit(store, change).await;
    let list = store
        .tickets(&TicketFilter::default(), PageRequest::default())
        .await
        .expect("lists work");
    let refer = |source: &crate::domain::TicketSource| SourceRef {
        channel: source.channel,
        external_id: source.external_id.clone(),
    };
    let expected = TicketRow {
        ticket: stored(store, rows.ticket.id).await,
        reporter: person,
        sources: vec![refer(&rows.source), refer(&second)],
    };
    assert_eq!(list.items, [expected]);
}

pub(super) async fn a_detail_has_everything_in_order<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let rows = intake(store, &fixtures, |_| {}).await;
    let others = [
        intake(store, &fixtures, |_| {}).await,
        intake(store, &fixtures, |_| {}).await,
    ];
    let id = rows.ticket.id;
    let second = fixtures.source(id, &rows.identity);
    let events = [EventKind::MessageReceived, EventKind::Enriched].map(|kind| fixtures.event(id, kind));
    let (mut weak, strong) = (
        fixtures.link(id, others[0].ticket.id),
        fixtures.link(others[1].ticket.id, id),
    );
    weak.score = 0.5;
    let files = [fixtures.attachment(&rows.source), fixtures.attachment(&second)];
    let mut rejected = fixtures.changelog_entry(id, rows.reporter.id);
    rejected.status = ChangelogStatus::Rejected;
    fixtures.clock.advance(Duration::from_secs(1));
    let draft = fixtures.changelog_entry(id, rows.reporter.id);
    let notification = fixtures.notification(&draft, &rows.identity);
    let change = Change::new()
        .with(Write::InsertSource(Box::new(second.clone())))
        .with(Write::AppendEvent(events[0].clone()))
        .with(Write::AppendEvent(events[1].clone()))
        .with(Write::SuggestLink(weak.clone()))
        .with(Write::SuggestLink(strong.clone()))
        .with(Write::InsertAttachment(Box::new(files[1].clone())))
        .with(Write::InsertAttachment(Box::new(files[0].clone())))
        .with(Write::InsertChangelogEntry(Box::new(rejected.clone())))
        .with(Write::InsertChangelogEntry(Box::new(draft.clone())))
        .with(Write::InsertNotification(Box::new(notification.clone())));
    commit(store, change).await;
    let detail = store
        .ticket_detail(id)
        .await
        .expect("look-ups work")
        .expect("it is there");
    assert_eq!(detail.ticket, stored(store, id).await);
    assert_eq!(detail.reporter, rows.reporter);
    assert_eq!(detail.sources, [rows.source, second]);
    assert_eq!(detail.events, [vec![rows.event], events.to_vec()].concat());
    assert_eq!(detail.links, [strong, weak]);
    assert_eq!(detail.attachments, files);
    assert_eq!(detail.changelog_entries, [draft, rejected]);
    assert_eq!(detail.notifications, [notification]);
}

pub(super) async fn a_pair_is_shown_once_as_it_was_decided<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (one, other) = (
        intake(store, &fixtures, |_| {}).await,
        intake(store, &fixtures, |_| {}).await,
    );
    let mut dismissed = fixtures.link(one.ticket.id, other.ticket.id);
    dismissed.status = LinkStatus::Dismissed;
    dismissed.decided = Some((fixtures.id(), fixtures.now()));
    let change = Change::new()
        .with(Write::SuggestLink(dismissed.clone()))
        .with(Write::SuggestLink(fixtures.link(one.ticket.id, other.ticket.id)))
        .with(Write::SuggestLink(fixtures.link(other.ticket.id, one.ticket.id)));
    commit(store, change).await;
    for ticket in [one.ticket.id, other.ticket.id] {
        let detail = store
            .ticket_detail(ticket)
            .await
            .expect("look-ups work")
            .expect("it is there");
        assert_eq!(detail.links, [dismissed.clone()]);
    }
}

pub(super) async fn changelog_entries_are_listed_by_filter<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (one, other) = (
        intake(store, &fixtures, |_| {}).await,
        intake(store, &fixtures, |_| {}).await,
    );
    let mut first = drafted(store, &fixtures, &one).await;
    fixtures.clock.advance(Duration::from_secs(1));
    let second = drafted(store, &fixtures, &other).await;
    first.status = ChangelogStatus::Approved;
    first.decision = Some(Decision {
        by: Some(fixtures.id()),
        at: fixtures.now(),
        seen_version: 1,
        reason: None,
    });
    write(store, Write::UpdateChangelogEntry(Box::new(first.clone()))).await;
    first.version += 1;
    let ids = async |status, ticket| {
        let filter = ChangelogFilter { status, ticket };
        let list = store
            .changelog_entries(&filter, PageRequest::default())
            .await
            .expect("lists work");
        list.items.into_iter().map(|row| row.entry.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, None).await, [second.id, first.id]);
    assert_eq!(ids(Some(ChangelogStatus::Draft), None).await, [second.id]);
    assert_eq!(ids(None, Some(one.ticket.id)).await, [first.id]);
    assert_eq!(ids(Some(ChangelogStatus::Draft), Some(one.ticket.id)).await, []);
    let (filter, request) = (ChangelogFilter::default(), page(1, None));
    let newest = store.changelog_entries(&filter, request).await.expect("lists work");
    let oldest = store
        .changelog_entries(&filter, page(1, newest.next))
        .await
        .expect("lists work");
    assert_eq!((&oldest.items[0].entry, oldest.next), (&first, None));
    assert_eq!(oldest.items[0].ticket_number, stored(store, one.ticket.id).await.number);
}

pub(super) async fn notifications_are_listed_by_filter<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let one = intake(store, &fixtures, |_| {}).await;
    let other = intake(store, &fixtures, |rows| rows.identity.channel = Channel::WhatsApp).await;
    let (entry, another) = (
        drafted(store, &fixtures, &one).await,
        drafted(store, &fixtures, &other).await,
    );
    let mut first = notified(store, &fixtures, &one, &entry).await;
    fixtures.clock.advance(Duration::from_secs(1));
    let second = notified(store, &fixtures, &other, &another).await;
    first.status = NotificationStatus::Failed;
    write(store, Write::UpdateNotification(Box::new(first.clone()))).await;
    let ids = async |filter: NotificationFilter| {
        let list = Queries::notifications(store, &filter, PageRequest::default())
            .await
            .expect("lists work");
        list.items.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let any = NotificationFilter::default();
    assert_eq!(ids(any.clone()).await, [second.id, first.id]);
    let failed = NotificationFilter {
        status: Some(NotificationStatus::Failed),
        ..any.clone()
    };
    assert_eq!(ids(failed.clone()).await, [first.id]);
    assert_eq!(
        ids(NotificationFilter {
            channel: Some(Channel::WhatsApp),
            ..any.clone()
        })
        .await,
        [second.id]
    );
    assert_eq!(
        ids(NotificationFilter {
            ticket: Some(one.ticket.id),
            ..any.clone()
        })
        .await,
        [first.id]
    );
    assert_eq!(
        ids(NotificationFilter {
            channel: Some(Channel::WhatsApp),
            ..failed.clone()
        })
        .await,
        []
    );
    let all = NotificationFilter {
        channel: Some(Channel::Slack),
        ticket: Some(one.ticket.id),
        ..failed
    };
    assert_eq!(ids(all).await, [first.id]);
    let newest = Queries::notifications(store, &any, page(1, None))
        .await
        .expect("lists work");
    let oldest = Queries::notifications(store, &any, page(1, newest.next))
        .await
        .expect("lists work");
    first.version += 1;
    assert_eq!((oldest.items, oldest.next), (vec![first], None));
}

pub(super) async fn a_notification_is_shown_with_its_tries<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let rows = intake(store, &fixtures, |_| {}).await;
    let entry = drafted(store, &fixtures, &rows).await;
    let notification = notified(store, &fixtures, &rows, &entry).await;
    let first = fixtures.attempt(&notification);
    fixtures.clock.advance(Duration::from_secs(1));
    let second = fixtures.attempt(&notification);
    let change = Change::new()
        .with(Write::InsertAttempt(second.clone()))
        .with(Write::InsertAttempt(first.clone()));
    commit(store, change).await;
    let detail = store
        .notification_detail(notification.id)
        .await
        .expect("look-ups work")
        .expect("it is there");
    assert_eq!(
        (detail.attempts, detail.notification),
        (vec![first, second], notification)
    );
    assert_eq!(detail.ticket_number, stored(store, rows.ticket.id).await.number);
}

pub(super) async fn dead_letters_are_listed_and_nothing_else<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let ready = fixtures.job();
    let first = fixtures.job().dead("one");
    fixtures.clock.advance(Duration::from_secs(1));
    let (second, discarded) = (fixtures.job().dead("two"), fixtures.job().dead("three"));
    let jobs = [ready.clone(), first.clone(), second.clone(), discarded.clone()];
    commit(
        store,
        jobs.map(Write::Enqueue).into_iter().fold(Change::new(), Change::with),
    )
    .await;
    assert!(
        store
            .discard(discarded.id, fixtures.now())
            .await
            .expect("a person may discard")
    );
    let newest = store.dead_letters(page(1, None)).await.expect("lists work");
    let oldest = store.dead_letters(page(1, newest.next)).await.expect("lists work");
    assert_eq!(
        (newest.items[0].job.id, oldest.items[0].job.id, oldest.next),
        (second.id, first.id, None)
    );
    let one = store
        .dead_letter(first.id)
        .await
        .expect("look-ups work")
        .expect("it is dead");
    assert_eq!(one, oldest.items[0]);
    for alive in [ready.id, discarded.id] {
        assert!(store.dead_letter(alive).await.expect("look-ups work").is_none());
    }
}
