//! The loop: lease, run, settle. It knows queues and leases, and leaves what a job does to the [`Registry`].

mod registry;

use std::{error::Error, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use self::registry::{JobFailure, Registry};
use crate::{
    domain::{Job, JobPayload, LeasedJob, Queue, Timestamp, error_text},
    logic::retry::{Backoff, OUTAGE_LIMIT},
    ports::{ClaimRequest, Clock, IdSource, JobQueue, SettleError},
    usecases::NextStep,
};

/// How long a job of an unknown kind waits for a newer program.
const UNKNOWN_KIND_PAUSE: Duration = Duration::from_secs(60);

/// When a person should look: an update takes minutes.
const UNKNOWN_KIND_ALERT: Duration = Duration::from_secs(3600);

/// Times and numbers of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerSettings {
    /// How long a lease holds without a heartbeat.
    pub lease: Duration,
    /// How often a running job's lease is extended.
    pub heartbeat: Duration,
    /// How often lapsed leases are taken back.
    pub reap_every: Duration,
    /// How often a queue is asked without a hint: polling is the truth.
    pub poll_every: Duration,
    /// How long running jobs may go on after a stop.
    pub stop_within: Duration,
    /// Jobs at a time from each queue.
    pub slots: usize,
    /// Steps between tries.
    pub backoff: Backoff,
}

impl WorkerSettings {
    /// The default, with leases that hold so long: two heartbeats may get lost, and what a dead worker held is back within
    /// a sixth more.
    #[must_use]
    pub fn with_lease(lease: Duration) -> Self {
        Self {
            lease,
            heartbeat: lease / 3,
            reap_every: lease / 6,
            ..Self::default()
        }
    }
}

impl Default for WorkerSettings {
    /// Leases of 30 s, heartbeats of 10 s, four jobs at a time from each queue.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(10),
            reap_every: Duration::from_secs(5),
            poll_every: Duration::from_secs(1),
            stop_within: Duration::from_secs(20),
            slots: 4,
            backoff: Backoff::default(),
        }
    }
}

/// Runs jobs until it is told to stop.
#[derive(Debug, Clone)]
pub struct Worker {
    queue: Arc<dyn JobQueue>,
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    settings: WorkerSettings,
}

impl Worker {
    /// A worker over a queue.
    pub fn new(
        queue: Arc<dyn JobQueue>,
        registry: Registry,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        settings: WorkerSettings,
    ) -> Self {
        Self {
            queue,
            registry: Arc::new(registry),
            clock,
            ids,
            settings,
        }
    }

    /// Runs jobs until `stop` is cancelled; then finishes what runs, within the limit, and gives the rest back with its
    /// attempt.
    pub async fn run(&self, stop: CancellationToken) {
        let running = TaskTracker::new();
        let abandon = CancellationToken::new();
        let loops = Queue::ALL.map(|queue| self.serve(queue, stop.clone(), abandon.clone(), running.clone()));
        let reaper = self.reap(stop.clone());
        tokio::join!(futures::future::join_all(loops), reaper);
        running.close();
        if timeout(self.settings.stop_within, running.wait()).await.is_err() {
            abandon.cancel();
            running.wait().await;
        }
    }

    /// Runs what is due now, to the end, and returns how many jobs that were: for hosts that are woken from outside, and
    /// for tests.
    pub async fn run_due(&self) -> usize {
        let mut ran = 0;
        for queue in Queue::ALL {
            for _ in 0..self.settings.slots {
                // One at a time: a lease that waits for other jobs to end has no heartbeat.
                let jobs = self.claim(queue, 1).await;
                if jobs.is_empty() {
                    break;
                }
                for leased in jobs {
                    ran += 1;
                    self.clone().hold(leased, None, CancellationToken::new()).await;
                }
            }
        }
        ran
    }

    async fn serve(&self, queue: Queue, stop: CancellationToken, abandon: CancellationToken, running: TaskTracker) {
        let slots = Arc::new(Semaphore::new(self.settings.slots));
        while let Some(first) = or_stop(&stop, Arc::clone(&slots).acquire_owned())
            .await
            .and_then(Result::ok)
        {
            let mut permits = vec![first];
            while let Ok(more) = Arc::clone(&slots).try_acquire_owned() {
                permits.push(more);
            }
            let jobs = self.claim(queue, permits.len()).await;
            if jobs.is_empty() {
                drop(permits);
                or_stop(&stop, self.queue.wait_for_work(self.settings.poll_every)).await;
                continue;
            }
            for leased in jobs {
                running.spawn(self.clone().hold(leased, permits.pop(), abandon.clone()));
            }
        }
    }

