//! What the queue does when the stream is away, loses everything, or says things twice.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop right there")]

mod faults;
mod spreading;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use feedback_core::{
    domain::{Change, JobId, LeasedJob, NewJob, Queue, Write},
    ports::{ClaimRequest, Clock, JobQueue, Storage},
    testing::{FixedClock, fixtures::Fixtures},
};
use feedback_nats::{Nats, NatsConfig};
use feedback_postgres::{Postgres, PostgresConfig};
use feedback_test_servers::{
    nats::NatsServer,
    postgres::{self, Database},
};
use tokio::time::{Instant, sleep, timeout};

/// So rare that no test lives to see a second one: what is claimed then came by a message.
const NEVER: Duration = Duration::from_secs(3600);

/// One host on a database.
struct Host {
    queue: Nats,
    rows: Postgres,
    clock: FixedClock,
}

impl Host {
    async fn on(database: &Database, config: NatsConfig, clock: &FixedClock) -> Self {
        let rows = Postgres::connect(PostgresConfig::new(database.url().into()).with_pool(4))
            .await
            .unwrap();
        rows.migrate().await.unwrap();
        let queue = Nats::start(config, Arc::new(rows.clone()), Arc::new(clock.clone())).unwrap();
        Self {
            queue,
            rows,
            clock: clock.clone(),
        }
    }

    async fn enqueue(&self, jobs: &[NewJob]) {
        let writes = jobs.iter().cloned().map(Write::Enqueue);
        self.rows
            .commit(writes.fold(Change::new(), Change::with))
            .await
            .unwrap();
    }

    async fn claim(&self, limit: usize) -> Vec<LeasedJob> {
        let now = self.clock.now();
        let request = ClaimRequest {
            queue: Queue::Default,
            limit,
            lease_until: now.plus(Duration::from_secs(30)),
            now,
        };
        self.queue.claim(request).await.unwrap()
    }

    /// As a worker does, until this many jobs were done in all or the time is up: which, and how often.
    async fn work(&self, jobs: usize, at_most: Duration) -> BTreeMap<JobId, usize> {
        let mut done: BTreeMap<JobId, usize> = BTreeMap::new();
        let until = Instant::now() + at_most;
        while done.len() < jobs && Instant::now() < until {
            let claimed = self.claim(4).await;
            if claimed.is_empty() {
                self.queue.wait_for_work(Duration::from_millis(200)).await;
            }
            let now = self.clock.now();
            for leased in claimed {
                self.queue.complete(&leased.lease, now).await.unwrap();
                *done.entry(leased.job.id).or_default() += 1;
            }
        }
        done
    }

    async fn until_linked(&self, is_linked: bool) {
        until(|| self.queue.standing().is_linked == is_linked).await;
    }
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(30), wait).await.unwrap();
}

fn config(server: &NatsServer) -> NatsConfig {
    NatsConfig::new(server.url().into())
}

fn some(fixtures: &Fixtures, count: usize) -> Vec<NewJob> {
    (0..count).map(|_| fixtures.job()).collect()
}

/// Each job, once.
fn once(jobs: &[NewJob]) -> BTreeMap<JobId, usize> {
    jobs.iter().map(|job| (job.id, 1)).collect()
}

fn database() -> Database {
    postgres::shared().database()
}
