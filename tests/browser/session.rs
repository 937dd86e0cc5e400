//! In and out.

use feedback_tests::browser::Browser;

use crate::reviewer::{demo, signed_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_link_works_once_and_sign_out_ends_what_it_began() {
    let host = demo().await;
    let link = host.sign_in.clone().expect("a demo prints a link");
    let browser = signed_in(&link).await;

    let other = Browser::start().await;
    other.open(&link).await;
    other.click("main button").await;
    other.reads("[role=alert]", "This link was used").await;
    other.open(&format!("{}/tickets", host.url)).await;
    assert_eq!(other.path().await, "/sign-in", "who was refused is nobody");
    other.quit().await;

    browser.click(".who button").await;
    browser.reads("main", "You sign in by a link that works once.").await;
    browser.open(&format!("{}/tickets", host.url)).await;
    assert_eq!(
        browser.path().await,
        "/sign-in",
        "the old cookie is gone or worth nothing"
    );
    assert_eq!(browser.run("return document.cookie", Vec::new()).await, "");
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_left_open_tells_that_its_session_is_over() {
    let host = demo().await;
    let browser = signed_in(host.sign_in.as_deref().expect("a demo prints a link")).await;
    // What signing out in another window does.
    let script = "const form = document.querySelector('.who');
        return fetch(form.action, {method: 'POST', body: new URLSearchParams(new FormData(form))}).then(() => null)";
    browser.run(script, Vec::new()).await;
    browser.reads("#news", "You are signed out.").await;
    browser.reads("#tickets", "Slack").await;
    browser.quit().await;
}
