//! The timeline: what happened to a ticket, append-only, hash-chained. Events hold no customer text: they name
//! sources, entries and notifications, so that the chain still verifies after an erasure.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{EventId, ReporterId, TicketId, Timestamp, UserId};

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What can happen to a ticket.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name in storage and in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

event_kinds! {
    /// The first message made the ticket.
    Received = "received",
    /// The reporter got the operator's fixed receipt, which begins the thread to answer in.
    ReceiptSent = "receipt_sent",
    /// A further message was added.
    MessageReceived = "message_received",
    /// A message came again under the same id with another body; the first stands.
    ConflictingDelivery = "conflicting_delivery",
    /// The author changed a message.
    MessageEdited = "message_edited",
    /// The author or a moderator deleted a message.
    MessageDeleted = "message_deleted",
    /// A file of a message is kept.
    AttachmentStored = "attachment_stored",
    /// A file of a message is not kept, for safety.
    AttachmentRefused = "attachment_refused",
    /// A file of a message could not be had.
    AttachmentFailed = "attachment_failed",
    /// A delivery that waited for the person's next message goes on.
    DeliveryResumed = "delivery_resumed",
    /// What was approved waited too long to be sent without being read again.
    ReturnedToReview = "returned_to_review",
    /// AI suggested type, priority and a summary.
    Enriched = "enriched",
    /// AI gave nothing usable.
    EnrichmentFailed = "enrichment_failed",
    /// A person confirmed type and priority.
    Confirmed = "confirmed",
    /// A person changed title or status.
    Updated = "updated",
    /// The tracker's page was created or brought up to date.
    Synced = "synced",
    /// The tracker refused or lost the page.
    SyncFailed = "sync_failed",
    /// The engineers moved the page.
    MovedInTracker = "moved_in_tracker",
    /// The work is done.
    Resolved = "resolved",
    /// The work was not done after all.
    Reopened = "reopened",
    /// Done, and the reporter was told.
    Closed = "closed",
    /// Nothing will be done.
    Dismissed = "dismissed",
    /// Another ticket looks like the same report.
    DuplicateSuggested = "duplicate_suggested",
    /// A person accepted or dismissed that.
    DuplicateDecided = "duplicate_decided",
    /// The ticket went up in another, or took another in.
    Merged = "merged",
    /// The ticket joined or left a group.
    Grouped = "grouped",
    /// A draft for the reporter was written.
    Drafted = "drafted",
    /// A reviewer changed the draft.
    DraftEdited = "draft_edited",
    /// A reviewer approved the draft.
    Approved = "approved",
    /// A reviewer rejected the draft.
    Rejected = "rejected",
    /// A draft or approval was withdrawn since the ticket moved on.
    Withdrawn = "withdrawn",
    /// The provider took the message.
    Sent = "sent",
    /// The message reached the person's device.
    Delivered = "delivered",
    /// The person read it.
    Read = "read",
    /// A delivery failed.
    DeliveryFailed = "delivery_failed",
    /// The channel does not allow a message now; a person can follow up.
    ChannelRestricted = "channel_restricted",
    /// Nobody knows whether the message arrived; a person decides.
    DeliveryAmbiguous = "delivery_ambiguous",
    /// A person said what happened to an ambiguous delivery, or asked for another try.
    DeliveryDecided = "delivery_decided",
    /// The reporter answered the message with thanks.
    ThanksReceived = "thanks_received",
    /// The reporter answered the message with a question: somebody should answer it.
    QuestionReceived = "question_received",
    /// The reporter answered with another matter, which is a ticket of its own.
    WentOnElsewhere = "went_on_elsewhere",
    /// The reporter said at the provider whether they want marketing messages, which the hub does not send.
    PreferenceNoted = "preference_noted",
    /// The reporter was recognised on another channel.
    ReporterLinked = "reporter_linked",
    /// The reporter asked not to be written to.
    OptedOut = "opted_out",
    /// The reporter wants to be written to again.
    OptedIn = "opted_in",
    /// The reporter was erased; what was sealed under their key is gone.
    Erased = "erased",
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The hub itself, by a rule or a job.
    Hub,
    /// A reviewer.
    User(UserId),
    /// The person who reported.
    Reporter(ReporterId),
    /// An AI provider.
    Ai,
    /// The engineers, through the tracker.
    Tracker,
    /// The channel's provider, by a status report.
    Provider,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub => f.write_str("hub"),
            Self::User(id) => write!(f, "user:{id}"),
            Self::Reporter(id) => write!(f, "reporter:{id}"),
            Self::Ai => f.write_str("ai"),
            Self::Tracker => f.write_str("tracker"),
            Self::Provider => f.write_str("provider"),
        }
    }
}

