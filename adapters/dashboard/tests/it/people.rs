//! A person's page: what is known of them, merges, their copy, and their erasure.

use axum::http::{StatusCode, header};
use feedback_core::{
    domain::{Change, ReporterId, TicketNumber, Write},
    ports::{ReporterKey, Storage},
    testing::{fixtures::Fixtures, hub::TestHub},
};

use crate::person::{Person, reported};

/// The person behind a ticket, by the link on its page.
async fn person_of(person: &Person, number: TicketNumber) -> String {
    let page = person.get(&format!("/tickets/{}", number.value())).await.html;
    let (_, rest) = page
        .split_once("href=\"/people/")
        .expect("the ticket's page links its reporter");
    format!("/people/{}", rest.split('"').next().unwrap())
}

#[tokio::test]
async fn a_persons_page_has_their_reports_and_gives_out_their_copy() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (_, number) = reported(&test, "the export hangs").await;
    let path = person_of(&person, number).await;
    let page = person.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.html.contains(&format!("href=\"/tickets/{}\"", number.value())),
        "{}",
        page.html
    );

    for (format, kind) in [("json", "application/json"), ("csv", "text/csv; charset=utf-8")] {
        let copy = person.get(&format!("{path}/copy/{format}")).await;
        assert_eq!(copy.status, StatusCode::OK);
        assert_eq!(copy.header(header::CONTENT_TYPE), kind);
        assert!(copy.header(header::CONTENT_DISPOSITION).starts_with("attachment"));
        assert!(copy.header(header::CACHE_CONTROL).contains("no-store"));
        assert!(
            copy.html.contains("the export hangs"),
            "the words, in the clear: {}",
            copy.html
        );
    }
    let other = person.get(&format!("{path}/copy/xml")).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    let nobody = Fixtures::new(77).id::<ReporterId>();
    assert_eq!(
        person.get(&format!("/people/{nobody}")).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn two_who_are_one_are_merged_and_parted_on_the_persons_page() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (_, number) = reported(&test, "the export hangs").await;
    let path = person_of(&person, number).await;
    let other = Fixtures::new(78).reporter();
    let id = other.id;
    test.store
        .commit(Change::new().with(Write::InsertReporter(other)))
        .await
        .unwrap();

    let field = id.to_string();
    let answer = person.post(&format!("{path}/merge"), &[("other", &field)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    let page = person.get(&path).await.html;
    assert!(
        page.contains("is the same person.") && page.contains("Take back"),
        "{page}"
    );
    let from_the_other = person.get(&format!("/people/{id}")).await.html;
    assert!(
        from_the_other.contains(&format!("/tickets/{}", number.value())),
        "{from_the_other}"
    );
    let again = person.post(&format!("{path}/merge"), &[("other", &field)]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);

    let answer = person.post(&format!("{path}/part"), &[("other", &field)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(!person.get(&path).await.html.contains("Take back"));
}

#[tokio::test]
async fn a_person_is_erased_only_where_the_word_is_typed() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (_, number) = reported(&test, "the export hangs").await;
    let path = person_of(&person, number).await;
    let id: ReporterId = path.trim_start_matches("/people/").parse().unwrap();
    let erased = async || {
        let reporter = test.store.reporter(ReporterKey::Id(id)).await.unwrap().unwrap();
        reporter.erased_at.is_some()
    };
    for word in ["", "yes"] {
        let answer = person.post(&format!("{path}/erase"), &[("word", word)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!erased().await);
    }
    let answer = person.post(&format!("{path}/erase"), &[("word", " Erase ")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    assert!(erased().await);
    let page = person.get(&path).await.html;
    assert!(
        page.contains("cannot be read any more") && !page.contains("Erase for ever"),
        "{page}"
    );
    let ticket = person.get(&format!("/tickets/{}", number.value())).await.html;
    assert!(!ticket.contains("the export hangs"), "{ticket}");
}
