//! Receipts at intake: the operator's fixed words, once, in the thread of the report, and to nobody who does not want them.

use std::time::Duration;

use feedback_core::{
    HubSettings,
    domain::{Channel, EventKind, TicketId},
    ports::{Clock, PortErrorKind},
    testing::{
        hub::{TestHub, ticket_of},
        memory::{ScriptedSender, SendStep},
    },
    usecases::{Outcome, Receipts},
};
use serde_json::json;

use crate::{
    journey::{kinds, stored},
    payloads,
};

const DANA: &str = "5491155550101";
const AT: i64 = 1_767_225_600;

async fn with(receipts: Receipts) -> TestHub {
    TestHub::with_settings(HubSettings {
        receipts,
        ..HubSettings::default()
    })
    .await
}

fn mail(id: &str, authenticated: bool, text: &str) -> String {
    json!({"from": "Dana <dana@example.test>", "subject": "Invoice", "text": text, "message_id": id,
           "authenticated": authenticated})
    .to_string()
}

/// A first report on each channel that has threads.
fn reports() -> [(Channel, String); 4] {
    [
        (
            Channel::Slack,
            payloads::slack("1767225600.000100", "U0DANA", "the export hangs"),
        ),
        (
            Channel::Intercom,
            payloads::intercom("900100", "contact-1", "dana@example.test", "the export hangs"),
        ),
        (
            Channel::WhatsApp,
            payloads::whatsapp(DANA, &[("wamid.A", AT, "no puedo pagar la factura")]),
        ),
        (Channel::Email, mail("<a@x>", true, "the invoice is wrong")),
    ]
}

fn sender(test: &TestHub, channel: Channel) -> &ScriptedSender {
    match channel {
        Channel::Slack => &test.slack,
        Channel::Intercom => &test.intercom,
        Channel::WhatsApp => &test.whatsapp,
        _ => &test.email,
    }
}

async fn report(test: &TestHub, channel: Channel, body: String) -> TicketId {
    let id = ticket_of(&test.receive(channel, body).await);
    test.run_due_jobs().await;
    id
}

fn is_noted(test: &TestHub, id: TicketId) -> bool {
    kinds(test, id).contains(&EventKind::ReceiptSent)
}

#[tokio::test]
async fn every_channel_answers_a_report_once_in_its_thread_and_language() {
    for (channel, body) in reports() {
        let test = with(Receipts::Everywhere).await;
        let id = report(&test, channel, body.clone()).await;
        let number = stored(&test, id).number;
        let words = match channel {
            Channel::WhatsApp => format!("Lo recibimos: es el ticket {number}. Te vamos a responder por acá."),
            _ => format!("We have it: this is ticket {number}. We will answer here."),
        };
        assert_eq!(sender(&test, channel).texts(), [words], "{channel}");
        assert!(sender(&test, channel).delivered()[0].approved.is_receipt(), "{channel}");
        assert!(is_noted(&test, id), "{channel}");
        // The provider delivers the report again, and the job runs again.
        test.receive(channel, body).await;
        test.hub.send_receipt.send(id).await.unwrap();
        test.run_due_jobs().await;
        assert_eq!(sender(&test, channel).calls(), 1, "{channel}");
    }
}

#[tokio::test]
async fn nothing_is_said_unless_the_operator_chose_so() {
    for receipts in [Receipts::Off, Receipts::BeginThreads] {
        for (channel, body) in reports() {
            let test = with(receipts).await;
            let id = report(&test, channel, body).await;
            assert_eq!(sender(&test, channel).calls(), 0, "{channel} {receipts:?}");
            assert!(!is_noted(&test, id), "{channel} {receipts:?}");
        }
    }
}

#[tokio::test]
async fn what_may_have_left_is_never_sent_again() {
    for (channel, body) in reports() {
        let test = with(Receipts::Everywhere).await;
        sender(&test, channel).script(SendStep::LoseAnswer);
        let id = report(&test, channel, body).await;
        for _ in 0..5 {
            test.hub.send_receipt.send(id).await.unwrap();
            test.wait(Duration::from_secs(60)).await;
        }
        assert_eq!(sender(&test, channel).calls(), 1, "{channel}");
        assert!(!is_noted(&test, id), "{channel}: nobody knows");
    }
}

#[tokio::test]
async fn what_surely_did_not_leave_is_sent_once_more_and_what_was_refused_is_not() {
    for (kind, calls, said) in [
        (PortErrorKind::NotSent, 2, true),
        (PortErrorKind::RateLimited { retry_after: None }, 2, true),
        (PortErrorKind::Rejected, 1, false),
    ] {
        let test = with(Receipts::Everywhere).await;
        test.slack.script(SendStep::Fail(kind, "scripted"));
        let id = report(
            &test,
            Channel::Slack,
            payloads::slack("1767225600.000100", "U0DANA", "it hangs"),
        )
        .await;
        for _ in 0..5 {
            test.wait(Duration::from_secs(60)).await;
        }
        assert_eq!((test.slack.calls(), is_noted(&test, id)), (calls, said), "{kind:?}");
    }
}

