//! One thread that writes, a few that read, and the file between them.
//!
//! SQLite has one writer at a time, whatever we do. A thread of its own makes that a queue instead of a lock that
//! everybody retries: commits that wait are folded into one transaction and share one sync of the disk, which is what a
//! commit costs. Each is a savepoint, so each is whole or nothing on its own, and each is answered only after the sync.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, mpsc as std_mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use feedback_core::ports::{PortError, PortErrorKind};
use rusqlite::{CachedStatement, Connection, OpenFlags, config::DbConfig};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    SqliteConfig,
    error::{Failure, OpenError},
    migrate,
};

/// Between two checkpoints: rows that were changed, or bytes by which the log has grown. Both are about the 1,000 pages
/// that SQLite itself would wait for.
const CHECKPOINT_ROWS: u64 = 4_000;
const CHECKPOINT_BYTES: u64 = 4 * 1024 * 1024;
/// What a log that had grown further is cut to when it begins anew.
const JOURNAL_BYTES: i64 = 16 * 1024 * 1024;

/// Gives cached statements; the one way to one, so that tests see the plan of each.
pub(crate) trait Statements {
    fn statement(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>>;
}

impl Statements for Connection {
    fn statement(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        #[cfg(test)]
        crate::plans::record(sql);
        self.prepare_cached(sql)
    }
}

/// Opens a connection as all of ours are.
pub(crate) fn open(path: &Path, config: &SqliteConfig, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(config.busy_timeout)?;
    // Off by default in SQLite; without it a reference is a comment.
    conn.pragma_update(None, "foreign_keys", true)?;
    // NORMAL would lose the last commits at power loss, and a webhook that was answered 200 with them.
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Sorting and automatic indexes in memory: a full disk must not stop reads.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(256);
    Ok(conn)
}

/// Opens the one connection that writes, and brings the schema up to date.
pub(crate) fn open_writer(path: &Path, config: &SqliteConfig) -> Result<(Connection, u32), OpenError> {
    let failed = |error| migrate::classify(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let mut conn = open(path, config, flags).map_err(failed)?;
    // Readers never wait for the writer, nor it for them; and a commit is one sync of one file. The answer names the
    // mode that holds now: on a file system without shared memory it is not this one, and readers would block.
    let mode: String = conn
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(failed)?;
    if !mode.eq_ignore_ascii_case("wal") {
        let source = format!("journal mode is {mode}: the file system has no shared memory").into();
        return Err(OpenError::Io {
            action: "use a write-ahead log on",
            path: path.to_owned(),
            source,
        });
    }
    // We run checkpoints ourselves: SQLite's own swallow a failed sync, after which a later one may lie.
    conn.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
    conn.pragma_update(None, "journal_size_limit", JOURNAL_BYTES)
        .map_err(failed)?;
    // What is erased is overwritten in the file, not only forgotten; a freed page is written once more.
    conn.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))
        .map_err(failed)?;
    let version = migrate::migrate(path, &mut conn)?;
    Ok((conn, version))
}

/// The threads and the ways to them.
pub(crate) struct Connections {
    writer: Option<mpsc::Sender<Order>>,
    readers: Option<std_mpsc::SyncSender<ReadTask>>,
    writer_thread: Option<JoinHandle<()>>,
    reader_threads: Vec<JoinHandle<()>>,
    broken: watch::Sender<bool>,
    read_timeout: Duration,
    write_timeout: Duration,
}

/// What the writer is told.
enum Order {
    /// A commit, which may share its transaction with others.
    Commit(Box<dyn Task>),
    /// Everything into the database file, and the log emptied.
    Settle(oneshot::Sender<Result<(), Failure>>),
}

/// Held by every read while it runs, and by the writer while it empties the log: that waits for readers, and a store that
/// is read all the time has always one.
type Gate = Arc<RwLock<()>>;

type ReadTask = Box<dyn FnOnce(&mut Connection, &Deadline) + Send>;

