//! What every answer has, and what becomes of hostile words.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use feedback_core::testing::hub::TestHub;
use feedback_dashboard::CookieSecurity;

use crate::person::{Answer, Person, drafted, reported};

const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)> {{7*7}} \u{202E}txt.exe &amp;lt;";

fn assert_guarded(answer: &Answer, what: &str) {
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{what}: {policy}");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff", "{what}");
    assert_eq!(answer.header(header::REFERRER_POLICY), "no-referrer", "{what}");
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{what}");
    assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{what}");
}

#[tokio::test]
async fn every_answer_tells_the_browser_what_it_may_not_do() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let stranger = Person::stranger(&test, CookieSecurity::LoopbackHttp);
    let (ticket, draft) = drafted(&test, &person, "It is fixed.").await;
    for page in [
        "/",
        "/tickets",
        &ticket,
        "/tickets/99",
        "/tickets/x",
        "/notifications",
        "/dead-letters",
        "/sign-in?link=a",
        "/assets/app.css",
        "/assets/app.js",
        "/assets/icon.svg",
        "/sign-out",
    ] {
        assert_guarded(&person.get(page).await, page);
        assert_guarded(&stranger.get(page).await, page);
    }
    assert_guarded(
        &person.post(&format!("{draft}/approve"), &[("version", "9")]).await,
        "a conflict",
    );
    assert_guarded(&person.post_as_is("/sign-out", &[]).await, "a refusal");
    assert_guarded(
        &stranger.post_as_is("/sign-in", &[("link", "guessed")]).await,
        "a refused sign-in",
    );
    assert_guarded(&person.post("/sign-out", &[]).await, "a sign-out");
}

#[tokio::test]
async fn pages_carry_no_script_or_style_of_their_own() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (ticket, _) = drafted(&test, &person, "It is fixed.").await;
    for page in ["/tickets", &ticket, "/notifications", "/dead-letters", "/tickets/99"] {
        let html = person.get(page).await.html;
        assert_eq!(
            html.matches("<script").count(),
            1,
            "{page}: the one from the hub's own address"
        );
        for inline in [" style=", "<style", " onclick=", "javascript:"] {
            assert!(!html.contains(inline), "{page}: {inline}");
        }
    }
}

#[tokio::test]
async fn f86_hostile_words_of_a_report_are_shown_as_words() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (_, number) = reported(&test, HOSTILE).await;
    for page in [
        format!("/tickets/{}", number.value()),
        "/tickets".to_owned(),
        "/tickets?q=script".to_owned(),
    ] {
        let html = person.get(&page).await.html;
        assert!(html.contains("&#60;script&#62;alert(1)"), "{page}: {html}");
        assert!(
            !html.contains("<script>alert") && !html.contains("<img"),
            "{page}: {html}"
        );
        assert!(html.contains("{{7*7}}"), "{page}: nothing is worked out");
        assert_marks_are_isolated(&html);
    }
}

#[tokio::test]
async fn hostile_words_in_an_address_are_shown_as_words() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let typed = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for page in [
        format!("/tickets?q={typed}&status={typed}"),
        format!("/sign-in?link={typed}"),
    ] {
        let answer = person.get(&page).await;
        assert_eq!(answer.status, StatusCode::OK, "{page}");
        assert!(
            answer.html.contains("&#34;&#62;&#60;script&#62;"),
            "{page}: {}",
            answer.html
        );
        assert!(!answer.html.contains("<script>"), "{page}");
    }
    // A name that stands twice cannot be read: that, too, is a page.
    assert_eq!(
        person.get("/tickets?q=a&q=b").await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn hostile_words_of_a_draft_stay_in_their_field() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (ticket, _) = drafted(&test, &person, "</textarea><script>alert(1)</script>").await;
    let html = person.get(&ticket).await.html;
    assert!(html.contains("&#60;/textarea&#62;&#60;script&#62;"), "{html}");
    assert_eq!(html.matches("</textarea>").count(), 1, "{html}");
}

