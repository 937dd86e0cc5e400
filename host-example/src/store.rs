//! The database that the host was given: one of two, behind the same ports.

use std::{fmt, path::Path, path::PathBuf, sync::Arc};

use anyhow::Context;
use feedback_adapters::{
    postgres::{PgVector, Postgres, PostgresConfig},
    sqlite::{Sqlite, SqliteConfig},
};
use feedback_core::ports::{Custody, Embedder, JobQueue, NearestTickets, Outbox, Queries, Storage};
use secrecy::SecretString;

/// Where the data is.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    /// A SQLite file: one process.
    File(PathBuf),
    /// A PostgreSQL server: any number of processes.
    Server(SecretString),
}

impl Database {
    /// The database at an address; `None` for one that is neither a file's nor a server's.
    pub(crate) fn parse(address: &str) -> Option<Self> {
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            return Some(Self::Server(SecretString::from(address)));
        }
        let path = address.strip_prefix("sqlite://").filter(|path| !path.is_empty())?;
        Some(Self::File(PathBuf::from(path)))
    }

    /// The file, where it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            // Not the address: it has the password.
            Self::Server(_) => f.write_str("the PostgreSQL database"),
        }
    }
}

/// An open database, with the schema of this program.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    File(Sqlite),
    Server(Postgres),
}

/// A port of whichever it is.
macro_rules! port {
    ($name:ident, $port:ident) => {
        pub(crate) fn $name(&self) -> Arc<dyn $port> {
            match self {
                Self::File(store) => Arc::new(store.clone()),
                Self::Server(store) => Arc::new(store.clone()),
            }
        }
    };
}

impl Store {
    /// Opens the database and brings it to this program's schema; the version that it has then.
    pub(crate) async fn open(database: &Database) -> anyhow::Result<(Self, u32)> {
        match database {
            Database::File(path) => {
                let store = open_file(path)?;
                let version = store.schema_version();
                Ok((Self::File(store), version))
            }
            Database::Server(url) => {
                let store = Postgres::connect(PostgresConfig::new(url.clone())).await?;
                let version = store.migrate().await?;
                Ok((Self::Server(store), version))
            }
        }
    }

    /// The rows that something else may spread, where they are on a server.
    pub(crate) fn outbox(&self) -> Option<Arc<dyn Outbox>> {
        match self {
            Self::File(_) => None,
            Self::Server(store) => Some(Arc::new(store.clone())),
        }
    }

    /// The server's own search of an embedder's vectors, by pgvector; a file has none.
    pub(crate) async fn search(&self, embedder: &dyn Embedder) -> anyhow::Result<Option<Arc<dyn NearestTickets>>> {
        match self {
            Self::File(_) => Ok(None),
            Self::Server(store) => {
                let search = PgVector::open(store, embedder.model(), embedder.dimensions()).await;
                let search = search.context("MATCHING.SEARCH")?;
                Ok(Some(Arc::new(search)))
            }
        }
    }

    port!(storage, Storage);
    port!(custody, Custody);
    port!(queries, Queries);
    port!(queue, JobQueue);

    /// True once a file cannot be trusted any more. A server is another process, which sees to that itself.
    pub(crate) fn is_broken(&self) -> bool {
        match self {
            Self::File(store) => store.is_broken(),
            Self::Server(_) => false,
        }
    }

    /// Returns when [`Store::is_broken`] becomes true.
    pub(crate) async fn until_broken(&self) {
        match self {
            Self::File(store) => store.until_broken().await,
            Self::Server(_) => std::future::pending().await,
        }
    }
}

fn open_file(path: &Path) -> anyhow::Result<Sqlite> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    }
    Ok(Sqlite::open(SqliteConfig::new(path))?)
}
