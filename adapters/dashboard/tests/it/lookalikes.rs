//! Tickets that look alike, decided where a person looks at them; and groups.

use axum::http::StatusCode;
use feedback_core::{
    domain::{Change, LinkStatus, TicketId, TicketLink, TicketLinkId, Write},
    ports::{Clock, Storage},
    testing::{fixtures::Fixtures, hub::TestHub},
};

use crate::person::{Person, reported};

/// The pair of the two: what matching suggested, or a suggestion of the test's own.
async fn suggested(test: &TestHub, ticket: TicketId, original: TicketId) -> TicketLinkId {
    let link = TicketLink {
        id: Fixtures::new(41).id(),
        ticket,
        original,
        score: 0.87,
        evidence: vec!["export".into()],
        status: LinkStatus::Suggested,
        decided: None,
        created_at: test.clock.now(),
    };
    test.store
        .commit(Change::new().with(Write::SuggestLink(link)))
        .await
        .unwrap();
    let links = test.store.ticket_links();
    let of_both = |link: &&TicketLink| link.ticket == ticket && link.original == original;
    links.iter().find(of_both).unwrap().id
}

#[tokio::test]
async fn a_suggested_pair_is_merged_and_taken_back_on_the_tickets_page() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (older, older_number) = reported(&test, "the export hangs").await;
    let (newer, number) = reported(&test, "the export is stuck").await;
    let link = suggested(&test, newer, older).await;
    let path = format!("/tickets/{}", number.value());
    let page = person.get(&path).await.html;
    let merge = format!("Merge into #{}", older_number.value());
    assert!(page.contains(" %: export)") && page.contains(&merge), "{page}");

    let answer = person.post(&format!("{path}/links/{link}/merge"), &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    let page = person.get(&path).await.html;
    assert!(page.contains(">Duplicate<") && page.contains(">the same<"), "{page}");
    let again = person.post(&format!("{path}/links/{link}/dismiss"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);

    let answer = person.post(&format!("{path}/links/{link}/undo"), &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = person.get(&path).await.html;
    assert!(!page.contains(">Duplicate<") && page.contains(&merge), "{page}");
}

#[tokio::test]
async fn a_group_is_shown_and_its_people_can_be_told_each_once() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (older, older_number) = reported(&test, "the export hangs").await;
    let submission = feedback_core::usecases::Submission {
        channel: feedback_core::domain::Channel::InApp,
        external_id: None,
        author: feedback_core::logic::normalize::Author {
            external_user_id: "user-2".into(),
            ..Default::default()
        },
        text: "export stuck".into(),
        title: None,
        ticket_type: None,
        priority: None,
    };
    let newer = test.hub.ingest.submit(&submission, None).await.unwrap().ticket;
    let link = suggested(&test, newer, older).await;
    let path = format!("/tickets/{}", older_number.value());
    assert!(person.get("/groups").await.html.contains("No groups yet."));
    let answer = person.post(&format!("{path}/links/{link}/group"), &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);

    let page = person.get(&path).await.html;
    let (_, rest) = page.split_once("href=\"/groups/").unwrap();
    let group = format!("/groups/{}", rest.split('"').next().unwrap());
    let page = person.get(&group).await.html;
    assert!(
        page.contains("speaks for all") && page.contains("export stuck"),
        "{page}"
    );
    assert!(person.get("/groups").await.html.contains(&group));

    test.writer.then_write("The export works again.");
    let draft = test.hub.drafts.generate(older, test.reviewer.id).await.unwrap();
    let page = person.get(&path).await.html;
    assert!(page.contains("Tell the others who reported it"), "{page}");
    let fields = [
        ("version", "1"),
        ("content", "The export works again."),
        ("everyone", "yes"),
    ];
    let answer = person
        .post(&format!("{path}/changelog/{}/approve", draft.id), &fields)
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    assert_eq!(test.store.all_notifications().len(), 2);
}

#[tokio::test]
async fn what_names_no_pair_or_group_is_not_found() {
    let test = TestHub::new().await;
    let person = Person::reviewer(&test).await;
    let (_, number) = reported(&test, "the export hangs").await;
    for link in ["nonsense", "01890a5d-ac96-774b-bcce-b302099a8057"] {
        for word in ["merge", "group", "dismiss", "swap", "undo"] {
            let path = format!("/tickets/{}/links/{link}/{word}", number.value());
            assert_eq!(person.post(&path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(
            person.get(&format!("/groups/{link}")).await.status,
            StatusCode::NOT_FOUND
        );
    }
}
