//! The plan of every statement that ran: none reads a table without an index. Statements are recorded as they are
//! prepared, so that a new one cannot be forgotten here.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use feedback_core::{
    domain::{
        Change, ChangelogStatus, Channel, Erasure, EventKind, JobPayload, LinkStatus, Marker, NewJob,
        NotificationStatus, PageRequest, PageSize, Priority, Queue, Sealed, TicketStatus, TicketType, Timestamp, Write,
    },
    ports::{
        AttachmentsKey, ChangelogEntryKey, ChangelogFilter, ClaimRequest, Custody, Expired, IdentityKey, JobQueue,
        LinksKey, NotificationFilter, NotificationKey, NotificationsKey, Outbox, PublishRequest, Queries, ReporterKey,
        SourceKey, Storage, TicketFilter, TicketKey, TicketsKey, WrappedKind,
    },
    testing::fixtures::Fixtures,
};
use rusqlite::Connection;

use crate::{Sqlite, SqliteConfig};

static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

pub(crate) fn record(sql: &str) {
    STATEMENTS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(sql.to_owned());
}

#[tokio::test]
async fn no_statement_reads_a_table_without_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(SqliteConfig::new(folder.path().join("feedback.db"))).unwrap();
    run_everything(&store).await;
    let path = store.path().to_owned();
    drop(store);

    let conn = Connection::open(path).unwrap();
    let statements = STATEMENTS.lock().unwrap().clone();
    assert!(statements.len() > 130, "only {} statements ran", statements.len());
    let mut scans = Vec::new();
    for sql in &statements {
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = explain.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let step: String = row.get("detail").unwrap();
            if !is_cheap(sql, &step) {
                scans.push(format!("{step}: {sql}"));
            }
        }
    }
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

/// Indexes that hold only the rows that are asked for: reading all of one reads nothing in vain.
const WHOLE_ANSWERS: [&str; 4] = ["erasures_by_time", "jobs_dead", "jobs_leased", "reporters_merged"];

fn is_cheap(sql: &str, step: &str) -> bool {
    let is_page = sql.contains("ORDER BY r.created_at DESC");
    if is_page && step.contains("TEMP B-TREE") {
        // A page that is sorted after it is read costs more with every row that is not on it. What search found has no order.
        return sql.contains("MATCH");
    }
    let Some(scanned) = step.strip_prefix("SCAN ") else {
        return true;
    };
    if scanned == "CONSTANT ROW" || scanned.contains("VIRTUAL TABLE INDEX") {
        return true;
    }
    let unfiltered_page = is_page && !sql.contains(" = ?") && scanned.contains("_by_time");
    unfiltered_page || WHOLE_ANSWERS.iter().any(|index| scanned.ends_with(index))
}

/// Every method of every port, every write, and every combination of filters with and without a cursor.
async fn run_everything(store: &Sqlite) {
    let fixtures = Fixtures::default();
    writes(store, &fixtures).await;
    look_ups(store, &fixtures).await;
    jobs(store, &fixtures).await;
    lists(store).await;
    custody(store, &fixtures).await;
}

async fn commit(store: &Sqlite, writes: impl IntoIterator<Item = Write>) {
    store
        .commit(writes.into_iter().fold(Change::new(), Change::with))
        .await
        .unwrap();
}

