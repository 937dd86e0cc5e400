//! Deliveries: at most once, and known to have arrived.

use std::time::Duration;

use feedback_core::{
    HubSettings,
    domain::{
        Channel, EventKind, JobStatus, Notification, NotificationStatus, Route, TemplateRef, TicketId, TicketStatus,
    },
    ports::{Clock, PortErrorKind, Storage},
    testing::{
        hub::{TestHub, ticket_of},
        memory::SendStep,
    },
    usecases::{DeliverySettings, OnAmbiguous, Settled},
};

use serde_json::json;

use crate::{
    journey::{approve, resolve},
    payloads,
};

const SETTLE: Duration = Duration::from_secs(30);
const AMBIGUOUS_AFTER: Duration = Duration::from_secs(900);

pub(crate) async fn approved_on(channel: Channel, test: TestHub) -> (TestHub, TicketId) {
    let body = match channel {
        Channel::Slack => payloads::slack("1767225600.000100", "U0DANA", "the export hangs"),
        Channel::Intercom => payloads::intercom("900100", "contact-1", "dana@example.test", "the export hangs"),
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

#[tokio::test]
async fn the_persons_next_message_delivers_what_was_parked_while_its_approval_is_fresh() {
    let (test, _) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    test.wait(Duration::from_secs(25 * 3600)).await;
    assert_eq!(notification(&test).status, NotificationStatus::ChannelRestricted);
    assert_eq!(test.whatsapp.calls(), 0);
    let now = test.clock.now().unix_seconds();
    // Another person's message changes nothing.
    test.receive(
        Channel::WhatsApp,
        payloads::whatsapp("5491155550999", &[("wamid.X", now, "hola")]),
    )
    .await;
    test.run_due_jobs().await;
    assert_eq!(test.whatsapp.calls(), 0);
    test.receive(
        Channel::WhatsApp,
        payloads::whatsapp(
            "5491155550101",
            &[("wamid.B", now, "hola"), ("wamid.C", now + 1, "¿están?")],
        ),
    )
    .await;
    test.run_due_jobs().await;
    let sent = notification(&test);
    assert_eq!(
        (sent.status, sent.sent_as.as_deref()),
        (NotificationStatus::Sent, Some("session"))
    );
    assert_eq!(test.whatsapp.texts().len(), 1, "once, though two messages came");
}

#[tokio::test]
async fn what_was_approved_more_than_seven_days_ago_goes_back_to_people() {
    let (test, id) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    test.wait(Duration::from_secs(25 * 3600)).await;
    test.wait(Duration::from_secs(7 * 24 * 3600)).await;
    let now = test.clock.now().unix_seconds();
    test.receive(
        Channel::WhatsApp,
        payloads::whatsapp("5491155550101", &[("wamid.B", now, "hola")]),
    )
    .await;
    test.run_due_jobs().await;
    let back = notification(&test);
    assert_eq!(back.status, NotificationStatus::PermanentlyFailed);
    assert_eq!(back.last_error.as_ref().unwrap().code, "approval_too_old");
    assert_eq!(test.whatsapp.calls(), 0);
    assert!(crate::journey::kinds(&test, id).contains(&EventKind::ReturnedToReview));
    // A person who read it again says so.
    test.hub.deliver.retry(back.id, test.reviewer.id).await.unwrap();
    test.run_due_jobs().await;
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
}

#[tokio::test]
async fn a_message_of_a_person_who_opted_out_resumes_nothing() {
    let (test, _) = approved_on(Channel::WhatsApp, TestHub::new().await).await;
    test.wait(Duration::from_secs(25 * 3600)).await;
    let now = test.clock.now().unix_seconds();
    test.receive(
        Channel::WhatsApp,
        payloads::whatsapp("5491155550101", &[("wamid.B", now, "STOP")]),
    )
    .await;
    test.run_due_jobs().await;
    assert_eq!(test.whatsapp.calls(), 0);
    assert_eq!(notification(&test).status, NotificationStatus::ChannelRestricted);
}

#[tokio::test]
async fn an_answer_by_mail_goes_to_the_thread_it_came_from() {
    let test = TestHub::new().await;
    let id = mailed(&test).await;
    test.run_due_jobs().await;
    let sent = test.email.delivered().remove(0);
    let Route::Email {
        to,
        subject,
        message_id,
        ..
    } = &sent.route
    else {
        panic!("a mail")
    };
    assert_eq!(
        (to.as_str(), message_id.as_deref()),
        ("dana@example.test", Some("root@mail.example.test"))
    );
    assert_eq!(subject.as_deref(), Some("Export hangs"));
    assert_eq!(notification(&test).status, NotificationStatus::Sent);
    assert_eq!(crate::journey::stored(&test, id).status, TicketStatus::Closed);
}

#[tokio::test]
async fn f05_a_mail_whose_answer_was_lost_is_for_a_person_to_decide() {
    let test = TestHub::new().await;
    test.email.script(SendStep::LoseAnswer);
    mailed(&test).await;
    test.run_due_jobs().await;
    test.wait(SETTLE).await;
    test.wait(AMBIGUOUS_AFTER).await;
    assert_eq!(notification(&test).status, NotificationStatus::Ambiguous);
    assert_eq!(test.email.calls(), 1);
}

async fn mailed(test: &TestHub) -> TicketId {
    let body = json!({
        "message_id": "<root@mail.example.test>", "from": "Dana <dana@example.test>", "subject": "Export hangs",
        "text": "The export hangs since Monday", "date": "2026-01-01T00:00:00Z",
    });
    let id = ticket_of(&test.receive(Channel::Email, body.to_string()).await);
    test.run_due_jobs().await;
    resolve(test, id).await;
    approve(test, id).await;
    id
}

#[tokio::test]
async fn f83_every_code_of_every_provider_has_one_next_state_a_count_and_a_time() {
    use NotificationStatus::{ChannelRestricted, Failed, PermanentlyFailed, Sending};
    use PortErrorKind as Kind;
    let limited = Kind::RateLimited {
        retry_after: Some(Duration::from_secs(30)),
    };
    // Kind of failure as the adapter classifies the code (its own tables prove that), the codes, what the notification is
    // then, tries that count, tries begun, and when the next one is due in seconds (at least, at most).
    type Row<'a> = (
        Channel,
        Kind,
        &'a [&'static str],
        NotificationStatus,
        u32,
        usize,
        Option<(u64, u64)>,
    );
    let rows: &[Row<'_>] = &[
        (
            Channel::Slack,
            limited,
            &["ratelimited", "rate_limited"],
            Failed,
            1,
            1,
            Some((30, 35)),
        ),
        (
            Channel::Slack,
            Kind::Unavailable,
            &["service_unavailable", "request_timeout", "team_added_to_org"],
            Failed,
            1,
            1,
            Some((0, 5)),
        ),
        (
            Channel::Slack,
            Kind::Unknown,
            &["internal_error", "fatal_error"],
            Sending,
            0,
            1,
            Some((30, 30)),
        ),
        (
            Channel::Slack,
            Kind::Rejected,
            &[
                "not_in_channel",
                "is_archived",
                "msg_too_long",
                "msg_blocks_too_long",
                "no_text",
                "invalid_blocks",
                "invalid_blocks_format",
                "too_many_attachments",
                "metadata_too_large",
                "cannot_reply_to_message",
                "restricted_action",
                "restricted_action_thread_only_channel",
                "message_limit_exceeded",
                "markdown_text_conflict",
            ],
            PermanentlyFailed,
            0,
            1,
            None,
        ),
        (
            Channel::Slack,
            Kind::NotFound,
            &["channel_not_found", "thread_not_found"],
            PermanentlyFailed,
            0,
            1,
            None,
        ),
        (
            Channel::Slack,
            Kind::Unauthorized,
            &[
                "invalid_auth",
                "not_authed",
                "account_inactive",
                "token_revoked",
                "token_expired",
                "missing_scope",
                "no_permission",
                "not_allowed_token_type",
                "access_denied",
                "app_access_restricted",
                "ekm_access_denied",
            ],
            Failed,
            0,
            1,
            Some((30, 30)),
        ),
        (
            Channel::Intercom,
            limited,
            &["rate_limit_exceeded"],
            Failed,
            1,
            1,
            Some((30, 35)),
        ),
        (
            Channel::Intercom,
            Kind::Unavailable,
            &["service_unavailable"],
            Failed,
            1,
            1,
            Some((0, 5)),
        ),
        (
            Channel::Intercom,
            Kind::Unknown,
            &["server_error"],
            Sending,
            0,
            1,
            Some((30, 30)),
        ),
        (
            Channel::Intercom,
            Kind::Rejected,
            &[
                "parameter_invalid",
                "parameter_not_found",
                "bad_request",
                "api_plan_restricted",
                "data_invalid",
                "conflict",
                "media_type_not_acceptable",
                "locked",
            ],
            PermanentlyFailed,
            0,
            1,
            None,
        ),
        (
            Channel::Intercom,
            Kind::NotFound,
            &["not_found", "conversation_not_found"],
            PermanentlyFailed,
            0,
            1,
            None,
        ),
        (
            Channel::Intercom,
            Kind::Unauthorized,
            &["unauthorized", "token_revoked", "token_expired", "forbidden"],
            Failed,
            0,
            1,
            Some((30, 30)),
        ),
        (
            Channel::WhatsApp,
            Kind::Unauthorized,
            &[
                "0", "190", "3", "10", "200", "299", "131031", "368", "130497", "131042", "131045", "133010",
            ],
            Failed,
            0,
            1,
            Some((30, 30)),
        ),
        (
            Channel::WhatsApp,
            Kind::Rejected,
            &[
                "100", "131008", "131009", "33", "131026", "131050", "131021", "131030", "131051", "131052", "131053",
            ],
            PermanentlyFailed,
            0,
            1,
            None,
        ),
        (
            Channel::WhatsApp,
            Kind::Unavailable,
            &["1", "2", "131000", "131016", "133004", "131057"],
            Failed,
            1,
            1,
            Some((0, 5)),
        ),
        (
            Channel::WhatsApp,
            Kind::RateLimited { retry_after: None },
            &["4", "80007", "130429", "131056", "132069"],
            Failed,
            1,
            1,
            Some((0, 5)),
        ),
        (
            Channel::WhatsApp,
            Kind::RateLimited {
                retry_after: Some(Duration::from_secs(3600)),
            },
            &["131048", "131064"],
            Failed,
            1,
            1,
            Some((3600, 3600)),
        ),
        (
            Channel::WhatsApp,
            Kind::ChannelRestricted,
            &[
                "131049", "130472", "132000", "132001", "132005", "132007", "132008", "132012", "132015", "132016",
                "132068",
            ],
            ChannelRestricted,
            0,
            1,
            None,
        ),
        // One switch to the template, at once: there is none here, so it waits for the person.
        (
            Channel::WhatsApp,
            Kind::ChannelRestricted,
            &["131047"],
            ChannelRestricted,
            0,
            1,
            None,
        ),
        (
            Channel::WhatsApp,
            Kind::Unknown,
            &["connection_lost"],
            Sending,
            0,
            1,
            Some((30, 30)),
        ),
        (
            Channel::WhatsApp,
            Kind::NotSent,
            &["dns", "connect", "tls"],
            Failed,
            0,
            1,
            Some((30, 30)),
        ),
    ];
    for (channel, kind, codes, status, counted, begun, due) in rows {
        for code in *codes {
            let test = TestHub::new().await;
            let sender = match channel {
                Channel::Slack => &test.slack,
                Channel::Intercom => &test.intercom,
                _ => &test.whatsapp,
            };
            sender.script(SendStep::Fail(*kind, code));
            let (test, _) = approved_on(*channel, test).await;
            test.run_due_jobs().await;
            let what = format!("{channel} {code}");
            let after = notification(&test);
            assert_eq!((after.status, after.retry_count), (*status, *counted), "{what}");
            let attempts = test.store.attempts(after.id).await.unwrap();
            assert_eq!(attempts.len(), *begun, "{what}");
            let kept = attempts[0].error.as_ref().map(|error| error.code.clone());
            assert_eq!(kept.as_deref(), Some(*code), "{what}");
            let waiting = test
                .store
                .jobs()
                .into_iter()
                .find(|job| job.status == JobStatus::Ready && job.payload.contains("_notification"));
            let wait = waiting.map(|job| job.run_at.since(test.clock.now()).as_secs());
            match due {
                None => assert_eq!(wait, None, "{what}"),
                Some((least, most)) => {
                    let wait = wait.unwrap_or_else(|| panic!("{what}: no job will move it"));
                    assert!((*least..=*most).contains(&wait), "{what}: {wait} s");
                }
            }
        }
    }
}
