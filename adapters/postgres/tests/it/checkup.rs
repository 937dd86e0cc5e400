//! What an operator is told before a hub starts.

use feedback_core::{domain::TableShape, ports::MoveTarget};
use feedback_postgres::{Checkup, OpenError, Postgres, PostgresConfig, PostgresMove};
use feedback_test_servers::postgres::{self, Database};

async fn check_up(database: &Database) -> Checkup {
    Postgres::check_up(&PostgresConfig::new(database.url().into()))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_servers_state_is_told_and_nothing_is_changed_by_asking() {
    let database = postgres::shared().database();
    let empty = check_up(&database).await;
    assert!(empty.is_new_enough && !empty.is_read_only && empty.foreign.is_none());
    assert!(empty.pending_migrations > 0);
    assert_eq!(empty.extensions, ["plpgsql"]);
    assert_eq!(empty.pgvector, None);
    assert!(
        check_up(&postgres::shared_with_pgvector().database())
            .await
            .pgvector
            .is_some()
    );
    assert!(
        empty.version.starts_with(|c: char| c.is_ascii_digit()),
        "{}",
        empty.version
    );
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'feedback'";
    assert_eq!(database.run(schemas), "0", "asking makes nothing");
    let seconds: i64 = database
        .run("SELECT extract(epoch FROM clock_timestamp())::bigint")
        .parse()
        .unwrap();
    assert!((seconds - empty.clock.unix_seconds()).abs() < 60);

    let store = super::host_on(&database.url()).await;
    assert_eq!(check_up(&database).await.pending_migrations, 0);
    store.close().await;
    drop(store);

    database.run("UPDATE feedback.schema_history SET version = 9999 WHERE version = 1");
    let newer = check_up(&database).await.foreign.unwrap();
    assert!(newer.contains("9999"), "{newer}");
    // Last: from here on the database takes no statement that would change it back.
    let only_read = format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        database.name()
    );
    database.run(&only_read);
    assert!(check_up(&database).await.is_read_only);
}

#[tokio::test]
async fn half_of_a_move_is_told() {
    let database = postgres::shared().database();
    let target = PostgresMove::open(PostgresConfig::new(database.url().into()))
        .await
        .unwrap();
    let users = TableShape {
        name: "users".to_owned(),
        columns: ["id", "name", "created_at", "disabled_at"].map(str::to_owned).to_vec(),
    };
    target.receive("a file", &[users]).await.unwrap();
    let foreign = check_up(&database).await.foreign.unwrap();
    assert!(foreign.contains("half of a move from a file"), "{foreign}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unreachable() {
    let config = PostgresConfig::new("postgres://hub:topsecret@127.0.0.1:1/hub".into());
    let error = Postgres::check_up(&config).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }));
    assert!(!format!("{error} {error:?}").contains("topsecret"));
}
