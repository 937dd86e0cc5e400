//! From a kind of job to its use case, and from a use case's failure to what the loop does about it.

use std::{error::Error, sync::Arc, time::Duration};

use super::chain;
use crate::{
    domain::{
        Change, EventKind, Job, JobId, JobPayload, LeasedJob, PageRequest, TicketEvent, TicketId, Timestamp, Write,
    },
    ports::{PortError, PortErrorKind, Queries, Storage},
    usecases::{
        DeadJob, Deliver, DeliverError, DraftError, Drafts, EndStep, EndStepError, Enrich, EnrichError,
        FetchAttachment, FetchAttachmentError, FetchError, Ingest, LookUpError, LookUpReporter, MatchDuplicates,
        MatchError, NextStep, OpenThread, OpenThreadError, PollTracker, PushToTracker, ReplayError, Retain,
        RetainError, SendReceipt, SendReceiptError, Shift, Shifts, SyncError, TRIES, next_step,
    },
};

/// Longer than a call of an adapter may take.
const RECEIPT_SETTLES: Duration = Duration::from_secs(30);

/// How soon work is tried again whose shift another run has: a poll that was asked for by a signal shall not wait long.
const SHIFT_PAUSE: Duration = Duration::from_secs(5);

/// The use cases that jobs run.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) ingest: Ingest,
    pub(crate) enrich: Enrich,
    pub(crate) match_duplicates: MatchDuplicates,
    pub(crate) drafts: Drafts,
    pub(crate) deliver: Deliver,
    pub(crate) look_up_reporter: LookUpReporter,
    pub(crate) fetch_attachment: FetchAttachment,
    pub(crate) open_thread: OpenThread,
    pub(crate) send_receipt: SendReceipt,
    pub(crate) end_step: EndStep,
    pub(crate) queries: Arc<dyn Queries>,
    /// `None` without a tracker.
    pub(crate) push: Option<PushToTracker>,
    pub(crate) poll: Option<PollTracker>,
    pub(crate) retain: Retain,
    pub(crate) shifts: Shifts,
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

    fn wait(pause: Duration, text: &str) -> Self {
        Self {
            step: NextStep::Snooze(pause),
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
    /// Runs a job. Work that one host does at a time waits while another has the shift.
    ///
    /// # Errors
    /// [`JobFailure`], which says whether it helps to run it again.
    pub async fn run(&self, job: JobId, payload: JobPayload) -> Result<(), JobFailure> {
        if !payload.works_in_shifts() {
            return self.dispatch(job, payload).await;
        }
        // A run is stopped at its time limit, and the shift lapses no sooner.
        let kind = payload.kind();
        let taken = self.shifts.take(kind.as_str(), job, payload.time_limit()).await;
        let shift = match taken.map_err(|port| JobFailure::of(&port, &port))? {
            Shift::Ours(shift) => shift,
            Shift::Taken { .. } => return Err(JobFailure::wait(SHIFT_PAUSE, "another run of this has its shift")),
        };
        let outcome = self.dispatch(job, payload).await;
        if let Err(error) = self.shifts.give_back(shift).await {
            tracing::warn!(error = %chain(&error), "could not give a shift back; it will lapse");
        }
        outcome
    }

    async fn dispatch(&self, job: JobId, payload: JobPayload) -> Result<(), JobFailure> {
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
            JobPayload::SendReceipt { ticket } => self.send_receipt.send(ticket).await?,
            JobPayload::EndStep { step, ticket } => self.end_step.end(&step, ticket).await?,
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

    /// Buries a job under its lease, in one commit with what it leaves behind: the ticket says that there will be no suggestion,
    /// the notification that no try will follow by itself. There is no moment at which one is so and the other is not.
    ///
    /// # Errors
    /// `Conflict` where the lease was lost; nothing changed.
    pub(super) async fn bury(
        &self,
        leased: &LeasedJob,
        payload: &JobPayload,
        why: &str,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let mut last = None;
        for _ in 0..TRIES {
            let buried = Write::BuryJob {
                lease: leased.lease,
                error: why.to_owned(),
                at: now,
            };
            let change = self.left_behind(&leased.job, payload, why, now).await?.with(buried);
            match self.storage.commit(change).await {
                Err(error) if error.is_conflict() => last = Some(error),
                other => return other.map(|_| ()),
            }
        }
        Err(last.unwrap_or_else(|| PortError::new(PortErrorKind::Conflict, "jobs.bury")))
    }

    /// The writes that go with the end of a job at `at`; none where everything says so already.
    async fn left_behind(
        &self,
        job: &Job,
        payload: &JobPayload,
        why: &str,
        at: Timestamp,
    ) -> Result<Change, PortError> {
        match payload {
            JobPayload::TriageTicket { ticket } => {
                let change = self.enrich.left_behind(*ticket).await;
                change.map_err(|(EnrichError::Triage(error) | EnrichError::Storage(error))| error)
            }
            JobPayload::FetchAttachment { attachment } => {
                let change = self.fetch_attachment.left_behind(*attachment).await;
                change.map_err(|error| match error {
                    FetchAttachmentError::Source(error)
                    | FetchAttachmentError::Blobs(error)
                    | FetchAttachmentError::Storage(error) => error,
                })
            }
            JobPayload::DeliverNotification { notification, .. }
            | JobPayload::ReconcileNotification { notification } => {
                let dead = match payload {
                    JobPayload::ReconcileNotification { .. } => DeadJob::Look,
                    _ => DeadJob::Try,
                };
                let change = self.deliver.left_behind(*notification, dead, why, at).await;
                change.map_err(|(DeliverError::Storage(error) | DeliverError::Paused(error))| error)
            }
            JobPayload::PushToTracker { ticket, .. } => match &self.push {
                Some(push) if !self.is_noted(job, *ticket, at).await? => Ok(push.left_behind(*ticket, job.id)),
                _ => Ok(Change::new()),
            },
            _ => Ok(Change::new()),
        }
    }

    /// Whether a ticket's timeline has this end of a push, or the ticket is gone.
    async fn is_noted(&self, job: &Job, ticket: TicketId, at: Timestamp) -> Result<bool, PortError> {
        let job = serde_json::json!(job.id);
        let is_it = |event: &TicketEvent| {
            event.kind == EventKind::SyncFailed && event.at >= at && event.data.get("job") == Some(&job)
        };
        let detail = self.queries.ticket_detail(ticket).await?;
        Ok(detail.is_none_or(|detail| detail.events.iter().any(is_it)))
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
                if let Err(error) = self.note(&letter.job).await {
                    tracing::warn!(job.kind = %letter.job.kind, error = %chain(&error), "could not note that a job gave up");
                }
            }
            let Some(next) = letters.next else { return };
            page.after = Some(next);
        }
    }

    async fn note(&self, job: &Job) -> Result<(), PortError> {
        let Ok(payload) = serde_json::from_str::<JobPayload>(&job.payload) else {
            return Ok(());
        };
        let why = job.last_error.as_deref().unwrap_or("its job is dead");
        for _ in 0..TRIES {
            let change = self.left_behind(job, &payload, why, job.updated_at).await?;
            if change.is_empty() {
                return Ok(());
            }
            match self.storage.commit(change).await {
                Err(error) if error.is_conflict() => {}
                other => return other.map(|_| ()),
            }
        }
        Err(PortError::new(PortErrorKind::Conflict, "jobs.note"))
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

impl From<SendReceiptError> for JobFailure {
    fn from(error: SendReceiptError) -> Self {
        let (SendReceiptError::Channel(port) | SendReceiptError::Storage(port)) = &error;
        Self::of(&error, port)
    }
}

impl From<EndStepError> for JobFailure {
    fn from(error: EndStepError) -> Self {
        let (EndStepError::Channel(port) | EndStepError::Storage(port)) = &error;
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
