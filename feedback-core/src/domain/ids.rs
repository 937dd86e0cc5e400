//! Identifiers: each kind of thing has a type of its own, so that a ticket's id cannot stand where a reporter's is meant.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text given is not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not read {kind} id: not a UUID")]
pub struct InvalidId {
    kind: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident => $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that came from an [`IdSource`](crate::ports::IdSource) or from storage.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself, for storage.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId { kind: $kind })
            }
        }
    )*};
}

ids! {
    /// One canonical report.
    TicketId => "ticket";
    /// One inbound message that belongs to a ticket.
    SourceId => "ticket source";
    /// One entry of a ticket's timeline.
    EventId => "event";
    /// One person over all channels.
    ReporterId => "reporter";
    /// One address of a reporter on one channel.
    IdentityId => "identity";
    /// Why two identities are one person.
    IdentityLinkId => "identity link";
    /// Tickets about the same thing.
    GroupId => "group";
    /// A suspected or confirmed duplicate pair.
    TicketLinkId => "ticket link";
    /// The words that a reviewer approves.
    ChangelogEntryId => "changelog entry";
    /// One delivery of approved words to one identity.
    NotificationId => "notification";
    /// One try of a notification.
    AttemptId => "attempt";
    /// A file that came with a message.
    AttachmentId => "attachment";
    /// One piece of queued work.
    JobId => "job";
    /// The right to run a job for a while.
    LeaseToken => "lease";
    /// A person who reviews.
    UserId => "user";
    /// A bearer token for the API.
    ApiTokenId => "API token";
}

/// The short number of a ticket that people say aloud: `#1042`. Storage hands them out, in order of commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketNumber(u64);

impl TicketNumber {
    /// The number of the first ticket of a new hub: four digits from the start, so that columns do not jump.
    pub const FIRST: Self = Self(1001);

    /// Wraps a number that came from storage or from a person.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The bare number.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = TicketId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("#1042", TicketNumber::new(1042).to_string());
    }

    #[test]
    fn what_is_no_uuid_is_refused_with_the_kind_named() {
        let error = "1042".parse::<TicketId>().unwrap_err();
        assert_eq!(error.to_string(), "could not read ticket id: not a UUID");
    }
}
