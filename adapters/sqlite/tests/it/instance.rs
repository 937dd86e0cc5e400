//! One process for one file.

use std::{
    io::{BufRead, BufReader, Write as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use feedback_core::{
    domain::{Change, Queue, Write},
    ports::{ClaimRequest, JobQueue, Queries, Storage},
    testing::fixtures::Fixtures,
};
use feedback_sqlite::{OpenError, Sqlite, SqliteConfig};

use super::{file, open, store};

const FILE: &str = "FEEDBACK_SQLITE_TEST_FILE";

#[test]
fn f12_a_second_open_is_refused_and_names_the_holder() {
    let (first, folder) = store();
    let error = Sqlite::open(SqliteConfig::new(file(&folder))).unwrap_err();
    let OpenError::Locked { pid, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(
        error
            .to_string()
            .ends_with(&format!("is held by process {}", std::process::id()))
    );
    drop(first);
    open(&file(&folder));
}

#[test]
fn two_names_of_one_file_meet_at_one_lock() {
    let (_first, folder) = store();
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(file(&folder), &link).unwrap();
    assert!(matches!(
        Sqlite::open(SqliteConfig::new(link)),
        Err(OpenError::Locked { .. })
    ));
}

/// Not a test: what the child process of the next ones runs. It claims a job, says so, and waits to be killed.
#[tokio::test]
#[ignore = "run by other tests, in a process of its own"]
async fn child_holds_the_file() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's child process is told by its environment"
    )]
    let path = std::env::var(FILE).unwrap();
    let store = open(path.as_ref());
    let fixtures = Fixtures::default();
    let now = fixtures.now();
    let far = now.plus(Duration::from_secs(365 * 24 * 3600));
    store
        .claim(ClaimRequest {
            queue: Queue::Default,
            limit: 9,
            lease_until: far,
            now,
        })
        .await
        .unwrap();
    // The harness writes to the same stream, so that the line begins anew.
    print!("\nholding\n");
    std::io::stdout().flush().unwrap();
    std::future::pending::<()>().await;
}

fn child(path: &std::path::Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["instance::child_holds_the_file", "--exact", "--ignored", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "holding"), "the child opens the file");
    child
}

#[tokio::test]
async fn f01_leases_of_a_killed_process_are_taken_back_at_once_and_the_third_death_buries() {
    let (first, folder) = store();
    let (path, fixtures) = (file(&folder), Fixtures::default());
    let job = fixtures.job();
    first
        .commit(Change::new().with(Write::Enqueue(job.clone())))
        .await
        .unwrap();
    drop(first);
    for death in 1..=3 {
        let mut child = child(&path);
        let error = Sqlite::open(SqliteConfig::new(&path)).unwrap_err();
        assert!(
            matches!(error, OpenError::Locked { pid: Some(pid), .. } if pid == child.id()),
            "{error}"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        let next = open(&path);
        let status = next.ops_status(fixtures.now()).await.unwrap();
        assert_eq!(
            (status.jobs_due, status.jobs_running, status.dead),
            if death < 3 { (1, 0, 0) } else { (0, 0, 1) }
        );
    }
    let letter = open(&path).dead_letter(job.id).await.unwrap().unwrap();
    assert_eq!((letter.job.deaths, letter.job.attempts), (3, 3));
    assert_eq!(letter.job.last_error.as_deref(), Some("crash_loop"));
}

#[tokio::test]
async fn a_file_that_is_closed_and_opened_again_has_everything() {
    let (first, folder) = store();
    let rows = Fixtures::default().intake();
    first.commit(rows.change()).await.unwrap();
    let version = first.schema_version();
    drop(first);
    assert!(
        !folder.path().join("feedback.db-wal").exists(),
        "closing moves the log into the file"
    );
    let second = open(&file(&folder));
    assert_eq!(second.sources(rows.ticket.id).await.unwrap(), [rows.source]);
    assert!(version >= 1 && second.schema_version() == version);
}
