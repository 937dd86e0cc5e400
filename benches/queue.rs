//! How many jobs a second can be claimed and completed, one by one and 16 at a time, beside a bare loop of
//! `UPDATE .. RETURNING` and `UPDATE` on the same disk with the same pragmas?
//!
//! Both claim a batch in one commit and complete each job in one of its own, as work that ends when it ends must be.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use feedback_adapters::sqlite::Sqlite;
use feedback_benches::{
    compare::{self, compare},
    store,
};
use feedback_core::{
    domain::{Change, Queue, Write},
    ports::{ClaimRequest, JobQueue, Storage},
    testing::fixtures::Fixtures,
};
use rusqlite::{Connection, params};
use tokio::task::JoinSet;

fn claim_and_complete(c: &mut Criterion) {
    for batch in [1, 16] {
        let folder = store::folder(env!("CARGO_TARGET_TMPDIR"));
        let runtime = store::runtime();
        let hub = store::hub_store(folder.path());
        let fixtures = Fixtures::new(batch);
        let ours = |times| {
            runtime.block_on(async {
                queue_jobs(&hub, &fixtures, times * batch).await;
                let begin = Instant::now();
                for _ in 0..times {
                    run_batch(&hub, &fixtures, batch as usize).await;
                }
                begin.elapsed()
            })
        };
        let bare = store::bare(&folder.path().join("bare.db")).expect("a new file can be opened");
        prepare(&bare).expect("the file is new");
        let rival = |times| bare_batches(&bare, times, batch).expect("there is room on the disk");
        let name = format!("queue/batches of {batch}");
        compare(c, &name, Throughput::Elements(batch), ours, ("bare UPDATEs", rival));
    }
}

async fn queue_jobs(hub: &Sqlite, fixtures: &Fixtures, jobs: u64) {
    let mut change = Change::new();
    for _ in 0..jobs {
        change.push(Write::Enqueue(fixtures.job()));
    }
    hub.commit(change).await.expect("there is room on the disk");
}

async fn run_batch(hub: &Sqlite, fixtures: &Fixtures, batch: usize) {
    let now = fixtures.now();
    let request = ClaimRequest {
        queue: Queue::Default,
        limit: batch,
        lease_until: now.plus(Duration::from_secs(60)),
        now,
    };
    let claimed = hub.claim(request).await.expect("the store answers");
    assert_eq!(claimed.len(), batch);
    let mut runs = JoinSet::new();
    for job in claimed {
        let hub = hub.clone();
        runs.spawn(async move { hub.complete(&job.lease, now).await });
    }
    for settled in runs.join_all().await {
        settled.expect("the lease is ours");
    }
}

fn prepare(bare: &Connection) -> rusqlite::Result<()> {
    bare.execute_batch(
        "CREATE TABLE jobs (id INTEGER PRIMARY KEY, payload TEXT NOT NULL, status TEXT NOT NULL, run_at INTEGER NOT NULL);
         CREATE INDEX jobs_ready ON jobs (run_at, id) WHERE status = 'ready';",
    )
}

fn bare_batches(bare: &Connection, times: u64, batch: u64) -> rusqlite::Result<Duration> {
    let fill = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?1)
        INSERT INTO jobs (payload, status, run_at) SELECT '{\"kind\":\"triage_ticket\"}', 'ready', 0 FROM n";
    bare.execute(fill, params![(times * batch).cast_signed()])?;
    let claim = "UPDATE jobs SET status = 'leased' WHERE id IN
        (SELECT id FROM jobs WHERE status = 'ready' AND run_at <= 0 ORDER BY run_at, id LIMIT ?1) RETURNING id, payload";
    let begin = Instant::now();
    for _ in 0..times {
        let mut claim = bare.prepare_cached(claim)?;
        let claimed = claim.query_map([batch.cast_signed()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let claimed: Vec<(i64, String)> = claimed.collect::<Result<_, _>>()?;
        assert_eq!(claimed.len() as u64, batch);
        for (id, _) in claimed {
            bare.prepare_cached("UPDATE jobs SET status = 'done' WHERE id = ?1 AND status = 'leased'")?
                .execute([id])?;
        }
    }
    Ok(begin.elapsed())
}

criterion_group! {
    name = benches;
    config = compare::criterion();
    targets = claim_and_complete
}
criterion_main!(benches);
