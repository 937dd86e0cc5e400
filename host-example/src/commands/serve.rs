//! `serve`: production.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use crate::{
    config::{InvalidConfiguration, Settings},
    server, shutdown,
    telemetry::{self, LogStyle},
    wiring::{self, Wired},
};

/// How production starts.
#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// Adds a person at start and prints a link that signs them in once, within the hour: while a host runs on a SQLite
    /// file, `user add` cannot open it.
    #[arg(long, value_name = "NAME")]
    sign_in: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, config: Option<&Path>) -> anyhow::Result<()> {
    // The NATS client calls every lost connection an error; the queue says once what it means.
    telemetry::start_logs(LogStyle::Json, "info,async_nats=off");
    let settings = Settings::load(config)?;
    let Some(keys) = settings
        .secret_keys
        .clone()
        .filter(|keys| !keys.expose_secret().is_empty())
    else {
        return Err(InvalidConfiguration::one("SECRET_KEYS is missing: id:base64 of 32 random bytes").into());
    };
    let stop = shutdown::on_signal()?;
    let metrics = telemetry::start_metrics()?;
    let wired = wiring::wire(&settings, &keys).await?;
    for off in wired.providers.off() {
        tracing::info!("not configured, so off: {off}");
    }
    let address = settings.listen_or_default();
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("could not listen on {address}"))?;
    let url = settings
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", settings.listen_or_default()));
    let mut newcomer = arguments.sign_in;
    if let Some(token) = &settings.api_token
        && let_token_in(&wired, token).await?
    {
        // A new token is a new hub, or a new operator: somebody will want to look.
        newcomer.get_or_insert_with(|| "Admin".to_owned());
    }
    if let Some(name) = newcomer {
        let person = wired.hub.access.add_user(&name).await?;
        let link = wired.hub.access.sign_in_link(person.id).await?;
        println!(
            "Sign in once, within the hour: {url}/sign-in?link={}",
            link.expose_secret()
        );
    }
    tracing::info!(address = %listener.local_addr()?, "listening");
    server::run(wired, &settings, metrics, listener, stop).await
}

/// Lets the configured token in. True if it is new.
async fn let_token_in(wired: &Wired, token: &SecretString) -> anyhow::Result<bool> {
    let access = &wired.hub.access;
    if access.token(token.expose_secret()).await.is_ok() {
        return Ok(false);
    }
    let user = access.add_user("API token").await?;
    access.add_known_token("API_TOKEN", user.id, token).await?;
    Ok(true)
}
