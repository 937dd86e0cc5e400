//! What did not go well, and what a person does about it.

use std::time::Duration;

use axum::http::{StatusCode, header};
use feedback_core::{
    domain::{Channel, NotificationStatus},
    ports::PortErrorKind,
    testing::{hub::TestHub, memory::SendStep},
};

use crate::person::{Answer, Person, drafted};

/// Approves a draft whose first delivery fails for good.
async fn failed_delivery(test: &TestHub, person: &Person) -> String {
    let (ticket, draft) = drafted(test, person, "It is fixed.").await;
    test.slack
        .script(SendStep::Fail(PortErrorKind::NotFound, "channel_not_found"));
    let fields = [("version", "1"), ("content", "It is fixed.")];
    assert_eq!(
        person.post(&format!("{draft}/approve"), &fields).await.status,
        StatusCode::SEE_OTHER
    );
    test.run_due_jobs().await;
    assert_eq!(
        test.store.all_notifications()[0].status,
        NotificationStatus::PermanentlyFailed
    );
    ticket
}

/// The address of the first form that ends so.
fn form(answer: &Answer, end: &str) -> String {
    let mut forms = answer
        .html
        .split("action=\"")
        .filter_map(|part| part.split_once('"'))
        .map(|(action, _)| action);
    forms
        .find(|action| action.ends_with(end))
        .unwrap_or_else(|| panic!("no form {end}: {}", answer.html))
        .to_owned()
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_when_a_person_says_so() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let ticket = failed_delivery(&test, &person).await;
    let page = person.get(&ticket).await.html;
    assert!(
        page.contains("/notifications?status=permanently_failed"),
        "the ticket leads to the decision: {page}"
    );
    let list = person.get("/notifications?status=permanently_failed").await;
    assert_eq!(
        list.html.matches("channel_not_found").count(),
        1,
        "the code stands there once: {}",
        list.html
    );

    let retry = form(&list, "/retry");
    let answer = person.post(&retry, &[]).await;
    assert_eq!(
        (answer.status, answer.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, "/notifications")
    );
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts(), ["It is fixed."]);
    let answer = person.post(&retry, &[]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "it was sent by then");
    assert!(
        answer.html.contains("Nothing to decide any more: sent."),
        "{}",
        answer.html
    );
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn who_is_to_be_told_by_hand_is_a_page_of_the_navigation_with_the_reason() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let page = "/notifications?status=channel_restricted";
    let empty = person.get(page).await.html;
    assert!(empty.contains("Nobody waits to be told by you."), "{empty}");
    let (_, draft) = drafted(&test, &person, "It is fixed.").await;
    test.slack
        .script(SendStep::Fail(PortErrorKind::ChannelRestricted, "posting_restricted"));
    person
        .post(
            &format!("{draft}/approve"),
            &[("version", "1"), ("content", "It is fixed.")],
        )
        .await;
    test.run_due_jobs().await;
    let home = person.get("/tickets").await.html;
    assert!(home.contains(&format!("<a href=\"{page}\">Follow-ups</a>")), "{home}");
    let list = person.get(page).await;
    assert!(list.html.contains("<h1>Follow-ups</h1>"), "{}", list.html);
    let current = format!("<a href=\"{page}\" aria-current=\"page\">Follow-ups</a>");
    assert!(list.html.contains(&current), "{}", list.html);
    assert!(list.html.contains("posting_restricted"), "{}", list.html);
    assert_eq!(
        person.post(&form(&list, "/retry"), &[]).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn of_a_message_that_may_have_been_sent_a_person_says_what_became() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let body = serde_json::json!({"object": "whatsapp_business_account", "entry": [{"id": "W", "changes": [{
        "field": "messages", "value": {"messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550100000", "phone_number_id": "1000"},
            "contacts": [{"profile": {"name": "Dana"}, "wa_id": "15550100001"}],
            "messages": [{"from": "15550100001", "id": "wamid.1", "timestamp": "1767225600", "type": "text",
                "text": {"body": "the export hangs"}}]}}]}]});
    let body = body.to_string();
    test.receive(Channel::WhatsApp, body).await;
    test.run_due_jobs().await;
    let path = format!("/tickets/{}", test.store.all_tickets()[0].number.value());
    person.post(&format!("{path}/draft"), &[]).await;
    let page = person.get(&path).await;
    test.whatsapp.script(SendStep::LoseAnswer);
    let approve = form(&page, "/approve");
    person
        .post(&approve, &[("version", "1"), ("content", "It is fixed.")])
        .await;
    test.run_due_jobs().await;
    assert!(
        person.get(&path).await.html.contains("Not known yet"),
        "it is no longer being sent"
    );
    test.wait(Duration::from_secs(3600)).await;
    assert_eq!(test.store.all_notifications()[0].status, NotificationStatus::Ambiguous);

    // An hour later, the session is over.
    let person = Person::reviewer(&test).await;
    let list = person.get("/notifications?status=ambiguous").await;
    let resolve = form(&list, "/resolve");
    assert_eq!(
        person.post(&resolve, &[("outcome", "maybe")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        person.post(&resolve, &[("outcome", "sent")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(test.store.all_notifications()[0].status, NotificationStatus::Sent);
    test.run_due_jobs().await;
    assert_eq!(test.whatsapp.texts().len(), 1, "it went out once");
}

#[tokio::test]
async fn a_delivery_that_cannot_be_read_waits_as_a_dead_letter_until_somebody_puts_it_away() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    test.receive(
        Channel::WhatsApp,
        r#"{"object":"whatsapp_business_account","entry":"surprise"}"#,
    )
    .await;
    let list = person.get("/dead-letters").await;
    assert!(list.html.contains("unparsed"), "{}", list.html);
    assert!(!list.html.contains("surprise"), "what a stranger sent is on no page");

    assert_eq!(
        person.post(&form(&list, "/retry"), &[]).await.status,
        StatusCode::SEE_OTHER
    );
    test.run_due_jobs().await;
    let list = person.get("/dead-letters").await;
    let discard = form(&list, "/retry").replace("/retry", "/discard");
    assert!(list.html.contains(&discard), "{}", list.html);
    let answer = person.post(&discard, &[]).await;
    assert_eq!(
        (answer.status, answer.header(header::LOCATION)),
        (StatusCode::SEE_OTHER, "/dead-letters")
    );
    assert!(person.get("/dead-letters").await.html.contains("Nothing gave up."));
    assert_eq!(person.post(&discard, &[]).await.status, StatusCode::CONFLICT);
}
