//! How connections are made, and the way of look-ups and of the queue to one.

use std::{future::Future, pin::Pin, str::FromStr, time::Duration};

use feedback_core::ports::{PortError, PortErrorKind};
use secrecy::ExposeSecret;
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions, Postgres},
};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    PostgresConfig,
    error::{Failure, OpenError},
};

/// A future that borrows its connection.
pub(crate) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'c>>;

/// Names the type of a future that borrows its connection.
pub(crate) fn work<'c, T>(future: impl Future<Output = Result<T, Failure>> + Send + 'c) -> Work<'c, T> {
    Box::pin(future)
}

/// Tells the compiler what a closure borrows: else it takes one lifetime for all.
pub(crate) fn reading<T, F>(act: F) -> F
where
    F: for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
{
    act
}

/// A connection that was idle for longer is asked whether it still lives before it is given out: under load that costs
/// nothing, and after a restart of the server few calls meet a dead one.
const IDLE: Duration = Duration::from_millis(500);

/// More than the server's own limit, so that its answer comes first, with what it knows.
const MARGIN: Duration = Duration::from_millis(250);

/// A statement of ours may hold the transaction open this long between two others; then the server ends it, so that a
/// stopped host does not keep its locks.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(5);

/// What a hub's connections are called at the server, so that a person and a mover can tell that one is at work.
pub(crate) const NAME: &str = "feedback-hub";

/// How every connection of ours is made.
pub(crate) fn options(config: &PostgresConfig) -> Result<PgConnectOptions, OpenError> {
    let url = config.url.expose_secret();
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(OpenError::Invalid("it does not begin with postgres://"));
    }
    let mut name = config.schema.bytes();
    let begins_well = name
        .next()
        .is_some_and(|first| first.is_ascii_lowercase() || first == b'_');
    let goes_on_well = name.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !begins_well || !goes_on_well || config.schema.len() > 63 {
        return Err(OpenError::Invalid(
            "the schema's name is not of small letters, digits and _",
        ));
    }
    // The parser's own message would quote what it could not read.
    let options = PgConnectOptions::from_str(url).map_err(|_| OpenError::Invalid("it cannot be read"))?;
    let statement_timeout = config.statement_timeout.as_millis().to_string();
    let idle = IDLE_IN_TRANSACTION.as_millis().to_string();
    Ok(options
        .application_name(NAME)
        .statement_cache_capacity(256)
        .options([
            ("search_path", config.schema.as_str()),
            ("statement_timeout", statement_timeout.as_str()),
            ("idle_in_transaction_session_timeout", idle.as_str()),
            // Whatever the server's default is: what was answered must survive a crash of it.
            ("synchronous_commit", "on"),
        ])
        .disable_statement_logging())
}

/// Makes a connection within the limit.
pub(crate) async fn connect(options: &PgConnectOptions, limit: Duration) -> Result<PgConnection, Failure> {
    match timeout(limit, PgConnection::connect_with(options)).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(Failure::silence()),
    }
}

/// The pool, with the limits of its users.
#[derive(Clone)]
pub(crate) struct Connections {
    pool: PgPool,
    limit: Duration,
}

