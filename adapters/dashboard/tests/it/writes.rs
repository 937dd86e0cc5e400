//! What it takes to change something: a page of ours, the session's own token, and a method that says so.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use feedback_core::{
    ports::{PortErrorKind, Storage},
    testing::hub::TestHub,
};
use feedback_dashboard::CookieSecurity;

use crate::person::{Person, SITE, drafted, link, reported};

/// Every address that takes a form, for a ticket and a draft.
fn forms(ticket: &str, draft: &str) -> Vec<String> {
    let id = "018f3b5e-0000-7000-8000-000000000000";
    vec![
        format!("{ticket}/confirm"),
        format!("{ticket}/draft"),
        format!("{draft}/update"),
        format!("{draft}/approve"),
        format!("{draft}/reject"),
        format!("/notifications/{id}/retry"),
        format!("/notifications/{id}/resolve"),
        format!("/dead-letters/{id}/retry"),
        format!("/dead-letters/{id}/discard"),
        "/sign-out".to_owned(),
    ]
}

#[tokio::test]
async fn f86_a_form_without_the_sessions_own_token_is_refused() {
    let test = TestHub::new().await;
    let (person, other) = (Person::reviewer(&test).await, Person::reviewer(&test).await);
    let (ticket, draft) = drafted(&test, &person, "It is fixed.").await;
    let own = person.get("/tickets").await.field("csrf");
    let foreign = other.get("/tickets").await.field("csrf");
    assert_ne!(own, foreign);
    let shortened = &own[..own.len() - 1];
    for form in forms(&ticket, &draft) {
        for fields in [
            &[][..],
            &[("csrf", "")],
            &[("csrf", foreign.as_str())],
            &[("csrf", shortened)],
            &[("xcsrf", own.as_str())],
            // The first counts: what an attacker adds behind it changes nothing.
            &[("csrf", foreign.as_str()), ("csrf", own.as_str())],
        ] {
            let mut all = vec![
                ("version", "1"),
                ("content", "Owned."),
                ("type", "bug"),
                ("priority", "P1"),
            ];
            all.extend_from_slice(fields);
            let answer = person.post_as_is(&form, &all).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form} {fields:?}");
        }
    }
    assert!(test.store.all_notifications().is_empty());
    assert_eq!(
        person.get("/tickets").await.status,
        StatusCode::OK,
        "nobody was signed out"
    );
}

#[tokio::test]
async fn f86_a_form_of_another_site_is_refused_even_with_the_token() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (ticket, draft) = drafted(&test, &person, "It is fixed.").await;
    let csrf = person.get("/tickets").await.field("csrf");
    let fields = [("csrf", csrf.as_str()), ("version", "1"), ("content", "Owned.")];
    for form in forms(&ticket, &draft) {
        for from in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://evil.test")],
            &[("origin", "null")],
            // What the browser itself says counts for more than a matching origin.
            &[("sec-fetch-site", "cross-site"), ("origin", SITE)],
        ] {
            let answer = person.post_from(&form, &fields, from).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{form} {from:?}");
        }
    }
    assert!(test.store.all_notifications().is_empty());
}

#[tokio::test]
async fn nobody_can_be_signed_in_from_another_site() {
    let test = TestHub::new().await;
    let link = link(&test, &test.reviewer).await;
    let mut victim = Person::stranger(&test, CookieSecurity::LoopbackHttp);
    let answer = victim
        .post_from("/sign-in", &[("link", &link)], &[("sec-fetch-site", "cross-site")])
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(
        victim.sign_in(&link).await.status,
        StatusCode::SEE_OTHER,
        "the link is not used up"
    );
}

#[tokio::test]
async fn an_older_browser_says_where_it_comes_from_by_origin() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let csrf = person.get("/tickets").await.field("csrf");
    let answer = person
        .post_from("/sign-out", &[("csrf", &csrf)], &[("origin", SITE)])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn looking_writes_nothing() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (ticket, draft) = drafted(&test, &person, "It is fixed.").await;
    let (jobs, tickets) = (test.store.jobs(), test.store.all_tickets());
    // A trap: the next commit of anybody fails, and a page that made it would say so.
    test.store.fail_next_commit(PortErrorKind::Unavailable);
    for page in [
        "/",
        "/tickets",
        "/tickets?q=export",
        &ticket,
        "/notifications",
        "/dead-letters",
        "/sign-in",
    ] {
        for method in [Method::GET, Method::HEAD] {
            let request = Request::builder()
                .method(method)
                .uri(page)
                .header(header::COOKIE, person.cookie.clone().unwrap());
            let answer = person.send(request.body(Body::empty()).unwrap()).await;
            assert!(
                answer.status.is_success() || answer.status == StatusCode::SEE_OTHER,
                "{page}: {}",
                answer.status
            );
        }
    }
    for form in forms(&ticket, &draft) {
        assert_eq!(person.get(&form).await.status, StatusCode::METHOD_NOT_ALLOWED, "{form}");
    }
    assert_eq!((test.store.jobs(), test.store.all_tickets()), (jobs, tickets));
    let trap = test.store.commit(feedback_core::domain::Change::new()).await;
    assert!(trap.is_err(), "the trap was still set");
}

#[tokio::test]
async fn a_form_that_is_too_long_or_incomplete_changes_nothing() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (_, number) = reported(&test, "the export hangs").await;
    let confirm = format!("/tickets/{}/confirm", number.value());
    let long = "x".repeat(64 * 1024);
    assert_eq!(
        person.post(&confirm, &[("type", &long)]).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    for fields in [
        &[][..],
        &[("version", "1")],
        &[("version", "one"), ("type", "bug"), ("priority", "P1")],
        &[("version", "-1"), ("type", "bug"), ("priority", "P1")],
        &[("version", "1"), ("type", "urgent"), ("priority", "P1")],
        &[("version", "1"), ("type", "bug"), ("priority", "P9")],
    ] {
        let answer = person.post(&confirm, fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(answer.html.contains("<h1>"), "a page, like everything else: {fields:?}");
    }
    assert!(test.store.all_tickets()[0].confirmation.is_none());
}
