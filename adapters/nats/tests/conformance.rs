//! JetStream over PostgreSQL keeps what a job queue promises.
//!
//! What comes in is given the time to travel, so that claims find the ids of messages, and not only what the look into the
//! rows after them finds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop right there")]

use std::{
    process::ExitCode,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use feedback_core::{
    domain::{Change, CommitReceipt, Job, JobId, Lease, LeasedJob, Queue, Timestamp, Write},
    ports::{ClaimRequest, JobQueue, PortError, Reaped, SettleError},
    testing::{
        conformance::{
            Fresh,
            job_queue::{self, JobQueueHarness, QueueUnderTest},
            trials,
        },
        fixtures::Fixtures,
    },
};
use feedback_nats::{Nats, NatsConfig};
use feedback_postgres::{Postgres, PostgresConfig};
use feedback_system::SystemClock;
use feedback_test_servers::{nats::NatsServer, postgres};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::time::{Instant, sleep, timeout};

/// One server for this process; each check has a stream of its own.
fn server() -> &'static NatsServer {
    static SERVER: OnceLock<NatsServer> = OnceLock::new();
    SERVER.get_or_init(NatsServer::start)
}

/// The queue, and the rows below it.
#[derive(Debug)]
struct JetStreamOverPostgres {
    queue: Nats,
    rows: Postgres,
}

struct OneHost;

impl JobQueueHarness for OneHost {
    type Adapter = JetStreamOverPostgres;

    async fn fresh(&self) -> Fresh<JetStreamOverPostgres> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let database = postgres::shared().database();
        let config = PostgresConfig::new(database.url().into()).with_pool(4);
        let rows = Postgres::connect(config).await.unwrap();
        rows.migrate().await.unwrap();
        let name = format!("check_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let config = NatsConfig::new(server().url().into())
            .with_stream(name)
            // A check claims once where a worker would claim again: no claim may be short of what is due.
            .with_look_every(Duration::ZERO);
        let queue = Nats::start(config, Arc::new(rows.clone()), Arc::new(SystemClock)).unwrap();
        until(|| queue.standing().is_linked).await;
        Fresh::new(JetStreamOverPostgres { queue, rows }).with_guard(database)
    }
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(10), wait).await.unwrap();
}

#[async_trait]
impl QueueUnderTest for JetStreamOverPostgres {
    async fn take_in(&self, change: Change) -> Result<CommitReceipt, PortError> {
        let before = self.queue.standing().published;
        let is_due = |write: &Write| matches!(write, Write::Enqueue(job) if job.dead.is_none());
        let due = change.writes().iter().filter(|write| is_due(write)).count() as u64;
        let receipt = QueueUnderTest::take_in(&self.rows, change).await?;
        // Not for long: of jobs with one key only one is there to be published.
        let soon = Instant::now() + Duration::from_millis(200);
        while self.queue.standing().published < before + due && Instant::now() < soon {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_millis(3)).await;
        Ok(receipt)
    }

    async fn dead_jobs(&self) -> Result<Vec<Job>, PortError> {
        self.rows.dead_jobs().await
    }
}

#[async_trait]
impl JobQueue for JetStreamOverPostgres {
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
        self.queue.claim(request).await
    }

    async fn extend(&self, lease: &Lease, until: Timestamp) -> Result<(), SettleError> {
        self.queue.extend(lease, until).await
    }

    async fn complete(&self, lease: &Lease, now: Timestamp) -> Result<(), SettleError> {
        self.queue.complete(lease, now).await
    }

    async fn retry_later(
        &self,
        lease: &Lease,
        run_at: Timestamp,
        error: &str,
        now: Timestamp,
    ) -> Result<(), SettleError> {
        self.queue.retry_later(lease, run_at, error, now).await
    }

    async fn snooze(&self, lease: &Lease, run_at: Timestamp, reason: &str, now: Timestamp) -> Result<(), SettleError> {
        self.queue.snooze(lease, run_at, reason, now).await
    }

    async fn bury(&self, lease: &Lease, error: &str, now: Timestamp) -> Result<(), SettleError> {
        self.queue.bury(lease, error, now).await
    }

    async fn reap(&self, now: Timestamp) -> Result<Reaped, PortError> {
        self.queue.reap(now).await
    }

    async fn revive(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
        self.queue.revive(job, now).await
    }

    async fn discard(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
        self.queue.discard(job, now).await
    }

    async fn wait_for_work(&self, at_most: Duration) {
        self.queue.wait_for_work(at_most).await;
    }
}

/// The suite would pass over the rows alone: this is what says that it did not run over them alone.
async fn messages_carry_what_the_suite_claims() {
    let fresh = OneHost.fresh().await;
    let (host, fixtures) = (&fresh.adapter, Fixtures::default());
    let now = fixtures.now();
    let request = ClaimRequest {
        queue: Queue::Default,
        limit: 5,
        lease_until: now.plus(Duration::from_secs(30)),
        now,
    };
    assert_eq!(host.claim(request.clone()).await.unwrap(), [], "five places are free");
    let jobs: Vec<_> = (0..5).map(|_| Write::Enqueue(fixtures.job())).collect();
    host.take_in(jobs.into_iter().fold(Change::new(), Change::with))
        .await
        .unwrap();
    host.wait_for_work(Duration::from_secs(5)).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(host.claim(request).await.unwrap().len(), 5);
    let standing = host.queue.standing();
    assert_eq!(
        (
            standing.published,
            standing.claimed_by_message,
            standing.claimed_by_look
        ),
        (5, 5, 0)
    );
}

fn run_proof() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(messages_carry_what_the_suite_claims());
    Ok(())
}

fn main() -> ExitCode {
    let mut all = trials(OneHost, "job_queue", job_queue::checks());
    all.push(Trial::test(
        "job_queue::messages_carry_what_the_suite_claims",
        run_proof,
    ));
    let conclusion = libtest_mimic::run(&Arguments::from_args(), all);
    // A static is not dropped; the server's keeper ends it with the process.
    conclusion.exit_code()
}
