//! What is on the disk when the power goes: the file as it stands, and a log whose end was not written.

use std::{fs, path::Path};

use feedback_core::{
    ports::{PortErrorKind, Queries, Storage, TicketFilter},
    testing::fixtures::Fixtures,
};
use feedback_sqlite::Sqlite;
use rusqlite::Connection;

use super::{file, open, store};

async fn tickets(store: &Sqlite) -> Vec<u64> {
    let page = store
        .tickets(&TicketFilter::default(), Default::default())
        .await
        .unwrap();
    let mut numbers = Vec::new();
    for row in page.items {
        assert_eq!(row.sources.len(), 1, "a ticket without its message");
        let detail = store.ticket_detail(row.ticket.id).await.unwrap().unwrap();
        assert_eq!(detail.events.len(), 1, "a ticket without its first event");
        numbers.push(row.ticket.number.value());
    }
    numbers.sort_unstable();
    numbers
}

#[tokio::test]
async fn f08_the_files_at_any_moment_hold_every_answered_commit() {
    let (store, folder) = store();
    let fixtures = Fixtures::default();
    for count in 1..=5 {
        store.commit(fixtures.intake().change()).await.unwrap();
        let image = tempfile::tempdir().unwrap();
        copy(&folder, &image, None);
        assert_eq!(tickets(&open(&file(&image))).await.len(), count);
    }
}

#[tokio::test]
async fn f08_a_log_cut_anywhere_holds_whole_commits_only() {
    let (store, folder) = store();
    let fixtures = Fixtures::default();
    for _ in 0..8 {
        store.commit(fixtures.intake().change()).await.unwrap();
    }
    let whole = fs::metadata(folder.path().join("feedback.db-wal")).unwrap().len();
    let mut seen = Vec::new();
    for part in 0..=40 {
        let image = tempfile::tempdir().unwrap();
        copy(&folder, &image, Some(whole * part / 40));
        let numbers = tickets(&open(&file(&image))).await;
        let expected: Vec<u64> = (1001..1001 + numbers.len() as u64).collect();
        assert_eq!(numbers, expected, "a commit is missing in the middle");
        seen.push(numbers.len());
    }
    assert!(
        seen.is_sorted() && seen.first() == Some(&0) && seen.last() == Some(&8),
        "{seen:?}"
    );
}

fn copy(from: &tempfile::TempDir, to: &tempfile::TempDir, log_bytes: Option<u64>) {
    fs::copy(file(from), file(to)).unwrap();
    let log = to.path().join("feedback.db-wal");
    fs::copy(from.path().join("feedback.db-wal"), &log).unwrap();
    if let Some(bytes) = log_bytes {
        fs::OpenOptions::new()
            .write(true)
            .open(&log)
            .unwrap()
            .set_len(bytes)
            .unwrap();
    }
}

#[tokio::test]
async fn f11_a_strangers_lock_is_waited_for_and_then_the_store_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let config = feedback_sqlite::SqliteConfig::new(file(&folder));
    let store = Sqlite::open(config.with_busy_timeout(std::time::Duration::from_millis(80))).unwrap();
    let fixtures = Fixtures::default();
    let stranger = lock(store.path());
    let rows = fixtures.intake();
    let error = store.commit(rows.change()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (PortErrorKind::Unavailable, Some("busy")));
    assert!(!store.is_broken());
    assert!(tickets(&store).await.is_empty(), "reads go on");
    stranger.execute_batch("ROLLBACK").unwrap();
    store.commit(rows.change()).await.unwrap();
    assert_eq!(tickets(&store).await, [1001]);
}

fn lock(path: &Path) -> Connection {
    let stranger = Connection::open(path).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    stranger
}
