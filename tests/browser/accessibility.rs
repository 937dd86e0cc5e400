//! What a program can find of what keeps people out: axe-core's rules over every page, in light and in dark, and pages that
//! are wider than a telephone.

use std::{fs, path::Path};

use feedback_tests::browser::Browser;
use serde_json::Value;

use crate::reviewer::{assert_no_complaints, demo, page_of, signed_in, ticket_from_slack};

/// axe-core as one script, which `tests/run` fetches: it is a third of this repository's size.
fn axe() -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = workspace.join("target/test-tools/axe/axe_playwright_python/axe.min.js");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; `tests/run` fetches it", path.display()))
}

/// What axe finds on the page: rule and place.
async fn findings(browser: &Browser, axe: &str) -> Vec<String> {
    browser.run(axe, Vec::new()).await;
    let script = "const done = arguments[arguments.length - 1];
        axe.run().then((found) => done(found.violations), (error) => done([{id: String(error), nodes: []}]))";
    let found = browser.run_async(script).await;
    let violations = found.as_array().expect("axe gives a list");
    violations.iter().map(described).collect()
}

fn described(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().into_iter().flatten();
    let places: Vec<_> = nodes
        .map(|node| format!("{} {}", node["target"], node["failureSummary"]))
        .collect();
    format!("{}: {}", violation["id"], places.join("; "))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_breaks_a_rule_of_axe() {
    let axe = axe();
    let host = demo().await;
    let browser = signed_in(host.sign_in.as_deref().expect("a demo prints a link")).await;
    let ticket = page_of(&host, &ticket_from_slack(&host).await);
    browser.open(&ticket).await;
    browser.click("#valve form button").await;
    browser.reads("#valve", "Version 1").await;
    let draft = browser
        .run("return document.querySelector('#valve form').action", Vec::new())
        .await;
    let person = browser
        .run(
            "return document.querySelector(\"a[href^='/people/']\").href",
            Vec::new(),
        )
        .await;
    let person = person.as_str().expect("the ticket's page links its reporter");

    for path in [
        "/tickets",
        "/tickets?q=nothing-like-it",
        &ticket,
        person,
        "/groups",
        "/notifications",
        "/dead-letters",
        "/sign-in",
    ] {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", host.url)
        };
        browser.open(&url).await;
        for scheme in ["light", "dark"] {
            browser
                .run(
                    "document.documentElement.style.colorScheme = arguments[0]",
                    vec![scheme.into()],
                )
                .await;
            let found = findings(&browser, &axe).await;
            assert!(found.is_empty(), "{path}, {scheme}: {found:#?}");
        }
        // WCAG 1.4.10: no reading from side to side. Wide tables scroll in a frame of their own.
        browser.resize(400, 800).await;
        let wide = "const page = document.documentElement; return [page.scrollWidth, page.clientWidth]";
        let wide = browser.run(wide, Vec::new()).await;
        assert!(
            wide[0].as_u64() <= wide[1].as_u64() && wide[1].as_u64() < Some(500),
            "{path}: {wide}"
        );
        browser.resize(1280, 900).await;
    }
    assert_no_complaints(&browser).await;

    // A refusal is a page, too. That it is a 404 or 409 is what the browser's log is about here.
    assert!(
        draft.as_str().is_some_and(|action| action.contains("/approve")),
        "{draft}"
    );
    browser.open(&format!("{}/tickets/99999", host.url)).await;
    let found = findings(&browser, &axe).await;
    assert!(found.is_empty(), "a problem: {found:#?}");

    // The rules do find what breaks them.
    browser
        .run(
            "document.querySelector('main').append(document.createElement('img'))",
            Vec::new(),
        )
        .await;
    let found = findings(&browser, &axe).await;
    assert!(matches!(&found[..], [one] if one.contains("image-alt")), "{found:#?}");
    browser.quit().await;
}
