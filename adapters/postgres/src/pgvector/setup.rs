//! The extension, the table that it searches, and its index: made where they are missing, by one host at a time.

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{
    PostgresConfig, connection,
    error::{Failure, OpenError},
    text::storable,
};

/// "fbpv": nobody else's lock. Not that of migrations: building an index waits for every transaction that was there
/// before, and one that waits for our lock would be among them.
const LOCK: i64 = 0x6662_7076;

/// How long the setup may take, and how long another host's is waited for: a million vectors are a matter of minutes.
const LIMIT: Duration = Duration::from_secs(3600);

/// Vectors that are brought over in one statement.
const BATCH: i64 = 1_000;

/// Longer vectors have no index: pgvector's pages do not hold them.
const LONGEST_WITH_INDEX: usize = 2_000;

/// What the search has to know of the server.
pub(super) struct Found {
    /// Where the extension's types are, quoted.
    pub(super) schema: String,
    /// True from pgvector 0.8 on: an index goes on where a condition took away what it had found.
    pub(super) goes_on: bool,
}

/// Makes what is missing. Other hosts that try at the same time wait.
pub(super) async fn set_up(config: &PostgresConfig, model: &str, dimensions: usize) -> Result<Found, OpenError> {
    let options = connection::options(config)?;
    let mut conn = connection::connect(&options, config.connect_timeout)
        .await
        .map_err(|failure| OpenError::unreachable("connect to", &failure))?;
    let outcome = match timeout(LIMIT, run(&mut conn, config, model, dimensions)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(failed(Failure::silence())),
    };
    // The lock belongs to the session, so it goes with it.
    drop(timeout(config.connect_timeout, conn.close()).await);
    outcome
}

fn failed(failure: impl Into<Failure>) -> OpenError {
    OpenError::unreachable("set up pgvector in", &failure.into())
}

