//! Tries, looks, status reports and people that meet: every message at most once, every failure seen, nothing stuck.

use std::time::Duration;

use feedback_core::{
    HubSettings,
    domain::{Channel, Notification, NotificationStatus, TemplateRef, TicketId, TicketStatus, TrackerStatus},
    logic::normalize::Author,
    ports::{Clock, PortErrorKind},
    testing::{
        hub::{TestHub, ticket_of},
        memory::SendStep,
    },
    usecases::{Settled, Submission},
};

use crate::{
    deliver::{approved_on, notification},
    journey::{approve, confirm, resolve, stored},
    payloads, rig,
};

const SETTLE: Duration = Duration::from_secs(30);
const AMBIGUOUS_AFTER: Duration = Duration::from_secs(900);
const HOUR: Duration = Duration::from_secs(3600);

async fn with_template() -> TestHub {
    let template = TemplateRef {
        name: "feedback_update".into(),
        language: "es".into(),
    };
    TestHub::with_settings(HubSettings {
        template: Some(template),
        ..HubSettings::default()
    })
    .await
}

async fn move_on_board(test: &TestHub, ticket: TicketId, to: TrackerStatus) {
    let page = test.tracker.page_of(ticket).expect("the ticket has a page");
    test.tracker.move_page(&page.update.page_id, to);
    test.hub.poll.as_ref().unwrap().poll().await.unwrap();
}

async fn in_app(test: &TestHub) -> TicketId {
    let submission = Submission {
        channel: Channel::InApp,
        external_id: None,
        author: Author {
            external_user_id: "user-9".into(),
            ..Author::default()
        },
        text: "the export hangs".into(),
        title: None,
        ticket_type: None,
        priority: None,
    };
    let id = test.hub.ingest.submit(&submission, None).await.unwrap().ticket;
    test.run_due_jobs().await;
    resolve(test, id).await;
    approve(test, id).await;
    id
}

fn marker(test: &TestHub, nth: usize) -> String {
    test.whatsapp.delivered()[nth].marker.as_str().to_owned()
}

#[tokio::test]
async fn f59_two_reports_on_one_message_in_one_delivery_are_both_applied() {
    let (test, _) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    test.run_due_jobs().await;
    let wamid = notification(&test).provider_message_id.unwrap();
    let reports = [
        payloads::report(&wamid, "delivered", None, None),
        payloads::report(&wamid, "read", None, None),
    ];
    test.receive(Channel::WhatsApp, payloads::whatsapp_reports(&reports))
        .await;
    assert_eq!(notification(&test).status, NotificationStatus::Read);
}

#[tokio::test]
async fn f59_a_report_that_closes_a_ticket_and_the_answer_that_reopens_it_come_in_one_delivery() {
    let test = TestHub::new().await;
    test.whatsapp.script(SendStep::LoseAnswer);
    let (test, id) = approved_on(Channel::WhatsApp, test).await;
    test.run_due_jobs().await;
    let report = payloads::report("wamid.OURS", "delivered", Some(&marker(&test, 0)), None);
    let answer = payloads::whatsapp_message("5491155550101", "wamid.B", 1_767_225_600, "sigue sin funcionar");
    test.receive(Channel::WhatsApp, payloads::whatsapp_mixed(&[answer], &[report]))
        .await;
    assert_eq!(notification(&test).status, NotificationStatus::Delivered);
    assert_eq!(stored(&test, id).status, TicketStatus::Triaged);
}

#[tokio::test]
async fn f82_a_repeated_report_of_a_closed_window_sends_the_template_once() {
    let (test, _) = approved_on(Channel::WhatsApp, with_template().await).await;
    test.run_due_jobs().await;
    let wamid = notification(&test).provider_message_id.unwrap();
    let report = payloads::report(&wamid, "failed", Some(&marker(&test, 0)), Some(131_047));
    for _ in 0..3 {
        test.receive(
            Channel::WhatsApp,
            payloads::whatsapp_reports(std::slice::from_ref(&report)),
        )
        .await;
        test.run_due_jobs().await;
    }
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(notification(&test).sent_as.as_deref(), Some("template"));
    assert_eq!(test.whatsapp.texts().len(), 2, "the refused text and one template");
}

#[tokio::test]
async fn a_sent_report_that_comes_after_the_failure_of_the_same_message_changes_nothing() {
    let (test, _) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    test.run_due_jobs().await;
    let wamid = notification(&test).provider_message_id.unwrap();
    for (status, code) in [("failed", Some(131_026)), ("sent", None)] {
        let report = payloads::report(&wamid, status, Some(&marker(&test, 0)), code);
        test.receive(Channel::WhatsApp, payloads::whatsapp_reports(&[report]))
            .await;
        assert_eq!(
            notification(&test).status,
            NotificationStatus::PermanentlyFailed,
            "after {status}"
        );
    }
}

