//! What a message answers: by what it quotes, by a mail's references, and how an answer to a resolution is read; and what
//! else a delivery leaves on the timeline.

use std::time::Duration;

use feedback_core::{
    HubSettings,
    domain::{Channel, EventKind, TicketStatus},
    logic::verify::KeyId,
    ports::{SourceKey, Storage},
    testing::hub::{TestHub, ticket_of},
    usecases::{IngestError, Outcome},
};
use serde_json::json;

use crate::{
    journey::{approve, kinds, resolve, stored},
    payloads,
};

const DANA: &str = "5491155550101";
const AT: i64 = 1_767_225_600;

#[tokio::test]
async fn a_whatsapp_message_that_quotes_an_old_one_belongs_to_its_ticket() {
    let test = TestHub::new().await;
    let old = ticket_of(
        &test
            .receive(
                Channel::WhatsApp,
                payloads::whatsapp(DANA, &[("wamid.A", AT, "no puedo pagar")]),
            )
            .await,
    );
    test.clock.advance(Duration::from_secs(3 * 24 * 3600));
    let later = AT + 3 * 24 * 3600;
    let new = payloads::whatsapp(DANA, &[("wamid.B", later, "no carga el mapa")]);
    let new = ticket_of(&test.receive(Channel::WhatsApp, new).await);
    assert_ne!(old, new);
    let quoting = payloads::whatsapp_quoting(DANA, "wamid.C", later + 60, "esto ya lo arreglaron?", "wamid.A");
    assert_eq!(
        test.receive(Channel::WhatsApp, quoting).await.outcomes,
        [Outcome::FollowUp(old)]
    );
    let stranger = payloads::whatsapp_quoting(DANA, "wamid.D", later + 61, "y otra cosa", "wamid.UNKNOWN");
    assert_eq!(
        test.receive(Channel::WhatsApp, stranger).await.outcomes,
        [Outcome::FollowUp(old)]
    );
}

#[tokio::test]
async fn a_quote_of_our_own_message_leads_to_its_ticket_weeks_later() {
    let test = TestHub::new().await;
    let id = ticket_of(
        &test
            .receive(
                Channel::WhatsApp,
                payloads::whatsapp(DANA, &[("wamid.A", AT, "no puedo pagar")]),
            )
            .await,
    );
    test.run_due_jobs().await;
    resolve(&test, id).await;
    approve(&test, id).await;
    test.run_due_jobs().await;
    let ours = test.store.all_notifications()[0].provider_message_id.clone().unwrap();
    test.clock.advance(Duration::from_secs(20 * 24 * 3600));
    let quoting = payloads::whatsapp_quoting(DANA, "wamid.B", AT + 20 * 24 * 3600, "sigue sin funcionar", &ours);
    assert_eq!(
        test.receive(Channel::WhatsApp, quoting).await.outcomes,
        [Outcome::FollowUp(id)]
    );
    assert_eq!(stored(&test, id).status, TicketStatus::Triaged);
}

#[tokio::test]
async fn a_person_with_a_new_number_stays_the_same_person_and_goes_on_in_their_ticket() {
    let test = TestHub::new().await;
    let id = ticket_of(
        &test
            .receive(
                Channel::WhatsApp,
                payloads::whatsapp(DANA, &[("wamid.A", AT - 100, "no puedo pagar")]),
            )
            .await,
    );
    let changed = payloads::whatsapp_number_changed(DANA, "5491155559999");
    test.receive(Channel::WhatsApp, payloads::whatsapp_mixed(&[changed], &[]))
        .await;
    let next = payloads::whatsapp("5491155559999", &[("wamid.B", AT - 50, "me da error 500")]);
    assert_eq!(
        ticket_of(&test.receive(Channel::WhatsApp, next).await),
        id,
        "within the burst"
    );
    test.clock.advance(Duration::from_secs(3600));
    let later = payloads::whatsapp("5491155559999", &[("wamid.C", AT + 3600, "ahora no carga el mapa")]);
    let other = ticket_of(&test.receive(Channel::WhatsApp, later).await);
    assert_eq!(stored(&test, other).reporter, stored(&test, id).reporter);
}

#[tokio::test]
async fn one_person_at_two_of_our_numbers_is_one_person_with_two_chats() {
    let test = TestHub::new().await;
    let message = |id: &str| [payloads::whatsapp_message(DANA, id, AT - 10, "no puedo pagar")];
    let one = ticket_of(
        &test
            .receive(Channel::WhatsApp, payloads::whatsapp_to("PN-1", &message("wamid.A")))
            .await,
    );
    let other = ticket_of(
        &test
            .receive(Channel::WhatsApp, payloads::whatsapp_to("PN-2", &message("wamid.B")))
            .await,
    );
    assert_ne!(one, other, "a chat with another number of ours is another chat");
    assert_eq!(
        stored(&test, one).reporter,
        stored(&test, other).reporter,
        "known by the phone"
    );
    assert_eq!(
        test.store.identities(stored(&test, one).reporter).await.unwrap().len(),
        2
    );
}

