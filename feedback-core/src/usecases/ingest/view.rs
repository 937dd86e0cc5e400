//! What the hub knew before a delivery, kept up to date while its items are decided one after the other: the second
//! message of a batch sees the ticket that the first one made.

use std::collections::HashMap;

use crate::{
    domain::{
        BlindIndex, Channel, ExternalId, Identity, IdentityId, Reporter, ReporterId, ThreadKey, Ticket, TicketId,
        TicketSource, Timestamp,
    },
    ports::{IdentityKey, PortError, ReporterKey, SourceKey, Storage, TicketKey},
};

/// What is looked up for one message.
#[derive(Debug, Clone)]
pub(super) struct LookUps {
    pub(super) channel: Channel,
    pub(super) external_id: ExternalId,
    pub(super) thread_key: Option<ThreadKey>,
    /// Digests of all ids of the author, the primary one first.
    pub(super) identities: Vec<BlindIndex>,
    pub(super) email: Option<BlindIndex>,
    pub(super) email_verified: bool,
    /// Digests of the spellings of the author's phone number.
    pub(super) phones: Vec<BlindIndex>,
}

/// Loaded rows, and those that this delivery adds.
#[derive(Debug, Default)]
pub(super) struct View {
    sources: HashMap<(Channel, ExternalId), (TicketId, String)>,
    threads: HashMap<(Channel, ThreadKey), TicketId>,
    last_of: HashMap<IdentityId, (TicketId, Timestamp)>,
    identities: HashMap<(Channel, BlindIndex), Identity>,
    reporters: HashMap<ReporterId, Reporter>,
    verified_emails: HashMap<BlindIndex, ReporterId>,
    any_emails: HashMap<BlindIndex, ReporterId>,
    phones: HashMap<BlindIndex, ReporterId>,
    tickets: HashMap<TicketId, Ticket>,
}

impl View {
    /// Loads what concerns one message; rows that are there already, or were changed by an earlier item, stay.
    pub(super) async fn load(&mut self, storage: &dyn Storage, look: &LookUps) -> Result<(), PortError> {
        let source_key = (look.channel, look.external_id.clone());
        if !self.sources.contains_key(&source_key) {
            let key = SourceKey::External(look.channel, look.external_id.clone());
            if let Some(source) = storage.source(key).await? {
                // Only that it is known: where the author wrote last is another question.
                self.sources.insert(source_key, (source.ticket, source.digest));
            }
        }
        if let Some(thread) = &look.thread_key
            && !self.threads.contains_key(&(look.channel, thread.clone()))
        {
            let newest = storage
                .source(SourceKey::NewestInThread(look.channel, thread.clone()))
                .await?;
            if let Some(source) = newest {
                self.threads.insert((look.channel, thread.clone()), source.ticket);
                self.load_ticket(storage, source.ticket).await?;
            }
        }
        for lookup in &look.identities {
            self.load_identity(storage, look.channel, *lookup).await?;
        }
        self.load_reporters(storage, look).await
    }

    async fn load_identity(
        &mut self,
        storage: &dyn Storage,
        channel: Channel,
        lookup: BlindIndex,
    ) -> Result<(), PortError> {
        if self.identities.contains_key(&(channel, lookup)) {
            return Ok(());
        }
        let Some(identity) = storage.identity(IdentityKey::External(channel, lookup)).await? else {
            return Ok(());
        };
        self.load_reporter(storage, identity.reporter).await?;
        if !self.last_of.contains_key(&identity.id)
            && let Some(source) = storage.source(SourceKey::NewestBy(identity.id)).await?
        {
            self.last_of.insert(identity.id, (source.ticket, source.sent_at));
            self.load_ticket(storage, source.ticket).await?;
        }
        self.identities.insert((channel, lookup), identity);
        Ok(())
    }

    async fn load_reporters(&mut self, storage: &dyn Storage, look: &LookUps) -> Result<(), PortError> {
        if let Some(email) = look.email {
            if !self.verified_emails.contains_key(&email)
                && let Some(reporter) = storage.reporter(ReporterKey::VerifiedEmail(email)).await?
            {
                self.verified_emails.insert(email, reporter.id);
                self.reporters.insert(reporter.id, reporter);
            }
            if !self.any_emails.contains_key(&email)
                && let Some(reporter) = storage.reporter(ReporterKey::AnyEmail(email)).await?
            {
                self.any_emails.insert(email, reporter.id);
                self.reporters.entry(reporter.id).or_insert(reporter);
            }
        }
        if look.phones.is_empty() || look.phones.iter().any(|phone| self.phones.contains_key(phone)) {
            return Ok(());
        }
        if let Some(reporter) = storage.reporter(ReporterKey::Phone(look.phones.clone())).await? {
            self.phones
                .extend(look.phones.iter().map(|phone| (*phone, reporter.id)));
            self.reporters.entry(reporter.id).or_insert(reporter);
        }
        Ok(())
    }

