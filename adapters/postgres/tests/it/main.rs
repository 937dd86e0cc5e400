//! What the PostgreSQL adapter does beyond the ports' promises: several hosts, groups, faults of server and network.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop right there")]

mod append_only;
mod backlog;
mod checkup;
mod faults;
mod group_commit;
mod hosts;
mod migration;
mod model;
mod proxy;

use std::time::Duration;

use feedback_core::{
    domain::{Change, PageRequest, PageSize, Write},
    ports::{Queries, Storage, TicketFilter},
    testing::fixtures::Fixtures,
};
use feedback_postgres::{Postgres, PostgresConfig};
use feedback_test_servers::postgres::{self, Database, PrivateServer};

/// A host's store on a database.
async fn host_on(url: &str) -> Postgres {
    host_with(PostgresConfig::new(url.into())).await
}

async fn host_with(config: PostgresConfig) -> Postgres {
    let store = Postgres::connect(config).await.unwrap();
    store.migrate().await.unwrap();
    store
}

/// A store on a database of its own.
async fn store() -> (Postgres, Database) {
    let database = postgres::shared().database();
    (host_on(&database.url()).await, database)
}

/// A store on a server of its own, to be harmed.
async fn store_on_own_server() -> (Postgres, Database, PrivateServer) {
    let server = PrivateServer::start();
    let database = server.database();
    (host_on(&database.url()).await, database, server)
}

/// A change that fits wherever it comes.
fn small_change(fixtures: &Fixtures) -> Change {
    Change::new().with(Write::InsertUser(fixtures.user()))
}

/// All tickets of a store, by number.
async fn numbers(store: &Postgres) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut page = PageRequest {
        after: None,
        size: PageSize::MAX,
    };
    loop {
        let found = store.tickets(&TicketFilter::default(), page).await.unwrap();
        numbers.extend(found.items.iter().map(|row| row.ticket.number.value()));
        match found.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    numbers.sort_unstable();
    numbers
}

/// Tries until a commit succeeds; how long that took.
async fn until_it_commits(store: &Postgres, fixtures: &Fixtures, patience: Duration) -> Duration {
    let begun = tokio::time::Instant::now();
    loop {
        match store.commit(small_change(fixtures)).await {
            Ok(_) => return begun.elapsed(),
            Err(error) => assert!(begun.elapsed() < patience, "still {error} after {patience:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
