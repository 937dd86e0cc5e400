//! Commits that wait share a transaction, and nothing else.

use std::{collections::BTreeSet, time::Instant};

use feedback_core::{
    domain::{Change, Write},
    ports::{Custody, PortErrorKind, Storage},
    testing::fixtures::Fixtures,
};
use feedback_postgres::PostgresConfig;
use feedback_test_servers::postgres::{self, PrivateServer, Sync};
use futures::future::join_all;

use super::{host_with, numbers, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_commit_of_a_group_spoils_no_other() {
    let database = postgres::shared().database();
    let config = PostgresConfig::new(database.url().into()).with_writers(1);
    let store = host_with(config).await;
    let fixtures = Fixtures::default();
    // The first one of them waits for a connection meanwhile, so that the others are of one group.
    let commits: Vec<_> = (0..64)
        .map(|number| {
            let (store, rows) = (store.clone(), fixtures.intake());
            let bad = number % 5 == 0;
            let mut change = rows.change();
            if bad {
                // Fails at its end, when all else of it has been written.
                change.push(Write::AppendEvent(fixtures.intake().event));
            }
            tokio::spawn(async move { (bad, rows.ticket.id, store.commit(change).await) })
        })
        .collect();
    let mut expected = BTreeSet::new();
    for outcome in join_all(commits).await {
        let (bad, ticket, outcome) = outcome.unwrap();
        match outcome {
            Ok(receipt) => {
                assert!(!bad);
                expected.insert(receipt.number_of(ticket).unwrap().value());
            }
            Err(error) => {
                assert!(bad, "{error}");
                assert_eq!(error.kind(), PortErrorKind::NotFound);
            }
        }
    }
    assert_eq!(numbers(&store).await, expected.into_iter().collect::<Vec<_>>());
    let transactions: u32 = database
        .run("SELECT count(DISTINCT xmin::text) FROM feedback.metric_rollups")
        .parse()
        .unwrap();
    assert!(transactions >= 1);
    // Savepoints share the transaction that a row was written in, as the counters of it show.
    let counted: u64 = database
        .run("SELECT sum(count) FROM feedback.metric_rollups")
        .parse()
        .unwrap();
    assert_eq!(
        counted as usize,
        numbers(&store).await.len(),
        "what failed is not counted"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_say_what_the_timelines_say() {
    let (store, database) = store().await;
    let fixtures = Fixtures::default();
    join_all((0..40).map(|_| {
        let (store, change) = (store.clone(), fixtures.intake().change());
        async move { store.commit(change).await.unwrap() }
    }))
    .await;
    let recomputed = database.run(
        "SELECT string_agg(hour || ' ' || kind || ' ' || channel || ' ' || count, ',' ORDER BY hour, kind, channel) FROM (
            SELECT e.at - e.at % 3600000000 AS hour, e.kind, t.channel, count(*)
            FROM feedback.ticket_events e JOIN feedback.tickets t ON t.id = e.ticket_id GROUP BY 1, 2, 3) AS counted",
    );
    let kept = database.run(
        "SELECT string_agg(hour || ' ' || name || ' ' || label || ' ' || count, ',' ORDER BY hour, name, label) FROM (
            SELECT hour, name, label, sum(count) AS count FROM feedback.metric_rollups GROUP BY 1, 2, 3) AS kept",
    );
    assert_eq!(recomputed, kept);
    assert!(kept.contains("received"));
    assert_eq!(store.timelines(None, 100).await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let database = postgres::shared().database();
    let config = PostgresConfig::new(database.url().into())
        .with_writers(1)
        .with_group_size(1)
        .with_waiting_commits(1);
    let store = host_with(config).await;
    let fixtures = Fixtures::default();
    let begun = Instant::now();
    let outcomes =
        join_all((0..32).map(|_| store.commit(Change::new().with(Write::InsertUser(fixtures.user()))))).await;
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    let codes: BTreeSet<_> = refused
        .map(|error| (error.kind() == PortErrorKind::Unavailable, error.code()))
        .collect();
    assert_eq!(codes, BTreeSet::from([(true, Some("overloaded"))]));
    assert!(begun.elapsed().as_millis() < 1_500);
}

/// `cargo test --release -p feedback-postgres --test it -- --ignored --nocapture commits_a_second`: what grouping is worth
/// on this disk, on a server that syncs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a check"]
async fn commits_a_second() {
    let fixtures = Fixtures::default();
    let server = PrivateServer::start_with(Sync::On);
    for waiting in [1, 8, 64, 256] {
        let database = server.database();
        let store = host_with(PostgresConfig::new(database.url().into())).await;
        let each = 2048 / waiting;
        let begun = Instant::now();
        let tasks = (0..waiting).map(|_| {
            let (store, fixtures) = (store.clone(), fixtures.clone());
            tokio::spawn(async move {
                for _ in 0..each {
                    store.commit(fixtures.intake().change()).await.unwrap();
                }
            })
        });
        join_all(tasks).await;
        let rate = (waiting * each) as f64 / begun.elapsed().as_secs_f64();
        println!("{waiting:>4} waiting: {rate:>8.0} intakes a second");
    }
}
