//! Confirming, and the release valve: a person decides about what they saw, and one decision counts.

use axum::http::{StatusCode, header};
use feedback_core::{ports::PortErrorKind, testing::hub::TestHub};

use crate::person::{Person, drafted, reported};

#[tokio::test]
async fn a_confirmed_ticket_says_by_whom() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (_, number) = reported(&test, "the export hangs").await;
    let path = format!("/tickets/{}", number.value());
    let version = person.get(&path).await.field("version");
    let fields = [("version", version.as_str()), ("type", "incident"), ("priority", "P1")];
    let answer = person.post(&format!("{path}/confirm"), &fields).await;
    assert_eq!(
        (answer.status, answer.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, path.as_str())
    );
    let page = person.get(&path).await.html;
    assert!(page.contains("Confirmed: Incident, P1, by Rita Reviewer"), "{page}");

    let answer = person
        .post(
            &format!("{path}/confirm"),
            &[("version", &version), ("type", "bug"), ("priority", "P5")],
        )
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "a version that is no longer so");
    assert!(person.get(&path).await.html.contains("Confirmed: Incident, P1"));
}

#[tokio::test]
async fn what_stands_in_the_field_is_what_is_approved() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (ticket, draft) = drafted(&test, &person, "It is fixed.").await;
    let page = person.get(&ticket).await.html;
    assert!(page.contains(">It is fixed.</textarea>"), "{page}");
    assert!(page.contains("As a reply in the Slack thread in C0."), "{page}");

    let fields = [("version", "1"), ("content", "It is fixed & tested:\r\n<update> now.")];
    let answer = person.post(&format!("{draft}/approve"), &fields).await;
    assert_eq!(
        (answer.status, answer.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, ticket.as_str())
    );
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts(), ["It is fixed & tested:\n<update> now."]);
    let page = person.get(&ticket).await.html;
    assert!(page.contains("Approved by <bdi>Rita Reviewer</bdi>"), "{page}");
    assert!(page.contains("Sent</span> Slack, reply in the thread"), "{page}");
    assert!(person.get("/notifications").await.html.contains("reply in the thread"));
}

#[tokio::test]
async fn a_saved_draft_is_not_sent() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (ticket, draft) = drafted(&test, &person, "It is fixed.").await;
    let answer = person
        .post(
            &format!("{draft}/update"),
            &[("version", "1"), ("content", "It works again.")],
        )
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    test.run_due_jobs().await;
    assert!(test.slack.texts().is_empty());
    let page = person.get(&ticket).await.html;
    assert!(
        page.contains(">It works again.</textarea>") && page.contains("edited by Rita Reviewer"),
        "{page}"
    );
}

#[tokio::test]
async fn who_decides_about_an_older_version_is_told_and_keeps_their_words() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (ticket, draft) = drafted(&test, &person, "It is fixed.").await;
    person
        .post(
            &format!("{draft}/update"),
            &[("version", "1"), ("content", "It works again.")],
        )
        .await;
    for (form, field) in [("update", "content"), ("approve", "content"), ("reject", "reason")] {
        let answer = person
            .post(
                &format!("{draft}/{form}"),
                &[("version", "1"), (field, "My <own> words")],
            )
            .await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{form}");
        assert!(answer.html.contains("The draft changed since you opened it."), "{form}");
        assert!(
            answer.html.contains(">My &#60;own&#62; words</textarea>"),
            "{form}: {}",
            answer.html
        );
    }
    assert!(test.store.all_notifications().is_empty());
    assert!(person.get(&ticket).await.html.contains(">It works again.</textarea>"));
}

#[tokio::test]
async fn the_second_of_two_reviewers_learns_who_was_faster() {
    let test = TestHub::new().await;
    let rita = Person::reviewer(&test).await;
    let sam = test.hub.access.add_user("Sam <Second>").await.unwrap();
    let sam = Person::signed_in(&test, &sam).await;
    let (_, draft) = drafted(&test, &rita, "It is fixed.").await;
    let fields = [("version", "1"), ("content", "It is fixed.")];
    assert_eq!(
        sam.post(&format!("{draft}/approve"), &fields).await.status,
        StatusCode::SEE_OTHER
    );
    let answer = rita.post(&format!("{draft}/approve"), &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer
            .html
            .contains("Sam &#60;Second&#62; has decided already: approved."),
        "{}",
        answer.html
    );
    let answer = rita
        .post(&format!("{draft}/reject"), &[("version", "1"), ("reason", "not so")])
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn a_rejection_says_why_and_makes_room_for_another_draft() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (ticket, draft) = drafted(&test, &person, "It is fixed.").await;
    let answer = person
        .post(&format!("{draft}/reject"), &[("version", "1"), ("reason", " ")])
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.html.contains("A rejection needs a reason."), "{}", answer.html);
    let answer = person
        .post(&format!("{draft}/reject"), &[("version", "1"), ("reason", "it is not")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = person.get(&ticket).await.html;
    assert!(
        page.contains("Rejected by <bdi>Rita Reviewer</bdi>") && page.contains(": it is not"),
        "{page}"
    );
    assert!(page.contains("Draft another"), "{page}");
}

#[tokio::test]
async fn a_store_that_is_away_costs_nobody_their_words() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (_, draft) = drafted(&test, &person, "It is fixed.").await;
    test.store.fail_next_commit(PortErrorKind::Unavailable);
    let answer = person
        .post(
            &format!("{draft}/update"),
            &[("version", "1"), ("content", "Long and thoughtful.")],
        )
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.html.contains(">Long and thoughtful.</textarea>"),
        "{}",
        answer.html
    );
}

#[tokio::test]
async fn f70_a_draft_with_data_of_others_is_marked_and_wants_a_persons_word() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let text = "Solved, as for Marta Quintero (marta@example.org).";
    let (ticket, draft) = drafted(&test, &person, text).await;
    let page = person.get(&ticket).await.html;
    assert!(
        page.contains("Holds a name and an email address that the reporter did not give."),
        "{page}"
    );
    let fields = [("version", "1"), ("content", text)];
    let answer = person.post(&format!("{draft}/approve"), &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    test.run_due_jobs().await;
    assert!(test.slack.texts().is_empty());
    let fields = [("version", "1"), ("content", text), ("mine", "yes")];
    let answer = person.post(&format!("{draft}/approve"), &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts(), [text]);
}
