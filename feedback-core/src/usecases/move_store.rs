//! Everything of one store into another: table by table, some rows at a time, each step whole or nothing. Killed at any
//! point, it goes on where it was. At its end both are read whole and compared; only then may hubs begin.

use std::sync::Arc;

use crate::{
    domain::{TableDigest, TableShape},
    ports::{MoveSource, MoveTarget, PortError, Reception},
};

/// Rows in one step: a ticket may be long, and a step is held in memory.
const STEP: usize = 200;

/// Moves stores.
#[derive(Debug, Clone)]
pub struct MoveStore {
    source: Arc<dyn MoveSource>,
    target: Arc<dyn MoveTarget>,
    step: usize,
}

/// What was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Each table with its rows, compared.
    pub tables: Vec<(String, u64)>,
    /// True if all of it was there already: the move had come to its end, and nobody has worked on it since.
    pub was_done: bool,
}

/// Why a store was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The target is somebody's. It stays as it is.
    #[error("the target is not empty: its table {table} has rows")]
    Occupied {
        /// The first table with rows.
        table: String,
    },
    /// The target waits for the rest of another move. It stays as it is.
    #[error("the target holds half of a move from {source_name}")]
    AnotherMove {
        /// From where.
        source_name: String,
    },
    /// Somebody works on the target.
    #[error("a hub or another move works on the target")]
    InUse,
    /// The target is of another version than the source.
    #[error("the target has no place for {}", place(.table, .column.as_deref()))]
    NoPlace {
        /// The table.
        table: String,
        /// The column, where the table is there.
        column: Option<String>,
    },
    /// A table did not come as it was; or the source was changed while it was moved.
    #[error("table {table} is not the same on both sides: {given} rows there, {kept} here, and other digests")]
    Differs {
        /// The first such table.
        table: String,
        /// Rows in the source.
        given: u64,
        /// Rows in the target.
        kept: u64,
    },
    /// The source could not be read.
    #[error("could not read the source")]
    Source(#[source] PortError),
    /// The target did not take it.
    #[error("could not write the target")]
    Target(#[source] PortError),
}

fn place(table: &str, column: Option<&str>) -> String {
    match column {
        Some(column) => format!("column {column} of table {table}"),
        None => format!("table {table}"),
    }
}

impl MoveStore {
    /// The use case over its ports.
    pub fn new(source: Arc<dyn MoveSource>, target: Arc<dyn MoveTarget>) -> Self {
        Self {
            source,
            target,
            step: STEP,
        }
    }

    /// With steps of at most so many rows; at least one.
    #[must_use]
    pub fn with_step(mut self, rows: usize) -> Self {
        self.step = rows.max(1);
        self
    }

    /// Moves everything, or the rest of it. `name` tells this source from others.
    ///
    /// # Errors
    /// [`MoveError`]. What has come so far stays, and the next call goes on; but a table that differs stays different: empty
    /// the target and begin anew.
    #[tracing::instrument(name = "move.run", skip_all)]
    pub async fn run(&self, name: &str) -> Result<Moved, MoveError> {
        let tables = self.source.tables().await.map_err(MoveError::Source)?;
        match self.target.receive(name, &tables).await.map_err(MoveError::Target)? {
            Reception::Ready => {}
            Reception::Occupied { table } => {
                // Killed between its end and saying so, a move finds itself.
                return match self.compare(&tables).await {
                    Ok(tables) => Ok(Moved { tables, was_done: true }),
                    Err(MoveError::Differs { .. }) => Err(MoveError::Occupied { table }),
                    Err(other) => Err(other),
                };
            }
            Reception::AnotherMove { source } => return Err(MoveError::AnotherMove { source_name: source }),
            Reception::InUse => return Err(MoveError::InUse),
            Reception::NoPlace { table, column } => return Err(MoveError::NoPlace { table, column }),
        }
        for table in &tables {
            self.load(table).await?;
        }
        let tables = self.compare(&tables).await?;
        self.target.finish().await.map_err(MoveError::Target)?;
        Ok(Moved {
            tables,
            was_done: false,
        })
    }

    async fn load(&self, table: &TableShape) -> Result<(), MoveError> {
        let mut after = self.target.reached(table).await.map_err(MoveError::Target)?;
        loop {
            let rows = self.source.rows(table, after, self.step).await;
            let rows = rows.map_err(MoveError::Source)?;
            if rows.rows.is_empty() {
                return Ok(());
            }
            self.target.load(table, &rows).await.map_err(MoveError::Target)?;
            tracing::debug!(table = table.name, rows = rows.rows.len(), "rows were moved");
            after = Some(rows.end);
        }
    }

    /// Reads both sides whole. The source's digest is of what it holds now, and not of what was read for the move.
    async fn compare(&self, tables: &[TableShape]) -> Result<Vec<(String, u64)>, MoveError> {
        let mut compared = Vec::with_capacity(tables.len());
        for table in tables {
            let given = self.given(table).await?;
            let kept = self.target.digest(table).await.map_err(MoveError::Target)?;
            if given != kept {
                return Err(MoveError::Differs {
                    table: table.name.clone(),
                    given: given.rows,
                    kept: kept.rows,
                });
            }
            compared.push((table.name.clone(), given.rows));
        }
        Ok(compared)
    }

    async fn given(&self, table: &TableShape) -> Result<TableDigest, MoveError> {
        let (mut digest, mut after) = (TableDigest::default(), None);
        loop {
            let rows = self.source.rows(table, after, self.step).await;
            let rows = rows.map_err(MoveError::Source)?;
            if rows.rows.is_empty() {
                return Ok(digest);
            }
            rows.rows.iter().for_each(|row| digest.add(row));
            after = Some(rows.end);
        }
    }
}
