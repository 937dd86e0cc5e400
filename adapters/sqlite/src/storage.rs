use async_trait::async_trait;
use feedback_core::{
    domain::{
        ApiToken, Change, ChangelogEntry, ChangelogEntryId, CommitReceipt, Identity, Notification, NotificationAttempt,
        NotificationId, RememberedCall, Reporter, ReporterId, SecretDigest, Session, SignInLink, SyncCursor, Ticket,
        TicketId, TicketSource, TicketVector, Timestamp, User, UserId, Write,
    },
    ports::{ChangelogEntryKey, IdentityKey, NotificationKey, PortError, ReporterKey, SourceKey, Storage, TicketKey},
};
use rusqlite::params;

use crate::{Sqlite, commit, row};

#[async_trait]
impl Storage for Sqlite {
    async fn commit(&self, change: Change) -> Result<CommitReceipt, PortError> {
        let brings_work = change.writes().iter().any(|write| matches!(write, Write::Enqueue(_)));
        let outcome = self
            .inner
            .connections
            .write(move |conn| commit::apply(conn, change))
            .await;
        let receipt = outcome.map_err(|failure| failure.into_port("storage.commit"))?;
        if brings_work {
            self.announce_work();
        }
        Ok(receipt)
    }

    async fn ticket(&self, key: TicketKey) -> Result<Option<Ticket>, PortError> {
        let read = move |conn: &rusqlite::Connection| match key {
            TicketKey::Id(id) => row::first(
                conn,
                "SELECT * FROM tickets WHERE id = ?1",
                [id.as_uuid().as_bytes()],
                row::ticket,
            ),
            TicketKey::Number(number) => match commit::row_number(number) {
                Ok(number) => row::first(conn, "SELECT * FROM tickets WHERE number = ?1", [number], row::ticket),
                Err(_) => Ok(None),
            },
            TicketKey::Page(page) => row::first(conn, "SELECT * FROM tickets WHERE page_id = ?1", [page], row::ticket),
        };
        self.inner.connections.read("storage.ticket", read).await
    }

    async fn source(&self, key: SourceKey) -> Result<Option<TicketSource>, PortError> {
        let read = move |conn: &rusqlite::Connection| match key {
            SourceKey::External(channel, id) => {
                let sql = "SELECT * FROM ticket_sources WHERE channel = ?1 AND external_id = ?2";
                row::first(conn, sql, [channel.as_str(), id.as_str()], row::source)
            }
            SourceKey::NewestInThread(channel, key) => {
                let sql =
                    "SELECT * FROM ticket_sources WHERE channel = ?1 AND thread_key = ?2 ORDER BY seq DESC LIMIT 1";
                row::first(conn, sql, [channel.as_str(), key.as_str()], row::source)
            }
            SourceKey::NewestBy(author) => {
                let sql = "SELECT * FROM ticket_sources WHERE author_id = ?1 ORDER BY seq DESC LIMIT 1";
                row::first(conn, sql, [author.as_uuid().as_bytes()], row::source)
            }
        };
        self.inner.connections.read("storage.source", read).await
    }

    async fn sources(&self, ticket: TicketId) -> Result<Vec<TicketSource>, PortError> {
        let sql = "SELECT * FROM ticket_sources WHERE ticket_id = ?1 ORDER BY seq";
        let read = move |conn: &rusqlite::Connection| row::all(conn, sql, [ticket.as_uuid().as_bytes()], row::source);
        self.inner.connections.read("storage.sources", read).await
    }

