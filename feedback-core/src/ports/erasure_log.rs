use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::PortError;
use crate::domain::{Erasure, ReporterId, Timestamp};

/// Who was erased and when, as a log outside of the store keeps it: no more than a random id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedErasure {
    /// Who.
    pub reporter: ReporterId,
    /// When.
    pub at: Timestamp,
}

impl From<Erasure> for LoggedErasure {
    fn from(erasure: Erasure) -> Self {
        Self {
            reporter: erasure.reporter,
            at: erasure.at,
        }
    }
}

/// Remembers erasures beside the store, and not in it: a store that is restored from a backup has forgotten those that came
/// after the backup, and must hear of them before anybody else does.
///
/// # What an implementer guarantees
/// - *Durable:* `Ok` from `append` means that a crash an instant later loses nothing.
/// - *Apart:* it is not part of the store's backup.
#[async_trait]
pub trait ErasureLog: fmt::Debug + Send + Sync + 'static {
    /// Adds an erasure; the same twice is fine.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be written.
    async fn append(&self, erasure: LoggedErasure) -> Result<(), PortError>;

    /// All erasures, in the order in which they were added. A torn last line of a crash is left out.
    ///
    /// # Errors
    /// `Unavailable` if it cannot be read.
    async fn all(&self) -> Result<Vec<LoggedErasure>, PortError>;
}

#[async_trait]
impl<T: ErasureLog + ?Sized> ErasureLog for Arc<T> {
    async fn append(&self, erasure: LoggedErasure) -> Result<(), PortError> {
        (**self).append(erasure).await
    }

    async fn all(&self) -> Result<Vec<LoggedErasure>, PortError> {
        (**self).all().await
    }
}
