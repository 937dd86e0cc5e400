//! A file on a real disk for both sides of a comparison, with every commit synced.

use std::path::Path;

use feedback_adapters::sqlite::{Sqlite, SqliteConfig};
use rusqlite::Connection;
use tempfile::TempDir;

/// A folder that goes away with the bench. `near` is the build's own temporary folder: a `/tmp` in memory would make
/// every sync free.
pub fn folder(near: &str) -> TempDir {
    tempfile::tempdir_in(near).expect("the build's temporary folder can be written")
}

/// The hub's store in it.
pub fn hub_store(folder: &Path) -> Sqlite {
    Sqlite::open(SqliteConfig::new(folder.join("hub.db"))).expect("a new file can be opened")
}

/// A connection to a file, as the hub's own are: write-ahead log, synced at each commit.
pub fn bare(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// The runtime of a host: two workers.
pub fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("threads can be started")
}
