//! A database that another store is moved into.
//!
//! A table of the move's own stands in the schema as long as the move is not through: it says from where, and how far each
//! table has come. Whoever would begin to work on the schema sees it, and does not; its removal is the move's last commit.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use feedback_core::{
    domain::{Cell, Rows, TableDigest, TableShape},
    ports::{MoveTarget, PortError, PortErrorKind, Reception},
};
use futures::TryStreamExt;
use sqlx::{
    AssertSqlSafe, PgConnection, Row,
    postgres::{PgArguments, PgRow, Postgres as Server},
    query::Query,
};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::{
    PostgresConfig,
    connection::{self, exec},
    error::{Failure, OpenError, Unreadable},
    migrate,
    text::{indexed_words, restored, storable},
};

/// Tells the mover's connection from those of hubs, which is how a hub at work is seen.
const NAME: &str = "feedback-hub move";

/// Held by one mover as long as it lives.
const LOCK: i64 = 0x6662_6862_6d6f_7665;

/// What refers to rows that come later: not checked row by row, but all at once at the end.
const FORWARD: [(&str, &str, &str); 2] = [
    (
        "reporters",
        "reporters_merged_into_fkey",
        "FOREIGN KEY (merged_into) REFERENCES reporters (id)",
    ),
    (
        "tickets",
        "tickets_group_id_fkey",
        "FOREIGN KEY (group_id) REFERENCES ticket_groups (id)",
    ),
];

/// A [`MoveTarget`] on a connection of its own, with the schema of this program.
pub struct PostgresMove {
    conn: Mutex<PgConnection>,
    /// False if another mover was first.
    is_ours: bool,
}

impl PostgresMove {
    /// Connects, and brings the schema up to date, also where it holds half of a move.
    ///
    /// # Errors
    /// As [`Postgres::connect`](crate::Postgres::connect) and [`Postgres::migrate`](crate::Postgres::migrate).
    pub async fn open(config: PostgresConfig) -> Result<Self, OpenError> {
        let options = connection::options(&config)?.application_name(NAME);
        migrate::bring_up(&config, &options).await?;
        let conn = connection::connect(&options, config.connect_timeout).await;
        let unreachable = |failure: Failure| OpenError::unreachable("connect to", &failure);
        let mut conn = conn.map_err(unreachable)?;
        // A step takes as long as it needs.
        let patience = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";
        exec(&mut conn, patience).await.map_err(unreachable)?;
        let locked = sqlx::query("SELECT pg_try_advisory_lock($1)").bind(LOCK);
        let locked = locked.fetch_one(&mut conn).await.and_then(|row| row.try_get(0));
        Ok(Self {
            is_ours: locked.map_err(|error| unreachable(error.into()))?,
            conn: Mutex::new(conn),
        })
    }
}

impl fmt::Debug for PostgresMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresMove").finish_non_exhaustive()
    }
}

/// From where the rest of a move is to come, where half of one is in the schema.
pub(crate) async fn unfinished(conn: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let sql =
        "SELECT 1 FROM pg_class WHERE relname = 'unfinished_move' AND relnamespace = current_schema()::regnamespace";
    if sqlx::query(sql).fetch_optional(&mut *conn).await?.is_none() {
        return Ok(None);
    }
    let row = sqlx::query("SELECT source FROM unfinished_move LIMIT 1")
        .fetch_optional(&mut *conn)
        .await?;
    row.map(|row| row.try_get(0)).transpose()
}

#[async_trait]
impl MoveTarget for PostgresMove {
    async fn receive(&self, source: &str, tables: &[TableShape]) -> Result<Reception, PortError> {
        if !self.is_ours {
            return Ok(Reception::InUse);
        }
        let mut conn = self.conn.lock().await;
        exec(&mut conn, "BEGIN").await.map_err(port("move.receive"))?;
        let reception = receive(&mut conn, source, tables).await;
        end(&mut conn, reception).await.map_err(port("move.receive"))
    }

