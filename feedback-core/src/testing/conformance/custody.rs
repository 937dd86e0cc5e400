//! The promises of [`Custody`].

use std::{collections::BTreeSet, future::Future, process::ExitCode, time::Duration};

use super::{Check, Fresh, checks, run_checks};
use crate::{
    domain::{
        Change, Channel, Erasure, EventKind, ExternalId, JobPayload, JobStatus, NewJob, Queue, Scrubbed, Sealed,
        SubjectKey, ThreadRef, Ticket, TicketEvent, TicketId, TicketNumber, TicketStatus, Timestamp, Write,
    },
    ports::{
        ClaimRequest, Custody, Expired, JobQueue, LinksKey, PortErrorKind, Queries, ReporterKey, Storage, TicketFilter,
        TicketKey, Wrapped, WrappedKind,
    },
    testing::fixtures::{Fixtures, IntakeRows},
};

/// Makes stores for the checks. Rows come in by [`Storage`], and jobs end by [`JobQueue`].
pub trait CustodyHarness: Send + Sync + 'static {
    /// The store under test.
    type Adapter: Custody + Storage + Queries + JobQueue;

    /// An empty store.
    fn fresh(&self) -> impl Future<Output = Fresh<Self::Adapter>> + Send;

    /// All bytes of all files that the store keeps, and of a backup made now; none for a store without files of its own.
    fn files(&self, adapter: &Self::Adapter) -> impl Future<Output = Vec<u8>> + Send;
}

/// Runs all checks as a test binary.
pub fn run<H: CustodyHarness>(harness: H) -> ExitCode {
    run_checks(harness, "custody", checks())
}

/// All checks, for a binary that runs several suites.
pub fn checks<H: CustodyHarness>() -> &'static [Check<H>] {
    checks![
        wrapped_keys_are_walked_in_pages,
        a_rewrap_is_fenced_and_raises_the_version,
        a_delivery_is_rewrapped_and_nothing_else_of_its_job,
        raw_payloads_go_when_their_time_is_up,
        content_of_closed_tickets_goes_when_their_time_is_up,
        a_purged_ticket_keeps_its_timeline,
        sessions_links_and_calls_go_when_their_time_is_up,
        only_finished_jobs_go,
        a_purge_is_bounded,
        erasures_are_remembered_oldest_first,
        what_was_erased_or_purged_is_gone_from_the_files,
        timelines_come_in_pages_and_verify,
    ]
}

async fn commit(store: &impl Storage, change: Change) {
    store.commit(change).await.expect("the change fits");
}

async fn write(store: &impl Storage, write: Write) {
    commit(store, Change::new().with(write)).await;
}

async fn intake(store: &impl Storage, fixtures: &Fixtures) -> (IntakeRows, Ticket) {
    let rows = fixtures.intake();
    commit(store, rows.change()).await;
    let ticket = store.ticket(TicketKey::Id(rows.ticket.id)).await;
    (rows, ticket.expect("look-ups work").expect("it was stored"))
}

async fn purged(store: &impl Custody, what: Expired, before: Timestamp, limit: usize) -> u64 {
    store.purge(what, before, limit).await.expect("purging works")
}

/// A delivery that could not be read.
fn delivery(fixtures: &Fixtures, body: &[u8]) -> NewJob {
    let payload = JobPayload::ReplayDelivery {
        channel: Channel::Slack,
        content_type: Some("application/json".into()),
        body: Sealed::from_bytes(body.to_vec()),
        received_at: fixtures.now(),
    };
    NewJob::now(fixtures.id(), payload, fixtures.now()).dead("unreadable")
}

