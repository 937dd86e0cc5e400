use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use crate::{
    domain::{JobId, LeasedJob, Timestamp},
    ports::{ClaimRequest, JobQueue, Outbox, PortError, Publication, PublishRequest},
};

#[async_trait]
impl Outbox for MemoryStore {
    async fn claim_these(&self, jobs: &[JobId], request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
        Ok(self.claim_of(|id| jobs.contains(&id), &request))
    }

    async fn take_unpublished(&self, request: PublishRequest) -> Result<Vec<Publication>, PortError> {
        let mut state = self.lock();
        let mut taken = Vec::new();
        for &queue in &request.queues {
            let mut due: Vec<(Timestamp, JobId)> = state
                .jobs
                .values()
                .filter(|stored| stored.is_due(queue, request.now))
                .filter(|stored| stored.published_at.is_none_or(|at| at <= request.published_before))
                .map(|stored| (stored.job.run_at, stored.job.id))
                .collect();
            due.sort_unstable();
            due.truncate(request.limit);
            for (_, id) in due {
                let Some(stored) = state.jobs.get_mut(&id) else {
                    continue;
                };
                stored.published_at = Some(request.now);
                taken.push(Publication {
                    job: id,
                    queue,
                    attempts: stored.job.attempts,
                    published_at: request.now,
                });
            }
        }
        Ok(taken)
    }

    async fn wait_for_unpublished(&self, at_most: Duration) {
        // One process: all work is its own.
        self.wait_for_work(at_most).await;
    }
}
