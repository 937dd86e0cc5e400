//! A store whose commits wait until a test lets them go on.

use async_trait::async_trait;
use feedback_core::{
    domain::{
        ApiToken, Change, ChangelogEntry, ChangelogEntryId, CommitReceipt, Identity, Notification, NotificationAttempt,
        NotificationId, RememberedCall, Reporter, ReporterId, SecretDigest, Session, SignInLink, SyncCursor, Ticket,
        TicketId, TicketSource, TicketVector, Timestamp, User, UserId,
    },
    ports::{ChangelogEntryKey, IdentityKey, NotificationKey, PortError, ReporterKey, SourceKey, Storage, TicketKey},
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
    notifications(entry: ChangelogEntryId) -> Vec<Notification>;
    attempts(notification: NotificationId) -> Vec<NotificationAttempt>;
    cursor(name: &str) -> Option<SyncCursor>;
    vectors(model: &str, since: Timestamp) -> Vec<TicketVector>;
    remembered_call(scope: &str, key: &str) -> Option<RememberedCall>;
    user(id: UserId) -> Option<User>;
    session(digest: SecretDigest) -> Option<Session>;
    sign_in_link(digest: SecretDigest) -> Option<SignInLink>;
    api_token(digest: SecretDigest) -> Option<ApiToken>;
}
