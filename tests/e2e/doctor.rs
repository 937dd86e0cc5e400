//! `doctor` about the database.

use feedback_test_servers::postgres;
use feedback_tests::host;

async fn doctor(url: &str) -> String {
    let mut command = host::command();
    let output = command.arg("doctor").env("FEEDBACK_DATABASE_URL", url).output();
    let output = output.await.expect("it runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn the_doctor_tells_how_the_server_is() {
    let database = postgres::shared().database();
    let said = doctor(&database.url()).await;
    for words in [
        "ok   PostgreSQL: version",
        "steps behind: the next start adds them",
        "ok   PostgreSQL clock: 0 s apart",
        "note PostgreSQL extensions: plpgsql; none is needed",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    let all = host::command()
        .arg("migrate")
        .env("FEEDBACK_DATABASE_URL", database.url())
        .output();
    assert!(all.await.expect("it runs").status.success());
    let only_read = format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        database.name()
    );
    database.run(&only_read);
    let said = doctor(&database.url()).await;
    assert!(said.contains("ok   PostgreSQL schema: up to date"), "{said}");
    assert!(said.contains("BAD  PostgreSQL: takes no writes"), "{said}");
    let said = doctor("postgres://hub:topsecret@127.0.0.1:1/hub").await;
    assert!(said.contains("BAD  PostgreSQL: could not connect"), "{said}");
    assert!(!said.contains("topsecret"), "{said}");
}

#[tokio::test]
async fn the_doctor_tells_whether_the_server_can_search() {
    let without = postgres::shared().database();
    let with = postgres::shared_with_pgvector().database();
    let mut said = Vec::new();
    for database in [&without, &with] {
        let mut command = host::command();
        let output = command
            .arg("doctor")
            .env("FEEDBACK_DATABASE_URL", database.url())
            .env("FEEDBACK_MATCHING__SEARCH", "pgvector")
            .output();
        let output = output.await.expect("it runs");
        said.push(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    assert!(
        said[0].contains("BAD  MATCHING.SEARCH: the server does not have pgvector"),
        "{said:?}"
    );
    assert!(
        said[1].contains("ok   MATCHING.SEARCH: the next start creates pgvector"),
        "{said:?}"
    );
}
