//! `simulate`: made-up, signed webhooks to a hub that runs somewhere, with the secrets that it is configured with.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use feedback_adapters::sandbox::{SandboxConfig, Simulator, SimulatorConfig, SimulatorTarget};
use secrecy::{ExposeSecret, SecretString};

use crate::{config::Settings, shutdown, telemetry};

/// What to simulate.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The hub, over plain HTTP on this machine. The configured LISTEN address where absent.
    #[arg(long)]
    url: Option<String>,
    /// Reports in an hour, after one on each channel at the start.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=36_000))]
    rate: u32,
    /// The same seed tells the same story.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) async fn run(arguments: Arguments, config: Option<&Path>) -> anyhow::Result<()> {
    telemetry::start_logs(telemetry::LogStyle::Plain, "warn");
    let settings = Settings::load(config)?;
    let mut accounts = SandboxConfig::demo();
    let first = |secrets: &[SecretString]| secrets.first().map(|secret| secret.expose_secret().to_owned());
    if let Some(secret) = settings.slack.as_ref().and_then(|slack| first(&slack.signing_secrets)) {
        accounts.slack.signing_secret = secret;
    }
    if let Some(secret) = settings
        .intercom
        .as_ref()
        .and_then(|intercom| first(&intercom.client_secrets))
    {
        accounts.intercom.client_secret = secret;
    }
    if let Some(whatsapp) = &settings.whatsapp {
        if let Some(secret) = first(&whatsapp.app_secrets) {
            accounts.whatsapp.app_secret = secret;
        }
        if let Some(number) = whatsapp.phone_number_ids.first() {
            accounts.whatsapp.phone_number_id.clone_from(number);
        }
    }
    let url = arguments
        .url
        .unwrap_or_else(|| format!("http://{}", settings.listen_or_default()));
    let target = SimulatorTarget::hub(&url, accounts).context("could not make an HTTP client")?;
    println!("Posting made-up reports to {url}; stop with Ctrl-C.");
    let stop = shutdown::on_signal()?;
    let story = SimulatorConfig::default().with_rate_per_hour(arguments.rate);
    Simulator::new(arguments.seed, story).run(target, stop).await;
    Ok(())
}
