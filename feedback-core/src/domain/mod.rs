//! What the hub knows: entities, values and their state machines. Nothing here does I/O, awaits or reads a clock.
//!
//! Fields are public where any value is legal; a type with a rule has a `parse` or a maker instead.

mod access;
mod attachment;
mod change;
mod changelog_entry;
mod channel;
mod classification;
mod erasure;
mod event;
mod group;
mod ids;
mod job;
mod notification;
mod page;
mod reporter;
mod source;
mod table;
mod text;
mod ticket;
mod time;
mod workflow_step;

pub use self::{
    access::{ApiToken, SecretDigest, Session, SignInLink, User},
    attachment::{Attachment, AttachmentStatus},
    change::{Change, CommitReceipt, RememberedCall, Write},
    changelog_entry::{
        ApprovalSeal, ApprovalTerms, Approved, ChangelogEntry, ChangelogStatus, Decision, NotApproved,
        UnknownChangelogStatus,
    },
    channel::{
        Channel, ExternalId, IdempotencyKey, InvalidExternalId, MAX_EXTERNAL_ID_BYTES, ThreadKey, ThreadRef,
        UnknownChannel,
    },
    classification::{
        Confirmation, EnrichmentStatus, Evidence, Inference, MAX_TITLE_CHARS, ModelUse, Priority, Suggestion,
        TicketType, UnknownPriority, UnknownTicketType, title_of,
    },
    erasure::Erasure,
    event::{Actor, ChainHash, EventKind, TicketEvent, canonical_json},
    group::{LinkStatus, TicketGroup, TicketLink, TicketVector},
    ids::{
        ApiTokenId, AttachmentId, AttemptId, ChangelogEntryId, EventId, GroupId, IdentityId, IdentityLinkId, InvalidId,
        JobId, LeaseToken, NotificationId, ReporterId, SourceId, TicketId, TicketLinkId, TicketNumber, UserId,
    },
    job::{Job, JobKind, JobPayload, JobStatus, Lease, LeasedJob, MAX_ERROR_BYTES, NewJob, Queue, error_text},
    notification::{
        AttemptOutcome, DeliveryError, DeliveryMode, Marker, Notification, NotificationAttempt, NotificationStatus,
        OutboundMessage, ReceiptStatus, Route, SessionGrant, TemplateRef, TemplateUse, UnknownNotificationStatus,
        WhatsAppMode,
    },
    page::{Cursor, InvalidCursor, Page, PageRequest, PageSize, SyncCursor},
    reporter::{Identity, IdentityLink, LinkKind, LinkStrength, Reporter},
    source::TicketSource,
    table::{Cell, Rows, TableDigest, TableShape},
    text::{
        BlindIndex, Language, Scrubbed, Sealed, SubjectKey, cut_at_grapheme, is_direction_override, shortened,
        without_overrides,
    },
    ticket::{IllegalMove, NewTicket, Ticket, TicketStatus, TrackerPage, TrackerStatus, UnknownTicketStatus},
    time::{InvalidTimestamp, Timestamp},
    workflow_step::{StepOutput, StepOutputKind, WaitingStep},
};
