//! Deliveries: at most once, and known to have arrived.

use std::time::Duration;

use feedback_core::{
    HubSettings,
    domain::{Channel, Notification, NotificationStatus, TemplateRef, TicketId},
    ports::PortErrorKind,
    testing::{
        hub::{TestHub, ticket_of},
        memory::SendStep,
    },
    usecases::{DeliverySettings, OnAmbiguous, Settled},
};

use crate::{
    journey::{approve, resolve},
    payloads,
};

const SETTLE: Duration = Duration::from_secs(30);
const AMBIGUOUS_AFTER: Duration = Duration::from_secs(900);

pub(crate) async fn approved_on(channel: Channel, test: TestHub) -> (TestHub, TicketId) {
    let body = match channel {
        Channel::Slack => payloads::slack("1767225600.000100", "U0DANA", "the export hangs"),
        _ => payloads::whatsapp("5491155550101", &[("wamid.A", 1_767_225_600, "the export hangs")]),
    };
    let id = ticket_of(&test.receive(channel, body).await);
    test.run_due_jobs().await;
    resolve(&test, id).await;
    approve(&test, id).await;
    (test, id)
}

pub(crate) fn notification(test: &TestHub) -> Notification {
    let [notification] = &test.store.all_notifications()[..] else {
        panic!("one notification")
    };
    notification.clone()
}

fn refusal(kind: PortErrorKind, code: &'static str) -> SendStep {
    SendStep::Fail(kind, code)
}

