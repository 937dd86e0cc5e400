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
