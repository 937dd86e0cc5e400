//! `migrate`: opening brings the schema up to date; that is all.

use std::path::Path;

use crate::{config::Settings, store::Store, telemetry};

pub(crate) async fn run(config: Option<&Path>) -> anyhow::Result<()> {
    telemetry::start_logs(telemetry::LogStyle::Plain, "warn");
    let settings = Settings::load(config)?;
    let database = settings.database_or_default();
    let (_, version) = Store::open(&database).await?;
    println!("{database} has schema version {version}");
    Ok(())
}
