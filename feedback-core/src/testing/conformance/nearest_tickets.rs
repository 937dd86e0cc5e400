//! The promises of [`NearestTickets`].

use std::{future::Future, process::ExitCode, sync::Arc, time::Duration};

use super::{Check, Fresh, checks, run_checks};
use crate::{
    domain::{Change, Erasure, TicketId, TicketStatus, TicketVector, Timestamp, Write},
    logic::matching::cosine,
    ports::{Clock, Custody, Expired, NearTicket, NearestQuery, NearestTickets, Storage, TicketKey},
    testing::fixtures::{Fixtures, IntakeRows},
    usecases::MemoryWindow,
};

/// The model that most checks search; a search with an index has one for it.
pub const MODEL: &str = "it's a model@1";

/// The length of its vectors.
pub const DIMENSIONS: usize = 32;

/// Makes searches for the checks. Tickets and vectors come in by [`Storage`].
pub trait NearestHarness: Send + Sync + 'static {
    /// What is searched.
    type Adapter: Storage + Custody;

    /// An empty store.
    fn fresh(&self) -> impl Future<Output = Fresh<Self::Adapter>> + Send;

    /// One host's search of the store, for vectors of [`MODEL`]; each call is another host.
    fn search(
        &self,
        store: &Arc<Self::Adapter>,
        clock: Arc<dyn Clock>,
    ) -> impl Future<Output = Arc<dyn NearestTickets>> + Send;
}

/// [`MemoryWindow`] over whatever is in a harness's stores, for the suites of stores that bring no search of their own.
#[derive(Debug)]
pub struct InMemory<H>(pub H);

impl<S: Storage + Custody, H: Fn() -> F + Send + Sync + 'static, F: Future<Output = Fresh<S>> + Send> NearestHarness
    for InMemory<H>
{
    type Adapter = S;

    async fn fresh(&self) -> Fresh<S> {
        (self.0)().await
    }

    async fn search(&self, store: &Arc<S>, clock: Arc<dyn Clock>) -> Arc<dyn NearestTickets> {
        Arc::new(MemoryWindow::new(Arc::clone(store) as Arc<dyn Storage>, clock))
    }
}

/// Runs all checks as a test binary.
pub fn run<H: NearestHarness>(harness: H) -> ExitCode {
    run_checks(harness, "nearest_tickets", checks())
}

/// All checks, for a binary that runs several suites.
pub fn checks<H: NearestHarness>() -> &'static [Check<H>] {
    checks![
        the_nearest_are_those_of_an_exact_scan,
        only_tickets_since_a_time_are_found_however_near_the_others_are,
        no_more_are_found_than_were_asked_for,
        vectors_of_another_model_or_length_are_not_compared,
        nothing_is_near_a_vector_without_content,
        the_first_vector_of_a_ticket_is_found_at_once_whichever_host_made_it,
        what_was_there_before_the_search_is_found,
        a_vector_that_took_anothers_place_counts_within_the_hour,
        an_erased_ticket_is_not_found,
        a_ticket_that_was_erased_before_it_was_embedded_is_not_found,
        a_purged_ticket_is_not_found,
        a_ticket_comes_as_it_is_now,
    ]
}

/// A cosine may be so far from the exact one.
const TOLERANCE: f32 = 0.01;

/// Of a hundred that an exact scan finds, so many at least are found.
const RECALL: usize = 95;

/// Pseudo-random, the same in every run, with a few directions that many share: as reports on a few subjects are.
fn vector(number: u64, dimensions: usize) -> Vec<f32> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
    };
    let subject = (number % 7) as usize;
    let mut values: Vec<f32> = (0..dimensions).map(|_| next()).collect();
    values
        .iter_mut()
        .enumerate()
        .filter(|(place, _)| place % 7 == subject)
        .for_each(|(_, value)| *value += 0.3);
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value /= length);
    values
}