#[tokio::test]
async fn what_a_person_says_about_marketing_is_noted_and_stops_no_answer() {
    let test = TestHub::new().await;
    let id = ticket_of(
        &test
            .receive(
                Channel::WhatsApp,
                payloads::whatsapp(DANA, &[("wamid.A", AT, "no puedo pagar")]),
            )
            .await,
    );
    let stop = payloads::whatsapp_preference(DANA, "stop");
    assert_eq!(
        test.receive(Channel::WhatsApp, stop).await.outcomes,
        [Outcome::FollowUp(id)]
    );
    assert!(kinds(&test, id).contains(&EventKind::PreferenceNoted));
    let stranger = payloads::whatsapp_preference("5491155550000", "stop");
    assert!(matches!(
        test.receive(Channel::WhatsApp, stranger).await.outcomes[..],
        [Outcome::Ignored(_)]
    ));
    test.run_due_jobs().await;
    resolve(&test, id).await;
    approve(&test, id).await;
    test.run_due_jobs().await;
    assert_eq!(test.whatsapp.texts().len(), 1, "an answer is no marketing");
}

fn mail(id: &str, in_reply_to: &str, references: &[&str], text: &str) -> String {
    json!({"from": "Dana <dana@example.test>", "subject": "Re: Invoice", "text": text, "message_id": id,
           "in_reply_to": in_reply_to, "references": references})
    .to_string()
}

#[tokio::test]
async fn a_mail_with_cut_references_is_known_by_any_of_them() {
    let test = TestHub::new().await;
    let first = ticket_of(
        &test
            .receive(Channel::Email, mail("<a@x>", "", &[], "the invoice is wrong"))
            .await,
    );
    let second = mail("<b@x>", "<a@x>", &["<a@x>"], "it says 20 twice");
    assert_eq!(
        test.receive(Channel::Email, second).await.outcomes,
        [Outcome::FollowUp(first)]
    );
    for (id, in_reply_to, references) in [
        ("<c@x>", "<b@x>", &[][..]),
        ("<d@x>", "<elsewhere@x>", &["<b@x>", "<elsewhere@x>"][..]),
        ("<e@x>", "", &["<lost@x>", "<d@x>"][..]),
    ] {
        let cut = mail(id, in_reply_to, references, "still waiting for you");
        assert_eq!(
            test.receive(Channel::Email, cut).await.outcomes,
            [Outcome::FollowUp(first)],
            "{id}"
        );
    }
    let stranger = mail("<z@x>", "<nobody@x>", &["<nobody@x>"], "another invoice is wrong");
    assert!(matches!(
        test.receive(Channel::Email, stranger).await.outcomes[..],
        [Outcome::NewTicket { .. }]
    ));
}

#[tokio::test]
async fn an_answer_to_a_resolution_is_noted_as_what_it_is_and_why() {
    let replies = [
        ("Muchas gracias, ya funciona!", EventKind::ThanksReceived, "thanks"),
        ("sigue sin funcionar", EventKind::MessageReceived, "still_broken"),
        ("How do I update the app?", EventKind::QuestionReceived, "question"),
    ];
    for (text, kind, read_as) in replies {
        let test = TestHub::new().await;
        let id = ticket_of(
            &test
                .receive(
                    Channel::Slack,
                    payloads::slack("1767225600.000100", "U0DANA", "the export hangs"),
                )
                .await,
        );
        test.run_due_jobs().await;
        resolve(&test, id).await;
        approve(&test, id).await;
        test.run_due_jobs().await;
        let reply = payloads::slack_reply("1767229999.000200", "1767225600.000100", "U0DANA", text);
        assert_eq!(
            test.receive(Channel::Slack, reply).await.outcomes,
            [Outcome::FollowUp(id)],
            "{text}"
        );
        let events = test.store.events(id);
        let noted = events.iter().rfind(|event| event.kind == kind).unwrap();
        assert_eq!(noted.data["read_as"], read_as);
        assert!(noted.data["because"][0]["rule"].is_string(), "{}", noted.data);
        assert!(!noted.data.to_string().contains("funciona"), "none of the words");
    }
}

