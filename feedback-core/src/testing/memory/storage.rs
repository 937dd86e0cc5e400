use async_trait::async_trait;

use super::{MemoryStore, Order};
use crate::{
    domain::{
        ApiToken, Attachment, AttachmentStatus, Change, ChangelogEntry, CommitReceipt, GroupId, Identity, IdentityLink,
        Notification, NotificationAttempt, NotificationId, NotificationStatus, RememberedCall, Reporter, ReporterId,
        SecretDigest, Session, SignInLink, SyncCursor, Ticket, TicketGroup, TicketId, TicketLink, TicketSource,
        TicketVector, Timestamp, User, UserId, Write,
    },
    ports::{
        AttachmentsKey, ChangelogEntryKey, IdentityKey, LinksKey, NotificationKey, NotificationsKey, PortError,
        PortErrorKind, ReporterKey, SourceKey, Storage, TicketKey, TicketsKey,
    },
};

const COMMIT: &str = "storage.commit";

#[async_trait]
impl Storage for MemoryStore {
    async fn commit(&self, change: Change) -> Result<CommitReceipt, PortError> {
        let brings_work = change.writes().iter().any(|write| matches!(write, Write::Enqueue(_)));
        let mut receipt = CommitReceipt::default();
        {
            let mut state = self.lock();
            let order = if state.orders.is_empty() {
                None
            } else {
                Some(state.orders.remove(0))
            };
            if let Some(Order::Refuse(kind)) = order {
                return Err(PortError::new(kind, COMMIT).with_code("ordered"));
            }
            let mut next = state.clone();
            for write in change.into_writes() {
                next.apply(write, &mut receipt).map_err(|misfit| {
                    PortError::new(misfit.kind, COMMIT)
                        .with_code(misfit.code)
                        .with_reason(misfit.what)
                })?;
            }
            *state = next;
            if let Some(Order::LoseAnswer) = order {
                return Err(PortError::new(PortErrorKind::Unknown, COMMIT).with_code("ordered"));
            }
        }
        if brings_work {
            self.announce_work();
        }
        Ok(receipt)
    }

    async fn ticket(&self, key: TicketKey) -> Result<Option<Ticket>, PortError> {
        let state = self.lock();
        Ok(match key {
            TicketKey::Id(id) => state.tickets.get(&id).cloned(),
            TicketKey::Number(number) => state.tickets.values().find(|ticket| ticket.number == number).cloned(),
            TicketKey::Page(page) => {
                let has_page = |ticket: &&Ticket| ticket.page.as_ref().is_some_and(|known| known.id == page);
                state.tickets.values().find(has_page).cloned()
            }
        })
    }

    async fn tickets_of(&self, key: TicketsKey) -> Result<Vec<Ticket>, PortError> {
        let state = self.lock();
        let has_vector = |ticket: &Ticket, model: &str| {
            let same = |vector: &TicketVector| vector.ticket == ticket.id && vector.model == model;
            state.vectors.iter().any(same)
        };
        let mut found: Vec<_> = state
            .tickets
            .values()
            .filter(|ticket| match &key {
                TicketsKey::Group(group) => ticket.group == Some(*group),
                TicketsKey::Reporter(reporter) => ticket.reporter == *reporter,
                TicketsKey::WithoutVector { model, since, .. } => {
                    ticket.created_at >= *since && ticket.original.is_some() && !has_vector(ticket, model)
                }
            })
            .cloned()
            .collect();
        found.sort_by_key(|ticket| (ticket.created_at, ticket.id));
        if let TicketsKey::WithoutVector { limit, .. } = key {
            found.truncate(limit);
        }
        Ok(found)
    }

    async fn group(&self, id: GroupId) -> Result<Option<TicketGroup>, PortError> {
        Ok(self.lock().groups.get(&id).cloned())
    }

    async fn links(&self, key: LinksKey) -> Result<Vec<TicketLink>, PortError> {
        let state = self.lock();
        let matches = |link: &&TicketLink| match key {
            LinksKey::Id(id) => link.id == id,
            LinksKey::Ticket(ticket) => link.ticket == ticket || link.original == ticket,
        };
        let mut found: Vec<_> = state.links.values().filter(matches).cloned().collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        Ok(found)
    }

