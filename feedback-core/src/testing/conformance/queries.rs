//! The promises of [`Queries`].

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use super::{Check, Fresh, checks, run_checks};
use crate::{
    domain::{
        Change, ChangelogEntry, ChangelogStatus, Channel, Confirmation, Cursor, Decision, EventKind, JobPayload,
        LinkStatus, NewJob, Notification, NotificationStatus, Page, PageRequest, PageSize, Priority, Queue, Scrubbed,
        ThreadRef, Ticket, TicketId, TicketStatus, TicketType, Timestamp, Write,
    },
    ports::{
        ChangelogFilter, ClaimRequest, GroupRow, InboxRow, JobQueue, MetricsSummary, NotificationFilter, Queries,
        SourceRef, Storage, TicketFilter, TicketKey, TicketRow,
    },
    testing::fixtures::{Fixtures, IntakeRows},
};

/// Makes stores for the checks. Rows come in by [`Storage`], and jobs die by [`JobQueue`].
pub trait QueriesHarness: Send + Sync + 'static {
    /// The store under test.
    type Adapter: Queries + Storage + JobQueue;

    /// An empty store.
    fn fresh(&self) -> impl Future<Output = Fresh<Self::Adapter>> + Send;
}

/// Runs all checks as a test binary.
pub fn run<H: QueriesHarness>(harness: H) -> ExitCode {
    run_checks(harness, "queries", checks())
}

/// All checks, for a binary that runs several suites.
pub fn checks<H: QueriesHarness>() -> &'static [Check<H>] {
    checks![
        an_empty_store_has_empty_lists,
        tickets_come_newest_first_and_ids_break_ties,
        pages_show_every_ticket_once_whatever_is_added_meanwhile,
        a_page_at_the_end_has_no_next,
        each_filter_narrows_and_all_must_hold,
        search_finds_beginnings_of_words_whatever_case_and_accents,
        search_looks_at_title_and_description_as_they_are_now,
        search_text_is_never_syntax,
        search_keeps_filters_pages_and_order,
        a_row_names_the_person_and_the_messages,
        a_detail_has_everything_in_order,
        a_pair_is_shown_once_as_it_was_decided,
        changelog_entries_are_listed_by_filter,
        notifications_are_listed_by_filter,
        a_notification_is_shown_with_its_tries,
        dead_letters_are_listed_and_nothing_else,
        metrics_count_a_half_open_period,
        metrics_count_merged_reporters_as_one,
        metrics_take_the_median_of_each_step,
        groups_are_listed_newest_first_with_their_size,
        an_inbox_follows_merges_and_pages,
        an_inbox_shows_what_has_arrived_in_the_product,
        rollups_equal_a_count_over_timelines,
        the_queue_is_counted_without_periodic_work,
        a_list_sees_every_answered_commit,
    ]
}

async fn commit(store: &impl Storage, change: Change) {
    store.commit(change).await.expect("the change fits");
}

async fn write(store: &impl Storage, write: Write) {
    commit(store, Change::new().with(write)).await;
}

/// An intake, changed by `adjust` before it is committed.
async fn intake(store: &impl Storage, fixtures: &Fixtures, adjust: impl FnOnce(&mut IntakeRows)) -> IntakeRows {
    let mut rows = fixtures.intake();
    adjust(&mut rows);
    commit(store, rows.change()).await;
    rows
}

async fn stored(store: &impl Storage, id: TicketId) -> Ticket {
    store
        .ticket(TicketKey::Id(id))
        .await
        .expect("look-ups work")
        .expect("the ticket is there")
}

fn page(rows: u16, after: Option<Cursor>) -> PageRequest {
    PageRequest {
        after,
        size: PageSize::new(rows).expect("1 to 200"),
    }
}

async fn tickets(store: &impl Queries, filter: &TicketFilter) -> Vec<TicketId> {
    let page = store.tickets(filter, page(200, None)).await.expect("lists work");
    page.items.iter().map(|row| row.ticket.id).collect()
}

