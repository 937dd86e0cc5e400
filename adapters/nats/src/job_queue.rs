use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::jetstream::consumer::PullConsumer;
use async_trait::async_trait;
use feedback_core::{
    domain::{JobId, Lease, LeasedJob, Queue, Timestamp},
    ports::{ClaimRequest, Clock, JobQueue, Outbox, PortError, Reaped, SettleError},
};
use futures::{StreamExt, future::try_join_all};
use tokio::{
    sync::{Notify, RwLock},
    task::JoinHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::{
    ConfigError, LinkError, NatsConfig,
    inbox::{Inbox, Told},
    link::Link,
    relay,
};

/// The pause before a lost link is made again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long the server keeps a request for messages open.
const PULL_LIMIT: Duration = Duration::from_secs(5);

/// A job queue whose work JetStream spreads. Clones share the link; it is closed when the last of them is dropped.
#[derive(Clone)]
pub struct Nats {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

struct Shared {
    config: NatsConfig,
    rows: Arc<dyn Outbox>,
    /// Held for writing while the relay marks rows. A claim passes over what somebody else holds at that moment, and a job that
    /// is only being published is nobody's.
    marking: RwLock<()>,
    clock: Arc<dyn Clock>,
    inboxes: [Inbox; Queue::ALL.len()],
    heard: Notify,
    is_linked: AtomicBool,
    published: AtomicU64,
    claimed_by_message: AtomicU64,
    stale_messages: AtomicU64,
    claimed_by_look: AtomicU64,
}

/// How the link does, and what came over it since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Whether messages come and go.
    pub is_linked: bool,
    /// Jobs that this process published.
    pub published: u64,
    /// Jobs that it claimed because of a message.
    pub claimed_by_message: u64,
    /// Messages whose job was not to be claimed any more.
    pub stale_messages: u64,
    /// Jobs that it claimed because it looked into the database.
    pub claimed_by_look: u64,
}

impl Nats {
    /// A queue over the rows of a store, with a task of its own on the current runtime. It connects in the background: a
    /// server that is away delays jobs a little, and stops nothing.
    ///
    /// # Errors
    /// [`ConfigError`] for a configuration that can never work.
    pub fn start(config: NatsConfig, rows: Arc<dyn Outbox>, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        config.check()?;
        let shared = Arc::new(Shared {
            config,
            rows,
            marking: RwLock::new(()),
            clock,
            inboxes: Default::default(),
            heard: Notify::new(),
            is_linked: AtomicBool::new(false),
            published: AtomicU64::new(0),
            claimed_by_message: AtomicU64::new(0),
            stale_messages: AtomicU64::new(0),
            claimed_by_look: AtomicU64::new(0),
        });
        let keeper = tokio::spawn(keep(Arc::clone(&shared)));
        Ok(Self {
            inner: Arc::new(Inner { shared, keeper }),
        })
    }

    /// Connects once, and makes the stream where it is missing: for an operator who wants to know.
    ///
    /// # Errors
    /// [`LinkError`] says what could not be done.
    pub async fn check(config: &NatsConfig) -> Result<(), LinkError> {
        Link::open(config).await?.depths().await.map(drop)
    }

    /// How it does.
    pub fn standing(&self) -> Standing {
        let shared = &self.inner.shared;
        Standing {
            is_linked: shared.is_linked.load(Ordering::Relaxed),
            published: shared.published.load(Ordering::Relaxed),
            claimed_by_message: shared.claimed_by_message.load(Ordering::Relaxed),
            stale_messages: shared.stale_messages.load(Ordering::Relaxed),
            claimed_by_look: shared.claimed_by_look.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats")
            .field("config", &self.inner.shared.config)
            .field("rows", &self.inner.shared.rows)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl JobQueue for Nats {
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
        let shared = &self.inner.shared;
        let (inbox, limit) = (shared.inbox(request.queue), request.limit);
        let mut claimed = shared.claim_told(inbox.take(limit), &request).await?;
        let free = limit.saturating_sub(claimed.len());
        // Without a link the rows are all there is.
        if free > 0 && (!shared.is_linked() || inbox.is_time_to_look(shared.config.look_every)) {
            let looked = {
                let _unmarked = shared.marking.read().await;
                shared.rows.claim(ClaimRequest { limit: free, ..request }).await
            };
            match looked {
                Ok(found) => {
                    count(&shared.claimed_by_look, "looked", found.len());
                    claimed.extend(found);
                }
                // What was leased is to be run, not to wait until its lease lapses.
                Err(error) if claimed.is_empty() => return Err(error),
                Err(error) => tracing::debug!(%error, "could not look for jobs"),
            }
        }
        inbox.want(limit.saturating_sub(claimed.len()));
        Ok(claimed)
    }

    async fn extend(&self, lease: &Lease, until: Timestamp) -> Result<(), SettleError> {
        self.inner.shared.rows.extend(lease, until).await
    }

    async fn complete(&self, lease: &Lease, now: Timestamp) -> Result<(), SettleError> {
        self.inner.shared.rows.complete(lease, now).await
    }

    async fn retry_later(
        &self,
        lease: &Lease,
        run_at: Timestamp,
        error: &str,
        now: Timestamp,
    ) -> Result<(), SettleError> {
        self.inner.shared.rows.retry_later(lease, run_at, error, now).await
    }

    async fn snooze(&self, lease: &Lease, run_at: Timestamp, reason: &str, now: Timestamp) -> Result<(), SettleError> {
        self.inner.shared.rows.snooze(lease, run_at, reason, now).await
    }

    async fn bury(&self, lease: &Lease, error: &str, now: Timestamp) -> Result<(), SettleError> {
        self.inner.shared.rows.bury(lease, error, now).await
    }

    async fn reap(&self, now: Timestamp) -> Result<Reaped, PortError> {
        self.inner.shared.rows.reap(now).await
    }

    async fn revive(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
        self.inner.shared.rows.revive(job, now).await
    }

    async fn discard(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
        self.inner.shared.rows.discard(job, now).await
    }

    async fn wait_for_work(&self, at_most: Duration) {
        let shared = &self.inner.shared;
        if shared.is_linked() {
            shared.inboxes.iter().for_each(Inbox::want_news);
            // The time limit is the other way out, so its outcome tells nothing.
            let _ = timeout(at_most, shared.heard.notified()).await;
        } else {
            tokio::select! {
                () = shared.rows.wait_for_work(at_most) => {}
                () = shared.heard.notified() => {}
            }
        }
    }
}

impl Shared {
    fn inbox(&self, queue: Queue) -> &Inbox {
        &self.inboxes[queue as usize]
    }

    fn is_linked(&self) -> bool {
        self.is_linked.load(Ordering::Acquire)
    }

    /// Claims what messages name, and acknowledges these once the claim is committed, whatever it brought: a job that is
    /// not to be claimed any more has no use for its message. Where the claim failed they come again.
    async fn claim_told(&self, told: Vec<Told>, request: &ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
        if told.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<JobId> = told.iter().map(|told| told.job).collect();
        let claimed = {
            let _unmarked = self.marking.read().await;
            self.rows.claim_these(&ids, request.clone()).await?
        };
        for told in &told {
            acknowledge(&told.message).await;
        }
        count(&self.claimed_by_message, "claimed", claimed.len());
        count(&self.stale_messages, "stale", told.len().saturating_sub(claimed.len()));
        Ok(claimed)
    }

    /// Says whether messages come and go, and wakes everybody who waits for the other way.
    fn set_linked(&self, is_linked: bool) {
        self.is_linked.store(is_linked, Ordering::Release);
        metrics::gauge!("feedback_queue_stream_up").set(if is_linked { 1.0 } else { 0.0 });
        self.wake();
    }

    /// Wakes everybody who waits, and the next one who comes: it may have looked just before.
    fn wake(&self) {
        self.heard.notify_waiters();
        self.heard.notify_one();
    }

    /// Fetches messages of a queue as long as there are places for them.
    async fn pull(&self, queue: Queue, consumer: &PullConsumer) -> Result<Infallible, LinkError> {
        let failed = |error: &dyn fmt::Display| LinkError::new("fetch messages", error);
        let inbox = self.inbox(queue);
        loop {
            let room = inbox.room().await;
            let batch = consumer.batch().max_messages(room).expires(PULL_LIMIT).messages().await;
            let mut batch = batch.map_err(|error| failed(&error.kind()))?;
            while let Some(message) = batch.next().await {
                let message = message.map_err(|_| failed(&"the consumer is gone"))?;
                let id = std::str::from_utf8(&message.payload)
                    .ok()
                    .and_then(|text| Uuid::parse_str(text).ok());
                match id {
                    Some(id) => inbox.put(Told {
                        job: JobId::from_uuid(id),
                        message,
                    }),
                    // Somebody else wrote it.
                    None => acknowledge(&message).await,
                }
                self.wake();
            }
        }
    }
}

/// Where it gets lost the message comes again, and names a job that cannot be claimed.
async fn acknowledge(message: &async_nats::jetstream::Message) {
    if message.ack().await.is_err() {
        tracing::debug!("could not acknowledge a message");
    }
}

fn count(counter: &AtomicU64, outcome: &'static str, jobs: usize) {
    if jobs > 0 {
        counter.fetch_add(jobs as u64, Ordering::Relaxed);
        metrics::counter!("feedback_queue_jobs_total", "way" => outcome).increment(jobs as u64);
    }
}

/// Makes the link, holds it while it works, and makes it again.
async fn keep(shared: Arc<Shared>) {
    shared.set_linked(false);
    let mut unconfirmed = Vec::new();
    let mut was_told = false;
    loop {
        let error = match Link::open(&shared.config).await {
            Ok(link) => {
                tracing::info!("jobs are spread over NATS");
                was_told = false;
                shared.set_linked(true);
                let published = |jobs| count(&shared.published, "published", jobs);
                let relay = relay::run(
                    &link,
                    (&*shared.rows, &shared.marking),
                    &*shared.clock,
                    &shared.config,
                    &mut unconfirmed,
                    published,
                );
                let pulls = try_join_all(
                    link.consumers
                        .iter()
                        .map(|(queue, consumer)| shared.pull(*queue, consumer)),
                );
                let error = tokio::select! {
                    Err(error) = relay => error,
                    Err(error) = pulls => error,
                    () = link.lost.notified() => LinkError::new("keep the connection", "it was lost"),
                };
                shared.set_linked(false);
                error
            }
            Err(error) => error,
        };
        if !was_told {
            tracing::warn!(%error, "NATS cannot be used: jobs are found by looking into the database");
            was_told = true;
        }
        sleep(AGAIN).await;
    }
}