impl Connections {
    pub(crate) fn start(path: &Path, config: &SqliteConfig, writer: Connection) -> Result<Self, OpenError> {
        let io = |source: std::io::Error| OpenError::Io {
            action: "start threads for",
            path: path.to_owned(),
            source: Box::new(source),
        };
        let broken = watch::Sender::new(false);
        let gate = Gate::default();

        let (to_writer, orders) = mpsc::channel(config.waiting_commits);
        let work = Writer {
            conn: writer,
            log: with_suffix(path, "-wal"),
            group_size: config.group_size,
            broken: broken.clone(),
            gate: Arc::clone(&gate),
            rows_since_checkpoint: 0,
            log_at_checkpoint: 0,
        };
        let writer_thread = thread::Builder::new().name("sqlite-writer".into());
        let writer_thread = writer_thread.spawn(move || work.run(orders)).map_err(io)?;

        let (to_readers, reads) = std_mpsc::sync_channel::<ReadTask>(config.waiting_commits);
        let reads = Arc::new(Mutex::new(reads));
        let mut reader_threads = Vec::with_capacity(config.readers);
        for _ in 0..config.readers.max(1) {
            let conn =
                open(path, config, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|error| migrate::classify(path, error))?;
            let (reads, gate) = (Arc::clone(&reads), Arc::clone(&gate));
            reader_threads.push(
                thread::Builder::new()
                    .name("sqlite-reader".into())
                    .spawn(move || read(conn, &reads, &gate))
                    .map_err(io)?,
            );
        }
        Ok(Self {
            writer: Some(to_writer),
            readers: Some(to_readers),
            writer_thread: Some(writer_thread),
            reader_threads,
            broken,
            read_timeout: config.read_timeout,
            // A stranger's lock, then our own statements and the disk.
            write_timeout: config.busy_timeout + Duration::from_secs(8),
        })
    }

    pub(crate) fn is_broken(&self) -> bool {
        *self.broken.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.broken.subscribe()
    }

    /// Runs `act` in a savepoint of the writer, and answers when it is durable.
    pub(crate) async fn write<T, F>(&self, act: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(Commit {
            act: Some(act),
            output: None,
            reply,
        });
        self.order(Order::Commit(task), answer).await
    }

    /// Moves the log into the database file and empties it, so that what was overwritten there is gone from both.
    pub(crate) async fn settle(&self) -> Result<(), Failure> {
        let (reply, answer) = oneshot::channel();
        self.order(Order::Settle(reply), answer).await
    }

    async fn order<T>(&self, order: Order, answer: oneshot::Receiver<Result<T, Failure>>) -> Result<T, Failure> {
        let writer = self.writer.as_ref().ok_or(GONE)?;
        writer
            .try_send(order)
            .map_err(|_| Failure::new(PortErrorKind::Unavailable, "overloaded"))?;
        match tokio::time::timeout(self.write_timeout, answer).await {
            Ok(Ok(outcome)) => outcome,
            // The disk hangs, or the thread ended: the commit may still happen, or have happened.
            Ok(Err(_)) | Err(_) => Err(Failure::new(PortErrorKind::Unknown, "no_answer")),
        }
    }

    /// Runs `act` on one of the readers, in one snapshot.
    pub(crate) async fn read<T, F>(&self, operation: &'static str, act: F) -> Result<T, PortError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let until = Instant::now() + self.read_timeout;
        let (reply, answer) = oneshot::channel();
        let task: ReadTask = Box::new(move |conn, deadline| {
            if reply.is_closed() {
                return;
            }
            deadline.set(Some(until));
            let outcome = in_snapshot(conn, act);
            deadline.set(None);
            // Nobody waits any more: nothing to tell.
            let _ = reply.send(outcome);
        });
        let busy = || Failure::new(PortErrorKind::Unavailable, "overloaded");
        let sent = self
            .readers
            .as_ref()
            .ok_or(GONE)
            .and_then(|readers| readers.try_send(task).map_err(|_| busy()));
        let outcome = match sent {
            Ok(()) => answer.await.unwrap_or(Err(GONE)),
            Err(failure) => Err(failure),
        };
        outcome.map_err(|failure| failure.into_port(operation))
    }
}

const GONE: Failure = Failure::new(PortErrorKind::Unavailable, "closed");

impl Drop for Connections {
    fn drop(&mut self) {
        // The writer closes last: the last connection moves the log into the file, and readers may not write.
        self.readers = None;
        for thread in self.reader_threads.drain(..) {
            // A thread that panicked has been reported by the panic itself.
            let _ = thread.join();
        }
        self.writer = None;
        if let Some(thread) = self.writer_thread.take() {
            let _ = thread.join();
        }
    }
}

/// Until when the statement that runs may run. SQLite asks every few thousand steps.
#[derive(Clone, Default)]
struct Deadline(Arc<Mutex<Option<Instant>>>);

impl Deadline {
    fn set(&self, until: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn has_passed(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|until| Instant::now() >= until)
    }
}

fn read(mut conn: Connection, reads: &Mutex<std_mpsc::Receiver<ReadTask>>, gate: &RwLock<()>) {
    let deadline = Deadline::default();
    let asked = deadline.clone();
    // Fallible only in newer versions of the range that the manifest allows; without it reads are merely unbounded.
    let _ = conn.progress_handler(10_000, Some(move || asked.has_passed()));
    loop {
        // Held while waiting, so that one reader waits at the channel and the others for it.
        let next = reads.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(task) => {
                let _passing = gate.read().unwrap_or_else(PoisonError::into_inner);
                task(&mut conn, &deadline);
            }
            Err(_) => return,
        }
    }
}

