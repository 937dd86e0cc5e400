use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::Notify;

use crate::{
    SqliteConfig,
    connection::{Connections, open_writer, with_suffix},
    error::OpenError,
    instance_lock::{InstanceLock, real_path},
    job_queue, migrate,
};

/// Storage, queries, job queue and custody in one SQLite file, for one process. Clones share it; the file is closed when the last
/// of them is dropped.
#[derive(Clone)]
pub struct Sqlite {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    // Dropped in this order: the lock goes last, when the file is closed.
    pub(crate) connections: Connections,
    pub(crate) work: Notify,
    pub(crate) config: SqliteConfig,
    pub(crate) schema_version: u32,
    path: PathBuf,
    log: PathBuf,
    _lock: InstanceLock,
}

impl Sqlite {
    /// Opens the file, or makes it: takes the instance lock, checks the file, brings its schema up to date, and takes
    /// back the leases of the process that had it before.
    ///
    /// # Errors
    /// [`OpenError::Locked`] while another process has the file; [`OpenError::Corrupt`] and [`OpenError::Foreign`] for a
    /// file that is not a whole database of ours, which stays as it is.
    pub fn open(config: SqliteConfig) -> Result<Self, OpenError> {
        let path = real_path(&config.path)?;
        let mut lock = InstanceLock::take(&path)?;
        migrate::inspect(&path, &config, &lock)?;
        let (writer, schema_version) = open_writer(&path, &config)?;
        if !lock.was_written() {
            lock.set_written()?;
        }
        let reaped = job_queue::take_back_all(&writer).map_err(|error| migrate::classify(&path, error))?;
        if reaped.released + reaped.buried > 0 {
            tracing::warn!(
                released = reaped.released,
                buried = reaped.buried,
                "jobs of a process that died are taken back"
            );
        }
        let connections = Connections::start(&path, &config, writer)?;
        let log = with_suffix(&path, "-wal");
        let inner = Inner {
            connections,
            work: Notify::new(),
            config,
            schema_version,
            path,
            log,
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// True once the disk failed to keep what it was given, or the file turned out damaged. No commit is taken any more:
    /// end the process, and let the next one recover from what is surely on the disk.
    pub fn is_broken(&self) -> bool {
        self.inner.connections.is_broken()
    }

    /// Returns when [`Sqlite::is_broken`] becomes true; never, as a rule. The host ends with exit code 74 then.
    pub async fn until_broken(&self) {
        let mut broken = self.inner.connections.watch();
        if broken.wait_for(|broken| *broken).await.is_err() {
            // The sender lives as long as `self`.
            std::future::pending::<()>().await;
        }
    }

    /// The database file, behind links.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Version of the schema in the file.
    pub fn schema_version(&self) -> u32 {
        self.inner.schema_version
    }

    /// Bytes in the write-ahead log. It shrinks at every checkpoint unless a reader holds it open: over 256 MiB,
    /// somebody should look.
    pub fn wal_bytes(&self) -> u64 {
        fs::metadata(&self.inner.log).map_or(0, |metadata| metadata.len())
    }

    /// Wakes everybody who waits for work, and the next one who comes: it may have looked just before the commit.
    pub(crate) fn announce_work(&self) {
        self.inner.work.notify_waiters();
        self.inner.work.notify_one();
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("path", &self.inner.config.path)
            .finish_non_exhaustive()
    }
}
