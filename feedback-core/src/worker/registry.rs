//! From a kind of job to its use case, and from a use case's failure to what the loop does about it.

use std::{error::Error, time::Duration};

use super::chain;
use crate::{
    domain::{JobId, JobPayload},
    ports::PortError,
    usecases::{
        Deliver, DeliverError, DraftError, Drafts, Enrich, EnrichError, Ingest, LookUpError, LookUpReporter,
        MatchDuplicates, MatchError, NextStep, PollTracker, PushToTracker, ReplayError, SyncError, next_step,
    },
};

/// The use cases that jobs run.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) ingest: Ingest,
    pub(crate) enrich: Enrich,
    pub(crate) match_duplicates: MatchDuplicates,
    pub(crate) drafts: Drafts,
    pub(crate) deliver: Deliver,
    pub(crate) look_up_reporter: LookUpReporter,
    /// `None` without a tracker.
    pub(crate) push: Option<PushToTracker>,
    pub(crate) poll: Option<PollTracker>,
    pub(crate) poll_every: Duration,
}

/// A job that failed: what the loop does about it, and why, without customer text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// What comes next.
    pub step: NextStep,
    /// What is stored and logged.
    pub text: String,
}

impl JobFailure {
    pub(super) fn retry(text: &str) -> Self {
        Self {
            step: NextStep::Retry { retry_after: None },
            text: text.to_owned(),
        }
    }

    fn of(error: &dyn Error, port: &PortError) -> Self {
        Self {
            step: next_step(port.kind()),
            text: chain(error),
        }
    }

    fn give_up(error: &dyn Error) -> Self {
        Self {
            step: NextStep::GiveUp,
            text: chain(error),
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
            JobPayload::PushToTracker { ticket, reopened } => {
                // Without a tracker there is nobody to keep in step.
                if let Some(push) = &self.push {
                    push.push(ticket, reopened).await?;
                }
            }
            JobPayload::DraftChangelog { ticket, resolution } => self.drafts.for_resolution(ticket, resolution).await?,
            JobPayload::DeliverNotification { notification, .. } => self.deliver.deliver(notification).await?,
            JobPayload::ReconcileNotification { notification } => self.deliver.reconcile(notification).await?,
            JobPayload::LookUpReporter { reporter } => self.look_up_reporter.look_up(reporter).await?,
            JobPayload::ReplayDelivery {
                channel,
                content_type,
                body,
                ..
            } => {
                self.ingest.replay(job, channel, content_type, &body).await?;
            }
            JobPayload::PollTracker => {
                if let Some(poll) = &self.poll {
                    poll.poll().await?;
                    poll.schedule(self.poll_every).await?;
                }
            }
        }
        Ok(())
    }

    /// What a job leaves behind that gave up: the ticket says that there will be no suggestion.
    pub(super) async fn gave_up(&self, payload: &JobPayload) {
        let JobPayload::TriageTicket { ticket } = payload else {
            return;
        };
        if let Err(error) = self.enrich.give_up(*ticket).await {
            tracing::warn!(ticket.id = %ticket, error = %chain(&error), "could not note that enrichment failed");
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
        let DeliverError::Storage(port) = &error;
        Self::of(&error, port)
    }
}

impl From<LookUpError> for JobFailure {
    fn from(error: LookUpError) -> Self {
        let (LookUpError::Directory(port) | LookUpError::Storage(port)) = &error;
        Self::of(&error, port)
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
