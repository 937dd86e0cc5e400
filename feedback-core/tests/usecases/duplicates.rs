//! Two tickets about the same thing: suggested, decided by a person, taken back; and groups that are answered together.

use feedback_core::{
    domain::{
        Change, Channel, EventKind, GroupId, LinkStatus, Ticket, TicketId, TicketLink, TicketLinkId, TicketStatus,
        TrackerStatus, Write,
    },
    logic::normalize::Author,
    ports::{Clock, LinksKey, PortErrorKind, Storage},
    testing::{
        fixtures::Fixtures,
        hub::{TestHub, ticket_of},
        memory::SendStep,
    },
    usecases::{AcceptAs, Audience, DuplicateError, GroupEdit, GroupError, ReviewError, Submission},
};

use crate::{
    journey::{approve, resolve, stored},
    payloads,
};

async fn ticket(test: &TestHub, user: &str) -> TicketId {
    let submission = Submission {
        channel: Channel::InApp,
        external_id: None,
        author: Author {
            external_user_id: user.into(),
            name: Some(format!("Person {user}")),
            ..Author::default()
        },
        text: format!("the export hangs for {user}"),
        title: None,
        ticket_type: None,
        priority: None,
    };
    test.hub.ingest.submit(&submission, None).await.unwrap().ticket
}

async fn suggest(test: &TestHub, ids: &Fixtures, ticket: TicketId, original: TicketId) -> TicketLinkId {
    let link = TicketLink {
        id: ids.id(),
        ticket,
        original,
        score: 0.9,
        evidence: vec!["export".into()],
        status: LinkStatus::Suggested,
        decided: None,
        created_at: test.clock.now(),
    };
    let id = link.id;
    test.store
        .commit(Change::new().with(Write::SuggestLink(link)))
        .await
        .unwrap();
    id
}

async fn link(test: &TestHub, id: TicketLinkId) -> TicketLink {
    test.store.links(LinksKey::Id(id)).await.unwrap().remove(0)
}

/// A ticket without what every change raises.
fn frozen(ticket: Ticket) -> Ticket {
    Ticket {
        version: 0,
        updated_at: ticket.created_at,
        ..ticket
    }
}

#[tokio::test]
async fn an_accepted_merge_puts_the_newer_one_away_and_its_undo_brings_it_back() {
    let test = TestHub::new().await;
    let (older, newer) = (ticket(&test, "ana").await, ticket(&test, "bob").await);
    let id = suggest(&test, &Fixtures::new(9), newer, older).await;
    let before = (
        frozen(stored(&test, newer)),
        frozen(stored(&test, older)),
        link(&test, id).await,
    );
    let (duplicates, by) = (&test.hub.duplicates, test.reviewer.id);

    duplicates.accept(id, AcceptAs::Merge, by).await.unwrap();
    assert_eq!(stored(&test, newer).status, TicketStatus::Duplicate);
    assert_eq!(stored(&test, older).status, TicketStatus::New);
    let again = duplicates.accept(id, AcceptAs::Merge, by).await;
    assert!(matches!(again, Err(DuplicateError::AlreadyDecided { .. })), "{again:?}");

    duplicates.undo(id, by).await.unwrap();
    let after = (
        frozen(stored(&test, newer)),
        frozen(stored(&test, older)),
        link(&test, id).await,
    );
    assert_eq!(after, before);
    let kinds: Vec<_> = test.store.events(newer).iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds.iter().filter(|kind| **kind == EventKind::Merged).count(),
        2,
        "{kinds:?}"
    );
}

#[tokio::test]
async fn an_undo_of_what_was_changed_since_is_refused() {
    let test = TestHub::new().await;
    let (older, newer) = (ticket(&test, "ana").await, ticket(&test, "bob").await);
    let id = suggest(&test, &Fixtures::new(9), newer, older).await;
    let (duplicates, by) = (&test.hub.duplicates, test.reviewer.id);
    duplicates.accept(id, AcceptAs::Merge, by).await.unwrap();
    let edit = feedback_core::usecases::Edit {
        status: Some(TicketStatus::Triaged),
        ..Default::default()
    };
    test.hub.confirm.edit(newer, &edit, by, None).await.unwrap();
    let undone = duplicates.undo(id, by).await;
    assert!(matches!(undone, Err(DuplicateError::MovedOn)), "{undone:?}");
    assert_eq!(link(&test, id).await.status, LinkStatus::Accepted);
}

