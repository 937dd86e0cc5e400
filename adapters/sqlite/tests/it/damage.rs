//! A file that is not a whole database of ours is refused, and stays as it is.

use std::fs;

use feedback_core::{ports::Storage, testing::fixtures::Fixtures};
use feedback_sqlite::{OpenError, Sqlite, SqliteConfig};
use rusqlite::Connection;

use super::{file, open, store};

/// A folder with a database of a hundred tickets, closed.
async fn written() -> tempfile::TempDir {
    let (store, folder) = store();
    let fixtures = Fixtures::default();
    for _ in 0..100 {
        store.commit(fixtures.intake().change()).await.unwrap();
    }
    folder
}

/// Opens what must be refused; the file is the same afterwards.
fn refused(folder: &tempfile::TempDir) -> OpenError {
    let before = fs::read(file(folder)).unwrap();
    let error = Sqlite::open(SqliteConfig::new(file(folder))).expect_err("the file is damaged");
    assert_eq!(fs::read(file(folder)).unwrap(), before, "a refused file was written to");
    error
}

#[tokio::test]
async fn f13_a_cut_file_is_refused() {
    let folder = written().await;
    let whole = fs::read(file(&folder)).unwrap();
    for bytes in [10, 100, 4096, whole.len() / 2] {
        fs::write(file(&folder), &whole[..bytes]).unwrap();
        let error = refused(&folder);
        assert!(matches!(error, OpenError::Corrupt { .. }), "{bytes} bytes: {error}");
    }
}

#[tokio::test]
async fn f13_an_emptied_file_is_lost_and_not_new() {
    let folder = written().await;
    fs::write(file(&folder), b"").unwrap();
    assert!(matches!(refused(&folder), OpenError::Corrupt { .. }));
}

#[test]
fn an_empty_file_that_no_hub_wrote_is_a_new_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(file(&folder), b"").unwrap();
    assert!(open(&file(&folder)).schema_version() >= 1);
}

#[tokio::test]
async fn f13_flipped_bytes_are_refused() {
    let folder = written().await;
    let whole = fs::read(file(&folder)).unwrap();
    let mut header = whole.clone();
    header[..16].fill(b'x');
    // The header of each page after the first: what it points to makes no sense any more.
    let mut pages = whole.clone();
    for page in pages.chunks_mut(4096).skip(1) {
        page[..64].fill(0xA5);
    }
    for damaged in [header, pages] {
        fs::write(file(&folder), damaged).unwrap();
        assert!(matches!(refused(&folder), OpenError::Corrupt { .. }));
    }
    fs::write(file(&folder), whole).unwrap();
    open(&file(&folder));
}

#[test]
fn a_text_file_and_another_programs_database_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        file(&folder),
        "not a database, but long enough to be read as one ".repeat(100),
    )
    .unwrap();
    assert!(matches!(refused(&folder), OpenError::Corrupt { .. }));
    fs::remove_file(file(&folder)).unwrap();
    Connection::open(file(&folder))
        .unwrap()
        .execute_batch("CREATE TABLE songs (title TEXT)")
        .unwrap();
    assert!(matches!(refused(&folder), OpenError::Foreign { .. }));
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = written().await;
    let conn = Connection::open(file(&folder)).unwrap();
    conn.execute(
        "INSERT INTO refinery_schema_history SELECT 9999, 'future', applied_on, checksum FROM refinery_schema_history LIMIT 1",
        [],
    )
    .unwrap();
    drop(conn);
    let error = Sqlite::open(SqliteConfig::new(file(&folder))).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[test]
fn f07_a_start_that_died_before_its_first_migration_goes_on() {
    let (first, folder) = store();
    let path = file(&folder);
    drop(first);
    // As it is between the history table and the first migration.
    let conn = Connection::open(&path).unwrap();
    let history: String = conn
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE name = 'refinery_schema_history'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    drop(conn);
    let early = tempfile::tempdir().unwrap();
    Connection::open(file(&early)).unwrap().execute_batch(&history).unwrap();
    assert!(open(&file(&early)).schema_version() >= 1);
}

#[test]
fn f07_a_start_that_died_while_the_file_got_its_log_goes_on() {
    let early = tempfile::tempdir().unwrap();
    let path = file(&early);
    let journal = path.with_extension("db-journal");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        "PRAGMA journal_mode = DELETE; CREATE TABLE refinery_half (x); INSERT INTO refinery_half VALUES (1)",
    )
    .unwrap();
    // In the middle of a write: pages are changed, and the journal says how they were.
    conn.execute_batch("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE")
        .unwrap();
    for _ in 0..50 {
        conn.execute("INSERT INTO refinery_half VALUES (zeroblob(4000))", [])
            .unwrap();
    }
    let (half, undo) = (fs::read(&path).unwrap(), fs::read(&journal).unwrap());
    drop(conn);
    fs::write(&path, half).unwrap();
    fs::write(&journal, undo).unwrap();
    assert!(open(&path).schema_version() >= 1);
    assert!(!journal.exists(), "the write was undone");
}

#[test]
fn a_folder_that_is_not_there_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = Sqlite::open(SqliteConfig::new(folder.path().join("none/feedback.db"))).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
}