async fn wrapped_keys_are_walked_in_pages<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut expected = Vec::new();
    for number in 0..7_u8 {
        let mut reporter = fixtures.reporter();
        reporter.key = (number != 3).then(|| SubjectKey::from_bytes(vec![number; 40]));
        if let Some(key) = &reporter.key {
            expected.push((*reporter.id.as_uuid(), key.as_bytes().to_vec()));
        }
        write(store, Write::InsertReporter(reporter)).await;
        write(store, Write::Enqueue(delivery(&fixtures, &[number]))).await;
    }
    let fetch = JobPayload::FetchMessage {
        channel: Channel::Slack,
        external_id: ExternalId::parse("T1:C1:1.2").expect("an id"),
        thread: ThreadRef::InApp,
        asked_by: Sealed::from_bytes(b"sealed".to_vec()),
    };
    let fetch = NewJob::now(fixtures.id(), fetch, fixtures.now());
    for job in [fetch, fixtures.job()] {
        write(store, Write::Enqueue(job)).await;
    }
    expected.sort();
    for (kind, count) in [(WrappedKind::SubjectKey, 6), (WrappedKind::Job, 8)] {
        let mut walked: Vec<Wrapped> = Vec::new();
        loop {
            let after = walked.last().map(|wrapped| wrapped.row);
            let page = store.wrapped(kind, after, 3).await.expect("walking works");
            assert!(page.len() <= 3);
            if page.is_empty() {
                break;
            }
            walked.extend(page);
        }
        assert_eq!(walked.len(), count);
        assert!(
            walked.windows(2).all(|pair| pair[0].row < pair[1].row),
            "in rising order"
        );
        if kind == WrappedKind::SubjectKey {
            let walked: Vec<_> = walked.into_iter().map(|wrapped| (wrapped.row, wrapped.bytes)).collect();
            assert_eq!(walked, expected);
        }
    }
}

async fn a_rewrap_is_fenced_and_raises_the_version<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let reporter = fixtures.reporter();
    write(store, Write::InsertReporter(reporter.clone())).await;
    let kind = WrappedKind::SubjectKey;
    let old = store.wrapped(kind, None, 10).await.expect("walking works").remove(0);
    assert_eq!(old.row, *reporter.id.as_uuid());
    assert!(store.rewrap(kind, &old, b"new key").await.expect("rewrapping works"));
    assert!(
        !store.rewrap(kind, &old, b"third key").await.expect("rewrapping works"),
        "others stand there by now"
    );
    let found = store
        .reporter(ReporterKey::Id(reporter.id))
        .await
        .expect("look-ups work");
    let mut expected = reporter.clone();
    (expected.key, expected.version) = (Some(SubjectKey::from_bytes(b"new key".to_vec())), reporter.version + 1);
    assert_eq!(found, Some(expected));
    let error = store.commit(Change::new().with(Write::UpdateReporter(reporter))).await;
    let error = error.expect_err("it would bring the old key back");
    assert_eq!(error.kind(), PortErrorKind::Conflict);
}

async fn a_delivery_is_rewrapped_and_nothing_else_of_its_job<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (one, other) = (
        delivery(&fixtures, b"body of one"),
        delivery(&fixtures, b"body of the other"),
    );
    for job in [&one, &other] {
        write(store, Write::Enqueue(job.clone())).await;
    }
    let before = store
        .dead_letter(one.id)
        .await
        .expect("lists work")
        .expect("it is dead from birth");
    let kind = WrappedKind::Job;
    let wrapped = store.wrapped(kind, None, 10).await.expect("walking works");
    let old = wrapped
        .iter()
        .find(|wrapped| wrapped.row == *one.id.as_uuid())
        .expect("it was queued");
    assert_eq!(old.bytes, b"body of one");
    assert!(store.rewrap(kind, old, b"sealed anew").await.expect("rewrapping works"));
    assert!(
        !store.rewrap(kind, old, b"again").await.expect("rewrapping works"),
        "others stand there by now"
    );
    let after = store
        .dead_letter(one.id)
        .await
        .expect("lists work")
        .expect("it is dead still");
    let payload: JobPayload = serde_json::from_str(&after.job.payload).expect("it is a payload of ours");
    let (
        JobPayload::ReplayDelivery { body, .. },
        JobPayload::ReplayDelivery {
            channel,
            content_type,
            received_at,
            ..
        },
    ) = (payload.clone(), one.payload.clone())
    else {
        panic!("{payload:?} is another kind of work");
    };
    assert_eq!(body.as_bytes(), b"sealed anew");
    let expected = JobPayload::ReplayDelivery {
        channel,
        content_type,
        body,
        received_at,
    };
    assert_eq!(payload, expected);
    let mut job = after.job;
    job.payload.clone_from(&before.job.payload);
    assert_eq!(job, before.job);
    let untouched = store
        .dead_letter(other.id)
        .await
        .expect("lists work")
        .expect("it is dead from birth");
    assert_eq!(
        serde_json::from_str::<JobPayload>(&untouched.job.payload).ok(),
        Some(other.payload)
    );
}

