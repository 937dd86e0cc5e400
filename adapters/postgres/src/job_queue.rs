use std::time::Duration;

use async_trait::async_trait;
use feedback_core::{
    domain::{JobId, Lease, LeasedJob, Timestamp, error_text},
    ports::{ClaimRequest, JobQueue, PortError, Reaped, SettleError},
};
use sqlx::Row;

use crate::{
    Postgres,
    commit::{BURY, statement},
    error::Failure,
    row,
    storage::rows,
};

/// The third process that a job takes with it buries it.
const DEADLY: i64 = 3;

/// Jobs that one reaper run takes back or clears away: few at once, so that hosts share the work.
const REAPED_AT_ONCE: i64 = 500;

/// Runs one statement that changes jobs; how many it changed.
macro_rules! change {
    ($self:expr, $sql:expr $(, $value:expr)* $(,)?) => {
        $self
            .inner
            .connections
            .write(|conn| {
                let query = statement!($sql $(, ($value).clone())*);
                Box::pin(async move { Ok(query.execute(conn).await?.rows_affected()) })
            })
            .await
    };
}

#[async_trait]
impl JobQueue for Postgres {
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
        // What another claim holds is passed over, not waited for. The token is random, made by the database once for
        // each row. A job that waits again is published anew.
        let sql = "WITH due AS MATERIALIZED (
                SELECT id FROM jobs WHERE status = 'ready' AND queue = $1 AND run_at <= $2
                ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED)
            UPDATE jobs SET status = 'leased', attempts = attempts + 1, lease_token = gen_random_uuid(), lease_until = $3,
                updated_at = $2, published_at = 0
            FROM due WHERE jobs.id = due.id RETURNING jobs.*";
        let claimed = self.inner.connections.write(|conn| {
            let query = statement!(
                sql,
                request.queue.as_str(),
                request.now.unix_micros(),
                request.lease_until.unix_micros(),
                rows(request.limit),
            );
            Box::pin(async move { row::all(&query.fetch_all(conn).await?, leased) })
        });
        in_order(claimed.await)
    }

    async fn extend(&self, lease: &Lease, until: Timestamp) -> Result<(), SettleError> {
        let sql = "UPDATE jobs SET lease_until = $3 WHERE id = $1 AND status = 'leased' AND lease_token = $2";
        settled(change!(
            self,
            sql,
            lease.job.as_uuid(),
            lease.token.as_uuid(),
            until.unix_micros()
        ))
    }

    async fn complete(&self, lease: &Lease, now: Timestamp) -> Result<(), SettleError> {
        let sql = "UPDATE jobs SET status = 'done', lease_token = NULL, lease_until = NULL, updated_at = $3
            WHERE id = $1 AND status = 'leased' AND lease_token = $2";
        settled(change!(
            self,
            sql,
            lease.job.as_uuid(),
            lease.token.as_uuid(),
            now.unix_micros()
        ))
    }

    async fn retry_later(
        &self,
        lease: &Lease,
        run_at: Timestamp,
        error: &str,
        now: Timestamp,
    ) -> Result<(), SettleError> {
        let sql =
            "UPDATE jobs SET status = 'ready', lease_token = NULL, lease_until = NULL, updated_at = $3, run_at = $4,
                last_error = $5, deaths = 0
            WHERE id = $1 AND status = 'leased' AND lease_token = $2";
        self.put_back(sql, lease, run_at, error, now).await
    }

    async fn snooze(&self, lease: &Lease, run_at: Timestamp, reason: &str, now: Timestamp) -> Result<(), SettleError> {
        let sql =
            "UPDATE jobs SET status = 'ready', lease_token = NULL, lease_until = NULL, updated_at = $3, run_at = $4,
                last_error = $5, deaths = 0, attempts = greatest(attempts - 1, 0)
            WHERE id = $1 AND status = 'leased' AND lease_token = $2";
        self.put_back(sql, lease, run_at, reason, now).await
    }

    async fn bury(&self, lease: &Lease, error: &str, now: Timestamp) -> Result<(), SettleError> {
        let (token, now, error) = (lease.token.as_uuid(), now.unix_micros(), error_text(error));
        settled(change!(self, BURY, lease.job.as_uuid(), token, now, error))
    }

    async fn reap(&self, now: Timestamp) -> Result<Reaped, PortError> {
        let failed = |failure: Failure| failure.into_port("jobs.reap");
        let keep_since = now.minus(self.inner.config.keep_done_jobs);
        let clear = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE status = 'done' AND updated_at < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED)";
        change!(self, clear, keep_since.unix_micros(), REAPED_AT_ONCE).map_err(failed)?;
        let mut reaped = Reaped::default();
        loop {
            let some = self.take_back(now).await.map_err(failed)?;
            reaped.released += some.released;
            reaped.buried += some.buried;
            if some.released + some.buried < REAPED_AT_ONCE.unsigned_abs() {
                break;
            }
        }
        if reaped.released > 0 {
            self.inner.herald.announce();
        }
        Ok(reaped)
    }

    async fn revive(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
        let sql = "UPDATE jobs SET status = 'ready', attempts = 0, deaths = 0, run_at = $2, updated_at = $2
            WHERE id = $1 AND status = 'dead'";
        let revived = change!(self, sql, job.as_uuid(), now.unix_micros());
        let revived = revived.map_err(|failure| failure.into_port("jobs.revive"))? > 0;
        if revived {
            self.inner.herald.announce();
        }
        Ok(revived)
    }

    async fn discard(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
        let sql = "UPDATE jobs SET status = 'discarded', updated_at = $2 WHERE id = $1 AND status = 'dead'";
        let discarded = change!(self, sql, job.as_uuid(), now.unix_micros());
        Ok(discarded.map_err(|failure| failure.into_port("jobs.discard"))? > 0)
    }

    async fn wait_for_work(&self, at_most: Duration) {
        self.inner.herald.wait(at_most).await;
    }
}

