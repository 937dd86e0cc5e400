//! What only Slack does, against its stand-in.

use std::{sync::Once, time::Duration};

use feedback_core::{
    domain::{OutboundMessage, Route, Timestamp},
    logic::normalize::WantedForm,
    ports::{ChannelSender, Conversations, PortErrorKind, ReadBack},
    testing::outbound::outbound,
};
use feedback_sandbox::{Fault, Provider, Sandbox, SandboxConfig, Scope};
use feedback_slack::{Slack, SlackConfig};

async fn start() -> (Sandbox, Slack) {
    static TLS: Once = Once::new();
    TLS.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .expect("nothing else installs one")
    });
    let sandbox = Sandbox::start(SandboxConfig::demo())
        .await
        .expect("loopback can be bound");
    let token = sandbox.config().slack.bot_token.clone();
    let slack = Slack::new(SlackConfig::new(token).with_base_url(sandbox.slack_base_url()))
        .expect("the configuration is right");
    (sandbox, slack)
}

fn reply(sandbox: &Sandbox, root_ts: &str, text: &str) -> OutboundMessage {
    let team = sandbox.config().slack.team_id.clone();
    let route = Route::SlackThread {
        team,
        channel: "C0SUPPORT".into(),
        thread_ts: root_ts.into(),
    };
    outbound(route, text, moment(root_ts))
}

fn moment(ts: &str) -> Timestamp {
    let micros = ts.replace('.', "").parse().expect("a ts has seconds and six digits");
    Timestamp::from_unix_micros(micros).expect("the sandbox lives in our time")
}

#[tokio::test]
async fn formatting_links_and_mentions_are_off_in_every_message() {
    let (sandbox, slack) = start().await;
    let (root, _) = sandbox.slack().person_posts("U0LUCIAFERN", "C0SUPPORT", "hola");
    let message = reply(&sandbox, &root.ts, "Ya está: *todo* <bien> @here");
    slack.send(&message).await.unwrap();
    let request = sandbox.requests(Provider::Slack).pop().unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let expected = serde_json::json!({
        "channel": "C0SUPPORT",
        "thread_ts": root.ts,
        "text": "Ya está: *todo* &lt;bien&gt; @here",
        "metadata": {"event_type": "feedback_hub_notification", "event_payload": {"marker": message.marker.as_str()}},
        "mrkdwn": false,
        "parse": "none",
        "link_names": false,
        "unfurl_links": false,
        "unfurl_media": false,
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_reply_whose_thread_is_gone_is_found_in_the_channel() {
    let (sandbox, slack) = start().await;
    let (root, _) = sandbox.slack().person_posts("U0LUCIAFERN", "C0SUPPORT", "hola");
    // A root that never existed, as after a deletion; and a reply's own ts, which is no root.
    let (answer, _) = sandbox
        .slack()
        .person_replies("U0LUCIAFERN", "C0SUPPORT", &root.ts, "¿y?");
    for no_root in ["1600000000.000100", &answer.ts] {
        let mut message = reply(&sandbox, no_root, "Listo");
        message.started_at = moment(&root.ts);
        sandbox.faults().fail_next_in(
            Provider::Slack,
            1,
            Fault::CloseAfterEffect,
            Scope::path("chat.postMessage"),
        );
        assert_eq!(slack.send(&message).await.unwrap_err().kind(), PortErrorKind::Unknown);
        assert!(
            matches!(slack.read_back(&message).await.unwrap(), ReadBack::Found(_)),
            "{no_root}"
        );
    }
}

#[tokio::test]
async fn a_message_on_a_later_page_is_found() {
    let (sandbox, slack) = start().await;
    let (root, _) = sandbox.slack().person_posts("U0LUCIAFERN", "C0SUPPORT", "hola");
    for _ in 0..250 {
        sandbox
            .slack()
            .person_replies("U0LUCIAFERN", "C0SUPPORT", &root.ts, "¿y?");
    }
    let message = reply(&sandbox, &root.ts, "Listo");
    let receipt = slack.send(&message).await.unwrap();
    assert_eq!(slack.read_back(&message).await.unwrap(), ReadBack::Found(receipt));
}

#[tokio::test]
async fn a_server_fault_may_have_posted_and_is_unknown() {
    let (sandbox, slack) = start().await;
    let (root, _) = sandbox.slack().person_posts("U0LUCIAFERN", "C0SUPPORT", "hola");
    for fault in [
        Fault::code("internal_error"),
        Fault::code("fatal_error"),
        Fault::Status(502, "<html>".into()),
    ] {
        sandbox.faults().fail_next(Provider::Slack, 1, fault);
        let error = slack.send(&reply(&sandbox, &root.ts, "Listo")).await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Unknown, "{error}");
    }
}

#[tokio::test]
async fn places_that_are_no_ids_are_refused_without_a_call() {
    let (sandbox, slack) = start().await;
    let team = || sandbox.config().slack.team_id.clone();
    for route in [
        Route::SlackThread {
            team: team(),
            channel: "#general".into(),
            thread_ts: "1767225600.000100".into(),
        },
        Route::SlackThread {
            team: team(),
            channel: "C0SUPPORT".into(),
            thread_ts: "1767225600".into(),
        },
        Route::SlackDirect {
            team: team(),
            user: "U0ANA,U0LEO".into(),
        },
    ] {
        let error = slack
            .send(&outbound(route, "Listo", Timestamp::UNIX_EPOCH))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Rejected);
    }
    assert!(sandbox.requests(Provider::Slack).is_empty());
}

#[tokio::test]
async fn the_identity_is_the_apps_and_a_foreign_token_is_unauthorized() {
    let (sandbox, slack) = start().await;
    let identity = slack.identity().await.unwrap();
    assert_eq!(
        (identity.team_id.as_str(), identity.user_id.as_str()),
        ("T0SANDBOX", "U0FEEDBACKBOT")
    );
    let config = SlackConfig::new("xoxb-other".to_owned()).with_base_url(sandbox.slack_base_url());
    let error = Slack::new(config.with_timeout(Duration::from_secs(5)))
        .unwrap()
        .identity()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Unauthorized, Some("invalid_auth"))
    );
}

#[tokio::test]
async fn the_form_speaks_the_persons_language_and_english_where_slack_does_not_say() {
    let (sandbox, slack) = start().await;
    let wanted = |nth: u32| WantedForm {
        trigger: format!("1.{nth}.x"),
        user: "U0LUCIAFERN".into(),
        place: Some("C0SUPPORT".into()),
    };
    slack.open_form(&wanted(1)).await.unwrap();
    let scope = Scope::path("users.info");
    sandbox
        .faults()
        .fail_next_in(Provider::Slack, 1, Fault::code("internal_error"), scope.clone());
    slack.open_form(&wanted(2)).await.unwrap();
    // Slack is slow about it: the form does not wait.
    sandbox
        .faults()
        .fail_next_in(Provider::Slack, 1, Fault::Slow(Duration::from_secs(5)), scope);
    let began = std::time::Instant::now();
    slack.open_form(&wanted(3)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2));
    let titles: Vec<_> = sandbox
        .slack()
        .views()
        .iter()
        .map(|view| view["title"]["text"].clone())
        .collect();
    assert_eq!(
        titles,
        ["Contanos qué pasó", "Tell us what happened", "Tell us what happened"]
    );
    let lapsed = slack.open_form(&wanted(1)).await.unwrap_err();
    assert_eq!(
        (lapsed.kind(), lapsed.code()),
        (PortErrorKind::Rejected, Some("exchanged_trigger_id"))
    );
}
