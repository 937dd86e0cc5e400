//! A million jobs wait: what is claimed and recorded meanwhile takes as long as ever.
//!
//! `FEEDBACK_BACKLOG=1000000` (with `--release`) is the large one; a run of the tests has 20,000.

use std::time::{Duration, Instant};

use feedback_core::{
    domain::{Change, Queue, Write},
    ports::{ClaimRequest, JobQueue, Storage},
    testing::fixtures::Fixtures,
};
use feedback_postgres::Postgres;

use super::store;

/// How long each of many claims, and each of many recorded reports, took; shortest first.
struct Timings {
    claims: Vec<Duration>,
    commits: Vec<Duration>,
}

impl Timings {
    async fn of(store: &Postgres, fixtures: &Fixtures, rounds: usize) -> Self {
        let now = fixtures.now();
        let (mut claims, mut commits) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let request = ClaimRequest {
                queue: Queue::Default,
                limit: 4,
                lease_until: now.plus(Duration::from_secs(30)),
                now,
            };
            let begun = Instant::now();
            let claimed = store.claim(request).await.unwrap();
            claims.push(begun.elapsed());
            assert_eq!(claimed.len(), 4);
            for leased in claimed {
                store.complete(&leased.lease, now).await.unwrap();
            }
            let change = fixtures.intake().change();
            let begun = Instant::now();
            store.commit(change).await.unwrap();
            commits.push(begun.elapsed());
        }
        claims.sort();
        commits.sort();
        Self { claims, commits }
    }

    fn told(&self) -> String {
        let of = |times: &[Duration]| {
            let p99 = times[times.len() * 99 / 100];
            format!("p50 {:?}, p99 {p99:?}", times[times.len() / 2])
        };
        format!("claims {}; reports {}", of(&self.claims), of(&self.commits))
    }
}

async fn fill(store: &Postgres, fixtures: &Fixtures, jobs: usize) {
    for begun in (0..jobs).step_by(200) {
        let mut change = Change::new();
        for _ in begun..jobs.min(begun + 200) {
            change.push(Write::Enqueue(fixtures.job()));
        }
        store.commit(change).await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "a campaign's size is not a setting of the hub")]
fn backlog() -> usize {
    match std::env::var("FEEDBACK_BACKLOG") {
        Ok(jobs) => jobs.parse().unwrap(),
        Err(_) => 20_000,
    }
}

/// What this process holds in memory, as the system tells it.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.unwrap_or("VmHWM: unknown").replace('\t', " ")
}

#[tokio::test]
async fn f40_a_backlog_slows_neither_claims_nor_reports() {
    let (store, _database) = store().await;
    let fixtures = Fixtures::new(40);
    fill(&store, &fixtures, 1_000).await;
    let small = Timings::of(&store, &fixtures, 100).await;
    let jobs = backlog();
    fill(&store, &fixtures, jobs).await;
    let large = Timings::of(&store, &fixtures, 100).await;
    println!(
        "1,000 jobs: {}; {jobs} jobs: {}; {}",
        small.told(),
        large.told(),
        resident()
    );
    // The median, and twice with room: a busy machine stretches single calls, a table that is walked stretches them all.
    let median = |times: &[Duration]| times[times.len() / 2];
    let bound = |times: &[Duration]| median(times) * 2 + Duration::from_millis(5);
    assert!(
        median(&large.claims) <= bound(&small.claims),
        "claims: {}, then {}",
        small.told(),
        large.told()
    );
    assert!(
        median(&large.commits) <= bound(&small.commits),
        "reports: {}, then {}",
        small.told(),
        large.told()
    );
}
