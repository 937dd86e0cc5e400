//! `migrate`: opening brings the schema up to date; that is all.

use std::path::Path;

use crate::{config::Settings, telemetry, wiring};

pub(crate) fn run(config: Option<&Path>) -> anyhow::Result<()> {
    telemetry::start_logs(telemetry::LogStyle::Plain, "warn");
    let settings = Settings::load(config)?;
    let store = wiring::open(&settings.database_or_default())?;
    println!(
        "{} has schema version {}",
        settings.database_or_default().display(),
        store.schema_version()
    );
    Ok(())
}
