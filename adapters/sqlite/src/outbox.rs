use std::time::Duration;

use async_trait::async_trait;
use feedback_core::{
    domain::{JobId, LeasedJob},
    ports::{ClaimRequest, JobQueue, Outbox, PortError, Publication, PublishRequest},
};
use rusqlite::{Connection, params};

use crate::{Sqlite, error::Failure, job_queue::leased, row};

#[async_trait]
impl Outbox for Sqlite {
    async fn claim_these(&self, jobs: &[JobId], request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
        let jobs = jobs.to_vec();
        let claimed = self
            .inner
            .connections
            .write(move |conn| claim_these(conn, &jobs, &request));
        claimed.await.map_err(|failure| failure.into_port("jobs.claim"))
    }

    async fn take_unpublished(&self, request: PublishRequest) -> Result<Vec<Publication>, PortError> {
        let taken = self
            .inner
            .connections
            .write(move |conn| take_unpublished(conn, &request));
        taken.await.map_err(|failure| failure.into_port("jobs.publish"))
    }

    async fn wait_for_unpublished(&self, at_most: Duration) {
        // One process: all work is its own.
        self.wait_for_work(at_most).await;
    }
}

fn claim_these(conn: &Connection, jobs: &[JobId], request: &ClaimRequest) -> Result<Vec<LeasedJob>, Failure> {
    let due = "SELECT run_at FROM jobs WHERE id = ?1 AND status = 'ready' AND queue = ?2 AND run_at <= ?3";
    let mut waiting = Vec::with_capacity(jobs.len());
    for id in jobs {
        let params = params![
            id.as_uuid().into_bytes(),
            request.queue.as_str(),
            request.now.unix_micros()
        ];
        let found = row::all(conn, due, params, |cells| cells.time("run_at"))?;
        waiting.extend(found.into_iter().map(|run_at| (run_at, *id)));
    }
    waiting.sort_unstable();
    waiting.dedup();
    waiting.truncate(request.limit);
    let sql =
        "UPDATE jobs SET status = 'leased', attempts = attempts + 1, lease_token = randomblob(16), lease_until = ?3,
            updated_at = ?2, published_at = 0
        WHERE id = ?1 RETURNING *";
    let mut claimed = Vec::with_capacity(waiting.len());
    for (_, id) in waiting {
        let params = params![
            id.as_uuid().into_bytes(),
            request.now.unix_micros(),
            request.lease_until.unix_micros()
        ];
        claimed.extend(row::all(conn, sql, params, leased)?);
    }
    Ok(claimed)
}

fn take_unpublished(conn: &Connection, request: &PublishRequest) -> Result<Vec<Publication>, Failure> {
    let sql = "UPDATE jobs SET published_at = ?2
        WHERE id IN (SELECT id FROM jobs WHERE status = 'ready' AND queue = ?1 AND run_at <= ?2 AND published_at <= ?3
            ORDER BY run_at, id LIMIT ?4)
        RETURNING id, queue, attempts, published_at, run_at";
    let limit = i64::try_from(request.limit).unwrap_or(i64::MAX);
    let mut taken = Vec::new();
    for queue in &request.queues {
        let params = params![
            queue.as_str(),
            request.now.unix_micros(),
            request.published_before.unix_micros(),
            limit
        ];
        taken.extend(row::all(conn, sql, params, |cells| {
            let publication = Publication {
                job: cells.id("id")?,
                queue: cells.word("queue")?,
                attempts: cells.plain("attempts")?,
                published_at: cells.time("published_at")?,
            };
            Ok((cells.time("run_at")?, publication))
        })?);
    }
    // RETURNING promises no order.
    taken.sort_by_key(|(run_at, publication)| (*run_at, publication.job));
    Ok(taken.into_iter().map(|(_, publication)| publication).collect())
}
