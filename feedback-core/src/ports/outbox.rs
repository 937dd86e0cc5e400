use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{ClaimRequest, JobQueue, PortError};
use crate::domain::{JobId, LeasedJob, Queue, Timestamp};

/// Which jobs a relay wants to tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishRequest {
    /// Of these queues.
    pub queues: Vec<Queue>,
    /// At most how many of each.
    pub limit: usize,
    /// A job that was published at this moment or earlier, and still waits, is published again.
    pub published_before: Timestamp,
    /// The present moment, by the relay's clock.
    pub now: Timestamp,
}

/// One job that is to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publication {
    /// The job.
    pub job: JobId,
    /// The queue in which it waits.
    pub queue: Queue,
    /// Tries so far.
    pub attempts: u32,
    /// When it was taken to be told of: with the attempts, what tells one publication of a job from the next.
    pub published_at: Timestamp,
}

/// A job queue whose rows feed another way of spreading the work: the rows are the truth, and what travels are their ids.
///
/// A publication is a hint of which job to claim. It may get lost, come twice and come late: the claim decides, and a job
/// whose publication was lost is published again.
///
/// # What an implementer guarantees
/// - *Told once:* of several relays that ask at once each gets different jobs, and a job is not given again before it was
///   published long enough ago.
/// - *Told anew:* a job that was claimed and waits again (retried, given back, taken back, revived) counts as never published.
/// - *Only what can be claimed:* due and waiting jobs, oldest `run_at` first in each queue.
/// - *Never in the way:* a publication changes nothing about a job that [`JobQueue`] or
///   [`Queries`](super::Queries) shows.
///
/// Prove it with [`testing::conformance::outbox`](crate::testing::conformance::outbox).
#[async_trait]
pub trait Outbox: JobQueue {
    /// As [`JobQueue::claim`], of these jobs alone. Those that are not waiting and due in the request's queue are left out.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn claim_these(&self, jobs: &[JobId], request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError>;

    /// Takes jobs to be told of; they count as published from now on.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn take_unpublished(&self, request: PublishRequest) -> Result<Vec<Publication>, PortError>;

    /// Returns when this process has brought new work, and after `at_most` in any case. Work of other processes is theirs to
    /// publish.
    async fn wait_for_unpublished(&self, at_most: Duration);
}

#[async_trait]
impl<T: Outbox + ?Sized> Outbox for Arc<T> {
    async fn claim_these(&self, jobs: &[JobId], request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
        (**self).claim_these(jobs, request).await
    }

    async fn take_unpublished(&self, request: PublishRequest) -> Result<Vec<Publication>, PortError> {
        (**self).take_unpublished(request).await
    }

    async fn wait_for_unpublished(&self, at_most: Duration) {
        (**self).wait_for_unpublished(at_most).await;
    }
}
