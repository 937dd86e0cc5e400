use std::fmt;

use super::Difference;
use crate::{
    domain::{
        Attachment, Change, ChangelogEntry, CommitReceipt, Identity, IdentityLink, LeasedJob, Notification, Reporter,
        Session, Ticket, TicketGroup, TicketLink, TicketSource,
    },
    ports::{PortError, PortErrorKind, Storage},
    testing::{fixtures::Fixtures, memory::MemoryStore},
};

/// What has been stored so far, as it was when it was stored: choosing from it makes stale updates now and then.
#[derive(Default)]
pub(super) struct Known {
    pub(super) reporters: Vec<Reporter>,
    pub(super) identities: Vec<Identity>,
    pub(super) identity_links: Vec<IdentityLink>,
    pub(super) tickets: Vec<Ticket>,
    pub(super) sources: Vec<TicketSource>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) entries: Vec<ChangelogEntry>,
    pub(super) notifications: Vec<Notification>,
    pub(super) links: Vec<TicketLink>,
    pub(super) groups: Vec<TicketGroup>,
    pub(super) sessions: Vec<Session>,
    /// A lease of the tested store, and of the in-memory one: tokens are each store's own.
    pub(super) leases: Vec<(LeasedJob, LeasedJob)>,
}

/// The store under test, and the one that says what is right.
pub(super) struct Pair<'a, S> {
    pub(super) tested: &'a S,
    pub(super) memory: MemoryStore,
    pub(super) fixtures: Fixtures,
    pub(super) known: Known,
}

pub(super) fn pick<T: Clone>(from: &[T], which: u8) -> Option<T> {
    let index = usize::from(which).checked_rem(from.len())?;
    from.get(index).cloned()
}

pub(super) fn same<T: PartialEq + fmt::Debug>(what: &str, tested: T, expected: T) -> Result<(), Difference> {
    if tested == expected {
        return Ok(());
    }
    Err(Difference(format!("{what}: {tested:?} instead of {expected:?}")))
}

/// An answer as far as the port promises it: codes are an adapter's own.
pub(super) fn kind<T>(answer: Result<T, PortError>) -> Result<T, PortErrorKind> {
    answer.map_err(|error| error.kind())
}

impl<'a, S: Storage> Pair<'a, S> {
    pub(super) fn new(tested: &'a S) -> Self {
        Self {
            tested,
            memory: MemoryStore::new(),
            fixtures: Fixtures::default(),
            known: Known::default(),
        }
    }

    pub(super) async fn commit(&self, change: Change) -> Result<Option<CommitReceipt>, Difference> {
        let tested = kind(self.tested.commit(change.clone()).await);
        let expected = kind(self.memory.commit(change.clone()).await);
        let receipt = tested.clone().ok();
        same("commit", tested, expected).map_err(|found| Difference(format!("{} of {change:?}", found.0)))?;
        Ok(receipt)
    }
}
