//! `export`, `erase`, `purge`, `rotate-keys` and `verify`: what a person may ask, and what the keepers of the data owe.
//!
//! A SQLite file that a running host holds is not opened by a second program: there the API exports and erases, and the
//! host purges and rotates by itself.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use clap::{Args, ValueEnum};
use feedback_adapters::{
    system::{FileErasureLog, RandomIds, SystemClock},
    vault::{KeyRing, RingVault},
};
use feedback_core::{
    domain::ReporterId,
    usecases::{Erase, Export, Retain, RotateKeys, VerifyTimelines, to_csv},
};
use secrecy::ExposeSecret;

use crate::{
    config::{InvalidConfiguration, Settings},
    store::Store,
    telemetry,
};

/// Whom.
#[derive(Debug, Args)]
pub(crate) struct Person {
    /// The reporter's id, as the API and the dashboard show it.
    id: String,
}

/// Whose copy, and how it is written.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The reporter's id, as the API and the dashboard show it.
    id: String,
    /// How it is written to standard output.
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
}

/// How a copy is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Everything, nested as it is.
    Json,
    /// One table, for a spreadsheet.
    Csv,
}

/// A timeline is not as it was written.
#[derive(Debug, thiserror::Error)]
#[error("{0} timelines are not as they were written")]
pub(crate) struct TimelinesBroken(usize);

pub(crate) async fn export(arguments: Copy, config: Option<&Path>) -> anyhow::Result<()> {
    let (settings, store) = open(config).await?;
    let export = Export::new(store.storage(), Arc::new(vault(&settings)?), Arc::new(SystemClock));
    let exported = export.export(reporter(&arguments.id)?).await?;
    match arguments.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&exported)?),
        Format::Csv => print!("{}", to_csv(&exported)),
    }
    Ok(())
}

pub(crate) async fn erase(arguments: Person, config: Option<&Path>) -> anyhow::Result<()> {
    let (settings, store) = open(config).await?;
    let erased = erasure(&settings, &store).erase(reporter(&arguments.id)?, None).await?;
    println!(
        "Erased {} reporters: {} tickets blanked; {} pages and {} files go when the host runs.",
        erased.reporters.len(),
        erased.tickets,
        erased.pages,
        erased.files
    );
    if !erased.kept_at.is_empty() {
        let channels: Vec<_> = erased.kept_at.iter().map(|channel| channel.label()).collect();
        println!(
            "Their own messages are still kept by: {}. Ask there.",
            channels.join(", ")
        );
    }
    Ok(())
}

pub(crate) async fn purge(config: Option<&Path>) -> anyhow::Result<()> {
    let (settings, store) = open(config).await?;
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
    let retain = Retain::new(store.storage(), store.custody(), clock, ids, settings.retention);
    let purged = retain.purge().await?;
    for (what, rows) in &purged.rows {
        println!("{what:?}: {rows} rows");
    }
    println!("{} files go when the host runs.", purged.files);
    Ok(())
}

pub(crate) async fn rotate_keys(config: Option<&Path>) -> anyhow::Result<()> {
    let (settings, store) = open(config).await?;
    let vault = vault(&settings)?;
    let newest = vault.ring().newest_id().to_owned();
    let rotated = RotateKeys::new(store.custody(), Arc::new(vault)).rotate().await?;
    println!(
        "{} values moved to key {newest}, {} were under it already, {} are under no key of the ring.",
        rotated.moved, rotated.current, rotated.unreadable
    );
    if rotated.unreadable == 0 {
        println!("Older keys can leave SECRET_KEYS; keep the index entry.");
    }
    Ok(())
}

pub(crate) async fn verify(config: Option<&Path>) -> anyhow::Result<()> {
    let (_, store) = open(config).await?;
    let verified = VerifyTimelines::new(store.custody()).verify().await?;
    println!("{} events of {} tickets read.", verified.events, verified.tickets);
    for broken in &verified.broken {
        println!(
            "Ticket {}: event {} ({}, {}, {}) is not as it was written; nothing after it can be trusted.",
            broken.ticket, broken.position, broken.event, broken.kind, broken.at
        );
    }
    match verified.broken.len() {
        0 => Ok(()),
        broken => Err(TimelinesBroken(broken).into()),
    }
}

/// Erasure over a store, remembered in the configured log.
pub(crate) fn erasure(settings: &Settings, store: &Store) -> Erase {
    let log = Arc::new(FileErasureLog::new(settings.erasure_log_or_default()));
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
    Erase::new(store.storage(), store.custody(), Some(log), clock, ids)
}

async fn open(config: Option<&Path>) -> anyhow::Result<(Settings, Store)> {
    telemetry::start_logs(telemetry::LogStyle::Plain, "warn");
    let settings = Settings::load(config)?;
    let (store, _) = Store::open(&settings.database_or_default()).await?;
    Ok((settings, store))
}

fn vault(settings: &Settings) -> anyhow::Result<RingVault> {
    let keys = settings
        .secret_keys
        .as_ref()
        .ok_or_else(|| InvalidConfiguration::one("SECRET_KEYS is missing"))?;
    let ring = KeyRing::parse(keys.expose_secret())
        .map_err(|error| InvalidConfiguration::one(&format!("SECRET_KEYS: {error}")))?;
    Ok(RingVault::new(ring))
}

fn reporter(id: &str) -> anyhow::Result<ReporterId> {
    id.parse().with_context(|| format!("{id:?} is no reporter's id"))
}
