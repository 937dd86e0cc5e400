//! The outbox, and what keeps a repeat harmless: cursors and remembered calls.

use feedback_core::domain::{JobStatus, Lease, NewJob, RememberedCall, SyncCursor, Timestamp, error_text};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::{json, micros, run};
use crate::{connection::Statements, error::Failure};

/// A leased job becomes a dead letter: the same words for one that is buried alone.
pub(crate) const BURY: &str =
    "UPDATE jobs SET status = 'dead', lease_token = NULL, lease_until = NULL, updated_at = ?3, last_error = ?4
    WHERE id = ?1 AND status = 'leased' AND lease_token = ?2";

pub(super) fn put_cursor(conn: &Connection, cursor: &SyncCursor) -> Result<(), Failure> {
    let params = params![cursor.name, cursor.value, micros(cursor.updated_at), cursor.version];
    let sql =
        "UPDATE sync_cursors SET value = ?2, updated_at = ?3, version = version + 1 WHERE name = ?1 AND version = ?4";
    if run(conn, sql, params, "cursor")? > 0 {
        return Ok(());
    }
    let exists = "SELECT 1 FROM sync_cursors WHERE name = ?1";
    if conn
        .statement(exists)?
        .query_row([&cursor.name], |_| Ok(()))
        .optional()?
        .is_some()
    {
        return Err(Failure::conflict("stale_version", "cursor"));
    }
    if cursor.version > 0 {
        return Err(Failure::missing("cursor"));
    }
    let sql = "INSERT INTO sync_cursors (name, value, updated_at, version) VALUES (?1, ?2, ?3, ?4 + 1)";
    run(conn, sql, params, "cursor").map(|_| ())
}

pub(super) fn enqueue(conn: &Connection, job: &NewJob) -> Result<(), Failure> {
    // One writer: nobody queues the same key between the question and the row.
    let sql = "INSERT INTO jobs (id, queue, kind, payload, unique_key, status, attempts, deaths, run_at, last_error, created_at,
            updated_at)
        SELECT :id, :queue, :kind, :payload, :unique_key, :status, 0, 0, :run_at, :last_error, :created_at, :created_at
        WHERE :status = 'dead' OR :unique_key IS NULL
            OR NOT EXISTS (SELECT 1 FROM jobs WHERE status = 'ready' AND unique_key = :unique_key)";
    let kind = job.payload.kind();
    let status = if job.dead.is_some() {
        JobStatus::Dead
    } else {
        JobStatus::Ready
    };
    let params = named_params! {
        ":id": job.id.as_uuid().as_bytes(),
        ":queue": job.payload.queue().as_str(),
        ":kind": kind.as_str(),
        ":payload": json(&job.payload, "job")?,
        ":unique_key": job.unique_key,
        ":status": status.as_str(),
        ":run_at": micros(job.run_at),
        ":last_error": job.dead.as_deref().map(error_text),
        ":created_at": micros(job.created_at),
    };
    run(conn, sql, params, "job").map(|_| ())
}

/// Under its lease, or not at all.
pub(super) fn bury(conn: &Connection, lease: &Lease, error: &str, at: Timestamp) -> Result<(), Failure> {
    let params = params![
        lease.job.as_uuid().as_bytes(),
        lease.token.as_uuid().as_bytes(),
        micros(at),
        error_text(error)
    ];
    match run(conn, BURY, params, "job")? {
        0 => Err(Failure::conflict("stale_version", "lease")),
        _ => Ok(()),
    }
}

pub(super) fn remember_call(conn: &Connection, call: &RememberedCall) -> Result<(), Failure> {
    let sql = "INSERT INTO idempotency_keys (scope, key, fingerprint, subject, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let params = params![
        call.scope,
        call.key,
        call.fingerprint,
        call.subject.as_bytes(),
        micros(call.at)
    ];
    run(conn, sql, params, "idempotency key").map(|_| ())
}
