//! Nothing is kept for longer than its time: payloads, content of finished tickets, files, and what only access needed.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::{Change, JobPayload, NewJob, Timestamp, Write},
    ports::{AttachmentsKey, Clock, Custody, Expired, IdSource, IdSourceExt, PortError, Storage},
};

/// Rows of one commit: the writer is free again after each.
const BATCH: usize = 500;
/// Commits of one kind in one run; the rest is for the next run.
const MAX_BATCHES: usize = 200;
/// How often a run is due.
const EVERY: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// For how long what is kept. `None` keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Payloads as received, and their redacted copies.
    pub raw_payloads: Option<Duration>,
    /// Content of tickets that are closed, dismissed or duplicates, from their last change.
    pub closed_tickets: Option<Duration>,
    /// Files, from the message that brought them.
    pub attachments: Option<Duration>,
    /// Jobs that are done or were put away.
    pub finished_jobs: Duration,
}

impl Default for RetentionSettings {
    /// Payloads 30 days, finished jobs 7; tickets and files stay.
    fn default() -> Self {
        Self {
            raw_payloads: Some(30 * DAY),
            closed_tickets: None,
            attachments: None,
            finished_jobs: 7 * DAY,
        }
    }
}

/// Removes what expired.
#[derive(Debug, Clone)]
pub struct Retain {
    storage: Arc<dyn Storage>,
    custody: Arc<dyn Custody>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    settings: RetentionSettings,
}

/// How much a run removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Purged {
    /// Rows by what they were.
    pub rows: Vec<(Expired, u64)>,
    /// Files whose bytes are being removed.
    pub files: u64,
}

/// Why a run stopped. What was removed is gone.
#[derive(Debug, thiserror::Error)]
pub enum RetainError {
    /// The store failed.
    #[error("could not remove what expired")]
    Store(#[source] PortError),
}

impl Retain {
    /// The use case over its ports.
    pub fn new(
        storage: Arc<dyn Storage>,
        custody: Arc<dyn Custody>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        settings: RetentionSettings,
    ) -> Self {
        Self {
            storage,
            custody,
            clock,
            ids,
            settings,
        }
    }

    /// Removes what expired, in small commits, and sees to the store's files.
    ///
    /// # Errors
    /// [`RetainError`]; the next run goes on.
    #[tracing::instrument(name = "privacy.purge", skip_all)]
    pub async fn purge(&self) -> Result<Purged, RetainError> {
        let now = self.clock.now();
        let mut purged = Purged::default();
        for what in Expired::ALL {
            let Some(before) = self.cutoff(what, now) else { continue };
            let mut rows = 0;
            for _ in 0..MAX_BATCHES {
                let gone = self
                    .custody
                    .purge(what, before, BATCH)
                    .await
                    .map_err(RetainError::Store)?;
                rows += gone;
                if gone < BATCH as u64 {
                    break;
                }
            }
            if rows > 0 {
                metrics::counter!("feedback_purged_total", "what" => name(what)).increment(rows);
                purged.rows.push((what, rows));
            }
        }
        purged.files = self.purge_files(now).await?;
        // Also what an erasure could not settle, because a reader held the log.
        self.custody.settle_erasures().await.map_err(RetainError::Store)?;
        Ok(purged)
    }

    /// Queues the next run, unless one is waiting.
    ///
    /// # Errors
    /// [`RetainError`].
    pub async fn schedule(&self, after: Duration) -> Result<(), RetainError> {
        let now = self.clock.now();
        let job = NewJob::now(self.ids.next(), JobPayload::PurgeExpired, now).at(now.plus(after));
        let change = Change::new().with(Write::Enqueue(job.unique("purge_expired")));
        self.storage
            .commit(change)
            .await
            .map(|_| ())
            .map_err(RetainError::Store)
    }

    /// One run of the job, and the next one queued.
    ///
    /// # Errors
    /// [`RetainError`].
    pub async fn run(&self) -> Result<(), RetainError> {
        let purged = self.purge().await;
        self.schedule(EVERY).await?;
        purged.map(|_| ())
    }

    fn cutoff(&self, what: Expired, now: Timestamp) -> Option<Timestamp> {
        match what {
            Expired::RawPayloads => self.settings.raw_payloads.map(|kept| now.minus(kept)),
            Expired::ClosedTickets => self.settings.closed_tickets.map(|kept| now.minus(kept)),
            Expired::Sessions | Expired::SignInLinks => Some(now),
            // The time for which a repeat of a call is promised to be known.
            Expired::RememberedCalls => Some(now.minus(DAY)),
            Expired::FinishedJobs => Some(now.minus(self.settings.finished_jobs)),
        }
    }

    async fn purge_files(&self, now: Timestamp) -> Result<u64, RetainError> {
        let Some(kept) = self.settings.attachments else {
            return Ok(0);
        };
        let before = now.minus(kept);
        let mut files = 0;
        for _ in 0..MAX_BATCHES {
            let key = AttachmentsKey::StoredBefore { before, limit: 50 };
            let due = self.storage.attachments(key).await.map_err(RetainError::Store)?;
            if due.is_empty() {
                break;
            }
            let mut change = Change::new();
            for file in due {
                if let Some(key) = file.blob_key.clone() {
                    let unique = format!("delete_blob:{key}");
                    let job = NewJob::now(self.ids.next(), JobPayload::DeleteBlob { key }, now);
                    change.push(Write::Enqueue(job.unique(unique)));
                }
                change.push(Write::UpdateAttachment(Box::new(file.erased())));
                files += 1;
            }
            self.storage.commit(change).await.map_err(RetainError::Store)?;
        }
        Ok(files)
    }
}

const fn name(what: Expired) -> &'static str {
    match what {
        Expired::RawPayloads => "raw_payloads",
        Expired::ClosedTickets => "closed_tickets",
        Expired::Sessions => "sessions",
        Expired::SignInLinks => "sign_in_links",
        Expired::RememberedCalls => "remembered_calls",
        Expired::FinishedJobs => "finished_jobs",
    }
}