async fn run(
    conn: &mut PgConnection,
    config: &PostgresConfig,
    model: &str,
    dimensions: usize,
) -> Result<Found, OpenError> {
    let prepare =
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET client_min_messages = warning";
    connection::exec(conn, prepare).await.map_err(failed)?;
    // Asked again and again rather than waited for: see `LOCK`.
    loop {
        let lock = sqlx::query("SELECT pg_try_advisory_lock($1)").bind(LOCK);
        if lock
            .fetch_one(&mut *conn)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(failed)?
        {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let found = extension(conn).await?;
    let path = format!("SET search_path = {}, {}", config.schema, found.schema);
    let path = sqlx::raw_sql(AssertSqlSafe(path));
    path.execute(&mut *conn).await.map_err(failed)?;
    // The trigger needs the table for itself for a moment. Commits of running hosts queue behind it: not for long.
    connection::exec(conn, "SET lock_timeout = '2s'")
        .await
        .map_err(failed)?;
    let tables = connection::exec(conn, include_str!("setup.sql"));
    tables.await.map_err(failed)?;
    connection::exec(conn, "SET lock_timeout = 0").await.map_err(failed)?;
    let brought = bring_over(conn).await.map_err(failed)?;
    if brought > 0 {
        tracing::info!(vectors = brought, "vectors were brought over to pgvector");
    }
    if (1..=LONGEST_WITH_INDEX).contains(&dimensions) {
        build_index(conn, &storable(model), dimensions).await.map_err(failed)?;
    }
    Ok(found)
}

/// Finds the extension, or makes it.
async fn extension(conn: &mut PgConnection) -> Result<Found, OpenError> {
    const SQL: &str = "SELECT quote_ident(n.nspname), e.extversion FROM pg_extension e
        JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'";
    let mut row = sqlx::query(SQL).fetch_optional(&mut *conn).await.map_err(failed)?;
    if row.is_none() {
        let there = sqlx::query("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'");
        if there.fetch_optional(&mut *conn).await.map_err(failed)?.is_none() {
            return Err(OpenError::NoPgvector(
                "the server does not have it: install its package there, or search in memory",
            ));
        }
        match connection::exec(conn, "CREATE EXTENSION IF NOT EXISTS vector").await {
            Err(failure) if failure.code == "not_permitted" => {
                return Err(OpenError::NoPgvector(
                    "the hub's role may not create it: let an administrator run CREATE EXTENSION vector in this database",
                ));
            }
            made => made.map_err(failed)?,
        }
        row = sqlx::query(SQL).fetch_optional(&mut *conn).await.map_err(failed)?;
    }
    let row = row.ok_or(OpenError::NoPgvector("it is gone again"))?;
    let version: String = row.try_get(1).map_err(failed)?;
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < (0, 5) {
        return Err(OpenError::NoPgvector(
            "it is older than 0.5: update its package, and run ALTER EXTENSION vector UPDATE",
        ));
    }
    Ok(Found {
        schema: row.try_get(0).map_err(failed)?,
        goes_on: version >= (0, 8),
    })
}

/// Brings over what was there before the trigger, or came while somebody had switched it off. Goes through the table once,
/// in small transactions; a crash in between leaves the rest to the next start.
async fn bring_over(conn: &mut PgConnection) -> Result<u64, Failure> {
    // A row that is put meanwhile has its copy from the trigger, which stays; one that is removed meanwhile is locked
    // first, or not found any more.
    let sql = "WITH batch AS MATERIALIZED (
            SELECT v.* FROM ticket_vectors v WHERE (v.ticket_id, v.model) > ($1, $2)
                AND NOT EXISTS (SELECT FROM ticket_vectors_near n WHERE (n.ticket_id, n.model) = (v.ticket_id, v.model))
            ORDER BY v.ticket_id, v.model LIMIT $3 FOR KEY SHARE),
        put AS (
            INSERT INTO ticket_vectors_near (ticket_id, model, dimensions, ticket_created_at, embedding)
            SELECT ticket_id, model, dimensions, ticket_created_at, unit::vector
            FROM (SELECT batch.*, near_values(embedding) AS unit FROM batch) made WHERE unit IS NOT NULL
            ON CONFLICT DO NOTHING RETURNING 1)
        SELECT ticket_id, model, (SELECT count(*) FROM put) FROM batch ORDER BY ticket_id DESC, model DESC LIMIT 1";
    let (mut id, mut model, mut brought) = (Uuid::nil(), String::new(), 0);
    loop {
        let batch = sqlx::query(sql).bind(id).bind(&model).bind(BATCH);
        let Some(row) = batch.fetch_optional(&mut *conn).await? else {
            break;
        };
        (id, model) = (row.try_get(0)?, row.try_get(1)?);
        brought += row.try_get::<i64, _>(2)?.unsigned_abs();
    }
    if brought > 0 {
        connection::exec(conn, "ANALYZE ticket_vectors_near").await?;
    }
    Ok(brought)
}

/// One index for each model that was searched: vectors of two are never compared, and their lengths differ. Hosts go on
/// committing while it is built.
async fn build_index(conn: &mut PgConnection, model: &str, dimensions: usize) -> Result<(), Failure> {
    let digest = Sha256::digest(format!("{dimensions} {model}"));
    let name = format!("ticket_vectors_near_{}", hex::encode(&digest[..8]));
    let sql = "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relname = $1 AND c.relnamespace = current_schema()::regnamespace";
    let there = sqlx::query(sql).bind(&name).fetch_optional(&mut *conn).await?;
    match there.map(|row| row.try_get::<bool, _>(0)).transpose()? {
        Some(true) => return Ok(()),
        // Somebody stopped while building it.
        Some(false) => {
            let drop = AssertSqlSafe(format!("DROP INDEX {name}"));
            sqlx::raw_sql(drop).execute(&mut *conn).await?;
        }
        None => {}
    }
    // The server quotes the model's name.
    let sql = "SELECT format('CREATE INDEX CONCURRENTLY %I ON ticket_vectors_near
        USING hnsw ((embedding::vector(%s)) vector_cosine_ops) WHERE model = %L AND dimensions = %s', $1, $3, $2, $3)";
    let statement = sqlx::query(sql).bind(&name).bind(model).bind(dimensions.to_string());
    let statement: String = statement.fetch_one(&mut *conn).await?.try_get(0)?;
    // The graph of 100,000 vectors of 384 values fits; one that does not is built more slowly.
    connection::exec(conn, "SET maintenance_work_mem = '256MB'").await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *conn).await?;
    tracing::info!(model, dimensions, "an index of the model's vectors was built");
    Ok(())
}
