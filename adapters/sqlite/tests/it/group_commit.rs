//! Commits that wait share a transaction, and nothing else.

use std::{collections::BTreeSet, time::Instant};

use feedback_core::{
    domain::{Change, Write},
    ports::{PortErrorKind, Queries, Storage, TicketFilter},
    testing::fixtures::Fixtures,
};
use futures::future::join_all;
use rusqlite::Connection;

use super::store;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_commit_of_a_group_spoils_no_other() {
    let (store, _folder) = store();
    let fixtures = Fixtures::default();
    let stranger = Connection::open(store.path()).unwrap();
    // While a stranger holds the lock, all of them come to wait, so that they are of one group.
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
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
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    stranger.execute_batch("COMMIT").unwrap();
    let mut expected = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for outcome in join_all(commits).await {
        let (bad, ticket, outcome) = outcome.unwrap();
        match outcome {
            Ok(receipt) => {
                assert!(!bad);
                expected.insert(ticket);
                numbers.insert(receipt.number_of(ticket).unwrap().value());
            }
            Err(error) => {
                assert!(bad, "{error}");
                assert_eq!(error.kind(), PortErrorKind::NotFound);
            }
        }
    }
    let page = feedback_core::domain::PageRequest {
        after: None,
        size: feedback_core::domain::PageSize::MAX,
    };
    let stored = store.tickets(&TicketFilter::default(), page).await.unwrap();
    assert_eq!(
        stored.items.iter().map(|row| row.ticket.id).collect::<BTreeSet<_>>(),
        expected
    );
    // Numbers of those that failed were given to the next.
    assert_eq!(numbers, (1001..1001 + expected.len() as u64).collect());
}

#[tokio::test]
async fn the_log_is_moved_into_the_file_before_it_grows_large() {
    let (store, _folder) = store();
    let fixtures = Fixtures::default();
    for _ in 0..40 {
        let mut change = Change::new();
        for _ in 0..50 {
            let mut rows = fixtures.intake();
            rows.source.redacted = Some("x".repeat(4000));
            for write in rows.change().into_writes() {
                change.push(write);
            }
        }
        store.commit(change).await.unwrap();
    }
    // 2,000 messages of 4 kB and their indexes are over 16 MB in the file.
    assert!(store.wal_bytes() < 12 * 1024 * 1024, "{} bytes", store.wal_bytes());
    assert!(std::fs::metadata(store.path()).unwrap().len() > 8 * 1024 * 1024);
}

/// `cargo test --release -- --ignored --nocapture commits_a_second`: what grouping is worth on this disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a check"]
async fn commits_a_second() {
    let fixtures = Fixtures::default();
    for waiting in [1, 8, 64, 256] {
        let (store, _folder) = store();
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
