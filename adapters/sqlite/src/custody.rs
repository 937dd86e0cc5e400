use async_trait::async_trait;
use feedback_core::{
    domain::{Erasure, TicketId, TicketNumber, Timestamp},
    ports::{Custody, Expired, PortError, Timeline, Wrapped, WrappedKind},
};
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::{Sqlite, commit, connection::Statements, error::Failure, row, storage::rows};

#[async_trait]
impl Custody for Sqlite {
    async fn wrapped(&self, kind: WrappedKind, after: Option<Uuid>, limit: usize) -> Result<Vec<Wrapped>, PortError> {
        let read = move |conn: &Connection| wrapped(conn, kind, after, limit);
        self.inner.connections.read("custody.wrapped", read).await
    }

    async fn rewrap(&self, kind: WrappedKind, old: &Wrapped, new: &[u8]) -> Result<bool, PortError> {
        let (old, new) = (old.clone(), new.to_vec());
        let write = move |conn: &Connection| match kind {
            WrappedKind::SubjectKey => {
                let sql = "UPDATE reporters SET subject_key = ?3, version = version + 1
                    WHERE id = ?1 AND subject_key = ?2";
                changed(conn, sql, params![old.row.as_bytes(), old.bytes, new])
            }
            WrappedKind::Job => rewrap_delivery(conn, &old, &new),
        };
        let rewrapped = self.inner.connections.write(write).await;
        rewrapped
            .map(|rows| rows > 0)
            .map_err(|failure| failure.into_port("custody.rewrap"))
    }

    async fn purge(&self, what: Expired, before: Timestamp, limit: usize) -> Result<u64, PortError> {
        let write = move |conn: &Connection| purge(conn, what, before, limit);
        let purged = self.inner.connections.write(write).await;
        purged.map_err(|failure| failure.into_port("custody.purge"))
    }

    async fn erasures(&self) -> Result<Vec<Erasure>, PortError> {
        let sql = "SELECT * FROM erasures ORDER BY erased_at, reporter_id";
        let read = move |conn: &Connection| row::all(conn, sql, [], row::erasure);
        self.inner.connections.read("custody.erasures", read).await
    }

    async fn settle_erasures(&self) -> Result<(), PortError> {
        let settled = self.inner.connections.settle().await;
        settled.map_err(|failure| failure.into_port("custody.settle_erasures"))
    }

    async fn timelines(&self, after: Option<TicketNumber>, limit: usize) -> Result<Vec<Timeline>, PortError> {
        let read = move |conn: &Connection| timelines(conn, after, limit);
        self.inner.connections.read("custody.timelines", read).await
    }
}

