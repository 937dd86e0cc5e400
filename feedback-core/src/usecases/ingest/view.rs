//! What the hub knew before a delivery, kept up to date while its items are decided one after the other: the second
//! message of a batch sees the ticket that the first one made.

use std::collections::{HashMap, hash_map::Entry};

use crate::{
    domain::{
        BlindIndex, Channel, ExternalId, Identity, IdentityId, Reporter, ReporterId, ThreadKey, Ticket, TicketId,
        TicketSource, Timestamp,
    },
    ports::{IdentityKey, NotificationKey, PortError, ReporterKey, SourceKey, Storage, TicketKey},
    usecases::send_receipt::receipted,
};

/// What is looked up for one message.
#[derive(Debug, Clone)]
pub(super) struct LookUps {
    pub(super) channel: Channel,
    pub(super) external_id: ExternalId,
    pub(super) thread_key: Option<ThreadKey>,
    /// Messages that it answers, theirs or ours, the nearest first.
    pub(super) answers: Vec<ExternalId>,
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
    /// Our own messages that somebody answers.
    told: HashMap<(Channel, ExternalId), TicketId>,
    last_of: HashMap<IdentityId, (TicketId, Timestamp)>,
    identities: HashMap<(Channel, BlindIndex), Identity>,
    reporters: HashMap<ReporterId, Reporter>,
    verified_emails: HashMap<BlindIndex, ReporterId>,
    any_emails: HashMap<BlindIndex, ReporterId>,
    phones: HashMap<BlindIndex, ReporterId>,
    tickets: HashMap<TicketId, Ticket>,
}

/// The last message of a person in one chat. Somebody whose number changed wrote it under another id.
async fn last_message(storage: &dyn Storage, identity: &Identity) -> Result<Option<TicketSource>, PortError> {
    let own = storage.source(SourceKey::NewestBy(identity.id)).await?;
    if own.is_some() || identity.channel != Channel::WhatsApp {
        return Ok(own);
    }
    let mut last: Option<TicketSource> = None;
    for other in storage.identities(identity.reporter).await? {
        let same_chat = other.channel == identity.channel && other.connection == identity.connection;
        if same_chat
            && let Some(source) = storage.source(SourceKey::NewestBy(other.id)).await?
            && last.as_ref().is_none_or(|last| last.sent_at <= source.sent_at)
        {
            last = Some(source);
        }
    }
    Ok(last)
}

impl View {
    /// Loads what concerns one message; rows that are there already, or were changed by an earlier item, stay.
    pub(super) async fn load(&mut self, storage: &dyn Storage, look: &LookUps) -> Result<(), PortError> {
        let source_key = (look.channel, look.external_id.clone());
        if let Entry::Vacant(place) = self.sources.entry(source_key) {
            let key = SourceKey::External(look.channel, look.external_id.clone());
            if let Some(source) = storage.source(key).await? {
                // Only that it is known: where the author wrote last is another question.
                place.insert((source.ticket, source.digest));
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
        self.load_answered(storage, look).await?;
        for lookup in &look.identities {
            self.load_identity(storage, look.channel, *lookup).await?;
        }
        self.load_reporters(storage, look).await
    }

    /// Loads the ticket of the nearest message that is answered: one that was recorded, or one that we sent.
    async fn load_answered(&mut self, storage: &dyn Storage, look: &LookUps) -> Result<(), PortError> {
        for id in &look.answers {
            let key = (look.channel, id.clone());
            if !self.sources.contains_key(&key)
                && let Some(source) = storage.source(SourceKey::External(look.channel, id.clone())).await?
            {
                self.sources.insert(key.clone(), (source.ticket, source.digest));
            }
            if !self.sources.contains_key(&key) && !self.told.contains_key(&key) {
                let ours = NotificationKey::ProviderMessage(look.channel, id.as_str().to_owned());
                if let Some(notification) = storage.notification(ours).await? {
                    self.told.insert(key, notification.ticket);
                } else if let Some(ticket) = receipted(storage, look.channel, id.as_str()).await? {
                    self.told.insert(key, ticket);
                }
            }
            if let Some(ticket) = self.ticket_of_message(look.channel, id) {
                return self.load_ticket(storage, ticket).await;
            }
        }
        Ok(())
    }

    fn ticket_of_message(&self, channel: Channel, id: &ExternalId) -> Option<TicketId> {
        let key = (channel, id.clone());
        let recorded = self.sources.get(&key).map(|(ticket, _)| *ticket);
        recorded.or_else(|| self.told.get(&key).copied())
    }

    /// The identities of these digests that the hub knew before this delivery or made in it.
    pub(super) fn known(&self, channel: Channel, lookups: &[BlindIndex]) -> Vec<IdentityId> {
        let of = |lookup: &BlindIndex| self.identities.get(&(channel, *lookup)).map(|identity| identity.id);
        lookups.iter().filter_map(of).collect()
    }

    pub(super) async fn load_identity(
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
            && let Some(source) = last_message(storage, &identity).await?
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
                let person = self.person(storage, reporter).await?;
                self.verified_emails.insert(email, person);
            }
            if !self.any_emails.contains_key(&email)
                && let Some(reporter) = storage.reporter(ReporterKey::AnyEmail(email)).await?
            {
                let person = self.person(storage, reporter).await?;
                self.any_emails.insert(email, person);
            }
        }
        if look.phones.is_empty() || look.phones.iter().any(|phone| self.phones.contains_key(phone)) {
            return Ok(());
        }
        if let Some(reporter) = storage.reporter(ReporterKey::Phone(look.phones.clone())).await? {
            let person = self.person(storage, reporter).await?;
            self.phones.extend(look.phones.iter().map(|phone| (*phone, person)));
        }
        Ok(())
    }

