//! The worker loop over the memory queue: what becomes of jobs that fail, hang, panic, or cannot be read, and of those
//! that run when the host stops.

mod flood;
mod shifts;
mod versions;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use feedback_core::{
    Hub, HubSettings, Ports,
    domain::{Change, EnrichmentStatus, Job, JobPayload, JobStatus, NewJob, TicketId, Write},
    ports::{Clock, IdSourceExt, JobQueue, PortError, PortErrorKind, Storage, Triage, TriageReading, TriageRequest},
    testing::{FixedClock, SeededIds, fixtures::Fixtures, hub::fake_ports, memory::MemoryStore},
    worker::{Worker, WorkerSettings},
};
use tokio_util::sync::CancellationToken;

/// What the job under test does: every job here asks AI about a ticket.
#[derive(Debug, Clone, Copy)]
enum Act {
    Panic,
    Hang,
    Fail(PortErrorKind),
}

#[derive(Debug)]
struct Acting {
    act: Act,
    calls: AtomicUsize,
}

#[async_trait]
impl Triage for Acting {
    async fn read(&self, _: &TriageRequest) -> Result<TriageReading, PortError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match self.act {
            Act::Panic => panic!("a defect in a handler"),
            Act::Hang => std::future::pending().await,
            Act::Fail(kind) => Err(PortError::new(kind, "test.triage")),
        }
    }
}

struct Bench {
    store: MemoryStore,
    clock: FixedClock,
    ids: Arc<SeededIds>,
    triage: Arc<Acting>,
    worker: Worker,
    ticket: TicketId,
}

impl Bench {
    async fn new(act: Act) -> Self {
        let fixtures = Fixtures::new(1);
        let clock = FixedClock::at(fixtures.now());
        let store = MemoryStore::new();
        let ids = Arc::new(SeededIds::new(9));
        let triage = Arc::new(Acting {
            act,
            calls: AtomicUsize::new(0),
        });
        let ports = Ports {
            ids: ids.clone(),
            triage: triage.clone(),
            ..fake_ports(Arc::new(store.clone()), &clock, 1)
        };
        let hub = Hub::new(ports, HubSettings::default());
        let worker = hub.worker(WorkerSettings::default());
        let rows = fixtures.intake();
        let ticket = rows.ticket.id;
        let mut change = Change::new();
        // The ticket without the job that its intake queues: each test queues its own.
        for write in rows
            .change()
            .into_writes()
            .into_iter()
            .filter(|write| !matches!(write, Write::Enqueue(_)))
        {
            change.push(write);
        }
        store.commit(change).await.expect("the fixtures fit together");
        Self {
            store,
            clock,
            ids,
            triage,
            worker,
            ticket,
        }
    }

    /// Queues the job under test.
    async fn enqueue(&self) {
        let job = NewJob::now(
            self.ids.next(),
            JobPayload::TriageTicket { ticket: self.ticket },
            self.clock.now(),
        );
        self.store
            .commit(Change::new().with(Write::Enqueue(job)))
            .await
            .expect("queued");
    }

    /// The one job, as it stands.
    fn job(&self) -> Job {
        let jobs = self.store.jobs();
        let [job] = &jobs[..] else { panic!("one job: {jobs:?}") };
        job.clone()
    }

    /// Runs what is due, hour after hour.
    async fn run_hours(&self, hours: u32) {
        for _ in 0..hours {
            self.worker.run_due().await;
            self.clock.advance(Duration::from_secs(3600));
        }
    }
}

#[tokio::test]
async fn f29_a_job_that_panics_is_counted_and_the_worker_lives() {
    let bench = Bench::new(Act::Panic).await;
    bench.enqueue().await;
    bench.worker.run_due().await;
    let job = bench.job();
    assert_eq!((job.status, job.attempts), (JobStatus::Ready, 1));
    assert_eq!(job.last_error.as_deref(), Some("the job panicked"));
    bench.run_hours(10).await;
    assert_eq!(
        (bench.job().status, bench.triage.calls.load(Ordering::SeqCst)),
        (JobStatus::Dead, 5)
    );
}

#[tokio::test(start_paused = true)]
async fn f31_a_job_that_never_returns_is_stopped_at_its_limit() {
    let bench = Bench::new(Act::Hang).await;
    bench.enqueue().await;
    bench.worker.run_due().await;
    let job = bench.job();
    assert_eq!((job.status, job.attempts), (JobStatus::Ready, 1));
    assert!(
        job.last_error.unwrap_or_default().starts_with("timeout"),
        "the reason is kept"
    );
}

