//! A person's rows, written back without what they said.

use feedback_core::domain::Erasure;
use sqlx::PgConnection;

use crate::{
    commit::{self, micros, run, statement},
    error::Failure,
    row,
};

/// What `Write::EraseReporter` promises. The change stands alone: nobody else commits meanwhile, so whatever version the
/// rows have by now is the one that is raised.
pub(crate) async fn erase(conn: &mut PgConnection, erasure: &Erasure) -> Result<(), Failure> {
    let who = *erasure.reporter.as_uuid();
    let sql = "INSERT INTO erasures (reporter_id, erased_at, asked_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    run!(
        conn,
        "erasure",
        sql,
        who,
        micros(erasure.at),
        erasure.by.map(|id| *id.as_uuid())
    )?;
    let sql = "SELECT * FROM reporters WHERE id = $1 AND erased_at IS NULL";
    let found = statement!(sql, who).fetch_optional(&mut *conn).await?;
    let Some(reporter) = row::one(found.as_ref(), row::reporter)? else {
        return Ok(());
    };
    commit::update_reporter(conn, &reporter.erased(erasure.at)).await?;
    // Messages before identities and tickets, which they are found by.
    let sql = "SELECT * FROM ticket_sources WHERE ticket_id IN (SELECT id FROM tickets WHERE reporter_id = $1)
        UNION SELECT * FROM ticket_sources WHERE author_id IN (SELECT id FROM reporter_identities WHERE reporter_id = $1)";
    let sources = statement!(sql, who).fetch_all(&mut *conn).await?;
    for source in row::all(&sources, row::source)? {
        let files = statement!("SELECT * FROM attachments WHERE source_id = $1", *source.id.as_uuid());
        let files = files.fetch_all(&mut *conn).await?;
        for file in row::all(&files, row::attachment)? {
            commit::update_attachment(conn, &file.erased()).await?;
        }
        commit::clear_source(conn, &source.without_content()).await?;
    }
    let sql = "SELECT * FROM reporter_identities WHERE reporter_id = $1";
    let identities = statement!(sql, who).fetch_all(&mut *conn).await?;
    for identity in row::all(&identities, row::identity)? {
        commit::update_identity(conn, &identity.erased(erasure.at)).await?;
    }
    let sql = "DELETE FROM ticket_vectors WHERE ticket_id IN (SELECT id FROM tickets WHERE reporter_id = $1)";
    run!(conn, "vector", sql, who)?;
    let sql = "SELECT * FROM tickets WHERE reporter_id = $1";
    let tickets = statement!(sql, who).fetch_all(&mut *conn).await?;
    for ticket in row::all(&tickets, row::ticket)? {
        commit::clear_groups_and_links(conn, &ticket).await?;
        commit::update_ticket(conn, &ticket.without_content()).await?;
    }
    let sql = "SELECT * FROM notifications WHERE reporter_id = $1";
    let notifications = statement!(sql, who).fetch_all(&mut *conn).await?;
    for notification in row::all(&notifications, row::notification)? {
        commit::update_notification(conn, &notification.erased(erasure.at)).await?;
    }
    Ok(())
}