#[tokio::test]
async fn a_dismissed_pair_is_never_suggested_again_and_can_be_swapped_and_taken_back() {
    let test = TestHub::new().await;
    let ids = Fixtures::new(9);
    let (older, newer) = (ticket(&test, "ana").await, ticket(&test, "bob").await);
    let id = suggest(&test, &ids, newer, older).await;
    let (duplicates, by) = (&test.hub.duplicates, test.reviewer.id);
    let swapped = duplicates.swap(id, by).await.unwrap();
    assert_eq!((swapped.ticket, swapped.original), (older, newer));
    duplicates.dismiss(id, by).await.unwrap();
    suggest(&test, &ids, newer, older).await;
    assert_eq!(test.store.ticket_links().len(), 1);
    assert_eq!(link(&test, id).await.status, LinkStatus::Dismissed);
    duplicates.undo(id, by).await.unwrap();
    assert_eq!(link(&test, id).await.status, LinkStatus::Suggested);
}

#[tokio::test]
async fn a_group_grows_only_where_the_new_member_matches_its_primary() {
    let test = TestHub::new().await;
    let ids = Fixtures::new(9);
    let (duplicates, by) = (&test.hub.duplicates, test.reviewer.id);
    let (primary, member, stranger) = (
        ticket(&test, "a").await,
        ticket(&test, "b").await,
        ticket(&test, "c").await,
    );
    let first = suggest(&test, &ids, member, primary).await;
    duplicates.accept(first, AcceptAs::Group, by).await.unwrap();
    let group = stored(&test, member).group.unwrap();
    assert_eq!(stored(&test, primary).group, Some(group));

    let neighbour = suggest(&test, &ids, stranger, member).await;
    let refused = duplicates.accept(neighbour, AcceptAs::Group, by).await;
    assert!(
        matches!(refused, Err(DuplicateError::UnlikePrimary { primary: p }) if p == primary),
        "{refused:?}"
    );
    suggest(&test, &ids, stranger, primary).await;
    duplicates.accept(neighbour, AcceptAs::Group, by).await.unwrap();
    assert_eq!(test.hub.groups.detail(group).await.unwrap().tickets.len(), 3);
    duplicates.undo(neighbour, by).await.unwrap();
    assert_eq!(stored(&test, stranger).group, None);
    duplicates.undo(first, by).await.unwrap();
    assert_eq!(
        (stored(&test, member).group, stored(&test, primary).group),
        (None, None)
    );
}

#[tokio::test]
async fn a_ticket_is_merged_by_a_persons_word_once() {
    let test = TestHub::new().await;
    let (older, newer) = (ticket(&test, "ana").await, ticket(&test, "bob").await);
    let (duplicates, by) = (&test.hub.duplicates, test.reviewer.id);
    let seen = stored(&test, newer).version;
    let stale = duplicates.merge(newer, older, seen + 1, by).await;
    assert!(matches!(stale, Err(DuplicateError::Stale { .. })), "{stale:?}");
    duplicates.merge(newer, older, seen, by).await.unwrap();
    duplicates.merge(newer, older, seen, by).await.unwrap();
    assert_eq!(test.store.ticket_links().len(), 1);
    let merged = test.store.events(newer);
    assert_eq!(merged.iter().filter(|event| event.kind == EventKind::Merged).count(), 1);
    let itself = duplicates.merge(newer, newer, seen, by).await;
    assert!(matches!(itself, Err(DuplicateError::Same)), "{itself:?}");
}

