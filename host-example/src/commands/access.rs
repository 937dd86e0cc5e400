//! `user add`, `token add` and `token revoke`: who may.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use clap::Subcommand;
use feedback_adapters::system::{RandomIds, SystemClock};
use feedback_core::usecases::{Access, AccessError};
use secrecy::{ExposeSecret, SecretString};

use crate::{config::Settings, store::Store, telemetry};

/// What to do about people.
#[derive(Debug, Subcommand)]
pub(crate) enum UserAction {
    /// Adds a person and prints a link that signs them in once, within the hour.
    Add {
        /// Name that colleagues see.
        name: String,
    },
}

/// What to do about tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// Makes a token and prints it; it is kept nowhere.
    Add {
        /// What it is for. What is done with it is done in this name.
        name: String,
    },
    /// Ends a token for ever: the token itself is read from standard input, so that no shell remembers it.
    Revoke,
}

pub(crate) async fn user(action: UserAction, config: Option<&Path>) -> anyhow::Result<()> {
    let UserAction::Add { name } = action;
    let (settings, access) = open(config).await?;
    let user = access.add_user(&name).await?;
    let link = access.sign_in_link(user.id).await?;
    let url = settings
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", settings.listen_or_default()));
    println!("{url}/sign-in?link={}", link.expose_secret());
    Ok(())
}

pub(crate) async fn token(action: TokenAction, config: Option<&Path>) -> anyhow::Result<()> {
    match action {
        TokenAction::Add { name } => {
            let (_, access) = open(config).await?;
            let user = access.add_user(&name).await?;
            let (_, token) = access.add_token(&name, user.id).await?;
            println!("{}", token.expose_secret());
        }
        TokenAction::Revoke => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).context("standard input")?;
            line.truncate(line.trim_end().len());
            let token = SecretString::from(line);
            let (_, access) = open(config).await?;
            match access.revoke_token(token.expose_secret()).await {
                Err(AccessError::Denied) => anyhow::bail!("there is no such token in this database"),
                done => done?,
            }
            println!("The token is revoked.");
        }
    }
    Ok(())
}

async fn open(config: Option<&Path>) -> anyhow::Result<(Settings, Access)> {
    telemetry::start_logs(telemetry::LogStyle::Plain, "warn");
    let settings = Settings::load(config)?;
    let (store, _) = Store::open(&settings.database_or_default()).await?;
    let access = Access::new(store.storage(), Arc::new(SystemClock), Arc::new(RandomIds));
    Ok((settings, access))
}
