//! What an operator wants to know of the server before a hub starts on it. Nothing is changed by asking.

use feedback_core::domain::Timestamp;
use sqlx::{PgConnection, Row};
use tokio::time::timeout;

use crate::{
    PostgresConfig, connection,
    error::{Failure, OpenError},
    migrate, move_target,
};

/// The oldest server that the adapter is tested on.
const OLDEST: i32 = 150_000;

/// What the server says about itself and about the hub's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkup {
    /// Its version, as it names it.
    pub version: String,
    /// Whether the hub can work on that version.
    pub is_new_enough: bool,
    /// True for a replica, and for a server that was told to take no writes.
    pub is_read_only: bool,
    /// Its clock at the moment of asking.
    pub clock: Timestamp,
    /// Extensions of the database. The hub needs none, unless the window is searched by `vector`.
    pub extensions: Vec<String>,
    /// The version of pgvector that the database has, or could have.
    pub pgvector: Option<String>,
    /// Steps of the schema that a start would add: all of them for an empty database.
    pub pending_migrations: usize,
    /// Why the schema cannot be used, where it cannot: a newer version's, another program's, or half of a move.
    pub foreign: Option<String>,
}

/// Asks the server.
pub(crate) async fn check_up(config: &PostgresConfig) -> Result<Checkup, OpenError> {
    let options = connection::options(config)?;
    let conn = connection::connect(&options, config.connect_timeout).await;
    let mut conn = conn.map_err(|failure| OpenError::unreachable("connect to", &failure))?;
    let asked = match timeout(config.statement_timeout * 2, ask(&mut conn)).await {
        Ok(asked) => asked,
        Err(_) => Err(Failure::silence()),
    };
    asked.map_err(|failure| OpenError::unreachable("ask", &failure))
}

async fn ask(conn: &mut PgConnection) -> Result<Checkup, Failure> {
    let sql = "SELECT current_setting('server_version'), current_setting('server_version_num')::int,
            pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
            (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
            ARRAY(SELECT extname::text FROM pg_extension ORDER BY extname),
            to_regclass('schema_history') IS NOT NULL,
            (SELECT coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = 'vector')";
    let row = sqlx::query(sql).fetch_one(&mut *conn).await?;
    let has_schema: bool = row.try_get(5)?;
    let (mut version, mut foreign) = (0, None);
    if has_schema {
        match migrate::applied(conn).await? {
            Ok(applied) => version = applied,
            Err(reason) => foreign = Some(reason),
        }
        if let Some(source) = move_target::unfinished(conn).await? {
            foreign = Some(format!("it holds half of a move from {source}"));
        }
    }
    let clock = Timestamp::from_unix_micros(row.try_get(3)?);
    Ok(Checkup {
        version: row.try_get(0)?,
        is_new_enough: row.try_get::<i32, _>(1)? >= OLDEST,
        is_read_only: row.try_get(2)?,
        clock: clock.unwrap_or(Timestamp::UNIX_EPOCH),
        extensions: row.try_get(4)?,
        pgvector: row.try_get(6)?,
        pending_migrations: migrate::missing_after(version),
        foreign,
    })
}
