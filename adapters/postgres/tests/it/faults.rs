//! The server dies, hangs, turns read-only; the network is cut. Named after the faults that the hub is built for.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use feedback_core::{
    domain::{Change, Queue, Write},
    ports::{ClaimRequest, JobQueue, PortErrorKind, SourceKey, Storage},
    testing::fixtures::Fixtures,
};
use feedback_test_servers::postgres::{self, PrivateServer};
use futures::future::join_all;

use super::{
    host_on, numbers,
    proxy::{Proxy, Weather},
    small_change, store, store_on_own_server, until_it_commits,
};

/// The most that a webhook waits.
const WEBHOOK: Duration = Duration::from_millis(2_500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f15_killed_backends_and_a_crashed_server_lose_and_double_nothing() {
    let (store, database, server) = store_on_own_server().await;
    let fixtures = Fixtures::default();
    let stop = Arc::new(AtomicBool::new(false));
    let senders = (0..8).map(|_| {
        let (store, fixtures, stop) = (store.clone(), fixtures.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let (mut acknowledged, mut refused) = (BTreeSet::new(), 0);
            while !stop.load(Ordering::SeqCst) {
                let rows = fixtures.intake();
                let key = SourceKey::External(rows.source.channel, rows.source.external_id.clone());
                // As a provider does: the same message again until it is taken.
                loop {
                    let begun = Instant::now();
                    match store.commit(rows.change()).await {
                        Ok(receipt) => {
                            acknowledged.insert(receipt.ticket_numbers[0].1.value());
                            break;
                        }
                        // It had been recorded by the try before.
                        Err(error) if error.is_conflict() => {
                            let source = store.source(key.clone()).await.unwrap().unwrap();
                            let ticket = feedback_core::ports::TicketKey::Id(source.ticket);
                            acknowledged.insert(store.ticket(ticket).await.unwrap().unwrap().number.value());
                            break;
                        }
                        Err(error) => {
                            assert!(matches!(
                                error.kind(),
                                PortErrorKind::Unavailable | PortErrorKind::Unknown
                            ));
                            assert!(begun.elapsed() < WEBHOOK, "{error} after {:?}", begun.elapsed());
                            refused += 1;
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
            }
            (acknowledged, refused)
        })
    });
    let senders: Vec<_> = senders.collect();
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let name = database.name().to_owned();
        server.run(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.stop();
    tokio::time::sleep(Duration::from_millis(700)).await;
    server.start_again();
    let healed = until_it_commits(&store, &fixtures, Duration::from_secs(5)).await;
    assert!(healed < Duration::from_secs(2), "{healed:?}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::SeqCst);
    let mut acknowledged = BTreeSet::new();
    let (mut told, mut refused) = (0, 0);
    for outcome in join_all(senders).await {
        let (numbers, failures) = outcome.unwrap();
        told += numbers.len();
        refused += failures;
        acknowledged.extend(numbers);
    }
    assert_eq!(acknowledged.len(), told, "no number was told for two messages");
    assert_eq!(numbers(&store).await, acknowledged.into_iter().collect::<Vec<_>>());
    assert!(told > 50 && refused > 0, "{told} told, {refused} refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_commit_whose_answer_was_cut_off_is_never_told_as_done_and_not_done_twice() {
    let server = PrivateServer::start();
    let database = server.database();
    let proxy = Proxy::to(server.port()).await;
    let store = host_on(&proxy.url(database.name())).await;
    let fixtures = Fixtures::default();
    store.commit(small_change(&fixtures)).await.unwrap();
    let rows = fixtures.intake();
    proxy.cut_after_commit();
    let error = store.commit(rows.change()).await.unwrap_err();
    assert_eq!(proxy.cuts(), 1);
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Unknown, Some("commit_in_doubt"))
    );
    // It had happened. The sender's repeat finds that out by the conflict, and one ticket is there.
    let again = store.commit(rows.change()).await.unwrap_err();
    assert!(again.is_conflict(), "{again}");
    assert_eq!(numbers(&store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f17_a_server_that_stops_answering_is_given_up_in_time() {
    let (store, _database, server) = store_on_own_server().await;
    let fixtures = Fixtures::default();
    store.commit(small_change(&fixtures)).await.unwrap();
    server.freeze();
    let begun = Instant::now();
    let calls = (0..50).map(|_| {
        let (store, change, id) = (store.clone(), small_change(&fixtures), fixtures.id());
        tokio::spawn(async move {
            let begun = Instant::now();
            let error = store.commit(change).await.unwrap_err();
            let kinds = [PortErrorKind::Unavailable, PortErrorKind::Unknown];
            assert!(kinds.contains(&error.kind()), "{error}");
            let committed = begun.elapsed();
            let read = Instant::now();
            let error = store.user(id).await.unwrap_err();
            assert_eq!(error.kind(), PortErrorKind::Unavailable);
            (committed, read.elapsed())
        })
    });
    for outcome in join_all(calls).await {
        let (committed, read) = outcome.unwrap();
        assert!(committed < WEBHOOK && read < WEBHOOK, "{committed:?} {read:?}");
    }
    assert!(begun.elapsed() < WEBHOOK * 2);
    server.thaw();
    let healed = until_it_commits(&store, &fixtures, Duration::from_secs(10)).await;
    assert!(healed < Duration::from_secs(3), "{healed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f18_a_read_only_server_takes_no_commit_and_is_left_for_the_next_one() {
    let (store, database, server) = store_on_own_server().await;
    let fixtures = Fixtures::default();
    let mut change = small_change(&fixtures);
    change.push(Write::Enqueue(fixtures.job()));
    store.commit(change).await.unwrap();
    let name = database.name().to_owned();
    server.run("ALTER SYSTEM SET default_transaction_read_only = on");
    server.run("SELECT pg_reload_conf()");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let error = store.commit(small_change(&fixtures)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Unavailable, Some("read_only"))
    );
    let now = fixtures.now();
    let request = ClaimRequest {
        queue: Queue::Default,
        limit: 1,
        lease_until: now.plus(Duration::from_secs(30)),
        now,
    };
    let error = store.claim(request.clone()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Unavailable, Some("read_only"))
    );
    assert!(store.user(fixtures.id()).await.unwrap().is_none(), "reads go on");
    server.run("ALTER SYSTEM RESET default_transaction_read_only");
    server.run("SELECT pg_reload_conf()");
    let healed = until_it_commits(&store, &fixtures, Duration::from_secs(5)).await;
    assert!(healed < Duration::from_secs(2), "{healed:?}");
    assert_eq!(store.claim(request).await.unwrap().len(), 1, "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_a_commit_that_clashes_with_a_stranger_is_begun_again() {
    let (store, database) = store().await;
    let fixtures = Fixtures::default();
    let (one, two) = (fixtures.user(), fixtures.user());
    for user in [&one, &two] {
        store
            .commit(Change::new().with(Write::InsertUser(user.clone())))
            .await
            .unwrap();
    }
    // A stranger knows nothing of our order of locks: it takes the two rows the other way round.
    let (first, second) = (*two.id.as_uuid(), *one.id.as_uuid());
    let stranger = std::thread::spawn(move || {
        database.run(&format!(
            "BEGIN; SET deadlock_timeout = '10s';
             UPDATE feedback.users SET name = 'stranger' WHERE id = '{first}';
             SELECT pg_sleep(0.3);
             UPDATE feedback.users SET name = 'stranger' WHERE id = '{second}';
             COMMIT"
        ));
        database
    });
    tokio::time::sleep(Duration::from_millis(150)).await;
    let renamed = |user: &feedback_core::domain::User| {
        let mut user = user.clone();
        user.name = "ours".into();
        Write::UpdateUser(user)
    };
    let change = Change::new().with(renamed(&one)).with(renamed(&two));
    store.commit(change).await.unwrap();
    let database = stranger.join().unwrap();
    assert_eq!(
        database.run("SELECT string_agg(DISTINCT name, ',') FROM feedback.users"),
        "ours"
    );
    let deadlocks = database.run(
        "SELECT pg_stat_force_next_flush(); SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    );
    assert_ne!(deadlocks.trim(), "0", "they did clash");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f20_work_is_found_by_looking_where_notices_fall_silent() {
    let server = PrivateServer::start();
    let database = server.database();
    let proxy = Proxy::to(server.port()).await;
    let deaf = host_on(&proxy.url(database.name())).await;
    let other = host_on(&database.url()).await;
    let fixtures = Fixtures::default();
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.set(Weather::BlackHole);
    other
        .commit(Change::new().with(Write::Enqueue(fixtures.job())))
        .await
        .unwrap();
    let begun = Instant::now();
    // No notice comes. The worker looks after its interval all the same, and by then the network is back.
    deaf.wait_for_work(Duration::from_millis(500)).await;
    deaf.wait_for_work(Duration::from_millis(500)).await;
    assert!(begun.elapsed() < Duration::from_secs(2));
    proxy.set(Weather::Fair);
    let now = fixtures.now();
    let request = ClaimRequest {
        queue: Queue::Default,
        limit: 1,
        lease_until: now.plus(Duration::from_secs(30)),
        now,
    };
    assert_eq!(deaf.claim(request).await.unwrap().len(), 1);
}

#[tokio::test]
async fn many_connections_are_not_left_behind() {
    let database = postgres::shared().database();
    for _ in 0..5 {
        let store = host_on(&database.url()).await;
        store.commit(small_change(&Fixtures::default())).await.ok();
        drop(store);
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert_eq!(database.run(left), "0");
}
