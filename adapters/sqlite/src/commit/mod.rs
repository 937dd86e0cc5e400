//! The writes of a change as statements, in their order. Whether it fits is the database's word: unique indexes and
//! foreign keys of the schema, and the version in the `WHERE` of each update.

mod access;
mod attachments;
mod changelog;
mod erase;
mod groups;
mod jobs;
mod notifications;
mod people;
mod tickets;

use feedback_core::{
    domain::{Change, CommitReceipt, Sealed, Timestamp, Write},
    ports::PortErrorKind,
};
use rusqlite::{Connection, OptionalExtension, Params};
use serde::Serialize;

pub(crate) use self::tickets::{clear_source, row_number, update_ticket};
pub(crate) use self::{groups::clear_groups_and_links, jobs::BURY};
use crate::{connection::Statements, error::Failure};

pub(crate) fn apply(conn: &Connection, change: Change) -> Result<CommitReceipt, Failure> {
    let mut receipt = CommitReceipt::default();
    for write in change.into_writes() {
        apply_one(conn, &write, &mut receipt)?;
    }
    Ok(receipt)
}

fn apply_one(conn: &Connection, write: &Write, receipt: &mut CommitReceipt) -> Result<(), Failure> {
    match write {
        Write::InsertReporter(reporter) => people::insert_reporter(conn, reporter),
        Write::UpdateReporter(reporter) => people::update_reporter(conn, reporter),
        Write::InsertIdentity(identity) => people::insert_identity(conn, identity),
        Write::UpdateIdentity(identity) => people::update_identity(conn, identity),
        Write::TouchIdentity(id, at) => people::touch_identity(conn, *id, *at),
        Write::InsertIdentityLink(link) => people::insert_identity_link(conn, link),
        Write::UpdateIdentityLink(link) => people::update_identity_link(conn, link),
        Write::InsertTicket(ticket) => {
            let number = tickets::insert_ticket(conn, ticket)?;
            receipt.ticket_numbers.push((ticket.id, number));
            Ok(())
        }
        Write::UpdateTicket(ticket) => update_ticket(conn, ticket),
        Write::InsertSource(source) => tickets::insert_source(conn, source),
        Write::AnchorSource(id, thread) => tickets::anchor_source(conn, *id, thread),
        Write::AppendEvent(event) => tickets::append_event(conn, event),
        Write::InsertChangelogEntry(entry) => changelog::insert_entry(conn, entry),
        Write::UpdateChangelogEntry(entry) => changelog::update_entry(conn, entry),
        Write::InsertNotification(notification) => notifications::insert_notification(conn, notification),
        Write::UpdateNotification(notification) => notifications::update_notification(conn, notification),
        Write::InsertAttempt(attempt) => notifications::insert_attempt(conn, attempt),
        Write::UpdateAttempt(attempt) => notifications::update_attempt(conn, attempt),
        Write::SuggestLink(link) => groups::suggest_link(conn, link),
        Write::UpdateLink { link, expected } => groups::update_link(conn, link, *expected),
        Write::InsertGroup(group) => groups::insert_group(conn, group),
        Write::UpdateGroup(group) => groups::update_group(conn, group),
        Write::InsertAttachment(attachment) => attachments::insert_attachment(conn, attachment),
        Write::UpdateAttachment(attachment) => attachments::update_attachment(conn, attachment),
        Write::EraseReporter(erasure) => erase::erase_reporter(conn, erasure),
        Write::PutVector(vector) => tickets::put_vector(conn, vector),
        Write::PutCursor(cursor) => jobs::put_cursor(conn, cursor),
        Write::Enqueue(job) => jobs::enqueue(conn, job),
        Write::BuryJob { lease, error, at } => jobs::bury(conn, lease, error, *at),
        Write::RememberCall(call) => jobs::remember_call(conn, call),
        Write::InsertUser(user) => access::insert_user(conn, user),
        Write::UpdateUser(user) => access::update_user(conn, user),
        Write::InsertApiToken(token) => access::insert_api_token(conn, token),
        Write::RevokeApiToken(id, at) => access::revoke_api_token(conn, *id, *at),
        Write::InsertSignInLink(link) => access::insert_sign_in_link(conn, link),
        Write::ConsumeSignInLink(digest) => access::consume_sign_in_link(conn, digest),
        Write::PutSession(session) => access::put_session(conn, session),
        Write::TouchSession(digest, at) => access::touch_session(conn, digest, *at),
        Write::DeleteSession(digest) => access::delete_session(conn, digest),
    }
}

fn micros(at: Timestamp) -> i64 {
    at.unix_micros()
}

fn opt_micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::unix_micros)
}

fn opt_bytes(sealed: Option<&Sealed>) -> Option<&[u8]> {
    sealed.map(Sealed::as_bytes)
}

fn json(value: &impl Serialize, what: &'static str) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|_| Failure::new(PortErrorKind::Rejected, "no_json_form").about(what))
}

fn opt_json<T: Serialize>(value: Option<&T>, what: &'static str) -> Result<Option<String>, Failure> {
    value.map(|value| json(value, what)).transpose()
}

fn run(conn: &Connection, sql: &str, params: impl Params, what: &'static str) -> Result<usize, Failure> {
    let done = conn.statement(sql).and_then(|mut statement| statement.execute(params));
    done.map_err(|error| Failure::from(error).about(what))
}

fn must_change(conn: &Connection, sql: &str, params: impl Params, what: &'static str) -> Result<(), Failure> {
    match run(conn, sql, params, what)? {
        0 => Err(Failure::missing(what)),
        _ => Ok(()),
    }
}

/// An update that names the version it was made from. `exists` is asked only when no row had it.
fn must_be_current(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    exists: (&str, &[u8; 16]),
    what: &'static str,
) -> Result<(), Failure> {
    if run(conn, sql, params, what)? > 0 {
        return Ok(());
    }
    let (sql, id) = exists;
    let found = conn.statement(sql)?.query_row([id], |_| Ok(())).optional()?;
    Err(if found.is_some() {
        Failure::conflict("stale_version", what)
    } else {
        Failure::missing(what)
    })
}

/// An insert that holds back where a person was erased.
fn must_insert(conn: &Connection, sql: &str, params: impl Params, what: &'static str) -> Result<(), Failure> {
    match run(conn, sql, params, what)? {
        0 => Err(Failure::conflict("stale_version", "reporter")),
        _ => Ok(()),
    }
}