#[tokio::test]
async fn f83_a_failure_that_is_reported_before_the_answer_to_our_call_is_not_forgotten() {
    let (test, _) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    let (hub, gate) = rig::gated(&test);
    let id = notification(&test).id;
    let report = async {
        let report = payloads::report("whatsapp-1", "failed", Some(&marker(&test, 0)), Some(131_026));
        test.receive(Channel::WhatsApp, payloads::whatsapp_reports(&[report]))
            .await;
    };
    gate.during(hub.deliver.deliver(id), report).await.unwrap();
    let failed = notification(&test);
    assert_eq!(failed.status, NotificationStatus::PermanentlyFailed);
    assert_eq!(failed.last_error.unwrap().code, "131026");
}

#[tokio::test]
async fn f06_an_answer_that_could_not_be_recorded_is_read_back_with_its_message_id_or_is_for_a_person() {
    for channel in [Channel::Slack, Channel::Intercom, Channel::WhatsApp] {
        let (test, _) = approved_on(channel, TestHub::new().await).await;
        let (hub, gate) = rig::gated(&test);
        let id = notification(&test).id;
        // The provider has answered, and the process dies before its record: here the record cannot be stored.
        let dies = async { test.store.fail_next_commit(PortErrorKind::Unavailable) };
        assert!(gate.during(hub.deliver.deliver(id), dies).await.is_err(), "{channel}");
        assert_eq!(notification(&test).status, NotificationStatus::Sending, "{channel}");
        for _ in 0..40 {
            test.wait(SETTLE).await;
        }
        let after = notification(&test);
        let sent = [test.slack.calls(), test.intercom.calls(), test.whatsapp.calls()];
        assert_eq!(sent.iter().sum::<usize>(), 1, "{channel}");
        if channel == Channel::WhatsApp {
            assert_eq!(
                after.status,
                NotificationStatus::Ambiguous,
                "nobody can be asked but a person"
            );
        } else {
            assert_eq!(after.status, NotificationStatus::Sent, "{channel}");
            assert!(after.provider_message_id.is_some(), "{channel}: recovered");
        }
    }
}