    async fn reached(&self, table: &TableShape) -> Result<Option<i64>, PortError> {
        let mut conn = self.conn.lock().await;
        let sql = "SELECT reached FROM unfinished_move WHERE table_name = $1";
        let row = sqlx::query(sql).bind(&table.name).fetch_optional(&mut *conn).await;
        let reached = row.and_then(|row| row.map(|row| row.try_get(0)).transpose());
        Ok(reached.map_err(|error| port("move.reached")(error.into()))?.flatten())
    }

    async fn load(&self, table: &TableShape, rows: &Rows) -> Result<(), PortError> {
        let mut conn = self.conn.lock().await;
        exec(&mut conn, "BEGIN").await.map_err(port("move.load"))?;
        let loaded = load(&mut conn, table, rows).await;
        end(&mut conn, loaded).await.map_err(port("move.load"))
    }

    async fn digest(&self, table: &TableShape) -> Result<TableDigest, PortError> {
        let mut conn = self.conn.lock().await;
        digest(&mut conn, table).await.map_err(port("move.digest"))
    }

    async fn finish(&self) -> Result<(), PortError> {
        let mut conn = self.conn.lock().await;
        exec(&mut conn, "BEGIN").await.map_err(port("move.finish"))?;
        let finished = finish(&mut conn).await;
        end(&mut conn, finished).await.map_err(port("move.finish"))?;
        // For the first plans; the server would do it by itself in a while.
        exec(&mut conn, "ANALYZE").await.map_err(port("move.finish"))
    }
}

fn port(operation: &'static str) -> impl Fn(Failure) -> PortError {
    move |failure| failure.into_port(operation)
}

/// Commits what went well, and undoes the rest.
async fn end<T>(conn: &mut PgConnection, outcome: Result<T, Failure>) -> Result<T, Failure> {
    match outcome {
        Ok(done) => exec(conn, "COMMIT").await.map(|()| done),
        Err(failure) => {
            // Where even that fails the connection is gone, and the transaction with it.
            let _ = exec(conn, "ROLLBACK").await;
            Err(failure)
        }
    }
}

async fn receive(conn: &mut PgConnection, source: &str, tables: &[TableShape]) -> Result<Reception, Failure> {
    // Whoever begins to work on the schema looks for a move under this lock, with its first connection open.
    let locked = sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(migrate::LOCK);
    locked.execute(&mut *conn).await?;
    let hubs = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1 LIMIT 1";
    let hub = sqlx::query(hubs).bind(connection::NAME).fetch_optional(&mut *conn);
    if hub.await?.is_some() {
        return Ok(Reception::InUse);
    }
    for table in tables {
        let columns = columns(conn, &table.name).await?;
        if columns.is_empty() {
            let table = table.name.clone();
            return Ok(Reception::NoPlace { table, column: None });
        }
        if let Some(column) = table.columns.iter().find(|column| !columns.contains_key(*column)) {
            let (table, column) = (table.name.clone(), Some(column.clone()));
            return Ok(Reception::NoPlace { table, column });
        }
    }
    match unfinished(conn).await? {
        Some(known) if known == source => return Ok(Reception::Ready),
        Some(known) => return Ok(Reception::AnotherMove { source: known }),
        None => {}
    }
    for table in tables {
        let sql = format!("SELECT 1 FROM {} LIMIT 1", quoted(&table.name));
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_optional(&mut *conn).await?;
        if row.is_some() {
            let table = table.name.clone();
            return Ok(Reception::Occupied { table });
        }
    }
    let make = "CREATE TABLE unfinished_move (source text NOT NULL, table_name text PRIMARY KEY, reached bigint)";
    exec(conn, make).await?;
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    sqlx::query("INSERT INTO unfinished_move (source, table_name) SELECT $1, name FROM unnest($2::text[]) AS t (name)")
        .bind(source)
        .bind(names)
        .execute(&mut *conn)
        .await?;
    for (table, name, _) in FORWARD {
        let sql = format!("ALTER TABLE {table} DROP CONSTRAINT {name}");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *conn).await?;
    }
    Ok(Reception::Ready)
}

