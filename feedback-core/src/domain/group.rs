//! Tickets about the same thing: groups, and pairs that look alike.

use serde::{Deserialize, Serialize};

use super::{GroupId, Scrubbed, TicketId, TicketLinkId, Timestamp, UserId};

/// Tickets that are resolved together; the primary one speaks for them.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketGroup {
    /// Id.
    pub id: GroupId,
    /// What it is about.
    pub title: Scrubbed,
    /// The ticket whose reporter hears first.
    pub primary: TicketId,
    /// When it was made.
    pub created_at: Timestamp,
    /// Version that was loaded; an update names it.
    pub version: u32,
}

/// What a person made of a suggested pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStatus {
    /// Nobody has decided.
    Suggested,
    /// It is the same report.
    Accepted,
    /// It is not, and is never suggested again.
    Dismissed,
}

impl LinkStatus {
    /// The name in storage and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suggested => "suggested",
            Self::Accepted => "accepted",
            Self::Dismissed => "dismissed",
        }
    }
}

/// A pair of tickets that look alike. Unique for a pair, whichever way round.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketLink {
    /// Id.
    pub id: TicketLinkId,
    /// The newer ticket.
    pub ticket: TicketId,
    /// The older one that it may repeat.
    pub original: TicketId,
    /// How likely they are the same, 0 to 1.
    pub score: f32,
    /// The words that made it likely, from scrubbed text.
    pub evidence: Vec<String>,
    /// What a person made of it.
    pub status: LinkStatus,
    /// Who decided, and when.
    pub decided: Option<(UserId, Timestamp)>,
    /// When it was suggested.
    pub created_at: Timestamp,
}

/// A ticket's text as a vector. Vectors of two models are never compared.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketVector {
    /// The ticket.
    pub ticket: TicketId,
    /// Embedder name and version.
    pub model: String,
    /// The vector, of unit length.
    pub values: Vec<f32>,
    /// When the ticket was recorded: the window of duplicates is a window of these.
    pub ticket_created_at: Timestamp,
}