async fn group_of(test: &TestHub, people: &[&str]) -> (GroupId, Vec<TicketId>) {
    let mut tickets = Vec::new();
    for person in people {
        tickets.push(ticket(test, person).await);
    }
    let group = test
        .hub
        .groups
        .create(tickets[0], &tickets, None, test.reviewer.id)
        .await
        .unwrap();
    (group.group.id, tickets)
}

#[tokio::test]
async fn a_groups_members_come_and_go_and_its_primary_stays() {
    let test = TestHub::new().await;
    let by = test.reviewer.id;
    let (group, tickets) = group_of(&test, &["a", "b", "c"]).await;
    let edit = |version: u32| GroupEdit {
        seen_version: version,
        ..GroupEdit::default()
    };
    let remove = GroupEdit {
        remove: vec![tickets[0]],
        ..edit(1)
    };
    let refused = test.hub.groups.edit(group, &remove, by).await;
    assert!(matches!(refused, Err(GroupError::PrimaryNotMember)), "{refused:?}");
    let handed_over = GroupEdit {
        primary: Some(tickets[1]),
        ..remove
    };
    let detail = test.hub.groups.edit(group, &handed_over, by).await.unwrap();
    assert_eq!((detail.group.primary, detail.tickets.len()), (tickets[1], 2));
    let stale = test.hub.groups.edit(group, &edit(1), by).await;
    assert!(matches!(stale, Err(GroupError::Stale { .. })), "{stale:?}");
    let (_, others) = group_of(&test, &["d"]).await;
    let add = GroupEdit {
        add: vec![others[0]],
        ..edit(2)
    };
    let refused = test.hub.groups.edit(group, &add, by).await;
    assert!(matches!(refused, Err(GroupError::InAnotherGroup { .. })), "{refused:?}");
}

