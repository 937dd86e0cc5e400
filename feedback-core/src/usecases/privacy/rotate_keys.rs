//! What the ring's older keys wrapped is wrapped by the newest one: online, in small steps, and again from the beginning
//! after a stop, since what is done is skipped.

use std::sync::Arc;

use futures::future::join_all;
use uuid::Uuid;

use crate::{
    domain::{ReporterId, Sealed, SubjectKey},
    ports::{Custody, Place, PortError, PortErrorKind, Vault, Wrapped, WrappedKind},
};

/// Rows of one look.
const BATCH: usize = 256;

/// Moves everything to the newest key.
#[derive(Debug, Clone)]
pub struct RotateKeys {
    custody: Arc<dyn Custody>,
    vault: Arc<dyn Vault>,
}

/// How far a rotation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotated {
    /// Values that were moved to the newest key.
    pub moved: u64,
    /// Values that were under it already.
    pub current: u64,
    /// Values that no key of the ring opens: they stay as they are, and unreadable.
    pub unreadable: u64,
}

/// What became of one value.
enum Move {
    Moved,
    Current,
    Unreadable,
    Gone,
}

/// Why a rotation stopped. What was moved stays moved.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The store failed.
    #[error("could not read or write wrapped keys")]
    Store(#[source] PortError),
    /// The system gave no randomness.
    #[error("could not wrap a key")]
    Vault(#[source] PortError),
}

impl RotateKeys {
    /// The use case over its ports.
    pub fn new(custody: Arc<dyn Custody>, vault: Arc<dyn Vault>) -> Self {
        Self { custody, vault }
    }

    /// Walks over everything once. A host that has the new key only in its configuration may be running meanwhile: new
    /// values are under the newest key anyway, and a row that is changed meanwhile is read again.
    ///
    /// # Errors
    /// [`RotateError`]; call it again to go on.
    #[tracing::instrument(name = "privacy.rotate_keys", skip_all)]
    pub async fn rotate(&self) -> Result<Rotated, RotateError> {
        let mut rotated = Rotated::default();
        for kind in [WrappedKind::SubjectKey, WrappedKind::Job] {
            let mut after = None;
            loop {
                let batch = self
                    .custody
                    .wrapped(kind, after, BATCH)
                    .await
                    .map_err(RotateError::Store)?;
                let Some(last) = batch.last() else { break };
                after = Some(last.row);
                // Together, so that a store that groups commits syncs once for many.
                let moves = batch.into_iter().map(|wrapped| self.move_one(kind, wrapped));
                for outcome in join_all(moves).await {
                    match outcome? {
                        Move::Moved => rotated.moved += 1,
                        Move::Current => rotated.current += 1,
                        Move::Unreadable => rotated.unreadable += 1,
                        Move::Gone => {}
                    }
                }
            }
        }
        Ok(rotated)
    }

    async fn move_one(&self, kind: WrappedKind, wrapped: Wrapped) -> Result<Move, RotateError> {
        let row = wrapped.row;
        let mut wrapped = Some(wrapped);
        // The row may change between the look and the write; each change is another's finished work, so this ends.
        while let Some(found) = wrapped {
            match self.newest(kind, &found) {
                Ok(None) => return Ok(Move::Current),
                Ok(Some(new)) => {
                    if self
                        .custody
                        .rewrap(kind, &found, &new)
                        .await
                        .map_err(RotateError::Store)?
                    {
                        return Ok(Move::Moved);
                    }
                    wrapped = self.again(kind, row).await?;
                }
                Err(error) if error.kind() == PortErrorKind::Rejected => {
                    tracing::error!(%row, ?kind, "no key of the ring opens this value");
                    return Ok(Move::Unreadable);
                }
                Err(error) => return Err(RotateError::Vault(error)),
            }
        }
        // Erased or put away meanwhile.
        Ok(Move::Gone)
    }

    fn newest(&self, kind: WrappedKind, wrapped: &Wrapped) -> Result<Option<Vec<u8>>, PortError> {
        match kind {
            WrappedKind::SubjectKey => {
                let key = SubjectKey::from_bytes(wrapped.bytes.clone());
                let moved = self.vault.rewrap(ReporterId::from_uuid(wrapped.row), &key)?;
                Ok(moved.map(|key| key.as_bytes().to_vec()))
            }
            WrappedKind::Job => {
                let at = Place {
                    table: "jobs",
                    column: "payload",
                    row: wrapped.row,
                };
                let moved = self.vault.reseal(at, &Sealed::from_bytes(wrapped.bytes.clone()))?;
                Ok(moved.map(|sealed| sealed.as_bytes().to_vec()))
            }
        }
    }

    /// A row as it stands now: the first one after its predecessor.
    async fn again(&self, kind: WrappedKind, row: Uuid) -> Result<Option<Wrapped>, RotateError> {
        let before = row.as_u128().checked_sub(1).map(Uuid::from_u128);
        let found = self
            .custody
            .wrapped(kind, before, 1)
            .await
            .map_err(RotateError::Store)?;
        Ok(found.into_iter().next().filter(|wrapped| wrapped.row == row))
    }
}
