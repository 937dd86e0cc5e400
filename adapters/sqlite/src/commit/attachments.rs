//! Files of messages.

use feedback_core::{domain::Attachment, ports::PortErrorKind};
use rusqlite::{Connection, params};

use super::{micros, must_be_current, opt_bytes, run};
use crate::error::Failure;

pub(super) fn insert_attachment(conn: &Connection, file: &Attachment) -> Result<(), Failure> {
    let sql =
        "INSERT INTO attachments (id, ticket_id, source_id, channel, reference, name, content_type, size_bytes, sha256,
            blob_key, status, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let params = params![
        file.id.as_uuid().as_bytes(),
        file.ticket.as_uuid().as_bytes(),
        file.source.as_uuid().as_bytes(),
        file.channel.as_str(),
        file.reference.as_bytes(),
        opt_bytes(file.name.as_ref()),
        file.content_type,
        row_size(file)?,
        file.sha256,
        file.blob_key,
        file.status.as_str(),
        micros(file.created_at),
    ];
    run(conn, sql, params, "attachment").map(|_| ())
}

pub(super) fn update_attachment(conn: &Connection, file: &Attachment) -> Result<(), Failure> {
    let sql = "UPDATE attachments SET reference = ?2, name = ?3, content_type = ?4, size_bytes = ?5, sha256 = ?6,
            blob_key = ?7, status = ?8
        WHERE id = ?1 AND (status <> 'erased' OR ?8 = 'erased')";
    let id = file.id.as_uuid().as_bytes();
    let params = params![
        id,
        file.reference.as_bytes(),
        opt_bytes(file.name.as_ref()),
        file.content_type,
        row_size(file)?,
        file.sha256,
        file.blob_key,
        file.status.as_str(),
    ];
    must_be_current(
        conn,
        sql,
        params,
        ("SELECT 1 FROM attachments WHERE id = ?1", id),
        "attachment",
    )
}

fn row_size(file: &Attachment) -> Result<Option<i64>, Failure> {
    let too_large = |_| Failure::new(PortErrorKind::Rejected, "too_large").about("attachment");
    file.size_bytes.map(i64::try_from).transpose().map_err(too_large)
}
