use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::PortError;
use crate::domain::{Rows, TableDigest, TableShape};

/// Where a move finds a target.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reception {
    /// It is empty and waits now, or it holds the first half of this very move: rows may come.
    Ready,
    /// It holds data that no unfinished move brought.
    Occupied {
        /// The first table that is not empty.
        table: String,
    },
    /// It holds the first half of a move from somewhere else.
    AnotherMove {
        /// From where.
        source: String,
    },
    /// A hub, or another move, works on it at this moment.
    InUse,
    /// It has no place for what would come.
    NoPlace {
        /// The table.
        table: String,
        /// The column, where the table is there.
        column: Option<String>,
    },
}

/// A store that is moved away from. Nobody else has it open meanwhile.
///
/// # What an implementer guarantees
/// - *Whole:* the tables hold everything that the store keeps; what can be made anew of it (indexes, search) is left out.
/// - *Ordered:* a table comes after those that it refers to, as far as there is such an order.
/// - *Steady:* positions rise, and a row keeps its own as long as nobody writes.
/// - *Silent:* as [`Storage`](super::Storage).
#[async_trait]
pub trait MoveSource: fmt::Debug + Send + Sync + 'static {
    /// All tables.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn tables(&self) -> Result<Vec<TableShape>, PortError>;

    /// The rows of a table after a position, at most so many; none at the end.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn rows(&self, table: &TableShape, after: Option<i64>, limit: usize) -> Result<Rows, PortError>;
}

/// A store that is moved into, by one mover.
///
/// # What an implementer guarantees
/// - *Exclusive:* between [`MoveTarget::receive`] and [`MoveTarget::finish`] no hub begins to work on it, also not where the
///   mover died in between.
/// - *Atomic:* rows and how far they reach are one commit, so that a move which was cut off goes on without gap or repeat.
/// - *Faithful:* a row is read as it was given: ids, versions, digests, sealed bytes, text with any character.
/// - *Seamless:* after [`MoveTarget::finish`] the store goes on where the other ended, with its numbers and its order.
/// - *Silent:* as [`Storage`](super::Storage).
#[async_trait]
pub trait MoveTarget: fmt::Debug + Send + Sync + 'static {
    /// Makes ready for the tables of a source, unless something is there already.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn receive(&self, source: &str, tables: &[TableShape]) -> Result<Reception, PortError>;

    /// The position up to which a table's rows have come.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn reached(&self, table: &TableShape) -> Result<Option<i64>, PortError>;

    /// Keeps rows, and how far they reach.
    ///
    /// # Errors
    /// `Unavailable`, `Conflict` for rows that are there already, `Rejected` for what cannot be kept.
    async fn load(&self, table: &TableShape, rows: &Rows) -> Result<(), PortError>;

    /// What a table holds now.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn digest(&self, table: &TableShape) -> Result<TableDigest, PortError>;

    /// Everything has come: hubs may begin.
    ///
    /// # Errors
    /// `Unavailable`, `NotFound` where a row refers to one that is not there.
    async fn finish(&self) -> Result<(), PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: MoveSource + ?Sized> MoveSource for $wrapper<T> {
            async fn tables(&self) -> Result<Vec<TableShape>, PortError> {
                (**self).tables().await
            }

            async fn rows(&self, table: &TableShape, after: Option<i64>, limit: usize) -> Result<Rows, PortError> {
                (**self).rows(table, after, limit).await
            }
        }

        #[async_trait]
        impl<T: MoveTarget + ?Sized> MoveTarget for $wrapper<T> {
            async fn receive(&self, source: &str, tables: &[TableShape]) -> Result<Reception, PortError> {
                (**self).receive(source, tables).await
            }

            async fn reached(&self, table: &TableShape) -> Result<Option<i64>, PortError> {
                (**self).reached(table).await
            }

            async fn load(&self, table: &TableShape, rows: &Rows) -> Result<(), PortError> {
                (**self).load(table, rows).await
            }

            async fn digest(&self, table: &TableShape) -> Result<TableDigest, PortError> {
                (**self).digest(table).await
            }

            async fn finish(&self) -> Result<(), PortError> {
                (**self).finish().await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