#[tokio::test]
async fn f43_failures_are_bounded_and_the_ticket_says_that_there_is_no_suggestion() {
    let bench = Bench::new(Act::Fail(PortErrorKind::Unavailable)).await;
    bench.enqueue().await;
    bench.run_hours(10).await;
    let job = bench.job();
    assert_eq!((job.status, job.attempts), (JobStatus::Dead, 5));
    assert_eq!(bench.triage.calls.load(Ordering::SeqCst), 5);
    let ticket = bench.store.all_tickets().remove(0);
    assert_eq!(ticket.enrichment, EnrichmentStatus::Failed);
}

#[tokio::test]
async fn a_dead_letter_and_what_it_leaves_behind_are_one_commit() {
    let bench = Bench::new(Act::Fail(PortErrorKind::Rejected)).await;
    bench.enqueue().await;
    let enrichment = || bench.store.all_tickets().remove(0).enrichment;
    // The store is away at that moment: neither is so.
    bench.store.fail_next_commit(PortErrorKind::Unavailable);
    bench.worker.run_due().await;
    assert_eq!(
        (bench.job().status, enrichment()),
        (JobStatus::Leased, EnrichmentStatus::Pending)
    );
    bench.clock.advance(Duration::from_secs(60));
    bench
        .store
        .reap(bench.clock.now())
        .await
        .expect("the memory queue answers");
    // Somebody changed the ticket at that moment: both are so, a moment later.
    bench.store.fail_next_commit(PortErrorKind::Conflict);
    bench.worker.run_due().await;
    assert_eq!(
        (bench.job().status, enrichment()),
        (JobStatus::Dead, EnrichmentStatus::Failed)
    );
}

#[tokio::test]
async fn f35_an_outage_uses_no_attempt_up_and_ends_after_three_days() {
    let bench = Bench::new(Act::Fail(PortErrorKind::NotSent)).await;
    bench.enqueue().await;
    bench.run_hours(70).await;
    let job = bench.job();
    assert_eq!((job.status, job.attempts), (JobStatus::Ready, 0));
    bench.run_hours(5).await;
    assert_eq!(bench.job().status, JobStatus::Dead);
}

#[tokio::test]
async fn what_nobody_can_mend_is_tried_once() {
    let bench = Bench::new(Act::Fail(PortErrorKind::Rejected)).await;
    bench.enqueue().await;
    bench.run_hours(3).await;
    assert_eq!(
        (bench.job().status, bench.triage.calls.load(Ordering::SeqCst)),
        (JobStatus::Dead, 1)
    );
}

#[tokio::test]
async fn a_poison_job_never_blocks_its_queue() {
    let bench = Bench::new(Act::Panic).await;
    bench.enqueue().await;
    bench.enqueue().await;
    bench.worker.run_due().await;
    assert!(bench.store.jobs().iter().all(|job| job.attempts == 1), "both ran");
}

#[tokio::test(start_paused = true)]
async fn f25_a_stop_gives_running_jobs_back_without_costing_an_attempt() {
    let bench = Bench::new(Act::Hang).await;
    bench.enqueue().await;
    let stop = CancellationToken::new();
    let worker = bench.worker.clone();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { worker.run(stop).await }
    });
    while bench.triage.calls.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(bench.job().status, JobStatus::Leased);
    stop.cancel();
    running.await.expect("the worker ends");
    let job = bench.job();
    assert_eq!((job.status, job.attempts), (JobStatus::Ready, 0));
}

#[tokio::test(start_paused = true)]
async fn a_running_job_keeps_its_lease_by_heartbeats() {
    let bench = Bench::new(Act::Hang).await;
    bench.enqueue().await;
    let stop = CancellationToken::new();
    let worker = bench.worker.clone();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { worker.run(stop).await }
    });
    // 45 s in steps: the queue's clock and the runtime's go together.
    for _ in 0..45 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        bench.clock.advance(Duration::from_secs(1));
    }
    let job = bench.job();
    assert_eq!(
        (job.status, job.deaths, bench.triage.calls.load(Ordering::SeqCst)),
        (JobStatus::Leased, 0, 1)
    );
    stop.cancel();
    running.await.expect("the worker ends");
}
