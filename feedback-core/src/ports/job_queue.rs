use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::PortError;
use crate::domain::{JobId, Lease, LeasedJob, Queue, Timestamp};

/// What a worker asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest {
    /// From which queue.
    pub queue: Queue,
    /// At most how many jobs.
    pub limit: usize,
    /// Until when it will hold them, unless it extends the lease.
    pub lease_until: Timestamp,
    /// The present moment, by the worker's clock.
    pub now: Timestamp,
}

/// What the reaper found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reaped {
    /// Jobs that are ready again.
    pub released: u64,
    /// Jobs that took a third process in a row with them and are dead now (`crash_loop`).
    pub buried: u64,
}

/// Why a job could not be settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The lease lapsed and the job went to somebody else, or is gone: throw the result away.
    #[error("lease was lost")]
    LeaseLost,
    /// The store did not answer; the lease will lapse by itself.
    #[error("could not settle job")]
    Queue(#[source] PortError),
}

/// Queued work: at least once, fenced by a lease token. Jobs come in by [`Storage::commit`](super::Storage::commit).
///
/// # What an implementer guarantees
/// - *Exclusive:* a job has at most one live lease; two workers that claim at once get different jobs.
/// - *Fenced:* every transition names the lease's token; one that matches no leased row is `LeaseLost` and changes nothing.
/// - *Counted:* the attempt is raised in the claim's own commit, so that a crash counts.
/// - *Fair:* due jobs are claimed in the order of `run_at`; a job that fails never blocks those behind it.
/// - *Deadly at last:* the third process in a row that dies with a job buries it (`crash_loop`); a run that ends in any
///   other way begins the count anew, so that periodic work outlives a machine that is often restarted.
/// - *Nothing dropped:* a dead job stays until a person retries or discards it; either is a no-op on a job that is not dead.
/// - *Durable, cancel safe, bounded, silent:* as [`Storage`](super::Storage).
///
/// Prove it with [`testing::conformance::job_queue`](crate::testing::conformance::job_queue).
#[async_trait]
pub trait JobQueue: fmt::Debug + Send + Sync + 'static {
    /// Leases due jobs.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError>;

    /// Holds a lease longer.
    ///
    /// # Errors
    /// `LeaseLost` if it has lapsed and the job was taken back.
    async fn extend(&self, lease: &Lease, until: Timestamp) -> Result<(), SettleError>;

    /// The work is done.
    ///
    /// # Errors
    /// `LeaseLost`, as all that settle.
    async fn complete(&self, lease: &Lease, now: Timestamp) -> Result<(), SettleError>;

    /// The work failed; again at `run_at`.
    async fn retry_later(
        &self,
        lease: &Lease,
        run_at: Timestamp,
        error: &str,
        now: Timestamp,
    ) -> Result<(), SettleError>;

    /// The work could not begin (provider down, shutdown): again at `run_at`, the attempt given back.
    async fn snooze(&self, lease: &Lease, run_at: Timestamp, reason: &str, now: Timestamp) -> Result<(), SettleError>;

    /// The work will not be tried again: a dead letter. What leaves something else behind as well is buried by
    /// [`Write::BuryJob`](crate::domain::Write::BuryJob), in one commit with it.
    async fn bury(&self, lease: &Lease, error: &str, now: Timestamp) -> Result<(), SettleError>;

    /// Takes back jobs whose leases have lapsed: their process died or hangs.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn reap(&self, now: Timestamp) -> Result<Reaped, PortError>;

    /// A person wants a dead job tried again, from attempt one, at once. False if there is no such dead job.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn revive(&self, job: JobId, now: Timestamp) -> Result<bool, PortError>;

    /// A person puts a dead job away. False if there is no such dead job.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn discard(&self, job: JobId, now: Timestamp) -> Result<bool, PortError>;

    /// Returns when there may be new work, and after `at_most` in any case: a hint, with polling as the truth.
    async fn wait_for_work(&self, at_most: Duration);
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: JobQueue + ?Sized> JobQueue for $wrapper<T> {
            async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
                (**self).claim(request).await
            }

            async fn extend(&self, lease: &Lease, until: Timestamp) -> Result<(), SettleError> {
                (**self).extend(lease, until).await
            }

            async fn complete(&self, lease: &Lease, now: Timestamp) -> Result<(), SettleError> {
                (**self).complete(lease, now).await
            }

            async fn retry_later(
                &self,
                lease: &Lease,
                run_at: Timestamp,
                error: &str,
                now: Timestamp,
            ) -> Result<(), SettleError> {
                (**self).retry_later(lease, run_at, error, now).await
            }

            async fn snooze(
                &self,
                lease: &Lease,
                run_at: Timestamp,
                reason: &str,
                now: Timestamp,
            ) -> Result<(), SettleError> {
                (**self).snooze(lease, run_at, reason, now).await
            }

            async fn bury(&self, lease: &Lease, error: &str, now: Timestamp) -> Result<(), SettleError> {
                (**self).bury(lease, error, now).await
            }

            async fn reap(&self, now: Timestamp) -> Result<Reaped, PortError> {
                (**self).reap(now).await
            }

            async fn revive(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
                (**self).revive(job, now).await
            }

            async fn discard(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
                (**self).discard(job, now).await
            }

            async fn wait_for_work(&self, at_most: Duration) {
                (**self).wait_for_work(at_most).await;
            }
        }
    };
}

forward!(Arc);
forward!(Box);
