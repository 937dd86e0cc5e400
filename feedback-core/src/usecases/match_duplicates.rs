//! Finds older tickets about the same thing, on whatever channel. Only suggests: a person decides.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::{Change, LinkStatus, Scrubbed, Ticket, TicketId, TicketLink, TicketVector, Write},
    logic::matching::{best, cosine, shared_words},
    ports::{Clock, Embedder, IdSource, IdSourceExt, PortError, PortErrorKind, Storage, TicketKey},
};

/// Suggests duplicates.
#[derive(Debug, Clone)]
pub struct MatchDuplicates {
    storage: Arc<dyn Storage>,
    embedder: Arc<dyn Embedder>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    window: Duration,
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
    /// The use case over its ports; tickets older than `window` are not compared.
    pub fn new(
        storage: Arc<dyn Storage>,
        embedder: Arc<dyn Embedder>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        window: Duration,
    ) -> Self {
        Self {
            storage,
            embedder,
            clock,
            ids,
            window,
        }
    }

    /// Embeds a ticket and suggests those of its time that it looks like. Running it again suggests nothing twice.
    ///
    /// # Errors
    /// [`MatchError`]; nothing was suggested.
    #[tracing::instrument(name = "match.suggest", skip_all, fields(ticket.id = %id))]
    pub async fn suggest(&self, id: TicketId) -> Result<(), MatchError> {
        let Some(ticket) = self.ticket(id).await? else {
            return Ok(());
        };
        let vectors = self
            .embedder
            .embed(&[text_of(&ticket)])
            .await
            .map_err(MatchError::Embedder)?;
        let values = vectors.into_iter().next().ok_or_else(|| {
            MatchError::Embedder(PortError::new(PortErrorKind::Rejected, "match.embed").with_code("no_vector"))
        })?;
        // Stored before the others are read: of two tickets that are compared at the same moment, one sees the other.
        self.commit(Change::new().with(Write::PutVector(TicketVector {
            ticket: id,
            model: self.embedder.model().to_owned(),
            values: values.clone(),
            ticket_created_at: ticket.created_at,
        })))
        .await?;
        let since = ticket.created_at.minus(self.window);
        let others = self
            .storage
            .vectors(self.embedder.model(), since)
            .await
            .map_err(MatchError::Storage)?;
        let others = others.into_iter().filter(|other| other.ticket != id);
        let scored = others.map(|other| (other.ticket, cosine(&values, &other.values)));
        let now = self.clock.now();
        let mut change = Change::new();
        for (other_id, score) in best(scored, self.embedder.threshold()) {
            let Some(other) = self.ticket(other_id).await? else {
                continue;
            };
            // The newer one repeats the older, whichever was compared last.
            let newer_first = (other.created_at, other.id) <= (ticket.created_at, ticket.id);
            let (newer, original) = if newer_first {
                (&ticket, &other)
            } else {
                (&other, &ticket)
            };
            let evidence = shared_words(newer.description.as_str(), original.description.as_str());
            change.push(Write::SuggestLink(TicketLink {
                id: self.ids.next(),
                ticket: newer.id,
                original: original.id,
                score,
                evidence,
                status: LinkStatus::Suggested,
                decided: None,
                created_at: now,
            }));
        }
        if change.is_empty() {
            return Ok(());
        }
        self.commit(change).await
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

/// What is compared: the description, of which the title is the beginning.
fn text_of(ticket: &Ticket) -> Scrubbed {
    ticket.description.clone()
}
