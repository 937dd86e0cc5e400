//! What intake does beyond webhooks: threads for reports that came without one, and messages that were only pointed at.

use std::time::Duration;

use feedback_core::{
    HubSettings,
    domain::{Channel, EventKind, ExternalId, JobStatus, Route, ThreadRef},
    ports::{PortErrorKind, SourceKey, Storage},
    testing::hub::{TestHub, ticket_of},
    usecases::{Outcome, ReceiptText, Receipts},
};

use crate::{
    journey::{approve, kinds, resolve, stored},
    payloads,
};

async fn with_receipts() -> TestHub {
    TestHub::with_settings(HubSettings {
        receipts: Receipts::BeginThreads,
        ..HubSettings::default()
    })
    .await
}

fn emoji_settings() -> HubSettings {
    let mut settings = HubSettings::default();
    settings.rules.slack.emojis = vec!["ticket".into()];
    settings
}

#[tokio::test]
async fn a_command_gets_a_thread_in_which_it_is_answered_and_goes_on() {
    let test = with_receipts().await;
    let id = ticket_of(
        &test
            .receive_form(payloads::command("1.1", "C0SUPPORT", "the export hangs"))
            .await,
    );
    test.run_due_jobs().await;
    let [receipt] = &test.conversations.receipts()[..] else {
        panic!("one receipt")
    };
    assert_eq!(
        receipt.text,
        format!(
            "We have it: this is ticket {}. We will answer here.",
            stored(&test, id).number
        )
    );
    let ThreadRef::Slack {
        channel,
        thread_ts: Some(ts),
        ..
    } = &receipt.thread
    else {
        panic!("a thread of Slack")
    };
    assert_eq!(channel, "C0SUPPORT");
    assert!(kinds(&test, id).contains(&EventKind::ReceiptSent));

    let reply = payloads::slack_reply("1767225700.000200", ts, "U0DANA", "it is the one of March");
    assert_eq!(
        test.receive(Channel::Slack, reply).await.outcomes,
        [Outcome::FollowUp(id)]
    );

    resolve(&test, id).await;
    approve(&test, id).await;
    test.run_due_jobs().await;
    let delivered = test.slack.delivered();
    assert!(
        matches!(&delivered[0].route, Route::SlackThread { thread_ts, .. } if thread_ts == ts),
        "{:?}",
        delivered[0].route
    );
    test.run_due_jobs().await;
    assert_eq!(test.conversations.receipts().len(), 1);
}

#[tokio::test]
async fn a_receipt_whose_answer_was_lost_is_not_posted_again() {
    let test = with_receipts().await;
    test.conversations.lose_next_answer();
    let id = ticket_of(
        &test
            .receive_form(payloads::command("1.1", "C0SUPPORT", "the export hangs"))
            .await,
    );
    test.run_due_jobs().await;
    assert!(!kinds(&test, id).contains(&EventKind::ReceiptSent));
    test.wait(Duration::from_secs(29)).await;
    assert!(
        !kinds(&test, id).contains(&EventKind::ReceiptSent),
        "it may be under way still"
    );
    test.wait(Duration::from_secs(3600)).await;
    assert!(kinds(&test, id).contains(&EventKind::ReceiptSent));
    assert_eq!(test.conversations.receipts().len(), 1);
}

#[tokio::test]
async fn where_our_app_is_not_in_the_channel_the_thread_begins_in_direct_messages() {
    let test = with_receipts().await;
    test.conversations.close_channel("C0PRIVATE");
    let id = ticket_of(
        &test
            .receive_form(payloads::command("1.1", "C0PRIVATE", "the export hangs"))
            .await,
    );
    test.run_due_jobs().await;
    let source = test.store.sources(id).await.unwrap().remove(0);
    assert!(
        matches!(&source.thread, ThreadRef::Slack { channel, .. } if channel == "D-U0DANA"),
        "{:?}",
        source.thread
    );
}

#[tokio::test]
async fn without_receipts_nothing_is_said_and_the_answer_is_a_direct_message() {
    let test = TestHub::new().await;
    let id = ticket_of(
        &test
            .receive_form(payloads::command("1.1", "C0SUPPORT", "the export hangs"))
            .await,
    );
    test.run_due_jobs().await;
    assert!(test.conversations.receipts().is_empty());
    resolve(&test, id).await;
    approve(&test, id).await;
    test.run_due_jobs().await;
    assert!(matches!(&test.slack.delivered()[0].route, Route::SlackDirect { user, .. } if user == "U0DANA"));
}

