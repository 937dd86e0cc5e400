//! Keys are rotated while the rotation is killed again and again: everything opens at the end, and nothing is left under the
//! old key.
//!
//! `FEEDBACK_ROTATION_ROWS` and `FEEDBACK_ROTATION_KILLS` make it the long campaign.

use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

use feedback_adapters::{
    sqlite::{Sqlite, SqliteConfig},
    vault::{KeyRing, RingVault},
};
use feedback_core::{
    domain::{Change, Reporter, ReporterId, Write},
    ports::{Custody, KeyScope, Place, ReporterKey, Storage, Vault, WrappedKind},
    testing::fixtures::Fixtures,
    usecases::RotateKeys,
};
use feedback_tests::host::command;

const OLD: &str = "old:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";
const NEW: &str = "new:bE4n1kTq9sWz7xYc3vRu5pJh8mGd2fLa6oQiKtVwX0M=";
const INDEX: &str = "index:Yt3Yh7pQ5cXb1nQk2v0s8rWf6mD4gJ9aLzUeTiOyP0E=";

fn vault(keys: &[&str]) -> RingVault {
    RingVault::new(KeyRing::parse(&keys.join(",")).expect("the test's ring is one"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a campaign is to be is said where it is started"
)]
fn number(key: &str, default: usize) -> usize {
    std::env::var(key)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn name_at(id: ReporterId) -> Place {
    Place {
        table: "reporters",
        column: "name",
        row: *id.as_uuid(),
    }
}

/// Reporters with names, sealed under the old key alone.
async fn fill(path: &Path, rows: usize) -> Vec<ReporterId> {
    let store = Sqlite::open(SqliteConfig::new(path)).expect("a new database");
    let (vault, fixtures) = (vault(&[OLD, INDEX]), Fixtures::new(5));
    let mut ids = Vec::with_capacity(rows);
    while ids.len() < rows {
        let mut change = Change::new();
        for _ in 0..1000.min(rows - ids.len()) {
            let blank = fixtures.reporter();
            let key = vault.new_subject_key(blank.id).expect("the system has randomness");
            let plain = blank.id.to_string();
            let name = vault.seal(KeyScope::Subject(blank.id, &key), name_at(blank.id), plain.as_bytes());
            ids.push(blank.id);
            change.push(Write::InsertReporter(Reporter {
                key: Some(key),
                name: Some(name.expect("the key is of this ring")),
                email: None,
                email_index: None,
                email_verified: false,
                phone: None,
                phone_index: None,
                ..blank
            }));
        }
        store.commit(change).await.expect("they are new");
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_is_killed_again_and_again_leaves_nothing_unreadable_and_nothing_on_the_old_key() {
    let (rows, kills) = (
        number("FEEDBACK_ROTATION_ROWS", 4000),
        number("FEEDBACK_ROTATION_KILLS", 8),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rotation.db");
    let ids = fill(&path, rows).await;

    let mut killed = 0;
    loop {
        let mut rotation = command()
            .arg("rotate-keys")
            .env("FEEDBACK_DATABASE_URL", format!("sqlite://{}", path.display()))
            .env("FEEDBACK_SECRET_KEYS", [NEW, OLD, INDEX].join(","))
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the host binary can be run");
        // Now and then the file of a process that was just killed is still held: that run ends by itself, and is none.
        let pause = Duration::from_millis(30 + (killed as u64 * 37) % 170);
        if killed < kills && tokio::time::timeout(pause, rotation.wait()).await.is_err() {
            rotation.kill().await.expect("a running child can be killed");
            killed += 1;
            continue;
        }
        let status = rotation.wait().await.expect("a child can be waited for");
        if status.success() && killed >= kills.min(killed + 1) {
            break;
        }
        if status.success() {
            break;
        }
        assert_eq!(
            status.code(),
            Some(75),
            "a rotation ends well, or finds the file in use"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(killed > 0, "no rotation was killed in the middle");

    let store = Sqlite::open(SqliteConfig::new(&path)).expect("nobody holds it");
    let rotated = RotateKeys::new(Arc::new(store.clone()), Arc::new(vault(&[NEW, OLD, INDEX])))
        .rotate()
        .await;
    let rotated = rotated.expect("the store answers");
    assert_eq!(
        (rotated.moved, rotated.current, rotated.unreadable),
        (0, rows as u64, 0),
        "after {killed} kills"
    );
    // The old key is gone for good.
    let only_new = vault(&[NEW, INDEX]);
    for id in &ids {
        let reporter = store
            .reporter(ReporterKey::Id(*id))
            .await
            .expect("the store answers")
            .expect("nobody was lost");
        let key = reporter.key.expect("nobody was erased");
        let name = reporter.name.expect("names stay");
        let opened = only_new.open(KeyScope::Subject(*id, &key), name_at(*id), &name);
        assert_eq!(
            opened.expect("it opens without the old key").as_slice(),
            id.to_string().as_bytes()
        );
    }
    let left = store
        .wrapped(WrappedKind::SubjectKey, None, rows + 1)
        .await
        .expect("the store answers");
    assert_eq!(left.len(), rows);
    println!("{rows} rows, {killed} kills: 0 unreadable, 0 on the old key");
}
