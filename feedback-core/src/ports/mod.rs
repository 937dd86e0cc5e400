//! Ports: what the hub needs of the outside, as traits. A port is a promise in prose: what its documentation does not
//! promise, no caller may rely on; what it promises, `testing::conformance` checks.
//!
//! Every port is object safe, `&self`, and shared as `Arc<dyn Port>`. Every failure is a [`PortError`], which says what
//! may be done about it; only the core decides what is done.
//!
//! | port | for |
//! |---|---|
//! | [`Storage`] | loads by key, and `commit(Change)`: all of a change or none of it |
//! | [`Queries`] | keyset lists, search and metrics for API and dashboard |
//! | [`Custody`] | what goes over all rows: key rotation, retention, proof of the timelines |
//! | [`ErasureLog`] | who was erased, kept beside the store |
//! | [`BlobStore`] | bytes of attachments |
//! | [`FileSource`] | files that came with messages, through a channel's own API |
//! | [`JobQueue`] | lease, complete, retry later, bury |
//! | [`Outbox`] | a job queue whose rows feed another way of spreading the work |
//! | [`Triage`], [`ChangelogWriter`], [`Embedder`] | the three things that AI does here |
//! | [`NearestTickets`] | search among their vectors |
//! | [`Tracker`] | the engineers' board |
//! | [`ChannelSender`] | one approved message to one person |
//! | [`Directory`] | who a channel's user is |
//! | [`Conversations`] | messages that were only pointed at, and threads for reports without one |
//! | [`Templates`] | which WhatsApp templates may be used |
//! | [`Vault`] | sealing, opening, blind indexes |
//! | [`MoveSource`], [`MoveTarget`] | all rows of one store into another |
//! | [`Clock`], [`IdSource`] | now; new identifiers and secrets |

mod blob_store;
mod changelog_writer;
mod channel_sender;
mod clock;
mod conversations;
mod custody;
mod directory;
mod embedder;
mod erasure_log;
mod error;
mod file_source;
pub(crate) mod guard;
mod id_source;
mod job_queue;
mod move_ends;
mod nearest_tickets;
mod outbox;
mod queries;
mod storage;
mod templates;
mod tracker;
mod triage;
mod vault;

pub use crate::domain::TrackerStatus;

pub use self::{
    blob_store::{BlobStore, is_blob_key},
    changelog_writer::{ChangelogWriter, Draft, DraftRequest},
    channel_sender::{ChannelSender, ReadBack, Receipt},
    clock::Clock,
    conversations::{Conversations, StepEnd, ThreadOpening},
    custody::{Custody, Expired, Timeline, Wrapped, WrappedKind},
    directory::{Directory, Person},
    embedder::Embedder,
    erasure_log::{ErasureLog, LoggedErasure},
    error::{PortError, PortErrorKind},
    file_source::{FetchLimits, FetchedFile, FileSource},
    guard::{Gate, Guards, ProviderHealth, Turn},
    id_source::{FromUuid, IdSource, IdSourceExt},
    job_queue::{ClaimRequest, JobQueue, Reaped, SettleError},
    move_ends::{MoveSource, MoveTarget, Reception},
    nearest_tickets::{NearTicket, NearestQuery, NearestTickets},
    outbox::{Outbox, Publication, PublishRequest},
    queries::{
        ChangelogFilter, ChangelogRow, DeadLetter, GroupRow, InboxRow, MetricsSummary, NotificationDetail,
        NotificationFilter, OpsStatus, Queries, Rollup, SourceRef, StepTimes, TicketDetail, TicketFilter, TicketRow,
        search_words,
    },
    storage::{
        AttachmentsKey, ChangelogEntryKey, IdentityKey, LinksKey, NotificationKey, NotificationsKey, ReporterKey,
        SourceKey, Storage, TicketKey, TicketsKey,
    },
    templates::{MessageTemplate, TemplateStanding, Templates},
    tracker::{TrackedTicket, Tracker, TrackerChanges, TrackerUpdate},
    triage::{Triage, TriageReading, TriageRequest},
    vault::{IndexKind, KeyScope, Place, Vault},
};
