use std::time::Duration;

use async_trait::async_trait;
use feedback_core::{
    domain::{JobId, LeasedJob},
    ports::{ClaimRequest, Outbox, PortError, Publication, PublishRequest},
};

use crate::{
    Postgres,
    commit::statement,
    job_queue::{in_order, leased},
    row,
    storage::rows,
};

#[async_trait]
impl Outbox for Postgres {
    async fn claim_these(&self, jobs: &[JobId], request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
        let sql = "WITH due AS MATERIALIZED (
                SELECT id FROM jobs WHERE id = ANY ($5) AND status = 'ready' AND queue = $1 AND run_at <= $2
                ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)
            UPDATE jobs SET status = 'leased', attempts = attempts + 1, lease_token = gen_random_uuid(), lease_until = $3,
                updated_at = $2, published_at = 0
            FROM due WHERE jobs.id = due.id RETURNING jobs.*";
        let ids: Vec<uuid::Uuid> = jobs.iter().map(|id| *id.as_uuid()).collect();
        let claimed = self.inner.connections.write(|conn| {
            let query = statement!(
                sql,
                request.queue.as_str(),
                request.now.unix_micros(),
                request.lease_until.unix_micros(),
                rows(request.limit),
                ids.clone(),
            );
            Box::pin(async move { row::all(&query.fetch_all(conn).await?, leased) })
        });
        in_order(claimed.await)
    }

    async fn take_unpublished(&self, request: PublishRequest) -> Result<Vec<Publication>, PortError> {
        // What another relay takes at this moment is passed over. Jobs that were published and wait still are read on the
        // way: a relay bounds how many there are.
        let sql = "WITH due AS MATERIALIZED (
                SELECT next.id FROM unnest($1::text[]) AS wanted (queue) CROSS JOIN LATERAL (
                    SELECT id FROM jobs WHERE status = 'ready' AND jobs.queue = wanted.queue AND run_at <= $2
                        AND published_at <= $3
                    ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED) AS next)
            UPDATE jobs SET published_at = $2 FROM due WHERE jobs.id = due.id
            RETURNING jobs.id, jobs.queue, jobs.attempts, jobs.published_at, jobs.run_at";
        let queues: Vec<&'static str> = request.queues.iter().map(|queue| queue.as_str()).collect();
        let taken = self.inner.connections.write(|conn| {
            let query = statement!(
                sql,
                queues.clone(),
                request.now.unix_micros(),
                request.published_before.unix_micros(),
                rows(request.limit),
            );
            Box::pin(async move {
                row::all(&query.fetch_all(conn).await?, |cells| {
                    let publication = Publication {
                        job: cells.id("id")?,
                        queue: cells.word("queue")?,
                        attempts: cells.small("attempts")?,
                        published_at: cells.time("published_at")?,
                    };
                    Ok((cells.time("run_at")?, publication))
                })
            })
        });
        let mut taken = taken.await.map_err(|failure| failure.into_port("jobs.publish"))?;
        // RETURNING promises no order.
        taken.sort_by_key(|(run_at, publication)| (*run_at, publication.job));
        Ok(taken.into_iter().map(|(_, publication)| publication).collect())
    }

    async fn wait_for_unpublished(&self, at_most: Duration) {
        self.inner.herald.wait_for_own(at_most).await;
    }
}
