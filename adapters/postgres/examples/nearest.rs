//! How near do the search on the server and the window in memory come to an exact scan, and how long do they take?
//!
//! `cargo run --release -p feedback-postgres --features pgvector --example nearest [TICKETS]` starts a server of its own with
//! 100,000 tickets, of which pgvector is told afterwards, as when it is switched on.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on should stop right there"
)]

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use feedback_core::{
    domain::{Change, TicketId, TicketVector, Timestamp, Write},
    ports::{NearTicket, NearestQuery, NearestTickets, Storage},
    testing::fixtures::Fixtures,
    usecases::MemoryWindow,
};
use feedback_postgres::{PgVector, Postgres, PostgresConfig};
use feedback_test_servers::postgres::PrivateServer;

const MODEL: &str = "words@1";
const DIMENSIONS: usize = 128;
/// What reports are about. Those of a subject are nearer to each other, as real ones are.
const SUBJECTS: u64 = 500;
const QUERIES: u64 = 500;
const LIMIT: usize = 20;

/// Pseudo-random, the same in every run.
fn noise(number: u64) -> Vec<f32> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
    };
    (0..DIMENSIONS).map(|_| next()).collect()
}

fn vector(number: u64) -> Vec<f32> {
    let subject = noise(u64::MAX - number % SUBJECTS);
    let mut values: Vec<f32> = noise(number).iter().zip(&subject).map(|(own, all)| own + all).collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value /= length);
    values
}

async fn fill(store: &Postgres, fixtures: &Fixtures, numbers: std::ops::Range<u64>) -> Duration {
    let begun = Instant::now();
    let mut change = Change::new();
    let reporter = fixtures.reporter();
    change.push(Write::InsertReporter(reporter.clone()));
    for number in numbers.clone() {
        fixtures.clock.advance(Duration::from_secs(1));
        let ticket = fixtures.new_ticket(reporter.id);
        let vector = TicketVector {
            ticket: ticket.id,
            model: MODEL.into(),
            values: vector(number),
            ticket_created_at: ticket.created_at,
        };
        change.push(Write::InsertTicket(Box::new(ticket)));
        change.push(Write::PutVector(vector));
        if number % 200 == 199 || number + 1 == numbers.end {
            store.commit(std::mem::take(&mut change)).await.unwrap();
        }
    }
    begun.elapsed()
}

struct Answers {
    found: Vec<HashSet<TicketId>>,
    times: Vec<Duration>,
}

async fn ask(search: &dyn NearestTickets, since: Timestamp) -> Answers {
    let mut answers = Answers {
        found: Vec::new(),
        times: Vec::new(),
    };
    for number in 0..QUERIES {
        let query = NearestQuery {
            model: MODEL.into(),
            values: vector(10_000_000 + number),
            since,
            limit: LIMIT,
        };
        let begun = Instant::now();
        let near: Vec<NearTicket> = search.nearest(&query).await.unwrap();
        answers.times.push(begun.elapsed());
        answers
            .found
            .push(near.into_iter().map(|near| near.ticket.id).collect());
    }
    answers.times.sort_unstable();
    answers
}

fn say(name: &str, answers: &Answers, exact: &Answers) {
    let hits: usize = answers
        .found
        .iter()
        .zip(&exact.found)
        .map(|(one, all)| one.intersection(all).count())
        .sum();
    let wanted: usize = exact.found.iter().map(HashSet::len).sum();
    let at = |percent| answers.times[answers.times.len() * percent / 100];
    let recall = hits as f64 / wanted as f64;
    println!("{name}: recall@{LIMIT} {recall:.4}, p50 {:?}, p99 {:?}", at(50), at(99));
}

#[tokio::main]
async fn main() {
    let tickets: u64 = std::env::args()
        .nth(1)
        .map_or(100_000, |number| number.parse().unwrap());
    let server = PrivateServer::start_with_pgvector();
    let database = server.database();
    let config = PostgresConfig::new(database.url().into()).with_statement_timeout(Duration::from_secs(30));
    let store = Postgres::connect(config.with_commit_timeout(Duration::from_secs(30)))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    let fixtures = Fixtures::default();
    let start = fixtures.now();
    let filled = fill(&store, &fixtures, 0..tickets).await;
    println!("{tickets} tickets with vectors of {DIMENSIONS} values committed in {filled:?}");
    let begun = Instant::now();
    let index = PgVector::open(&store, MODEL, DIMENSIONS).await.unwrap();
    println!("brought over and indexed in {:?}", begun.elapsed());
    let begun = Instant::now();
    PgVector::open(&store, MODEL, DIMENSIONS).await.unwrap();
    println!("opened again in {:?}", begun.elapsed());
    let scan = index.clone().with_scanned(usize::MAX);
    let memory = MemoryWindow::new(Arc::new(store.clone()), Arc::new(fixtures.clock.clone()));
    let all = fixtures.now().minus(Duration::from_secs(tickets));
    // The last tenth is a window that is scanned by itself at 100,000 tickets; half of it is one where the index gives back
    // twice what counts.
    for (name, since) in [
        ("all", start),
        ("half", all.plus(Duration::from_secs(tickets / 2))),
        ("a tenth", all.plus(Duration::from_secs(tickets * 9 / 10 + 1))),
    ] {
        let exact = ask(&scan, since).await;
        say(&format!("{name}, exact scan on the server"), &exact, &exact);
        say(&format!("{name}, pgvector"), &ask(&index, since).await, &exact);
        let always = index.clone().with_scanned(0);
        say(
            &format!("{name}, always by the index"),
            &ask(&always, since).await,
            &exact,
        );
        say(&format!("{name}, window in memory"), &ask(&memory, since).await, &exact);
    }
    let more = fill(&store, &fixtures, 20_000_000..20_002_000).await;
    println!("2000 more, kept in step with the index: {more:?}");
}
