//! Random histories: the server and the in-memory store answer every step alike, and hold the same in the end; and
//! workers at the same time break no promise of the queue.

use feedback_core::testing::{
    conformance::{Fresh, custody::CustodyHarness},
    model::{self, Campaign, claims},
};
use feedback_postgres::{Postgres, PostgresConfig};
use feedback_test_servers::postgres::{self, Database};

use super::store;

/// Each history begins on a copy of one migrated database, which takes less than its migrations.
struct Copies(Database);

impl Copies {
    async fn new() -> Self {
        let (store, template) = store().await;
        store.close().await;
        Self(template)
    }
}

impl CustodyHarness for Copies {
    type Adapter = Postgres;

    async fn fresh(&self) -> Fresh<Postgres> {
        let database = postgres::shared().copy_of(&self.0);
        let config = PostgresConfig::new(database.url().into()).with_pool(6).with_writers(1);
        Fresh::new(Postgres::connect(config).await.unwrap()).with_guard(database)
    }

    async fn files(&self, _: &Postgres) -> Vec<u8> {
        Vec::new()
    }
}

/// How many histories: some for each change, since each wants a database of its own and SQLite goes through thousands; a
/// hundred thousand for a campaign.
#[expect(clippy::disallowed_methods, reason = "a campaign's size is not a setting of the hub")]
fn histories(usual: u64) -> u64 {
    match std::env::var("FEEDBACK_MODEL_HISTORIES") {
        Ok(asked) => asked.parse().expect("FEEDBACK_MODEL_HISTORIES is a number"),
        Err(_) => usual,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_and_the_fake_never_differ() {
    let campaign = Campaign {
        histories: histories(60),
        seed: 3,
    };
    model::run(&Copies::new().await, campaign).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_at_the_same_time_break_no_promise_of_the_queue() {
    let campaign = Campaign {
        histories: histories(500) / 50,
        seed: 2,
    };
    claims::run(&Copies::new().await, campaign).await;
}