impl Postgres {
    async fn put_back(
        &self,
        sql: &'static str,
        lease: &Lease,
        run_at: Timestamp,
        error: &str,
        now: Timestamp,
    ) -> Result<(), SettleError> {
        let (job, token, error) = (lease.job.as_uuid(), lease.token.as_uuid(), error_text(error));
        settled(change!(
            self,
            sql,
            job,
            token,
            now.unix_micros(),
            run_at.unix_micros(),
            error
        ))
    }

    async fn take_back(&self, now: Timestamp) -> Result<Reaped, Failure> {
        // A lease that is being settled at this moment is passed over: the result counts.
        let sql = "WITH lapsed AS MATERIALIZED (
                SELECT id FROM jobs WHERE status = 'leased' AND lease_until <= $1
                ORDER BY lease_until LIMIT $3 FOR UPDATE SKIP LOCKED)
            UPDATE jobs SET deaths = deaths + 1, lease_token = NULL, lease_until = NULL, updated_at = $1,
                status = CASE WHEN deaths + 1 >= $2 THEN 'dead' ELSE 'ready' END,
                last_error = CASE WHEN deaths + 1 >= $2 THEN 'crash_loop' ELSE last_error END
            FROM lapsed WHERE jobs.id = lapsed.id RETURNING jobs.status";
        self.inner
            .connections
            .write(|conn| {
                let query = statement!(sql, now.unix_micros(), DEADLY, REAPED_AT_ONCE);
                Box::pin(async move {
                    let mut reaped = Reaped::default();
                    for row in query.fetch_all(conn).await? {
                        let status: String = row.try_get("status")?;
                        if status == "dead" {
                            reaped.buried += 1;
                        } else {
                            reaped.released += 1;
                        }
                    }
                    Ok(reaped)
                })
            })
            .await
    }
}

/// A row that was just leased.
pub(crate) fn leased(cells: &row::Cells<'_>) -> row::Read<LeasedJob> {
    let job = row::job(cells)?;
    let lease = Lease {
        job: job.id,
        token: cells.id("lease_token")?,
        until: cells.time("lease_until")?,
    };
    Ok(LeasedJob { job, lease })
}

/// RETURNING promises no order.
pub(crate) fn in_order(claimed: Result<Vec<LeasedJob>, Failure>) -> Result<Vec<LeasedJob>, PortError> {
    let mut claimed = claimed.map_err(|failure| failure.into_port("jobs.claim"))?;
    claimed.sort_by_key(|leased| (leased.job.run_at, leased.job.id));
    Ok(claimed)
}

fn settled(changed: Result<u64, Failure>) -> Result<(), SettleError> {
    match changed {
        Ok(0) => Err(SettleError::LeaseLost),
        Ok(_) => Ok(()),
        Err(failure) => Err(SettleError::Queue(failure.into_port("jobs.settle"))),
    }
}