/// A ticket with its vector, unless that comes later.
struct Embedded {
    rows: IntakeRows,
    values: Vec<f32>,
}

impl Embedded {
    fn id(&self) -> TicketId {
        self.rows.ticket.id
    }

    fn write(&self, model: &str) -> Write {
        Write::PutVector(TicketVector {
            ticket: self.id(),
            model: model.into(),
            values: self.values.clone(),
            ticket_created_at: self.rows.ticket.created_at,
        })
    }
}

async fn commit(store: &impl Storage, change: Change) {
    store.commit(change).await.expect("the change fits");
}

async fn write(store: &impl Storage, write: Write) {
    commit(store, Change::new().with(write)).await;
}

/// A ticket a second later than the one before, without a vector.
async fn bare(store: &impl Storage, fixtures: &Fixtures, values: Vec<f32>) -> Embedded {
    fixtures.clock.advance(Duration::from_secs(1));
    let rows = fixtures.intake();
    commit(store, rows.change()).await;
    Embedded { rows, values }
}

async fn embedded(store: &impl Storage, fixtures: &Fixtures, values: Vec<f32>) -> Embedded {
    let made = bare(store, fixtures, values).await;
    write(store, made.write(MODEL)).await;
    made
}

/// Many tickets, a second apart.
async fn many(store: &impl Storage, fixtures: &Fixtures, numbers: std::ops::Range<u64>) -> Vec<Embedded> {
    let mut all = Vec::new();
    let mut change = Change::new();
    for number in numbers.clone() {
        fixtures.clock.advance(Duration::from_secs(1));
        let rows = fixtures.intake();
        let values = vector(number, DIMENSIONS);
        let made = Embedded { rows, values };
        change.push(Write::InsertReporter(made.rows.reporter.clone()));
        change.push(Write::InsertTicket(Box::new(made.rows.ticket.clone())));
        change.push(made.write(MODEL));
        all.push(made);
        if all.len() % 50 == 0 || number + 1 == numbers.end {
            commit(store, std::mem::take(&mut change)).await;
        }
    }
    all
}

fn clock(fixtures: &Fixtures) -> Arc<dyn Clock> {
    Arc::new(fixtures.clock.clone())
}

fn asked(values: &[f32], since: Timestamp, limit: usize) -> NearestQuery {
    NearestQuery {
        model: MODEL.into(),
        values: values.to_vec(),
        since,
        limit,
    }
}

async fn found(search: &Arc<dyn NearestTickets>, query: &NearestQuery) -> Vec<NearTicket> {
    search.nearest(query).await.expect("the search works")
}

async fn ids(search: &Arc<dyn NearestTickets>, query: &NearestQuery) -> Vec<TicketId> {
    let found = found(search, query).await;
    found.into_iter().map(|near| near.ticket.id).collect()
}

/// What an exact scan finds.
fn exact(all: &[Embedded], query: &NearestQuery) -> Vec<(TicketId, f32)> {
    let young = all.iter().filter(|one| one.rows.ticket.created_at >= query.since);
    let mut scored: Vec<_> = young
        .map(|one| (one.id(), cosine(&query.values, &one.values)))
        .collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    scored.truncate(query.limit);
    scored
}

/// Compares answers with those of an exact scan.
async fn compare(search: &Arc<dyn NearestTickets>, all: &[Embedded], since: Timestamp, limit: usize) {
    let (mut hits, mut wanted) = (0, 0);
    for number in 0..40 {
        let query = asked(&vector(900_000 + number, DIMENSIONS), since, limit);
        let near = found(search, &query).await;
        let best = exact(all, &query);
        assert_eq!(near.len(), best.len(), "as many as there are, up to the limit");
        let worst = best.last().map_or(1.0, |(_, cosine)| *cosine);
        for (one, next) in near.iter().zip(near.iter().skip(1)) {
            assert!(one.cosine >= next.cosine, "the nearest first");
        }
        for one in &near {
            let made = all
                .iter()
                .find(|made| made.id() == one.ticket.id)
                .expect("a known ticket");
            assert!(made.rows.ticket.created_at >= since);
            let told = cosine(&query.values, &made.values);
            assert!((told - one.cosine).abs() <= TOLERANCE, "{told} {}", one.cosine);
            // Of two that are nearly as near, either may come.
            hits += usize::from(told >= worst - TOLERANCE);
        }
        wanted += best.len();
    }
    assert!(hits * 100 >= wanted * RECALL, "{hits} of {wanted}");
}