    async fn attachments(&self, key: AttachmentsKey) -> Result<Vec<Attachment>, PortError> {
        let state = self.lock();
        let matches = |file: &&Attachment| match key {
            AttachmentsKey::Id(id) => file.id == id,
            AttachmentsKey::Source(source) => file.source == source,
            AttachmentsKey::Ticket(ticket) => file.ticket == ticket,
            AttachmentsKey::StoredBefore { before, .. } => {
                file.status == AttachmentStatus::Stored && file.created_at < before
            }
        };
        let mut found: Vec<_> = state.attachments.values().filter(matches).cloned().collect();
        found.sort_by_key(|file| (file.created_at, file.id));
        if let AttachmentsKey::StoredBefore { limit, .. } = key {
            found.truncate(limit);
        }
        Ok(found)
    }

    async fn source(&self, key: SourceKey) -> Result<Option<TicketSource>, PortError> {
        let state = self.lock();
        let matches = |source: &&TicketSource| match &key {
            SourceKey::External(channel, id) => source.channel == *channel && source.external_id == *id,
            SourceKey::NewestInThread(channel, key) => {
                source.channel == *channel && source.thread_key.as_ref() == Some(key)
            }
            SourceKey::NewestBy(author) => source.author == *author,
        };
        Ok(state.sources.iter().rev().find(matches).cloned())
    }

    async fn sources(&self, ticket: TicketId) -> Result<Vec<TicketSource>, PortError> {
        Ok(self
            .lock()
            .sources
            .iter()
            .filter(|source| source.ticket == ticket)
            .cloned()
            .collect())
    }

    async fn reporter(&self, key: ReporterKey) -> Result<Option<Reporter>, PortError> {
        let state = self.lock();
        let matches = |reporter: &&Reporter| match &key {
            ReporterKey::Id(_) => false,
            ReporterKey::VerifiedEmail(index) => reporter.email_verified && reporter.email_index == Some(*index),
            ReporterKey::AnyEmail(index) => reporter.email_index == Some(*index),
            ReporterKey::Phone(spellings) => reporter.phone_index.is_some_and(|index| spellings.contains(&index)),
        };
        Ok(match &key {
            ReporterKey::Id(id) => state.reporters.get(id).cloned(),
            _ => state
                .reporters
                .values()
                .filter(matches)
                .min_by_key(|reporter| (reporter.merged_into.is_some(), reporter.created_at, reporter.id))
                .cloned(),
        })
    }

    async fn identity(&self, key: IdentityKey) -> Result<Option<Identity>, PortError> {
        let state = self.lock();
        Ok(match key {
            IdentityKey::Id(id) => state.identities.get(&id).cloned(),
            IdentityKey::External(channel, lookup) => state.identity_by_lookup(channel, lookup).cloned(),
        })
    }

    async fn identities(&self, reporter: ReporterId) -> Result<Vec<Identity>, PortError> {
        let state = self.lock();
        let mut found: Vec<_> = state
            .identities
            .values()
            .filter(|i| i.reporter == reporter)
            .cloned()
            .collect();
        found.sort_by_key(|identity| (identity.created_at, identity.id));
        Ok(found)
    }

    async fn merged_reporters(&self, into: ReporterId) -> Result<Vec<Reporter>, PortError> {
        let state = self.lock();
        let merged = |reporter: &&Reporter| reporter.merged_into == Some(into);
        let mut found: Vec<_> = state.reporters.values().filter(merged).cloned().collect();
        found.sort_by_key(|reporter| (reporter.created_at, reporter.id));
        Ok(found)
    }

    async fn identity_links(&self, reporter: ReporterId) -> Result<Vec<IdentityLink>, PortError> {
        let state = self.lock();
        let theirs = |link: &&IdentityLink| {
            let identity = state.identities.get(&link.identity);
            link.reporter == reporter || identity.is_some_and(|identity| identity.reporter == reporter)
        };
        let mut found: Vec<_> = state.identity_links.values().filter(theirs).cloned().collect();
        found.sort_by_key(|link| (link.at, link.id));
        Ok(found)
    }

