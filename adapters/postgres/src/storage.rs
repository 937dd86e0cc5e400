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
};

use crate::{
    Postgres,
    commit::{row_number, statement},
    row::{self, Cells},
    text::storable,
};

fn owned(text: &str) -> String {
    storable(text).into_owned()
}

/// Pairs that a ticket is part of, best first.
pub(crate) const LINKS_OF_TICKET: &str =
    "SELECT * FROM ticket_links WHERE ticket_id = $1 OR original_id = $1 ORDER BY score DESC, id";

/// The tries of a notification, oldest first.
pub(crate) const ATTEMPTS_OF_NOTIFICATION: &str =
    "SELECT * FROM notification_attempts WHERE notification_id = $1 ORDER BY started_at, id";

/// A limit as a statement takes it.
pub(crate) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

type Entity<T> = fn(&Cells<'_>) -> Result<T, sqlx::Error>;

/// Rows that one statement finds, as entities. Its parameters may be needed twice, if the connection was lost.
macro_rules! all {
    ($self:expr, $operation:literal, $entity:expr, $sql:expr $(, $value:expr)* $(,)?) => {{
        let entity: Entity<_> = $entity;
        $self
            .inner
            .connections
            .read($operation, |conn| {
                let query = statement!($sql $(, ($value).clone())*);
                Box::pin(async move { row::all(&query.fetch_all(conn).await?, entity) })
            })
            .await
    }};
}

/// The row that one statement finds, or none.
macro_rules! first {
    ($self:expr, $operation:literal, $entity:expr, $sql:expr $(, $value:expr)* $(,)?) => {{
        let entity: Entity<_> = $entity;
        $self
            .inner
            .connections
            .read($operation, |conn| {
                let query = statement!($sql $(, ($value).clone())*);
                Box::pin(async move { row::one(query.fetch_optional(conn).await?.as_ref(), entity) })
            })
            .await
    }};
}

#[async_trait]
impl Storage for Postgres {
    async fn commit(&self, change: Change) -> Result<CommitReceipt, PortError> {
        if change.is_empty() {
            return Ok(CommitReceipt::default());
        }
        let outcome = self.inner.writers.commit(change).await;
        outcome.map_err(|failure| failure.into_port("storage.commit"))
    }

    async fn ticket(&self, key: TicketKey) -> Result<Option<Ticket>, PortError> {
        match key {
            TicketKey::Id(id) => {
                let sql = "SELECT * FROM tickets WHERE id = $1";
                first!(self, "storage.ticket", row::ticket, sql, id.as_uuid())
            }
            TicketKey::Number(number) => {
                // No ticket has a number that a row cannot hold.
                let Some(number) = row_number(number) else {
                    return Ok(None);
                };
                let sql = "SELECT * FROM tickets WHERE number = $1";
                first!(self, "storage.ticket", row::ticket, sql, number)
            }
            TicketKey::Page(page) => {
                let sql = "SELECT * FROM tickets WHERE page_id = $1";
                first!(self, "storage.ticket", row::ticket, sql, owned(&page))
            }
        }
    }

    async fn tickets_of(&self, key: TicketsKey) -> Result<Vec<Ticket>, PortError> {
        match key {
            TicketsKey::Group(group) => {
                let sql = "SELECT * FROM tickets WHERE group_id = $1 ORDER BY created_at, id";
                all!(self, "storage.tickets_of", row::ticket, sql, group.as_uuid())
            }
            TicketsKey::Reporter(reporter) => {
                let sql = "SELECT * FROM tickets WHERE reporter_id = $1 ORDER BY created_at, id";
                all!(self, "storage.tickets_of", row::ticket, sql, reporter.as_uuid())
            }
            TicketsKey::WithoutVector { model, since, limit } => {
                let sql = "SELECT t.* FROM tickets t WHERE t.created_at >= $1 AND t.original IS NOT NULL AND NOT EXISTS
                        (SELECT 1 FROM ticket_vectors v WHERE v.ticket_id = t.id AND v.model = $2)
                    ORDER BY t.created_at, t.id LIMIT $3";
                let since = since.unix_micros();
                all!(
                    self,
                    "storage.tickets_of",
                    row::ticket,
                    sql,
                    since,
                    owned(&model),
                    rows(limit)
                )
            }
        }
    }

    async fn group(&self, id: GroupId) -> Result<Option<TicketGroup>, PortError> {
        let sql = "SELECT * FROM ticket_groups WHERE id = $1";
        first!(self, "storage.group", row::group, sql, id.as_uuid())
    }

    async fn links(&self, key: LinksKey) -> Result<Vec<TicketLink>, PortError> {
        let (sql, id) = match key {
            LinksKey::Id(id) => ("SELECT * FROM ticket_links WHERE id = $1", *id.as_uuid()),
            LinksKey::Ticket(ticket) => (LINKS_OF_TICKET, *ticket.as_uuid()),
        };
        all!(self, "storage.links", row::link, sql, id)
    }

    async fn attachments(&self, key: AttachmentsKey) -> Result<Vec<Attachment>, PortError> {
        let (sql, id) = match key {
            AttachmentsKey::Id(id) => ("SELECT * FROM attachments WHERE id = $1", *id.as_uuid()),
            AttachmentsKey::Source(source) => {
                let sql = "SELECT * FROM attachments WHERE source_id = $1 ORDER BY created_at, id";
                (sql, *source.as_uuid())
            }
            AttachmentsKey::Ticket(ticket) => {
                let sql = "SELECT * FROM attachments WHERE ticket_id = $1 ORDER BY created_at, id";
                (sql, *ticket.as_uuid())
            }
            AttachmentsKey::StoredBefore { before, limit } => {
                let sql = "SELECT * FROM attachments WHERE status = 'stored' AND created_at < $1
                    ORDER BY created_at, id LIMIT $2";
                let before = before.unix_micros();
                return all!(self, "storage.attachments", row::attachment, sql, before, rows(limit));
            }
        };
        all!(self, "storage.attachments", row::attachment, sql, id)
    }

    async fn source(&self, key: SourceKey) -> Result<Option<TicketSource>, PortError> {
        match key {
            SourceKey::External(channel, id) => {
                let sql = "SELECT * FROM ticket_sources WHERE channel = $1 AND external_id = $2";
                let id = owned(id.as_str());
                first!(self, "storage.source", row::source, sql, channel.as_str(), id)
            }
            SourceKey::NewestInThread(channel, key) => {
                let sql =
                    "SELECT * FROM ticket_sources WHERE channel = $1 AND thread_key = $2 ORDER BY seq DESC LIMIT 1";
                let key = owned(key.as_str());
                first!(self, "storage.source", row::source, sql, channel.as_str(), key)
            }
            SourceKey::NewestBy(author) => {
                let sql = "SELECT * FROM ticket_sources WHERE author_id = $1 ORDER BY seq DESC LIMIT 1";
                first!(self, "storage.source", row::source, sql, author.as_uuid())
            }
        }
    }

    async fn sources(&self, ticket: TicketId) -> Result<Vec<TicketSource>, PortError> {
        let sql = "SELECT * FROM ticket_sources WHERE ticket_id = $1 ORDER BY seq";
        all!(self, "storage.sources", row::source, sql, ticket.as_uuid())
    }

    async fn reporter(&self, key: ReporterKey) -> Result<Option<Reporter>, PortError> {
        let found = match key {
            ReporterKey::Id(id) => {
                let sql = "SELECT * FROM reporters WHERE id = $1";
                return first!(self, "storage.reporter", row::reporter, sql, id.as_uuid());
            }
            ReporterKey::VerifiedEmail(index) => {
                let sql = "SELECT * FROM reporters WHERE email_index = $1 AND email_verified ORDER BY created_at, id";
                all!(self, "storage.reporter", row::reporter, sql, index.as_bytes().to_vec())
            }
            ReporterKey::AnyEmail(index) => {
                let sql = "SELECT * FROM reporters WHERE email_index = $1 ORDER BY created_at, id";
                all!(self, "storage.reporter", row::reporter, sql, index.as_bytes().to_vec())
            }
            ReporterKey::Phone(spellings) => {
                let sql = "SELECT * FROM reporters WHERE phone_index = ANY ($1)";
                let spellings: Vec<Vec<u8>> = spellings.iter().map(|index| index.as_bytes().to_vec()).collect();
                all!(self, "storage.reporter", row::reporter, sql, spellings)
            }
        };
        Ok(first_of(found?))
    }

    async fn identity(&self, key: IdentityKey) -> Result<Option<Identity>, PortError> {
        match key {
            IdentityKey::Id(id) => {
                let sql = "SELECT * FROM reporter_identities WHERE id = $1";
                first!(self, "storage.identity", row::identity, sql, id.as_uuid())
            }
            IdentityKey::External(channel, lookup) => {
                let sql = "SELECT * FROM reporter_identities WHERE channel = $1 AND lookup = $2";
                let lookup = lookup.as_bytes().to_vec();
                first!(self, "storage.identity", row::identity, sql, channel.as_str(), lookup)
            }
        }
    }

    async fn identities(&self, reporter: ReporterId) -> Result<Vec<Identity>, PortError> {
        let sql = "SELECT * FROM reporter_identities WHERE reporter_id = $1 ORDER BY created_at, id";
        all!(self, "storage.identities", row::identity, sql, reporter.as_uuid())
    }

    async fn merged_reporters(&self, into: ReporterId) -> Result<Vec<Reporter>, PortError> {
        let sql = "SELECT * FROM reporters WHERE merged_into = $1 ORDER BY created_at, id";
        all!(self, "storage.merged_reporters", row::reporter, sql, into.as_uuid())
    }

    async fn identity_links(&self, reporter: ReporterId) -> Result<Vec<IdentityLink>, PortError> {
        // A union, since an OR over two tables is served by no index.
        let sql = "SELECT * FROM identity_links WHERE reporter_id = $1
            UNION SELECT l.* FROM reporter_identities i JOIN identity_links l ON l.identity_id = i.id
                WHERE i.reporter_id = $1
            ORDER BY at, id";
        all!(
            self,
            "storage.identity_links",
            row::identity_link,
            sql,
            reporter.as_uuid()
        )
    }

    async fn changelog_entry(&self, key: ChangelogEntryKey) -> Result<Option<ChangelogEntry>, PortError> {
        let (sql, id) = match key {
            ChangelogEntryKey::Id(id) => ("SELECT * FROM changelog_entries WHERE id = $1", *id.as_uuid()),
            ChangelogEntryKey::NewestOf(ticket) => {
                let sql =
                    "SELECT * FROM changelog_entries WHERE ticket_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1";
                (sql, *ticket.as_uuid())
            }
        };
        first!(self, "storage.changelog_entry", row::changelog_entry, sql, id)
    }

    async fn notification(&self, key: NotificationKey) -> Result<Option<Notification>, PortError> {
        match key {
            NotificationKey::Id(id) => {
                let sql = "SELECT * FROM notifications WHERE id = $1";
                first!(self, "storage.notification", row::notification, sql, id.as_uuid())
            }
            NotificationKey::ProviderMessage(channel, message) => {
                let sql = "SELECT * FROM notifications WHERE channel = $1 AND provider_message_id = $2
                    ORDER BY created_at DESC, id DESC LIMIT 1";
                let message = owned(&message);
                first!(
                    self,
                    "storage.notification",
                    row::notification,
                    sql,
                    channel.as_str(),
                    message
                )
            }
            NotificationKey::Marker(marker) => {
                let Some(attempt) = marker.attempt() else {
                    return Ok(None);
                };
                let sql = "SELECT n.* FROM notification_attempts a JOIN notifications n ON n.id = a.notification_id
                    WHERE a.id = $1";
                first!(self, "storage.notification", row::notification, sql, attempt.as_uuid())
            }
        }
    }

    async fn notifications(&self, key: NotificationsKey) -> Result<Vec<Notification>, PortError> {
        let (sql, id) = match key {
            NotificationsKey::Entry(entry) => {
                let sql = "SELECT * FROM notifications WHERE changelog_entry_id = $1 ORDER BY created_at, id";
                (sql, *entry.as_uuid())
            }
            NotificationsKey::Parked(identity) => {
                let sql = "SELECT * FROM notifications WHERE identity_id = $1 AND status = 'channel_restricted'
                    ORDER BY created_at, id";
                (sql, *identity.as_uuid())
            }
            NotificationsKey::Reporter(reporter) => {
                let sql = "SELECT * FROM notifications WHERE reporter_id = $1 ORDER BY created_at, id";
                (sql, *reporter.as_uuid())
            }
        };
        all!(self, "storage.notifications", row::notification, sql, id)
    }

    async fn attempts(&self, notification: NotificationId) -> Result<Vec<NotificationAttempt>, PortError> {
        let sql = ATTEMPTS_OF_NOTIFICATION;
        all!(self, "storage.attempts", row::attempt, sql, notification.as_uuid())
    }

    async fn cursor(&self, name: &str) -> Result<Option<SyncCursor>, PortError> {
        let sql = "SELECT * FROM sync_cursors WHERE name = $1";
        first!(self, "storage.cursor", row::cursor, sql, owned(name))
    }

    async fn vectors(&self, model: &str, since: Timestamp) -> Result<Vec<TicketVector>, PortError> {
        let sql = "SELECT * FROM ticket_vectors WHERE model = $1 AND ticket_created_at >= $2
            ORDER BY ticket_created_at DESC, ticket_id DESC";
        all!(
            self,
            "storage.vectors",
            row::vector,
            sql,
            owned(model),
            since.unix_micros()
        )
    }

    async fn remembered_call(&self, scope: &str, key: &str) -> Result<Option<RememberedCall>, PortError> {
        let sql = "SELECT * FROM idempotency_keys WHERE scope = $1 AND key = $2";
        first!(
            self,
            "storage.remembered_call",
            row::remembered_call,
            sql,
            owned(scope),
            owned(key)
        )
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        let sql = "SELECT * FROM users WHERE id = $1";
        first!(self, "storage.user", row::user, sql, id.as_uuid())
    }

    async fn session(&self, digest: SecretDigest) -> Result<Option<Session>, PortError> {
        let sql = "SELECT * FROM sessions WHERE digest = $1";
        first!(self, "storage.session", row::session, sql, digest.as_bytes().to_vec())
    }

    async fn sign_in_link(&self, digest: SecretDigest) -> Result<Option<SignInLink>, PortError> {
        let sql = "SELECT * FROM sign_in_links WHERE digest = $1";
        first!(
            self,
            "storage.sign_in_link",
            row::sign_in_link,
            sql,
            digest.as_bytes().to_vec()
        )
    }

    async fn api_token(&self, digest: SecretDigest) -> Result<Option<ApiToken>, PortError> {
        let sql = "SELECT * FROM api_tokens WHERE digest = $1";
        first!(
            self,
            "storage.api_token",
            row::api_token,
            sql,
            digest.as_bytes().to_vec()
        )
    }
}

/// The oldest who is not merged, else the oldest. Few people share an address, so all of them are read.
fn first_of(found: Vec<Reporter>) -> Option<Reporter> {
    found
        .into_iter()
        .min_by_key(|reporter| (reporter.merged_into.is_some(), reporter.created_at, reporter.id))
}
