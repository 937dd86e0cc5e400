//! Whose shift it is: periodic work has one host at a time, whatever the number of hosts on a store.
//!
//! A shift is a leased row: a cursor that names the job which has the shift and until when. Its version makes one taker the
//! only one, so any store that keeps the promise of versioned cursors can be shared.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::{Change, JobId, SyncCursor, Timestamp, Write},
    ports::{Clock, PortError, Storage},
};

/// Gives shifts.
#[derive(Debug, Clone)]
pub struct Shifts {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
}

/// What came of asking for a shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shift {
    /// It is the caller's: give it back when the work is done. One that is not given back lapses.
    Ours(HeldShift),
    /// Another job has it, until then at the latest.
    Taken {
        /// When it lapses.
        until: Timestamp,
    },
}

/// A shift that the caller has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldShift(SyncCursor);

/// Who has a shift, as the row says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holder {
    job: JobId,
    until: Timestamp,
}

impl Shifts {
    /// The use case over its ports.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self { storage, clock }
    }

    /// Takes the shift of `name` for a job, for at most `hold`. The job that has it already keeps it: it is run again after
    /// its host died.
    ///
    /// # Errors
    /// As [`Storage::commit`], but that losing against another taker is [`Shift::Taken`].
    pub async fn take(&self, name: &str, job: JobId, hold: Duration) -> Result<Shift, PortError> {
        let row = format!("shift:{name}");
        let now = self.clock.now();
        let known = self.storage.cursor(&row).await?;
        let holder = known.as_ref().and_then(|cursor| Holder::read(&cursor.value));
        if let Some(holder) = holder.filter(|holder| holder.job != job && holder.until > now) {
            return Ok(Shift::Taken { until: holder.until });
        }
        let until = now.plus(hold);
        let mut cursor = SyncCursor {
            name: row,
            value: Holder { job, until }.write(),
            updated_at: now,
            version: known.map_or(0, |cursor| cursor.version),
        };
        match self.put(cursor.clone()).await {
            Ok(()) => {
                cursor.version += 1;
                Ok(Shift::Ours(HeldShift(cursor)))
            }
            // Another host was faster.
            Err(error) if error.is_conflict() => Ok(Shift::Taken { until }),
            Err(error) => Err(error),
        }
    }

    /// Lets the next one begin at once. A shift that lapsed and was taken stays with whoever has it now.
    ///
    /// # Errors
    /// As [`Storage::commit`]; the shift lapses by itself then.
    pub async fn give_back(&self, held: HeldShift) -> Result<(), PortError> {
        let free = SyncCursor {
            value: String::new(),
            updated_at: self.clock.now(),
            ..held.0
        };
        match self.put(free).await {
            Err(error) if !error.is_conflict() => Err(error),
            _ => Ok(()),
        }
    }

    async fn put(&self, cursor: SyncCursor) -> Result<(), PortError> {
        let change = Change::new().with(Write::PutCursor(cursor));
        self.storage.commit(change).await.map(|_| ())
    }
}

impl Holder {
    fn write(self) -> String {
        format!("{} {}", self.job, self.until.unix_micros())
    }

    /// `None` for a shift that was given back, and for what no version of ours wrote: nobody waits for that.
    fn read(value: &str) -> Option<Self> {
        let (job, until) = value.split_once(' ')?;
        Some(Self {
            job: job.parse().ok()?,
            until: Timestamp::from_unix_micros(until.parse().ok()?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_holder_reads_as_it_was_written() {
        let holder = Holder {
            job: JobId::from_uuid(Uuid::from_u128(7)),
            until: Timestamp::from_unix_seconds(1_767_225_600).unwrap(),
        };
        assert_eq!(Holder::read(&holder.write()), Some(holder));
        for other in ["", "somebody", "somebody 5", "0 0"] {
            assert_eq!(Holder::read(other), None, "{other:?}");
        }
    }
}
