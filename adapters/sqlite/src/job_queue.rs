use std::time::Duration;

use async_trait::async_trait;
use feedback_core::{
    domain::{JobId, Lease, LeasedJob, Timestamp, error_text},
    ports::{ClaimRequest, JobQueue, PortError, Reaped, SettleError},
};
use rusqlite::{Connection, Params, params};

use crate::{Sqlite, commit::BURY, connection::Statements, error::Failure, row};

/// The third process that a job takes with it buries it.
const DEADLY: u32 = 3;

/// Done jobs that one reaper run clears away: few, since it stands in everybody's way meanwhile.
const CLEARED_AT_ONCE: u32 = 500;

#[async_trait]
impl JobQueue for Sqlite {
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<LeasedJob>, PortError> {
        let claimed = self.inner.connections.write(move |conn| claim(conn, &request)).await;
        claimed.map_err(|failure| failure.into_port("jobs.claim"))
    }

    async fn extend(&self, lease: &Lease, until: Timestamp) -> Result<(), SettleError> {
        let (token, id) = (*lease.token.as_uuid(), *lease.job.as_uuid());
        let sql = "UPDATE jobs SET lease_until = ?3 WHERE id = ?1 AND status = 'leased' AND lease_token = ?2";
        self.settle(sql, params_of(id, token, until)).await
    }

    async fn complete(&self, lease: &Lease, now: Timestamp) -> Result<(), SettleError> {
        let (token, id) = (*lease.token.as_uuid(), *lease.job.as_uuid());
        let sql = "UPDATE jobs SET status = 'done', lease_token = NULL, lease_until = NULL, updated_at = ?3
            WHERE id = ?1 AND status = 'leased' AND lease_token = ?2";
        self.settle(sql, params_of(id, token, now)).await
    }

    async fn retry_later(
        &self,
        lease: &Lease,
        run_at: Timestamp,
        error: &str,
        now: Timestamp,
    ) -> Result<(), SettleError> {
        let sql = "UPDATE jobs SET status = 'ready', lease_token = NULL, lease_until = NULL, updated_at = ?3,
                run_at = ?4, last_error = ?5, deaths = 0
            WHERE id = ?1 AND status = 'leased' AND lease_token = ?2";
        self.put_back(sql, lease, run_at, error, now).await
    }

    async fn snooze(&self, lease: &Lease, run_at: Timestamp, reason: &str, now: Timestamp) -> Result<(), SettleError> {
        let sql = "UPDATE jobs SET status = 'ready', lease_token = NULL, lease_until = NULL, updated_at = ?3,
                run_at = ?4, last_error = ?5, deaths = 0, attempts = max(attempts - 1, 0)
            WHERE id = ?1 AND status = 'leased' AND lease_token = ?2";
        self.put_back(sql, lease, run_at, reason, now).await
    }

    async fn bury(&self, lease: &Lease, error: &str, now: Timestamp) -> Result<(), SettleError> {
        let (token, id, error) = (*lease.token.as_uuid(), *lease.job.as_uuid(), error_text(error));
        self.settle(BURY, (id.into_bytes(), token.into_bytes(), now.unix_micros(), error))
            .await
    }

    async fn reap(&self, now: Timestamp) -> Result<Reaped, PortError> {
        let keep_since = now.minus(self.inner.config.keep_done_jobs);
        let reaped = self.inner.connections.write(move |conn| {
            clear_done(conn, keep_since)?;
            take_back(conn, now)
        });
        let reaped = reaped.await.map_err(|failure| failure.into_port("jobs.reap"))?;
        if reaped.released > 0 {
            self.announce_work();
        }
        Ok(reaped)
    }

    async fn revive(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
        let sql = "UPDATE jobs SET status = 'ready', attempts = 0, deaths = 0, run_at = ?2, updated_at = ?2
            WHERE id = ?1 AND status = 'dead'";
        let revived = self
            .change_one(sql, (job.as_uuid().into_bytes(), now.unix_micros()))
            .await;
        let revived = revived.map_err(|failure| failure.into_port("jobs.revive"))?;
        if revived {
            self.announce_work();
        }
        Ok(revived)
    }

    async fn discard(&self, job: JobId, now: Timestamp) -> Result<bool, PortError> {
        let sql = "UPDATE jobs SET status = 'discarded', updated_at = ?2 WHERE id = ?1 AND status = 'dead'";
        let discarded = self
            .change_one(sql, (job.as_uuid().into_bytes(), now.unix_micros()))
            .await;
        discarded.map_err(|failure| failure.into_port("jobs.discard"))
    }

