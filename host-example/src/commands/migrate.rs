//! `migrate`: opening brings the schema up to date; that is all. With `--from` and `--to`, everything of a SQLite file into
//! a PostgreSQL database.

use std::{path::Path, sync::Arc};

use clap::Args;
use feedback_adapters::{
    postgres::{PostgresConfig, PostgresMove},
    sqlite::{Sqlite, SqliteConfig},
};
use feedback_core::usecases::MoveStore;
use secrecy::SecretString;

use crate::{
    config::{InvalidConfiguration, Settings},
    store::{Database, Store},
    telemetry,
};

/// What is migrated.
#[derive(Debug, Default, Args)]
pub(crate) struct Arguments {
    /// Moves everything from this file, `sqlite://PATH`, which no hub may have open.
    #[arg(long, value_name = "ADDRESS", requires = "to")]
    from: Option<String>,
    /// Into this empty database, `postgres://USER:PASSWORD@HOST/DATABASE`. What was cut off goes on when it is run again.
    #[arg(long, value_name = "ADDRESS", requires = "from")]
    to: Option<String>,
}

pub(crate) async fn run(arguments: Arguments, config: Option<&Path>) -> anyhow::Result<()> {
    telemetry::start_logs(telemetry::LogStyle::Plain, "warn");
    if let (Some(from), Some(to)) = (&arguments.from, &arguments.to) {
        return move_store(from, to).await;
    }
    let settings = Settings::load(config)?;
    let database = settings.database_or_default();
    let (_, version) = Store::open(&database).await?;
    println!("{database} has schema version {version}");
    Ok(())
}

async fn move_store(from: &str, to: &str) -> anyhow::Result<()> {
    let (Some(Database::File(path)), Some(Database::Server(url))) = (Database::parse(from), Database::parse(to)) else {
        return Err(InvalidConfiguration::one("--from is sqlite://PATH, and --to is postgres://…").into());
    };
    if !path.exists() {
        // Opening would make a new one.
        return Err(InvalidConfiguration::one(&format!("there is no file {}", path.display())).into());
    }
    let source = Sqlite::open(SqliteConfig::new(&path))?;
    let name = format!("sqlite://{}", source.path().display());
    let target = PostgresMove::open(PostgresConfig::new(SecretString::from(url))).await?;
    let moved = MoveStore::new(Arc::new(source), Arc::new(target)).run(&name).await?;
    for (table, rows) in &moved.tables {
        println!("{table}: {rows} rows, the same on both sides");
    }
    if moved.was_done {
        println!("All of it was there already.");
    } else {
        println!(
            "Everything was moved. Set DATABASE_URL to the new address, and never start a hub on the old file again."
        );
    }
    Ok(())
}
