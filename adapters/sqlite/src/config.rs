use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the file is, and how it is used.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// The database file; made if it is not there. Beside it stand `-wal`, `-shm` and `.lock`.
    pub path: PathBuf,
    /// Connections that read beside the one that writes.
    pub readers: usize,
    /// How long a write waits for a stranger who holds the file's write lock.
    pub busy_timeout: Duration,
    /// How long a look-up or list may wait and run, so that none keeps the write-ahead log from shrinking.
    pub read_timeout: Duration,
    /// How many commits may wait; more are refused at once, so that a webhook is answered in time.
    pub waiting_commits: usize,
    /// How many waiting commits share one transaction, and one sync of the disk.
    pub group_size: usize,
    /// Files up to this many bytes are checked whole at start; of larger ones only the schema is read, so that a
    /// restart stays quick.
    pub check_below_bytes: u64,
    /// How long jobs that are done are kept for a person to look at.
    pub keep_done_jobs: Duration,
}

impl SqliteConfig {
    /// The file, with defaults for the rest: 4 readers, 2 s for locks and reads, 1,024 waiting commits in groups of 128,
    /// checked whole below 256 MiB, done jobs kept for 7 days.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            readers: 4,
            busy_timeout: Duration::from_secs(2),
            read_timeout: Duration::from_secs(2),
            waiting_commits: 1024,
            group_size: 128,
            check_below_bytes: 256 * 1024 * 1024,
            keep_done_jobs: Duration::from_secs(7 * 24 * 3600),
        }
    }

    /// With this many readers; at least one.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// With another wait for a stranger's lock.
    #[must_use]
    pub fn with_busy_timeout(mut self, wait: Duration) -> Self {
        self.busy_timeout = wait;
        self
    }

    /// With another limit for reads.
    #[must_use]
    pub fn with_read_timeout(mut self, limit: Duration) -> Self {
        self.read_timeout = limit;
        self
    }

    /// With room for this many waiting commits; at least one.
    #[must_use]
    pub fn with_waiting_commits(mut self, commits: usize) -> Self {
        self.waiting_commits = commits.max(1);
        self
    }

    /// With groups of at most this many commits; at least one.
    #[must_use]
    pub fn with_group_size(mut self, commits: usize) -> Self {
        self.group_size = commits.max(1);
        self
    }

    /// With whole checks at start of files up to this many bytes.
    #[must_use]
    pub fn with_check_below_bytes(mut self, bytes: u64) -> Self {
        self.check_below_bytes = bytes;
        self
    }

    /// With done jobs kept this long.
    #[must_use]
    pub fn with_keep_done_jobs(mut self, time: Duration) -> Self {
        self.keep_done_jobs = time;
        self
    }
}
