//! What the hub knows: entities, values and their state machines. Nothing here does I/O, awaits or reads a clock.
//!
//! Fields are public where any value is legal; a type with a rule has a `parse` or a maker instead.

mod channel;
mod classification;
mod ids;
mod text;
mod time;

pub use self::{
    channel::{
        Channel, ExternalId, IdempotencyKey, InvalidExternalId, MAX_EXTERNAL_ID_BYTES, ThreadKey, ThreadRef, UnknownChannel,
    },
    classification::{
        Confirmation, EnrichmentStatus, Evidence, Inference, MAX_TITLE_CHARS, ModelUse, Priority, Suggestion, TicketType,
        UnknownPriority, UnknownTicketType, title_of,
    },
    ids::{
        ApiTokenId, AttachmentId, AttemptId, ChangelogEntryId, EventId, GroupId, IdentityId, IdentityLinkId, InvalidId,
        JobId, LeaseToken, NotificationId, ReporterId, SourceId, TicketId, TicketLinkId, TicketNumber, UserId,
    },
    text::{BlindIndex, Language, Scrubbed, Sealed, SubjectKey},
    time::{InvalidTimestamp, Timestamp},
};