async fn load(conn: &mut PgConnection, table: &TableShape, rows: &Rows) -> Result<(), Failure> {
    let kinds = columns(conn, &table.name).await?;
    let (mut names, mut given, mut lists) = (Vec::new(), Vec::new(), Vec::new());
    for (number, column) in table.columns.iter().enumerate() {
        let cells: Vec<&Cell> = rows.rows.iter().filter_map(|row| row.get(number)).collect();
        let kind = kinds.get(column).ok_or(unfit())?;
        lists.push(List::of(kind, &cells)?);
        names.push(quoted(column));
        given.push((format!("c{number}"), format!("${}::{kind}[]", number + 1)));
    }
    let mut values: Vec<String> = given.iter().map(|(name, _)| name.clone()).collect();
    // What this store keeps beside what it was given.
    match table.name.as_str() {
        "tickets" => {
            names.push("words".to_owned());
            values.push("array_to_tsvector(string_to_array(made, ' '))".to_owned());
            given.push(("made".to_owned(), format!("${}::text[]", lists.len() + 1)));
            lists.push(List::Text(words_of(table, rows)));
        }
        "metric_rollups" => {
            names.push("shard".to_owned());
            values.push("0".to_owned());
        }
        _ => {}
    }
    let (aliases, arrays): (Vec<String>, Vec<String>) = given.into_iter().unzip();
    let sql = format!(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM unnest({}) AS given ({})",
        quoted(&table.name),
        names.join(", "),
        values.join(", "),
        arrays.join(", "),
        aliases.join(", "),
    );
    let mut insert = sqlx::query(AssertSqlSafe(sql));
    for list in lists {
        insert = list.bind_to(insert);
    }
    insert.execute(&mut *conn).await?;
    let note = "UPDATE unfinished_move SET reached = $2 WHERE table_name = $1 AND (reached IS NULL OR reached < $2)";
    let noted = sqlx::query(note).bind(&table.name).bind(rows.end);
    match noted.execute(&mut *conn).await?.rows_affected() {
        // Somebody else ended the move, or was here already.
        0 => Err(Failure::conflict("moved", "table")),
        _ => Ok(()),
    }
}

/// The words by which each ticket is found, apart by blanks: they are letters and digits.
fn words_of(table: &TableShape, rows: &Rows) -> Vec<Option<String>> {
    let text = |row: &[Cell], name: &str| {
        let place = table.columns.iter().position(|column| column == name);
        match place.and_then(|place| row.get(place)) {
            Some(Cell::Text(text)) => text.clone(),
            _ => String::new(),
        }
    };
    let words = |row: &Vec<Cell>| indexed_words(&text(row, "title"), &text(row, "description")).join(" ");
    rows.rows.iter().map(|row| Some(words(row))).collect()
}

async fn digest(conn: &mut PgConnection, table: &TableShape) -> Result<TableDigest, Failure> {
    let kinds = columns(conn, &table.name).await?;
    let kinds: Option<Vec<&String>> = table.columns.iter().map(|column| kinds.get(column)).collect();
    let kinds = kinds.ok_or(unfit())?;
    let names: Vec<String> = table.columns.iter().map(|column| quoted(column)).collect();
    let sql = format!("SELECT {} FROM {}", names.join(", "), quoted(&table.name));
    let mut digest = TableDigest::default();
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *conn);
    while let Some(row) = rows.try_next().await? {
        let cells = kinds.iter().enumerate().map(|(place, kind)| cell(&row, place, kind));
        digest.add(&cells.collect::<Result<Vec<Cell>, sqlx::Error>>()?);
    }
    Ok(digest)
}

async fn finish(conn: &mut PgConnection) -> Result<(), Failure> {
    for (table, name, rule) in FORWARD {
        let sql = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {rule}");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *conn).await?;
    }
    // The next number and the next places in the order of recording are those after the last that came.
    let numbers = "SELECT setval('ticket_numbers', max(number)) FROM tickets HAVING max(number) IS NOT NULL";
    sqlx::query(numbers).execute(&mut *conn).await?;
    let sql = "SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attidentity <> ''";
    for row in sqlx::query(sql).fetch_all(&mut *conn).await? {
        let (table, column): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence($1, $2), max({0})) FROM {1} HAVING max({0}) IS NOT NULL",
            quoted(&column),
            quoted(&table)
        );
        let raise = sqlx::query(AssertSqlSafe(sql)).bind(quoted(&table)).bind(&column);
        raise.execute(&mut *conn).await?;
    }
    exec(conn, "DROP TABLE unfinished_move").await
}