async fn writes(store: &Sqlite, fixtures: &Fixtures) {
    let (rows, other) = (fixtures.intake(), fixtures.intake());
    let number = store
        .commit(rows.change())
        .await
        .unwrap()
        .number_of(rows.ticket.id)
        .unwrap();
    store.commit(other.change()).await.unwrap();
    let entry = fixtures.changelog_entry(rows.ticket.id, rows.reporter.id);
    let notification = fixtures.notification(&entry, &rows.identity);
    let attempt = fixtures.attempt(&notification);
    let user = fixtures.user();
    let (token, link, session) = (
        fixtures.api_token(user.id),
        fixtures.sign_in_link(user.id),
        fixtures.session(user.id),
    );
    let mut cursor = fixtures.cursor("tracker");
    commit(store, [Write::PutCursor(cursor.clone())]).await;
    cursor.version = 1;
    commit(
        store,
        [
            Write::UpdateReporter(rows.reporter.clone()),
            Write::UpdateIdentity(rows.identity.clone()),
            Write::TouchIdentity(rows.identity.id, fixtures.now()),
            Write::InsertIdentityLink(fixtures.identity_link(&rows.identity)),
            Write::UpdateTicket(Box::new(rows.stored_ticket(number))),
            Write::AppendEvent(fixtures.event(rows.ticket.id, EventKind::Drafted)),
            Write::InsertChangelogEntry(Box::new(entry.clone())),
            Write::UpdateChangelogEntry(Box::new(entry)),
            Write::InsertNotification(Box::new(notification.clone())),
            Write::UpdateNotification(Box::new(notification)),
            Write::InsertAttempt(attempt.clone()),
            Write::UpdateAttempt(attempt),
            Write::SuggestLink(fixtures.link(rows.ticket.id, other.ticket.id)),
            Write::InsertAttachment(Box::new(fixtures.attachment(&rows.source))),
            Write::PutVector(fixtures.vector(rows.ticket.id, "m")),
            Write::PutCursor(cursor),
            Write::Enqueue(fixtures.job().unique("k")),
            Write::RememberCall(fixtures.remembered_call("k")),
            Write::InsertUser(user.clone()),
            Write::UpdateUser(user),
            Write::InsertApiToken(token.clone()),
            Write::RevokeApiToken(token.id, fixtures.now()),
            Write::InsertSignInLink(link.clone()),
            Write::ConsumeSignInLink(link.digest),
            Write::PutSession(session.clone()),
            Write::TouchSession(session.digest, fixtures.now()),
            Write::DeleteSession(session.digest),
        ],
    )
    .await;
    let mut undone = fixtures.identity_link(&rows.identity);
    let link_between = fixtures.link(rows.ticket.id, other.ticket.id);
    let group = fixtures.group(rows.ticket.id);
    let file = fixtures.attachment(&rows.source);
    commit(
        store,
        [
            Write::InsertIdentityLink(undone.clone()),
            Write::InsertGroup(group.clone()),
            Write::InsertAttachment(Box::new(file.clone())),
            Write::UpdateAttachment(Box::new(file.clone())),
            Write::AnchorSource(rows.source.id, fixtures.thread()),
        ],
    )
    .await;
    undone.undone = Some((fixtures.now(), fixtures.id()));
    let unknown = Write::AnchorSource(fixtures.id(), fixtures.thread());
    commit(store, [Write::UpdateIdentityLink(undone), Write::UpdateGroup(group)]).await;
    let erasure = |reporter| {
        Write::EraseReporter(Erasure {
            reporter,
            at: fixtures.now(),
            by: None,
        })
    };
    let last = fixtures.intake();
    store.commit(last.change()).await.unwrap();
    let entry = fixtures.changelog_entry(last.ticket.id, last.reporter.id);
    commit(
        store,
        [
            Write::InsertChangelogEntry(Box::new(entry.clone())),
            Write::InsertNotification(Box::new(fixtures.notification(&entry, &last.identity))),
            Write::InsertAttachment(Box::new(fixtures.attachment(&last.source))),
            erasure(last.reporter.id),
        ],
    )
    .await;
    // The question behind each refused update.
    let mut stale = fixtures.cursor("other");
    stale.version = 9;
    let expected = LinkStatus::Suggested;
    for refused in [
        unknown,
        Write::UpdateLink {
            link: Box::new(link_between),
            expected,
        },
        Write::UpdateGroup(fixtures.group(rows.ticket.id)),
        Write::UpdateAttachment(Box::new(fixtures.attachment(&rows.source))),
        Write::UpdateReporter(fixtures.reporter()),
        Write::UpdateIdentity(fixtures.identity(rows.reporter.id)),
        Write::UpdateTicket(Box::new(fixtures.new_ticket(rows.reporter.id).numbered(number))),
        Write::UpdateChangelogEntry(Box::new(fixtures.changelog_entry(rows.ticket.id, rows.reporter.id))),
        Write::PutCursor(stale),
    ] {
        assert!(store.commit(Change::new().with(refused)).await.is_err());
    }
}

