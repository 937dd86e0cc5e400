use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::PortError;
use crate::domain::{Priority, Scrubbed, TicketId, TicketNumber, TicketType, Timestamp, TrackerPage, TrackerStatus};

/// A ticket as the tracker shows it. Scrubbed: the tracker is outside.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedTicket {
    /// The hub's id, kept on the page: a page is found by it after an unclear answer.
    pub id: TicketId,
    /// The number that people say.
    pub number: TicketNumber,
    /// Title.
    pub title: Scrubbed,
    /// Body of the page, written once when the page is made.
    pub description: Scrubbed,
    /// Kind.
    pub ticket_type: TicketType,
    /// Priority.
    pub priority: Priority,
    /// Name of the channel.
    pub source: String,
    /// Who reported, as the hub names them to the engineers; never a real name.
    pub reporter: String,
    /// Where the ticket is seen in the hub.
    pub link: Option<String>,
    /// The status to set; `None` leaves it: the engineers' word on it wins.
    pub status: Option<TrackerStatus>,
    /// The page, where there is one.
    pub page: Option<TrackerPage>,
}

/// What a page says now.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackerUpdate {
    /// The tracker's id of the page.
    pub page_id: String,
    /// The hub's id on it, where a person has not removed it.
    pub ticket: Option<TicketId>,
    /// Status; `None` where it has none or one that cannot be mapped.
    pub status: Option<TrackerStatus>,
    /// The status's own name.
    pub status_name: Option<String>,
    /// Priority, where it is one of ours.
    pub priority: Option<Priority>,
    /// Type, where it is one of ours.
    pub ticket_type: Option<TicketType>,
    /// Sprint.
    pub sprint: Option<String>,
    /// Last edit, in the tracker's precision.
    pub edited_at: Timestamp,
    /// Whether the last edit was ours.
    pub edited_by_us: bool,
}

/// Pages that may have changed.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackerChanges {
    /// The pages, in the order of edits. A page may come again unchanged: compare before acting.
    pub updates: Vec<TrackerUpdate>,
    /// Where the next poll begins. Keep it in the commit that holds this one's effects.
    pub cursor: String,
}

/// Keeps the engineers' tracker in step with our tickets.
///
/// # What an implementer guarantees
/// - *Idempotent:* the same ticket twice, or again after an unclear answer, leaves one page and gives the same id.
/// - *Durable:* `Ok` means that the tracker has stored it, not that it was sent.
/// - *Complete:* each edit is in some answer of `changes_since` before the cursor passes it, at least once.
/// - *Cancel safe:* a dropped future may have acted; calling again converges. Nothing is lost or doubled.
/// - *Bounded:* every call ends within the adapter's time limit; `NotSent` if nothing left, `Unknown` if no answer came.
/// - *Silent:* no secret and no reporter's text in errors, spans or `Debug`.
///
/// Prove it with [`testing::conformance::tracker`](crate::testing::conformance::tracker).
#[async_trait]
pub trait Tracker: fmt::Debug + Send + Sync + 'static {
    /// Creates the ticket's page, or brings it up to date.
    ///
    /// # Errors
    /// `Conflict` if a person changed the page at the same moment; `NotFound` if it was deleted there: create it anew.
    async fn upsert_page(&self, ticket: &TrackedTicket) -> Result<TrackerPage, PortError>;

    /// Pages that changed since a poll, `None` for all from `start` on.
    ///
    /// # Errors
    /// `RateLimited`, `Unauthorized`, `Unavailable`, `NotSent`, `Unknown`; the cursor stays where it was.
    async fn changes_since(&self, cursor: Option<&str>, start: Timestamp) -> Result<TrackerChanges, PortError>;

    /// What the engineers wrote on the page about the solution, as plain text; empty where there is nothing.
    ///
    /// # Errors
    /// `NotFound` if the page was deleted there.
    async fn resolution_notes(&self, page_id: &str) -> Result<String, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: Tracker + ?Sized> Tracker for $wrapper<T> {
            async fn upsert_page(&self, ticket: &TrackedTicket) -> Result<TrackerPage, PortError> {
                (**self).upsert_page(ticket).await
            }

            async fn changes_since(&self, cursor: Option<&str>, start: Timestamp) -> Result<TrackerChanges, PortError> {
                (**self).changes_since(cursor, start).await
            }

            async fn resolution_notes(&self, page_id: &str) -> Result<String, PortError> {
                (**self).resolution_notes(page_id).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