#[tokio::test]
async fn f81_fifty_tickets_of_a_group_done_at_once_make_one_draft_and_one_message() {
    let test = TestHub::new().await;
    let people: Vec<String> = (0..50).map(|number| format!("p{number}")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let (_, tickets) = group_of(&test, &people).await;
    test.run_due_jobs().await;
    for ticket in tickets.iter().rev() {
        resolve(&test, *ticket).await;
    }
    test.run_due_jobs().await;
    let entry = test.hub.review.newest_of(tickets[0]).await.unwrap().unwrap();
    for other in &tickets[1..] {
        assert_eq!(test.hub.review.newest_of(*other).await.unwrap(), None);
    }
    let approval = test
        .hub
        .review
        .approve(entry.id, entry.version, test.reviewer.id, None)
        .await
        .unwrap();
    assert_eq!(approval.notifications.len(), 1);
    assert_eq!(approval.notifications[0].ticket, tickets[0]);
    test.run_due_jobs().await;
    assert_eq!(test.store.all_notifications().len(), 1);
    for id in &tickets {
        assert_eq!(
            stored(&test, *id).status,
            TicketStatus::Closed,
            "answered with the primary one"
        );
    }
    let closed = test
        .store
        .events(tickets[7])
        .into_iter()
        .rfind(|event| event.kind == EventKind::Closed);
    assert_eq!(closed.unwrap().data["answered_by"], serde_json::json!(tickets[0]));
}

#[tokio::test]
async fn a_report_that_the_primarys_message_arrived_closes_the_members_whose_work_is_done() {
    let test = TestHub::new().await;
    test.whatsapp.script(SendStep::LoseAnswer);
    let body = payloads::whatsapp("5491155550101", &[("wamid.A", 1_767_225_600, "the export hangs")]);
    let primary = ticket_of(&test.receive(Channel::WhatsApp, body).await);
    let (done, reopened) = (ticket(&test, "ana").await, ticket(&test, "bob").await);
    let members = [primary, done, reopened];
    test.hub
        .groups
        .create(primary, &members, None, test.reviewer.id)
        .await
        .unwrap();
    test.run_due_jobs().await;
    for id in members {
        resolve(&test, id).await;
    }
    approve(&test, primary).await;
    test.run_due_jobs().await;
    assert_eq!(stored(&test, done).status, TicketStatus::Resolved, "nobody knows yet");
    let page = test.tracker.page_of(reopened).unwrap();
    test.tracker.move_page(&page.update.page_id, TrackerStatus::InProgress);
    test.hub.poll.as_ref().unwrap().poll().await.unwrap();
    let marker = test.whatsapp.delivered()[0].marker.as_str().to_owned();
    let report = payloads::report("wamid.OURS", "delivered", Some(&marker), None);
    test.receive(Channel::WhatsApp, payloads::whatsapp_reports(&[report]))
        .await;
    let statuses = members.map(|id| stored(&test, id).status);
    assert_eq!(
        statuses,
        [TicketStatus::Closed, TicketStatus::Closed, TicketStatus::InProgress]
    );
}

#[tokio::test]
async fn everyone_is_told_once_however_many_tickets_they_wrote() {
    let test = TestHub::new().await;
    let by = test.reviewer.id;
    let (_, tickets) = group_of(&test, &["ana", "bob", "bob", "cleo"]).await;
    let merged = ticket(&test, "dora").await;
    let seen = stored(&test, merged).version;
    test.hub.duplicates.merge(merged, tickets[3], seen, by).await.unwrap();
    let reporter = |index: usize| stored(&test, tickets[index]).reporter;
    test.hub
        .merge_reporters
        .merge(reporter(3), reporter(0), by)
        .await
        .unwrap();
    test.run_due_jobs().await;
    for ticket in &tickets {
        resolve(&test, *ticket).await;
    }
    test.run_due_jobs().await;
    let entry = test.hub.review.newest_of(tickets[0]).await.unwrap().unwrap();
    let plan = test
        .hub
        .review
        .plan_audience(entry.id, Audience::Everyone)
        .await
        .unwrap();
    let told: Vec<_> = plan.iter().map(|planned| planned.reporter).collect();
    assert_eq!(
        told,
        [reporter(0), reporter(1), stored(&test, merged).reporter],
        "Cleo is Ana"
    );

    let review = &test.hub.review;
    let entry = review
        .update(entry.id, entry.version, "Hi Person Ana, it works.", by, None)
        .await
        .unwrap();
    let named = review
        .approve_for(entry.id, entry.version, Audience::Everyone, by, None)
        .await;
    assert!(matches!(named, Err(ReviewError::NamesReporter)), "{named:?}");
    let entry = review
        .update(entry.id, entry.version, "The export works again.", by, None)
        .await
        .unwrap();
    let approval = review
        .approve_for(entry.id, entry.version, Audience::Everyone, by, None)
        .await
        .unwrap();
    assert_eq!(approval.notifications.len(), 3);
    test.run_due_jobs().await;
    let arrived = test.store.all_notifications();
    assert!(
        arrived.iter().all(|notification| notification.status.has_arrived()),
        "{arrived:?}"
    );
}

#[tokio::test]
async fn a_suggested_pair_is_on_both_timelines_and_once_however_often_it_is_compared() {
    let test = TestHub::new().await;
    let (older, newer) = (ticket(&test, "ana").await, ticket(&test, "ana").await);
    let told = |id: TicketId| -> Vec<serde_json::Value> {
        let events = test.store.events(id).into_iter();
        let suggested = events.filter(|event| event.kind == EventKind::DuplicateSuggested);
        suggested.map(|event| event.data["ticket"].clone()).collect()
    };
    let matching = &test.hub.match_duplicates;
    // The two jobs may run at the same moment: neither knows of the other's suggestion.
    test.store.fail_next_commit(PortErrorKind::Conflict);
    let (one, other) = futures::join!(matching.suggest(newer), matching.suggest(older));
    assert!(one.is_ok() || other.is_ok());
    test.run_due_jobs().await;
    matching.suggest(newer).await.unwrap();
    let links = test.store.links(LinksKey::Ticket(newer)).await.unwrap();
    assert_eq!(links.len(), 1);
    assert_eq!(told(newer), [serde_json::json!(older)]);
    assert_eq!(told(older), [serde_json::json!(newer)]);
}