fn changed(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<u64, Failure> {
    Ok(conn.statement(sql)?.execute(params)? as u64)
}

fn wrapped(conn: &Connection, kind: WrappedKind, after: Option<Uuid>, limit: usize) -> Result<Vec<Wrapped>, Failure> {
    // No bytes at all stand before every id.
    let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let params = params![after, rows(limit)];
    match kind {
        WrappedKind::SubjectKey => {
            let sql = "SELECT id, subject_key FROM reporters WHERE id > ?1 AND subject_key IS NOT NULL
                ORDER BY id LIMIT ?2";
            row::all(conn, sql, params, |cells| {
                Ok(Wrapped {
                    row: Uuid::from_bytes(cells.plain("id")?),
                    bytes: cells.plain("subject_key")?,
                })
            })
        }
        WrappedKind::Job => {
            let sql = "SELECT id, payload FROM jobs WHERE kind IN ('unparsed', 'fetch_message') AND id > ?1 ORDER BY id LIMIT ?2";
            let found = row::all(conn, sql, params, |cells| {
                Ok(Wrapped::of_job(cells.id("id")?, &cells.plain::<String>("payload")?))
            })?;
            Ok(found.into_iter().flatten().collect())
        }
    }
}

fn rewrap_delivery(conn: &Connection, old: &Wrapped, new: &[u8]) -> Result<u64, Failure> {
    let id = old.row.as_bytes();
    let payload = row::first(conn, "SELECT payload FROM jobs WHERE id = ?1", [id], |cells| {
        cells.plain::<String>("payload")
    })?;
    let Some((payload, rewrapped)) = payload.and_then(|payload| {
        let rewrapped = old.replaced_in_job(&payload, new)?;
        Some((payload, rewrapped))
    }) else {
        return Ok(0);
    };
    let sql = "UPDATE jobs SET payload = ?3 WHERE id = ?1 AND payload = ?2";
    changed(conn, sql, params![id, payload, rewrapped])
}

fn purge(conn: &Connection, what: Expired, before: Timestamp, limit: usize) -> Result<u64, Failure> {
    let params = (before.unix_micros(), rows(limit));
    let sql = match what {
        Expired::RawPayloads => {
            "UPDATE ticket_sources SET raw = NULL, redacted = NULL WHERE seq IN (SELECT seq FROM ticket_sources
                WHERE (raw IS NOT NULL OR redacted IS NOT NULL) AND received_at < ?1 ORDER BY received_at, seq LIMIT ?2)"
        }
        Expired::ClosedTickets => return purge_tickets(conn, params),
        Expired::Sessions => {
            "DELETE FROM sessions WHERE digest IN (SELECT digest FROM sessions WHERE expires_at < ?1
                ORDER BY expires_at LIMIT ?2)"
        }
        Expired::SignInLinks => {
            "DELETE FROM sign_in_links WHERE digest IN (SELECT digest FROM sign_in_links WHERE expires_at < ?1
                ORDER BY expires_at LIMIT ?2)"
        }
        Expired::RememberedCalls => {
            "DELETE FROM idempotency_keys WHERE (scope, key) IN (SELECT scope, key FROM idempotency_keys
                WHERE at < ?1 ORDER BY at LIMIT ?2)"
        }
        Expired::FinishedJobs => {
            let done = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE status = 'done' AND updated_at < ?1
                ORDER BY updated_at LIMIT ?2)";
            let discarded = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs
                WHERE status = 'discarded' AND updated_at < ?1 ORDER BY updated_at LIMIT ?2)";
            let purged = changed(conn, done, params)?;
            let left = rows(limit) - i64::try_from(purged).unwrap_or(i64::MAX);
            return Ok(purged + changed(conn, discarded, (params.0, left))?);
        }
    };
    changed(conn, sql, params)
}

fn purge_tickets(conn: &Connection, params: (i64, i64)) -> Result<u64, Failure> {
    // The condition of the index, word for word: else it is not used.
    let sql = "SELECT * FROM tickets
        WHERE status IN ('closed', 'dismissed', 'duplicate') AND (title <> '[erased]' OR description <> '[erased]'
            OR original IS NOT NULL OR placeholders IS NOT NULL OR ai_summary <> '[erased]')
            AND updated_at < ?1
        ORDER BY updated_at, number LIMIT ?2";
    let tickets = row::all(conn, sql, params, row::ticket)?;
    let purged = tickets.len() as u64;
    for ticket in tickets {
        let id = [*ticket.id.as_uuid().as_bytes()];
        let sources = "SELECT * FROM ticket_sources WHERE ticket_id = ?1";
        for source in row::all(conn, sources, id, row::source)? {
            commit::clear_source(conn, &source.without_content())?;
        }
        changed(conn, "DELETE FROM ticket_vectors WHERE ticket_id = ?1", id)?;
        commit::clear_groups_and_links(conn, &ticket)?;
        commit::update_ticket(conn, &ticket.without_content())?;
    }
    Ok(purged)
}

fn timelines(conn: &Connection, after: Option<TicketNumber>, limit: usize) -> Result<Vec<Timeline>, Failure> {
    let after = match after.map(commit::row_number).transpose() {
        Ok(after) => after.unwrap_or(0),
        // No ticket has a number that a row cannot hold.
        Err(_) => return Ok(Vec::new()),
    };
    let sql = "SELECT number, id FROM tickets WHERE number > ?1 ORDER BY number LIMIT ?2";
    let tickets: Vec<(TicketNumber, TicketId)> = row::all(conn, sql, params![after, rows(limit)], |cells| {
        Ok((cells.number("number")?, cells.id("id")?))
    })?;
    let events = "SELECT * FROM ticket_events WHERE ticket_id = ?1 ORDER BY seq";
    let timeline = |(number, ticket): (TicketNumber, TicketId)| -> Result<Timeline, Failure> {
        let events = row::all(conn, events, [ticket.as_uuid().as_bytes()], |cells| {
            Ok((row::event(cells)?, row::chain_hash(cells)?))
        })?;
        Ok(Timeline { ticket, number, events })
    };
    tickets.into_iter().map(timeline).collect()
}
