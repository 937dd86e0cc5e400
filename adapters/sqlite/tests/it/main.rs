//! What the SQLite adapter does beyond the ports' promises: one process for a file, crashes, damage, strangers, groups.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop right there")]

mod backlog;
mod crash;
mod damage;
mod group_commit;
mod instance;
mod model;
mod settle;
mod tamper;
mod upgrade;

use std::path::{Path, PathBuf};

use feedback_sqlite::{Sqlite, SqliteConfig};

/// A store in a folder of its own.
fn store() -> (Sqlite, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (open(&file(&folder)), folder)
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("feedback.db")
}

fn open(path: &Path) -> Sqlite {
    Sqlite::open(SqliteConfig::new(path).with_readers(2)).unwrap()
}