async fn the_nearest_are_those_of_an_exact_scan<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let start = fixtures.now();
    let search = harness.search(store, clock(&fixtures)).await;
    let all = many(store.as_ref(), &fixtures, 0..400).await;
    compare(&search, &all, start, 20).await;
    let itself = found(&search, &asked(&all[33].values, start, 1)).await;
    assert_eq!(itself[0].ticket.id, all[33].id());
    assert!((itself[0].cosine - 1.0).abs() <= TOLERANCE);
}

async fn only_tickets_since_a_time_are_found_however_near_the_others_are<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let search = harness.search(store, clock(&fixtures)).await;
    // Many that are nearer than any of those that count.
    let crowd = vector(1, DIMENSIONS);
    for _ in 0..60 {
        embedded(store.as_ref(), &fixtures, crowd.clone()).await;
    }
    let old = many(store.as_ref(), &fixtures, 0..300).await;
    let young = many(store.as_ref(), &fixtures, 1_000..1_040).await;
    let since = young[0].rows.ticket.created_at;
    let query = asked(&crowd, since, 20);
    let near = ids(&search, &query).await;
    let best: Vec<_> = exact(&young, &query).into_iter().map(|(id, _)| id).collect();
    assert_eq!(near.len(), 20, "as many as there are since then");
    assert!(near.iter().all(|id| young.iter().any(|one| one.id() == *id)));
    assert!(best.iter().filter(|id| near.contains(id)).count() >= 19);
    compare(&search, &young, since, 40).await;
    let all: Vec<Embedded> = old.into_iter().skip(299).chain(young).collect();
    // At that very time counts.
    compare(&search, &all, all[0].rows.ticket.created_at, 41).await;
}

async fn no_more_are_found_than_were_asked_for<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (search, start) = (harness.search(store, clock(&fixtures)).await, fixtures.now());
    let values = vector(1, DIMENSIONS);
    assert!(found(&search, &asked(&values, start, 5)).await.is_empty());
    many(store.as_ref(), &fixtures, 0..9).await;
    for (limit, expected) in [(0, 0), (1, 1), (5, 5), (9, 9), (20, 9)] {
        assert_eq!(found(&search, &asked(&values, start, limit)).await.len(), expected);
    }
}

async fn vectors_of_another_model_or_length_are_not_compared<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (search, start) = (harness.search(store, clock(&fixtures)).await, fixtures.now());
    let values = vector(1, DIMENSIONS);
    let ours = embedded(store.as_ref(), &fixtures, values.clone()).await;
    let theirs = bare(store.as_ref(), &fixtures, values.clone()).await;
    write(store.as_ref(), theirs.write("another@1")).await;
    // Under the same name, which an embedder should not do.
    let short = embedded(store.as_ref(), &fixtures, vector(1, DIMENSIONS - 1)).await;
    assert_eq!(ids(&search, &asked(&values, start, 9)).await, [ours.id()]);
    let other = NearestQuery {
        model: "another@1".into(),
        ..asked(&values, start, 9)
    };
    assert_eq!(ids(&search, &other).await, [theirs.id()]);
    let shorter = asked(&short.values, start, 9);
    assert_eq!(ids(&search, &shorter).await, [short.id()]);
    let unknown = NearestQuery {
        model: "unknown".into(),
        ..other
    };
    assert!(ids(&search, &unknown).await.is_empty());
}

