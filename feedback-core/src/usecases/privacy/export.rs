//! A copy of everything that the hub keeps of a person, opened for them: what they are entitled to ask for.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::{
        Channel, Identity, Language, Notification, NotificationStatus, Priority, Reporter, ReporterId, Ticket,
        TicketSource, TicketStatus, TicketType, Timestamp,
    },
    ports::{
        AttachmentsKey, ChangelogEntryKey, Clock, IdentityKey, NotificationsKey, PortError, ReporterKey, Storage,
        TicketsKey, Vault,
    },
    usecases::{
        person::family_of,
        sealing::{open, open_bytes, place},
    },
};

/// Exports people.
#[derive(Debug, Clone)]
pub struct Export {
    storage: Arc<dyn Storage>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
}

/// Everything that is kept of one person. It is their own words and addresses in the clear: hand it to them alone.
#[derive(Clone, Serialize)]
pub struct ExportedReporter {
    /// The person, and everybody who turned out to be the same.
    pub reporters: Vec<ReporterId>,
    /// Names, oldest first.
    pub names: Vec<String>,
    /// Email addresses.
    pub emails: Vec<String>,
    /// Phone numbers.
    pub phones: Vec<String>,
    /// Language of their last message.
    pub language: Option<Language>,
    /// When they were first seen.
    pub first_seen: Timestamp,
    /// When they were erased: nothing but frames is left then.
    pub erased_at: Option<Timestamp>,
    /// Their addresses on each channel.
    pub identities: Vec<ExportedIdentity>,
    /// What they reported, and what others wrote on it.
    pub tickets: Vec<ExportedTicket>,
    /// What they were told.
    pub notifications: Vec<ExportedNotification>,
    /// When this copy was made.
    pub exported_at: Timestamp,
}

impl std::fmt::Debug for ExportedReporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExportedReporter({:?})", self.reporters)
    }
}

/// An address on a channel.
#[derive(Clone, Serialize)]
pub struct ExportedIdentity {
    /// Channel.
    pub channel: Channel,
    /// Workspace, app or number of ours; empty where there is one only.
    pub connection: String,
    /// The provider's id of the person.
    pub external_user_id: Option<String>,
    /// When they last wrote there.
    pub last_message_at: Option<Timestamp>,
    /// When they asked not to be written to.
    pub opted_out_at: Option<Timestamp>,
}

/// A report.
#[derive(Clone, Serialize)]
pub struct ExportedTicket {
    /// Number.
    pub number: u64,
    /// Where it stands.
    pub status: TicketStatus,
    /// Kind.
    #[serde(rename = "type")]
    pub ticket_type: TicketType,
    /// Priority.
    pub priority: Priority,
    /// Title, as reviewers see it.
    pub title: String,
    /// Text as it was received, where it is still kept.
    pub text: Option<String>,
    /// Recorded.
    pub created_at: Timestamp,
    /// The person's messages.
    pub messages: Vec<ExportedMessage>,
}

/// A message.
#[derive(Clone, Serialize)]
pub struct ExportedMessage {
    /// Channel.
    pub channel: Channel,
    /// The provider's id.
    pub external_id: String,
    /// When it was written.
    pub sent_at: Timestamp,
    /// Its text, scrubbed as reviewers see it.
    pub text: String,
    /// The provider's payload as received, where it is still kept: JSON as JSON, anything else as text.
    pub payload: Option<Value>,
    /// Names of the files that came with it.
    pub files: Vec<String>,
}

/// A message to the person.
#[derive(Clone, Serialize)]
pub struct ExportedNotification {
    /// Channel.
    pub channel: Channel,
    /// Where it stands.
    pub status: NotificationStatus,
    /// What it says.
    pub text: Option<String>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no such reporter.
    #[error("reporter does not exist")]
    NotFound,
    /// Storage or vault failed.
    #[error("could not export the reporter")]
    Storage(#[source] PortError),
}

impl From<PortError> for ExportError {
    fn from(error: PortError) -> Self {
        Self::Storage(error)
    }
}

impl Export {
    /// The use case over its ports.
    pub fn new(storage: Arc<dyn Storage>, vault: Arc<dyn Vault>, clock: Arc<dyn Clock>) -> Self {
        Self { storage, vault, clock }
    }

