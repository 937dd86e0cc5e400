//! Group commit: changes that wait share one transaction, and one sync of the server's disk.
//!
//! Several tasks, each with a connection of its own, take what waits at one channel: while one waits for the disk, the
//! next one writes. Each change is a savepoint, so each is whole or nothing on its own, and each is answered only when
//! `COMMIT` was.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use feedback_core::{
    domain::{Change, CommitReceipt, Write},
    ports::PortErrorKind,
};
use sqlx::{AssertSqlSafe, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    PostgresConfig, commit,
    connection::{connect, exec},
    error::{Failure, Fate},
    herald::Herald,
    locks::Locks,
};

/// Times that a transaction is begun again after a clash with another.
const CLASHES: u32 = 3;
/// Locks that one transaction takes, about: the server has room for some 6,400 in all.
const LOCKS: usize = 400;
/// How many counters for one hour, kind and channel there may be: writers of all hosts seldom share one.
const SHARDS: u8 = 32;

/// A writer knows more than a caller whose time is up: it is given a moment to say so.
const GRACE: Duration = Duration::from_millis(100);

type Reply = oneshot::Sender<Result<CommitReceipt, Failure>>;

/// One change on its way.
struct Waiting {
    change: Change,
    locks: Locks,
    /// Set by whoever is first: a writer that begins it, or a caller that waits no longer.
    taken: Arc<AtomicBool>,
    reply: Reply,
    until: Instant,
}

/// The way to the writers.
pub(crate) struct Writers {
    waiting: mpsc::Sender<Waiting>,
    limit: Duration,
}

impl Writers {
    /// Starts the tasks. They end when the value is dropped and what waits is done.
    pub(crate) fn start(
        config: &PostgresConfig,
        options: &PgConnectOptions,
        herald: &Herald,
    ) -> (Self, Vec<JoinHandle<()>>) {
        let (waiting, changes) = mpsc::channel(config.waiting_commits);
        let changes = Arc::new(Mutex::new(changes));
        let tasks = (0..config.writers).map(|_| {
            let writer = Writer {
                options: options.clone(),
                connect_timeout: config.connect_timeout,
                group_size: config.group_size,
                limit: config.commit_timeout,
                herald: herald.clone(),
                shard: i16::from(random() % SHARDS),
                conn: None,
            };
            tokio::spawn(writer.run(Arc::clone(&changes)))
        });
        let tasks = tasks.collect();
        let limit = config.commit_timeout;
        (Self { waiting, limit }, tasks)
    }

    /// Commits a change, together with what else waits.
    pub(crate) async fn commit(&self, change: Change) -> Result<CommitReceipt, Failure> {
        let (reply, answer) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        let until = Instant::now() + self.limit;
        let waiting = Waiting {
            locks: Locks::of(&change),
            change,
            taken: Arc::clone(&taken),
            reply,
            until,
        };
        self.waiting.try_send(waiting).map_err(|refused| {
            let code = match refused {
                mpsc::error::TrySendError::Full(_) => "overloaded",
                mpsc::error::TrySendError::Closed(_) => "closed",
            };
            Failure::new(PortErrorKind::Unavailable, code)
        })?;
        match timeout_at(until + GRACE, answer).await {
            Ok(Ok(outcome)) => outcome,
            // Nobody had begun with it, and now nobody will.
            _ if !taken.swap(true, Ordering::AcqRel) => Err(Failure::new(PortErrorKind::Unavailable, "timeout")),
            _ => Err(Failure::new(PortErrorKind::Unavailable, "no_answer").in_doubt()),
        }
    }
}

struct Writer {
    options: PgConnectOptions,
    connect_timeout: Duration,
    group_size: usize,
    limit: Duration,
    herald: Herald,
    shard: i16,
    conn: Option<PgConnection>,
}

/// How a transaction ended.
enum Ended {
    /// Committed; the outcome of each change.
    Committed(Vec<Result<CommitReceipt, Failure>>),
    /// Surely not committed.
    Failed(Failure),
    /// The commit was sent, and no answer came.
    InDoubt(Failure),
}

impl Writer {
    async fn run(mut self, changes: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
        loop {
            let group = {
                // Held while waiting, so that one writer waits at the channel and the others for it.
                let mut changes = changes.lock().await;
                let Some(first) = changes.recv().await else {
                    return;
                };
                self.group(first, &mut changes)
            };
            if !group.is_empty() {
                self.commit(group).await;
            }
        }
    }

    /// What waits, up to a group. An erasure stands alone.
    fn group(&self, first: Waiting, changes: &mut mpsc::Receiver<Waiting>) -> Vec<Waiting> {
        let mut group: Vec<Waiting> = Vec::new();
        let mut locks = 0;
        let mut next = Some(first);
        while let Some(waiting) = next.take() {
            // Who waits no longer was told that nothing happened: so nothing may.
            if !waiting.taken.swap(true, Ordering::AcqRel) {
                locks += waiting.locks.keys.len();
                group.push(waiting);
            }
            if group.len() < self.group_size && locks < LOCKS {
                next = changes.try_recv().ok();
            }
        }
        group
    }

