//! Use cases: each is one arrow of a report's way. A use case loads, calls a pure `decide`, and commits one
//! [`Change`](crate::domain::Change); on `Conflict` it loads and decides again, a few times at most. Returning
//! `Ok` means committed. Each takes only the ports that it needs.

mod access;
mod attachments;
mod confirm;
mod dead_letters;
mod deliver;
mod draft;
mod duplicates;
mod end_step;
mod enrich;
mod failure;
mod groups;
mod guarded;
mod ingest;
mod look_up_reporter;
mod match_duplicates;
mod memory_window;
mod merge_reporters;
mod move_store;
mod open_thread;
mod person;
mod privacy;
mod restore;
mod review;
mod sealing;
mod send_receipt;
mod shift;
mod show;
mod sync;
mod templates;
mod timeline;
mod write_probe;

pub use self::{
    access::{Access, AccessError, IDLE_LIMIT, LINK_LIMIT, SESSION_LIMIT, SignedIn},
    attachments::{
        FetchAttachment, FetchAttachmentError, NamedAttachment, OpenedFile, ShowAttachments, attachment_reason,
    },
    confirm::{Confirm, ConfirmError, Confirmed, Edit},
    dead_letters::{DeadLetterError, DeadLetters},
    deliver::{DeadJob, Deliver, DeliverError, DeliverySettings, OnAmbiguous, SettleAmbiguousError, Settled},
    draft::{DraftError, Drafts},
    duplicates::{AcceptAs, DuplicateError, Duplicates},
    end_step::{EndStep, EndStepError},
    enrich::{Enrich, EnrichError},
    failure::{NextStep, next_step},
    groups::{GroupDetail, GroupEdit, GroupError, Groups},
    ingest::{
        FetchError, Ingest, IngestError, IngestSettings, Outcome, Receipts, Recorded, ReplayError, Submission,
        SubmitError, Submitted,
    },
    look_up_reporter::{LookUpError, LookUpReporter},
    match_duplicates::{MatchDuplicates, MatchError},
    memory_window::MemoryWindow,
    merge_reporters::{KnownAs, MergeError, MergeReporters},
    move_store::{MoveError, MoveStore, Moved},
    open_thread::{OpenThread, OpenThreadError, ReceiptText},
    privacy::{
        Broken, Erase, EraseError, Erased, Export, ExportError, ExportedIdentity, ExportedMessage,
        ExportedNotification, ExportedReporter, ExportedTicket, Purged, Retain, RetainError, RetentionSettings,
        RotateError, RotateKeys, Rotated, VerifiedTimelines, VerifyError, VerifyTimelines, to_csv,
    },
    restore::{Restore, RestoreError, Restored},
    review::{Approval, Audience, MAX_CONTENT_CHARS, PlannedDelivery, Review, ReviewError, WhatsAppPlan},
    send_receipt::{SendReceipt, SendReceiptError},
    shift::{HeldShift, Shift, Shifts},
    show::{ReporterName, Show, ShowError},
    sync::{PollTracker, PushToTracker, SyncError},
    templates::{TemplateFit, template_fit},
    write_probe::WriteProbe,
};

pub(crate) use self::templates::TemplateRegistry;

/// How often a use case loads and decides again when another commit was first.
pub(crate) const TRIES: usize = 5;