#[tokio::test]
async fn another_matter_becomes_a_ticket_of_its_own_and_both_name_the_other() {
    let test = TestHub::new().await;
    let id = ticket_of(
        &test
            .receive(
                Channel::Slack,
                payloads::slack("1767225600.000100", "U0DANA", "the export hangs"),
            )
            .await,
    );
    test.run_due_jobs().await;
    resolve(&test, id).await;
    approve(&test, id).await;
    test.run_due_jobs().await;
    let text = "Thanks! Unrelated, but the logo is missing from invoices";
    let reply = payloads::slack_reply("1767229999.000200", "1767225600.000100", "U0DANA", text);
    let other = ticket_of(&test.receive(Channel::Slack, reply).await);
    assert_ne!(other, id);
    let received = test.store.events(other).remove(0);
    assert_eq!(
        (received.kind, &received.data["related"]),
        (EventKind::Received, &json!(id))
    );
    let old = test.store.events(id);
    let noted = old
        .iter()
        .rfind(|event| event.kind == EventKind::WentOnElsewhere)
        .unwrap();
    assert_eq!(noted.data["ticket"], json!(other));
    assert_eq!(stored(&test, id).status, TicketStatus::Closed);
}

#[tokio::test]
async fn f50_the_timeline_names_the_key_that_signed_and_never_the_key() {
    let test = TestHub::new().await;
    let id = ticket_of(
        &test
            .receive(Channel::Slack, payloads::slack("1767225600.000100", "U0DANA", "broken"))
            .await,
    );
    let received = test.store.events(id).remove(0);
    assert_eq!(
        received.data["signed_by"],
        KeyId::of("test-hub-signing-secret").to_string()
    );
    assert_ne!(KeyId::of("test-hub-signing-secret"), KeyId::of("the next one"));
    assert!(!received.data.to_string().contains("secret"));
}

#[tokio::test]
async fn f51_what_is_signed_for_another_workspace_or_number_leaves_no_row() {
    let mut settings = HubSettings::default();
    settings.rules.slack.team_ids = vec!["T0OURS".into()];
    settings.rules.intercom.app_ids = vec!["ours".into()];
    settings.rules.whatsapp.phone_number_ids = vec!["PN-OURS".into()];
    settings.rules.slack.emojis = vec!["ticket".into()];
    let test = TestHub::with_settings(settings).await;
    let whatsapp = payloads::whatsapp(DANA, &[("wamid.A", AT, "no puedo pagar")]);
    for (channel, body) in [
        (Channel::Slack, payloads::slack("1767225600.000100", "U0DANA", "broken")),
        (
            Channel::Slack,
            payloads::reaction("1767225600.000100", "ticket", "U0EVE"),
        ),
        (
            Channel::Intercom,
            payloads::intercom("900100", "66aa", "d@example.test", "broken"),
        ),
        (Channel::WhatsApp, whatsapp),
    ] {
        let delivery = test.signed(channel, "application/json", body);
        let recorded = test.hub.ingest.record(&delivery).await;
        assert!(matches!(recorded, Err(IngestError::Foreign)), "{channel}: {recorded:?}");
    }
    let form = payloads::command("1.1", "C0SUPPORT", "broken");
    let form = test.signed(Channel::Slack, "application/x-www-form-urlencoded", form);
    let form = test.hub.ingest.record(&form).await;
    assert!(matches!(form, Err(IngestError::Foreign)), "{form:?}");
    assert!(test.store.all_tickets().is_empty() && test.store.jobs().is_empty());
}

#[tokio::test]
async fn f51_of_a_delivery_for_two_numbers_ours_is_recorded_and_the_other_is_left() {
    let mut settings = HubSettings::default();
    settings.rules.whatsapp.phone_number_ids = vec!["PN-OURS".into()];
    let test = TestHub::with_settings(settings).await;
    let message = |id: &str| [payloads::whatsapp_message(DANA, id, AT - 10, "no puedo pagar")];
    let both: Vec<serde_json::Value> = ["PN-OURS", "PN-OTHER"]
        .map(|number| payloads::whatsapp_to(number, &message(&format!("wamid.{number}"))))
        .iter()
        .map(|body| serde_json::from_str::<serde_json::Value>(body).unwrap()["entry"][0].clone())
        .collect();
    let body = json!({"object": "whatsapp_business_account", "entry": both}).to_string();
    let recorded = test.receive(Channel::WhatsApp, body).await;
    assert!(
        matches!(recorded.outcomes[..], [Outcome::NewTicket { .. }, Outcome::Ignored(_)]),
        "{recorded:?}"
    );
    assert_eq!(test.store.all_tickets().len(), 1);
}

#[tokio::test]
async fn f51_a_colleague_of_another_company_in_a_shared_channel_writes_to_our_workspace() {
    let mut settings = HubSettings::default();
    settings.rules.slack.team_ids = vec!["T0OURS".into()];
    let test = TestHub::with_settings(settings).await;
    let shared = json!({
        "type": "event_callback", "team_id": "T0PARTNER", "context_team_id": "T0OURS", "api_app_id": "A0HELP",
        "event_id": "EvShared", "is_ext_shared_channel": true,
        "authorizations": [{"team_id": "T0OURS", "user_id": "U0BOT", "is_bot": true}],
        "event": {"type": "message", "channel": "C0SHARED", "user": "U0GUEST", "team": "T0PARTNER", "user_team": "T0PARTNER",
            "text": "the export hangs", "ts": "1767225600.000100"},
    });
    let recorded = test.receive(Channel::Slack, shared.to_string()).await;
    assert!(
        matches!(recorded.outcomes[..], [Outcome::NewTicket { .. }]),
        "{recorded:?}"
    );
}

