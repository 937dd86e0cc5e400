use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::{MemoryStore, StoredJob};
use crate::{
    domain::{JobId, JobStatus, Lease, LeaseToken, LeasedJob, Queue, Timestamp, error_text},
    ports::{ClaimRequest, JobQueue, PortError, Reaped, SettleError},
};

impl StoredJob {
    pub(super) fn is_due(&self, queue: Queue, now: Timestamp) -> bool {
        self.job.status == JobStatus::Ready && self.job.queue == queue && self.job.run_at <= now
    }
}

#[async_trait]
impl JobQueue for MemoryStore {
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
        Ok(self.claim_of(|_| true, &request))
    }

    async fn extend(&self, lease: &Lease, until: Timestamp) -> Result<(), SettleError> {
        self.with_leased(lease, |stored| {
            if let Some(held) = &mut stored.lease {
                held.until = until;
            }
        })
    }

    async fn complete(&self, lease: &Lease, now: Timestamp) -> Result<(), SettleError> {
        self.settle(lease, JobStatus::Done, now, |_| {})
    }

    async fn retry_later(
        &self,
        lease: &Lease,
        run_at: Timestamp,
        error: &str,
        now: Timestamp,
    ) -> Result<(), SettleError> {
        self.settle(lease, JobStatus::Ready, now, |stored| {
            stored.job.run_at = run_at;
            stored.job.last_error = Some(error_text(error));
            stored.job.deaths = 0;
        })
    }

    async fn snooze(&self, lease: &Lease, run_at: Timestamp, reason: &str, now: Timestamp) -> Result<(), SettleError> {
        self.settle(lease, JobStatus::Ready, now, |stored| {
            stored.job.run_at = run_at;
            stored.job.last_error = Some(error_text(reason));
            stored.job.attempts = stored.job.attempts.saturating_sub(1);
            stored.job.deaths = 0;
        })
    }

    async fn bury(&self, lease: &Lease, error: &str, now: Timestamp) -> Result<(), SettleError> {
        self.settle(lease, JobStatus::Dead, now, |stored| {
            stored.job.last_error = Some(error_text(error))
        })
    }

    async fn reap(&self, now: Timestamp) -> Result<Reaped, PortError> {
        let mut reaped = Reaped::default();
        for stored in self.lock().jobs.values_mut() {
            let lapsed = stored.job.status == JobStatus::Leased && stored.lease.is_some_and(|lease| lease.until <= now);
            if !lapsed {
                continue;
            }
            stored.lease = None;
            stored.job.deaths += 1;
            stored.job.updated_at = now;
            if stored.job.deaths >= 3 {
                stored.job.status = JobStatus::Dead;
                stored.job.last_error = Some("crash_loop".into());
                reaped.buried += 1;
            } else {
                stored.job.status = JobStatus::Ready;
                reaped.released += 1;
            }
        }
        if reaped.released > 0 {
            self.announce_work();
        }
        Ok(reaped)
    }

    async fn revive(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
        let revived = self.with_dead(job, |stored| {
            stored.job.status = JobStatus::Ready;
            stored.job.attempts = 0;
            stored.job.deaths = 0;
            stored.job.run_at = now;
            stored.job.updated_at = now;
        });
        if revived {
            self.announce_work();
        }
        Ok(revived)
    }

    async fn discard(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
        Ok(self.with_dead(job, |stored| {
            stored.job.status = JobStatus::Discarded;
            stored.job.updated_at = now;
        }))
    }

    async fn wait_for_work(&self, at_most: Duration) {
        // The time limit is the other way out, so its outcome tells nothing.
        let _ = tokio::time::timeout(at_most, self.inner.work.notified()).await;
    }
}

impl MemoryStore {
    /// Leases due jobs, of those that are wanted.
    pub(super) fn claim_of(&self, wanted: impl Fn(JobId) -> bool, request: &ClaimRequest) -> Vec<LeasedJob> {
        let mut state = self.lock();
        let mut due: Vec<(Timestamp, JobId)> = state
            .jobs
            .values()
            .filter(|stored| stored.is_due(request.queue, request.now) && wanted(stored.job.id))
            .map(|stored| (stored.job.run_at, stored.job.id))
            .collect();
        due.sort_unstable();
        due.truncate(request.limit);
        let mut claimed = Vec::with_capacity(due.len());
        for (_, id) in due {
            state.leases_given += 1;
            let token = LeaseToken::from_uuid(Uuid::from_u128(u128::from(state.leases_given)));
            let Some(stored) = state.jobs.get_mut(&id) else {
                continue;
            };
            let lease = Lease {
                job: id,
                token,
                until: request.lease_until,
            };
            stored.job.status = JobStatus::Leased;
            stored.job.attempts += 1;
            stored.job.updated_at = request.now;
            stored.lease = Some(lease);
            stored.published_at = None;
            claimed.push(LeasedJob {
                job: stored.job.clone(),
                lease,
            });
        }
        claimed
    }

    /// Wakes everybody who waits, and the next one who comes: it may have looked just before the commit.
    pub(super) fn announce_work(&self) {
        self.inner.work.notify_waiters();
        self.inner.work.notify_one();
    }

    fn with_leased(&self, lease: &Lease, act: impl FnOnce(&mut StoredJob)) -> Result<(), SettleError> {
        let mut state = self.lock();
        let held = |stored: &&mut StoredJob| {
            stored.job.status == JobStatus::Leased && stored.lease.is_some_and(|held| held.token == lease.token)
        };
        let stored = state
            .jobs
            .get_mut(&lease.job)
            .filter(held)
            .ok_or(SettleError::LeaseLost)?;
        act(stored);
        Ok(())
    }

    fn settle(
        &self,
        lease: &Lease,
        status: JobStatus,
        now: Timestamp,
        act: impl FnOnce(&mut StoredJob),
    ) -> Result<(), SettleError> {
        self.with_leased(lease, |stored| {
            stored.job.status = status;
            stored.job.updated_at = now;
            stored.lease = None;
            act(stored);
        })
    }

    fn with_dead(&self, job: JobId, act: impl FnOnce(&mut StoredJob)) -> bool {
        let mut state = self.lock();
        match state
            .jobs
            .get_mut(&job)
            .filter(|stored| stored.job.status == JobStatus::Dead)
        {
            Some(stored) => {
                act(stored);
                true
            }
            None => false,
        }
    }
}