    /// Keeps a reporter who was found by an address, and the one that they turned out to be; whose id it is now.
    async fn person(&mut self, storage: &dyn Storage, found: Reporter) -> Result<ReporterId, PortError> {
        let mut at = found.id;
        let mut next = found.merged_into;
        self.reporters.entry(found.id).or_insert(found);
        let mut seen = vec![at];
        while let Some(id) = next {
            // A ring, which no rule makes, must not hang the intake.
            if seen.contains(&id) {
                break;
            }
            seen.push(id);
            self.load_reporter(storage, id).await?;
            at = id;
            next = self.reporters.get(&id).and_then(|reporter| reporter.merged_into);
        }
        Ok(at)
    }

    async fn load_reporter(&mut self, storage: &dyn Storage, id: ReporterId) -> Result<(), PortError> {
        if !self.reporters.contains_key(&id)
            && let Some(reporter) = storage.reporter(ReporterKey::Id(id)).await?
        {
            self.reporters.insert(id, reporter);
        }
        Ok(())
    }

    pub(super) async fn load_ticket(&mut self, storage: &dyn Storage, id: TicketId) -> Result<(), PortError> {
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

    /// The ticket of the nearest message that this one answers.
    pub(super) fn answered(&self, look: &LookUps) -> Option<&Ticket> {
        let mut answered = look.answers.iter();
        let ticket = answered.find_map(|id| self.ticket_of_message(look.channel, id))?;
        self.tickets.get(&ticket)
    }

    /// The author's known identity: the first of their ids that is known.
    pub(super) fn identity(&self, look: &LookUps) -> Option<&Identity> {
        look.identities
            .iter()
            .find_map(|lookup| self.identities.get(&(look.channel, *lookup)))
    }

    pub(super) fn identity_of(&self, channel: Channel, lookup: BlindIndex) -> Option<&Identity> {
        self.identities.get(&(channel, lookup))
    }

    /// The ticket of the author's last message under any of their ids, and when that was. What an erased person wrote is
    /// nobody's any more.
    pub(super) fn last_of_author(&self, look: &LookUps) -> Option<(&Ticket, Timestamp)> {
        let identities = look
            .identities
            .iter()
            .filter_map(|lookup| self.identity_of(look.channel, *lookup));
        let theirs = identities.filter(|identity| self.is_somebody(identity.reporter));
        let last = theirs
            .filter_map(|identity| self.last_of.get(&identity.id))
            .max_by_key(|(_, at)| *at);
        let (ticket, at) = last?;
        Some((self.tickets.get(ticket)?, *at))
    }

    /// Whether evidence may lead to a reporter: not to one who was erased.
    fn is_somebody(&self, id: ReporterId) -> bool {
        self.reporters.get(&id).is_some_and(|reporter| reporter.key.is_some())
    }

    pub(super) fn reporter(&self, id: ReporterId) -> Option<&Reporter> {
        self.reporters.get(&id)
    }

    pub(super) fn by_verified_email(&self, look: &LookUps) -> Option<ReporterId> {
        self.email_proved_by(look)
            .filter(|id| look.email_verified && self.is_somebody(*id))
    }

    /// Who has proved the address that the message names, whether or not this message proves it too.
    pub(super) fn email_proved_by(&self, look: &LookUps) -> Option<ReporterId> {
        self.verified_emails.get(&look.email?).copied()
    }

    pub(super) fn by_any_email(&self, look: &LookUps) -> Option<ReporterId> {
        self.any_emails
            .get(&look.email?)
            .copied()
            .filter(|id| self.is_somebody(*id))
    }

    pub(super) fn by_phone(&self, look: &LookUps) -> Option<ReporterId> {
        let found = look.phones.iter().find_map(|phone| self.phones.get(phone)).copied();
        found.filter(|id| self.is_somebody(*id))
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
