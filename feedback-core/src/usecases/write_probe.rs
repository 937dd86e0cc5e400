//! Whether the store takes writes: a full disk and a server that was failed over from still answer every question.

use std::sync::Arc;

use crate::{
    domain::{Change, SyncCursor, Write},
    ports::{Clock, PortError, Storage},
};

/// The one row that it writes, again and again.
const ROW: &str = "write-probe";

/// Commits a small change, so that a host can say beforehand that it would refuse what is sent to it.
#[derive(Debug, Clone)]
pub struct WriteProbe {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
}

impl WriteProbe {
    /// The use case over its ports.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self { storage, clock }
    }

    /// One durable commit: as costly as any, so whoever calls this remembers what came of it.
    ///
    /// # Errors
    /// As [`Storage::commit`].
    pub async fn write(&self) -> Result<(), PortError> {
        let version = self.storage.cursor(ROW).await?.map_or(0, |row| row.version);
        let change = Change::new().with(Write::PutCursor(SyncCursor {
            name: ROW.to_owned(),
            value: String::new(),
            updated_at: self.clock.now(),
            version,
        }));
        match self.storage.commit(change).await {
            // Another host's probe was written in between: the store takes writes.
            Err(error) if !error.is_conflict() => Err(error),
            _ => Ok(()),
        }
    }
}
