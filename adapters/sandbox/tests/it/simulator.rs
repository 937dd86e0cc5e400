use std::collections::BTreeSet;

use feedback_sandbox::{Sandbox, SandboxConfig, Simulator, SimulatorConfig, SimulatorTarget};
use tokio_util::sync::CancellationToken;

use crate::{eventually, hub::TestHub, sandbox};

#[tokio::test]
async fn the_burst_reaches_the_hubs_real_endpoints_and_shows_in_the_stand_ins() {
    let sandbox = sandbox().await;
    let (hub, url) = TestHub::start().await;
    sandbox.connect(&url);
    let target = SimulatorTarget::sandbox(&sandbox);
    for report in Simulator::new(1, SimulatorConfig::default()).opening_burst() {
        assert!(target.post(&report).await.is_accepted());
    }
    assert_eq!(hub.received("/webhooks/slack").len(), 2);
    assert_eq!(hub.received("/webhooks/intercom").len(), 1);
    assert_eq!(hub.received("/webhooks/whatsapp").len(), 1);
    let kinds: BTreeSet<String> = hub
        .received("/webhooks/slack")
        .iter()
        .map(|webhook| webhook.header("content-type").to_owned())
        .collect();
    assert_eq!(kinds.len(), 2, "a JSON event and a form");
    assert_eq!(sandbox.slack().messages().len(), 1, "a command is no message");
    assert_eq!(sandbox.intercom().conversations().len(), 1);
    assert_eq!(sandbox.whatsapp().inbound().len(), 1);
    assert!(hub.received("/webhooks/whatsapp")[0].body.is_ascii());
}

#[tokio::test]
async fn a_further_word_goes_to_the_thread_of_the_report() {
    let sandbox = sandbox().await;
    let (hub, url) = TestHub::start().await;
    sandbox.connect(&url);
    let target = SimulatorTarget::sandbox(&sandbox);
    let config = SimulatorConfig::default();
    for (_, report) in Simulator::new(4, config).take(120) {
        assert!(target.post(&report).await.is_accepted());
    }
    let replies = sandbox
        .slack()
        .messages()
        .into_iter()
        .filter(|message| message.thread_ts.is_some())
        .count();
    let continued = sandbox
        .intercom()
        .conversations()
        .into_iter()
        .filter(|conversation| conversation.parts.len() > 1)
        .count();
    assert!(replies > 0 && continued > 0, "{replies} {continued}");
    assert_eq!(
        hub.received("/webhooks/whatsapp").len(),
        sandbox.whatsapp().inbound().len()
    );
}

#[tokio::test]
async fn a_run_starts_with_the_burst_and_stops_when_told() {
    let sandbox = sandbox().await;
    let (hub, url) = TestHub::start().await;
    sandbox.connect(&url);
    let stop = CancellationToken::new();
    let simulator = Simulator::new(1, SimulatorConfig::default().with_rate_per_hour(36_000));
    let run = tokio::spawn(simulator.run(SimulatorTarget::sandbox(&sandbox), stop.clone()));
    eventually("reports", || {
        hub.received("/webhooks/whatsapp").len() + hub.received("/webhooks/slack").len() > 6
    })
    .await;
    stop.cancel();
    run.await.unwrap();
}

#[tokio::test]
async fn a_hub_elsewhere_is_reached_without_a_sandbox() {
    let (hub, url) = TestHub::start().await;
    let target = SimulatorTarget::hub(&url, SandboxConfig::demo()).unwrap();
    for report in Simulator::new(2, SimulatorConfig::default()).opening_burst() {
        assert!(target.post(&report).await.is_accepted());
    }
    assert_eq!(hub.received("/webhooks/intercom").len(), 1);
}

#[test]
fn a_hub_behind_tls_is_refused_at_once() {
    for url in ["https://hub.example", "hub.example:8080", ""] {
        assert!(SimulatorTarget::hub(url, SandboxConfig::demo()).is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_restarted_hub_gets_what_it_missed() {
    let sandbox = sandbox().await;
    sandbox.connect("http://127.0.0.1:9");
    let (_, inbound) = sandbox.whatsapp().person_writes("15550101555", "Hannah", "hello");
    let (hub, url) = TestHub::start().await;
    let delivered = tokio::join!(sandbox.deliver(&inbound), async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        sandbox.connect(&url);
    });
    assert!(delivered.0.is_accepted() && delivered.0.attempts > 1);
    assert_eq!(hub.received("/webhooks/whatsapp").len(), 1);
}

#[tokio::test]
async fn two_sandboxes_do_not_share_message_ids() {
    let ids = |sandbox: &Sandbox| {
        let (slack, _) = sandbox.slack().person_posts("U0LUCIAFERN", "C0SUPPORT", "x");
        let (whatsapp, _) = sandbox.whatsapp().person_writes("15550101555", "Hannah", "x");
        let (intercom, _) = sandbox
            .intercom()
            .person_writes(&sandbox.config().people[0].intercom_id, "x");
        [
            slack.event_id,
            slack.ts,
            whatsapp.wamid,
            intercom.notification_id,
            intercom.conversation_id,
        ]
    };
    let (one, other) = (ids(&sandbox().await), ids(&sandbox().await));
    for (one, other) in one.iter().zip(&other) {
        assert_ne!(one, other);
    }
}
