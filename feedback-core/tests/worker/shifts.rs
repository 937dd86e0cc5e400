//! Two hosts on one store: periodic work has one of them at a time.

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
    domain::{Timestamp, TrackerPage},
    ports::{Clock, JobQueue, PortError, TrackedTicket, Tracker, TrackerChanges},
    testing::{
        FixedClock,
        fixtures::Fixtures,
        hub::fake_ports,
        memory::{MemoryStore, tracker::ScriptedTracker},
    },
    worker::{Worker, WorkerSettings},
};

/// A board that takes a second to answer, and counts who asks at the same time.
#[derive(Debug, Default)]
struct SlowBoard {
    board: ScriptedTracker,
    polls: AtomicUsize,
    asking: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// One that asks, until its answer came or it died.
struct Asking<'a>(&'a SlowBoard);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Tracker for SlowBoard {
    async fn upsert_page(&self, ticket: &TrackedTicket) -> Result<TrackerPage, PortError> {
        self.board.upsert_page(ticket).await
    }

    async fn changes_since(&self, cursor: Option<&str>, start: Timestamp) -> Result<TrackerChanges, PortError> {
        let asking = self.asking.fetch_add(1, Ordering::SeqCst) + 1;
        let _asking = Asking(self);
        self.most_at_once.fetch_max(asking, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.polls.fetch_add(1, Ordering::SeqCst);
        self.board.changes_since(cursor, start).await
    }

    async fn resolution_notes(&self, page_id: &str) -> Result<String, PortError> {
        self.board.resolution_notes(page_id).await
    }
}

/// Two hosts: a hub and a worker each, on one store.
struct Cluster {
    board: Arc<SlowBoard>,
    clock: FixedClock,
    store: MemoryStore,
    hubs: [Hub; 2],
    workers: [Worker; 2],
}

impl Cluster {
    fn new() -> Self {
        let clock = FixedClock::at(Fixtures::new(1).now());
        let (board, store) = (Arc::new(SlowBoard::default()), MemoryStore::new());
        let hosts = [11, 12].map(|seed| {
            let ports = Ports {
                tracker: Some(board.clone()),
                ..fake_ports(Arc::new(store.clone()), &clock, seed)
            };
            let hub = Hub::new(ports, HubSettings::default());
            let worker = hub.worker(WorkerSettings::default());
            (hub, worker)
        });
        let [(one, first), (other, second)] = hosts;
        Self {
            board,
            clock,
            store,
            hubs: [one, other],
            workers: [first, second],
        }
    }

    /// Both hosts start, and the board says meanwhile that something changed.
    async fn start(&self) {
        for hub in &self.hubs {
            hub.schedule_periodic().await.expect("queued");
            hub.poll
                .as_ref()
                .expect("there is a board")
                .hurry()
                .await
                .expect("queued");
        }
    }

    async fn run_both(&self) -> usize {
        let [one, other] = &self.workers;
        let (first, second) = tokio::join!(one.run_due(), other.run_due());
        first + second
    }
}

#[tokio::test(start_paused = true)]
async fn two_hosts_never_poll_at_once_and_no_signal_is_lost() {
    let cluster = Cluster::new();
    cluster.start().await;
    cluster.run_both().await;
    assert_eq!(
        cluster.board.polls.load(Ordering::SeqCst),
        1,
        "the other waits for its turn"
    );
    for _ in 0..4 {
        cluster.clock.advance(Duration::from_secs(5));
        cluster.run_both().await;
    }
    assert_eq!(cluster.board.polls.load(Ordering::SeqCst), 2, "and has it then");
    for _ in 0..20 {
        cluster.clock.advance(Duration::from_secs(60));
        cluster.start().await;
        while cluster.run_both().await > 0 {}
    }
    assert!(cluster.board.polls.load(Ordering::SeqCst) > 20);
    assert_eq!(cluster.board.most_at_once.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_whose_host_dies_is_taken_over_within_its_lease() {
    let cluster = Cluster::new();
    cluster.hubs[0].schedule_periodic().await.expect("queued");
    let dying = tokio::spawn({
        let worker = cluster.workers[0].clone();
        async move { worker.run_due().await }
    });
    while cluster.board.asking.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    dying.abort();
    assert!(dying.await.is_err(), "it died while it asked");
    // Another poll is wanted before anybody knows: it waits, since the dead host might live.
    let poll = cluster.hubs[1].poll.as_ref().expect("there is a board");
    poll.hurry().await.expect("queued");
    cluster.workers[1].run_due().await;
    assert_eq!(cluster.board.polls.load(Ordering::SeqCst), 0);
    let settings = WorkerSettings::default();
    cluster.clock.advance(settings.lease + settings.reap_every);
    let reaped = cluster
        .store
        .reap(cluster.clock.now())
        .await
        .expect("the store answers");
    assert!(reaped.released >= 1);
    cluster.workers[1].run_due().await;
    assert!(cluster.board.polls.load(Ordering::SeqCst) >= 1, "35 s after the death");
    assert_eq!(cluster.board.most_at_once.load(Ordering::SeqCst), 1);
}