async fn raw_payloads_go_when_their_time_is_up<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (old, _) = intake(store, &fixtures).await;
    let before = fixtures.clock.advance(Duration::from_secs(60));
    let (young, _) = intake(store, &fixtures).await;
    assert_eq!(purged(store, Expired::RawPayloads, before, 10).await, 1);
    let mut bare = old.source.clone();
    (bare.raw, bare.redacted) = (None, None);
    assert_eq!(
        store.sources(old.ticket.id).await.unwrap_or_default(),
        [bare],
        "text and ids stay"
    );
    assert_eq!(store.sources(young.ticket.id).await.unwrap_or_default(), [young.source]);
    assert_eq!(purged(store, Expired::RawPayloads, before, 10).await, 0);
}

async fn content_of_closed_tickets_goes_when_their_time_is_up<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let before = fixtures.now().plus(Duration::from_secs(60));
    let over = [TicketStatus::Closed, TicketStatus::Dismissed, TicketStatus::Duplicate];
    let mut expected = Vec::new();
    for (status, updated_at) in TicketStatus::ALL
        .into_iter()
        .map(|status| (status, fixtures.now()))
        .chain([(TicketStatus::Closed, before)])
    {
        let (rows, mut ticket) = intake(store, &fixtures).await;
        write(store, Write::PutVector(fixtures.vector(rows.ticket.id, "m"))).await;
        (ticket.status, ticket.updated_at) = (status, updated_at);
        write(store, Write::UpdateTicket(Box::new(ticket.clone()))).await;
        ticket.version += 1;
        let goes = over.contains(&status) && updated_at < before;
        if goes {
            ticket = ticket.without_content();
            ticket.version += 1;
        }
        expected.push((ticket, rows.source, goes));
    }
    let (gone, kept) = (&expected[4].0, &expected[0].0);
    write(store, Write::SuggestLink(fixtures.link(kept.id, gone.id))).await;
    write(store, Write::SuggestLink(fixtures.link(kept.id, expected[1].0.id))).await;
    let (gone, kept) = (gone.id, kept.id);
    assert_eq!(purged(store, Expired::ClosedTickets, before, 10).await, 3);
    let pairs = store.links(LinksKey::Ticket(kept)).await.expect("look-ups work");
    for pair in pairs {
        assert_eq!(pair.evidence.is_empty(), pair.original == gone, "{pair:?}");
    }
    let vectors = store.vectors("m", Timestamp::UNIX_EPOCH).await.expect("look-ups work");
    for (ticket, source, goes) in expected {
        let found = store.ticket(TicketKey::Id(ticket.id)).await.expect("look-ups work");
        assert_eq!(found, Some(ticket.clone()));
        let source = if goes { source.without_content() } else { source };
        assert_eq!(store.sources(ticket.id).await.unwrap_or_default(), [source]);
        assert_eq!(vectors.iter().any(|vector| vector.ticket == ticket.id), !goes);
    }
    assert_eq!(
        purged(store, Expired::ClosedTickets, before, 10).await,
        0,
        "nothing is left of them"
    );
}

