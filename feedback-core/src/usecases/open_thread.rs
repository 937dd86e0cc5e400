//! Begins a thread for a report that came without one (a slash command, a form), so that there is somewhere to answer and
//! to go on.

use std::{collections::HashMap, sync::Arc};

use secrecy::SecretString;
use serde_json::json;

use super::{
    sealing::{open, place},
    timeline::event,
};
use crate::{
    domain::{
        Actor, Change, Channel, EventKind, Language, ThreadRef, Ticket, TicketId, TicketNumber, TicketSource, Write,
    },
    ports::{
        Clock, Conversations, IdSource, IdentityKey, PortError, ReporterKey, Storage, ThreadOpening, TicketKey, Vault,
    },
};

/// The one text that reaches a reporter without a reviewer: fixed words, which the operator approves by switching receipts
/// on, and the ticket's number.
///
/// ```
/// use feedback_core::{domain::{Language, TicketNumber}, usecases::ReceiptText};
/// let number = TicketNumber::new(1042);
/// assert_eq!(ReceiptText::default().of(number, Language::English), "We have it: this is ticket #1042. We will answer here.");
/// let own = ReceiptText::new("Noted: {number}".to_owned()).in_language(Language::Spanish, "Anotado: {number}".to_owned());
/// assert_eq!(own.of(number, Language::English), "Noted: #1042");
/// assert_eq!(own.of(number, Language::Spanish), "Anotado: #1042");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceiptText {
    everywhere: Option<String>,
    english: Option<String>,
    spanish: Option<String>,
}

impl ReceiptText {
    /// The operator's own words, in place of ours in every language; `{number}` stands for the ticket's.
    pub fn new(words: String) -> Self {
        Self {
            everywhere: Some(words),
            ..Self::default()
        }
    }

    /// The same with words of their own for one language.
    #[must_use]
    pub fn in_language(mut self, language: Language, words: String) -> Self {
        match language {
            Language::English => self.english = Some(words),
            Language::Spanish => self.spanish = Some(words),
        }
        self
    }

    /// What the reporter of a ticket is told.
    pub fn of(&self, number: TicketNumber, language: Language) -> String {
        let (own, ours) = match language {
            Language::English => (
                &self.english,
                "We have it: this is ticket {number}. We will answer here.",
            ),
            Language::Spanish => (
                &self.spanish,
                "Lo recibimos: es el ticket {number}. Te vamos a responder por acá.",
            ),
        };
        let words = own.as_deref().or(self.everywhere.as_deref()).unwrap_or(ours);
        words.replace("{number}", &number.to_string())
    }
}

/// Begins threads.
#[derive(Debug, Clone)]
pub struct OpenThread {
    storage: Arc<dyn Storage>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    conversations: Arc<HashMap<Channel, Arc<dyn Conversations>>>,
    words: Arc<ReceiptText>,
}

/// Why a thread was not begun.
#[derive(Debug, thiserror::Error)]
pub enum OpenThreadError {
    /// The channel failed.
    #[error("could not begin a thread for the report")]
    Channel(#[source] PortError),
    /// Storage or vault failed.
    #[error("could not load or store the report")]
    Storage(#[source] PortError),
}

impl OpenThread {
    /// The use case over its ports; one for each channel.
    pub fn new(
        storage: Arc<dyn Storage>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        conversations: impl IntoIterator<Item = Arc<dyn Conversations>>,
        words: ReceiptText,
    ) -> Self {
        let conversations = conversations.into_iter().map(|port| (port.channel(), port)).collect();
        Self {
            storage,
            vault,
            clock,
            ids,
            conversations: Arc::new(conversations),
            words: Arc::new(words),
        }
    }

    /// Begins the thread of a ticket's report, unless it has one, or its reporter is gone or does not want to be written to.
    ///
    /// # Errors
    /// [`OpenThreadError`]; the receipt may have been posted, and is found by the next try.
    #[tracing::instrument(name = "open_thread.open", skip_all, fields(ticket.id = %id))]
    pub async fn open(&self, id: TicketId) -> Result<(), OpenThreadError> {
        let Some((ticket, source)) = self.without_thread(id).await.map_err(OpenThreadError::Storage)? else {
            return Ok(());
        };
        let Some(port) = self.conversations.get(&source.channel) else {
            return Ok(());
        };
        let opening = self.opening(&ticket, &source).await.map_err(OpenThreadError::Storage)?;
        let Some(opening) = opening else { return Ok(()) };
        let thread = port.open_thread(&opening).await.map_err(OpenThreadError::Channel)?;
        let data = json!({"channel": source.channel, "source": source.id});
        let noted = event(
            &*self.ids,
            id,
            EventKind::ReceiptSent,
            Actor::Hub,
            data,
            self.clock.now(),
        );
        let change = Change::new().with(Write::AnchorSource(source.id, thread)).with(noted);
        self.storage.commit(change).await.map_err(OpenThreadError::Storage)?;
        Ok(())
    }

    async fn without_thread(&self, id: TicketId) -> Result<Option<(Ticket, TicketSource)>, PortError> {
        let Some(ticket) = self.storage.ticket(TicketKey::Id(id)).await? else {
            return Ok(None);
        };
        let sources = self.storage.sources(id).await?;
        let source = sources.into_iter().find(|source| is_without_thread(&source.thread));
        Ok(source.map(|source| (ticket, source)))
    }

    async fn opening(&self, ticket: &Ticket, source: &TicketSource) -> Result<Option<ThreadOpening>, PortError> {
        let identity = self.storage.identity(IdentityKey::Id(source.author)).await?;
        let Some(identity) = identity.filter(|identity| identity.opted_out_at.is_none()) else {
            return Ok(None);
        };
        let Some(reporter) = self.storage.reporter(ReporterKey::Id(identity.reporter)).await? else {
            return Ok(None);
        };
        let at = place::of("reporter_identities", "external_user_id", *identity.id.as_uuid());
        let Some(person) = open(&*self.vault, &reporter, at, &identity.external_user_id)? else {
            return Ok(None);
        };
        let language = ticket.language.or(reporter.language).unwrap_or(Language::English);
        Ok(Some(ThreadOpening {
            place: source.thread.clone(),
            person: SecretString::from(person.to_string()),
            receipt: self.words.of(ticket.number, language),
            marker: source.id.to_string(),
            since: source.received_at,
        }))
    }
}

/// Whether a report came from a place where threads exist, and from none.
pub(super) fn is_without_thread(thread: &ThreadRef) -> bool {
    matches!(thread, ThreadRef::Slack { thread_ts: None, .. })
}
