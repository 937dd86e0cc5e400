//! Which way things may depend, and what may stand nowhere: read from cargo's own metadata and from the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Crates of the workspace and what each depends on, test dependencies aside.
fn graph() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().expect("metadata lists packages");
    packages
        .iter()
        .map(|package| {
            let needs = package["dependencies"]
                .as_array()
                .expect("a package lists dependencies");
            let needs = needs
                .iter()
                .filter(|need| need["kind"].is_null())
                .map(|need| text(&need["name"]))
                .collect();
            (text(&package["name"]), needs)
        })
        .collect()
}

fn metadata(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a name is text").to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the workspace")
        .to_owned()
}

/// Every Rust source of the workspace, with its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default()
                .to_owned();
            if path.is_dir() {
                if !["target", ".git", "corpus"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let shown = path.strip_prefix(root()).expect("it lies below").display().to_string();
                found.push((shown, fs::read_to_string(&path).expect("a source is text")));
            }
        }
    }
    found
}

#[test]
fn the_core_knows_no_client_no_sql_and_no_server() {
    let core = &graph()["feedback-core"];
    for forbidden in ["reqwest", "rusqlite", "sqlx", "axum", "hyper", "rustls", "refinery"] {
        assert!(!core.contains(forbidden), "feedback-core depends on {forbidden}");
    }
    assert!(
        core.iter().all(|need| !need.starts_with("feedback-")),
        "the core depends on nothing of ours"
    );
}

#[test]
fn no_adapter_imports_another_but_the_shared_http_client() {
    let graph = graph();
    let inner = ["feedback-core", "feedback-http-client"];
    let outer = [
        "feedback-adapters",
        "host-example",
        "feedback-tests",
        "feedback-benches",
    ];
    for (name, needs) in graph.iter().filter(|(name, _)| !outer.contains(&name.as_str())) {
        for need in needs.iter().filter(|need| need.starts_with("feedback-")) {
            assert!(inner.contains(&need.as_str()), "{name} depends on {need}");
        }
    }
    let sandbox = &graph["feedback-sandbox"];
    assert!(
        sandbox.iter().all(|need| !need.starts_with("feedback-")),
        "the sandbox depends on nothing of ours"
    );
}

#[test]
fn one_sqlite_and_one_tls_stack_are_in_the_graph() {
    let packages = metadata(&["--all-features"]);
    let names: Vec<_> = packages["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| text(&package["name"]))
        .collect();
    assert_eq!(names.iter().filter(|name| *name == "libsqlite3-sys").count(), 1);
    for forbidden in ["openssl-sys", "native-tls", "aws-lc-sys"] {
        assert!(
            !names.iter().any(|name| name == forbidden),
            "{forbidden} is in the graph"
        );
    }
}

#[test]
fn inbound_adapters_never_touch_storage() {
    for (path, source) in sources() {
        let inbound = path.starts_with("adapters/axum/src") || path.starts_with("adapters/dashboard/src");
        assert!(
            !inbound || !source.contains("ports::Storage") && !source.contains("dyn Storage"),
            "{path} uses Storage"
        );
    }
}

#[test]
fn only_storage_adapters_restore_what_only_the_core_may_make() {
    let allowed = [
        "adapters/sqlite/",
        "adapters/postgres/",
        "feedback-core/src/domain/text.rs",
        "feedback-core/src/testing/",
        "tests/architecture.rs",
    ];
    for (path, source) in sources() {
        let uses = source.contains("Scrubbed::restore");
        assert!(
            !uses || allowed.iter().any(|prefix| path.starts_with(prefix)),
            "{path} restores scrubbed text"
        );
    }
}

#[test]
fn the_layers_of_the_core_import_downwards_only() {
    let layers = [
        ("domain", &["logic", "ports", "usecases", "worker", "hub"][..]),
        ("logic", &["usecases", "worker", "hub"][..]),
        ("ports", &["usecases", "worker", "hub"][..]),
        ("usecases", &["worker", "hub"][..]),
    ];
    for (path, source) in sources() {
        for (layer, above) in layers {
            if !path.starts_with(&format!("feedback-core/src/{layer}/")) {
                continue;
            }
            // Tests, documentation and links may look up.
            let code: String = source
                .split("#[cfg(test)]")
                .next()
                .unwrap_or_default()
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n");
            for module in above {
                assert!(!code.contains(&format!("crate::{module}")), "{path} imports {module}");
            }
        }
    }
}

#[test]
fn names_that_say_nothing_stand_nowhere() {
    let forbidden = [
        "utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "impl",
    ];
    for (path, _) in sources() {
        let stem = Path::new(&path)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default()
            .to_owned();
        assert!(!forbidden.contains(&stem.as_str()), "{path}");
    }
}

/// Faults and abuse are numbered; a test that is named after a number (`f01_…`, or `f04_f05_…` for several) is the answer to
/// it.
#[test]
fn every_fault_and_abuse_case_has_a_test_named_after_it() {
    let sources = sources();
    let missing: Vec<String> = (1..=86)
        .map(|row| format!("f{row:02}_"))
        .filter(|name| {
            let named = [format!("fn {name}"), format!("_{name}")];
            !sources
                .iter()
                .any(|(_, source)| named.iter().any(|name| source.contains(name)))
        })
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}