async fn a_purged_ticket_keeps_its_timeline<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (_, mut ticket) = intake(store, &fixtures).await;
    ticket.status = TicketStatus::Closed;
    write(store, Write::UpdateTicket(Box::new(ticket))).await;
    let timelines = store.timelines(None, 10).await.expect("walking works");
    let later = fixtures.clock.advance(Duration::from_secs(60));
    assert_eq!(purged(store, Expired::ClosedTickets, later, 10).await, 1);
    assert_eq!(store.timelines(None, 10).await.expect("walking works"), timelines);
}

async fn sessions_links_and_calls_go_when_their_time_is_up<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let user = fixtures.user();
    write(store, Write::InsertUser(user.clone())).await;
    let mut kept = Vec::new();
    let before = fixtures.now().plus(Duration::from_secs(60));
    for second in [59, 60, 61] {
        let at = fixtures.now().plus(Duration::from_secs(second));
        let (mut session, mut link) = (fixtures.session(user.id), fixtures.sign_in_link(user.id));
        let mut call = fixtures.remembered_call(&format!("key {second}"));
        (session.expires_at, link.expires_at, call.at) = (at, at, at);
        let change = Change::new()
            .with(Write::PutSession(session.clone()))
            .with(Write::InsertSignInLink(link.clone()))
            .with(Write::RememberCall(call.clone()));
        commit(store, change).await;
        kept.push((session, link, call, at >= before));
    }
    for what in [Expired::Sessions, Expired::SignInLinks, Expired::RememberedCalls] {
        assert_eq!(purged(store, what, before, 10).await, 1, "{what:?}");
        assert_eq!(purged(store, what, before, 10).await, 0, "{what:?}");
    }
    for (session, link, call, stays) in kept {
        assert_eq!(
            store.session(session.digest).await.expect("look-ups work").is_some(),
            stays
        );
        assert_eq!(
            store.sign_in_link(link.digest).await.expect("look-ups work").is_some(),
            stays
        );
        let found = store
            .remembered_call(&call.scope, &call.key)
            .await
            .expect("look-ups work");
        assert_eq!(found.is_some(), stays);
    }
}

async fn only_finished_jobs_go<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let now = fixtures.now();
    let jobs: Vec<NewJob> = (0..5).map(|_| fixtures.job()).collect();
    for job in &jobs {
        write(store, Write::Enqueue(job.clone())).await;
    }
    let request = ClaimRequest {
        queue: Queue::Default,
        limit: 4,
        lease_until: now.plus(Duration::from_secs(600)),
        now,
    };
    let leased = store.claim(request).await.expect("claiming works");
    store.complete(&leased[0].lease, now).await.expect("the lease holds");
    for leased in &leased[1..3] {
        store.bury(&leased.lease, "x", now).await.expect("the lease holds");
    }
    assert!(store.discard(leased[2].job.id, now).await.expect("it is dead"));
    assert_eq!(
        purged(store, Expired::FinishedJobs, now, 10).await,
        0,
        "finished now is not before now"
    );
    let later = now.plus(Duration::from_secs(1));
    assert_eq!(purged(store, Expired::FinishedJobs, later, 10).await, 2);
    assert_eq!(purged(store, Expired::FinishedJobs, later, 10).await, 0);
    // One is dead, one leased, one ready.
    let dead = store.dead_letter(leased[1].job.id).await.expect("lists work");
    assert_eq!(dead.map(|letter| letter.job.status), Some(JobStatus::Dead));
    store.complete(&leased[3].lease, now).await.expect("the lease holds");
    let status = store.ops_status(later).await.expect("the status works");
    assert_eq!((status.jobs_due, status.jobs_running, status.dead), (1, 0, 1));
}

