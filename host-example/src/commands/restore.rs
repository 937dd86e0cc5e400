//! `restore`: what a database that came back from a backup needs before it is served.

use std::{path::Path, sync::Arc};

use clap::Args;
use feedback_adapters::system::{RandomIds, SystemClock};
use feedback_core::{domain::Timestamp, usecases::Restore};

use super::privacy::erasure;
use crate::{config::Settings, store::Store, telemetry};

/// From when on what the database says is known to be the truth.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// When the backup was put back, as `2026-11-22T19:00:00Z`: a delivery that had not ended, and was last changed at this
    /// time or before, may have been made by the database that was lost. It waits for a person's word from now on.
    #[arg(long, value_name = "TIME")]
    fence: Timestamp,
}

pub(crate) async fn run(arguments: Arguments, config: Option<&Path>) -> anyhow::Result<()> {
    telemetry::start_logs(telemetry::LogStyle::Plain, "warn");
    let settings = Settings::load(config)?;
    let (store, _) = Store::open(&settings.database_or_default()).await?;
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(RandomIds));
    let restore = Restore::new(store.storage(), store.queries(), erasure(&settings, &store), clock, ids);
    let restored = restore.fence(arguments.fence).await?;
    println!(
        "{} people erased again; {} deliveries are ambiguous now and wait for a person's word.",
        restored.erased, restored.deliveries
    );
    Ok(())
}
