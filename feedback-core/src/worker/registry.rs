//! From a kind of job to its use case, and from a use case's failure to what the loop does about it.

use std::{error::Error, sync::Arc, time::Duration};

use super::chain;
use crate::{
    domain::{JobId, JobPayload, PageRequest, Timestamp},
    ports::{PortError, PortErrorKind, Queries},
    usecases::{
        Deliver, DeliverError, DraftError, Drafts, Enrich, EnrichError, FetchAttachment, FetchAttachmentError,
        FetchError, Ingest, LookUpError, LookUpReporter, MatchDuplicates, MatchError, NextStep, OpenThread,
        OpenThreadError, PollTracker, PushToTracker, ReplayError, Retain, RetainError, SyncError, next_step,
    },
};

/// Longer than a call of an adapter may take.
const RECEIPT_SETTLES: Duration = Duration::from_secs(30);

/// The use cases that jobs run.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) ingest: Ingest,
    pub(crate) enrich: Enrich,
    pub(crate) match_duplicates: MatchDuplicates,
    pub(crate) drafts: Drafts,
    pub(crate) deliver: Deliver,
    pub(crate) look_up_reporter: LookUpReporter,
    pub(crate) fetch_attachment: FetchAttachment,
    pub(crate) open_thread: OpenThread,
    pub(crate) queries: Arc<dyn Queries>,
    /// `None` without a tracker.
    pub(crate) push: Option<PushToTracker>,
    pub(crate) poll: Option<PollTracker>,
    pub(crate) retain: Retain,
    pub(crate) poll_every: Duration,
}

/// A job that failed: what the loop does about it, and why, without customer text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// What comes next.
    pub step: NextStep,
    /// What is stored and logged.
    pub text: String,
    /// When the outage began that it is part of, where that is known.
    pub outage_since: Option<Timestamp>,
}

impl JobFailure {
    pub(super) fn retry(text: &str) -> Self {
        Self {
            step: NextStep::Retry { retry_after: None },
            text: text.to_owned(),
            outage_since: None,
        }
    }

    fn of(error: &dyn Error, port: &PortError) -> Self {
        Self {
            step: next_step(port.kind()),
            text: chain(error),
            outage_since: port.outage_since(),
        }
    }

    fn give_up(error: &dyn Error) -> Self {
        Self {
            step: NextStep::GiveUp,
            text: chain(error),
            outage_since: None,
        }
    }
}

impl Registry {
    /// Runs a job.
    ///
    /// # Errors
    /// [`JobFailure`], which says whether it helps to run it again.
    pub async fn run(&self, job: JobId, payload: JobPayload) -> Result<(), JobFailure> {
        match payload {
            JobPayload::TriageTicket { ticket } => self.enrich.suggest(ticket).await?,
            JobPayload::MatchDuplicates { ticket } => self.match_duplicates.suggest(ticket).await?,
            JobPayload::EmbedTickets => self.match_duplicates.embed_missing().await?,
            JobPayload::PushToTracker { ticket, reopened } => {
                // Without a tracker there is nobody to keep in step.
                if let Some(push) = &self.push {
                    push.push(ticket, reopened).await?;
                }
            }
            JobPayload::DraftChangelog { ticket, resolution } => self.drafts.for_resolution(ticket, resolution).await?,
            JobPayload::DeliverNotification { notification, .. } => self.deliver.deliver(notification).await?,
            JobPayload::ReconcileNotification { notification } => self.deliver.reconcile(notification).await?,
            JobPayload::FetchAttachment { attachment } => self.fetch_attachment.fetch(attachment).await?,
            JobPayload::DeleteBlob { key } => self.fetch_attachment.delete_blob(&key).await?,
            JobPayload::LookUpReporter { reporter } => self.look_up_reporter.look_up(reporter).await?,
            JobPayload::OpenThread { ticket } => self.open_thread.open(ticket).await?,
            JobPayload::FetchMessage {
                channel,
                external_id,
                thread,
                asked_by,
            } => {
                self.ingest.fetch(job, channel, external_id, thread, &asked_by).await?;
            }
            JobPayload::ReplayDelivery {
                channel,
                content_type,
                body,
                ..
            } => {
                self.ingest.replay(job, channel, content_type, &body).await?;
            }
            JobPayload::PurgeExpired => self.retain.run().await?,
            JobPayload::PollTracker => {
                if let Some(poll) = &self.poll {
                    poll.poll().await?;
                    poll.schedule(self.poll_every).await?;
                }
            }
        }
        Ok(())
    }