    /// Everything of a person and of everybody who turned out to be the same.
    ///
    /// # Errors
    /// [`ExportError`].
    #[tracing::instrument(name = "privacy.export", skip_all, fields(reporter.id = %id))]
    pub async fn export(&self, id: ReporterId) -> Result<ExportedReporter, ExportError> {
        let family = family_of(&*self.storage, id).await?;
        // `family` begins with the person themselves.
        let Some(person) = family.first() else {
            return Err(ExportError::NotFound);
        };
        let mut exported = ExportedReporter {
            reporters: family.iter().map(|reporter| reporter.id).collect(),
            names: Vec::new(),
            emails: Vec::new(),
            phones: Vec::new(),
            language: person.language,
            first_seen: family
                .iter()
                .map(|reporter| reporter.created_at)
                .min()
                .unwrap_or(person.created_at),
            erased_at: person.erased_at,
            identities: Vec::new(),
            tickets: Vec::new(),
            notifications: Vec::new(),
            exported_at: self.clock.now(),
        };
        for reporter in &family {
            let opened = |column, sealed: &Option<crate::domain::Sealed>| -> Result<Option<String>, PortError> {
                let Some(sealed) = sealed else { return Ok(None) };
                let at = place::of("reporters", column, *reporter.id.as_uuid());
                Ok(open(&*self.vault, reporter, at, sealed)?.map(|text| text.to_string()))
            };
            exported.names.extend(opened("name", &reporter.name)?);
            exported.emails.extend(opened("email", &reporter.email)?);
            exported.phones.extend(opened("phone", &reporter.phone)?);
            for identity in self.storage.identities(reporter.id).await? {
                exported.identities.push(self.identity(reporter, identity)?);
            }
            for ticket in self.storage.tickets_of(TicketsKey::Reporter(reporter.id)).await? {
                exported.tickets.push(self.ticket(reporter, &family, ticket).await?);
            }
            for notification in self
                .storage
                .notifications(NotificationsKey::Reporter(reporter.id))
                .await?
            {
                exported.notifications.push(self.notification(&notification).await?);
            }
        }
        exported.tickets.sort_by_key(|ticket| ticket.number);
        Ok(exported)
    }

    fn identity(&self, reporter: &Reporter, identity: Identity) -> Result<ExportedIdentity, PortError> {
        let at = place::of("reporter_identities", "external_user_id", *identity.id.as_uuid());
        let id = if reporter.key.is_some() {
            open(&*self.vault, reporter, at, &identity.external_user_id)?.map(|id| id.to_string())
        } else {
            None
        };
        Ok(ExportedIdentity {
            channel: identity.channel,
            connection: identity.connection,
            external_user_id: id,
            last_message_at: identity.last_message_at,
            opted_out_at: identity.opted_out_at,
        })
    }

    async fn ticket(
        &self,
        reporter: &Reporter,
        family: &[Reporter],
        ticket: Ticket,
    ) -> Result<ExportedTicket, PortError> {
        let at = place::of("tickets", "original", *ticket.id.as_uuid());
        let text = match &ticket.original {
            Some(sealed) => open(&*self.vault, reporter, at, sealed)?.map(|text| text.to_string()),
            None => None,
        };
        let mut messages = Vec::new();
        for source in self.storage.sources(ticket.id).await? {
            let author = self.storage.identity(IdentityKey::Id(source.author)).await?;
            let author = author.and_then(|author| family.iter().find(|member| member.id == author.reporter));
            // What others wrote on the ticket is theirs, and sealed under their keys.
            if let Some(author) = author {
                messages.push(self.message(author, source).await?);
            }
        }
        Ok(ExportedTicket {
            number: ticket.number.value(),
            status: ticket.status,
            ticket_type: ticket.ticket_type,
            priority: ticket.priority,
            title: ticket.title.to_string(),
            text,
            created_at: ticket.created_at,
            messages,
        })
    }

    async fn message(&self, author: &Reporter, source: TicketSource) -> Result<ExportedMessage, PortError> {
        let at = place::of("ticket_sources", "raw", *source.id.as_uuid());
        let raw = match &source.raw {
            Some(sealed) => open_bytes(&*self.vault, author, at, sealed)?,
            None => None,
        };
        let payload = raw.map(|bytes| {
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()))
        });
        let mut files = Vec::new();
        for file in self.storage.attachments(AttachmentsKey::Source(source.id)).await? {
            let at = place::of("attachments", "name", *file.id.as_uuid());
            if let Some(name) = &file.name {
                files.extend(open(&*self.vault, author, at, name)?.map(|name| name.to_string()));
            }
        }
        Ok(ExportedMessage {
            channel: source.channel,
            external_id: source.external_id.as_str().to_owned(),
            sent_at: source.sent_at,
            text: source.text.to_string(),
            payload,
            files,
        })
    }

    async fn notification(&self, notification: &Notification) -> Result<ExportedNotification, PortError> {
        let key = ChangelogEntryKey::Id(notification.changelog_entry);
        let mut text = None;
        if let Some(entry) = self.storage.changelog_entry(key).await?
            && let Some(keeper) = self.storage.reporter(ReporterKey::Id(entry.sealed_for)).await?
        {
            let at = place::of("changelog_entries", "content", *entry.id.as_uuid());
            text = open(&*self.vault, &keeper, at, &entry.content)?.map(|text| text.to_string());
        }
        Ok(ExportedNotification {
            channel: notification.channel,
            status: notification.status,
            text,
            sent_at: notification.sent_at,
        })
    }
}
