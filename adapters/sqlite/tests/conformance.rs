//! The file keeps what the ports promise.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop right there")]

use std::process::ExitCode;

use feedback_core::{
    domain::{ChainHash, TicketId},
    testing::conformance::{
        Fresh,
        custody::{self, CustodyHarness},
        job_queue::{self, JobQueueHarness},
        nearest_tickets::{self, InMemory},
        outbox::{self, OutboxHarness},
        queries::{self, QueriesHarness},
        storage::{self, StorageHarness},
        trials,
    },
};
use feedback_sqlite::{Sqlite, SqliteConfig};
use libtest_mimic::Arguments;
use rusqlite::{Connection, OpenFlags};

struct OneFile;

fn fresh() -> Fresh<Sqlite> {
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig::new(folder.path().join("feedback.db")).with_readers(2);
    Fresh::new(Sqlite::open(config).unwrap()).with_guard(folder)
}

impl StorageHarness for OneFile {
    type Adapter = Sqlite;

    async fn fresh(&self) -> Fresh<Sqlite> {
        fresh()
    }

    async fn chain_of(&self, store: &Sqlite, ticket: TicketId) -> Vec<ChainHash> {
        let conn = Connection::open_with_flags(store.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut statement = conn
            .prepare("SELECT hash FROM ticket_events WHERE ticket_id = ?1 ORDER BY seq")
            .unwrap();
        let rows = statement
            .query_map([ticket.as_uuid().as_bytes()], |row| row.get(0))
            .unwrap();
        rows.map(|hash| ChainHash::from_bytes(hash.unwrap())).collect()
    }
}

impl QueriesHarness for OneFile {
    type Adapter = Sqlite;

    async fn fresh(&self) -> Fresh<Sqlite> {
        fresh()
    }
}

impl JobQueueHarness for OneFile {
    type Adapter = Sqlite;

    async fn fresh(&self) -> Fresh<Sqlite> {
        fresh()
    }
}

impl OutboxHarness for OneFile {
    type Adapter = Sqlite;

    async fn fresh(&self) -> Fresh<Sqlite> {
        fresh()
    }
}

impl CustodyHarness for OneFile {
    type Adapter = Sqlite;

    async fn fresh(&self) -> Fresh<Sqlite> {
        fresh()
    }

    async fn files(&self, store: &Sqlite) -> Vec<u8> {
        let conn = Connection::open_with_flags(store.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let backup = store.path().with_extension("backup");
        let mut copy = Connection::open(&backup).unwrap();
        // Page by page, as operators' tools do it: what is in a free page comes along.
        let steps = rusqlite::backup::Backup::new(&conn, &mut copy).unwrap();
        steps.run_to_completion(1_000, std::time::Duration::ZERO, None).unwrap();
        drop(steps);
        drop(copy);
        let mut bytes = Vec::new();
        for file in std::fs::read_dir(store.path().parent().unwrap()).unwrap() {
            bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
        }
        std::fs::remove_file(backup).unwrap();
        bytes
    }
}

fn main() -> ExitCode {
    let mut all = trials(OneFile, "storage", storage::checks());
    all.extend(trials(OneFile, "queries", queries::checks()));
    all.extend(trials(OneFile, "job_queue", job_queue::checks()));
    all.extend(trials(OneFile, "outbox", outbox::checks()));
    let window = InMemory(|| async { fresh() });
    all.extend(trials(window, "nearest_tickets", nearest_tickets::checks()));
    all.extend(trials(OneFile, "custody", custody::checks()));
    libtest_mimic::run(&Arguments::from_args(), all).exit_code()
}