fn in_snapshot<T>(conn: &mut Connection, act: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
    let snapshot = conn.transaction()?;
    let outcome = act(&snapshot);
    // Nothing was written: how a snapshot ends makes no difference.
    let _ = snapshot.finish();
    outcome
}

/// One commit on its way through the writer.
trait Task: Send {
    fn is_abandoned(&self) -> bool;
    fn act(&mut self, conn: &Connection) -> Result<(), Failure>;
    fn answer(self: Box<Self>, outcome: Result<(), Failure>);
}

struct Commit<T, F> {
    act: Option<F>,
    output: Option<T>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

impl<T, F> Task for Commit<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Failure> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn act(&mut self, conn: &Connection) -> Result<(), Failure> {
        let act = self.act.take().ok_or(GONE)?;
        self.output = Some(act(conn)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), Failure>) {
        let Self { output, reply, .. } = *self;
        // The caller went away: its commit stands all the same.
        let _ = reply.send(outcome.and_then(|()| output.ok_or(GONE)));
    }
}

struct Writer {
    conn: Connection,
    log: PathBuf,
    group_size: usize,
    broken: watch::Sender<bool>,
    gate: Gate,
    rows_since_checkpoint: u64,
    log_at_checkpoint: u64,
}

impl Writer {
    fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut held = None;
        while let Some(first) = held.take().or_else(|| orders.blocking_recv()) {
            let mut group = match first {
                Order::Commit(task) => vec![task],
                Order::Settle(reply) => {
                    // Whoever asked may be gone; what was asked for is done all the same.
                    let _ = reply.send(self.settle());
                    continue;
                }
            };
            while group.len() < self.group_size
                && held.is_none()
                && let Ok(next) = orders.try_recv()
            {
                match next {
                    Order::Commit(task) => group.push(task),
                    Order::Settle(_) => held = Some(next),
                }
            }
            group.retain(|task| !task.is_abandoned());
            if group.is_empty() {
                continue;
            }
            if *self.broken.borrow() {
                answer_all(group, &BROKEN);
                continue;
            }
            if let Err(failure) = exec(&self.conn, "BEGIN IMMEDIATE") {
                // Who came while we waited for a stranger's lock has waited as well: nobody waits twice.
                while held.is_none()
                    && let Ok(next) = orders.try_recv()
                {
                    match next {
                        Order::Commit(task) => group.push(task),
                        Order::Settle(_) => held = Some(next),
                    }
                }
                self.note(&failure);
                answer_all(group, &failure);
                continue;
            }
            self.commit(group);
            self.checkpoint_if_due();
        }
    }

    fn settle(&mut self) -> Result<(), Failure> {
        if *self.broken.borrow() {
            return Err(BROKEN);
        }
        // Reads end within their time limit; a stranger's are waited for as long as any lock is.
        let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let busy = self
            .conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        match busy.map_err(Failure::from) {
            Ok(0) => {
                (self.rows_since_checkpoint, self.log_at_checkpoint) = (0, 0);
                Ok(())
            }
            Ok(_) => Err(Failure::new(PortErrorKind::Unavailable, "busy")),
            Err(failure) => {
                self.note(&failure);
                Err(failure)
            }
        }
    }

    fn commit(&mut self, mut group: Vec<Box<dyn Task>>) {
        let rows_before = self.conn.total_changes();
        let mut outcomes = Vec::with_capacity(group.len());
        for task in &mut group {
            let outcome = in_savepoint(&self.conn, task.as_mut());
            if let Err(failure) = &outcome {
                self.note(failure);
            }
            // Disk full, a failed read and the like end the whole transaction: nobody's work is left.
            if self.conn.is_autocommit() {
                let failure = outcome.err().unwrap_or(GONE);
                return answer_all(group, &failure);
            }
            outcomes.push(outcome);
        }
        if let Err(failure) = exec(&self.conn, "COMMIT") {
            self.note(&failure);
            if !self.conn.is_autocommit() {
                // If this fails as well, the next BEGIN says so.
                let _ = exec(&self.conn, "ROLLBACK");
            }
            return answer_all(group, &failure);
        }
        self.rows_since_checkpoint += self.conn.total_changes().saturating_sub(rows_before);
        for (task, outcome) in group.into_iter().zip(outcomes) {
            task.answer(outcome);
        }
    }

    /// Moves the log into the database when it has grown, after the commits were answered.
    fn checkpoint_if_due(&mut self) {
        let log_bytes = fs::metadata(&self.log).map_or(0, |metadata| metadata.len());
        let has_grown = log_bytes >= self.log_at_checkpoint + CHECKPOINT_BYTES;
        if self.rows_since_checkpoint < CHECKPOINT_ROWS && !has_grown {
            return;
        }
        self.rows_since_checkpoint = 0;
        self.log_at_checkpoint = log_bytes;
        // PASSIVE waits for nobody: what a long reader still needs stays in the log until the next time.
        let done = self
            .conn
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(0));
        if let Err(error) = done {
            self.note(&Failure::from(error));
        }
    }

    fn note(&self, failure: &Failure) {
        if failure.is_fatal && !self.broken.send_replace(true) {
            // Closing would sync again, and believe the answer.
            let _ = self
                .conn
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
            tracing::error!(
                code = failure.code,
                "store cannot be trusted any more: no commit is taken from now on"
            );
        }
    }
}

