//! In by a link that works once, and out.

use std::time::Duration;

use axum::http::{StatusCode, header};
use feedback_core::{
    ports::PortErrorKind,
    testing::hub::TestHub,
    usecases::{IDLE_LIMIT, LINK_LIMIT},
};
use feedback_dashboard::CookieSecurity;

use crate::person::{Person, link};

const PAGES: [&str; 5] = ["/", "/tickets", "/tickets/1", "/notifications", "/dead-letters"];

#[tokio::test]
async fn strangers_see_the_sign_in_page_and_nothing_else() {
    let test = TestHub::new().await;
    let mut stranger = Person::stranger(&test, CookieSecurity::LoopbackHttp);
    for cookie in [
        None,
        Some("feedback_session=guessed"),
        Some("feedback_session="),
        Some("other=1"),
    ] {
        stranger.cookie = cookie.map(str::to_owned);
        for page in PAGES {
            let answer = stranger.get(page).await;
            assert_eq!(
                (answer.status, answer.header(header::LOCATION)),
                (StatusCode::SEE_OTHER, "/sign-in"),
                "{page}"
            );
            assert!(answer.html.is_empty(), "{page}");
        }
        let answer = stranger.post_as_is("/tickets/1/draft", &[]).await;
        assert_eq!(answer.header(header::LOCATION), "/sign-in");
    }
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let test = TestHub::new().await;
    let link = link(&test, &test.reviewer).await;
    let mut first = Person::stranger(&test, CookieSecurity::LoopbackHttp);
    // Mail scanners open links, too: looking uses nothing up.
    for _ in 0..2 {
        let page = first.get(&format!("/sign-in?link={link}")).await;
        assert_eq!(page.field("link"), link);
    }
    let answer = first.sign_in(&link).await;
    assert_eq!(
        (answer.status, answer.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, "/tickets")
    );
    assert!(first.get("/tickets").await.html.contains("Rita Reviewer"));

    let mut second = Person::stranger(&test, CookieSecurity::LoopbackHttp);
    let answer = second.sign_in(&link).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.html.contains("This link was used"), "{}", answer.html);
    assert!(second.cookie.is_none());
}

#[tokio::test]
async fn a_link_is_over_after_its_hour() {
    let test = TestHub::new().await;
    let link = link(&test, &test.reviewer).await;
    test.clock.advance(LINK_LIMIT);
    let answer = Person::stranger(&test, CookieSecurity::LoopbackHttp)
        .sign_in(&link)
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    test.clock.advance(IDLE_LIMIT - Duration::from_secs(1));
    assert_eq!(person.get("/tickets").await.status, StatusCode::OK);
    test.clock.advance(IDLE_LIMIT);
    assert_eq!(person.get("/tickets").await.header(header::LOCATION), "/sign-in");
}

#[tokio::test]
async fn sign_out_ends_the_session_and_no_other() {
    let test = TestHub::new().await;
    let (person, other) = (Person::reviewer(&test).await, Person::reviewer(&test).await);
    let answer = person.post("/sign-out", &[]).await;
    assert_eq!(
        (answer.status, answer.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, "/sign-in")
    );
    assert!(answer.header(header::SET_COOKIE).contains("Max-Age=0"));
    // "cookies" would reach every site of the domain.
    assert_eq!(answer.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!(
        person.get("/tickets").await.header(header::LOCATION),
        "/sign-in",
        "the old cookie is worth nothing"
    );
    assert_eq!(other.get("/tickets").await.status, StatusCode::OK);
}

#[tokio::test]
async fn f86_the_cookie_is_kept_from_scripts_and_from_plain_http() {
    let test = TestHub::new().await;
    for (security, name, is_secure) in [
        (CookieSecurity::HttpsOnly, "__Host-feedback=", true),
        (CookieSecurity::LoopbackHttp, "feedback_session=", false),
    ] {
        let mut person = Person::stranger(&test, security);
        let answer = person.sign_in(&link(&test, &test.reviewer).await).await;
        let cookie = answer.header(header::SET_COOKIE);
        assert!(cookie.starts_with(name), "{name}");
        for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax"] {
            assert!(cookie.contains(part), "{part}");
        }
        assert_eq!(cookie.contains("; Secure"), is_secure);
        assert_eq!(person.get("/tickets").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_store_that_is_away_signs_nobody_in_and_uses_no_link_up() {
    let test = TestHub::new().await;
    let link = link(&test, &test.reviewer).await;
    let mut person = Person::stranger(&test, CookieSecurity::LoopbackHttp);
    test.store.fail_next_commit(PortErrorKind::Unavailable);
    let answer = person.sign_in(&link).await;
    assert_eq!(
        (answer.status, answer.header(header::RETRY_AFTER)),
        (StatusCode::SERVICE_UNAVAILABLE, "30")
    );
    assert_eq!(person.sign_in(&link).await.status, StatusCode::SEE_OTHER);
}
