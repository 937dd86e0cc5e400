//! The ticket: one canonical report, its status machine, and what is known about it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    Channel, Confirmation, EnrichmentStatus, GroupId, Inference, Language, Priority, ReporterId, Scrubbed, Sealed,
    Suggestion, TicketId, TicketNumber, TicketType, Timestamp,
};

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketStatus {
    /// Nobody has looked yet.
    New,
    /// A person confirmed type and priority.
    Triaged,
    /// Somebody works on it.
    InProgress,
    /// The work is done; the reporter may not know yet.
    Resolved,
    /// Done, and the reporter was told.
    Closed,
    /// The same as another ticket.
    Duplicate,
    /// Not a report, or nothing will be done.
    Dismissed,
}

impl TicketStatus {
    /// All statuses, in the order of work.
    pub const ALL: [Self; 7] = [
        Self::New,
        Self::Triaged,
        Self::InProgress,
        Self::Resolved,
        Self::Closed,
        Self::Duplicate,
        Self::Dismissed,
    ];

    /// The name in storage and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Triaged => "triaged",
            Self::InProgress => "in_progress",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Duplicate => "duplicate",
            Self::Dismissed => "dismissed",
        }
    }

    /// The name that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Triaged => "Triaged",
            Self::InProgress => "In progress",
            Self::Resolved => "Resolved",
            Self::Closed => "Closed",
            Self::Duplicate => "Duplicate",
            Self::Dismissed => "Dismissed",
        }
    }

    /// True while a further message of the same person belongs to the ticket.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Triaged | Self::InProgress)
    }

    /// Whether a person or the hub may move a ticket from here to `to`. The tracker's word wins over this table
    /// (see [`Ticket::follow_tracker`]).
    pub const fn may_become(self, to: Self) -> bool {
        use TicketStatus::{Closed, Dismissed, Duplicate, InProgress, New, Resolved, Triaged};
        match (self, to) {
            (New, Triaged | InProgress | Resolved | Duplicate | Dismissed)
            | (Triaged, InProgress | Resolved | Duplicate | Dismissed)
            | (InProgress, Triaged | Resolved | Duplicate | Dismissed)
            | (Resolved, Closed | Triaged | InProgress)
            | (Closed | Duplicate | Dismissed, Triaged) => true,
            (New | Triaged | InProgress | Resolved | Closed | Duplicate | Dismissed, _) => false,
        }
    }
}

impl fmt::Display for TicketStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no ticket status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown ticket status: expected new, triaged, in_progress, resolved, closed, duplicate or dismissed")]
pub struct UnknownTicketStatus;

impl FromStr for TicketStatus {
    type Err = UnknownTicketStatus;

    fn from_str(text: &str) -> Result<Self, UnknownTicketStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownTicketStatus)
    }
}

/// A move that the status machine does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ticket cannot go from {from} to {to}")]
pub struct IllegalMove {
    /// Where it stands.
    pub from: TicketStatus,
    /// Where somebody wanted it.
    pub to: TicketStatus,
}

/// A report that storage has not numbered yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTicket {
    /// Id.
    pub id: TicketId,
    /// Channel of the first message.
    pub channel: Channel,
    /// Who reported.
    pub reporter: ReporterId,
    /// First sentence, scrubbed.
    pub title: Scrubbed,
    /// Text of the report, scrubbed.
    pub description: Scrubbed,
    /// Text as received, sealed under the reporter's key.
    pub original: Option<Sealed>,
    /// What the placeholders of title and description stand for, sealed under the reporter's key.
    pub placeholders: Option<Sealed>,
    /// Language of the report.
    pub language: Option<Language>,
    /// What the rules read.
    pub inferred: Inference,
    /// Kind: stated by a form or the API, else inferred.
    pub ticket_type: TicketType,
    /// Priority: stated by a form or the API, else inferred.
    pub priority: Priority,
    /// When the report was recorded.
    pub created_at: Timestamp,
}

