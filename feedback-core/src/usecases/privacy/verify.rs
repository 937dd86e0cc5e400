//! Whether the timelines are as they were written: each event is hashed with the hash of the one before.

use std::sync::Arc;

use crate::{
    domain::{ChainHash, EventId, EventKind, TicketNumber, Timestamp},
    ports::{Custody, PortError, Timeline},
};

/// Timelines of one look.
const BATCH: usize = 200;

/// Proves timelines.
#[derive(Debug, Clone)]
pub struct VerifyTimelines {
    custody: Arc<dyn Custody>,
}

/// What was proved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Tickets whose timelines were read.
    pub tickets: u64,
    /// Events that were hashed.
    pub events: u64,
    /// The first event of each timeline that is not as it was written; nothing after it can be trusted.
    pub broken: Vec<Broken>,
}

/// Where a timeline breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The ticket.
    pub ticket: TicketNumber,
    /// Place in the timeline, from 1.
    pub position: usize,
    /// The event.
    pub event: EventId,
    /// What it says happened.
    pub kind: EventKind,
    /// When it says that it happened.
    pub at: Timestamp,
}

/// Why nothing was proved.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store failed.
    #[error("could not read the timelines")]
    Store(#[source] PortError),
}

impl VerifyTimelines {
    /// The use case over its port.
    pub fn new(custody: Arc<dyn Custody>) -> Self {
        Self { custody }
    }

    /// Reads every timeline. A line that was changed, taken out or put in between breaks its chain; one that was cut off
    /// at its end does not, which only a copy of the last hashes elsewhere would show.
    ///
    /// # Errors
    /// [`VerifyError`].
    #[tracing::instrument(name = "privacy.verify", skip_all)]
    pub async fn verify(&self) -> Result<Verified, VerifyError> {
        let mut verified = Verified::default();
        let mut after = None;
        loop {
            let batch = self.custody.timelines(after, BATCH).await.map_err(VerifyError::Store)?;
            let Some(last) = batch.last() else { return Ok(verified) };
            after = Some(last.number);
            for timeline in &batch {
                verified.tickets += 1;
                verified.events += timeline.events.len() as u64;
                verified.broken.extend(first_broken(timeline));
            }
        }
    }
}

/// Pure: the first event whose hash is not that of itself and its predecessor.
fn first_broken(timeline: &Timeline) -> Option<Broken> {
    let mut previous: Option<ChainHash> = None;
    for (index, (event, hash)) in timeline.events.iter().enumerate() {
        if event.chained(previous) != *hash {
            return Some(Broken {
                ticket: timeline.number,
                position: index + 1,
                event: event.id,
                kind: event.kind,
                at: event.at,
            });
        }
        previous = Some(*hash);
    }
    None
}