async fn found(store: &impl Queries, search: &str) -> BTreeSet<TicketId> {
    let filter = TicketFilter {
        search: Some(search.into()),
        ..TicketFilter::default()
    };
    tickets(store, &filter).await.into_iter().collect()
}

async fn an_empty_store_has_empty_lists<H: QueriesHarness>(harness: &H) {
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

async fn tickets_come_newest_first_and_ids_break_ties<H: QueriesHarness>(harness: &H) {
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

async fn pages_show_every_ticket_once_whatever_is_added_meanwhile<H: QueriesHarness>(harness: &H) {
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

async fn a_page_at_the_end_has_no_next<H: QueriesHarness>(harness: &H) {
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

async fn each_filter_narrows_and_all_must_hold<H: QueriesHarness>(harness: &H) {
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

async fn search_finds_beginnings_of_words_whatever_case_and_accents<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let rows = intake(store, &fixtures, |rows| {
        rows.ticket.title = Scrubbed::restore("La EXPORTACIÓN de mañana".into());
        rows.ticket.description = Scrubbed::restore("Error HTTP-500 en v2.3 (São Paulo), dice [NAME_1]".into());
    })
    .await;
    intake(store, &fixtures, |rows| {
        rows.ticket.title = Scrubbed::restore("Login".into());
        rows.ticket.description = Scrubbed::restore("Password reset mail never comes".into());
    })
    .await;
    let one = BTreeSet::from([rows.ticket.id]);
    for hit in [
        "exportacion",
        "EXPORT",
        "manana",
        "mañ",
        "exp man",
        "man exp",
        "sao pau",
        "500",
        "http-5",
        "v2",
        "name_1",
    ] {
        assert_eq!(found(store, hit).await, one, "{hit}");
    }
    for miss in ["portacion", "exportacion login", "exportaciones", "x"] {
        assert_eq!(found(store, miss).await, BTreeSet::new(), "{miss}");
    }
    // Without words there is no filter.
    for nothing in ["", "  ", "*"] {
        assert_eq!(found(store, nothing).await.len(), 2, "{nothing:?}");
    }
}

async fn search_looks_at_title_and_description_as_they_are_now<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let rows = intake(store, &fixtures, |_| {}).await;
    let mut ticket = stored(store, rows.ticket.id).await;
    ticket.title = Scrubbed::restore("Facturas duplicadas".into());
    ticket.description = Scrubbed::restore("Se cobra dos veces".into());
    write(store, Write::UpdateTicket(Box::new(ticket))).await;
    assert_eq!(found(store, "exportacion").await.len(), 0);
    assert_eq!(found(store, "factura cobra").await.len(), 1);
    let mut ticket = stored(store, rows.ticket.id).await;
    ticket.sprint = Some("7".into());
    write(store, Write::UpdateTicket(Box::new(ticket))).await;
    assert_eq!(found(store, "factura cobra").await.len(), 1);
}

async fn search_text_is_never_syntax<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    intake(store, &fixtures, |_| {}).await;
    for hostile in [
        "\"",
        "'",
        "exporta\" OR \"zzz",
        "NOT exportacion zzz",
        "title:zzz",
        "exporta NEAR zzz",
        "(((",
        "a AND",
        "^zzz",
        "-zzz",
        "zzz*",
        "{zzz}",
        "zzz\u{0}",
        "'; DROP TABLE tickets; --zzz",
        "%zzz_",
        "zzz + zzz",
    ] {
        let filter = TicketFilter {
            search: Some(hostile.into()),
            ..TicketFilter::default()
        };
        let page = store.tickets(&filter, PageRequest::default()).await;
        let page = page.unwrap_or_else(|error| panic!("{hostile:?}: {error}"));
        // Without words ("(((") nothing is filtered; every other one has a word that no ticket has.
        let has_words = hostile.chars().any(char::is_alphanumeric);
        assert_eq!(page.items.len(), usize::from(!has_words), "{hostile:?}");
    }
    let long = "palabra ".repeat(300);
    let filter = TicketFilter {
        search: Some(long),
        ..TicketFilter::default()
    };
    assert!(
        store
            .tickets(&filter, PageRequest::default())
            .await
            .expect("a long search is a search")
            .items
            .is_empty()
    );
}

async fn search_keeps_filters_pages_and_order<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut expected = Vec::new();
    for number in 0..5 {
        let at = fixtures.now().plus(Duration::from_secs([3, 1, 4, 0, 2][number]));
        let rows = intake(store, &fixtures, |rows| rows.ticket.created_at = at).await;
        expected.push((at, rows.ticket.id));
    }
    expected.sort_unstable_by(|a, b| b.cmp(a));
    let filter = TicketFilter {
        search: Some("exportación".into()),
        status: Some(TicketStatus::New),
        ..TicketFilter::default()
    };
    let (mut seen, mut after) = (Vec::new(), None);
    for _ in 0..3 {
        let part: Page<TicketRow> = store.tickets(&filter, page(2, after)).await.expect("lists work");
        seen.extend(part.items.iter().map(|row| (row.ticket.created_at, row.ticket.id)));
        after = part.next;
    }
    assert_eq!((seen, after), (expected, None));
}

async fn a_row_names_the_person_and_the_messages<H: QueriesHarness>(harness: &H) {
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

async fn drafted(store: &impl Storage, fixtures: &Fixtures, rows: &IntakeRows) -> ChangelogEntry {
    let entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
    write(store, Write::InsertChangelogEntry(Box::new(entry.clone()))).await;
    entry
}

async fn notified(
    store: &impl Storage,
    fixtures: &Fixtures,
    rows: &IntakeRows,
    entry: &ChangelogEntry,
) -> Notification {
    let notification = fixtures.notification(entry, &rows.identity);
    write(store, Write::InsertNotification(Box::new(notification.clone()))).await;
    notification
}

async fn a_detail_has_everything_in_order<H: QueriesHarness>(harness: &H) {
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

async fn a_pair_is_shown_once_as_it_was_decided<H: QueriesHarness>(harness: &H) {
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

async fn changelog_entries_are_listed_by_filter<H: QueriesHarness>(harness: &H) {
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

async fn notifications_are_listed_by_filter<H: QueriesHarness>(harness: &H) {
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

async fn a_notification_is_shown_with_its_tries<H: QueriesHarness>(harness: &H) {
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

async fn dead_letters_are_listed_and_nothing_else<H: QueriesHarness>(harness: &H) {
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

async fn metrics_count_a_half_open_period<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let from: Timestamp = "2026-03-01T22:00:00Z".parse().expect("a time");
    let to = from.plus(Duration::from_secs(4 * 3600));
    let last = to.minus(Duration::from_micros(1));
    for at in [from.minus(Duration::from_micros(1)), from, last, to] {
        let rows = intake(store, &fixtures, |rows| {
            rows.ticket.created_at = at;
            rows.ticket.channel = if at == last { Channel::InApp } else { Channel::Slack };
            rows.ticket.priority = if at == last { Priority::P0 } else { Priority::P3 };
            rows.ticket.ticket_type = if at == last {
                TicketType::Question
            } else {
                TicketType::Bug
            };
        })
        .await;
        let entry = drafted(store, &fixtures, &rows).await;
        let mut notification = fixtures.notification(&entry, &rows.identity);
        notification.created_at = at;
        write(store, Write::InsertNotification(Box::new(notification))).await;
        if at == last {
            let mut moved = stored(store, rows.ticket.id).await;
            moved.status = TicketStatus::Triaged;
            write(store, Write::UpdateTicket(Box::new(moved))).await;
        }
    }
    let metrics = store.metrics(from, to).await.expect("metrics work");
    assert_eq!(metrics.received, 2);
    assert_eq!(metrics.by_channel, [(Channel::Slack, 1), (Channel::InApp, 1)]);
    assert_eq!(metrics.by_type, [(TicketType::Bug, 1), (TicketType::Question, 1)]);
    assert_eq!(metrics.by_priority, [(Priority::P0, 1), (Priority::P3, 1)]);
    assert_eq!(metrics.by_status, [(TicketStatus::New, 1), (TicketStatus::Triaged, 1)]);
    let day = |text: &str| text.parse::<Timestamp>().expect("a time");
    assert_eq!(
        metrics.by_day,
        [(day("2026-03-01T00:00:00Z"), 1), (day("2026-03-02T00:00:00Z"), 1)]
    );
    assert_eq!(metrics.notifications, [(NotificationStatus::Pending, 2)]);
    assert_eq!(metrics.top_reporters.len(), 2);
}

async fn metrics_count_merged_reporters_as_one<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut people = Vec::new();
    for _ in 0..12 {
        people.push(intake(store, &fixtures, |_| {}).await.reporter);
    }
    let busiest = people[11].clone();
    let mut merged = people[0].clone();
    merged.merged_into = Some(busiest.id);
    write(store, Write::UpdateReporter(merged)).await;
    let to = fixtures.now().plus(Duration::from_secs(1));
    let top = store
        .metrics(Timestamp::UNIX_EPOCH, to)
        .await
        .expect("metrics work")
        .top_reporters;
    let mut expected: Vec<_> = people[1..11].iter().map(|person| (person.id, 1)).collect();
    expected.sort_unstable();
    expected.insert(0, (busiest.id, 2));
    expected.truncate(10);
    assert_eq!(top, expected);
}

async fn metrics_take_the_median_of_each_step<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let start = fixtures.now();
    let after = |seconds: u64| start.plus(Duration::from_secs(seconds));
    let by = fixtures.id();
    for seconds in [10, 20, 60] {
        let rows = intake(store, &fixtures, |_| {}).await;
        let mut ticket = stored(store, rows.ticket.id).await;
        let (ticket_type, priority) = (TicketType::Bug, Priority::P1);
        ticket.confirmation = Some(Confirmation {
            ticket_type,
            priority,
            by,
            at: after(seconds),
        });
        ticket.resolved_at = Some(after(seconds * 2));
        let mut entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
        entry.status = ChangelogStatus::Approved;
        entry.decision = Some(Decision {
            by: Some(by),
            at: after(seconds * 3),
            seen_version: 1,
            reason: None,
        });
        let mut notification = fixtures.notification(&entry, &rows.identity);
        notification.sent_at = Some(after(seconds * 4));
        let change = Change::new()
            .with(Write::UpdateTicket(Box::new(ticket)))
            .with(Write::InsertChangelogEntry(Box::new(entry)))
            .with(Write::InsertNotification(Box::new(notification)));
        commit(store, change).await;
    }
    let seconds = |seconds: u64| Some(Duration::from_secs(seconds));
    let all = store.metrics(start, after(1000)).await.expect("metrics work").steps;
    assert_eq!((all.to_confirmed, all.to_resolved), (seconds(20), seconds(40)));
    assert_eq!((all.to_approved, all.to_sent), (seconds(60), seconds(80)));
    // Steps made in the period count, whenever their tickets were recorded.
    let late = store.metrics(after(50), after(1000)).await.expect("metrics work");
    assert_eq!((late.received, late.steps.to_confirmed), (0, seconds(60)));
    let none = store
        .metrics(after(500), after(1000))
        .await
        .expect("metrics work")
        .steps;
    assert_eq!(none.to_sent, None);
    let two = store.metrics(start, after(21)).await.expect("metrics work").steps;
    assert_eq!((two.to_confirmed, two.to_resolved), (seconds(15), seconds(20)));
}

async fn the_queue_is_counted_without_periodic_work<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let now = fixtures.now();
    let later = now.plus(Duration::from_secs(60));
    let poll = || NewJob::now(fixtures.id(), JobPayload::PollTracker, now);
    let jobs = [
        poll(),
        poll().at(later),
        fixtures.job(),
        fixtures.job(),
        fixtures.job().at(later),
        fixtures.job().dead("x"),
    ];
    commit(
        store,
        jobs.map(Write::Enqueue).into_iter().fold(Change::new(), Change::with),
    )
    .await;
    for queue in [Queue::Default, Queue::Low] {
        let request = ClaimRequest {
            queue,
            limit: 1,
            lease_until: later,
            now,
        };
        assert_eq!(store.claim(request).await.expect("jobs can be claimed").len(), 1);
    }
    let status = store.ops_status(now).await.expect("the queue can be counted");
    assert_eq!(
        (status.jobs_due, status.jobs_running, status.jobs_scheduled, status.dead),
        (1, 1, 1, 1)
    );
    assert!(!status.is_quiescent());
    let status = store.ops_status(later).await.expect("the queue can be counted");
    assert_eq!((status.jobs_due, status.jobs_scheduled), (2, 0));
}

async fn groups_are_listed_newest_first_with_their_size<H: QueriesHarness>(harness: &H) {
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
async fn told_in_app(
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

async fn an_inbox_follows_merges_and_pages<H: QueriesHarness>(harness: &H) {
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

async fn an_inbox_shows_what_has_arrived_in_the_product<H: QueriesHarness>(harness: &H) {
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

async fn rollups_equal_a_count_over_timelines<H: QueriesHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let store = &fresh.adapter;
    let mut seen = BTreeMap::new();
    let start = Timestamp::UNIX_EPOCH;
    for seed in 1..4_u64 {
        let fixtures = Fixtures::new(seed);
        let mut tickets = Vec::new();
        for channel in Channel::ALL {
            let rows = intake(store, &fixtures, |rows| {
                rows.ticket.channel = channel;
                rows.event.at = start;
            })
            .await;
            *seen.entry((start, "received", channel.as_str())).or_insert(0) += 1;
            tickets.push((rows.ticket.id, channel));
        }
        // A generator of its own, so that a failure comes again: the middle bits of a multiplication.
        let mut state = seed;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 33) % below as u64).expect("it is small")
        };
        for _ in 0..40 {
            let mut change = Change::new();
            let mut counted = Vec::new();
            for _ in 0..1 + random(3) {
                let (ticket, channel) = tickets[random(tickets.len())];
                let kind = EventKind::ALL[random(EventKind::ALL.len())];
                let mut event = fixtures.event(ticket, kind);
                event.at = start.plus(Duration::from_micros(random(4 * 3_600_000_000) as u64));
                event.at = event.at.minus(Duration::from_secs(2 * 3_600));
                counted.push((event.at.floor_to_hour(), kind.as_str(), channel.as_str()));
                change.push(Write::AppendEvent(event));
            }
            if random(4) == 0 {
                // What is refused is not counted.
                change.push(Write::AppendEvent(fixtures.event(fixtures.id(), EventKind::Updated)));
                store.commit(change).await.expect_err("there is no such ticket");
                continue;
            }
            commit(store, change).await;
            for key in counted {
                *seen.entry(key).or_insert(0) += 1;
            }
        }
    }
    let hour = |hours: i64| {
        let by = Duration::from_secs(hours.unsigned_abs() * 3_600);
        if hours < 0 { start.minus(by) } else { start.plus(by) }
    };
    for (from, to) in [(-9, 9), (-1, 1), (0, 1), (1, 1), (2, 1)] {
        let (from, to) = (hour(from), hour(to));
        let found = store.rollups(from, to).await.expect("metrics work");
        let found: Vec<_> = found
            .iter()
            .map(|rollup| {
                (
                    (rollup.hour, rollup.kind.as_str(), rollup.channel.as_str()),
                    rollup.count,
                )
            })
            .collect();
        let within = |key: &(Timestamp, &str, &str)| from <= key.0 && key.0 < to;
        let expected: Vec<_> = seen
            .iter()
            .filter(|(key, _)| within(key))
            .map(|(key, count)| (*key, *count))
            .collect();
        assert_eq!(found, expected, "from {from} to {to}");
    }
}

async fn a_list_sees_every_answered_commit<H: QueriesHarness>(harness: &H) {
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
