//! A person's copy, their erasure, a backup that would bring them back, and a timeline that somebody rewrote: by the
//! commands that an operator has.

use std::{path::Path, process::Output};

use feedback_tests::{
    api::Api,
    host::{Host, command, free_address},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const TOKEN: &str = "rights-test-token-0123456789";
const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";

fn environment(folder: &Path) -> Vec<(&'static str, String)> {
    vec![
        (
            "FEEDBACK_DATABASE_URL",
            format!("sqlite://{}", folder.join("rights.db").display()),
        ),
        ("FEEDBACK_SECRET_KEYS", KEYS.to_owned()),
    ]
}

async fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command();
    command.args(arguments).current_dir(folder);
    for (key, value) in environment(folder) {
        command.env(key, value);
    }
    command.output().await.expect("the host binary can be run")
}

fn said(output: &Output) -> String {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    format!("{out}{err}")
}

/// A report that the hub took.
async fn made(api: &Api, body: &Value) -> Value {
    let (status, ticket) = api.call(Method::POST, "/api/tickets", Some(body)).await;
    assert_eq!(status, StatusCode::CREATED, "{ticket}");
    ticket
}

/// Whether any file of the folder has the words, as they are.
fn lies_open(folder: &Path, words: &str) -> bool {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries.flatten().any(|entry| {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        bytes.windows(words.len()).any(|window| window == words.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn f85_a_person_is_exported_erased_and_stays_erased_in_a_restored_backup() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let host = Host::serve(free_address(), TOKEN, &environment(path)).await;
    let api = host.api();
    let report = |user: &str, text: &str| json!({"description": text, "reporter": {"external_user_id": user}});
    let mine = made(&api, &report("ana", "The zanzibar export hangs")).await;
    let other = made(&api, &report("bob", "The kilimanjaro import hangs")).await;
    let reporter = mine["reporter"]["id"]
        .as_str()
        .expect("a reporter has an id")
        .to_owned();
    host.kill().await;
    let backup = path.with_extension("backup");
    std::fs::create_dir(&backup).expect("a folder for the backup");
    for name in ["rights.db", "rights.db-wal"] {
        if path.join(name).exists() {
            std::fs::copy(path.join(name), backup.join(name)).expect("the backup is made");
        }
    }

    let exported = run(path, &["export", &reporter]).await;
    assert!(
        exported.status.success() && said(&exported).contains("The zanzibar export hangs"),
        "{}",
        said(&exported)
    );
    assert!(!said(&exported).contains("kilimanjaro"));
    let erased = run(path, &["erase", &reporter]).await;
    assert!(
        erased.status.success() && said(&erased).contains("1 tickets blanked"),
        "{}",
        said(&erased)
    );
    assert!(
        !lies_open(path, "zanzibar"),
        "nothing of the person's words is left in the files"
    );
    assert!(lies_open(path, "kilimanjaro"), "others are untouched");
    let verified = run(path, &["verify"]).await;
    assert!(verified.status.success(), "{}", said(&verified));

    for name in ["rights.db", "rights.db-wal", "rights.db-shm"] {
        let _ = std::fs::remove_file(path.join(name));
        if backup.join(name).exists() {
            std::fs::copy(backup.join(name), path.join(name)).expect("the backup is put back");
        }
    }
    std::fs::remove_dir_all(&backup).expect("the backup is put away");
    assert!(lies_open(path, "zanzibar"), "the backup had them");
    let host = Host::serve(free_address(), TOKEN, &environment(path)).await;
    let shown = host
        .api()
        .get(&format!("/api/tickets/{}", mine["id"].as_str().unwrap_or_default()))
        .await;
    assert_eq!(
        shown["title"], "[erased]",
        "a restored hub erases again before it answers"
    );
    let shown = host
        .api()
        .get(&format!("/api/tickets/{}", other["id"].as_str().unwrap_or_default()))
        .await;
    assert_ne!(shown["title"], "[erased]");
    host.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_that_somebody_rewrote_is_named_by_ticket_and_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let host = Host::serve(free_address(), TOKEN, &environment(path)).await;
    let body = json!({"description": "The export hangs", "reporter": {"external_user_id": "ana"}});
    let ticket = made(&host.api(), &body).await;
    host.kill().await;
    {
        let database = rusqlite::Connection::open(path.join("rights.db")).expect("nobody holds it");
        let update = "UPDATE ticket_events SET kind = 'dismissed' WHERE seq = 1";
        let refused = database.execute(update, []).expect_err("the database itself refuses");
        assert!(refused.to_string().contains("append-only"), "{refused}");
        database
            .execute_batch("DROP TRIGGER ticket_events_refuse_update")
            .expect("an owner can");
        database.execute(update, []).expect("and then rewrite");
    }
    let verified = run(path, &["verify"]).await;
    assert_eq!(verified.status.code(), Some(65), "{}", said(&verified));
    let named = format!("Ticket #{}: event 1", ticket["number"]);
    assert!(said(&verified).contains(&named), "{}", said(&verified));
}