const BROKEN: Failure = Failure::new(PortErrorKind::Unavailable, "storage_broken");

fn answer_all(group: Vec<Box<dyn Task>>, failure: &Failure) {
    for task in group {
        task.answer(Err(failure.clone()));
    }
}

fn in_savepoint(conn: &Connection, task: &mut dyn Task) -> Result<(), Failure> {
    exec(conn, "SAVEPOINT one")?;
    let outcome = task.act(conn);
    if outcome.is_err() && !conn.is_autocommit() {
        exec(conn, "ROLLBACK TO one")?;
    }
    if !conn.is_autocommit() {
        exec(conn, "RELEASE one")?;
    }
    outcome
}

fn exec(conn: &Connection, sql: &'static str) -> Result<(), Failure> {
    conn.prepare_cached(sql)?.execute([])?;
    Ok(())
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use feedback_core::{
        domain::{Change, Write},
        ports::Storage,
        testing::fixtures::Fixtures,
    };

    use super::*;
    use crate::Sqlite;

    fn store() -> (Sqlite, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (
            Sqlite::open(SqliteConfig::new(folder.path().join("feedback.db"))).unwrap(),
            folder,
        )
    }

    #[tokio::test]
    async fn f10_after_a_failed_sync_no_commit_is_taken_and_the_host_is_told() {
        let (store, _folder) = store();
        let fixtures = Fixtures::default();
        let insert = |user| Change::new().with(Write::InsertUser(user));
        let before = fixtures.user();
        store.commit(insert(before.clone())).await.unwrap();
        let failed_sync = Failure::from(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC),
            None,
        ));
        let outcome = store.inner.connections.write(move |_| Err::<(), _>(failed_sync)).await;
        assert_eq!(outcome.unwrap_err().code, "storage_broken");
        store.until_broken().await;
        assert!(store.is_broken());
        let error = store.commit(insert(fixtures.user())).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (PortErrorKind::Unavailable, Some("storage_broken"))
        );
        assert_eq!(
            store.user(before.id).await.unwrap(),
            Some(before),
            "what was durable is still read"
        );
    }

    #[tokio::test]
    async fn f14_a_read_that_takes_too_long_is_stopped_and_the_reader_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let config = SqliteConfig::new(folder.path().join("feedback.db")).with_readers(1);
        let store = Sqlite::open(config.with_read_timeout(Duration::from_millis(50))).unwrap();
        let endless = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n";
        let read = move |conn: &Connection| Ok(conn.query_row(endless, [], |row| row.get::<_, i64>(0))?);
        let error = store.inner.connections.read("test.endless", read).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (PortErrorKind::Unavailable, Some("timeout"))
        );
        assert!(store.user(Fixtures::default().id()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_waiting_queue_that_is_full_refuses_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let config = SqliteConfig::new(folder.path().join("feedback.db"))
            .with_waiting_commits(1)
            .with_group_size(1);
        let store = Sqlite::open(config).unwrap();
        let (hold, held) = std_mpsc::channel::<()>();
        let (started, begun) = oneshot::channel();
        let first = store.clone();
        let first = tokio::spawn(async move {
            let act = move |_: &Connection| {
                started.send(()).unwrap();
                held.recv().unwrap();
                Ok(())
            };
            first.inner.connections.write(act).await
        });
        begun.await.unwrap();
        let second = store.clone();
        let second = tokio::spawn(async move { second.inner.connections.write(|_| Ok(())).await });
        while store.inner.connections.writer.as_ref().unwrap().capacity() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = store.inner.connections.write(|_| Ok(())).await.unwrap_err();
        assert_eq!(refused.code, "overloaded");
        hold.send(()).unwrap();
        assert!(first.await.unwrap().is_ok() && second.await.unwrap().is_ok());
    }
}
