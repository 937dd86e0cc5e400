use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use super::PortError;
use crate::domain::{ChainHash, Erasure, JobId, TicketEvent, TicketId, TicketNumber, Timestamp};

/// What is wrapped or sealed by the hub's own key ring, and so has to be wrapped anew when a key goes. Everything else
/// is sealed under a reporter's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WrappedKind {
    /// Keys of reporters.
    SubjectKey,
    /// What jobs keep sealed in their payloads: bodies of deliveries that could not be read, and who asked for a message to
    /// be fetched.
    Job,
}

/// Bytes that the hub's key ring made.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The reporter, or the job.
    pub row: Uuid,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Wrapped {
    /// What a job keeps sealed, out of its payload; `None` for payloads that keep nothing so. Rows with something have the
    /// job kinds `unparsed` and `fetch_message`. For adapters of [`Custody`], which all keep payloads as text.
    pub fn of_job(job: JobId, payload: &str) -> Option<Self> {
        let payload: Value = serde_json::from_str(payload).ok()?;
        let field = match payload["kind"].as_str()? {
            "replay_delivery" => "body",
            "fetch_message" => "asked_by",
            _ => return None,
        };
        Some(Self {
            row: *job.as_uuid(),
            bytes: hex::decode(payload[field].as_str()?).ok()?,
        })
    }

    /// The payload with `new` in place of these bytes; `None` where others stand there by now. Nothing else of it
    /// changes, whatever a newer program wrote there.
    pub fn replaced_in_job(&self, payload: &str, new: &[u8]) -> Option<String> {
        let stored = Self::of_job(JobId::from_uuid(self.row), payload)?;
        (stored.bytes == self.bytes).then(|| payload.replace(&hex::encode(&self.bytes), &hex::encode(new)))
    }
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wrapped({}, {} bytes)", self.row, self.bytes.len())
    }
}

/// What retention removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expired {
    /// Payloads of messages received before the time, sealed and redacted; text and ids stay.
    RawPayloads,
    /// Content of tickets that were closed, dismissed or marked as duplicates and last changed before the time, of their
    /// messages, the evidence of their pairs, the titles of their groups, and their vectors. What says what happened stays.
    ClosedTickets,
    /// Sessions that ran out before the time.
    Sessions,
    /// Sign-in links that ran out before the time.
    SignInLinks,
    /// Calls of our API that were remembered before the time.
    RememberedCalls,
    /// Jobs that were done or put away before the time.
    FinishedJobs,
}

impl Expired {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::RawPayloads,
        Self::ClosedTickets,
        Self::Sessions,
        Self::SignInLinks,
        Self::RememberedCalls,
        Self::FinishedJobs,
    ];
}

/// A ticket's whole timeline with its chain, as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// The ticket.
    pub ticket: TicketId,
    /// Its number.
    pub number: TicketNumber,
    /// Events in the order of commit, each with its stored hash.
    pub events: Vec<(TicketEvent, ChainHash)>,
}

/// What the keepers of a store do over all its rows: rotate keys, keep to retention, prove the timelines.
///
/// # What an implementer guarantees
/// - *Resumable:* walks are by key, in rising order; a caller that stopped goes on after the last row that it saw.
/// - *Fenced:* `rewrap` changes only bytes that are still what the caller read, and raises the version of the row, so that
///   an update made from the old row conflicts and cannot bring the old bytes back.
/// - *Bounded:* no call touches more than `limit` rows (tickets count with their messages).
/// - *Gone:* after [`settle_erasures`](Custody::settle_erasures) no byte of what was erased or purged before the call is
///   left in the store's files (database, log, full-text index), as far as the engine lets an adapter see to it.
/// - *Durable, cancel safe, silent:* as [`Storage`](super::Storage).
///
/// Prove it with [`testing::conformance::custody`](crate::testing::conformance::custody).
#[async_trait]
pub trait Custody: fmt::Debug + Send + Sync + 'static {
    /// Up to `limit` wrapped values of a kind, in the order of their rows, after `after`.
    ///
    /// # Errors
    /// `Unavailable`, as all here.
    async fn wrapped(&self, kind: WrappedKind, after: Option<Uuid>, limit: usize) -> Result<Vec<Wrapped>, PortError>;

    /// Puts `new` where `old.bytes` still stands. False if it does not: read the row again.
    async fn rewrap(&self, kind: WrappedKind, old: &Wrapped, new: &[u8]) -> Result<bool, PortError>;

    /// Removes what expired before a time; how many rows were changed. Fewer than `limit` means that none is left.
    async fn purge(&self, what: Expired, before: Timestamp, limit: usize) -> Result<u64, PortError>;

    /// Everybody who was erased, oldest first.
    async fn erasures(&self) -> Result<Vec<Erasure>, PortError>;

    /// Sees to it that what was erased or purged is gone from the files, too.
    async fn settle_erasures(&self) -> Result<(), PortError>;

    /// Up to `limit` timelines, in the order of ticket numbers, after `after`.
    async fn timelines(&self, after: Option<TicketNumber>, limit: usize) -> Result<Vec<Timeline>, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: Custody + ?Sized> Custody for $wrapper<T> {
            async fn wrapped(
                &self,
                kind: WrappedKind,
                after: Option<Uuid>,
                limit: usize,
            ) -> Result<Vec<Wrapped>, PortError> {
                (**self).wrapped(kind, after, limit).await
            }

            async fn rewrap(&self, kind: WrappedKind, old: &Wrapped, new: &[u8]) -> Result<bool, PortError> {
                (**self).rewrap(kind, old, new).await
            }

            async fn purge(&self, what: Expired, before: Timestamp, limit: usize) -> Result<u64, PortError> {
                (**self).purge(what, before, limit).await
            }

            async fn erasures(&self) -> Result<Vec<Erasure>, PortError> {
                (**self).erasures().await
            }

            async fn settle_erasures(&self) -> Result<(), PortError> {
                (**self).settle_erasures().await
            }

            async fn timelines(&self, after: Option<TicketNumber>, limit: usize) -> Result<Vec<Timeline>, PortError> {
                (**self).timelines(after, limit).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