async fn look_ups(store: &Sqlite, fixtures: &Fixtures) {
    let (index, digest, now) = (fixtures.blind_index(), fixtures.secret_digest(), fixtures.now());
    for key in [
        TicketKey::Id(fixtures.id()),
        TicketKey::Number(feedback_core::domain::TicketNumber::FIRST),
        TicketKey::Page("p".into()),
    ] {
        store.ticket(key).await.unwrap();
    }
    let thread = fixtures.thread().key().unwrap();
    for key in [
        SourceKey::External(Channel::Slack, fixtures.external_id()),
        SourceKey::NewestInThread(Channel::Slack, thread),
        SourceKey::NewestBy(fixtures.id()),
    ] {
        store.source(key).await.unwrap();
    }
    for key in [
        ReporterKey::Id(fixtures.id()),
        ReporterKey::VerifiedEmail(index),
        ReporterKey::AnyEmail(index),
        ReporterKey::Phone(vec![index]),
    ] {
        store.reporter(key).await.unwrap();
    }
    for key in [
        IdentityKey::Id(fixtures.id()),
        IdentityKey::External(Channel::Slack, index),
    ] {
        store.identity(key).await.unwrap();
    }
    for key in [
        ChangelogEntryKey::Id(fixtures.id()),
        ChangelogEntryKey::NewestOf(fixtures.id()),
    ] {
        store.changelog_entry(key).await.unwrap();
    }
    for key in [
        NotificationKey::Id(fixtures.id()),
        NotificationKey::ProviderMessage(Channel::Slack, "m".into()),
        NotificationKey::Marker(Marker::of(fixtures.id())),
    ] {
        store.notification(key).await.unwrap();
    }
    let (model, limit) = (String::from("m"), 10);
    for key in [
        TicketsKey::Group(fixtures.id()),
        TicketsKey::Reporter(fixtures.id()),
        TicketsKey::WithoutVector {
            model,
            since: now,
            limit,
        },
    ] {
        store.tickets_of(key).await.unwrap();
    }
    for key in [LinksKey::Id(fixtures.id()), LinksKey::Ticket(fixtures.id())] {
        store.links(key).await.unwrap();
    }
    for key in [
        AttachmentsKey::Id(fixtures.id()),
        AttachmentsKey::Source(fixtures.id()),
        AttachmentsKey::Ticket(fixtures.id()),
        AttachmentsKey::StoredBefore { before: now, limit },
    ] {
        store.attachments(key).await.unwrap();
    }
    store.group(fixtures.id()).await.unwrap();
    store.merged_reporters(fixtures.id()).await.unwrap();
    store.identity_links(fixtures.id()).await.unwrap();
    store.sources(fixtures.id()).await.unwrap();
    store.identities(fixtures.id()).await.unwrap();
    for key in [
        NotificationsKey::Entry(fixtures.id()),
        NotificationsKey::Parked(fixtures.id()),
        NotificationsKey::Reporter(fixtures.id()),
    ] {
        Storage::notifications(store, key).await.unwrap();
    }
    store.attempts(fixtures.id()).await.unwrap();
    store.cursor("tracker").await.unwrap();
    store.vectors("m", now).await.unwrap();
    store.remembered_call("s", "k").await.unwrap();
    store.user(fixtures.id()).await.unwrap();
    store.session(digest).await.unwrap();
    store.sign_in_link(digest).await.unwrap();
    store.api_token(digest).await.unwrap();
}

async fn jobs(store: &Sqlite, fixtures: &Fixtures) {
    let now = fixtures.now();
    let request = ClaimRequest {
        queue: Queue::Default,
        limit: 1,
        lease_until: now.plus(Duration::from_secs(30)),
        now,
    };
    for _ in 0..4 {
        commit(store, [Write::Enqueue(fixtures.job())]).await;
    }
    let mut leases = Vec::new();
    for _ in 0..4 {
        leases.push(store.claim(request.clone()).await.unwrap()[0].lease);
    }
    store.claim_these(&[fixtures.id()], request).await.unwrap();
    let publish = PublishRequest {
        queues: Queue::ALL.to_vec(),
        limit: 9,
        published_before: now,
        now,
    };
    store.take_unpublished(publish).await.unwrap();
    store.extend(&leases[0], now).await.unwrap();
    store.complete(&leases[0], now).await.unwrap();
    store.retry_later(&leases[1], now, "x", now).await.unwrap();
    store.snooze(&leases[2], now, "x", now).await.unwrap();
    store.bury(&leases[3], "x", now).await.unwrap();
    store.reap(now).await.unwrap();
    store.revive(leases[3].job, now).await.unwrap();
    store.discard(leases[3].job, now).await.unwrap();
}