async fn a_purge_is_bounded<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let user = fixtures.user();
    write(store, Write::InsertUser(user.clone())).await;
    for _ in 0..5 {
        let (_, mut ticket) = intake(store, &fixtures).await;
        ticket.status = TicketStatus::Closed;
        let change = Change::new()
            .with(Write::UpdateTicket(Box::new(ticket)))
            .with(Write::PutSession(fixtures.session(user.id)))
            .with(Write::InsertSignInLink(fixtures.sign_in_link(user.id)))
            .with(Write::RememberCall(
                fixtures.remembered_call(&fixtures.external_id().to_string()),
            ))
            .with(Write::Enqueue(fixtures.job()));
        commit(store, change).await;
    }
    let now = fixtures.now();
    let request = ClaimRequest {
        queue: Queue::Default,
        limit: 5,
        lease_until: now.plus(Duration::from_secs(600)),
        now,
    };
    for (index, leased) in store.claim(request).await.expect("claiming works").iter().enumerate() {
        if index % 2 == 0 {
            store.complete(&leased.lease, now).await.expect("the lease holds");
        } else {
            store.bury(&leased.lease, "x", now).await.expect("the lease holds");
            assert!(store.discard(leased.job.id, now).await.expect("it is dead"));
        }
    }
    let before = now.plus(Duration::from_secs(1_000_000));
    for what in Expired::ALL {
        let mut runs = Vec::new();
        for _ in 0..4 {
            runs.push(purged(store, what, before, 2).await);
        }
        assert_eq!(runs, [2, 2, 1, 0], "{what:?}");
    }
}

async fn erasures_are_remembered_oldest_first<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (rows, _) = intake(store, &fixtures).await;
    let at = fixtures.now();
    let known = Erasure {
        reporter: rows.reporter.id,
        at,
        by: Some(fixtures.user().id),
    };
    // Of an older backup: nobody here knows the person.
    let unknown = Erasure {
        reporter: fixtures.reporter().id,
        at: at.minus(Duration::from_secs(60)),
        by: None,
    };
    for erasure in [known, unknown] {
        write(store, Write::EraseReporter(erasure)).await;
    }
    let again = Erasure {
        at: at.plus(Duration::from_secs(60)),
        by: None,
        ..known
    };
    write(store, Write::EraseReporter(again)).await;
    assert_eq!(
        store.erasures().await.expect("walking works"),
        [unknown, known],
        "the first stands"
    );
    let mut late = fixtures.reporter();
    late.id = unknown.reporter;
    write(store, Write::InsertReporter(late)).await;
    write(store, Write::EraseReporter(unknown)).await;
    let found = store
        .reporter(ReporterKey::Id(unknown.reporter))
        .await
        .expect("look-ups work");
    assert_eq!(
        found.and_then(|reporter| reporter.erased_at),
        Some(unknown.at),
        "a restored person is erased again"
    );
}

/// Words that stand nowhere else, long enough to be told from chance in a file.
fn planted(number: usize) -> String {
    format!("plantedword{number:04}zyxwvut")
}

/// Numbers of the planted words that stand behind `place` in the files.
fn found_behind(files: &[u8], place: &str) -> BTreeSet<usize> {
    let begin = format!("{place}plantedword");
    let (first, rest) = begin.as_bytes().split_first().expect("it is not empty");
    let mut found = BTreeSet::new();
    for (at, byte) in files.iter().enumerate() {
        if byte == first && files[at + 1..].starts_with(rest) {
            let digits = files.get(at + begin.len()..at + begin.len() + 4).unwrap_or_default();
            found.extend(
                std::str::from_utf8(digits)
                    .ok()
                    .and_then(|digits| digits.parse::<usize>().ok()),
            );
        }
    }
    found
}