#[tokio::test]
async fn a_process_that_died_between_its_intent_and_its_call_leaves_no_second_one() {
    let test = with(Receipts::Everywhere).await;
    // The call's outcome cannot be recorded: as good as dead at that moment.
    let body = payloads::slack("1767225600.000100", "U0DANA", "it hangs");
    let id = ticket_of(&test.receive(Channel::Slack, body).await);
    test.slack.script(SendStep::Hang { delivers: true });
    let dies = tokio::time::timeout(Duration::from_millis(20), test.hub.send_receipt.send(id)).await;
    assert!(dies.is_err());
    test.run_due_jobs().await;
    assert_eq!(test.slack.calls(), 1);
}

#[tokio::test]
async fn who_asked_not_to_be_written_to_gets_none() {
    let test = with(Receipts::Everywhere).await;
    let stop = payloads::whatsapp(DANA, &[("wamid.STOP", AT - 7000, "BAJA")]);
    test.receive(Channel::WhatsApp, stop).await;
    test.run_due_jobs().await;
    let before = test.whatsapp.calls();
    let body = payloads::whatsapp(DANA, &[("wamid.B", AT, "no puedo pagar la factura")]);
    let id = ticket_of(&test.receive(Channel::WhatsApp, body).await);
    test.run_due_jobs().await;
    assert_eq!(test.whatsapp.calls(), before);
    assert!(!is_noted(&test, id));
}

#[tokio::test]
async fn what_comes_late_and_what_nobody_vouches_for_is_not_answered() {
    let test = with(Receipts::Everywhere).await;
    let days_ago = payloads::whatsapp(DANA, &[("wamid.A", AT - 3 * 24 * 3600, "no puedo pagar")]);
    report(&test, Channel::WhatsApp, days_ago).await;
    report(&test, Channel::Email, mail("<forged@x>", false, "the invoice is wrong")).await;
    assert_eq!(test.whatsapp.calls() + test.email.calls(), 0);
    // The hub was away for hours after it took the report.
    let body = payloads::slack("1767225600.000100", "U0DANA", "it hangs");
    let id = ticket_of(&test.receive(Channel::Slack, body).await);
    test.wait(Duration::from_secs(2 * 3600)).await;
    assert!(!is_noted(&test, id));
}

#[tokio::test]
async fn a_follow_up_is_not_answered_and_a_machine_that_answers_comes_to_rest() {
    let test = with(Receipts::Everywhere).await;
    let id = report(
        &test,
        Channel::Slack,
        payloads::slack("1767225600.000100", "U0DANA", "it hangs"),
    )
    .await;
    let reply = payloads::slack_reply("1767225700.000200", "1767225600.000100", "U0DANA", "still hanging");
    assert_eq!(
        test.receive(Channel::Slack, reply).await.outcomes,
        [Outcome::FollowUp(id)]
    );
    test.run_due_jobs().await;
    assert_eq!(test.slack.calls(), 1);
    // Another hub answers each of our mails with a mail of its own, in no thread, and marks none as automatic.
    for round in 0..10 {
        let answer = mail(
            &format!("<r{round}@x>"),
            true,
            &format!("Your message {round} was received."),
        );
        report(&test, Channel::Email, answer).await;
        test.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(test.email.calls(), 3, "a few in an hour");
    assert!(test.clock.now().unix_seconds() < AT + 3600);
}

#[tokio::test]
async fn an_answer_to_a_receipt_belongs_to_its_ticket_weeks_later() {
    let test = with(Receipts::Everywhere).await;
    let body = payloads::whatsapp(DANA, &[("wamid.A", AT, "no puedo pagar la factura")]);
    let first = report(&test, Channel::WhatsApp, body).await;
    let ours = "whatsapp-1";
    // Another matter since, and long after the burst.
    let later = AT + 20 * 24 * 3600;
    test.wait(Duration::from_secs(20 * 24 * 3600)).await;
    test.hub.retain.run().await.expect("the purge runs");
    let body = payloads::whatsapp(DANA, &[("wamid.B", later, "la exportación se cuelga")]);
    let second = report(&test, Channel::WhatsApp, body).await;
    assert_ne!(first, second);
    let quoting = payloads::whatsapp_quoting(DANA, "wamid.C", later + 60, "y de esto, ¿saben algo?", ours);
    assert_eq!(
        test.receive(Channel::WhatsApp, quoting).await.outcomes,
        [Outcome::FollowUp(first)]
    );
    test.wait(Duration::from_secs(3600)).await;
    let stranger = payloads::whatsapp_quoting(DANA, "wamid.D", later + 3600, "otra cosa", "whatsapp-99");
    let other = ticket_of(&test.receive(Channel::WhatsApp, stranger).await);
    assert!(other != first && other != second);
}
