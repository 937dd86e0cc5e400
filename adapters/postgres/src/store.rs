use std::{fmt, sync::Arc};

use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinHandle;

use crate::{
    PostgresConfig,
    checkup::{self, Checkup},
    connection::{self, Connections, exec},
    error::{Failure, OpenError},
    herald::Herald,
    migrate,
    writer::Writers,
};

/// Storage, queries and job queue in one PostgreSQL database, for any number of processes. Clones share the connections;
/// they are closed when the last of them is dropped.
#[derive(Clone)]
pub struct Postgres {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: PostgresConfig,
    pub(crate) connections: Connections,
    pub(crate) writers: Writers,
    pub(crate) herald: Herald,
    options: PgConnectOptions,
    tasks: Vec<JoinHandle<()>>,
}

impl Postgres {
    /// Connects, with tasks of its own on the current runtime: some commit, one listens for work of other processes. The
    /// schema is left as it is: see [`Postgres::migrate`].
    ///
    /// # Errors
    /// [`OpenError::Invalid`] for an address that cannot be read, [`OpenError::Unreachable`] if no server answers at it.
    pub async fn connect(config: PostgresConfig) -> Result<Self, OpenError> {
        let options = connection::options(&config)?;
        let first = connection::connect(&options, config.connect_timeout).await;
        let first = first.map_err(|failure| OpenError::unreachable("connect to", &failure))?;
        drop(first);
        let connections = Connections::new(&config, options.clone());
        let (herald, mut tasks) = Herald::start(&config, &options);
        let (writers, more) = Writers::start(&config, &options, &herald);
        tasks.extend(more);
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                connections,
                writers,
                herald,
                options,
                tasks,
            }),
        })
    }

    /// Brings the schema to this program's version, and gives that. Of several processes that try at once one does it,
    /// and the others wait.
    ///
    /// # Errors
    /// [`OpenError::Foreign`] for a schema that is another program's or a newer version's, which stays as it is.
    pub async fn migrate(&self) -> Result<u32, OpenError> {
        migrate::migrate(&self.inner.config).await
    }

    /// Asks a server what an operator wants to know before a hub starts on it. Nothing is changed by that.
    ///
    /// # Errors
    /// As [`Postgres::connect`].
    pub async fn check_up(config: &PostgresConfig) -> Result<Checkup, OpenError> {
        checkup::check_up(config).await
    }

    /// Waits until what is being committed is done, and closes the connections. Later calls are `Unavailable`.
    pub async fn close(&self) {
        self.inner.connections.close().await;
    }
}

impl Inner {
    /// Runs a statement that takes as long as it needs, on a connection of its own.
    pub(crate) async fn settle(&self, sql: &'static str) -> Result<(), Failure> {
        let mut conn = connection::connect(&self.options, self.config.connect_timeout).await?;
        exec(&mut conn, "SET statement_timeout = 0").await?;
        exec(&mut conn, sql).await
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Nobody waits for an answer any more: every caller holds a clone.
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}
