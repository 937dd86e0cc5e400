//! A real server keeps what the ports promise.

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
use feedback_postgres::{Postgres, PostgresConfig};
use feedback_test_servers::postgres;
use libtest_mimic::Arguments;

struct OneDatabase;

async fn fresh() -> Fresh<Postgres> {
    let database = postgres::shared().database();
    let config = PostgresConfig::new(database.url().into()).with_pool(4);
    let store = Postgres::connect(config).await.unwrap();
    store.migrate().await.unwrap();
    Fresh::new(store).with_guard(database)
}

impl StorageHarness for OneDatabase {
    type Adapter = Postgres;

    async fn fresh(&self) -> Fresh<Postgres> {
        fresh().await
    }

    async fn chain_of(&self, store: &Postgres, ticket: TicketId) -> Vec<ChainHash> {
        use feedback_core::ports::Custody;
        let timelines = store.timelines(None, 1_000).await.unwrap();
        let timeline = timelines.into_iter().find(|timeline| timeline.ticket == ticket);
        let events = timeline.map(|timeline| timeline.events).unwrap_or_default();
        events.into_iter().map(|(_, hash)| hash).collect()
    }
}

impl QueriesHarness for OneDatabase {
    type Adapter = Postgres;

    async fn fresh(&self) -> Fresh<Postgres> {
        fresh().await
    }
}

impl JobQueueHarness for OneDatabase {
    type Adapter = Postgres;

    async fn fresh(&self) -> Fresh<Postgres> {
        fresh().await
    }
}

impl OutboxHarness for OneDatabase {
    type Adapter = Postgres;

    async fn fresh(&self) -> Fresh<Postgres> {
        fresh().await
    }
}

impl CustodyHarness for OneDatabase {
    type Adapter = Postgres;

    async fn fresh(&self) -> Fresh<Postgres> {
        fresh().await
    }

    async fn files(&self, _store: &Postgres) -> Vec<u8> {
        // The server's files hold all databases of all tests, and belong to another user.
        Vec::new()
    }
}

fn main() -> ExitCode {
    let mut all = trials(OneDatabase, "storage", storage::checks());
    all.extend(trials(OneDatabase, "queries", queries::checks()));
    all.extend(trials(OneDatabase, "job_queue", job_queue::checks()));
    all.extend(trials(OneDatabase, "outbox", outbox::checks()));
    let window = InMemory(fresh);
    all.extend(trials(window, "nearest_tickets", nearest_tickets::checks()));
    all.extend(trials(OneDatabase, "custody", custody::checks()));
    libtest_mimic::run(&Arguments::from_args(), all).exit_code()
}