/// One canonical report.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// Id.
    pub id: TicketId,
    /// The short number that people say.
    pub number: TicketNumber,
    /// Channel of the first message.
    pub channel: Channel,
    /// Who reported.
    pub reporter: ReporterId,
    /// Short text for lists, scrubbed.
    pub title: Scrubbed,
    /// Text of the report, scrubbed.
    pub description: Scrubbed,
    /// Text as received, sealed under the reporter's key; `None` once purged or erased.
    pub original: Option<Sealed>,
    /// What the placeholders stand for, sealed under the reporter's key; `None` where there are none.
    pub placeholders: Option<Sealed>,
    /// Language of the report.
    pub language: Option<Language>,
    /// Where it stands.
    pub status: TicketStatus,
    /// Kind that holds now: confirmed, else stated or inferred.
    pub ticket_type: TicketType,
    /// Priority that holds now: confirmed, else stated or inferred.
    pub priority: Priority,
    /// What the rules read, with reasons.
    pub inferred: Inference,
    /// What AI suggested.
    pub suggestion: Option<Suggestion>,
    /// How far AI has come.
    pub enrichment: EnrichmentStatus,
    /// What a person confirmed.
    pub confirmation: Option<Confirmation>,
    /// Group of tickets about the same thing.
    pub group: Option<GroupId>,
    /// The engineers' sprint, as the tracker names it.
    pub sprint: Option<String>,
    /// The tracker's page.
    pub page: Option<TrackerPage>,
    /// How often the work was done: 1 at the first resolution. A draft belongs to one resolution.
    pub resolutions: u32,
    /// When it was last resolved.
    pub resolved_at: Option<Timestamp>,
    /// Recorded.
    pub created_at: Timestamp,
    /// Last changed.
    pub updated_at: Timestamp,
    /// Version that was loaded; an update names it, and storage raises it.
    pub version: u32,
}

/// Where a page stands on the engineers' board, whatever its columns are called there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackerStatus {
    /// Nobody works on it.
    ToDo,
    /// Somebody works on it.
    InProgress,
    /// The work is done.
    Done,
}

/// The ticket's page in the engineers' tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackerPage {
    /// The tracker's id of the page.
    pub id: String,
    /// Where a person opens it.
    pub url: Option<String>,
    /// Digest of what we last wrote there: our own echo is known by it.
    pub pushed_digest: Option<String>,
    /// When we last wrote.
    pub pushed_at: Option<Timestamp>,
    /// Where the page stood when the hub last looked or wrote: only a change from this is a move.
    pub seen_status: Option<TrackerStatus>,
}

impl NewTicket {
    /// The ticket under the number that storage gave it.
    pub fn numbered(self, number: TicketNumber) -> Ticket {
        Ticket {
            id: self.id,
            number,
            channel: self.channel,
            reporter: self.reporter,
            title: self.title,
            description: self.description,
            original: self.original,
            placeholders: self.placeholders,
            language: self.language,
            status: TicketStatus::New,
            ticket_type: self.ticket_type,
            priority: self.priority,
            inferred: self.inferred,
            suggestion: None,
            enrichment: EnrichmentStatus::Pending,
            confirmation: None,
            group: None,
            sprint: None,
            page: None,
            resolutions: 0,
            resolved_at: None,
            created_at: self.created_at,
            updated_at: self.created_at,
            version: 1,
        }
    }
}

impl Ticket {
    /// Moves the ticket as a person or the hub may.
    ///
    /// # Errors
    /// [`IllegalMove`] where the status machine does not know the move; the ticket is unchanged.
    pub fn move_to(&mut self, to: TicketStatus, now: Timestamp) -> Result<(), IllegalMove> {
        if !self.status.may_become(to) {
            return Err(IllegalMove { from: self.status, to });
        }
        self.enter(to, now);
        Ok(())
    }

    /// Moves the ticket where the tracker has it, whatever the table says: the engineers' word wins. True if it moved.
    pub fn follow_tracker(&mut self, to: TicketStatus, now: Timestamp) -> bool {
        // What the hub knows beyond the tracker stays: a closed ticket is still "done" there.
        let same = self.status == to || (self.status == TicketStatus::Closed && to == TicketStatus::Resolved);
        if same {
            return false;
        }
        self.enter(to, now);
        true
    }

    /// Takes back that the ticket is a duplicate: it stands where it stood. False if it stands elsewhere by now.
    pub fn unmerge(&mut self, to: TicketStatus, now: Timestamp) -> bool {
        if self.status != TicketStatus::Duplicate || !to.may_become(TicketStatus::Duplicate) {
            return false;
        }
        self.status = to;
        self.updated_at = now;
        true
    }

    fn enter(&mut self, to: TicketStatus, now: Timestamp) {
        if to == TicketStatus::Resolved {
            self.resolutions += 1;
            self.resolved_at = Some(now);
        }
        self.status = to;
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reopening_goes_back_to_triaged_and_a_decided_ticket_moves_nowhere_else() {
        for from in [TicketStatus::Closed, TicketStatus::Duplicate, TicketStatus::Dismissed] {
            for to in TicketStatus::ALL {
                assert_eq!(from.may_become(to), to == TicketStatus::Triaged, "{from} to {to}");
            }
        }
    }

    #[test]
    fn no_status_becomes_itself_and_none_becomes_new() {
        for from in TicketStatus::ALL {
            assert!(!from.may_become(from));
            assert!(!from.may_become(TicketStatus::New));
        }
    }
}