async fn what_was_erased_or_purged_is_gone_from_the_files<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut people = Vec::new();
    // Enough for pages to be split and moved; of lengths that fill them in many ways.
    for number in 0..120_usize {
        let word = planted(number);
        let mut rows = fixtures.intake();
        rows.reporter.key = Some(SubjectKey::from_bytes(format!("key {word}").into_bytes()));
        rows.identity.external_user_id = Sealed::from_bytes(format!("user {word}").into_bytes());
        rows.ticket.title = Scrubbed::restore(format!("title {word}"));
        rows.ticket.description = Scrubbed::restore(format!("{word} ").repeat(1 + number * 7 % 60));
        rows.source.text = Scrubbed::restore(format!("text {word}"));
        rows.source.raw = Some(Sealed::from_bytes(
            format!("raw {word}").repeat(1 + number * 13 % 300).into_bytes(),
        ));
        commit(store, rows.change()).await;
        let found = store
            .ticket(TicketKey::Id(rows.ticket.id))
            .await
            .expect("look-ups work");
        let mut ticket = found.expect("it was stored");
        ticket.title = Scrubbed::restore(format!("another title {word}"));
        ticket.status = TicketStatus::Closed;
        write(store, Write::UpdateTicket(Box::new(ticket))).await;
        people.push(rows);
    }
    let files = harness.files(store).await;
    let all: BTreeSet<usize> = (0..120).collect();
    assert!(
        files.is_empty() || found_behind(&files, "") == all,
        "planted words are in the files"
    );
    for (_, rows) in people.iter().enumerate().filter(|(number, _)| number % 3 != 0) {
        let erasure = Erasure {
            reporter: rows.reporter.id,
            at: fixtures.now(),
            by: None,
        };
        write(store, Write::EraseReporter(erasure)).await;
    }
    store.settle_erasures().await.expect("settling works");
    let files = harness.files(store).await;
    let stay: BTreeSet<usize> = (0..120).filter(|number| number % 3 == 0 && !files.is_empty()).collect();
    assert_eq!(found_behind(&files, ""), stay);
    for number in 0..120 {
        let found = store
            .tickets(
                &TicketFilter {
                    search: Some(planted(number)),
                    ..TicketFilter::default()
                },
                Default::default(),
            )
            .await;
        assert_eq!(found.expect("search works").items.len(), usize::from(number % 3 == 0));
    }
    // The others' content goes by retention; their keys and addresses stay.
    let later = fixtures.clock.advance(Duration::from_secs(60));
    purged(store, Expired::RawPayloads, later, 1_000).await;
    purged(store, Expired::ClosedTickets, later, 1_000).await;
    store.settle_erasures().await.expect("settling works");
    let files = harness.files(store).await;
    for place in ["text ", "raw ", "title "] {
        assert_eq!(found_behind(&files, place), BTreeSet::new(), "{place}");
    }
    assert_eq!(found_behind(&files, "key "), stay);
}

async fn timelines_come_in_pages_and_verify<H: CustodyHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let mut expected = Vec::new();
    for number in 0..5 {
        let (rows, ticket) = intake(store, &fixtures).await;
        let mut events = vec![rows.event];
        for _ in 0..number {
            let event = fixtures.event(ticket.id, EventKind::Updated);
            write(store, Write::AppendEvent(event.clone())).await;
            events.push(event);
        }
        expected.push((ticket.number, ticket.id, events));
    }
    let mut walked: Vec<(TicketNumber, TicketId, Vec<TicketEvent>)> = Vec::new();
    loop {
        let after = walked.last().map(|(number, ..)| *number);
        let page = store.timelines(after, 2).await.expect("walking works");
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        for timeline in page {
            let mut previous = None;
            for (event, hash) in &timeline.events {
                assert_eq!(event.chained(previous), *hash, "the chain holds");
                previous = Some(*hash);
            }
            let events: Vec<_> = timeline.events.into_iter().map(|(event, _)| event).collect();
            walked.push((timeline.number, timeline.ticket, events));
        }
    }
    assert_eq!(walked, expected);
}
