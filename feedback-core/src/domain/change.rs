//! One commit: a list of typed writes, applied all together or not at all.

use super::{
    ApiToken, Attachment, ChangelogEntry, Erasure, Identity, IdentityLink, Lease, LinkStatus, NewJob, NewTicket,
    Notification, NotificationAttempt, Reporter, SecretDigest, Session, SignInLink, SyncCursor, Ticket, TicketEvent,
    TicketGroup, TicketId, TicketLink, TicketNumber, TicketSource, TicketVector, Timestamp, User,
};

/// A call of our own API that was carried out, kept so that a repeat with the same key has no second effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedCall {
    /// Who called what: keys of two callers or two routes never meet.
    pub scope: String,
    /// The caller's key.
    pub key: String,
    /// Digest of the request: the same key with another request is refused.
    pub fingerprint: [u8; 32],
    /// What the call made or changed.
    pub subject: uuid::Uuid,
    /// When.
    pub at: Timestamp,
}

/// One write of a [`Change`]. An update names the version that was loaded, in the entity's own `version`; storage
/// raises it by one, or refuses the whole change with `Conflict` if it is another by now.
///
/// An update never changes number and time of creation. What a write refers to (a ticket's reporter, a source's author)
/// stands in storage or earlier in the same change, else the change is `NotFound`; reviewers are named freely, since a
/// host may keep them elsewhere. An insert of an id that is there is a `Conflict`.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A new reporter. `Conflict` if another, not merged, has the same verified email.
    InsertReporter(Reporter),
    /// A changed reporter.
    UpdateReporter(Reporter),
    /// A new identity. `Conflict` if the channel has one with the same look-up digest.
    InsertIdentity(Identity),
    /// A changed identity. `last_message_at` never goes back: a touch may have come in between.
    UpdateIdentity(Identity),
    /// A person wrote at this time: `last_message_at` becomes the later of both. No version: maxima commute.
    TouchIdentity(super::IdentityId, Timestamp),
    /// Evidence that links an identity to a reporter.
    InsertIdentityLink(IdentityLink),
    /// A link that was undone. Only `undone` changes.
    UpdateIdentityLink(IdentityLink),
    /// A new ticket; the receipt tells its number. `Conflict` if its reporter was erased.
    InsertTicket(Box<NewTicket>),
    /// A changed ticket. `Conflict` also if another ticket has the same tracker page.
    UpdateTicket(Box<Ticket>),
    /// A new ticket source. `Conflict` if the channel has one with the same external id, or if its author's reporter was
    /// erased meanwhile.
    InsertSource(Box<TicketSource>),
    /// A message that came without a thread has one now: answers go there, and what is written there belongs to its
    /// ticket. A no-op where it has a thread key; `NotFound` where there is no such message.
    AnchorSource(super::SourceId, super::ThreadRef),
    /// An entry of a timeline; storage chains it to the one before.
    AppendEvent(TicketEvent),
    /// A new entry. `Conflict` if the ticket has an open draft, or an entry for the same resolution that is not rejected.
    InsertChangelogEntry(Box<ChangelogEntry>),
    /// A changed entry.
    UpdateChangelogEntry(Box<ChangelogEntry>),
    /// A new notification. `Conflict` if there is one with the same idempotency key, or if its reporter was erased.
    InsertNotification(Box<Notification>),
    /// A changed notification.
    UpdateNotification(Box<Notification>),
    /// A try that is about to begin.
    InsertAttempt(NotificationAttempt),
    /// The outcome of a try.
    UpdateAttempt(NotificationAttempt),
    /// A pair that looks alike; a no-op if the pair is known, so that a dismissed one is never suggested again.
    SuggestLink(TicketLink),
    /// What a person made of a pair, and which of the two is the older; its score and evidence stay as they are, since an
    /// erasure may have taken words from them meanwhile. `Conflict` if the stored status is no longer `expected`: somebody
    /// else decided.
    UpdateLink {
        /// The pair as it is to be.
        link: Box<TicketLink>,
        /// Its status when it was loaded.
        expected: LinkStatus,
    },
    /// A new group. Its primary ticket and its members name it by their own updates.
    InsertGroup(TicketGroup),
    /// A changed group.
    UpdateGroup(TicketGroup),
    /// A new attachment.
    InsertAttachment(Box<Attachment>),
    /// How far the hub has come with a file. `Conflict` if it was erased meanwhile.
    UpdateAttachment(Box<Attachment>),
    /// Erases a person, whatever versions their rows have by now: applies `erased` and `without_content` of the domain
    /// to the reporter, their identities, their tickets and those tickets' messages, attachments and notifications,
    /// and to messages that they wrote on other tickets;
    /// to the pairs and groups that those tickets are part of; deletes those tickets' vectors; raises the version of each changed row that has one; and remembers the erasure.
    /// Merged reporters are erased one by one. A second erasure changes nothing; one of a person whom the store does not
    /// know (an older backup) is remembered.
    EraseReporter(Erasure),
    /// The text of a ticket as a vector; replaces that of the same ticket and model.
    PutVector(TicketVector),
    /// How far a poll has come; version 0 for a first one.
    PutCursor(SyncCursor),
    /// Work to do: the outbox. A no-op if a waiting (`ready`) job has the same unique key.
    Enqueue(NewJob),
    /// Work that will not be tried again becomes a dead letter, in the same commit as what it leaves behind. `Conflict` if the
    /// lease was lost: whoever has the job now says what becomes of it.
    BuryJob {
        /// The right to say so.
        lease: Lease,
        /// Why.
        error: String,
        /// When.
        at: Timestamp,
    },
    /// A call that was carried out. `Conflict` if scope and key are known.
    RememberCall(RememberedCall),
    /// A new person who reviews.
    InsertUser(User),
    /// A changed one.
    UpdateUser(User),
    /// A new API token.
    InsertApiToken(ApiToken),
    /// The token stops working.
    RevokeApiToken(super::ApiTokenId, Timestamp),
    /// A link that signs in once.
    InsertSignInLink(SignInLink),
    /// The link was used. `Conflict` if it is gone: somebody else used it.
    ConsumeSignInLink(SecretDigest),
    /// A new session.
    PutSession(Session),
    /// A later `seen_at` of a session; a no-op if it has ended, so that a sign-out at the same moment stands.
    TouchSession(SecretDigest, Timestamp),
    /// The session ends.
    DeleteSession(SecretDigest),
}

/// The writes of one commit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    writes: Vec<Write>,
}

impl Change {
    /// A change without writes; committing it does nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write; writes are applied in this order.
    pub fn push(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// The same change with one more write.
    #[must_use]
    pub fn with(mut self, write: Write) -> Self {
        self.writes.push(write);
        self
    }

    /// The writes, in order.
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The writes, in order, to be applied.
    pub fn into_writes(self) -> Vec<Write> {
        self.writes
    }

    /// True where there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}

/// What storage decided in a commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitReceipt {
    /// Numbers of the new tickets, in the order of their writes.
    pub ticket_numbers: Vec<(TicketId, TicketNumber)>,
}

impl CommitReceipt {
    /// The number that a new ticket got.
    pub fn number_of(&self, ticket: TicketId) -> Option<TicketNumber> {
        self.ticket_numbers
            .iter()
            .find(|(id, _)| *id == ticket)
            .map(|(_, number)| *number)
    }
}