    /// What a job leaves behind that gave up: the ticket says that there will be no suggestion, the notification that no try
    /// will follow by itself.
    pub(super) async fn gave_up(&self, payload: &JobPayload, why: &str, at: Timestamp) {
        let noted = match payload {
            JobPayload::TriageTicket { ticket } => self.enrich.give_up(*ticket).await.map_err(|error| chain(&error)),
            JobPayload::FetchAttachment { attachment } => {
                let given_up = self.fetch_attachment.give_up(*attachment).await;
                given_up.map_err(|error| chain(&error))
            }
            JobPayload::DeliverNotification { notification, .. }
            | JobPayload::ReconcileNotification { notification } => {
                let given_up = self.deliver.give_up(*notification, why, at).await;
                given_up.map_err(|error| chain(&error))
            }
            _ => Ok(()),
        };
        if let Err(error) = noted {
            tracing::warn!(job.kind = %payload.kind(), error, "could not note that a job gave up");
        }
    }

    /// The same for every dead letter: those that the reaper buried had no worker left to say so.
    pub(super) async fn note_dead_letters(&self) {
        let mut page = PageRequest::default();
        loop {
            let letters = match self.queries.dead_letters(page).await {
                Ok(letters) => letters,
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "could not look through the dead letters");
                    return;
                }
            };
            for letter in &letters.items {
                if let Ok(payload) = serde_json::from_str::<JobPayload>(&letter.job.payload) {
                    let why = letter.job.last_error.as_deref().unwrap_or("its job is dead");
                    self.gave_up(&payload, why, letter.job.updated_at).await;
                }
            }
            let Some(next) = letters.next else { return };
            page.after = Some(next);
        }
    }
}

impl From<EnrichError> for JobFailure {
    fn from(error: EnrichError) -> Self {
        let (EnrichError::Triage(port) | EnrichError::Storage(port)) = &error;
        Self::of(&error, port)
    }
}

impl From<MatchError> for JobFailure {
    fn from(error: MatchError) -> Self {
        let (MatchError::Embedder(port) | MatchError::Storage(port)) = &error;
        Self::of(&error, port)
    }
}

impl From<RetainError> for JobFailure {
    fn from(error: RetainError) -> Self {
        let RetainError::Store(port) = &error;
        Self::of(&error, port)
    }
}

impl From<SyncError> for JobFailure {
    fn from(error: SyncError) -> Self {
        let (SyncError::Tracker(port) | SyncError::Storage(port)) = &error;
        Self::of(&error, port)
    }
}

impl From<DraftError> for JobFailure {
    fn from(error: DraftError) -> Self {
        match &error {
            DraftError::Writer(port) | DraftError::Tracker(port) | DraftError::Storage(port) => Self::of(&error, port),
            DraftError::NotFound
            | DraftError::PutAway { .. }
            | DraftError::AlreadyApproved { .. }
            | DraftError::Erased => Self::give_up(&error),
        }
    }
}

impl From<DeliverError> for JobFailure {
    fn from(error: DeliverError) -> Self {
        let (DeliverError::Storage(port) | DeliverError::Paused(port)) = &error;
        Self::of(&error, port)
    }
}

impl From<LookUpError> for JobFailure {
    fn from(error: LookUpError) -> Self {
        let (LookUpError::Directory(port) | LookUpError::Storage(port)) = &error;
        Self::of(&error, port)
    }
}

impl From<OpenThreadError> for JobFailure {
    fn from(error: OpenThreadError) -> Self {
        let (OpenThreadError::Channel(port) | OpenThreadError::Storage(port)) = &error;
        if port.kind() == PortErrorKind::Unknown {
            // The receipt may be on its way still: looked for too early, it would be posted twice.
            return Self {
                outage_since: None,
                step: NextStep::Retry {
                    retry_after: Some(RECEIPT_SETTLES),
                },
                text: chain(&error),
            };
        }
        Self::of(&error, port)
    }
}

impl From<FetchError> for JobFailure {
    fn from(error: FetchError) -> Self {
        match &error {
            FetchError::Unreadable(_) => Self::give_up(&error),
            FetchError::Channel(port) | FetchError::Storage(port) => Self::of(&error, port),
        }
    }
}

impl From<FetchAttachmentError> for JobFailure {
    fn from(error: FetchAttachmentError) -> Self {
        match &error {
            // A token without the right to read files helps nobody by waiting: tries count, and the ticket says in the end
            // that the file did not come. A person who mends the token revives the dead letter.
            FetchAttachmentError::Source(port) if port.kind() == PortErrorKind::Unauthorized => {
                Self::retry(&chain(&error))
            }
            FetchAttachmentError::Source(port)
            | FetchAttachmentError::Blobs(port)
            | FetchAttachmentError::Storage(port) => Self::of(&error, port),
        }
    }
}

impl From<ReplayError> for JobFailure {
    fn from(error: ReplayError) -> Self {
        match &error {
            ReplayError::StillUnreadable => Self::give_up(&error),
            ReplayError::Storage(port) => Self::of(&error, port),
        }
    }
}