    async fn commit(&mut self, group: Vec<Waiting>) {
        let until = group
            .iter()
            .map(|waiting| waiting.until)
            .min()
            .unwrap_or_else(Instant::now)
            .max(Instant::now() + self.limit / 4);
        let mut locks = Locks::default();
        for waiting in &group {
            locks.and(&waiting.locks);
        }
        let begin = locks.begin();
        let mut clashes = 0;
        let mut was_lost = false;
        let ended = loop {
            let reused = self.conn.is_some();
            let mut sent = false;
            let ended = match timeout_at(until, self.attempt(&group, &begin, &mut sent)).await {
                Ok(Ok(outcomes)) => Ended::Committed(outcomes),
                Ok(Err(failure)) if sent && failure.is_lost() => Ended::InDoubt(failure),
                Ok(Err(failure)) => Ended::Failed(failure),
                Err(_) if sent => Ended::InDoubt(Failure::silence()),
                Err(_) => Ended::Failed(Failure::silence()),
            };
            let (Ended::Failed(failure) | Ended::InDoubt(failure)) = &ended else {
                break ended;
            };
            self.clean_up(failure).await;
            let Ended::Failed(failure) = &ended else {
                break ended;
            };
            match failure.fate {
                Fate::Clashed if clashes < CLASHES => {
                    clashes += 1;
                    sleep(Duration::from_millis(5 + u64::from(random()) * 45 / 255)).await;
                }
                // The server went away while the connection was idle: nothing was sent of this group, or nothing of it
                // stands.
                Fate::Lost if reused && !was_lost && failure.code != "timeout" => was_lost = true,
                _ => break ended,
            }
        };
        self.answer(group, ended);
    }

    /// Leaves a connection that can be used, or none.
    async fn clean_up(&mut self, failure: &Failure) {
        let Some(conn) = self.conn.as_mut() else { return };
        let until = Instant::now() + Duration::from_millis(500);
        let usable = !failure.is_lost() && matches!(timeout_at(until, exec(conn, "ROLLBACK")).await, Ok(Ok(())));
        if !usable {
            self.conn = None;
        }
    }

    fn answer(&self, group: Vec<Waiting>, ended: Ended) {
        match ended {
            Ended::Committed(outcomes) => {
                let mut brings_work = false;
                for (waiting, outcome) in group.into_iter().zip(outcomes) {
                    brings_work |= outcome.is_ok() && brings(&waiting.change);
                    // The caller went away: its commit stands all the same.
                    let _ = waiting.reply.send(outcome);
                }
                if brings_work {
                    self.herald.announce();
                }
            }
            Ended::Failed(failure) => answer_all(group, &failure),
            Ended::InDoubt(failure) => {
                tracing::warn!(code = failure.code, "connection was lost while a commit was on its way");
                answer_all(group, &failure.in_doubt());
                // It may have happened, and brought work.
                self.herald.announce();
            }
        }
    }

    /// One transaction. `sent` is set just before `COMMIT` leaves.
    async fn attempt(
        &mut self,
        group: &[Waiting],
        begin: &str,
        sent: &mut bool,
    ) -> Result<Vec<Result<CommitReceipt, Failure>>, Failure> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            none => none.insert(connect(&self.options, self.connect_timeout).await?),
        };
        // Numbers only: see `Locks::begin`.
        sqlx::raw_sql(AssertSqlSafe(format!("{begin}; SAVEPOINT one")))
            .execute(&mut *conn)
            .await?;
        let mut tally = commit::Tally::default();
        let mut outcomes = Vec::with_capacity(group.len());
        for waiting in group {
            let mut counted = commit::Tally::default();
            let outcome = commit::apply(conn, &waiting.change, &mut counted).await;
            match &outcome {
                Ok(_) => {
                    tally.add(counted);
                    exec(conn, "RELEASE SAVEPOINT one; SAVEPOINT one").await?;
                }
                Err(failure) if failure.fate == Fate::Stands => exec(conn, "ROLLBACK TO SAVEPOINT one").await?,
                Err(failure) => return Err(failure.clone()),
            }
            outcomes.push(outcome);
        }
        tally.write(conn, self.shard).await?;
        // COMMIT answers "fine" in a transaction that has failed. The savepoint's release does not.
        exec(conn, "RELEASE SAVEPOINT one").await?;
        *sent = true;
        exec(conn, "COMMIT").await?;
        Ok(outcomes)
    }
}

fn brings(change: &Change) -> bool {
    change.writes().iter().any(|write| matches!(write, Write::Enqueue(_)))
}

fn answer_all(group: Vec<Waiting>, failure: &Failure) {
    for waiting in group {
        // Who went away hears nothing.
        let _ = waiting.reply.send(Err(failure.clone()));
    }
}

/// For waits and shards alone: nothing depends on what it is.
fn random() -> u8 {
    let mut byte = [0];
    // Without the system's randomness, hosts merely wait alike.
    let _ = getrandom::fill(&mut byte);
    byte[0]
}
