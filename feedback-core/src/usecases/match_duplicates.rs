//! Finds older tickets about the same thing, on whatever channel. Only suggests: a person decides.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{MemoryWindow, TRIES};
use crate::{
    domain::{
        Actor, Change, EventId, EventKind, JobPayload, LinkStatus, NewJob, Scrubbed, Ticket, TicketEvent, TicketId,
        TicketLink, TicketVector, Write,
    },
    logic::matching::{CANDIDATES, SUGGEST_FROM, Wording, best, cosine, rank, shared_words},
    ports::{
        Clock, Embedder, IdSource, IdSourceExt, LinksKey, NearTicket, NearestQuery, NearestTickets, PortError,
        PortErrorKind, Storage, TicketKey, TicketsKey,
    },
};

/// Tickets that are embedded in one call when a model is new.
const BATCH: usize = 64;

/// Words of each text that are compared one by one for a reason, at most.
const REASON_WORDS: usize = 12;

/// Suggests duplicates.
#[derive(Debug, Clone)]
pub struct MatchDuplicates {
    storage: Arc<dyn Storage>,
    embedder: Arc<dyn Embedder>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    window: Duration,
    search: Arc<dyn NearestTickets>,
}

/// Why a ticket could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum MatchError {
    /// The embedder failed.
    #[error("could not embed the ticket")]
    Embedder(#[source] PortError),
    /// Storage failed.
    #[error("could not load or store what is compared")]
    Storage(#[source] PortError),
}

impl MatchDuplicates {
    /// The use case over its ports; tickets older than `window` are not compared. The vectors of the window are kept in
    /// memory, and only read from storage as they come.
    pub fn new(
        storage: Arc<dyn Storage>,
        embedder: Arc<dyn Embedder>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        window: Duration,
    ) -> Self {
        let search = Arc::new(MemoryWindow::new(Arc::clone(&storage), Arc::clone(&clock)));
        Self {
            storage,
            embedder,
            clock,
            ids,
            window,
            search,
        }
    }

    /// The same with another search of the window, for windows that outgrow memory.
    #[must_use]
    pub fn with_search(mut self, search: Arc<dyn NearestTickets>) -> Self {
        self.search = search;
        self
    }

    /// Embeds a ticket and suggests those of its time that it looks like. Running it again suggests nothing twice.
    ///
    /// # Errors
    /// [`MatchError`]; nothing was suggested.
    #[tracing::instrument(name = "match.suggest", skip_all, fields(ticket.id = %id))]
    pub async fn suggest(&self, id: TicketId) -> Result<(), MatchError> {
        // What was erased or purged says nothing: all of it would look alike.
        let Some(ticket) = self.ticket(id).await?.filter(|ticket| ticket.original.is_some()) else {
            return Ok(());
        };
        let mut vectors = self.embed(&[text_of(&ticket)]).await?;
        let values = vectors.pop().unwrap_or_default();
        // Stored before the others are read: of two tickets that are compared at the same moment, one sees the other.
        self.commit(Change::new().with(self.put(&ticket, values.clone())))
            .await?;
        let query = NearestQuery {
            model: self.embedder.model().to_owned(),
            values,
            since: ticket.created_at.minus(self.window),
            limit: CANDIDATES + 1,
        };
        let near = self.search.nearest(&query).await.map_err(MatchError::Storage)?;
        let wording = Wording::of(ticket.description.as_str());
        let near = near.into_iter().filter(|near| near.ticket.id != id);
        let near = near.map(|NearTicket { ticket, cosine }| (ticket, cosine));
        let scored = rank(near, self.embedder.threshold(), |other: &Ticket| {
            wording.likeness(&Wording::of(other.description.as_str()))
        });
        let mut links = Vec::new();
        for (other, score) in best(scored, SUGGEST_FROM) {
            // The newer one repeats the older, whichever was compared last.
            let newer_first = (other.created_at, other.id) <= (ticket.created_at, ticket.id);
            let (newer, original) = if newer_first {
                (&ticket, &other)
            } else {
                (&other, &ticket)
            };
            links.push(TicketLink {
                id: self.ids.next(),
                ticket: newer.id,
                original: original.id,
                score,
                evidence: self.evidence(&newer.description, &original.description).await,
                status: LinkStatus::Suggested,
                decided: None,
                created_at: self.clock.now(),
            });
        }
        self.record(id, links).await
    }

    /// Suggests the pairs that nobody has suggested before, and says so on the timelines of both.
    async fn record(&self, id: TicketId, links: Vec<TicketLink>) -> Result<(), MatchError> {
        let mut last = None;
        for _ in 0..TRIES {
            let known = self.storage.links(LinksKey::Ticket(id)).await;
            let known = known.map_err(MatchError::Storage)?;
            let is_known = |link: &TicketLink| known.iter().any(|other| pair(other) == pair(link));
            let mut change = Change::new();
            for link in links.iter().filter(|link| !is_known(link)) {
                for (ticket, other) in [(link.ticket, link.original), (link.original, link.ticket)] {
                    change.push(Write::AppendEvent(suggested(ticket, other, link)));
                }
                change.push(Write::SuggestLink(link.clone()));
            }
            if change.is_empty() {
                return Ok(());
            }
            match self.storage.commit(change).await {
                // The other of the two was compared at the same moment, and its suggestion was first.
                Err(error) if error.is_conflict() => last = Some(error),
                other => return other.map(|_| ()).map_err(MatchError::Storage),
            }
        }
        let error = last.unwrap_or_else(|| PortError::new(PortErrorKind::Conflict, "match.record"));
        Err(MatchError::Storage(error))
    }

    /// Queues the embedding of tickets that have no vector of this model, unless it is queued: when the hub starts, and
    /// the embedder may be another one than before.
    ///
    /// # Errors
    /// [`MatchError::Storage`].
    pub async fn schedule_embedding(&self) -> Result<(), MatchError> {
        let job = NewJob::now(self.ids.next(), JobPayload::EmbedTickets, self.clock.now()).unique("embed_tickets");
        self.commit(Change::new().with(Write::Enqueue(job))).await
    }

    /// Embeds tickets of the window that have no vector of this model, some at a time, and queues itself while there are
    /// more. Their duplicates were suggested when they came; new tickets find them.
    ///
    /// # Errors
    /// [`MatchError`]; what was embedded before stays.
    #[tracing::instrument(name = "match.embed", skip_all, fields(model = self.embedder.model(), tickets))]
    pub async fn embed_missing(&self) -> Result<(), MatchError> {
        let tickets = self.without_vector(BATCH).await?;
        tracing::Span::current().record("tickets", tickets.len());
        if tickets.is_empty() {
            return Ok(());
        }
        let texts: Vec<Scrubbed> = tickets.iter().map(text_of).collect();
        let vectors = self.embed(&texts).await?;
        let mut change = Change::new();
        for (ticket, values) in tickets.iter().zip(vectors) {
            change.push(self.put(ticket, values));
        }
        if tickets.len() == BATCH {
            let next = NewJob::now(self.ids.next(), JobPayload::EmbedTickets, self.clock.now());
            change.push(Write::Enqueue(next.unique("embed_tickets")));
        }
        self.commit(change).await
    }

    /// Words that both have; where there are few, as between two languages, those that mean most nearly the same.
    async fn evidence(&self, one: &Scrubbed, other: &Scrubbed) -> Vec<String> {
        let mut evidence = shared_words(one.as_str(), other.as_str());
        if evidence.len() >= 2 {
            return evidence;
        }
        let shared: BTreeSet<String> = evidence.iter().cloned().collect();
        let words = [one, other].map(|text| {
            let words = text.as_str().split(|c: char| !c.is_alphanumeric());
            let mut words: Vec<&str> = words
                .filter(|word| Wording::of(word).words().next().is_some())
                .collect();
            words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
            words.dedup();
            words.truncate(REASON_WORDS);
            words.into_iter().filter_map(|word| text.part(word)).collect::<Vec<_>>()
        });
        // A reason that cannot be given keeps no suggestion back.
        let Ok(vectors) = self.embed(&words.concat()).await else {
            return evidence;
        };
        let (ones, others) = vectors.split_at(words[0].len());
        let mut pairs: Vec<(f32, &Scrubbed, &Scrubbed)> = Vec::new();
        for (word, vector) in words[0].iter().zip(ones) {
            pairs.extend(
                words[1]
                    .iter()
                    .zip(others)
                    .map(|(like, other)| (cosine(vector, other), word, like)),
            );
        }
        pairs.retain(|(cosine, ..)| *cosine >= self.embedder.threshold());
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut used = BTreeSet::new();
        for (_, word, like) in pairs {
            let fresh = !shared.contains(&word.as_str().to_lowercase());
            if fresh && evidence.len() < 5 && used.insert(word.as_str()) && used.insert(like.as_str()) {
                evidence.push(format!(
                    "{} ~ {}",
                    word.as_str().to_lowercase(),
                    like.as_str().to_lowercase()
                ));
            }
        }
        evidence
    }

    async fn embed(&self, texts: &[Scrubbed]) -> Result<Vec<Vec<f32>>, MatchError> {
        let vectors = self.embedder.embed(texts).await.map_err(MatchError::Embedder)?;
        if vectors.len() != texts.len() {
            let error = PortError::new(PortErrorKind::Rejected, "match.embed").with_code("no_vector");
            return Err(MatchError::Embedder(error));
        }
        Ok(vectors)
    }

    fn put(&self, ticket: &Ticket, values: Vec<f32>) -> Write {
        Write::PutVector(TicketVector {
            ticket: ticket.id,
            model: self.embedder.model().to_owned(),
            values,
            ticket_created_at: ticket.created_at,
        })
    }

    async fn without_vector(&self, limit: usize) -> Result<Vec<Ticket>, MatchError> {
        let key = TicketsKey::WithoutVector {
            model: self.embedder.model().to_owned(),
            since: self.clock.now().minus(self.window),
            limit,
        };
        self.storage.tickets_of(key).await.map_err(MatchError::Storage)
    }

    async fn commit(&self, change: Change) -> Result<(), MatchError> {
        let committed = self.storage.commit(change).await;
        committed.map(|_| ()).map_err(MatchError::Storage)
    }

    async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, MatchError> {
        self.storage
            .ticket(TicketKey::Id(id))
            .await
            .map_err(MatchError::Storage)
    }
}

/// Both tickets of a pair, whichever is the older.
fn pair(link: &TicketLink) -> (TicketId, TicketId) {
    (link.ticket.min(link.original), link.ticket.max(link.original))
}

/// The event on one ticket's timeline. Its id is made of the pair, so that two jobs that suggest the same pair at the same
/// moment cannot both write it.
fn suggested(ticket: TicketId, other: TicketId, link: &TicketLink) -> TicketEvent {
    let mut digest = Sha256::new();
    for part in [
        EventKind::DuplicateSuggested.as_str().as_bytes(),
        ticket.as_uuid().as_bytes(),
        other.as_uuid().as_bytes(),
    ] {
        digest.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finalize()[..16]);
    TicketEvent {
        id: EventId::from_uuid(uuid::Builder::from_random_bytes(bytes).into_uuid()),
        ticket,
        kind: EventKind::DuplicateSuggested,
        actor: Actor::Hub,
        data: json!({"ticket": other, "link": link.id}),
        at: link.created_at,
    }
}

/// What is compared: the description, of which the title is the beginning.
fn text_of(ticket: &Ticket) -> Scrubbed {
    ticket.description.clone()
}