#[tokio::test]
async fn f57_words_that_turn_around_are_isolated_and_the_marks_are_shown() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (_, number) = reported(
        &test,
        "pay \u{202e}00.01\u{202c} now \u{2066}x\u{2069} e\u{301}\u{301} 👨‍👩‍👧 \u{200b}end",
    )
    .await;
    for page in [format!("/tickets/{}", number.value()), "/tickets".to_owned()] {
        let html = person.get(&page).await.html;
        assert!(
            html.contains("<bdi>pay ⟦U+202E⟧00.01⟦U+202C⟧ now ⟦U+2066⟧x⟦U+2069⟧"),
            "{page}: {html}"
        );
        assert!(
            html.contains("e\u{301}\u{301} 👨‍👩‍👧"),
            "{page}: what only looks odd stays as it is"
        );
        assert!(
            !html.contains(['\u{202e}', '\u{202c}', '\u{2066}', '\u{2069}']),
            "{page}"
        );
    }
    let stored = test.store.all_tickets().remove(0);
    assert!(stored.description.as_str().contains('\u{202e}'), "stored as it came");
}

/// Marks that turn text around stand in `bdi` elements only: there they end where the words end.
fn assert_marks_are_isolated(html: &str) {
    let outside: String = html
        .split("<bdi")
        .enumerate()
        .map(|(at, part)| {
            let rest = if at == 0 {
                Some(part)
            } else {
                part.split_once("</bdi>").map(|(_, rest)| rest)
            };
            rest.expect("every bdi ends").to_owned()
        })
        .collect();
    assert!(!outside.contains('\u{202E}'), "{outside}");
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (ticket, draft) = drafted(&test, &person, "It is fixed.").await;
    for page in [
        "/tickets/99",
        "/tickets/0",
        "/tickets/-1",
        "/tickets/x",
        "/tickets/99999999999999999999",
    ] {
        let answer = person.get(page).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{page}");
        assert!(answer.html.contains("There is nothing at this address."), "{page}");
    }
    let id = "018f3b5e-0000-7000-8000-000000000000";
    let number = ticket.trim_start_matches("/tickets/");
    let fields = [
        ("version", "1"),
        ("content", "text"),
        ("reason", "why"),
        ("type", "bug"),
        ("priority", "P1"),
        ("outcome", "sent"),
    ];
    for form in [
        "/tickets/99/confirm".to_owned(),
        "/tickets/99/draft".to_owned(),
        "/tickets/x/draft".to_owned(),
        format!("{ticket}/changelog/{id}/update"),
        format!("{ticket}/changelog/{id}/approve"),
        format!("{ticket}/changelog/{id}/reject"),
        format!("{ticket}/changelog/x/approve"),
        draft.replacen(number, "x", 1) + "/approve",
        format!("/notifications/{id}/retry"),
        format!("/notifications/{id}/resolve"),
        "/notifications/x/retry".to_owned(),
        "/dead-letters/x/retry".to_owned(),
    ] {
        assert_eq!(
            person.post(&form, &fields).await.status,
            StatusCode::NOT_FOUND,
            "{form}"
        );
    }
    let gone = person.post(&format!("/dead-letters/{id}/retry"), &[]).await;
    assert_eq!(
        gone.status,
        StatusCode::CONFLICT,
        "a dead letter that is gone was dealt with by somebody"
    );
}

#[tokio::test]
async fn an_empty_hub_says_so() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    for (page, words) in [
        ("/tickets", "No report has come in yet."),
        ("/tickets?q=nothing", "No ticket matches."),
        ("/notifications", "Nothing has been sent yet"),
        ("/notifications?status=failed", "No delivery matches."),
        ("/dead-letters", "Nothing gave up."),
    ] {
        assert!(person.get(page).await.html.contains(words), "{page}");
    }
}

#[tokio::test]
async fn assets_are_of_the_kind_that_they_say() {
    let test = TestHub::new().await;
    let stranger = Person::stranger(&test, CookieSecurity::LoopbackHttp);
    for (path, kind) in [
        ("/assets/app.css", "text/css; charset=utf-8"),
        ("/assets/app.js", "text/javascript; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        let answer = stranger.get(path).await;
        assert_eq!(
            (answer.status, answer.header(header::CONTENT_TYPE)),
            (StatusCode::OK, kind)
        );
    }
    let request = Request::builder()
        .method(Method::POST)
        .uri("/assets/app.js")
        .body(Body::empty())
        .unwrap();
    assert_eq!(stranger.send(request).await.status, StatusCode::METHOD_NOT_ALLOWED);
}