#[tokio::test]
async fn f56_what_is_no_unicode_makes_a_ticket_that_says_so_and_keeps_the_bytes() {
    let test = TestHub::new().await;
    let escaped =
        payloads::slack("1767225600.000100", "U0DANA", "printer SIGN fire").replace("SIGN", "\\ud83d on \\u0000");
    let id = ticket_of(&test.receive(Channel::Slack, escaped).await);
    assert_eq!(
        stored(&test, id).description.as_str(),
        "printer \u{fffd} on \u{fffd} fire"
    );
    let source = test.store.sources(id).await.unwrap().remove(0);
    let redacted: serde_json::Value = serde_json::from_str(source.redacted.as_deref().unwrap()).unwrap();
    assert_eq!(redacted["lossy_decode"], true);
    assert_eq!(test.store.events(id)[0].data["lossy_decode"], true);

    let whole = payloads::slack("1767225700.000100", "U0DANA", "printer \u{fffd} on fire");
    let id = ticket_of(&test.receive(Channel::Slack, whole).await);
    assert_eq!(
        test.store.events(id)[0].data.get("lossy_decode"),
        None,
        "a U+FFFD that a person wrote is no loss"
    );
}

#[tokio::test]
async fn f60_our_own_messages_come_back_ten_times_and_nothing_comes_of_it() {
    let mut settings = HubSettings::default();
    settings.rules.slack.own_bot_ids = vec!["B0HUB".into()];
    let test = TestHub::with_settings(settings).await;
    let id = ticket_of(
        &test
            .receive(Channel::Slack, payloads::slack("1767225600.000100", "U0DANA", "broken"))
            .await,
    );
    test.run_due_jobs().await;
    let before = test.store.events(id).len();
    for round in 0..10 {
        let echo = json!({
            "type": "event_callback", "team_id": "T0ACME", "api_app_id": "A0HELP", "event_id": format!("EvE{round}"),
            "event": {"type": "message", "channel": "C0SUPPORT", "user": "U0BOT", "bot_id": "B0HUB", "app_id": "A0HELP",
                "text": "Ya funciona", "ts": format!("1767225601.{round:06}"), "thread_ts": "1767225600.000100"},
        });
        let recorded = test.receive(Channel::Slack, echo.to_string()).await;
        assert_eq!(recorded.outcomes, [Outcome::Ignored("our own message")]);
        let echo = json!({"type": "notification_event", "app_id": "wkspdemo", "topic": "conversation.admin.replied",
            "data": {"item": {"type": "conversation", "id": "1"}}});
        let recorded = test.receive(Channel::Intercom, echo.to_string()).await;
        assert!(matches!(recorded.outcomes[..], [Outcome::Ignored(_)]));
        test.run_due_jobs().await;
    }
    assert_eq!(
        (test.store.all_tickets().len(), test.store.events(id).len()),
        (1, before)
    );
    assert_eq!(test.slack.calls(), 0);
}

#[tokio::test]
async fn f59_one_malformed_of_fifty_messages_is_quarantined_and_the_rest_recorded_in_one_commit() {
    let test = TestHub::new().await;
    let mut messages: Vec<_> = (0..50)
        .map(|n| {
            payloads::whatsapp_message(
                &format!("549115555{n:04}"),
                &format!("wamid.{n}"),
                AT - 10,
                "no puedo pagar",
            )
        })
        .collect();
    messages[17] = json!({"from": ["5491155550017"], "id": "wamid.17", "timestamp": "1767225600", "type": "text"});
    let recorded = test
        .receive(Channel::WhatsApp, payloads::whatsapp_mixed(&messages, &[]))
        .await;
    let count = |wanted: fn(&Outcome) -> bool| recorded.outcomes.iter().filter(|outcome| wanted(outcome)).count();
    assert_eq!(
        count(|outcome| matches!(outcome, Outcome::NewTicket { .. })),
        49,
        "{:?}",
        recorded.outcomes
    );
    assert_eq!(count(|outcome| matches!(outcome, Outcome::Quarantined(_))), 1);
    assert_eq!(test.store.all_tickets().len(), 49);
    let last = test.store.source(SourceKey::External(
        Channel::WhatsApp,
        feedback_core::domain::ExternalId::parse("wamid.49").unwrap(),
    ));
    assert!(last.await.unwrap().is_some());
}
