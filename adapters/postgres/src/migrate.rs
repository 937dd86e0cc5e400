//! Brings the schema up to date, whoever else tries at the same time.

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, postgres::PgConnectOptions};
use tokio::time::timeout;

use crate::{
    PostgresConfig, connection,
    error::{Failure, OpenError},
    move_target,
};

/// One step of the schema: never changed once it was released.
struct Migration {
    version: u32,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: [Migration; 3] = [
    Migration {
        version: 1,
        name: "data_model",
        sql: include_str!("../migrations/V1__data_model.sql"),
    },
    Migration {
        version: 2,
        name: "outbox",
        sql: include_str!("../migrations/V2__outbox.sql"),
    },
    Migration {
        version: 3,
        name: "sealed_jobs",
        sql: include_str!("../migrations/V3__sealed_jobs.sql"),
    },
];

/// "fbhb" twice: nobody else's lock.
pub(crate) const LOCK: i64 = 0x6662_6862_6662_6862;

/// How long one migration may run, and how long another host's migration is waited for.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(600);

/// Brings the schema of a store up to date that is to be worked on: so not one that waits for the rest of a move.
pub(crate) async fn migrate(config: &PostgresConfig) -> Result<u32, OpenError> {
    let options = connection::options(config)?;
    bring_up_unless(config, &options, Refuse::HalfMoved).await
}

/// The same for the mover.
pub(crate) async fn bring_up(config: &PostgresConfig, options: &PgConnectOptions) -> Result<u32, OpenError> {
    bring_up_unless(config, options, Refuse::Nothing).await
}

/// What a schema may not hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refuse {
    HalfMoved,
    Nothing,
}

/// Runs the migrations that are missing, each in a transaction with its line in the history: a crash between two goes on
/// at the next start, and a crash within one leaves nothing of it. Gives the version that the schema has then.
async fn bring_up_unless(
    config: &PostgresConfig,
    options: &PgConnectOptions,
    refuse: Refuse,
) -> Result<u32, OpenError> {
    let unreachable = |failure: Failure| OpenError::unreachable("connect to", &failure);
    let mut conn = connection::connect(options, config.connect_timeout)
        .await
        .map_err(unreachable)?;
    let work = async {
        let version = run(&mut conn, &config.schema).await?;
        // Under the lock that a mover takes as well: it sees us, or we see it.
        if refuse == Refuse::HalfMoved {
            let failed = |error: sqlx::Error| OpenError::unreachable("look into", &error.into());
            if let Some(source) = move_target::unfinished(&mut conn).await.map_err(failed)? {
                let reason = format!("it holds half of a move from {source}: run the move again, to its end");
                return Err(OpenError::Foreign { reason });
            }
        }
        Ok(version)
    };
    let outcome = match timeout(LIMIT, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(OpenError::unreachable("migrate", &Failure::silence())),
    };
    // The lock belongs to the session, so it goes with it.
    drop(timeout(config.connect_timeout, conn.close()).await);
    outcome
}

async fn run(conn: &mut PgConnection, schema: &str) -> Result<u32, OpenError> {
    let failed = |error: sqlx::Error| OpenError::unreachable("migrate", &error.into());
    // A migration may take longer than a commit may, and so may waiting for another host's.
    let prepare =
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET client_min_messages = warning";
    sqlx::raw_sql(prepare).execute(&mut *conn).await.map_err(failed)?;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(&mut *conn)
        .await
        .map_err(failed)?;
    // A role that may not make schemas can use one that an administrator made.
    let exists = sqlx::query("SELECT 1 FROM pg_namespace WHERE nspname = $1")
        .bind(schema)
        .fetch_optional(&mut *conn)
        .await
        .map_err(failed)?;
    if exists.is_none() {
        // The name was checked to be of small letters, digits and `_`.
        let sql = format!("CREATE SCHEMA {schema}");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
    }
    let history = "CREATE TABLE IF NOT EXISTS schema_history
        (version bigint PRIMARY KEY, name text NOT NULL, digest bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())";
    sqlx::query(history).execute(&mut *conn).await.map_err(failed)?;
    let stored = applied(conn).await.map_err(failed)?;
    let stored = stored.map_err(|reason| OpenError::Foreign { reason })?;
    let mut version = stored;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > stored) {
        let mut step = conn.begin().await.map_err(failed)?;
        sqlx::raw_sql(migration.sql).execute(&mut *step).await.map_err(failed)?;
        sqlx::query("INSERT INTO schema_history (version, name, digest) VALUES ($1, $2, $3)")
            .bind(i64::from(migration.version))
            .bind(migration.name)
            .bind(digest(migration))
            .execute(&mut *step)
            .await
            .map_err(failed)?;
        step.commit().await.map_err(failed)?;
        version = migration.version;
        tracing::info!(version, name = migration.name, "schema was brought up to date");
    }
    Ok(version)
}

/// The version that a schema with a history has, or why it is none of ours.
pub(crate) async fn applied(conn: &mut PgConnection) -> Result<Result<u32, String>, sqlx::Error> {
    let history = sqlx::query("SELECT version, digest FROM schema_history ORDER BY version");
    let mut version = 0;
    for row in history.fetch_all(&mut *conn).await? {
        let number: i64 = row.try_get("version")?;
        let stored: Vec<u8> = row.try_get("digest")?;
        let Some(known) = MIGRATIONS.iter().find(|known| i64::from(known.version) == number) else {
            return Ok(Err(format!(
                "its schema has step {number}, which this version does not know"
            )));
        };
        if stored != digest(known) {
            return Ok(Err(format!("step {number} of its schema is another than ours")));
        }
        version = known.version;
    }
    Ok(Ok(version))
}

/// How many steps a schema of a version lacks.
pub(crate) fn missing_after(version: u32) -> usize {
    MIGRATIONS
        .iter()
        .filter(|migration| migration.version > version)
        .count()
}

fn digest(migration: &Migration) -> Vec<u8> {
    Sha256::digest(migration.sql.as_bytes()).to_vec()
}
