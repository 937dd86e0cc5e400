//! Replays the fuzz corpus on a stable compiler: every seed and every past crash stays checked without a fuzzer.

use std::{fs, path::PathBuf};

#[path = "../../fuzz/checks.rs"]
mod checks;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(folder).expect("every target has a folder of seeds") {
        check(&fs::read(entry.expect("the folder can be listed").path()).expect("a seed can be read"));
        seeds += 1;
    }
    assert!(seeds > 0, "{target} has no seeds");
}

#[test]
fn slack_holds_on_its_corpus() {
    replay("slack", checks::slack);
}

#[test]
fn intercom_holds_on_its_corpus() {
    replay("intercom", checks::intercom);
}

#[test]
fn whatsapp_holds_on_its_corpus() {
    replay("whatsapp", checks::whatsapp);
}

#[test]
fn email_holds_on_its_corpus() {
    replay("email", checks::email);
}

#[test]
fn signature_holds_on_its_corpus() {
    replay("signature", checks::signature);
}

#[test]
fn cursor_holds_on_its_corpus() {
    replay("cursor", checks::cursor);
}

#[test]
fn scrub_holds_on_its_corpus() {
    replay("scrub", checks::scrub);
}
