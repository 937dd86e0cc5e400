use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::PortError;
use crate::domain::{
    ApiToken, Attachment, AttachmentId, BlindIndex, Change, ChangelogEntry, ChangelogEntryId, Channel, CommitReceipt,
    ExternalId, GroupId, Identity, IdentityId, IdentityLink, Marker, Notification, NotificationAttempt, NotificationId,
    RememberedCall, Reporter, ReporterId, SecretDigest, Session, SourceId, SyncCursor, ThreadKey, Ticket, TicketGroup,
    TicketId, TicketLink, TicketLinkId, TicketNumber, TicketSource, TicketVector, Timestamp, User, UserId,
};

/// How a ticket is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketKey {
    /// By id.
    Id(TicketId),
    /// By the number that people say.
    Number(TicketNumber),
    /// By the tracker's page id.
    Page(String),
}

/// How a ticket source is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKey {
    /// By the provider's id of the message.
    External(Channel, ExternalId),
    /// The last recorded message of a thread.
    NewestInThread(Channel, ThreadKey),
    /// The last recorded message that an identity wrote.
    NewestBy(IdentityId),
}

/// How a reporter is found. By an address, one who was merged into another is found only where nobody else has the
/// address; the caller follows `merged_into`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReporterKey {
    /// By id.
    Id(ReporterId),
    /// By an email address that a provider vouches for.
    VerifiedEmail(BlindIndex),
    /// By an email address, verified or not; the oldest reporter first.
    AnyEmail(BlindIndex),
    /// By one of the spellings of a phone number; the oldest reporter first.
    Phone(Vec<BlindIndex>),
}

/// How an identity is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityKey {
    /// By id.
    Id(IdentityId),
    /// By channel and look-up digest.
    External(Channel, BlindIndex),
}

/// How a changelog entry is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangelogEntryKey {
    /// By id.
    Id(ChangelogEntryId),
    /// The newest of a ticket.
    NewestOf(TicketId),
}

/// How a notification is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotificationKey {
    /// By id.
    Id(NotificationId),
    /// By the provider's id of the message.
    ProviderMessage(Channel, String),
    /// By the marker of one of its attempts.
    Marker(Marker),
}

/// Which tickets are loaded, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TicketsKey {
    /// Members of a group, the primary one among them.
    Group(GroupId),
    /// Those that a reporter wrote, whoever the reporter was merged into since.
    Reporter(ReporterId),
    /// Tickets recorded at `since` or later that have no vector of the model yet, and whose text is still there: what was
    /// erased or purged says nothing.
    WithoutVector {
        /// Embedder name and version.
        model: String,
        /// The window's beginning.
        since: Timestamp,
        /// At most so many.
        limit: usize,
    },
}

/// Which pairs are loaded, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinksKey {
    /// One, by id.
    Id(TicketLinkId),
    /// All that a ticket is part of, whichever way round.
    Ticket(TicketId),
}

/// Which attachments are loaded, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentsKey {
    /// One, by id.
    Id(AttachmentId),
    /// Those of a message.
    Source(SourceId),
    /// Those of all messages of a ticket.
    Ticket(TicketId),
    /// Files that have been stored and were recorded before a time: what retention removes.
    StoredBefore {
        /// The time.
        before: Timestamp,
        /// At most so many.
        limit: usize,
    },
}

/// Which notifications are loaded, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationsKey {
    /// All of an entry.
    Entry(ChangelogEntryId),
    /// Those to an identity that wait for its next message (`channel_restricted`).
    Parked(IdentityId),
    /// All to a reporter.
    Reporter(ReporterId),
}

