use async_trait::async_trait;
use feedback_core::{
    domain::{
        ApiToken, Attachment, Change, ChangelogEntry, CommitReceipt, GroupId, Identity, IdentityLink, Notification,
        NotificationAttempt, NotificationId, RememberedCall, Reporter, ReporterId, SecretDigest, Session, SignInLink,
        SyncCursor, Ticket, TicketGroup, TicketId, TicketLink, TicketSource, TicketVector, Timestamp, User, UserId,
        Write,
    },
    ports::{
        AttachmentsKey, ChangelogEntryKey, IdentityKey, LinksKey, NotificationKey, NotificationsKey, PortError,
        ReporterKey, SourceKey, Storage, TicketKey, TicketsKey,
    },
};
use rusqlite::params;

use crate::{Sqlite, commit, row};

/// Pairs that a ticket is part of, best first.
pub(crate) const LINKS_OF_TICKET: &str =
    "SELECT * FROM ticket_links WHERE ticket_id = ?1 OR original_id = ?1 ORDER BY score DESC, id";

/// A limit as a statement takes it.
pub(crate) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

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

    async fn tickets_of(&self, key: TicketsKey) -> Result<Vec<Ticket>, PortError> {
        let read = move |conn: &rusqlite::Connection| match key {
            TicketsKey::Group(group) => {
                let sql = "SELECT * FROM tickets WHERE group_id = ?1 ORDER BY created_at, id";
                row::all(conn, sql, [group.as_uuid().as_bytes()], row::ticket)
            }
            TicketsKey::Reporter(reporter) => {
                let sql = "SELECT * FROM tickets WHERE reporter_id = ?1 ORDER BY created_at, id";
                row::all(conn, sql, [reporter.as_uuid().as_bytes()], row::ticket)
            }
            TicketsKey::WithoutVector { model, since, limit } => {
                let sql = "SELECT t.* FROM tickets t WHERE t.created_at >= ?1 AND t.original IS NOT NULL AND NOT EXISTS
                        (SELECT 1 FROM ticket_vectors v WHERE v.ticket_id = t.id AND v.model = ?2)
                    ORDER BY t.created_at, t.id LIMIT ?3";
                row::all(conn, sql, params![since.unix_micros(), model, rows(limit)], row::ticket)
            }
        };
        self.inner.connections.read("storage.tickets_of", read).await
    }

    async fn group(&self, id: GroupId) -> Result<Option<TicketGroup>, PortError> {
        let sql = "SELECT * FROM ticket_groups WHERE id = ?1";
        let read = move |conn: &rusqlite::Connection| row::first(conn, sql, [id.as_uuid().as_bytes()], row::group);
        self.inner.connections.read("storage.group", read).await
    }

    async fn links(&self, key: LinksKey) -> Result<Vec<TicketLink>, PortError> {
        let (sql, id) = match key {
            LinksKey::Id(id) => ("SELECT * FROM ticket_links WHERE id = ?1", *id.as_uuid()),
            LinksKey::Ticket(ticket) => (LINKS_OF_TICKET, *ticket.as_uuid()),
        };
        let read = move |conn: &rusqlite::Connection| row::all(conn, sql, [id.as_bytes()], row::link);
        self.inner.connections.read("storage.links", read).await
    }

    async fn attachments(&self, key: AttachmentsKey) -> Result<Vec<Attachment>, PortError> {
        let read = move |conn: &rusqlite::Connection| match key {
            AttachmentsKey::Id(id) => {
                let sql = "SELECT * FROM attachments WHERE id = ?1";
                row::all(conn, sql, [id.as_uuid().as_bytes()], row::attachment)
            }
            AttachmentsKey::Source(source) => {
                let sql = "SELECT * FROM attachments WHERE source_id = ?1 ORDER BY created_at, id";
                row::all(conn, sql, [source.as_uuid().as_bytes()], row::attachment)
            }
            AttachmentsKey::Ticket(ticket) => {
                let sql = "SELECT * FROM attachments WHERE ticket_id = ?1 ORDER BY created_at, id";
                row::all(conn, sql, [ticket.as_uuid().as_bytes()], row::attachment)
            }
            AttachmentsKey::StoredBefore { before, limit } => {
                let sql = "SELECT * FROM attachments WHERE status = 'stored' AND created_at < ?1
                    ORDER BY created_at, id LIMIT ?2";
                row::all(conn, sql, params![before.unix_micros(), rows(limit)], row::attachment)
            }
        };
        self.inner.connections.read("storage.attachments", read).await
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
                    "SELECT * FROM reporters WHERE email_index = ?1 AND email_verified = 1 ORDER BY created_at, id";
                first_of(row::all(conn, sql, [index.as_bytes()], row::reporter)?)
            }
            ReporterKey::AnyEmail(index) => {
                let sql = "SELECT * FROM reporters WHERE email_index = ?1 ORDER BY created_at, id";
                first_of(row::all(conn, sql, [index.as_bytes()], row::reporter)?)
            }
            ReporterKey::Phone(spellings) => {
                let sql = "SELECT * FROM reporters WHERE phone_index = ?1 ORDER BY created_at, id";
                let mut found = Vec::new();
                for spelling in spellings {
                    found.extend(row::all(conn, sql, [spelling.as_bytes()], row::reporter)?);
                }
                first_of(found)
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

    async fn merged_reporters(&self, into: ReporterId) -> Result<Vec<Reporter>, PortError> {
        let sql = "SELECT * FROM reporters WHERE merged_into = ?1 ORDER BY created_at, id";
        let read = move |conn: &rusqlite::Connection| row::all(conn, sql, [into.as_uuid().as_bytes()], row::reporter);
        self.inner.connections.read("storage.merged_reporters", read).await
    }

    async fn identity_links(&self, reporter: ReporterId) -> Result<Vec<IdentityLink>, PortError> {
        let sql = "SELECT * FROM identity_links WHERE reporter_id = ?1
                OR identity_id IN (SELECT id FROM reporter_identities WHERE reporter_id = ?1)
            ORDER BY at, id";
        let read =
            move |conn: &rusqlite::Connection| row::all(conn, sql, [reporter.as_uuid().as_bytes()], row::identity_link);
        self.inner.connections.read("storage.identity_links", read).await
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

    async fn notifications(&self, key: NotificationsKey) -> Result<Vec<Notification>, PortError> {
        let (sql, id) = match key {
            NotificationsKey::Entry(entry) => {
                let sql = "SELECT * FROM notifications WHERE changelog_entry_id = ?1 ORDER BY created_at, id";
                (sql, *entry.as_uuid())
            }
            NotificationsKey::Parked(identity) => {
                let sql = "SELECT * FROM notifications WHERE identity_id = ?1 AND status = 'channel_restricted'
                    ORDER BY created_at, id";
                (sql, *identity.as_uuid())
            }
            NotificationsKey::Reporter(reporter) => {
                let sql = "SELECT * FROM notifications WHERE reporter_id = ?1 ORDER BY created_at, id";
                (sql, *reporter.as_uuid())
            }
        };
        let read = move |conn: &rusqlite::Connection| row::all(conn, sql, [id.as_bytes()], row::notification);
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

/// The oldest who is not merged, else the oldest. Few people share an address, so all of them are read.
fn first_of(found: Vec<Reporter>) -> Result<Option<Reporter>, crate::error::Failure> {
    Ok(found
        .into_iter()
        .min_by_key(|reporter| (reporter.merged_into.is_some(), reporter.created_at, reporter.id)))
}

pub(crate) fn attempts_of(
    conn: &rusqlite::Connection,
    notification: NotificationId,
) -> Result<Vec<NotificationAttempt>, crate::error::Failure> {
    let sql = "SELECT * FROM notification_attempts WHERE notification_id = ?1 ORDER BY started_at, id";
    row::all(conn, sql, [notification.as_uuid().as_bytes()], row::attempt)
}
