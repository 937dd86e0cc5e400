//! Bringing the schema up to date.

use feedback_core::{ports::Storage, testing::fixtures::Fixtures};
use feedback_postgres::{OpenError, Postgres, PostgresConfig};
use feedback_test_servers::postgres;
use futures::future::join_all;

use super::small_change;

/// The version of this program's schema.
const NEWEST: u32 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f07_of_hosts_that_migrate_at_once_one_does_it_and_the_others_wait() {
    let database = postgres::shared().database();
    let hosts = (0..6).map(|_| {
        let url = database.url();
        tokio::spawn(async move {
            let store = Postgres::connect(PostgresConfig::new(url.into())).await.unwrap();
            let version = store.migrate().await.unwrap();
            store.commit(small_change(&Fixtures::default())).await.map(|_| version)
        })
    });
    let mut committed = 0;
    for outcome in join_all(hosts).await {
        // All make the same first user, so one of them is first.
        if let Ok(version) = outcome.unwrap() {
            assert_eq!(version, NEWEST);
            committed += 1;
        }
    }
    assert_eq!(committed, 1);
    let steps = database.run("SELECT count(*) FROM feedback.schema_history");
    assert_eq!(steps, NEWEST.to_string());
}

#[tokio::test]
async fn f07_a_migration_that_was_cut_off_leaves_nothing_and_runs_again() {
    let database = postgres::shared().database();
    // A table in the way makes the step fail in its middle.
    database.run("CREATE SCHEMA feedback; CREATE TABLE feedback.jobs (x int)");
    let store = Postgres::connect(PostgresConfig::new(database.url().into()))
        .await
        .unwrap();
    assert!(matches!(store.migrate().await, Err(OpenError::Unreachable { code, .. }) if code == "42P07"));
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'feedback' AND tablename <> 'schema_history'";
    assert_eq!(database.run(tables), "1", "no half of a schema");
    assert_eq!(database.run("SELECT count(*) FROM feedback.schema_history"), "0");
    database.run("DROP TABLE feedback.jobs");
    assert_eq!(store.migrate().await.unwrap(), NEWEST);
    store.commit(small_change(&Fixtures::default())).await.unwrap();
}

#[tokio::test]
async fn a_newer_or_another_schema_is_refused_untouched() {
    let database = postgres::shared().database();
    let store = Postgres::connect(PostgresConfig::new(database.url().into()))
        .await
        .unwrap();
    store.migrate().await.unwrap();
    database.run("INSERT INTO feedback.schema_history (version, name, digest) VALUES (99, 'later', '\\x00')");
    assert!(matches!(store.migrate().await, Err(OpenError::Foreign { .. })));
    database.run("DELETE FROM feedback.schema_history WHERE version = 99");
    database.run("UPDATE feedback.schema_history SET digest = '\\x00'");
    assert!(matches!(store.migrate().await, Err(OpenError::Foreign { .. })));
}

#[tokio::test]
async fn two_schemas_of_one_database_know_nothing_of_each_other() {
    let database = postgres::shared().database();
    let fixtures = Fixtures::default();
    let user = fixtures.user();
    let insert = || feedback_core::domain::Change::new().with(feedback_core::domain::Write::InsertUser(user.clone()));
    for schema in ["one", "other"] {
        let config = PostgresConfig::new(database.url().into()).with_schema(schema);
        let store = Postgres::connect(config).await.unwrap();
        store.migrate().await.unwrap();
        store.commit(insert()).await.unwrap();
        assert!(store.commit(insert()).await.unwrap_err().is_conflict());
    }
}

#[tokio::test]
async fn no_address_shows_up_in_errors_or_debug() {
    let secret = "hunter2";
    let config = |url: String| PostgresConfig::new(url.into());
    let mut shown = String::new();
    for url in [
        format!("mysql://u:{secret}@127.0.0.1/x"),
        format!("postgres://u:{secret}@[/x"),
        format!("postgres://u:{secret}@127.0.0.1:1/x"),
    ] {
        let config = config(url);
        shown.push_str(&format!("{config:?}"));
        let mut error: Option<&dyn std::error::Error> = None;
        let failure = Postgres::connect(config).await.unwrap_err();
        error.replace(&failure);
        while let Some(part) = error {
            shown.push_str(&format!(" {part} {part:?}"));
            error = part.source();
        }
    }
    assert!(!shown.contains(secret) && !shown.contains("127.0.0.1"), "{shown}");
    let bad = PostgresConfig::new("postgres://localhost/x".into()).with_schema("a; DROP");
    assert!(matches!(Postgres::connect(bad).await, Err(OpenError::Invalid(_))));
}
