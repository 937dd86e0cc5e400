use async_trait::async_trait;
use feedback_core::{
    domain::{Erasure, TicketId, TicketNumber, Timestamp},
    ports::{Custody, Expired, PortError, Timeline, Wrapped, WrappedKind},
};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::{
    Postgres,
    commit::{self, row_number, run, statement},
    connection::{exec, reading, work},
    error::Failure,
    locks::Locks,
    row,
    storage::rows,
    text::{restored, storable},
};

#[async_trait]
impl Custody for Postgres {
    async fn wrapped(&self, kind: WrappedKind, after: Option<Uuid>, limit: usize) -> Result<Vec<Wrapped>, PortError> {
        let read = reading(|conn| work(wrapped(conn, kind, after, limit)));
        self.inner.connections.read("custody.wrapped", read).await
    }

    async fn rewrap(&self, kind: WrappedKind, old: &Wrapped, new: &[u8]) -> Result<bool, PortError> {
        let rewrapped = self.inner.connections.write(|conn| {
            let (old, new) = (old.clone(), new.to_vec());
            work(async move {
                match kind {
                    WrappedKind::SubjectKey => {
                        let sql = "UPDATE reporters SET subject_key = $3, version = version + 1
                            WHERE id = $1 AND subject_key = $2";
                        run!(conn, "reporter", sql, old.row, old.bytes, new)
                    }
                    WrappedKind::Job => rewrap_delivery(conn, &old, &new).await,
                }
            })
        });
        let rewrapped = rewrapped.await.map_err(|failure| failure.into_port("custody.rewrap"))?;
        Ok(rewrapped > 0)
    }

    async fn purge(&self, what: Expired, before: Timestamp, limit: usize) -> Result<u64, PortError> {
        let params = (before.unix_micros(), rows(limit));
        let purged = self.inner.connections.write(|conn| work(purge(conn, what, params)));
        purged.await.map_err(|failure| failure.into_port("custody.purge"))
    }

    async fn erasures(&self) -> Result<Vec<Erasure>, PortError> {
        let read = reading(|conn| {
            work(async move {
                let sql = "SELECT * FROM erasures ORDER BY erased_at, reporter_id";
                row::all(&statement!(sql).fetch_all(conn).await?, row::erasure)
            })
        });
        self.inner.connections.read("custody.erasures", read).await
    }

    async fn settle_erasures(&self) -> Result<(), PortError> {
        // What was overwritten stays in its page as a dead version until it is vacuumed. The log of the server and its
        // archive are the operator's: an adapter has no say in them.
        for table in SETTLED {
            self.inner
                .settle(table)
                .await
                .map_err(|failure| failure.into_port("custody.settle_erasures"))?;
        }
        // Copies of vectors, where some host has them searched by the server.
        let asked = self.inner.connections.read("custody.settle_erasures", |conn| {
            let copies = statement!("SELECT to_regclass('ticket_vectors_near') IS NOT NULL");
            Box::pin(async move { Ok(copies.fetch_one(conn).await?.try_get::<bool, _>(0)?) })
        });
        if asked.await? {
            let vacuumed = self.inner.settle("VACUUM ticket_vectors_near").await;
            vacuumed.map_err(|failure| failure.into_port("custody.settle_erasures"))?;
        }
        Ok(())
    }

    async fn timelines(&self, after: Option<TicketNumber>, limit: usize) -> Result<Vec<Timeline>, PortError> {
        // No ticket has a number that a row cannot hold.
        let Some(after) = after.map_or(Some(0), row_number) else {
            return Ok(Vec::new());
        };
        let read = reading(|conn| work(timelines(conn, after, limit)));
        self.inner.connections.snapshot("custody.timelines", read).await
    }
}

/// Each is a statement of its own, since VACUUM takes no part in a transaction.
const SETTLED: [&str; 9] = [
    "VACUUM tickets",
    "VACUUM ticket_sources",
    "VACUUM ticket_vectors",
    "VACUUM reporters",
    "VACUUM reporter_identities",
    "VACUUM attachments",
    "VACUUM notifications",
    "VACUUM sessions",
    "VACUUM jobs",
];