    async fn claim(&self, queue: Queue, limit: usize) -> Vec<LeasedJob> {
        let now = self.clock.now();
        let request = ClaimRequest {
            queue,
            limit,
            lease_until: now.plus(self.settings.lease),
            now,
        };
        match self.queue.claim(request).await {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::warn!(%error, queue = queue.as_str(), "could not claim jobs");
                // The store is away: a tight loop would only keep it so.
                sleep(self.settings.poll_every).await;
                Vec::new()
            }
        }
    }

    /// Runs a job under its lease and settles it. The permit is the job's slot.
    async fn hold(self, leased: LeasedJob, _slot: Option<OwnedSemaphorePermit>, abandon: CancellationToken) {
        let verdict = tokio::select! {
            verdict = self.judge(&leased) => verdict,
            () = self.keep_alive(&leased) => return,
            () = abandon.cancelled() => Verdict::Snooze(Duration::ZERO, "the host was stopped".to_owned()),
        };
        self.settle(&leased, verdict).await;
    }

    /// Extends the lease while the job runs; returns when it is lost, and with it the right to go on.
    async fn keep_alive(&self, leased: &LeasedJob) {
        loop {
            sleep(self.settings.heartbeat).await;
            let until = self.clock.now().plus(self.settings.lease);
            match self.queue.extend(&leased.lease, until).await {
                Ok(()) => {}
                Err(SettleError::LeaseLost) => {
                    metrics::counter!("feedback_jobs_lease_lost_total").increment(1);
                    tracing::warn!(job.id = %leased.job.id, job.kind = %leased.job.kind, "lost the lease of a running job");
                    return;
                }
                // The store is away for a moment; the lease still holds.
                Err(SettleError::Queue(error)) => tracing::warn!(%error, "could not extend a lease"),
            }
        }
    }

    async fn judge(&self, leased: &LeasedJob) -> Verdict {
        let job = &leased.job;
        let payload = match serde_json::from_str::<JobPayload>(&job.payload) {
            Ok(payload) => payload,
            Err(error) => return self.undecodable(job, &error),
        };
        let run = AssertUnwindSafe(self.registry.run(job.id, payload.clone())).catch_unwind();
        let failure = match timeout(payload.time_limit(), run).await {
            Ok(Ok(Ok(()))) => return Verdict::Complete,
            Ok(Ok(Err(failure))) => failure,
            Ok(Err(_panic)) => JobFailure::retry("the job panicked"),
            Err(_elapsed) => JobFailure::retry("timeout: the job ran longer than it may"),
        };
        self.after_failure(job, &payload, failure)
    }

    fn after_failure(&self, job: &Job, payload: &JobPayload, failure: JobFailure) -> Verdict {
        // Waiting is bounded from when the outage began, and not from when the job was made.
        let began = failure
            .outage_since
            .map_or(job.created_at, |since| since.max(job.created_at));
        let waited = self.clock.now().since(began);
        let periodic = payload.max_attempts() == u32::MAX;
        match failure.step {
            NextStep::Retry { retry_after } if job.attempts < payload.max_attempts() => {
                let entropy = self.ids.uuid().as_u64_pair().1;
                // Periodic work counts tries without end; its pauses must not.
                let step = if periodic { job.attempts.min(4) } else { job.attempts };
                Verdict::Retry(self.settings.backoff.delay(step, retry_after, entropy), failure.text)
            }
            NextStep::Snooze(pause) if periodic || waited <= OUTAGE_LIMIT => Verdict::Snooze(pause, failure.text),
            NextStep::GiveUp if periodic => {
                Verdict::Retry(self.settings.backoff.delay(4, None, u64::MAX), failure.text)
            }
            NextStep::Retry { .. } | NextStep::Snooze(_) | NextStep::GiveUp => {
                let text = match failure.step {
                    NextStep::Snooze(_) => format!("expired: {}", failure.text),
                    _ => failure.text,
                };
                Verdict::Bury(text)
            }
        }
    }

    /// A payload of another program: an unknown kind waits for a newer one, a changed shape is dead at once.
    fn undecodable(&self, job: &Job, error: &serde_json::Error) -> Verdict {
        let known = knows_kind(&job.payload);
        let waited = self.clock.now().since(job.created_at);
        if !known && waited <= OUTAGE_LIMIT {
            if (UNKNOWN_KIND_ALERT..UNKNOWN_KIND_ALERT + UNKNOWN_KIND_PAUSE).contains(&waited) {
                tracing::error!(job.id = %job.id, job.kind = %job.kind, "a job waits for a program that knows its kind; no host here does");
            }
            return Verdict::Snooze(
                UNKNOWN_KIND_PAUSE,
                "unknown_kind: no program here knows this job".to_owned(),
            );
        }
        let what = if known { "decode" } else { "unknown_kind" };
        Verdict::Bury(format!("{what}: payload cannot be read ({:?} error)", error.classify()))
    }

    async fn settle(&self, leased: &LeasedJob, verdict: Verdict) {
        let (job, lease) = (&leased.job, &leased.lease);
        let now = self.clock.now();
        let name = verdict.name();
        metrics::counter!("feedback_jobs_total", "kind" => job.kind.to_string(), "outcome" => name).increment(1);
        let settled = match verdict {
            Verdict::Complete => self.queue.complete(lease, now).await,
            Verdict::Retry(pause, text) => {
                tracing::warn!(job.id = %job.id, job.kind = %job.kind, attempt = job.attempts, error = %text, "a job failed and will be tried again");
                self.queue
                    .retry_later(lease, now.plus(pause), &error_text(&text), now)
                    .await
            }
            Verdict::Snooze(pause, text) => {
                tracing::info!(job.id = %job.id, job.kind = %job.kind, reason = %text, "a job waits");
                self.queue.snooze(lease, now.plus(pause), &error_text(&text), now).await
            }
            Verdict::Bury(text) => {
                tracing::error!(job.id = %job.id, job.kind = %job.kind, error = %text, "a job gave up and is a dead letter");
                self.bury(leased, &error_text(&text), now).await
            }
        };
        if let Err(error) = settled {
            let error = chain(&error);
            tracing::warn!(job.id = %job.id, job.kind = %job.kind, %error, "could not settle a job; its lease will lapse");
        }
    }

    async fn bury(&self, leased: &LeasedJob, why: &str, now: Timestamp) -> Result<(), SettleError> {
        // What cannot be read leaves nothing behind that could be named.
        let Ok(payload) = serde_json::from_str::<JobPayload>(&leased.job.payload) else {
            return self.queue.bury(&leased.lease, why, now).await;
        };
        let buried = self.registry.bury(leased, &payload, why, now).await;
        buried.map_err(SettleError::Queue)
    }

    async fn reap(&self, stop: CancellationToken) {
        // A process before this one may have died between burying a job and saying so.
        self.registry.note_dead_letters().await;
        loop {
            match self.queue.reap(self.clock.now()).await {
                Ok(reaped) if reaped.released + reaped.buried > 0 => {
                    tracing::warn!(
                        reaped.released,
                        reaped.buried,
                        "took back jobs of a worker that is gone"
                    );
                    if reaped.buried > 0 {
                        self.registry.note_dead_letters().await;
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "could not take lapsed jobs back"),
            }
            if or_stop(&stop, sleep(self.settings.reap_every)).await.is_none() {
                return;
            }
        }
    }
}

/// What is done with a job that ran.
#[derive(Debug)]
enum Verdict {
    Complete,
    Retry(Duration, String),
    Snooze(Duration, String),
    Bury(String),
}

impl Verdict {
    const fn name(&self) -> &'static str {
        match self {
            Self::Complete => "done",
            Self::Retry(..) => "retry",
            Self::Snooze(..) => "snoozed",
            Self::Bury(_) => "dead",
        }
    }
}

/// Whether this program has a job of the payload's kind, whatever else the payload says.
fn knows_kind(payload: &str) -> bool {
    let Ok(payload) = serde_json::from_str::<serde_json::Value>(payload) else {
        return true; // No newer program writes what is not even JSON.
    };
    let tag_alone = serde_json::json!({ "kind": payload["kind"] });
    match serde_json::from_value::<JobPayload>(tag_alone) {
        Ok(_) => true,
        // A list of the kinds beside the enum would be forgotten with the next one: serde knows them.
        Err(error) => !error.to_string().starts_with("unknown variant"),
    }
}

/// The result of a future, or `None` once `stop` is cancelled.
async fn or_stop<T>(stop: &CancellationToken, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        value = future => Some(value),
    }
}

/// An error with all its sources, in one line that may be logged.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    error_text(&text)
}