    async fn reporter(&self, key: ReporterKey) -> Result<Option<Reporter>, PortError> {
        let read = move |conn: &rusqlite::Connection| match key {
            ReporterKey::Id(id) => row::first(
                conn,
                "SELECT * FROM reporters WHERE id = ?1",
                [id.as_uuid().as_bytes()],
                row::reporter,
            ),
            ReporterKey::VerifiedEmail(index) => {
                let sql =
                    "SELECT * FROM reporters WHERE email_index = ?1 AND email_verified = 1 AND merged_into IS NULL";
                row::first(conn, sql, [index.as_bytes()], row::reporter)
            }
            ReporterKey::AnyEmail(index) => {
                let sql = "SELECT * FROM reporters WHERE email_index = ?1 AND merged_into IS NULL
                    ORDER BY created_at, id LIMIT 1";
                row::first(conn, sql, [index.as_bytes()], row::reporter)
            }
            ReporterKey::Phone(spellings) => {
                let sql = "SELECT * FROM reporters WHERE phone_index = ?1 AND merged_into IS NULL
                    ORDER BY created_at, id LIMIT 1";
                let mut oldest: Option<Reporter> = None;
                for spelling in spellings {
                    let found = row::first(conn, sql, [spelling.as_bytes()], row::reporter)?;
                    oldest = oldest
                        .into_iter()
                        .chain(found)
                        .min_by_key(|reporter| (reporter.created_at, reporter.id));
                }
                Ok(oldest)
            }
        };
        self.inner.connections.read("storage.reporter", read).await
    }

    async fn identity(&self, key: IdentityKey) -> Result<Option<Identity>, PortError> {
        let read = move |conn: &rusqlite::Connection| match key {
            IdentityKey::Id(id) => {
                let sql = "SELECT * FROM reporter_identities WHERE id = ?1";
                row::first(conn, sql, [id.as_uuid().as_bytes()], row::identity)
            }
            IdentityKey::External(channel, lookup) => {
                let sql = "SELECT * FROM reporter_identities WHERE channel = ?1 AND lookup = ?2";
                row::first(conn, sql, params![channel.as_str(), lookup.as_bytes()], row::identity)
            }
        };
        self.inner.connections.read("storage.identity", read).await
    }

    async fn identities(&self, reporter: ReporterId) -> Result<Vec<Identity>, PortError> {
        let sql = "SELECT * FROM reporter_identities WHERE reporter_id = ?1 ORDER BY created_at, id";
        let read =
            move |conn: &rusqlite::Connection| row::all(conn, sql, [reporter.as_uuid().as_bytes()], row::identity);
        self.inner.connections.read("storage.identities", read).await
    }

    async fn changelog_entry(&self, key: ChangelogEntryKey) -> Result<Option<ChangelogEntry>, PortError> {
        let (sql, id) = match key {
            ChangelogEntryKey::Id(id) => ("SELECT * FROM changelog_entries WHERE id = ?1", *id.as_uuid()),
            ChangelogEntryKey::NewestOf(ticket) => {
                let sql =
                    "SELECT * FROM changelog_entries WHERE ticket_id = ?1 ORDER BY created_at DESC, id DESC LIMIT 1";
                (sql, *ticket.as_uuid())
            }
        };
        let read = move |conn: &rusqlite::Connection| row::first(conn, sql, [id.as_bytes()], row::changelog_entry);
        self.inner.connections.read("storage.changelog_entry", read).await
    }

    async fn notification(&self, key: NotificationKey) -> Result<Option<Notification>, PortError> {
        let read = move |conn: &rusqlite::Connection| match key {
            NotificationKey::Id(id) => row::first(
                conn,
                "SELECT * FROM notifications WHERE id = ?1",
                [id.as_uuid().as_bytes()],
                row::notification,
            ),
            NotificationKey::ProviderMessage(channel, message) => {
                let sql = "SELECT * FROM notifications WHERE channel = ?1 AND provider_message_id = ?2
                    ORDER BY created_at DESC, id DESC LIMIT 1";
                row::first(conn, sql, [channel.as_str(), message.as_str()], row::notification)
            }
            NotificationKey::Marker(marker) => {
                let Some(attempt) = marker.attempt() else {
                    return Ok(None);
                };
                let sql = "SELECT n.* FROM notification_attempts a JOIN notifications n ON n.id = a.notification_id
                    WHERE a.id = ?1";
                row::first(conn, sql, [attempt.as_uuid().as_bytes()], row::notification)
            }
        };
        self.inner.connections.read("storage.notification", read).await
    }