#[tokio::test]
async fn f05_a_lost_answer_is_read_back_and_nothing_is_sent_twice() {
    let test = TestHub::new().await;
    test.slack.script(SendStep::LoseAnswer);
    let (test, _) = approved_on(Channel::Slack, test).await;
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Sending);
    test.wait(SETTLE).await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert!(notification(&test).provider_message_id.is_some());
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn f04_a_message_that_the_provider_does_not_have_is_sent_again_once() {
    let test = TestHub::new().await;
    test.slack.script(SendStep::Fail(PortErrorKind::Unknown, "no_answer"));
    let (test, _) = approved_on(Channel::Slack, test).await;
    test.run_due_jobs().await;
    assert_eq!(test.slack.texts().len(), 0);
    test.wait(SETTLE).await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn f05_where_the_provider_is_blind_a_person_decides() {
    let test = TestHub::new().await;
    test.whatsapp.script(SendStep::LoseAnswer);
    let (test, _) = approved_on(Channel::WhatsApp, test).await;
    test.run_due_jobs().await;
    test.wait(SETTLE).await;
    assert_eq!(
        notification(&test).status,
        NotificationStatus::Sending,
        "a status report may still come"
    );
    test.wait(AMBIGUOUS_AFTER).await;
    assert_eq!(notification(&test).status, NotificationStatus::Ambiguous);
    assert_eq!(test.whatsapp.calls(), 1, "nothing was sent again");

    let settled = test
        .hub
        .deliver
        .settle(notification(&test).id, Settled::SendAgain, test.reviewer.id)
        .await
        .unwrap();
    assert_eq!(settled.status, NotificationStatus::Pending);
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
}

#[tokio::test]
async fn retry_once_sends_once_more_and_then_asks() {
    let delivery = DeliverySettings {
        on_ambiguous: OnAmbiguous::RetryOnce,
        ..DeliverySettings::default()
    };
    let test = TestHub::with_settings(HubSettings {
        delivery,
        ..HubSettings::default()
    })
    .await;
    test.whatsapp.script(SendStep::LoseAnswer);
    test.whatsapp.script(SendStep::LoseAnswer);
    let (test, _) = approved_on(Channel::WhatsApp, test).await;
    test.run_due_jobs().await;
    for _ in 0..4 {
        test.wait(AMBIGUOUS_AFTER).await;
    }
    assert_eq!(notification(&test).status, NotificationStatus::Ambiguous);
    assert_eq!(test.whatsapp.texts().len(), 2, "at most one visible duplicate");
}

#[tokio::test]
async fn a_status_report_settles_a_send_without_an_answer_by_its_marker() {
    let test = TestHub::new().await;
    test.whatsapp.script(SendStep::LoseAnswer);
    let (test, _) = approved_on(Channel::WhatsApp, test).await;
    test.run_due_jobs().await;
    let marker = test.whatsapp.delivered()[0].marker.clone();
    test.receive(
        Channel::WhatsApp,
        payloads::whatsapp_status("wamid.OURS", "delivered", Some(marker.as_str())),
    )
    .await;
    assert_eq!(notification(&test).status, NotificationStatus::Delivered);
    assert_eq!(notification(&test).provider_message_id.as_deref(), Some("wamid.OURS"));
    test.wait(AMBIGUOUS_AFTER * 2).await;
    assert_eq!(notification(&test).status, NotificationStatus::Delivered);
    assert_eq!(test.whatsapp.calls(), 1);
}

#[tokio::test]
async fn status_reports_only_move_forward() {
    let (test, _) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    test.run_due_jobs().await;
    let wamid = notification(&test).provider_message_id.unwrap();
    for (status, expected) in [
        ("read", NotificationStatus::Read),
        ("delivered", NotificationStatus::Read),
        ("sent", NotificationStatus::Read),
        ("read", NotificationStatus::Read),
    ] {
        test.receive(Channel::WhatsApp, payloads::whatsapp_status(&wamid, status, None))
            .await;
        assert_eq!(notification(&test).status, expected, "after {status}");
    }
    test.receive(Channel::WhatsApp, payloads::whatsapp_failed(&wamid, 131_026))
        .await;
    assert_eq!(
        notification(&test).status,
        NotificationStatus::Read,
        "what was read cannot have failed"
    );
}

#[tokio::test]
async fn f83_a_late_failure_reopens_a_sent_notification() {
    let (test, _) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    test.run_due_jobs().await;
    let wamid = notification(&test).provider_message_id.unwrap();
    test.receive(Channel::WhatsApp, payloads::whatsapp_failed(&wamid, 131_026))
        .await;
    let failed = notification(&test);
    assert_eq!(failed.status, NotificationStatus::PermanentlyFailed);
    assert_eq!(failed.last_error.unwrap().code, "131026");
}

#[tokio::test]
async fn f43_five_failures_are_the_end_and_a_person_can_start_anew() {
    let test = TestHub::new().await;
    for _ in 0..5 {
        test.slack
            .script(refusal(PortErrorKind::Unavailable, "service_unavailable"));
    }
    let (test, _) = approved_on(Channel::Slack, test).await;
    for _ in 0..10 {
        test.wait(Duration::from_secs(3600)).await;
    }
    let dead = notification(&test);
    assert_eq!(
        (dead.status, dead.retry_count),
        (NotificationStatus::PermanentlyFailed, 5)
    );
    assert_eq!(test.slack.calls(), 5);
    test.hub.deliver.retry(dead.id, test.reviewer.id).await.unwrap();
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn f83_what_the_provider_refuses_for_good_is_tried_once() {
    let test = TestHub::new().await;
    test.slack.script(refusal(PortErrorKind::Rejected, "is_archived"));
    let (test, _) = approved_on(Channel::Slack, test).await;
    test.wait(Duration::from_secs(3600)).await;
    let dead = notification(&test);
    assert_eq!(dead.status, NotificationStatus::PermanentlyFailed);
    assert_eq!(dead.last_error.unwrap().code, "is_archived");
    assert_eq!(test.slack.calls(), 1);
}

#[tokio::test]
async fn f35_an_outage_uses_no_attempt_up() {
    let test = TestHub::new().await;
    for _ in 0..50 {
        test.slack.script(refusal(PortErrorKind::NotSent, "connect"));
    }
    let (test, _) = approved_on(Channel::Slack, test).await;
    test.run_due_jobs().await;
    for _ in 0..60 {
        test.wait(Duration::from_secs(60)).await;
    }
    let sent = notification(&test);
    assert_eq!((sent.status, sent.retry_count), (NotificationStatus::Sent, 0));
    assert_eq!(test.slack.texts().len(), 1);
}

#[tokio::test]
async fn f82_the_providers_word_that_the_window_is_closed_switches_to_the_template_once() {
    let template = TemplateRef {
        name: "feedback_update".into(),
        language: "es".into(),
    };
    let test = TestHub::with_settings(HubSettings {
        template: Some(template),
        ..HubSettings::default()
    })
    .await;
    test.whatsapp
        .script(refusal(PortErrorKind::ChannelRestricted, "131047"));
    let (test, _) = approved_on(Channel::WhatsApp, test).await;
    test.run_due_jobs().await;
    let sent = notification(&test);
    assert_eq!((sent.status, sent.retry_count), (NotificationStatus::Sent, 0));
    assert_eq!(sent.sent_as.as_deref(), Some("template"));
    assert_eq!(test.whatsapp.calls(), 2);
}

#[tokio::test]
async fn f82_without_a_template_the_delivery_waits_for_a_person() {
    let (test, _) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    test.wait(Duration::from_secs(25 * 3600)).await;
    let parked = notification(&test);
    assert_eq!(parked.status, NotificationStatus::ChannelRestricted);
    assert_eq!(parked.last_error.unwrap().code, "window_closed");
    assert_eq!(test.whatsapp.calls(), 0);
}
