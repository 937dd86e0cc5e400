//! Hosts over one store, each of which can be killed and started again at any moment.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use feedback_adapters::sandbox::Sandbox;
use feedback_tests::{
    api::Api,
    host::{Host, free_address},
};
use reqwest::Method;

const TOKEN: &str = "crash-test-token-0123456789";
const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";

/// How long a start may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a host says that found its file in use or its server away: the supervisor starts it again.
const TRY_LATER: i32 = 75;

/// Hosts over one store.
#[derive(Debug)]
pub(super) struct Fleet {
    environment: Vec<(&'static str, String)>,
    hosts: Vec<(SocketAddr, Option<Host>)>,
    /// How long the slowest start took, from the process to the first 200 of `/readyz`.
    pub(super) slowest_start: Duration,
}

impl Fleet {
    /// Hosts that do not run yet, with the sandbox's providers and this store.
    pub(super) fn new(hosts: usize, sandbox: &Sandbox, store: &[(&'static str, String)]) -> Self {
        let mut environment = providers(sandbox);
        environment.extend(store.iter().cloned());
        Self {
            environment,
            hosts: (0..hosts).map(|_| (free_address(), None)).collect(),
            slowest_start: Duration::ZERO,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.hosts.len()
    }

    pub(super) fn urls(&self) -> Vec<String> {
        self.hosts
            .iter()
            .map(|(address, _)| format!("http://{address}"))
            .collect()
    }

    pub(super) fn apis(&self) -> Vec<Api> {
        self.urls().iter().map(|url| Api::new(url, TOKEN)).collect()
    }

    /// Starts a host and lets it be, whether it comes up or not.
    pub(super) fn spawn(&mut self, index: usize) {
        let (address, host) = &mut self.hosts[index];
        *host = Some(Host::spawn(*address, TOKEN, &self.environment));
    }

    /// Waits until a host is ready; one that ends by itself since its store is held or away is started again.
    pub(super) async fn ready(&mut self, index: usize) {
        let begun = Instant::now();
        loop {
            let host = self.hosts[index].1.as_mut().expect("it was started");
            if host.is_ready().await {
                break;
            }
            if let Some(status) = host.has_ended() {
                assert_eq!(status.code(), Some(TRY_LATER), "a host ended by itself");
                self.spawn(index);
                continue;
            }
            if begun.elapsed() > PATIENCE {
                let said = host.api().try_call(Method::GET, "/readyz", None).await;
                panic!("a host is not ready after {PATIENCE:?}: {said:?}");
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        self.slowest_start = self.slowest_start.max(begun.elapsed());
    }

    /// Kills a host, wherever it is.
    pub(super) async fn kill(&mut self, index: usize) {
        let Some(mut host) = self.hosts[index].1.take() else {
            return;
        };
        match host.has_ended() {
            None => host.kill().await,
            // It was killed while it started, and it found its store held or away.
            Some(status) => assert_eq!(status.code(), Some(TRY_LATER), "a host ended by itself"),
        }
    }

    /// Runs a command over the same store; what it said where it failed.
    pub(super) async fn command(&self, name: &str) -> Result<(), String> {
        let mut command = feedback_tests::host::command();
        command
            .arg(name)
            .envs(self.environment.iter().map(|(key, value)| (*key, value)));
        let output = command.output().await.expect("the host binary can be run");
        let said = || String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned();
        if output.status.success() { Ok(()) } else { Err(said()) }
    }
}

fn providers(sandbox: &Sandbox) -> Vec<(&'static str, String)> {
    let config = sandbox.config();
    vec![
        ("FEEDBACK_SECRET_KEYS", KEYS.to_owned()),
        ("FEEDBACK_SLACK__SIGNING_SECRET", config.slack.signing_secret.clone()),
        ("FEEDBACK_SLACK__BOT_TOKEN", config.slack.bot_token.clone()),
        ("FEEDBACK_SLACK__BASE_URL", sandbox.slack_base_url()),
        (
            "FEEDBACK_INTERCOM__CLIENT_SECRET",
            config.intercom.client_secret.clone(),
        ),
        ("FEEDBACK_INTERCOM__ACCESS_TOKEN", config.intercom.access_token.clone()),
        ("FEEDBACK_INTERCOM__ADMIN_ID", config.intercom.admin_id.clone()),
        ("FEEDBACK_INTERCOM__BASE_URL", sandbox.intercom_base_url()),
        ("FEEDBACK_WHATSAPP__APP_SECRET", config.whatsapp.app_secret.clone()),
        ("FEEDBACK_WHATSAPP__VERIFY_TOKEN", config.whatsapp.verify_token.clone()),
        ("FEEDBACK_WHATSAPP__ACCESS_TOKEN", config.whatsapp.access_token.clone()),
        (
            "FEEDBACK_WHATSAPP__PHONE_NUMBER_ID",
            config.whatsapp.phone_number_id.clone(),
        ),
        ("FEEDBACK_WHATSAPP__BASE_URL", sandbox.whatsapp_base_url()),
        ("FEEDBACK_NOTION__TOKEN", config.notion.token.clone()),
        ("FEEDBACK_NOTION__DATA_SOURCE_ID", config.notion.data_source_id.clone()),
        ("FEEDBACK_NOTION__BASE_URL", sandbox.notion_base_url()),
        ("FEEDBACK_NOTION__POLL_SECONDS", "1".to_owned()),
        ("FEEDBACK_OPENAI__API_KEY", config.openai.api_key.clone()),
        ("FEEDBACK_OPENAI__BASE_URL", sandbox.openai_base_url()),
        // A killed sender's request is over when its process is: nothing needs half a minute to settle here.
        ("FEEDBACK_DELIVERY__SETTLE_SECONDS", "2".to_owned()),
        ("FEEDBACK_DELIVERY__AMBIGUOUS_AFTER_SECONDS", "6".to_owned()),
        ("FEEDBACK_DELIVERY__RETRY_CAP_SECONDS", "4".to_owned()),
        ("FEEDBACK_WORKER__LEASE_SECONDS", "3".to_owned()),
    ]
}
