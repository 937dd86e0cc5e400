//! What the search on the server does in its database, beyond what its port promises.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop right there")]

use std::time::{Duration, Instant};

use feedback_core::{
    domain::{Change, Erasure, TicketVector, Write},
    ports::{NearestQuery, NearestTickets, Storage},
    testing::fixtures::{Fixtures, IntakeRows},
};
use feedback_postgres::{OpenError, PgVector, Postgres, PostgresConfig};
use feedback_test_servers::postgres::{self, Database};
use futures::future::join_all;

const MODEL: &str = "words@1";

async fn store_on(url: &str) -> Postgres {
    let store = Postgres::connect(PostgresConfig::new(url.into())).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn store() -> (Postgres, Database) {
    let database = postgres::shared_with_pgvector().database();
    (store_on(&database.url()).await, database)
}

async fn put(store: &Postgres, fixtures: &Fixtures, values: &[f32]) -> IntakeRows {
    let rows = fixtures.intake();
    let vector = TicketVector {
        ticket: rows.ticket.id,
        model: MODEL.into(),
        values: values.to_vec(),
        ticket_created_at: rows.ticket.created_at,
    };
    store
        .commit(rows.change().with(Write::PutVector(vector)))
        .await
        .unwrap();
    rows
}

/// How many vectors there are, how many copies of them, and how many of those are no copy of the vector that is there.
fn counts(database: &Database) -> String {
    database.run(
        "SET search_path = feedback, public;
        SELECT (SELECT count(*) FROM ticket_vectors), (SELECT count(*) FROM ticket_vectors_near),
            (SELECT count(*) FROM ticket_vectors_near n FULL JOIN ticket_vectors v USING (ticket_id, model)
                WHERE n.embedding::real[] IS DISTINCT FROM near_values(v.embedding)
                    OR n.ticket_created_at <> v.ticket_created_at OR n.dimensions <> v.dimensions)",
    )
}

fn query(fixtures: &Fixtures, limit: usize) -> NearestQuery {
    NearestQuery {
        model: MODEL.into(),
        values: vec![0.6, -0.8, 0.0],
        since: fixtures.now(),
        limit,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_there_is_brought_over_by_whichever_host_is_first() {
    let (first, database) = store().await;
    let fixtures = Fixtures::default();
    for number in 0..30 {
        put(&first, &fixtures, &[1.0, 0.1 * number as f32, -0.25]).await;
    }
    put(&first, &fixtures, &[0.0; 3]).await;
    let mut hosts = vec![first];
    for _ in 0..3 {
        hosts.push(store_on(&database.url()).await);
    }
    let opened = join_all(hosts.iter().map(|host| PgVector::open(host, MODEL, 3))).await;
    let searches: Vec<PgVector> = opened.into_iter().map(Result::unwrap).collect();
    assert_eq!(counts(&database), "31|30|0", "one has no content");
    for search in &searches {
        assert_eq!(search.nearest(&query(&fixtures, 50)).await.unwrap().len(), 30);
    }
    let indexes = "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'hnsw' AND i.indisvalid";
    assert_eq!(database.run(indexes), "1");
    // Another model has an index of its own; one that is longer than an index takes is searched without.
    PgVector::open(&hosts[0], "other@1", 4).await.unwrap();
    PgVector::open(&hosts[0], "long@1", 3_072).await.unwrap();
    assert_eq!(database.run(indexes), "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_stay_in_step_whatever_becomes_of_the_vectors() {
    let (store, database) = store().await;
    let fixtures = Fixtures::default();
    PgVector::open(&store, MODEL, 3).await.unwrap();
    // A host that knows nothing of pgvector writes.
    let other = store_on(&database.url()).await;
    let numbers = [1.0, -1.5e-3, f32::MIN_POSITIVE, 3.0e38, f32::MAX, 1.0e-45, 0.1, -0.0];
    for (place, number) in numbers.iter().enumerate() {
        put(&other, &fixtures, &[0.5, *number, numbers[(place + 3) % numbers.len()]]).await;
    }
    assert_eq!(counts(&database), "8|8|0");
    let gone = put(&other, &fixtures, &[0.6, -0.8, 0.0]).await;
    assert_eq!(counts(&database), "9|9|0");
    // What is taken back leaves nothing.
    let vector = fixtures.vector(gone.ticket.id, MODEL);
    let refused = Change::new()
        .with(Write::PutVector(TicketVector {
            values: vec![0.0, 1.0, 0.0],
            ..vector
        }))
        .with(Write::InsertReporter(gone.reporter.clone()));
    store.commit(refused).await.unwrap_err();
    assert_eq!(counts(&database), "9|9|0");
    let erasure = Erasure {
        reporter: gone.reporter.id,
        at: fixtures.now(),
        by: None,
    };
    other
        .commit(Change::new().with(Write::EraseReporter(erasure)))
        .await
        .unwrap();
    assert_eq!(counts(&database), "8|8|0");
    feedback_core::ports::Custody::settle_erasures(&other).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_window_is_searched_by_the_index() {
    let (store, database) = store().await;
    let fixtures = Fixtures::default();
    let search = PgVector::open(&store, MODEL, 3).await.unwrap().with_scanned(0);
    for number in 0..60 {
        put(&store, &fixtures, &[1.0, 0.1 * number as f32, -0.25]).await;
    }
    assert_eq!(search.nearest(&query(&fixtures, 5)).await.unwrap().len(), 5);
    let begun = Instant::now();
    // The server counts a moment later.
    let scans = "SELECT sum(s.idx_scan) FROM pg_stat_user_indexes s JOIN pg_class c ON c.oid = s.indexrelid
        JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'hnsw'";
    while database.run(scans) == "0" {
        assert!(begun.elapsed() < Duration::from_secs(20), "no search took the index");
        tokio::time::sleep(Duration::from_millis(200)).await;
        search.nearest(&query(&fixtures, 5)).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_without_the_extension_says_so_and_goes_on_without() {
    let database = postgres::shared().database();
    let store = store_on(&database.url()).await;
    let refused = PgVector::open(&store, MODEL, 3).await.unwrap_err();
    assert!(matches!(refused, OpenError::NoPgvector(_)), "{refused:?}");
    assert!(refused.to_string().contains("the server does not have it"), "{refused}");
    put(&store, &Fixtures::default(), &[0.6, -0.8, 0.0]).await;
}

#[tokio::test]
async fn a_role_that_may_not_create_the_extension_is_told_who_may() {
    let database = postgres::shared_with_pgvector().database();
    let role = format!("hub_{}", database.name());
    database.run(&format!("CREATE ROLE {role} LOGIN"));
    database.run(&format!("GRANT CREATE ON DATABASE {} TO {role}", database.name()));
    let url = database.url().replacen("postgres@", &format!("{role}@"), 1);
    let store = store_on(&url).await;
    let refused = PgVector::open(&store, MODEL, 3).await.unwrap_err();
    assert!(refused.to_string().contains("CREATE EXTENSION vector"), "{refused}");
    // An administrator does it, in a schema that is not the hub's.
    database.run("CREATE EXTENSION vector");
    let search = PgVector::open(&store, MODEL, 3).await.unwrap();
    let fixtures = Fixtures::default();
    put(&store, &fixtures, &[0.6, -0.8, 0.0]).await;
    assert_eq!(search.nearest(&query(&fixtures, 5)).await.unwrap().len(), 1);
    drop((search, store));
    database.run(&format!("DROP OWNED BY {role}"));
    database.run(&format!("DROP ROLE {role}"));
}
