//! `serve`: production.

use std::path::Path;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use crate::{
    config::{InvalidConfiguration, Settings},
    server, shutdown,
    telemetry::{self, LogStyle},
    wiring::{self, Wired},
};

pub(crate) async fn run(config: Option<&Path>) -> anyhow::Result<()> {
    telemetry::start_logs(LogStyle::Json, "info");
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
    for told in &settings.unsupported {
        tracing::warn!("configured, and not in this version: {told}");
    }
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
    if let Some(token) = &settings.api_token {
        first_start(&wired, token, &url).await?;
    }
    tracing::info!(address = %listener.local_addr()?, "listening");
    server::run(wired, &settings, metrics, listener, stop).await
}

/// Lets the configured token in. When it is new, so is the hub, or its operator: then a link signs a first person in.
async fn first_start(wired: &Wired, token: &SecretString, url: &str) -> anyhow::Result<()> {
    let access = &wired.hub.access;
    if access.token(token.expose_secret()).await.is_ok() {
        return Ok(());
    }
    let user = access.add_user("API token").await?;
    access.add_known_token("API_TOKEN", user.id, token).await?;
    let admin = access.add_user("Admin").await?;
    let link = access.sign_in_link(admin.id).await?;
    println!(
        "Sign in once, within the hour: {url}/sign-in?link={}",
        link.expose_secret()
    );
    Ok(())
}