/// The truth: loads by key, and commits changes.
///
/// More methods than a port should have, since the whole data model is behind it; a port for each entity could not
/// promise one commit over all of them.
///
/// # What an implementer guarantees
/// - *Atomic:* `commit` applies all writes of a [`Change`] in their order, or none. Nobody sees a part of one.
/// - *Durable:* `Ok` from `commit` means that a crash or power loss an instant later loses nothing.
/// - *Cancel safe:* a dropped `commit` future may have committed or not, never half.
/// - *Versioned:* an update whose entity has another version than the stored one makes the whole change `Conflict`;
///   a stored version rises by one with each update. An update of what is not there is `NotFound`.
/// - *Unique:* what [`Write`](crate::domain::Write) says of `Conflict` holds under any concurrency.
/// - *Outbox:* jobs of a change are claimable as soon as it is committed, and never before.
/// - *Numbered:* new tickets get rising numbers from [`TicketNumber::FIRST`]; none is given twice.
/// - *Chained:* events get their place and hash in the order of commit ([`TicketEvent::chained`](crate::domain::TicketEvent::chained));
///   the database refuses to change or delete them.
/// - *Bounded:* every call ends within the adapter's time limit; a store that cannot be written is `Unavailable`.
/// - *Silent:* no secret and no reporter's text in errors, spans or `Debug`.
///
/// A look-up that finds nothing gives `Ok(None)`. Look-ups see every commit that was answered before they began.
///
/// Prove it with [`testing::conformance::storage`](crate::testing::conformance::storage).
#[async_trait]
pub trait Storage: fmt::Debug + Send + Sync + 'static {
    /// Applies a change: all of it or nothing.
    ///
    /// # Errors
    /// `Conflict` for a version or unique key that another commit took; `NotFound` for an update of nothing;
    /// `Unavailable` if the store cannot be written now.
    async fn commit(&self, change: Change) -> Result<CommitReceipt, PortError>;

    /// One ticket.
    ///
    /// # Errors
    /// `Unavailable`, as all look-ups here.
    async fn ticket(&self, key: TicketKey) -> Result<Option<Ticket>, PortError>;

    /// Tickets, oldest first.
    async fn tickets_of(&self, key: TicketsKey) -> Result<Vec<Ticket>, PortError>;

    /// One group.
    async fn group(&self, id: GroupId) -> Result<Option<TicketGroup>, PortError>;

    /// Pairs that look alike, best first.
    async fn links(&self, key: LinksKey) -> Result<Vec<TicketLink>, PortError>;

    /// Attachments, oldest first.
    async fn attachments(&self, key: AttachmentsKey) -> Result<Vec<Attachment>, PortError>;

    /// One ticket source.
    async fn source(&self, key: SourceKey) -> Result<Option<TicketSource>, PortError>;

    /// All sources of a ticket, in the order in which they were recorded.
    async fn sources(&self, ticket: TicketId) -> Result<Vec<TicketSource>, PortError>;

    /// One reporter.
    async fn reporter(&self, key: ReporterKey) -> Result<Option<Reporter>, PortError>;

    /// One identity.
    async fn identity(&self, key: IdentityKey) -> Result<Option<Identity>, PortError>;

    /// All identities of a reporter, oldest first.
    async fn identities(&self, reporter: ReporterId) -> Result<Vec<Identity>, PortError>;

    /// Reporters that were merged into this one directly, oldest first.
    async fn merged_reporters(&self, into: ReporterId) -> Result<Vec<Reporter>, PortError>;

    /// Evidence that names a reporter, or an identity that is theirs now, undone or not; oldest first.
    async fn identity_links(&self, reporter: ReporterId) -> Result<Vec<IdentityLink>, PortError>;

    /// One changelog entry.
    async fn changelog_entry(&self, key: ChangelogEntryKey) -> Result<Option<ChangelogEntry>, PortError>;

    /// One notification.
    async fn notification(&self, key: NotificationKey) -> Result<Option<Notification>, PortError>;

    /// Notifications, oldest first.
    async fn notifications(&self, key: NotificationsKey) -> Result<Vec<Notification>, PortError>;

    /// All tries of a notification, oldest first.
    async fn attempts(&self, notification: NotificationId) -> Result<Vec<NotificationAttempt>, PortError>;

    /// How far a poll has come.
    async fn cursor(&self, name: &str) -> Result<Option<SyncCursor>, PortError>;

    /// Vectors of a model for tickets recorded at `since` or later, newest first.
    async fn vectors(&self, model: &str, since: Timestamp) -> Result<Vec<TicketVector>, PortError>;

    /// A call that was carried out before.
    async fn remembered_call(&self, scope: &str, key: &str) -> Result<Option<RememberedCall>, PortError>;

    /// One person who reviews.
    async fn user(&self, id: UserId) -> Result<Option<User>, PortError>;

    /// The session of a cookie, expired or not.
    async fn session(&self, digest: SecretDigest) -> Result<Option<Session>, PortError>;

    /// Whom a sign-in link signs in, and until when; expired or not.
    async fn sign_in_link(&self, digest: SecretDigest) -> Result<Option<crate::domain::SignInLink>, PortError>;

    /// An API token, revoked or not.
    async fn api_token(&self, digest: SecretDigest) -> Result<Option<ApiToken>, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: Storage + ?Sized> Storage for $wrapper<T> {
            async fn commit(&self, change: Change) -> Result<CommitReceipt, PortError> {
                (**self).commit(change).await
            }

            async fn ticket(&self, key: TicketKey) -> Result<Option<Ticket>, PortError> {
                (**self).ticket(key).await
            }

            async fn source(&self, key: SourceKey) -> Result<Option<TicketSource>, PortError> {
                (**self).source(key).await
            }

            async fn sources(&self, ticket: TicketId) -> Result<Vec<TicketSource>, PortError> {
                (**self).sources(ticket).await
            }

            async fn reporter(&self, key: ReporterKey) -> Result<Option<Reporter>, PortError> {
                (**self).reporter(key).await
            }

            async fn identity(&self, key: IdentityKey) -> Result<Option<Identity>, PortError> {
                (**self).identity(key).await
            }

            async fn identities(&self, reporter: ReporterId) -> Result<Vec<Identity>, PortError> {
                (**self).identities(reporter).await
            }

            async fn changelog_entry(&self, key: ChangelogEntryKey) -> Result<Option<ChangelogEntry>, PortError> {
                (**self).changelog_entry(key).await
            }

            async fn notification(&self, key: NotificationKey) -> Result<Option<Notification>, PortError> {
                (**self).notification(key).await
            }

            async fn notifications(&self, key: NotificationsKey) -> Result<Vec<Notification>, PortError> {
                (**self).notifications(key).await
            }

            async fn tickets_of(&self, key: TicketsKey) -> Result<Vec<Ticket>, PortError> {
                (**self).tickets_of(key).await
            }

            async fn group(&self, id: GroupId) -> Result<Option<TicketGroup>, PortError> {
                (**self).group(id).await
            }

            async fn links(&self, key: LinksKey) -> Result<Vec<TicketLink>, PortError> {
                (**self).links(key).await
            }

            async fn attachments(&self, key: AttachmentsKey) -> Result<Vec<Attachment>, PortError> {
                (**self).attachments(key).await
            }

            async fn merged_reporters(&self, into: ReporterId) -> Result<Vec<Reporter>, PortError> {
                (**self).merged_reporters(into).await
            }

            async fn identity_links(&self, reporter: ReporterId) -> Result<Vec<IdentityLink>, PortError> {
                (**self).identity_links(reporter).await
            }

            async fn attempts(&self, notification: NotificationId) -> Result<Vec<NotificationAttempt>, PortError> {
                (**self).attempts(notification).await
            }

            async fn cursor(&self, name: &str) -> Result<Option<SyncCursor>, PortError> {
                (**self).cursor(name).await
            }

            async fn vectors(&self, model: &str, since: Timestamp) -> Result<Vec<TicketVector>, PortError> {
                (**self).vectors(model, since).await
            }

            async fn remembered_call(&self, scope: &str, key: &str) -> Result<Option<RememberedCall>, PortError> {
                (**self).remembered_call(scope, key).await
            }

            async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
                (**self).user(id).await
            }

            async fn session(&self, digest: SecretDigest) -> Result<Option<Session>, PortError> {
                (**self).session(digest).await
            }

            async fn sign_in_link(&self, digest: SecretDigest) -> Result<Option<crate::domain::SignInLink>, PortError> {
                (**self).sign_in_link(digest).await
            }

            async fn api_token(&self, digest: SecretDigest) -> Result<Option<ApiToken>, PortError> {
                (**self).api_token(digest).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
