//! One commit: a list of typed writes, applied all together or not at all.

use super::{
    ApiToken, Attachment, ChangelogEntry, Identity, IdentityLink, NewJob, NewTicket, Notification, NotificationAttempt,
    Reporter, SecretDigest, Session, SignInLink, SyncCursor, Ticket, TicketEvent, TicketId, TicketLink, TicketNumber,
    TicketSource, TicketVector, Timestamp, User,
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
    /// A new ticket; the receipt tells its number.
    InsertTicket(Box<NewTicket>),
    /// A changed ticket. `Conflict` also if another ticket has the same tracker page.
    UpdateTicket(Box<Ticket>),
    /// A new ticket source. `Conflict` if the channel has one with the same external id.
    InsertSource(Box<TicketSource>),
    /// An entry of a timeline; storage chains it to the one before.
    AppendEvent(TicketEvent),
    /// A new entry. `Conflict` if the ticket has an open draft, or an entry for the same resolution that is not rejected.
    InsertChangelogEntry(Box<ChangelogEntry>),
    /// A changed entry.
    UpdateChangelogEntry(Box<ChangelogEntry>),
    /// A new notification. `Conflict` if there is one with the same idempotency key.
    InsertNotification(Box<Notification>),
    /// A changed notification.
    UpdateNotification(Box<Notification>),
    /// A try that is about to begin.
    InsertAttempt(NotificationAttempt),
    /// The outcome of a try.
    UpdateAttempt(NotificationAttempt),
    /// A pair that looks alike; a no-op if the pair is known, so that a dismissed one is never suggested again.
    SuggestLink(TicketLink),
    /// A new attachment.
    InsertAttachment(Box<Attachment>),
    /// The text of a ticket as a vector; replaces that of the same ticket and model.
    PutVector(TicketVector),
    /// How far a poll has come; version 0 for a first one.
    PutCursor(SyncCursor),
    /// Work to do: the outbox. A no-op if a waiting (`ready`) job has the same unique key.
    Enqueue(NewJob),
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
    /// A new session, or a later `seen_at` of one.
    PutSession(Session),
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
