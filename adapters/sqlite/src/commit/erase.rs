//! A person's rows, written back without what they said.

use feedback_core::domain::Erasure;
use rusqlite::{Connection, params};

use super::{attachments, groups, micros, notifications, people, run, tickets};
use crate::{error::Failure, row};

/// What `Write::EraseReporter` promises. The rows are read inside the commit: one writer, so that nobody changes them
/// in between, and whatever version they have by now is the one that is raised.
pub(super) fn erase_reporter(conn: &Connection, erasure: &Erasure) -> Result<(), Failure> {
    let who = erasure.reporter.as_uuid().as_bytes();
    let sql = "INSERT INTO erasures (reporter_id, erased_at, asked_by) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let params = params![
        who,
        micros(erasure.at),
        erasure.by.as_ref().map(|id| id.as_uuid().as_bytes())
    ];
    run(conn, sql, params, "erasure")?;
    let sql = "SELECT * FROM reporters WHERE id = ?1 AND erased_at IS NULL";
    let Some(reporter) = row::first(conn, sql, [who], row::reporter)? else {
        return Ok(());
    };
    people::update_reporter(conn, &reporter.erased(erasure.at))?;
    // Messages before identities and tickets, which they are found by.
    let sql = "SELECT * FROM ticket_sources WHERE ticket_id IN (SELECT id FROM tickets WHERE reporter_id = ?1)
            OR author_id IN (SELECT id FROM reporter_identities WHERE reporter_id = ?1)";
    for source in row::all(conn, sql, [who], row::source)? {
        let files = "SELECT * FROM attachments WHERE source_id = ?1";
        for file in row::all(conn, files, [source.id.as_uuid().as_bytes()], row::attachment)? {
            attachments::update_attachment(conn, &file.erased())?;
        }
        tickets::clear_source(conn, &source.without_content())?;
    }
    let sql = "SELECT * FROM reporter_identities WHERE reporter_id = ?1";
    for identity in row::all(conn, sql, [who], row::identity)? {
        people::update_identity(conn, &identity.erased(erasure.at))?;
    }
    let sql = "DELETE FROM ticket_vectors WHERE ticket_id IN (SELECT id FROM tickets WHERE reporter_id = ?1)";
    run(conn, sql, [who], "vector")?;
    let sql = "SELECT * FROM tickets WHERE reporter_id = ?1";
    for ticket in row::all(conn, sql, [who], row::ticket)? {
        groups::clear_groups_and_links(conn, &ticket)?;
        tickets::update_ticket(conn, &ticket.without_content())?;
    }
    let sql = "SELECT * FROM notifications WHERE reporter_id = ?1";
    for notification in row::all(conn, sql, [who], row::notification)? {
        notifications::update_notification(conn, &notification.erased(erasure.at))?;
    }
    Ok(())
}
