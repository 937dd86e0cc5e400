//! AI reads a report and suggests. The ticket is usable all the while, and nothing but the suggestion changes.

use std::sync::Arc;

use serde_json::json;

use super::{TRIES, timeline::event};
use crate::{
    domain::{Actor, Change, EnrichmentStatus, EventKind, Suggestion, Ticket, TicketId, Write},
    ports::{Clock, IdSource, PortError, PortErrorKind, Storage, TicketKey, Triage, TriageRequest},
};

/// Enriches tickets with an AI provider's suggestion.
#[derive(Debug, Clone)]
pub struct Enrich {
    storage: Arc<dyn Storage>,
    triage: Arc<dyn Triage>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// Why there is no suggestion yet.
#[derive(Debug, thiserror::Error)]
pub enum EnrichError {
    /// The provider failed.
    #[error("could not get a suggestion")]
    Triage(#[source] PortError),
    /// Storage failed.
    #[error("could not load or store the ticket")]
    Storage(#[source] PortError),
}

impl Enrich {
    /// The use case over its ports.
    pub fn new(
        storage: Arc<dyn Storage>,
        triage: Arc<dyn Triage>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            storage,
            triage,
            clock,
            ids,
        }
    }

    /// Asks for a suggestion, unless there is one.
    ///
    /// # Errors
    /// [`EnrichError`]; the ticket stays `pending`.
    #[tracing::instrument(name = "enrich.suggest", skip_all, fields(ticket.id = %id))]
    pub async fn suggest(&self, id: TicketId) -> Result<(), EnrichError> {
        let Some(ticket) = self.load(id).await?.filter(|ticket| ticket.suggestion.is_none()) else {
            return Ok(());
        };
        let request = TriageRequest {
            text: ticket.description.clone(),
            language: ticket.language,
            inferred: ticket.inferred.clone(),
        };
        let reading = self.triage.read(&request).await.map_err(EnrichError::Triage)?;
        let suggestion = Suggestion {
            ticket_type: reading.ticket_type,
            priority: reading.priority,
            summary: reading.summary,
            made_by: reading.made_by,
            at: self.clock.now(),
        };
        let data = json!({
            "type": suggestion.ticket_type, "priority": suggestion.priority, "model": suggestion.made_by.model,
            "input_tokens": suggestion.made_by.input_tokens, "output_tokens": suggestion.made_by.output_tokens,
        });
        self.store(id, suggestion, data).await
    }

    /// What a job leaves behind that gave up: there will be no suggestion, and a person decides without it. Empty where the
    /// ticket says so already. Committed together with the job's burial.
    ///
    /// # Errors
    /// [`EnrichError::Storage`].
    pub async fn left_behind(&self, id: TicketId) -> Result<Change, EnrichError> {
        let waiting = |ticket: &Ticket| ticket.enrichment == EnrichmentStatus::Pending;
        let Some(mut ticket) = self.load(id).await?.filter(waiting) else {
            return Ok(Change::new());
        };
        ticket.enrichment = EnrichmentStatus::Failed;
        Ok(self.change_of(ticket, EventKind::EnrichmentFailed, Actor::Hub, json!({})))
    }

    async fn store(&self, id: TicketId, suggestion: Suggestion, data: serde_json::Value) -> Result<(), EnrichError> {
        for _ in 0..TRIES {
            let found = self.load(id).await?;
            let Some(mut ticket) = found.filter(|ticket| ticket.enrichment != EnrichmentStatus::Suggested) else {
                return Ok(());
            };
            ticket.suggestion = Some(suggestion.clone());
            ticket.enrichment = EnrichmentStatus::Suggested;
            let change = self.change_of(ticket, EventKind::Enriched, Actor::Ai, data.clone());
            match self.storage.commit(change).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(EnrichError::Storage(error)),
            }
        }
        Err(EnrichError::Storage(PortError::new(
            PortErrorKind::Conflict,
            "enrich.store",
        )))
    }

    fn change_of(&self, mut ticket: Ticket, kind: EventKind, actor: Actor, data: serde_json::Value) -> Change {
        let (id, now) = (ticket.id, self.clock.now());
        ticket.updated_at = now;
        Change::new()
            .with(Write::UpdateTicket(Box::new(ticket)))
            .with(event(&*self.ids, id, kind, actor, data, now))
    }

    async fn load(&self, id: TicketId) -> Result<Option<Ticket>, EnrichError> {
        self.storage
            .ticket(TicketKey::Id(id))
            .await
            .map_err(EnrichError::Storage)
    }
}