#[tokio::test]
async fn a_message_that_has_its_thread_gets_no_receipt_and_the_operators_words_win() {
    let test = TestHub::with_settings(HubSettings {
        receipts: Receipts::BeginThreads,
        receipt_text: ReceiptText::new("Anotado: {number}".into()),
        ..HubSettings::default()
    })
    .await;
    test.receive(
        Channel::Slack,
        payloads::slack("1767225600.000100", "U0DANA", "printer on fire"),
    )
    .await;
    test.run_due_jobs().await;
    assert!(test.conversations.receipts().is_empty());
    let id = ticket_of(
        &test
            .receive_form(payloads::command("1.1", "C0SUPPORT", "la pantalla no abre"))
            .await,
    );
    test.run_due_jobs().await;
    let expected = format!("Anotado: {}", stored(&test, id).number);
    assert_eq!(test.conversations.receipts()[0].text, expected);
}

fn marked() -> ExternalId {
    ExternalId::parse("T0ACME:C0SUPPORT:1767225600.000100").unwrap()
}

const MARKED: &str = r#"{"type":"message","user":"U0DANA","text":"printer on &lt;fire&gt;","ts":"1767225600.000100"}"#;

#[tokio::test]
async fn an_emoji_makes_a_ticket_of_the_message_and_its_author_reports() {
    let test = TestHub::with_settings(emoji_settings()).await;
    test.conversations.put_message(marked(), MARKED);
    let reaction = payloads::reaction("1767225600.000100", "ticket", "U0EVE");
    assert_eq!(
        test.receive(Channel::Slack, reaction.clone()).await.outcomes,
        [Outcome::Fetching]
    );
    assert!(test.store.all_tickets().is_empty());
    assert!(
        !format!("{:?}", test.store.jobs()).contains("U0EVE"),
        "who asked is sealed"
    );
    test.run_due_jobs().await;
    let source = test
        .store
        .source(SourceKey::External(Channel::Slack, marked()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored(&test, source.ticket).description.as_str(), "printer on <fire>");
    assert_eq!(
        test.directory.asked(),
        ["U0DANA"],
        "the author reports, not who marked it"
    );

    // The message itself, late, and another's emoji: both are known.
    let late = payloads::slack("1767225600.000100", "U0DANA", "printer on &lt;fire&gt;");
    let duplicate = [Outcome::Duplicate(source.ticket)];
    assert_eq!(test.receive(Channel::Slack, late).await.outcomes, duplicate);
    assert_eq!(test.receive(Channel::Slack, reaction).await.outcomes, duplicate);
    let reply = payloads::slack_reply("1767225700.000200", "1767225600.000100", "U0OTTO", "mine too");
    assert_eq!(
        test.receive(Channel::Slack, reply).await.outcomes,
        [Outcome::FollowUp(source.ticket)]
    );
}

#[tokio::test]
async fn the_author_of_a_bots_post_is_who_asked_for_the_ticket() {
    let test = TestHub::with_settings(emoji_settings()).await;
    let post = r#"{"type":"message","bot_id":"B0CI","text":"build 7 failed","ts":"1767225600.000100"}"#;
    test.conversations.put_message(marked(), post);
    test.receive(
        Channel::Slack,
        payloads::reaction("1767225600.000100", "ticket", "U0EVE"),
    )
    .await;
    test.run_due_jobs().await;
    assert_eq!(test.store.all_tickets().len(), 1);
    assert_eq!(test.directory.asked(), ["U0EVE"]);
}

#[tokio::test]
async fn two_emojis_on_one_message_are_one_ticket() {
    let test = TestHub::with_settings(emoji_settings()).await;
    test.conversations.put_message(marked(), MARKED);
    for by in ["U0EVE", "U0OTTO"] {
        test.receive(Channel::Slack, payloads::reaction("1767225600.000100", "ticket", by))
            .await;
    }
    test.run_due_jobs().await;
    assert_eq!(test.store.all_tickets().len(), 1);
}

#[tokio::test]
async fn a_message_that_is_gone_or_another_makes_no_ticket_and_a_failing_channel_is_asked_again() {
    let test = TestHub::with_settings(emoji_settings()).await;
    let reaction = payloads::reaction("1767225600.000100", "ticket", "U0EVE");
    test.receive(Channel::Slack, reaction.clone()).await;
    test.run_due_jobs().await;
    assert!(test.store.all_tickets().is_empty() && test.store.jobs().iter().all(|job| job.status == JobStatus::Done));

    test.conversations
        .put_message(marked(), MARKED.replace("000100", "000999"));
    test.receive(Channel::Slack, reaction.clone()).await;
    test.run_due_jobs().await;
    let dead = |test: &TestHub| {
        test.store
            .jobs()
            .iter()
            .filter(|job| job.status == JobStatus::Dead)
            .count()
    };
    assert_eq!((test.store.all_tickets().len(), dead(&test)), (0, 1));

    test.conversations.put_message(marked(), MARKED);
    test.conversations.fail_next(PortErrorKind::Unavailable, "down");
    test.receive(Channel::Slack, reaction).await;
    test.run_due_jobs().await;
    assert!(test.store.all_tickets().is_empty());
    test.wait(Duration::from_secs(3600)).await;
    assert_eq!(test.store.all_tickets().len(), 1);
}
