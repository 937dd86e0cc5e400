//! One report, all the way, on each channel.

use feedback_core::{
    domain::{Channel, EventKind, NotificationStatus, Priority, TicketId, TicketStatus, TicketType, TrackerStatus},
    testing::hub::{TestHub, ticket_of},
    usecases::Confirmed,
};

use crate::payloads;

/// Confirms a ticket as a reviewer who saw its present version.
pub(crate) async fn confirm(test: &TestHub, id: TicketId) {
    let version = stored(test, id).version;
    let word = Confirmed {
        seen_version: version,
        ticket_type: TicketType::Bug,
        priority: Priority::P2,
        title: None,
    };
    test.hub
        .confirm
        .confirm(id, &word, test.reviewer.id, None)
        .await
        .expect("the ticket can be confirmed");
}

/// The ticket as it is stored.
pub(crate) fn stored(test: &TestHub, id: TicketId) -> feedback_core::domain::Ticket {
    test.store
        .all_tickets()
        .into_iter()
        .find(|ticket| ticket.id == id)
        .expect("the ticket is stored")
}

/// From a recorded ticket to its draft: confirmed, pushed, done on the board, polled.
pub(crate) async fn resolve(test: &TestHub, id: TicketId) {
    confirm(test, id).await;
    test.run_due_jobs().await;
    let page = test.tracker.page_of(id).expect("a confirmed ticket has a page");
    test.tracker
        .write_notes(&page.update.page_id, "Raised the time limit of exports.");
    test.tracker.move_page(&page.update.page_id, TrackerStatus::Done);
    test.hub
        .poll
        .as_ref()
        .expect("the test hub has a tracker")
        .poll()
        .await
        .expect("the board answers");
    test.run_due_jobs().await;
}

/// Approves the newest entry as a reviewer who saw its present version.
pub(crate) async fn approve(test: &TestHub, id: TicketId) {
    let entry = test.hub.review.newest_of(id).await.unwrap().expect("there is a draft");
    test.hub
        .review
        .approve(entry.id, entry.version, test.reviewer.id, None)
        .await
        .expect("the draft can be approved");
}

pub(crate) fn kinds(test: &TestHub, id: TicketId) -> Vec<EventKind> {
    test.store.events(id).iter().map(|event| event.kind).collect()
}

#[tokio::test]
async fn a_report_on_each_channel_becomes_a_message_to_its_reporter() {
    for channel in [Channel::Slack, Channel::Intercom, Channel::WhatsApp] {
        let test = TestHub::new().await;
        let text = "La exportación a Excel se queda colgada desde ayer";
        let body = match channel {
            Channel::Slack => payloads::slack("1767225600.000100", "U0DANA", text),
            Channel::Intercom => payloads::intercom("900100", "66aa", "dana@example.test", text),
            _ => payloads::whatsapp("5491155550101", &[("wamid.A", 1_767_225_600, text)]),
        };
        let id = ticket_of(&test.receive(channel, body).await);
        test.run_due_jobs().await;
        assert!(stored(&test, id).suggestion.is_some(), "{channel}: AI suggested");

        resolve(&test, id).await;
        assert_eq!(stored(&test, id).status, TicketStatus::Resolved, "{channel}");
        let sender = match channel {
            Channel::Slack => &test.slack,
            Channel::Intercom => &test.intercom,
            _ => &test.whatsapp,
        };
        assert_eq!(
            sender.calls(),
            0,
            "{channel}: nothing goes out before a person approved it"
        );

        approve(&test, id).await;
        test.run_due_jobs().await;
        let [notification] = &test.store.all_notifications()[..] else {
            panic!("{channel}: one notification")
        };
        assert_eq!(notification.status, NotificationStatus::Sent, "{channel}");
        assert_eq!(sender.texts().len(), 1, "{channel}: exactly one message");
        assert_eq!(stored(&test, id).status, TicketStatus::Closed, "{channel}");
        let kinds = kinds(&test, id);
        for kind in [
            EventKind::Received,
            EventKind::Enriched,
            EventKind::Confirmed,
            EventKind::Synced,
            EventKind::Resolved,
            EventKind::Drafted,
            EventKind::Approved,
            EventKind::Sent,
            EventKind::Closed,
        ] {
            assert_eq!(
                kinds.iter().filter(|found| **found == kind).count(),
                1,
                "{channel}: {kind}"
            );
        }
    }
}

#[tokio::test]
async fn only_scrubbed_text_reaches_the_ai_and_the_tracker() {
    let test = TestHub::new().await;
    let text = "Soy Dana Ortiz, mi correo es dana.ortiz@example.test y la exportación falla";
    let id = ticket_of(
        &test
            .receive(
                Channel::Intercom,
                payloads::intercom("900100", "66aa", "dana.ortiz@example.test", text),
            )
            .await,
    );
    test.run_due_jobs().await;
    resolve(&test, id).await;
    let asked = format!(
        "{:?}{:?}{:?}",
        test.triage.asked(),
        test.writer.asked(),
        test.tracker.upserts()
    );
    for secret in ["dana.ortiz@example.test", "Dana", "Ortiz"] {
        assert!(!asked.contains(secret), "{secret} left the hub");
    }
    assert!(asked.contains("[EMAIL_1]"), "the placeholder is in its place");
}

#[tokio::test]
async fn a_placeholder_in_a_draft_is_filled_in_before_a_person_reads_it() {
    let test = TestHub::new().await;
    let text = "Soy Dana Ortiz y la exportación falla";
    let id = ticket_of(
        &test
            .receive(
                Channel::Intercom,
                payloads::intercom("900100", "66aa", "d@example.test", text),
            )
            .await,
    );
    test.run_due_jobs().await;
    test.writer.then_write("Hola [NAME_1], la exportación ya funciona.");
    resolve(&test, id).await;
    let entry = test.hub.review.newest_of(id).await.unwrap().unwrap();
    let content = test.hub.review.content(&entry).await.unwrap().unwrap();
    assert_eq!(content.as_str(), "Hola Dana Ortiz, la exportación ya funciona.");
}

#[tokio::test]
async fn every_open_thing_has_a_job_that_will_move_it() {
    let test = TestHub::new().await;
    let id = ticket_of(
        &test
            .receive(Channel::Slack, payloads::slack("1767225600.000100", "U0DANA", "broken"))
            .await,
    );
    test.run_due_jobs().await;
    resolve(&test, id).await;
    approve(&test, id).await;
    let pending = test.store.all_notifications();
    let jobs = test.store.jobs();
    for notification in pending {
        let id = notification.id.to_string();
        assert!(jobs.iter().any(|job| job.payload.contains(&id)), "no job for {id}");
    }
}
