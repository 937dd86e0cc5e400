//! Without a mouse.

use feedback_tests::browser::Browser;
use serde_json::Value;
use thirtyfour::Key;

use crate::reviewer::{assert_no_complaints, demo, page_of, signed_in, ticket_from_slack};

/// What has the focus, in a few words; and whether one can see that it has.
async fn focus(browser: &Browser) -> (String, bool) {
    let script = "const e = document.activeElement; const style = getComputedStyle(e);
        return [e.id || e.name || e.textContent.trim(), e.matches(':focus-visible') && style.outlineStyle !== 'none']";
    let answer = browser.run(script, Vec::new()).await;
    let name = answer[0].as_str().unwrap_or_default().to_owned();
    (name, answer[1] == Value::Bool(true))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_confirmed_by_keys_alone() {
    let host = demo().await;
    let browser = signed_in(host.sign_in.as_deref().expect("a demo prints a link")).await;
    let ticket = ticket_from_slack(&host).await;
    browser.open(&page_of(&host, &ticket)).await;

    browser.press(Key::Tab).await;
    assert_eq!(
        focus(&browser).await,
        ("Skip to content".to_owned(), true),
        "the first stop leads past the navigation"
    );
    browser.press(Key::Enter).await;
    assert_eq!(focus(&browser).await.0, "main");

    let mut stops = Vec::new();
    while stops.last().is_none_or(|last| last != "Confirm") {
        browser.press(Key::Tab).await;
        let (name, is_visible) = focus(&browser).await;
        assert!(is_visible, "one sees where {name:?} is, after {stops:?}");
        stops.push(name);
        assert!(stops.len() < 20, "Confirm is not reached: {stops:?}");
    }
    assert!(
        !stops.iter().any(|stop| stop == "Sign out"),
        "the navigation was skipped: {stops:?}"
    );
    let fields: Vec<_> = stops.iter().rev().take(3).map(String::as_str).collect();
    assert_eq!(
        fields,
        ["Confirm", "priority", "type"],
        "in the order in which one reads"
    );
    browser.press(Key::Enter).await;
    browser.reads("#triage", "by You").await;
    assert_no_complaints(&browser).await;
    browser.quit().await;
}
