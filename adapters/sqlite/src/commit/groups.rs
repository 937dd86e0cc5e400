//! Tickets about the same thing.

use feedback_core::domain::{LinkStatus, Ticket, TicketGroup, TicketLink};
use rusqlite::{Connection, params};

use super::{json, micros, must_be_current, run};
use crate::{error::Failure, row, storage::LINKS_OF_TICKET};

pub(super) fn suggest_link(conn: &Connection, link: &TicketLink) -> Result<(), Failure> {
    let sql = "INSERT INTO ticket_links (id, ticket_id, original_id, score, evidence, status, decided_by, decided_at, created_at)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
        WHERE NOT EXISTS (SELECT 1 FROM ticket_links
            WHERE min(ticket_id, original_id) = min(?2, ?3) AND max(ticket_id, original_id) = max(?2, ?3))";
    let params = params![
        link.id.as_uuid().as_bytes(),
        link.ticket.as_uuid().as_bytes(),
        link.original.as_uuid().as_bytes(),
        f64::from(link.score),
        json(&link.evidence, "ticket link")?,
        link.status.as_str(),
        link.decided.as_ref().map(|(by, _)| by.as_uuid().as_bytes()),
        link.decided.map(|(_, at)| micros(at)),
        micros(link.created_at),
    ];
    run(conn, sql, params, "ticket link").map(|_| ())
}

pub(super) fn update_link(conn: &Connection, link: &TicketLink, expected: LinkStatus) -> Result<(), Failure> {
    let sql = "UPDATE ticket_links SET ticket_id = ?3, original_id = ?4, status = ?5, decided_by = ?6, decided_at = ?7
        WHERE id = ?1 AND status = ?2";
    let id = link.id.as_uuid().as_bytes();
    let params = params![
        id,
        expected.as_str(),
        link.ticket.as_uuid().as_bytes(),
        link.original.as_uuid().as_bytes(),
        link.status.as_str(),
        link.decided.as_ref().map(|(by, _)| by.as_uuid().as_bytes()),
        link.decided.map(|(_, at)| micros(at)),
    ];
    must_be_current(
        conn,
        sql,
        params,
        ("SELECT 1 FROM ticket_links WHERE id = ?1", id),
        "ticket link",
    )
}

/// Takes a ticket's words from the groups and pairs that it is part of. Before the ticket's own row loses them.
pub(crate) fn clear_groups_and_links(conn: &Connection, ticket: &Ticket) -> Result<(), Failure> {
    let id = ticket.id.as_uuid().as_bytes();
    let sql = "SELECT * FROM ticket_groups WHERE primary_ticket_id = ?1 OR id = ?2";
    let group = ticket.group.as_ref().map(|group| group.as_uuid().as_bytes());
    for group in row::all(conn, sql, params![id, group], row::group)? {
        let bare = group.clone().without_title_of(ticket);
        if bare != group {
            update_group(conn, &bare)?;
        }
    }
    for link in row::all(conn, LINKS_OF_TICKET, [id], row::link)? {
        let link = link.without_content();
        let sql = "UPDATE ticket_links SET evidence = ?2 WHERE id = ?1";
        let params = params![link.id.as_uuid().as_bytes(), json(&link.evidence, "ticket link")?];
        run(conn, sql, params, "ticket link")?;
    }
    Ok(())
}

pub(super) fn insert_group(conn: &Connection, group: &TicketGroup) -> Result<(), Failure> {
    let sql =
        "INSERT INTO ticket_groups (id, title, primary_ticket_id, created_at, version) VALUES (?1, ?2, ?3, ?4, ?5)";
    let params = params![
        group.id.as_uuid().as_bytes(),
        group.title.as_str(),
        group.primary.as_uuid().as_bytes(),
        micros(group.created_at),
        group.version,
    ];
    run(conn, sql, params, "group").map(|_| ())
}

pub(super) fn update_group(conn: &Connection, group: &TicketGroup) -> Result<(), Failure> {
    let sql = "UPDATE ticket_groups SET title = ?3, primary_ticket_id = ?4, version = version + 1
        WHERE id = ?1 AND version = ?2";
    let id = group.id.as_uuid().as_bytes();
    let params = params![
        id,
        group.version,
        group.title.as_str(),
        group.primary.as_uuid().as_bytes()
    ];
    must_be_current(
        conn,
        sql,
        params,
        ("SELECT 1 FROM ticket_groups WHERE id = ?1", id),
        "group",
    )
}