async fn nothing_is_near_a_vector_without_content<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (search, start) = (harness.search(store, clock(&fixtures)).await, fixtures.now());
    let full = embedded(store.as_ref(), &fixtures, vector(1, DIMENSIONS)).await;
    let tiny = vec![f32::MIN_POSITIVE; DIMENSIONS];
    for odd in [
        vec![0.0; DIMENSIONS],
        vec![f32::NAN; DIMENSIONS],
        vec![f32::INFINITY; DIMENSIONS],
        tiny.clone(),
        Vec::new(),
    ] {
        embedded(store.as_ref(), &fixtures, odd.clone()).await;
        assert!(found(&search, &asked(&odd, start, 9)).await.is_empty(), "{odd:?}");
    }
    assert_eq!(ids(&search, &asked(&full.values, start, 9)).await, [full.id()]);
    let opposite: Vec<f32> = full.values.iter().map(|value| -value).collect();
    let far = found(&search, &asked(&opposite, start, 9)).await;
    assert!(
        (far[0].cosine + 1.0).abs() <= TOLERANCE,
        "far is found, with how far it is"
    );
}

async fn the_first_vector_of_a_ticket_is_found_at_once_whichever_host_made_it<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let start = fixtures.now();
    let mut hosts = Vec::new();
    for _ in 0..2 {
        hosts.push(harness.search(store, clock(&fixtures)).await);
    }
    let values = vector(1, DIMENSIONS);
    let query = asked(&values, start, 99);
    // Its job waits, and younger tickets come before it; both hosts look meanwhile, and time goes by.
    let late = bare(store.as_ref(), &fixtures, values.clone()).await;
    for host in &hosts {
        assert!(found(host, &query).await.is_empty());
    }
    fixtures.clock.advance(Duration::from_secs(1_200));
    for number in 0..5 {
        let next = embedded(store.as_ref(), &fixtures, vector(number, DIMENSIONS)).await;
        for host in &hosts {
            assert!(ids(host, &query).await.contains(&next.id()));
            assert!(!ids(host, &query).await.contains(&late.id()));
        }
        fixtures.clock.advance(Duration::from_secs(301));
    }
    write(store.as_ref(), late.write(MODEL)).await;
    for host in &hosts {
        let near = ids(host, &query).await;
        assert_eq!(near.len(), 6);
        assert!(near[..2].contains(&late.id()));
    }
    let third = harness.search(store, clock(&fixtures)).await;
    assert_eq!(ids(&third, &query).await.len(), 6);
}

async fn what_was_there_before_the_search_is_found<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let start = fixtures.now();
    let all = many(store.as_ref(), &fixtures, 0..300).await;
    fixtures.clock.advance(Duration::from_secs(3 * 24 * 3600));
    let search = harness.search(store, clock(&fixtures)).await;
    // First some of it, then all.
    compare(&search, &all, all[150].rows.ticket.created_at, 20).await;
    compare(&search, &all, start, 20).await;
}

async fn a_vector_that_took_anothers_place_counts_within_the_hour<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (search, start) = (harness.search(store, clock(&fixtures)).await, fixtures.now());
    let (before, after) = (vector(1, DIMENSIONS), vector(2, DIMENSIONS));
    let mut made = embedded(store.as_ref(), &fixtures, before.clone()).await;
    fixtures.clock.advance(Duration::from_secs(24 * 3600));
    assert!(found(&search, &asked(&before, start, 1)).await[0].cosine > 0.99);
    made.values = after.clone();
    write(store.as_ref(), made.write(MODEL)).await;
    fixtures.clock.advance(Duration::from_secs(3600));
    let near = found(&search, &asked(&after, start, 9)).await;
    assert_eq!(near.len(), 1, "in its place, not beside it");
    assert!(near[0].cosine > 0.99);
    // One that has lost its content is not there any more.
    made.values = vec![0.0; DIMENSIONS];
    write(store.as_ref(), made.write(MODEL)).await;
    fixtures.clock.advance(Duration::from_secs(3600));
    assert!(found(&search, &asked(&after, start, 9)).await.is_empty());
}

