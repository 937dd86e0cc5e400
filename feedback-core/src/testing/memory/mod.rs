//! Fakes with the real contract: they run the same conformance suites as the adapters.
//!
//! [`MemoryStore`] is `Storage`, `Queries` and `JobQueue` over one lock, as the SQLite adapter is over one file.

pub mod ai;
mod blob_store;
mod commit;
mod conversations;
mod custody;
mod erase;
mod files;
mod job_queue;
mod outbox;
mod queries;
mod senders;
mod storage;
pub mod tracker;
mod vault;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

pub use self::blob_store::MemoryBlobs;
pub use self::conversations::{PostedReceipt, ScriptedConversations};
pub use self::files::ScriptedFiles;
pub use self::senders::{ScriptedDirectory, ScriptedSender, SendStep};
pub use self::vault::MemoryVault;
use crate::{
    domain::{
        ApiToken, ApiTokenId, Attachment, AttachmentId, AttemptId, BlindIndex, ChainHash, ChangelogEntry,
        ChangelogEntryId, Channel, Erasure, EventKind, GroupId, Identity, IdentityId, IdentityLink, IdentityLinkId,
        Job, JobId, Lease, Notification, NotificationAttempt, NotificationId, RememberedCall, Reporter, ReporterId,
        SecretDigest, Session, SignInLink, SourceId, SyncCursor, Ticket, TicketEvent, TicketGroup, TicketId,
        TicketLink, TicketLinkId, TicketSource, TicketVector, Timestamp, User, UserId,
    },
    ports::PortErrorKind,
};

/// Everything that the hub keeps, in memory. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    work: Notify,
}

#[derive(Clone, Default)]
struct State {
    reporters: BTreeMap<ReporterId, Reporter>,
    identities: BTreeMap<IdentityId, Identity>,
    identity_links: BTreeMap<IdentityLinkId, IdentityLink>,
    tickets: BTreeMap<TicketId, Ticket>,
    // In the order of recording, as are timelines.
    sources: Vec<TicketSource>,
    events: BTreeMap<TicketId, Vec<(TicketEvent, ChainHash)>>,
    links: BTreeMap<TicketLinkId, TicketLink>,
    groups: BTreeMap<GroupId, TicketGroup>,
    entries: BTreeMap<ChangelogEntryId, ChangelogEntry>,
    notifications: BTreeMap<NotificationId, Notification>,
    attempts: BTreeMap<AttemptId, NotificationAttempt>,
    attachments: BTreeMap<AttachmentId, Attachment>,
    vectors: Vec<TicketVector>,
    jobs: BTreeMap<JobId, StoredJob>,
    leases_given: u64,
    cursors: BTreeMap<String, SyncCursor>,
    calls: BTreeMap<(String, String), RememberedCall>,
    users: BTreeMap<UserId, User>,
    api_tokens: BTreeMap<ApiTokenId, ApiToken>,
    sessions: HashMap<SecretDigest, Session>,
    sign_in_links: HashMap<SecretDigest, SignInLink>,
    // In the order in which they were asked for.
    erasures: Vec<Erasure>,
    orders: Vec<Order>,
}

#[derive(Clone)]
struct StoredJob {
    job: Job,
    lease: Option<Lease>,
    published_at: Option<Timestamp>,
}

/// What a test told the next commits to do.
#[derive(Debug, Clone, Copy)]
enum Order {
    Refuse(PortErrorKind),
    LoseAnswer,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next commit stores nothing and fails in this way; called twice, the next two do.
    pub fn fail_next_commit(&self, kind: PortErrorKind) {
        self.lock().orders.push(Order::Refuse(kind));
    }

    /// The next commit is stored, but its caller is told [`PortErrorKind::Unknown`]: the connection broke before the answer.
    pub fn lose_next_answer(&self) {
        self.lock().orders.push(Order::LoseAnswer);
    }

    /// A ticket's timeline, oldest first.
    pub fn events(&self, ticket: TicketId) -> Vec<TicketEvent> {
        self.lock()
            .events
            .get(&ticket)
            .into_iter()
            .flatten()
            .map(|(event, _)| event.clone())
            .collect()
    }

    /// The links of a ticket's chain, oldest first.
    pub fn chain(&self, ticket: TicketId) -> Vec<ChainHash> {
        self.lock()
            .events
            .get(&ticket)
            .into_iter()
            .flatten()
            .map(|(_, hash)| *hash)
            .collect()
    }

    /// All jobs in whatever state, in the order of their ids.
    pub fn jobs(&self) -> Vec<Job> {
        self.lock().jobs.values().map(|stored| stored.job.clone()).collect()
    }

    /// Puts another payload into a job, as a program of another version would have written it.
    pub fn rewrite_payload(&self, job: JobId, payload: &str) {
        if let Some(stored) = self.lock().jobs.get_mut(&job) {
            stored.job.payload = payload.to_owned();
        }
    }

    /// All tickets, in the order of their numbers.
    pub fn all_tickets(&self) -> Vec<Ticket> {
        let mut tickets: Vec<Ticket> = self.lock().tickets.values().cloned().collect();
        tickets.sort_by_key(|ticket| ticket.number);
        tickets
    }

    /// All evidence that links identities to reporters, in the order of ids.
    pub fn all_identity_links(&self) -> Vec<IdentityLink> {
        self.lock().identity_links.values().cloned().collect()
    }

    /// All suggested or decided pairs, in the order of ids.
    pub fn ticket_links(&self) -> Vec<TicketLink> {
        self.lock().links.values().cloned().collect()
    }

    /// The store as it stands now, on its own: a backup.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let store = Self::new();
        *store.lock() = self.lock().clone();
        store
    }

    /// Changes what a timeline says happened and leaves its hash, as somebody with the database's password could.
    pub fn rewrite_event(&self, ticket: TicketId, index: usize, kind: EventKind) {
        let mut state = self.lock();
        if let Some((event, _)) = state
            .events
            .get_mut(&ticket)
            .and_then(|timeline| timeline.get_mut(index))
        {
            event.kind = kind;
        }
    }

    /// All notifications, in the order of ids.
    pub fn all_notifications(&self) -> Vec<Notification> {
        self.lock().notifications.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside a check must not hide behind a second one here; every change is applied to a copy.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

impl State {
    fn source_by_id(&self, id: SourceId) -> Option<&TicketSource> {
        self.sources.iter().find(|source| source.id == id)
    }

    fn identity_by_lookup(&self, channel: Channel, lookup: BlindIndex) -> Option<&Identity> {
        self.identities
            .values()
            .find(|identity| identity.channel == channel && identity.lookup == lookup)
    }

    /// Whether a reporter is, or was merged into, another.
    fn became(&self, id: ReporterId, other: ReporterId) -> bool {
        let mut at = Some(id);
        // As many steps as there are reporters: a ring, which no rule makes, must not hang an inbox.
        for _ in 0..=self.reporters.len() {
            match at {
                Some(reporter) if reporter == other => return true,
                Some(reporter) => at = self.reporters.get(&reporter).and_then(|known| known.merged_into),
                None => return false,
            }
        }
        false
    }

    /// The person that a reporter turned out to be.
    fn final_reporter(&self, id: ReporterId) -> ReporterId {
        let mut at = id;
        // As many steps as there are reporters: a ring, which no rule makes, must not hang a list.
        for _ in 0..self.reporters.len() {
            match self.reporters.get(&at).and_then(|reporter| reporter.merged_into) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }
}
