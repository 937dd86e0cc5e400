use async_trait::async_trait;
use feedback_core::{
    domain::{Cell, Rows, TableShape},
    ports::{MoveSource, PortError, PortErrorKind},
};
use rusqlite::{Connection, Row, types::ValueRef};

use crate::{Sqlite, error::Failure};

/// Each after those that it refers to, but that tickets and groups refer to each other. Search and the history of the
/// schema are each store's own.
const TABLES: [&str; 22] = [
    "users",
    "api_tokens",
    "sessions",
    "sign_in_links",
    "reporters",
    "reporter_identities",
    "identity_links",
    "tickets",
    "ticket_groups",
    "ticket_sources",
    "ticket_events",
    "ticket_links",
    "changelog_entries",
    "notifications",
    "notification_attempts",
    "attachments",
    "ticket_vectors",
    "jobs",
    "sync_cursors",
    "metric_rollups",
    "idempotency_keys",
    "erasures",
];

#[async_trait]
impl MoveSource for Sqlite {
    async fn tables(&self) -> Result<Vec<TableShape>, PortError> {
        let read = |conn: &Connection| TABLES.into_iter().map(|name| shape(conn, name)).collect();
        self.inner.connections.read("move.tables", read).await
    }

    async fn rows(&self, table: &TableShape, after: Option<i64>, limit: usize) -> Result<Rows, PortError> {
        let Some(name) = TABLES.into_iter().find(|name| *name == table.name) else {
            return Err(PortError::new(PortErrorKind::NotFound, "move.rows"));
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let read = move |conn: &Connection| rows(conn, name, after, limit);
        self.inner.connections.read("move.rows", read).await
    }
}

fn shape(conn: &Connection, name: &str) -> Result<TableShape, Failure> {
    let mut columns = conn.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
    let columns = columns.query_map([name], |row| row.get(0))?;
    Ok(TableShape {
        name: name.to_owned(),
        columns: columns.collect::<rusqlite::Result<_>>()?,
    })
}

/// The position is the row's number; of a table without such numbers, how many rows come before it in the order of its
/// key. Those are two small ones.
fn rows(conn: &Connection, table: &'static str, after: Option<i64>, limit: i64) -> Result<Rows, Failure> {
    let columns = shape(conn, table)?.columns;
    // Names of our own schema, as the schema has them.
    let list = columns.join(", ");
    let is_keyed: bool = conn
        .prepare("SELECT wr FROM pragma_table_list(?1) WHERE schema = 'main'")?
        .query_row([table], |row| row.get(0))?;
    let (sql, from) = if is_keyed {
        let mut key = conn.prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk")?;
        let key = key.query_map([table], |row| row.get(0))?;
        let key: Vec<String> = key.collect::<rusqlite::Result<_>>()?;
        let from = after.unwrap_or(0);
        let sql = format!(
            "SELECT row_number() OVER (ORDER BY {key}), {list} FROM {table} ORDER BY {key} LIMIT ?2 OFFSET ?1",
            key = key.join(", ")
        );
        (sql, from)
    } else {
        let sql = format!("SELECT rowid, {list} FROM {table} WHERE rowid > ?1 ORDER BY rowid LIMIT ?2");
        (sql, after.unwrap_or(i64::MIN))
    };
    // Not by way of the kept statements: everything is read once, so a scan is what is wanted.
    let mut statement = conn.prepare(&sql)?;
    let mut found = statement.query([from, limit])?;
    let mut read = Rows::default();
    while let Some(row) = found.next()? {
        read.end = row.get(0)?;
        let cells = (1..=columns.len()).map(|column| cell(row, column));
        read.rows.push(cells.collect::<rusqlite::Result<_>>()?);
    }
    Ok(read)
}

fn cell(row: &Row<'_>, column: usize) -> rusqlite::Result<Cell> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        // A file may hold text that is none; then it is not moved.
        ValueRef::Text(_) => Cell::Text(row.get(column)?),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteConfig;

    #[tokio::test]
    async fn every_table_of_the_schema_is_moved_but_what_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(SqliteConfig::new(folder.path().join("feedback.db"))).unwrap();
        let read = |conn: &Connection| {
            let mut names = conn.prepare(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'
                    AND name NOT LIKE 'refinery%' AND name NOT LIKE 'ticket_search%'",
            )?;
            let names = names.query_map([], |row| row.get(0))?;
            Ok(names.collect::<rusqlite::Result<Vec<String>>>()?)
        };
        let mut there = store.inner.connections.read("test.tables", read).await.unwrap();
        let mut moved = TABLES.map(str::to_owned).to_vec();
        there.sort();
        moved.sort();
        assert_eq!(there, moved);
    }
}