    async fn load_reporter(&mut self, storage: &dyn Storage, id: ReporterId) -> Result<(), PortError> {
        if !self.reporters.contains_key(&id)
            && let Some(reporter) = storage.reporter(ReporterKey::Id(id)).await?
        {
            self.reporters.insert(id, reporter);
        }
        Ok(())
    }

    async fn load_ticket(&mut self, storage: &dyn Storage, id: TicketId) -> Result<(), PortError> {
        if !self.tickets.contains_key(&id)
            && let Some(ticket) = storage.ticket(TicketKey::Id(id)).await?
        {
            self.tickets.insert(id, ticket);
        }
        Ok(())
    }

    pub(super) fn recorded(&self, look: &LookUps) -> Option<(TicketId, &str)> {
        let (ticket, digest) = self.sources.get(&(look.channel, look.external_id.clone()))?;
        Some((*ticket, digest))
    }

    pub(super) fn in_thread(&self, look: &LookUps) -> Option<&Ticket> {
        let thread = look.thread_key.as_ref()?;
        self.tickets.get(self.threads.get(&(look.channel, thread.clone()))?)
    }

    /// The author's known identity: the first of their ids that is known.
    pub(super) fn identity(&self, look: &LookUps) -> Option<&Identity> {
        look.identities
            .iter()
            .find_map(|lookup| self.identities.get(&(look.channel, *lookup)))
    }

    pub(super) fn has_identity(&self, channel: Channel, lookup: BlindIndex) -> bool {
        self.identities.contains_key(&(channel, lookup))
    }

    pub(super) fn last_of(&self, identity: &Identity) -> Option<(&Ticket, Timestamp)> {
        let (ticket, at) = self.last_of.get(&identity.id)?;
        Some((self.tickets.get(ticket)?, *at))
    }

    pub(super) fn reporter(&self, id: ReporterId) -> Option<&Reporter> {
        self.reporters.get(&id)
    }

    pub(super) fn by_verified_email(&self, look: &LookUps) -> Option<ReporterId> {
        self.verified_emails
            .get(&look.email.filter(|_| look.email_verified)?)
            .copied()
    }

    pub(super) fn by_any_email(&self, look: &LookUps) -> Option<ReporterId> {
        self.any_emails.get(&look.email?).copied()
    }

    pub(super) fn by_phone(&self, look: &LookUps) -> Option<ReporterId> {
        look.phones.iter().find_map(|phone| self.phones.get(phone)).copied()
    }

    pub(super) fn ticket(&self, id: TicketId) -> Option<&Ticket> {
        self.tickets.get(&id)
    }

    pub(super) fn put_ticket(&mut self, ticket: Ticket) {
        self.tickets.insert(ticket.id, ticket);
    }

    pub(super) fn put_reporter(&mut self, reporter: Reporter) {
        if let Some(email) = reporter.email_index {
            self.any_emails.entry(email).or_insert(reporter.id);
            if reporter.email_verified {
                self.verified_emails.insert(email, reporter.id);
            }
        }
        if let Some(phone) = reporter.phone_index {
            self.phones.insert(phone, reporter.id);
        }
        self.reporters.insert(reporter.id, reporter);
    }

    pub(super) fn put_identity(&mut self, identity: Identity) {
        self.identities.insert((identity.channel, identity.lookup), identity);
    }

    pub(super) fn add_source(&mut self, source: &TicketSource) {
        self.sources.insert(
            (source.channel, source.external_id.clone()),
            (source.ticket, source.digest.clone()),
        );
        if let Some(thread) = &source.thread_key {
            self.threads.insert((source.channel, thread.clone()), source.ticket);
        }
        let last = self
            .last_of
            .entry(source.author)
            .or_insert((source.ticket, source.sent_at));
        if source.sent_at >= last.1 {
            *last = (source.ticket, source.sent_at);
        }
    }
}
