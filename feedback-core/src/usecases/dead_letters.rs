//! What gave up: a person retries it or puts it away. Nothing is dropped.

use std::sync::Arc;

use crate::{
    domain::{JobId, UserId},
    ports::{Clock, JobQueue, PortError, Queries},
};

/// Retries and discards dead letters.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    queue: Arc<dyn JobQueue>,
    queries: Arc<dyn Queries>,
    clock: Arc<dyn Clock>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// There is no such dead letter: retried or put away by somebody else.
    #[error("dead letter does not exist")]
    NotFound,
    /// The queue failed.
    #[error("could not change the dead letter")]
    Queue(#[source] PortError),
}

impl DeadLetters {
    /// The use case over its ports.
    pub fn new(queue: Arc<dyn JobQueue>, queries: Arc<dyn Queries>, clock: Arc<dyn Clock>) -> Self {
        Self { queue, queries, clock }
    }

    /// Tries a dead letter again, from attempt one.
    ///
    /// # Errors
    /// [`DeadLetterError`]; nothing changed.
    pub async fn retry(&self, id: JobId, by: UserId) -> Result<(), DeadLetterError> {
        self.audit(id, by, "retry").await?;
        self.found(self.queue.revive(id, self.clock.now()).await)
    }

    /// Puts a dead letter away.
    ///
    /// # Errors
    /// [`DeadLetterError`]; nothing changed.
    pub async fn discard(&self, id: JobId, by: UserId) -> Result<(), DeadLetterError> {
        self.audit(id, by, "discard").await?;
        self.found(self.queue.discard(id, self.clock.now()).await)
    }

    async fn audit(&self, id: JobId, by: UserId, action: &str) -> Result<(), DeadLetterError> {
        let letter = self.queries.dead_letter(id).await.map_err(DeadLetterError::Queue)?;
        let letter = letter.ok_or(DeadLetterError::NotFound)?;
        tracing::info!(job.id = %id, job.kind = %letter.job.kind, user.id = %by, action, "a person decided on a dead letter");
        Ok(())
    }

    fn found(&self, result: Result<bool, PortError>) -> Result<(), DeadLetterError> {
        match result {
            Ok(true) => Ok(()),
            Ok(false) => Err(DeadLetterError::NotFound),
            Err(error) => Err(DeadLetterError::Queue(error)),
        }
    }
}
