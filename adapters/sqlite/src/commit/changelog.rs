//! What reviewers approve.

use feedback_core::domain::ChangelogEntry;
use rusqlite::{Connection, named_params};

use super::{json, micros, must_be_current, run};
use crate::error::Failure;

pub(super) fn insert_entry(conn: &Connection, entry: &ChangelogEntry) -> Result<(), Failure> {
    let sql = "INSERT INTO changelog_entries (id, ticket_id, resolution, sealed_for, content, drafted, language, status, made_by,
            edited_by, decided_by, decided_at, seen_version, decision_reason, created_at, updated_at, version)
        VALUES (:id, :ticket_id, :resolution, :sealed_for, :content, :drafted, :language, :status, :made_by,
            :edited_by, :decided_by, :decided_at, :seen_version, :decision_reason, :created_at, :updated_at, :version)";
    let decision = entry.decision.as_ref();
    let params = named_params! {
        ":id": entry.id.as_uuid().as_bytes(),
        ":ticket_id": entry.ticket.as_uuid().as_bytes(),
        ":resolution": entry.resolution,
        ":sealed_for": entry.sealed_for.as_uuid().as_bytes(),
        ":content": entry.content.as_bytes(),
        ":drafted": entry.drafted.as_bytes(),
        ":language": entry.language.code(),
        ":status": entry.status.as_str(),
        ":made_by": json(&entry.made_by, "changelog entry")?,
        ":edited_by": entry.edited_by.as_ref().map(|id| id.as_uuid().as_bytes()),
        ":decided_by": decision.and_then(|made| made.by.as_ref()).map(|id| id.as_uuid().as_bytes()),
        ":decided_at": decision.map(|made| micros(made.at)),
        ":seen_version": decision.map(|made| made.seen_version),
        ":decision_reason": decision.and_then(|made| made.reason.as_deref()),
        ":created_at": micros(entry.created_at),
        ":updated_at": micros(entry.updated_at),
        ":version": entry.version,
    };
    run(conn, sql, params, "changelog entry").map(|_| ())
}

pub(super) fn update_entry(conn: &Connection, entry: &ChangelogEntry) -> Result<(), Failure> {
    let sql = "UPDATE changelog_entries SET ticket_id = :ticket_id, resolution = :resolution, sealed_for = :sealed_for,
            content = :content, drafted = :drafted, language = :language, status = :status, made_by = :made_by,
            edited_by = :edited_by, decided_by = :decided_by, decided_at = :decided_at, seen_version = :seen_version,
            decision_reason = :decision_reason, updated_at = :updated_at, version = version + 1
        WHERE id = :id AND version = :version";
    let id = entry.id.as_uuid().as_bytes();
    let decision = entry.decision.as_ref();
    let params = named_params! {
        ":id": id,
        ":ticket_id": entry.ticket.as_uuid().as_bytes(),
        ":resolution": entry.resolution,
        ":sealed_for": entry.sealed_for.as_uuid().as_bytes(),
        ":content": entry.content.as_bytes(),
        ":drafted": entry.drafted.as_bytes(),
        ":language": entry.language.code(),
        ":status": entry.status.as_str(),
        ":made_by": json(&entry.made_by, "changelog entry")?,
        ":edited_by": entry.edited_by.as_ref().map(|id| id.as_uuid().as_bytes()),
        ":decided_by": decision.and_then(|made| made.by.as_ref()).map(|id| id.as_uuid().as_bytes()),
        ":decided_at": decision.map(|made| micros(made.at)),
        ":seen_version": decision.map(|made| made.seen_version),
        ":decision_reason": decision.and_then(|made| made.reason.as_deref()),
        ":updated_at": micros(entry.updated_at),
        ":version": entry.version,
    };
    must_be_current(
        conn,
        sql,
        params,
        ("SELECT 1 FROM changelog_entries WHERE id = ?1", id),
        "changelog entry",
    )
}