    async fn wait_for_work(&self, at_most: Duration) {
        // The time limit is the other way out, so its outcome tells nothing.
        let _ = tokio::time::timeout(at_most, self.inner.work.notified()).await;
    }
}

impl Sqlite {
    async fn change_one<P>(&self, sql: &'static str, params: P) -> Result<bool, Failure>
    where
        P: Params + Send + 'static,
    {
        self.inner
            .connections
            .write(move |conn| Ok(conn.statement(sql)?.execute(params)? > 0))
            .await
    }

    async fn settle<P>(&self, sql: &'static str, params: P) -> Result<(), SettleError>
    where
        P: Params + Send + 'static,
    {
        match self.change_one(sql, params).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SettleError::LeaseLost),
            Err(failure) => Err(SettleError::Queue(failure.into_port("jobs.settle"))),
        }
    }

    async fn put_back(
        &self,
        sql: &'static str,
        lease: &Lease,
        run_at: Timestamp,
        error: &str,
        now: Timestamp,
    ) -> Result<(), SettleError> {
        let (token, id, error) = (*lease.token.as_uuid(), *lease.job.as_uuid(), error_text(error));
        let params = (
            id.into_bytes(),
            token.into_bytes(),
            now.unix_micros(),
            run_at.unix_micros(),
            error,
        );
        self.settle(sql, params).await
    }
}

fn params_of(id: uuid::Uuid, token: uuid::Uuid, at: Timestamp) -> impl Params + Send + 'static {
    (id.into_bytes(), token.into_bytes(), at.unix_micros())
}

fn claim(conn: &Connection, request: &ClaimRequest) -> Result<Vec<LeasedJob>, Failure> {
    // The token is random, made by the database once for each row: the adapter needs no source of ids.
    let sql = "UPDATE jobs SET status = 'leased', attempts = attempts + 1, lease_token = randomblob(16), lease_until = ?3,
            updated_at = ?2, published_at = 0
        WHERE id IN (SELECT id FROM jobs WHERE status = 'ready' AND queue = ?1 AND run_at <= ?2 ORDER BY run_at, id LIMIT ?4)
        RETURNING *";
    let limit = i64::try_from(request.limit).unwrap_or(i64::MAX);
    let params = params![
        request.queue.as_str(),
        request.now.unix_micros(),
        request.lease_until.unix_micros(),
        limit
    ];
    let mut claimed = row::all(conn, sql, params, leased)?;
    // RETURNING promises no order.
    claimed.sort_by_key(|leased| (leased.job.run_at, leased.job.id));
    Ok(claimed)
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

fn take_back(conn: &Connection, now: Timestamp) -> Result<Reaped, Failure> {
    let sql = "UPDATE jobs SET deaths = deaths + 1, lease_token = NULL, lease_until = NULL, updated_at = ?1,
            status = CASE WHEN deaths + 1 >= ?2 THEN 'dead' ELSE 'ready' END,
            last_error = CASE WHEN deaths + 1 >= ?2 THEN 'crash_loop' ELSE last_error END
        WHERE status = 'leased' AND lease_until <= ?1 RETURNING status";
    let after: Vec<String> = row::all(conn, sql, params![now.unix_micros(), DEADLY], |cells| {
        cells.plain("status")
    })?;
    Ok(count(&after))
}

/// At start: whoever held a lease is gone, since we hold the instance lock.
pub(crate) fn take_back_all(conn: &Connection) -> rusqlite::Result<Reaped> {
    let sql = "UPDATE jobs SET deaths = deaths + 1, lease_token = NULL, lease_until = NULL,
            status = CASE WHEN deaths + 1 >= ?1 THEN 'dead' ELSE 'ready' END,
            last_error = CASE WHEN deaths + 1 >= ?1 THEN 'crash_loop' ELSE last_error END
        WHERE status = 'leased' RETURNING status";
    let mut statement = conn.statement(sql)?;
    let after = statement
        .query_map([DEADLY], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(count(&after))
}

fn count(after: &[String]) -> Reaped {
    let buried = after.iter().filter(|status| *status == "dead").count() as u64;
    Reaped {
        released: after.len() as u64 - buried,
        buried,
    }
}

fn clear_done(conn: &Connection, since: Timestamp) -> Result<(), Failure> {
    let sql = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE status = 'done' AND updated_at < ?1 LIMIT ?2)";
    conn.statement(sql)?
        .execute(params![since.unix_micros(), CLEARED_AT_ONCE])?;
    Ok(())
}