impl FromStr for Actor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            None => match text {
                "hub" => Ok(Self::Hub),
                "ai" => Ok(Self::Ai),
                "tracker" => Ok(Self::Tracker),
                "provider" => Ok(Self::Provider),
                _ => Err(()),
            },
            Some(("user", id)) => id.parse().map(Self::User).map_err(|_| ()),
            Some(("reporter", id)) => id.parse().map(Self::Reporter).map_err(|_| ()),
            Some(_) => Err(()),
        }
    }
}

/// One entry of a ticket's timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketEvent {
    /// Id.
    pub id: EventId,
    /// Whose timeline.
    pub ticket: TicketId,
    /// What happened.
    pub kind: EventKind,
    /// Who did it.
    pub actor: Actor,
    /// Details, without customer text: ids, codes, old and new values.
    pub data: Value,
    /// When.
    pub at: Timestamp,
}

/// The link of one event to all before it on the same timeline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// Wraps a hash that storage kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash, for storage.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl TicketEvent {
    /// The event's link in its ticket's chain, `previous` being that of the event before; `None` for the first.
    /// Each part is preceded by its length, so that no two different events give the same bytes.
    pub fn chained(&self, previous: Option<ChainHash>) -> ChainHash {
        let mut digest = Sha256::new();
        let mut part = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        part(previous.as_ref().map_or(&[][..], |hash| hash.as_bytes()));
        part(self.id.as_uuid().as_bytes());
        part(self.ticket.as_uuid().as_bytes());
        part(self.kind.as_str().as_bytes());
        part(self.actor.to_string().as_bytes());
        part(canonical_json(&self.data).to_string().as_bytes());
        part(&self.at.unix_micros().to_be_bytes());
        ChainHash(digest.finalize().into())
    }
}

/// The same value with sorted object keys, all the way down. serde_json keeps them sorted by itself only as long as no
/// crate in an embedder's graph turns on `preserve_order`; a hash that is stored must not depend on that.
pub fn canonical_json(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, Value> = members
                .iter()
                .map(|(key, value)| (key, canonical_json(value)))
                .collect();
            sorted.into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(canonical_json).collect(),
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn event(kind: EventKind) -> TicketEvent {
        TicketEvent {
            id: EventId::from_uuid(Uuid::from_u128(1)),
            ticket: TicketId::from_uuid(Uuid::from_u128(2)),
            kind,
            actor: Actor::Hub,
            data: json!({"b": 1, "a": 2}),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_link_depends_on_the_event_and_on_everything_before_it() {
        let first = event(EventKind::Received).chained(None);
        assert_eq!(first, event(EventKind::Received).chained(None));
        assert_ne!(first, event(EventKind::Closed).chained(None));
        assert_ne!(first, event(EventKind::Received).chained(Some(first)));
    }

    #[test]
    fn details_hash_alike_after_a_round_trip_through_storage() {
        let mut stored = event(EventKind::Received);
        stored.data = serde_json::from_str(r#"{"a":2,"b":1}"#).unwrap();
        assert_eq!(stored.chained(None), event(EventKind::Received).chained(None));
    }

    #[test]
    fn kinds_and_actors_survive_their_names() {
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        let actor = Actor::User(UserId::from_uuid(Uuid::from_u128(3)));
        assert_eq!(actor.to_string().parse(), Ok(actor));
        assert!("user:nobody".parse::<Actor>().is_err());
    }
}