fn erasure(of: &Embedded, at: Timestamp) -> Write {
    Write::EraseReporter(Erasure {
        reporter: of.rows.reporter.id,
        at,
        by: None,
    })
}

async fn an_erased_ticket_is_not_found<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (search, start) = (harness.search(store, clock(&fixtures)).await, fixtures.now());
    let values = vector(1, DIMENSIONS);
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(embedded(store.as_ref(), &fixtures, values.clone()).await);
    }
    let other = embedded(store.as_ref(), &fixtures, vector(2, DIMENSIONS)).await;
    fixtures.clock.advance(Duration::from_secs(1_200));
    assert_eq!(found(&search, &asked(&values, start, 3)).await.len(), 3);
    for gone in &all[..5] {
        write(store.as_ref(), erasure(gone, fixtures.now())).await;
    }
    // Others come up in their places.
    let near = ids(&search, &asked(&values, start, 2)).await;
    assert_eq!(near, [all[5].id(), other.id()]);
    assert_eq!(ids(&search, &asked(&values, start, 9)).await, near);
}

async fn a_ticket_that_was_erased_before_it_was_embedded_is_not_found<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (search, start) = (harness.search(store, clock(&fixtures)).await, fixtures.now());
    let values = vector(1, DIMENSIONS);
    let gone = bare(store.as_ref(), &fixtures, values.clone()).await;
    write(store.as_ref(), erasure(&gone, fixtures.now())).await;
    // The job that embeds it had read it before.
    write(store.as_ref(), gone.write(MODEL)).await;
    let kept = embedded(store.as_ref(), &fixtures, vector(2, DIMENSIONS)).await;
    assert_eq!(ids(&search, &asked(&values, start, 1)).await, [kept.id()]);
    assert_eq!(ids(&search, &asked(&values, start, 9)).await, [kept.id()]);
}

async fn a_purged_ticket_is_not_found<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (search, start) = (harness.search(store, clock(&fixtures)).await, fixtures.now());
    let values = vector(1, DIMENSIONS);
    let gone = embedded(store.as_ref(), &fixtures, values.clone()).await;
    let kept = embedded(store.as_ref(), &fixtures, vector(2, DIMENSIONS)).await;
    fixtures.clock.advance(Duration::from_secs(1_200));
    assert_eq!(found(&search, &asked(&values, start, 9)).await.len(), 2);
    let ticket = store.ticket(TicketKey::Id(gone.id())).await.expect("look-ups work");
    let mut ticket = ticket.expect("it was committed");
    ticket.status = TicketStatus::Closed;
    write(store.as_ref(), Write::UpdateTicket(Box::new(ticket))).await;
    let purged = store.purge(Expired::ClosedTickets, fixtures.now(), 9).await;
    assert_eq!(purged.expect("purges work"), 1);
    assert_eq!(ids(&search, &asked(&values, start, 9)).await, [kept.id()]);
}

async fn a_ticket_comes_as_it_is_now<H: NearestHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (store, fixtures) = (&fresh.adapter, Fixtures::default());
    let (search, start) = (harness.search(store, clock(&fixtures)).await, fixtures.now());
    let made = embedded(store.as_ref(), &fixtures, vector(1, DIMENSIONS)).await;
    let query = asked(&made.values, start, 9);
    for status in [TicketStatus::Triaged, TicketStatus::Dismissed] {
        let stored = store.ticket(TicketKey::Id(made.id())).await.expect("look-ups work");
        let mut ticket = stored.expect("it was committed");
        assert_eq!(found(&search, &query).await[0].ticket, ticket);
        ticket.status = status;
        write(store.as_ref(), Write::UpdateTicket(Box::new(ticket))).await;
    }
}