impl Connections {
    pub(crate) fn new(config: &PostgresConfig, options: PgConnectOptions) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(config.pool)
            .acquire_timeout(config.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(|conn, meta| {
                Box::pin(async move {
                    if meta.idle_for < IDLE {
                        return Ok(true);
                    }
                    Ok(matches!(timeout(IDLE, conn.ping()).await, Ok(Ok(()))))
                })
            })
            .connect_lazy_with(options);
        Self {
            pool,
            limit: config.statement_timeout + MARGIN,
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs `act`, which changes nothing: what fails since its connection is gone is done again on another, as long as
    /// there is time.
    pub(crate) async fn read<T, F>(&self, operation: &'static str, act: F) -> Result<T, PortError>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
        T: Send,
    {
        self.repeat(operation, Scope::Statement, act).await
    }

    /// The same in one snapshot, for answers of several statements.
    pub(crate) async fn snapshot<T, F>(&self, operation: &'static str, act: F) -> Result<T, PortError>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
        T: Send,
    {
        self.repeat(operation, Scope::Snapshot, act).await
    }

    async fn repeat<T, F>(&self, operation: &'static str, scope: Scope, act: F) -> Result<T, PortError>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
        T: Send,
    {
        let until = Instant::now() + self.limit;
        loop {
            match self.once(until, scope, &act).await {
                Ok(found) => return Ok(found),
                Err(failure) if failure.is_lost() && failure.code != "timeout" && Instant::now() < until => {
                    // A server that restarts refuses connections for a moment.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(failure) => return Err(failure.into_port(operation)),
            }
        }
    }

    /// Runs `act` once: a statement that changes something is never repeated blindly.
    pub(crate) async fn write<T, F>(&self, act: F) -> Result<T, Failure>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
        T: Send,
    {
        self.once(Instant::now() + self.limit, Scope::Statement, &act).await
    }

    async fn once<T, F>(&self, until: Instant, scope: Scope, act: &F) -> Result<T, Failure>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
        T: Send,
    {
        let mut held = Held(Some(match timeout_at(until, self.pool.acquire()).await {
            Ok(conn) => conn?,
            Err(_) => return Err(Failure::new(PortErrorKind::Unavailable, "overloaded")),
        }));
        let Some(conn) = held.0.as_mut() else {
            return Err(Failure::silence());
        };
        let outcome = match timeout_at(until, scope.run(conn, act)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::silence()),
        };
        if !outcome.as_ref().is_err_and(Failure::is_lost) {
            held.give_back();
        }
        outcome
    }
}

/// What a look-up sees.
#[derive(Clone, Copy)]
enum Scope {
    /// Each statement what is committed when it begins.
    Statement,
    /// All statements the same moment.
    Snapshot,
}

impl Scope {
    async fn run<T, F>(self, conn: &mut PgConnection, act: &F) -> Result<T, Failure>
    where
        F: for<'c> Fn(&'c mut PgConnection) -> Work<'c, T> + Send + Sync,
        T: Send,
    {
        let Self::Snapshot = self else {
            return act(conn).await;
        };
        exec(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let outcome = act(conn).await;
        match exec(conn, "ROLLBACK").await {
            Err(failure) if outcome.is_ok() => Err(failure),
            _ => outcome,
        }
    }
}

/// A connection out of the pool. One that was left in the middle of something is closed on the spot: the pool would wait
/// for its answer, and keep its place meanwhile.
struct Held(Option<PoolConnection<Postgres>>);

impl Held {
    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            drop(conn.detach());
        }
    }
}

/// Runs fixed statements without parameters, several at once if they stand in one text.
pub(crate) async fn exec(conn: &mut PgConnection, sql: &'static str) -> Result<(), Failure> {
    sqlx::raw_sql(sql).execute(conn).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use feedback_core::{
        domain::{Change, Write},
        ports::Storage,
        testing::fixtures::Fixtures,
    };
    use feedback_test_servers::postgres;
    use sqlx::Row;

    use super::*;
    use crate::{Postgres, locks::Locks};

    #[tokio::test]
    async fn every_connection_has_its_limits() {
        let database = postgres::shared().database();
        let options = options(&PostgresConfig::new(database.url().into())).unwrap();
        let mut conn = connect(&options, Duration::from_secs(5)).await.unwrap();
        let sql = "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'),
            current_setting('synchronous_commit'), current_setting('search_path')";
        let row = sqlx::query(sql).fetch_one(&mut conn).await.unwrap();
        let settings: Vec<String> = (0..4).map(|column| row.get(column)).collect();
        assert_eq!(settings, ["2s", "5s", "on", "feedback"]);
    }

    #[tokio::test]
    async fn a_host_that_stops_in_a_transaction_does_not_keep_its_locks() {
        let database = postgres::shared().database();
        let config = PostgresConfig::new(database.url().into());
        let store = Postgres::connect(config.clone()).await.unwrap();
        store.migrate().await.unwrap();
        let mut stopped = connect(&options(&config).unwrap(), Duration::from_secs(5))
            .await
            .unwrap();
        let alone = Locks {
            alone: true,
            ..Locks::default()
        };
        sqlx::raw_sql(sqlx::AssertSqlSafe(alone.begin()))
            .execute(&mut stopped)
            .await
            .unwrap();
        let fixtures = Fixtures::default();
        let begun = Instant::now();
        let commit = || store.commit(Change::new().with(Write::InsertUser(fixtures.user())));
        let refused = commit().await.unwrap_err();
        assert_eq!(refused.kind(), PortErrorKind::Unavailable);
        while commit().await.is_err() {
            assert!(begun.elapsed() < IDLE_IN_TRANSACTION * 3);
        }
        assert!(Failure::from(stopped.ping().await.unwrap_err()).is_lost());
    }
}