async fn custody(store: &Sqlite, fixtures: &Fixtures) {
    let now = fixtures.now().plus(Duration::from_secs(1_000));
    let rows = fixtures.intake();
    let number = store.commit(rows.change()).await.unwrap().number_of(rows.ticket.id);
    let mut over = rows.stored_ticket(number.unwrap());
    over.status = TicketStatus::Closed;
    let delivery = JobPayload::ReplayDelivery {
        channel: Channel::Slack,
        content_type: None,
        body: Sealed::from_bytes(vec![1, 2, 3]),
        received_at: now,
    };
    let delivery = NewJob::now(fixtures.id(), delivery, now);
    commit(
        store,
        [Write::UpdateTicket(Box::new(over)), Write::Enqueue(delivery.dead("x"))],
    )
    .await;
    for kind in [WrappedKind::SubjectKey, WrappedKind::Job] {
        for found in store.wrapped(kind, None, 10).await.unwrap() {
            assert!(store.rewrap(kind, &found, &found.bytes).await.unwrap());
        }
    }
    for what in Expired::ALL {
        store.purge(what, now, 10).await.unwrap();
    }
    store.erasures().await.unwrap();
    store.timelines(None, 10).await.unwrap();
    store.settle_erasures().await.unwrap();
}

async fn lists(store: &Sqlite) {
    let one = PageRequest {
        after: None,
        size: PageSize::new(1).unwrap(),
    };
    let behind = store.tickets(&TicketFilter::default(), one).await.unwrap().next;
    assert!(behind.is_some());
    for page in [one, PageRequest { after: behind, ..one }] {
        for which in 0..32 {
            let chosen = |bit: u32| which & (1 << bit) != 0;
            let filter = TicketFilter {
                status: Some(TicketStatus::New).filter(|_| chosen(0)),
                channel: Some(Channel::Slack).filter(|_| chosen(1)),
                priority: Some(Priority::P2).filter(|_| chosen(2)),
                ticket_type: Some(TicketType::Bug).filter(|_| chosen(3)),
                search: Some(String::from("export")).filter(|_| chosen(4)),
            };
            let found = store.tickets(&filter, page).await.unwrap();
            if let Some(row) = found.items.first() {
                store.ticket_detail(row.ticket.id).await.unwrap();
            }
            let ticket = found.items.first().map(|row| row.ticket.id);
            let status = Some(ChangelogStatus::Draft).filter(|_| chosen(0));
            let filter = ChangelogFilter {
                status,
                ticket: ticket.filter(|_| chosen(1)),
            };
            store.changelog_entries(&filter, page).await.unwrap();
            let filter = NotificationFilter {
                status: Some(NotificationStatus::Pending).filter(|_| chosen(0)),
                channel: Some(Channel::Slack).filter(|_| chosen(1)),
                ticket: ticket.filter(|_| chosen(2)),
            };
            let found = Queries::notifications(store, &filter, page).await.unwrap();
            if let Some(notification) = found.items.first() {
                store.notification_detail(notification.id).await.unwrap();
            }
        }
        store.groups(page).await.unwrap();
        store.inbox(Fixtures::default().id(), page).await.unwrap();
        let dead = store.dead_letters(page).await.unwrap();
        if let Some(letter) = dead.items.first() {
            store.dead_letter(letter.job.id).await.unwrap();
        }
    }
    let now = Timestamp::from_unix_seconds(2_000_000_000).unwrap();
    store.rollups(Timestamp::UNIX_EPOCH, now).await.unwrap();
    store.metrics(Timestamp::UNIX_EPOCH, now).await.unwrap();
    store.ops_status(now).await.unwrap();
}