#[tokio::test]
async fn two_looks_at_one_attempt_lead_to_one_more_try() {
    let test = TestHub::new().await;
    test.slack.script(SendStep::Fail(PortErrorKind::Unknown, "no_answer"));
    test.slack.script(SendStep::LoseAnswer);
    let (test, _) = approved_on(Channel::Slack, test).await;
    let (hub, gate) = rig::gated(&test);
    let id = notification(&test).id;
    test.hub.deliver.deliver(id).await.unwrap();
    test.clock.advance(SETTLE);
    let other_look = async {
        test.hub.deliver.reconcile(id).await.unwrap();
        test.hub.deliver.deliver(id).await.unwrap();
        assert_eq!(test.slack.texts().len(), 1);
    };
    gate.during(hub.deliver.reconcile(id), other_look).await.unwrap();
    for _ in 0..5 {
        test.wait(SETTLE).await;
    }
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn f26_a_try_that_wakes_late_says_nothing_about_the_one_after_it() {
    let test = TestHub::new().await;
    test.slack.script(SendStep::Fail(PortErrorKind::NotSent, "connect"));
    test.slack.script(SendStep::LoseAnswer);
    let (test, _) = approved_on(Channel::Slack, test).await;
    let (hub, gate) = rig::gated(&test);
    let id = notification(&test).id;
    let second_worker = async {
        test.clock.advance(SETTLE + SETTLE);
        test.hub.deliver.reconcile(id).await.unwrap();
        test.hub.deliver.deliver(id).await.unwrap();
    };
    gate.during(hub.deliver.deliver(id), second_worker).await.unwrap();
    assert_eq!(
        notification(&test).status,
        NotificationStatus::Sending,
        "the second try has its own answer to come"
    );
    for _ in 0..5 {
        test.wait(SETTLE).await;
    }
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn f26_a_worker_that_was_stopped_before_the_first_byte_does_not_send() {
    let (test, _) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    let id = notification(&test).id;
    rig::halting(&test).deliver.deliver(id).await.unwrap();
    assert_eq!(test.whatsapp.calls(), 0, "others may have looked and sent meanwhile");
    for _ in 0..5 {
        test.wait(SETTLE).await;
    }
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(test.whatsapp.texts().len(), 1);
}

#[tokio::test]
async fn an_inbox_delivery_that_meets_a_change_of_its_ticket_is_made_again() {
    let test = TestHub::new().await;
    let id = in_app(&test).await;
    test.store.fail_next_commit(PortErrorKind::Conflict);
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Delivered);
    assert_eq!(stored(&test, id).status, TicketStatus::Closed);
}

#[tokio::test]
async fn a_persons_word_that_meets_a_change_of_the_ticket_is_taken() {
    let test = TestHub::new().await;
    test.whatsapp.script(SendStep::LoseAnswer);
    let (test, id) = approved_on(Channel::WhatsApp, test).await;
    test.run_due_jobs().await;
    test.wait(AMBIGUOUS_AFTER).await;
    assert_eq!(notification(&test).status, NotificationStatus::Ambiguous);
    test.store.fail_next_commit(PortErrorKind::Conflict);
    let settled = test
        .hub
        .deliver
        .settle(notification(&test).id, Settled::Sent, test.reviewer.id)
        .await
        .unwrap();
    assert_eq!(settled.status, NotificationStatus::Sent);
    assert_eq!(stored(&test, id).status, TicketStatus::Closed);
}

#[tokio::test]
async fn a_person_who_asks_for_a_try_does_not_wait_for_the_next_one_by_itself() {
    let test = TestHub::new().await;
    test.slack
        .script(SendStep::Fail(PortErrorKind::Unavailable, "service_unavailable"));
    let (test, _) = approved_on(Channel::Slack, test).await;
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Failed);
    test.hub
        .deliver
        .retry(notification(&test).id, test.reviewer.id)
        .await
        .unwrap();
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    test.wait(HOUR * 2).await;
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn what_was_approved_is_not_sent_once_the_ticket_was_taken_up_again() {
    let (test, id) = approved_on(Channel::Slack, TestHub::new().await).await;
    move_on_board(&test, id, TrackerStatus::InProgress).await;
    test.run_due_jobs().await;
    assert_eq!(test.slack.calls(), 0, "\"it is solved\" is not so any more");
    let refused = notification(&test);
    assert_eq!(refused.status, NotificationStatus::PermanentlyFailed);
    assert_eq!(refused.last_error.unwrap().code, "ticket_moved_on");
}

#[tokio::test]
async fn news_of_an_earlier_resolution_does_not_close_the_next_one() {
    let test = TestHub::new().await;
    test.whatsapp.script(SendStep::LoseAnswer);
    let (test, id) = approved_on(Channel::WhatsApp, test).await;
    test.run_due_jobs().await;
    move_on_board(&test, id, TrackerStatus::InProgress).await;
    move_on_board(&test, id, TrackerStatus::Done).await;
    let report = payloads::report("wamid.OURS", "delivered", Some(&marker(&test, 0)), None);
    test.receive(Channel::WhatsApp, payloads::whatsapp_reports(&[report]))
        .await;
    assert_eq!(notification(&test).status, NotificationStatus::Delivered);
    assert_eq!(
        stored(&test, id).status,
        TicketStatus::Resolved,
        "of the second resolution nobody was told"
    );
}

#[tokio::test]
async fn a_send_that_can_never_be_looked_up_ends_with_a_person() {
    let test = TestHub::new().await;
    test.slack.script(SendStep::LoseAnswer);
    for _ in 0..200 {
        test.slack.fail_read_back(PortErrorKind::Unauthorized, "token_revoked");
    }
    let (test, _) = approved_on(Channel::Slack, test).await;
    test.run_due_jobs().await;
    for _ in 0..80 {
        test.wait(HOUR).await;
    }
    assert_eq!(notification(&test).status, NotificationStatus::Ambiguous);
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn f37_a_try_on_a_clock_that_was_put_back_is_still_looked_up() {
    let test = TestHub::new().await;
    test.slack.script(SendStep::Fail(PortErrorKind::NotSent, "connect"));
    test.slack.script(SendStep::LoseAnswer);
    let (test, _) = approved_on(Channel::Slack, test).await;
    test.run_due_jobs().await;
    let id = notification(&test).id;
    test.clock.set(test.clock.now().minus(HOUR));
    test.hub.deliver.deliver(id).await.unwrap();
    assert_eq!(notification(&test).status, NotificationStatus::Sending);
    for _ in 0..5 {
        test.wait(SETTLE).await;
    }
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn a_person_who_writes_again_opens_the_window_that_the_provider_called_closed() {
    let test = TestHub::new().await;
    test.whatsapp
        .script(SendStep::Fail(PortErrorKind::ChannelRestricted, "131047"));
    let (test, _) = approved_on(Channel::WhatsApp, test).await;
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::ChannelRestricted);
    test.clock.advance(HOUR * 30);
    let now = test.clock.now().unix_seconds();
    let again = payloads::whatsapp(
        "5491155550101",
        &[("wamid.B", now, "another thing: the invoice is wrong")],
    );
    test.receive(Channel::WhatsApp, again).await;
    test.run_due_jobs().await;
    let sent: Notification = notification(&test);
    assert_eq!(
        (sent.status, sent.sent_as.as_deref()),
        (NotificationStatus::Sent, Some("session"))
    );
}

#[tokio::test]
async fn a_reporter_who_was_told_ahead_of_the_resolution_needs_no_second_word_to_close_the_ticket() {
    let test = TestHub::new().await;
    let body = payloads::slack("1767225600.000100", "U0DANA", "the export hangs");
    let id = ticket_of(&test.receive(Channel::Slack, body).await);
    test.run_due_jobs().await;
    confirm(&test, id).await;
    test.run_due_jobs().await;
    test.hub.drafts.generate(id, test.reviewer.id).await.unwrap();
    approve(&test, id).await;
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    move_on_board(&test, id, TrackerStatus::Done).await;
    test.run_due_jobs().await;
    assert_eq!(stored(&test, id).status, TicketStatus::Closed);
    assert_eq!(test.slack.texts().len(), 1);
}