/// The columns of a table with their types, by name; none if there is no such table.
async fn columns(conn: &mut PgConnection, table: &str) -> Result<BTreeMap<String, String>, Failure> {
    let sql = "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname = $1
            AND a.attnum > 0 AND NOT a.attisdropped";
    let rows = sqlx::query(sql).bind(table).fetch_all(&mut *conn).await?;
    let columns = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    Ok(columns.collect::<Result<_, sqlx::Error>>()?)
}

/// A name as an identifier.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The cells do not fit the column.
const fn unfit() -> Failure {
    Failure::new(PortErrorKind::Rejected, "unfit")
}

/// One column of many rows, as an array of its type.
enum List {
    Id(Vec<Option<Uuid>>),
    Integer(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
    Truth(Vec<Option<bool>>),
    Text(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl List {
    fn of(kind: &str, cells: &[&Cell]) -> Result<Self, Failure> {
        Ok(match kind {
            "uuid" => Self::Id(each(cells, |cell| match cell {
                Cell::Bytes(bytes) => Uuid::from_slice(bytes).ok(),
                _ => None,
            })?),
            "bigint" => Self::Integer(each(cells, |cell| match cell {
                Cell::Integer(number) => Some(*number),
                _ => None,
            })?),
            "double precision" => Self::Real(each(cells, |cell| match cell {
                Cell::Real(number) => Some(*number),
                _ => None,
            })?),
            "boolean" => Self::Truth(each(cells, |cell| match cell {
                Cell::Integer(number @ (0 | 1)) => Some(*number == 1),
                _ => None,
            })?),
            "text" => Self::Text(each(cells, |cell| match cell {
                Cell::Text(text) => Some(storable(text).into_owned()),
                _ => None,
            })?),
            "bytea" => Self::Bytes(each(cells, |cell| match cell {
                Cell::Bytes(bytes) => Some(bytes.clone()),
                _ => None,
            })?),
            _ => return Err(unfit()),
        })
    }

    fn bind_to(self, query: Query<'_, Server, PgArguments>) -> Query<'_, Server, PgArguments> {
        match self {
            Self::Id(list) => query.bind(list),
            Self::Integer(list) => query.bind(list),
            Self::Real(list) => query.bind(list),
            Self::Truth(list) => query.bind(list),
            Self::Text(list) => query.bind(list),
            Self::Bytes(list) => query.bind(list),
        }
    }
}

/// Nothing stays nothing; what is not of the kind is refused.
fn each<T>(cells: &[&Cell], read: impl Fn(&Cell) -> Option<T>) -> Result<Vec<Option<T>>, Failure> {
    let values = cells.iter().map(|cell| match cell {
        Cell::Null => Ok(None),
        other => read(other).map(Some).ok_or(unfit()),
    });
    values.collect()
}

fn cell(row: &PgRow, place: usize, kind: &str) -> Result<Cell, sqlx::Error> {
    let cell = match kind {
        "uuid" => {
            let id: Option<Uuid> = row.try_get(place)?;
            id.map(|id| Cell::Bytes(id.into_bytes().to_vec()))
        }
        "bigint" => row.try_get::<Option<i64>, _>(place)?.map(Cell::Integer),
        "double precision" => row.try_get::<Option<f64>, _>(place)?.map(Cell::Real),
        "boolean" => {
            let truth: Option<bool> = row.try_get(place)?;
            truth.map(|truth| Cell::Integer(i64::from(truth)))
        }
        "text" => {
            let text: Option<String> = row.try_get(place)?;
            text.map(|text| Cell::Text(restored(text)))
        }
        "bytea" => row.try_get::<Option<Vec<u8>>, _>(place)?.map(Cell::Bytes),
        _ => return Err(sqlx::Error::Decode(Box::new(Unreadable("of a moved table")))),
    };
    Ok(cell.unwrap_or(Cell::Null))
}
