use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::PortError;
use crate::domain::{Ticket, Timestamp};

/// Finds the tickets whose vectors are nearest to one: those that a new report may repeat.
///
/// # What an implementer guarantees
/// - *Alike:* the nearest come first. Of the tickets that an exact scan finds, few are missed (none, where there are a few
///   thousand), and a cosine is within 0.01 of the exact one.
/// - *Fresh:* a ticket's first vector is found by every call that begins after its commit, whichever host made that. One
///   that took another's place may be compared by the old values for up to an hour.
/// - *Gone is gone:* a ticket that was erased or purged before the call is not found.
/// - *Of one model:* vectors of another model, and vectors of another length, are not compared. A vector without content
///   is near nothing, and nothing is near it.
/// - *Bounded*, *silent:* as [`Storage`](super::Storage), whose rows are searched.
///
/// Prove it with [`testing::conformance::nearest_tickets`](crate::testing::conformance::nearest_tickets).
#[async_trait]
pub trait NearestTickets: fmt::Debug + Send + Sync + 'static {
    /// The nearest tickets with content, nearest first, at most `query.limit`.
    ///
    /// # Errors
    /// As a look-up of [`Storage`](super::Storage).
    async fn nearest(&self, query: &NearestQuery) -> Result<Vec<NearTicket>, PortError>;
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct NearestQuery {
    /// Embedder name and version.
    pub model: String,
    /// The vector whose neighbours are wanted.
    pub values: Vec<f32>,
    /// Only tickets that were recorded then or later.
    pub since: Timestamp,
    /// At most so many.
    pub limit: usize,
}

/// A ticket that was found, as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct NearTicket {
    /// The ticket.
    pub ticket: Ticket,
    /// How near its vector is, -1 to 1.
    pub cosine: f32,
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: NearestTickets + ?Sized> NearestTickets for $wrapper<T> {
            async fn nearest(&self, query: &NearestQuery) -> Result<Vec<NearTicket>, PortError> {
                (**self).nearest(query).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
