//! Commands as a person types them: what they print, and with which code they end.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";

fn host(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-example"));
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("FEEDBACK_")) {
        command.env_remove(key);
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn with_input(mut command: Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes())
        .expect("it reads");
    child.wait_with_output().expect("it ends")
}

#[test]
fn serve_refuses_missing_and_weak_secrets_and_says_which() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = host(folder.path())
        .arg("serve")
        .env("FEEDBACK_SLACK__SIGNING_SECRET", "weak")
        .env("FEEDBACK_WHATSAPP__APP_SECRET", "0123456789abcdef")
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(78));
    let said = said(&output);
    for named in [
        "SLACK.SIGNING_SECRET is weak",
        "SLACK.BOT_TOKEN is missing",
        "WHATSAPP.ACCESS_TOKEN is missing",
    ] {
        assert!(said.contains(named), "{named} in {said}");
    }
    assert!(!folder.path().join("feedback.db").exists(), "nothing was made");
}

#[test]
fn serve_refuses_to_start_without_keys_to_seal_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = host(folder.path()).arg("serve").output().expect("it runs");
    assert_eq!(output.status.code(), Some(78));
    assert!(said(&output).contains("SECRET_KEYS is missing"), "{}", said(&output));
}

#[test]
fn a_weak_key_is_refused_by_name_and_not_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let weak = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let output = host(folder.path())
        .arg("serve")
        .env("FEEDBACK_SECRET_KEYS", weak)
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(78));
    assert!(said(&output).contains("SECRET_KEYS"), "{}", said(&output));
    assert!(!said(&output).contains("AAAAAAAA"), "the key is not printed");
}

#[test]
fn migrate_makes_the_database_and_a_second_run_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = host(folder.path()).arg("migrate").output().expect("it runs");
    assert!(first.status.success(), "{}", said(&first));
    let second = host(folder.path()).arg("migrate").output().expect("it runs");
    assert_eq!(said(&first), said(&second));
}

#[test]
fn f13_a_file_that_is_no_database_ends_with_65_and_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("feedback.db");
    fs::write(&file, "these are somebody's notes, not a database\n".repeat(200)).expect("written");
    let before = fs::read(&file).expect("read");
    let output = host(folder.path()).arg("migrate").output().expect("it runs");
    assert_eq!(output.status.code(), Some(65), "{}", said(&output));
    assert_eq!(fs::read(&file).expect("read"), before);
}

#[test]
fn f12_a_second_host_on_the_same_file_ends_with_75_and_names_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = host(folder.path())
        .arg("serve")
        .env("FEEDBACK_SECRET_KEYS", KEYS)
        .env("FEEDBACK_LISTEN", "127.0.0.1:0")
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let lock = folder.path().join("feedback.db.lock");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while fs::read_to_string(&lock).unwrap_or_default().trim().is_empty() {
        assert!(std::time::Instant::now() < end, "the first host did not take its lock");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let second = host(folder.path()).arg("migrate").output().expect("it runs");
    let pid = first.id().to_string();
    first.kill().expect("it runs");
    first.wait().expect("it ends");
    assert_eq!(second.status.code(), Some(75), "{}", said(&second));
    assert!(said(&second).contains(&pid), "{} names {pid}", said(&second));
}

#[test]
fn a_person_and_a_token_are_added_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let person = host(folder.path())
        .args(["user", "add", "Rita"])
        .output()
        .expect("it runs");
    assert!(said(&person).contains("/sign-in?link="), "{}", said(&person));
    let token = host(folder.path())
        .args(["token", "add", "reporting job"])
        .output()
        .expect("it runs");
    assert_eq!(String::from_utf8_lossy(&token.stdout).trim().len(), 64);
}

#[test]
fn a_token_is_revoked_by_whoever_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = host(folder.path())
        .args(["token", "add", "reporting job"])
        .output()
        .expect("it runs");
    let token = String::from_utf8_lossy(&token.stdout).trim().to_owned();
    let revoke = |line: &str| {
        let mut revoke = host(folder.path());
        revoke.args(["token", "revoke"]);
        with_input(revoke, line)
    };
    for _ in 0..2 {
        let revoked = revoke(&format!("{token}\n"));
        assert!(revoked.status.success(), "{}", said(&revoked));
    }
    let unknown = revoke("f00dfeed");
    assert!(!unknown.status.success());
    assert!(
        !said(&unknown).contains("f00dfeed"),
        "it is not repeated: {}",
        said(&unknown)
    );
    assert!(said(&unknown).contains("there is no such token"), "{}", said(&unknown));
}

#[test]
fn classify_and_scrub_read_json_lines_and_need_no_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = "{\"id\":1,\"text\":\"Nobody in the company can log in since 9\",\"channel\":\"slack\"}\n\n\
                 {\"id\":\"b\",\"text\":\"escribime a ana.perez@example.test por favor\"}\n";
    let mut classify = host(folder.path());
    classify.arg("classify");
    let output = with_input(classify, lines);
    let rows: Vec<Value> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(rows.len(), 2, "{}", said(&output));
    assert_eq!(
        (&rows[0]["id"], &rows[0]["type"]),
        (&Value::from(1), &Value::from("incident"))
    );

    let mut scrub = host(folder.path());
    scrub.arg("scrub");
    let output = with_input(scrub, lines);
    assert!(!said(&output).contains("ana.perez"), "{}", said(&output));
    assert!(said(&output).contains("\"label\":\"EMAIL\""), "{}", said(&output));
    assert!(
        fs::read_dir(folder.path()).expect("a folder").next().is_none(),
        "no file was made"
    );
}

#[test]
fn a_line_that_is_no_message_is_named_and_not_quoted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut scrub = host(folder.path());
    scrub.arg("scrub");
    let output = with_input(scrub, "{\"id\":1,\"text\":\"ok\"}\n{\"secret\":\"s3cr3t\"}\n");
    assert!(!output.status.success());
    assert!(said(&output).contains("line 2"), "{}", said(&output));
    assert!(!said(&output).contains("s3cr3t"), "{}", said(&output));
}

#[test]
fn serve_and_doctor_tell_what_is_wrong_with_the_encoders_weights() {
    let folder = tempfile::tempdir().expect("a folder");
    let weights = folder.path().join("encoder.bin");
    let with_weights = |argument: &str| {
        let mut command = host(folder.path());
        command
            .arg(argument)
            .env("FEEDBACK_SECRET_KEYS", KEYS)
            .env("FEEDBACK_LISTEN", "127.0.0.1:0")
            .env("FEEDBACK_MATCHING__EMBEDDER", "encoder")
            .env("FEEDBACK_MATCHING__ENCODER_WEIGHTS", &weights);
        command.output().expect("it runs")
    };
    let missing = with_weights("serve");
    assert_eq!(missing.status.code(), Some(78), "{}", said(&missing));
    assert!(said(&missing).contains("MATCHING.ENCODER_WEIGHTS: could not read"));
    fs::write(&weights, "no weights at all").expect("written");
    for (argument, code) in [("serve", 78), ("doctor", 1)] {
        let damaged = with_weights(argument);
        assert_eq!(damaged.status.code(), Some(code), "{}", said(&damaged));
        assert!(
            said(&damaged).contains("the weights are not of a form"),
            "{}",
            said(&damaged)
        );
    }
    let plain = host(folder.path()).arg("doctor").output().expect("it runs");
    assert!(
        said(&plain).contains("ok   Duplicates: vectors of 128 values by use-words-"),
        "{}",
        said(&plain)
    );
}
