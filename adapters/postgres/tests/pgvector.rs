//! The search on the server keeps what its port promises: where it scans, and where it takes an index.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop right there")]

use std::{process::ExitCode, sync::Arc};

use feedback_core::{
    ports::{Clock, NearestTickets},
    testing::conformance::{
        Fresh,
        nearest_tickets::{self, DIMENSIONS, MODEL, NearestHarness},
        trials,
    },
};
use feedback_postgres::{PgVector, Postgres, PostgresConfig};
use feedback_test_servers::postgres;
use libtest_mimic::Arguments;

/// Windows of up to so many vectors are scanned.
struct Scanned(usize);

impl NearestHarness for Scanned {
    type Adapter = Postgres;

    async fn fresh(&self) -> Fresh<Postgres> {
        let database = postgres::shared_with_pgvector().database();
        let config = PostgresConfig::new(database.url().into()).with_pool(4);
        let store = Postgres::connect(config).await.unwrap();
        store.migrate().await.unwrap();
        Fresh::new(store).with_guard(database)
    }

    async fn search(&self, store: &Arc<Postgres>, _: Arc<dyn Clock>) -> Arc<dyn NearestTickets> {
        let search = PgVector::open(store, MODEL, DIMENSIONS).await.unwrap();
        Arc::new(search.with_scanned(self.0))
    }
}

fn main() -> ExitCode {
    let mut all = trials(Scanned(usize::MAX), "scan", nearest_tickets::checks());
    all.extend(trials(Scanned(0), "index", nearest_tickets::checks()));
    // Some windows of the checks are longer, and some are not.
    all.extend(trials(Scanned(100), "both", nearest_tickets::checks()));
    libtest_mimic::run(&Arguments::from_args(), all).exit_code()
}