async fn wrapped(
    conn: &mut PgConnection,
    kind: WrappedKind,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Wrapped>, Failure> {
    // No id stands before this one, and none is it.
    let (after, limit) = (after.unwrap_or(Uuid::nil()), rows(limit));
    match kind {
        WrappedKind::SubjectKey => {
            let sql =
                "SELECT id, subject_key FROM reporters WHERE id > $1 AND subject_key IS NOT NULL ORDER BY id LIMIT $2";
            row::all(&statement!(sql, after, limit).fetch_all(conn).await?, |cells| {
                Ok(Wrapped {
                    row: cells.uuid("id")?,
                    bytes: cells.bytes("subject_key")?,
                })
            })
        }
        WrappedKind::Job => {
            let sql = "SELECT id, payload FROM jobs WHERE kind IN ('unparsed', 'fetch_message') AND id > $1 ORDER BY id LIMIT $2";
            let found = statement!(sql, after, limit).fetch_all(conn).await?;
            let found = row::all(&found, |cells| {
                Ok(Wrapped::of_job(cells.id("id")?, &cells.text("payload")?))
            })?;
            Ok(found.into_iter().flatten().collect())
        }
    }
}

async fn rewrap_delivery(conn: &mut PgConnection, old: &Wrapped, new: &[u8]) -> Result<u64, Failure> {
    let found = statement!("SELECT payload FROM jobs WHERE id = $1", old.row)
        .fetch_optional(&mut *conn)
        .await?;
    let Some(stored) = row::one(found.as_ref(), |cells| cells.plain_text("payload"))? else {
        return Ok(0);
    };
    let Some(rewrapped) = old.replaced_in_job(&restored(stored.clone()), new) else {
        return Ok(0);
    };
    let sql = "UPDATE jobs SET payload = $3 WHERE id = $1 AND payload = $2";
    run!(conn, "job", sql, old.row, stored, storable(&rewrapped))
}

async fn purge(conn: &mut PgConnection, what: Expired, params: (i64, i64)) -> Result<u64, Failure> {
    let (before, limit) = params;
    // Rows that somebody holds at this moment are passed over: there is a next time.
    let sql = match what {
        Expired::RawPayloads => {
            "UPDATE ticket_sources SET raw = NULL, redacted = NULL WHERE seq IN (SELECT seq FROM ticket_sources
                WHERE (raw IS NOT NULL OR redacted IS NOT NULL) AND received_at < $1 ORDER BY received_at, seq LIMIT $2
                FOR UPDATE SKIP LOCKED)"
        }
        Expired::ClosedTickets => return purge_tickets(conn, params).await,
        Expired::Sessions => {
            "DELETE FROM sessions WHERE digest IN (SELECT digest FROM sessions WHERE expires_at < $1
                ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
        }
        Expired::SignInLinks => {
            "DELETE FROM sign_in_links WHERE digest IN (SELECT digest FROM sign_in_links WHERE expires_at < $1
                ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)"
        }
        Expired::RememberedCalls => {
            "DELETE FROM idempotency_keys WHERE (scope, key) IN (SELECT scope, key FROM idempotency_keys
                WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)"
        }
        Expired::FinishedJobs => {
            let done = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE status = 'done' AND updated_at < $1
                ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
            let discarded = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs
                WHERE status = 'discarded' AND updated_at < $1 ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
            let purged = run!(conn, "job", done, before, limit)?;
            let left = limit - i64::try_from(purged).unwrap_or(i64::MAX);
            return Ok(purged + run!(conn, "job", discarded, before, left)?);
        }
    };
    run!(conn, "expired row", sql, before, limit)
}

/// Like an erasure, alone: it changes rows whatever version they have by now.
async fn purge_tickets(conn: &mut PgConnection, (before, limit): (i64, i64)) -> Result<u64, Failure> {
    let alone = Locks {
        alone: true,
        ..Locks::default()
    };
    // Numbers only: see `Locks::begin`.
    sqlx::raw_sql(sqlx::AssertSqlSafe(alone.begin()))
        .execute(&mut *conn)
        .await?;
    // The condition of the index, word for word: else it is not used.
    let sql = "SELECT * FROM tickets
        WHERE status IN ('closed', 'dismissed', 'duplicate') AND (title <> '[erased]' OR description <> '[erased]'
            OR original IS NOT NULL OR placeholders IS NOT NULL OR ai_summary <> '[erased]')
            AND updated_at < $1
        ORDER BY updated_at, number LIMIT $2";
    let outcome = async {
        let found = statement!(sql, before, limit).fetch_all(&mut *conn).await?;
        let tickets = row::all(&found, row::ticket)?;
        let purged = tickets.len() as u64;
        for ticket in tickets {
            let id = *ticket.id.as_uuid();
            let sources = statement!("SELECT * FROM ticket_sources WHERE ticket_id = $1", id);
            let sources = sources.fetch_all(&mut *conn).await?;
            for source in row::all(&sources, row::source)? {
                commit::clear_source(conn, &source.without_content()).await?;
            }
            run!(conn, "vector", "DELETE FROM ticket_vectors WHERE ticket_id = $1", id)?;
            commit::clear_groups_and_links(conn, &ticket).await?;
            commit::update_ticket(conn, &ticket.without_content()).await?;
        }
        Ok(purged)
    }
    .await;
    match outcome {
        Ok(purged) => {
            exec(conn, "COMMIT").await?;
            Ok(purged)
        }
        Err(failure) => {
            exec(conn, "ROLLBACK").await?;
            Err(failure)
        }
    }
}

async fn timelines(conn: &mut PgConnection, after: i64, limit: usize) -> Result<Vec<Timeline>, Failure> {
    let sql = "SELECT number, id FROM tickets WHERE number > $1 ORDER BY number LIMIT $2";
    let found = statement!(sql, after, rows(limit)).fetch_all(&mut *conn).await?;
    let tickets: Vec<(TicketNumber, TicketId)> =
        row::all(&found, |cells| Ok((cells.ticket_number("number")?, cells.id("id")?)))?;
    let mut timelines = Vec::with_capacity(tickets.len());
    for (number, ticket) in tickets {
        let sql = "SELECT * FROM ticket_events WHERE ticket_id = $1 ORDER BY seq";
        let events = statement!(sql, *ticket.as_uuid()).fetch_all(&mut *conn).await?;
        timelines.push(Timeline {
            ticket,
            number,
            events: row::all(&events, |cells| Ok((row::event(cells)?, row::chain_hash(cells)?)))?,
        });
    }
    Ok(timelines)
}
