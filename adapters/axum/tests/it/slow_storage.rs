//! A store whose commits wait until a test lets them go on.

use async_trait::async_trait;
use feedback_core::{
    domain::{
        ApiToken, Attachment, Change, ChangelogEntry, CommitReceipt, GroupId, Identity, IdentityLink, Notification,
        NotificationAttempt, NotificationId, RememberedCall, Reporter, ReporterId, SecretDigest, Session, SignInLink,
        SyncCursor, Ticket, TicketGroup, TicketId, TicketLink, TicketSource, TicketVector, Timestamp, User, UserId,
    },
    ports::{
        AttachmentsKey, ChangelogEntryKey, IdentityKey, LinksKey, NotificationKey, NotificationsKey, PortError,
        ReporterKey, SourceKey, Storage, TicketKey, TicketsKey,
    },
    testing::memory::MemoryStore,
};
use tokio::sync::Semaphore;

/// Each commit takes a permit of the gate, and keeps it.
#[derive(Debug)]
pub(crate) struct SlowStorage {
    pub(crate) store: MemoryStore,
    pub(crate) gate: Semaphore,
}

macro_rules! looked_up {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $found:ty;)*) => {
        #[async_trait]
        impl Storage for SlowStorage {
            async fn commit(&self, change: Change) -> Result<CommitReceipt, PortError> {
                self.gate.acquire().await.expect("nobody closes the gate").forget();
                self.store.commit(change).await
            }

            $(async fn $name(&self, $($argument: $kind),*) -> Result<$found, PortError> {
                Storage::$name(&self.store, $($argument),*).await
            })*
        }
    };
}

looked_up! {
    ticket(key: TicketKey) -> Option<Ticket>;
    source(key: SourceKey) -> Option<TicketSource>;
    sources(ticket: TicketId) -> Vec<TicketSource>;
    reporter(key: ReporterKey) -> Option<Reporter>;
    identity(key: IdentityKey) -> Option<Identity>;
    identities(reporter: ReporterId) -> Vec<Identity>;
    changelog_entry(key: ChangelogEntryKey) -> Option<ChangelogEntry>;
    notification(key: NotificationKey) -> Option<Notification>;
    notifications(key: NotificationsKey) -> Vec<Notification>;
    tickets_of(key: TicketsKey) -> Vec<Ticket>;
    group(id: GroupId) -> Option<TicketGroup>;
    links(key: LinksKey) -> Vec<TicketLink>;
    attachments(key: AttachmentsKey) -> Vec<Attachment>;
    merged_reporters(into: ReporterId) -> Vec<Reporter>;
    identity_links(reporter: ReporterId) -> Vec<IdentityLink>;
    attempts(notification: NotificationId) -> Vec<NotificationAttempt>;
    cursor(name: &str) -> Option<SyncCursor>;
    vectors(model: &str, since: Timestamp) -> Vec<TicketVector>;
    remembered_call(scope: &str, key: &str) -> Option<RememberedCall>;
    user(id: UserId) -> Option<User>;
    session(digest: SecretDigest) -> Option<Session>;
    sign_in_link(digest: SecretDigest) -> Option<SignInLink>;
    api_token(digest: SecretDigest) -> Option<ApiToken>;
}