    async fn changelog_entry(&self, key: ChangelogEntryKey) -> Result<Option<ChangelogEntry>, PortError> {
        let state = self.lock();
        Ok(match key {
            ChangelogEntryKey::Id(id) => state.entries.get(&id).cloned(),
            ChangelogEntryKey::NewestOf(ticket) => state
                .entries
                .values()
                .filter(|entry| entry.ticket == ticket)
                .max_by_key(|entry| (entry.created_at, entry.id))
                .cloned(),
        })
    }

    async fn notification(&self, key: NotificationKey) -> Result<Option<Notification>, PortError> {
        let state = self.lock();
        Ok(match key {
            NotificationKey::Id(id) => state.notifications.get(&id).cloned(),
            NotificationKey::ProviderMessage(channel, message) => state
                .notifications
                .values()
                .filter(|n| n.channel == channel && n.provider_message_id.as_ref() == Some(&message))
                .max_by_key(|n| (n.created_at, n.id))
                .cloned(),
            NotificationKey::Marker(marker) => marker
                .attempt()
                .and_then(|attempt| state.attempts.get(&attempt))
                .and_then(|attempt| state.notifications.get(&attempt.notification))
                .cloned(),
        })
    }

    async fn notifications(&self, key: NotificationsKey) -> Result<Vec<Notification>, PortError> {
        let state = self.lock();
        let mut found: Vec<_> = state
            .notifications
            .values()
            .filter(|n| match key {
                NotificationsKey::Entry(entry) => n.changelog_entry == entry,
                NotificationsKey::Parked(identity) => {
                    n.identity == identity && n.status == NotificationStatus::ChannelRestricted
                }
                NotificationsKey::Reporter(reporter) => n.reporter == reporter,
            })
            .cloned()
            .collect();
        found.sort_by_key(|notification| (notification.created_at, notification.id));
        Ok(found)
    }

    async fn attempts(&self, notification: NotificationId) -> Result<Vec<NotificationAttempt>, PortError> {
        Ok(self.lock().attempts_of(notification))
    }

    async fn cursor(&self, name: &str) -> Result<Option<SyncCursor>, PortError> {
        Ok(self.lock().cursors.get(name).cloned())
    }

    async fn vectors(&self, model: &str, since: Timestamp) -> Result<Vec<TicketVector>, PortError> {
        let state = self.lock();
        let in_window = |vector: &&TicketVector| vector.model == model && vector.ticket_created_at >= since;
        let mut found: Vec<_> = state.vectors.iter().filter(in_window).cloned().collect();
        found.sort_by_key(|vector| std::cmp::Reverse((vector.ticket_created_at, vector.ticket)));
        Ok(found)
    }

    async fn remembered_call(&self, scope: &str, key: &str) -> Result<Option<RememberedCall>, PortError> {
        Ok(self.lock().calls.get(&(scope.to_owned(), key.to_owned())).cloned())
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, PortError> {
        Ok(self.lock().users.get(&id).cloned())
    }

    async fn session(&self, digest: SecretDigest) -> Result<Option<Session>, PortError> {
        Ok(self.lock().sessions.get(&digest).cloned())
    }

    async fn sign_in_link(&self, digest: SecretDigest) -> Result<Option<SignInLink>, PortError> {
        Ok(self.lock().sign_in_links.get(&digest).cloned())
    }

    async fn api_token(&self, digest: SecretDigest) -> Result<Option<ApiToken>, PortError> {
        Ok(self
            .lock()
            .api_tokens
            .values()
            .find(|token| token.digest == digest)
            .cloned())
    }
}

impl super::State {
    pub(super) fn attempts_of(&self, notification: NotificationId) -> Vec<NotificationAttempt> {
        let mut found: Vec<_> = self
            .attempts
            .values()
            .filter(|attempt| attempt.notification == notification)
            .cloned()
            .collect();
        found.sort_by_key(|attempt| (attempt.started_at, attempt.id));
        found
    }
}
