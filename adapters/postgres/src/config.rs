use std::{fmt, time::Duration};

use secrecy::SecretString;

/// Where the server is, and how it is used.
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresConfig {
    /// `postgres://user:password@host:port/database?sslmode=verify-full`. A socket is `postgres://%2Frun%2Fpostgresql/name`.
    pub url: SecretString,
    /// The schema that holds the hub's tables, so that they stand apart from those of a program that embeds it.
    pub schema: String,
    /// Connections for look-ups, lists and the queue.
    pub pool: u32,
    /// Connections that commit. Two are enough to fill the time in which one waits for the disk.
    pub writers: usize,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long a look-up may wait for a connection.
    pub acquire_timeout: Duration,
    /// How long one statement may run, and wait for locks; the server stops it.
    pub statement_timeout: Duration,
    /// How long a commit may take in all, from the call on.
    pub commit_timeout: Duration,
    /// How many commits may wait; more are refused at once, so that a webhook is answered in time.
    pub waiting_commits: usize,
    /// How many waiting commits share one transaction, and one sync of the disk.
    pub group_size: usize,
    /// How long jobs that are done are kept for a person to look at.
    pub keep_done_jobs: Duration,
}

impl PostgresConfig {
    /// The server, with defaults for the rest: schema `feedback`, 8 connections and 2 that commit, 2 s to connect, 1 s to
    /// wait for a connection, 2 s for a statement, 2.3 s for a commit in all, 1,024 waiting commits in groups of 64, done
    /// jobs kept for 7 days.
    pub fn new(url: SecretString) -> Self {
        Self {
            url,
            schema: "feedback".to_owned(),
            pool: 8,
            writers: 2,
            connect_timeout: Duration::from_secs(2),
            acquire_timeout: Duration::from_secs(1),
            statement_timeout: Duration::from_secs(2),
            commit_timeout: Duration::from_millis(2300),
            waiting_commits: 1024,
            group_size: 64,
            keep_done_jobs: Duration::from_secs(7 * 24 * 3600),
        }
    }

    /// In another schema: small letters, digits and `_`.
    #[must_use]
    pub fn with_schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// With this many connections beside those that commit; at least one.
    #[must_use]
    pub fn with_pool(mut self, connections: u32) -> Self {
        self.pool = connections.max(1);
        self
    }

    /// With this many connections that commit; at least one.
    #[must_use]
    pub fn with_writers(mut self, connections: usize) -> Self {
        self.writers = connections.max(1);
        self
    }

    /// With another limit for making a connection.
    #[must_use]
    pub fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// With another wait for a connection.
    #[must_use]
    pub fn with_acquire_timeout(mut self, wait: Duration) -> Self {
        self.acquire_timeout = wait;
        self
    }

    /// With another limit for a statement.
    #[must_use]
    pub fn with_statement_timeout(mut self, limit: Duration) -> Self {
        self.statement_timeout = limit;
        self
    }

    /// With another limit for a commit.
    #[must_use]
    pub fn with_commit_timeout(mut self, limit: Duration) -> Self {
        self.commit_timeout = limit;
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

    /// With done jobs kept this long.
    #[must_use]
    pub fn with_keep_done_jobs(mut self, time: Duration) -> Self {
        self.keep_done_jobs = time;
        self
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the address: it has the password.
        f.debug_struct("PostgresConfig")
            .field("schema", &self.schema)
            .field("pool", &self.pool)
            .field("writers", &self.writers)
            .field("connect_timeout", &self.connect_timeout)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("commit_timeout", &self.commit_timeout)
            .field("waiting_commits", &self.waiting_commits)
            .field("group_size", &self.group_size)
            .field("keep_done_jobs", &self.keep_done_jobs)
            .finish_non_exhaustive()
    }
}
