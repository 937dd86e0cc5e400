//! Two hosts on one database: two stores that know nothing of each other.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use feedback_core::{
    Hub, HubSettings, Ports,
    domain::{Change, EventKind, Queue, Timestamp, TrackerPage, Write},
    ports::{
        ClaimRequest, Custody, JobQueue, PortError, PortErrorKind, SettleError, Storage, TrackedTicket, Tracker,
        TrackerChanges,
    },
    testing::{FixedClock, fixtures::Fixtures, hub::fake_ports, memory::MemoryVault},
    worker::{Worker, WorkerSettings},
};
use feedback_postgres::Postgres;
use feedback_test_servers::postgres;
use futures::future::join_all;

use super::{host_on, numbers};

async fn two_hosts() -> (Postgres, Postgres, postgres::Database) {
    let database = postgres::shared().database();
    let (one, other) = (host_on(&database.url()).await, host_on(&database.url()).await);
    (one, other, database)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_never_give_one_number_twice() {
    let (one, other, _database) = two_hosts().await;
    let fixtures = Fixtures::default();
    let outcomes = join_all((0..100).map(|turn| {
        let store = if turn % 2 == 0 { one.clone() } else { other.clone() };
        let rows = fixtures.intake();
        tokio::spawn(async move { store.commit(rows.change()).await.unwrap().ticket_numbers[0].1.value() })
    }))
    .await;
    let given: BTreeSet<u64> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(given.len(), 100);
    assert_eq!(numbers(&one).await, given.into_iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timelines_of_two_hosts_are_one_chain() {
    let (one, other, _database) = two_hosts().await;
    let fixtures = Fixtures::default();
    let tickets: Vec<_> = join_all((0..3).map(|_| {
        let (store, rows) = (one.clone(), fixtures.intake());
        async move {
            store.commit(rows.change()).await.unwrap();
            rows.ticket.id
        }
    }))
    .await;
    // All tickets in every change, each time in another order: without an order of locks, hosts would wait in a ring.
    let commits = (0..60).map(|turn| {
        let store = if turn % 2 == 0 { one.clone() } else { other.clone() };
        let mut change = Change::new();
        for place in 0..3 {
            let ticket = tickets[(turn + place * (1 + turn % 2)) % 3];
            change.push(Write::AppendEvent(fixtures.event(ticket, EventKind::Updated)));
        }
        tokio::spawn(async move { store.commit(change).await })
    });
    for outcome in join_all(commits).await {
        outcome.unwrap().unwrap();
    }
    for timeline in one.timelines(None, 10).await.unwrap() {
        assert_eq!(timeline.events.len(), 61);
        let mut previous = None;
        for (event, hash) in &timeline.events {
            assert_eq!(event.chained(previous), *hash);
            previous = Some(*hash);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f27_two_hosts_that_claim_at_once_get_different_jobs() {
    let (one, other, _database) = two_hosts().await;
    let fixtures = Fixtures::default();
    let mut change = Change::new();
    for _ in 0..200 {
        change.push(Write::Enqueue(fixtures.job()));
    }
    one.commit(change).await.unwrap();
    let now = fixtures.now();
    let claims = (0..8).map(|turn| {
        let store = if turn % 2 == 0 { one.clone() } else { other.clone() };
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let request = ClaimRequest {
                    queue: Queue::Default,
                    limit: 7,
                    lease_until: now.plus(Duration::from_secs(30)),
                    now,
                };
                let claimed = store.claim(request).await.unwrap();
                if claimed.is_empty() {
                    return mine;
                }
                for leased in &claimed {
                    assert_eq!(leased.job.attempts, 1);
                    store.complete(&leased.lease, now).await.unwrap();
                    // A second completion finds no lease.
                    let again = store.complete(&leased.lease, now).await;
                    assert!(matches!(again, Err(SettleError::LeaseLost)));
                }
                mine.extend(claimed.into_iter().map(|leased| leased.job.id));
            }
        })
    });
    let all: Vec<_> = join_all(claims).await.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(all.len(), 200);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_waits_once_for_both_hosts() {
    let (one, other, database) = two_hosts().await;
    let fixtures = Fixtures::default();
    let commits = (0..40).map(|turn| {
        let store = if turn % 2 == 0 { one.clone() } else { other.clone() };
        let change = Change::new().with(Write::Enqueue(fixtures.job().unique("poll")));
        tokio::spawn(async move { store.commit(change).await.unwrap() })
    });
    for outcome in join_all(commits).await {
        outcome.unwrap();
    }
    assert_eq!(
        database.run("SELECT count(*) FROM feedback.jobs WHERE status = 'ready'"),
        "1"
    );
}

/// A board that takes a moment to answer, and knows who asked at the same time.
#[derive(Debug, Default)]
struct SlowBoard {
    polls: AtomicUsize,
    asking: AtomicUsize,
    most_at_once: AtomicUsize,
}

#[async_trait]
impl Tracker for SlowBoard {
    async fn upsert_page(&self, _: &TrackedTicket) -> Result<TrackerPage, PortError> {
        Err(PortError::new(PortErrorKind::Rejected, "slow_board"))
    }

    async fn changes_since(&self, _: Option<&str>, _: Timestamp) -> Result<TrackerChanges, PortError> {
        let asking = self.asking.fetch_add(1, SeqCst) + 1;
        self.most_at_once.fetch_max(asking, SeqCst);
        tokio::time::sleep(Duration::from_millis(150)).await;
        self.asking.fetch_sub(1, SeqCst);
        let cursor = self.polls.fetch_add(1, SeqCst).to_string();
        Ok(TrackerChanges {
            updates: Vec::new(),
            cursor,
        })
    }

    async fn resolution_notes(&self, _: &str) -> Result<String, PortError> {
        Err(PortError::new(PortErrorKind::Rejected, "slow_board"))
    }
}

/// What one process of a cluster has: its store's connections, a hub, a worker.
fn host(store: &Postgres, board: &Arc<SlowBoard>, clock: &FixedClock, seed: u64) -> (Hub, Worker) {
    let ports = Ports {
        // Both open what either sealed.
        vault: Arc::new(MemoryVault::new(1)),
        tracker: Some(board.clone()),
        ..fake_ports(Arc::new(store.clone()), clock, seed)
    };
    let hub = Hub::new(ports, HubSettings::default());
    let worker = hub.worker(WorkerSettings::default());
    (hub, worker)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_host_of_a_cluster_polls_at_a_time() {
    let (one, other, _database) = two_hosts().await;
    let (board, clock) = (
        Arc::new(SlowBoard::default()),
        FixedClock::at(Fixtures::default().now()),
    );
    let hosts = [host(&one, &board, &clock, 1), host(&other, &board, &clock, 2)];
    for round in 0..6 {
        for (hub, _) in &hosts {
            hub.schedule_periodic().await.unwrap();
            hub.poll.as_ref().unwrap().hurry().await.unwrap();
        }
        // The poll that waited for its time and the one that was asked for now are two jobs: a host claims each.
        while join_all(hosts.iter().map(|(_, worker)| worker.run_due())).await != [0, 0] {}
        clock.advance(Duration::from_secs(5));
        while join_all(hosts.iter().map(|(_, worker)| worker.run_due())).await != [0, 0] {}
        clock.advance(Duration::from_secs(300));
        assert!(board.polls.load(SeqCst) > round);
    }
    assert_eq!(board.most_at_once.load(SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_hears_of_work_that_another_one_committed() {
    let (one, other, _database) = two_hosts().await;
    let fixtures = Fixtures::default();
    // The listener may still be connecting; and the first return may be its own greeting.
    tokio::time::sleep(Duration::from_millis(300)).await;
    other.wait_for_work(Duration::from_millis(50)).await;
    let waits = tokio::spawn(async move {
        let begun = tokio::time::Instant::now();
        other.wait_for_work(Duration::from_secs(10)).await;
        begun.elapsed()
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    one.commit(Change::new().with(Write::Enqueue(fixtures.job())))
        .await
        .unwrap();
    let waited = waits.await.unwrap();
    assert!(waited < Duration::from_secs(2), "{waited:?}");
}