    async fn notifications(&self, entry: ChangelogEntryId) -> Result<Vec<Notification>, PortError> {
        let sql = "SELECT * FROM notifications WHERE changelog_entry_id = ?1 ORDER BY created_at, id";
        let read =
            move |conn: &rusqlite::Connection| row::all(conn, sql, [entry.as_uuid().as_bytes()], row::notification);
        self.inner.connections.read("storage.notifications", read).await
    }

    async fn attempts(&self, notification: NotificationId) -> Result<Vec<NotificationAttempt>, PortError> {
        let read = move |conn: &rusqlite::Connection| attempts_of(conn, notification);
        self.inner.connections.read("storage.attempts", read).await
    }

    async fn cursor(&self, name: &str) -> Result<Option<SyncCursor>, PortError> {
        let name = name.to_owned();
        let sql = "SELECT * FROM sync_cursors WHERE name = ?1";
        let read = move |conn: &rusqlite::Connection| row::first(conn, sql, [name], row::cursor);
        self.inner.connections.read("storage.cursor", read).await
    }

    async fn vectors(&self, model: &str, since: Timestamp) -> Result<Vec<TicketVector>, PortError> {
        let model = model.to_owned();
        let sql = "SELECT * FROM ticket_vectors WHERE model = ?1 AND ticket_created_at >= ?2
            ORDER BY ticket_created_at DESC, ticket_id DESC";
        let read =
            move |conn: &rusqlite::Connection| row::all(conn, sql, params![model, since.unix_micros()], row::vector);
        self.inner.connections.read("storage.vectors", read).await
    }

    async fn remembered_call(&self, scope: &str, key: &str) -> Result<Option<RememberedCall>, PortError> {
        let names = [scope.to_owned(), key.to_owned()];
        let sql = "SELECT * FROM idempotency_keys WHERE scope = ?1 AND key = ?2";
        let read = move |conn: &rusqlite::Connection| row::first(conn, sql, names, row::remembered_call);
        self.inner.connections.read("storage.remembered_call", read).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        let sql = "SELECT * FROM users WHERE id = ?1";
        let read = move |conn: &rusqlite::Connection| row::first(conn, sql, [id.as_uuid().as_bytes()], row::user);
        self.inner.connections.read("storage.user", read).await
    }

    async fn session(&self, digest: SecretDigest) -> Result<Option<Session>, PortError> {
        let sql = "SELECT * FROM sessions WHERE digest = ?1";
        let read = move |conn: &rusqlite::Connection| row::first(conn, sql, [digest.as_bytes()], row::session);
        self.inner.connections.read("storage.session", read).await
    }

    async fn sign_in_link(&self, digest: SecretDigest) -> Result<Option<SignInLink>, PortError> {
        let sql = "SELECT * FROM sign_in_links WHERE digest = ?1";
        let read = move |conn: &rusqlite::Connection| row::first(conn, sql, [digest.as_bytes()], row::sign_in_link);
        self.inner.connections.read("storage.sign_in_link", read).await
    }

    async fn api_token(&self, digest: SecretDigest) -> Result<Option<ApiToken>, PortError> {
        let sql = "SELECT * FROM api_tokens WHERE digest = ?1";
        let read = move |conn: &rusqlite::Connection| row::first(conn, sql, [digest.as_bytes()], row::api_token);
        self.inner.connections.read("storage.api_token", read).await
    }
}

pub(crate) fn attempts_of(
    conn: &rusqlite::Connection,
    notification: NotificationId,
) -> Result<Vec<NotificationAttempt>, crate::error::Failure> {
    let sql = "SELECT * FROM notification_attempts WHERE notification_id = ?1 ORDER BY started_at, id";
    row::all(conn, sql, [notification.as_uuid().as_bytes()], row::attempt)
}
