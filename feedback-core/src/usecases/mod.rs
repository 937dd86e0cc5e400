//! Use cases: each is one arrow of a report's way. A use case loads, calls a pure `decide`, and commits one
//! [`Change`](crate::domain::Change); on `Conflict` it loads and decides again, a few times at most. Returning
//! `Ok` means committed. Each takes only the ports that it needs.

mod access;
mod confirm;
mod dead_letters;
mod deliver;
mod draft;
mod enrich;
mod failure;
mod ingest;
mod look_up_reporter;
mod match_duplicates;
mod review;
mod sealing;
mod show;
mod sync;
mod timeline;

pub use self::{
    access::{Access, AccessError, IDLE_LIMIT, LINK_LIMIT, SESSION_LIMIT, SignedIn},
    confirm::{Confirm, ConfirmError, Confirmed, Edit},
    dead_letters::{DeadLetterError, DeadLetters},
    deliver::{Deliver, DeliverError, DeliverySettings, OnAmbiguous, SettleAmbiguousError, Settled},
    draft::{DraftError, Drafts},
    enrich::{Enrich, EnrichError},
    failure::{NextStep, next_step},
    ingest::{Ingest, IngestError, IngestSettings, Outcome, Recorded, ReplayError, Submission, SubmitError, Submitted},
    look_up_reporter::{LookUpError, LookUpReporter},
    match_duplicates::{MatchDuplicates, MatchError},
    review::{Approval, MAX_CONTENT_CHARS, PlannedDelivery, Review, ReviewError},
    show::{ReporterName, Show, ShowError},
    sync::{PollTracker, PushToTracker, SyncError},
};

/// How often a use case loads and decides again when another commit was first.
pub(crate) const TRIES: usize = 5;
