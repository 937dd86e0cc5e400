//! Ports behind their gates. A new method of a port does not compile until it is guarded too.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::Gate;
use crate::{
    domain::{Channel, ExternalId, Scrubbed, ThreadRef, Timestamp, TrackerPage},
    logic::normalize::WantedForm,
    ports::{
        ChangelogWriter, Conversations, Directory, Draft, DraftRequest, Embedder, Person, PortError, StepEnd,
        ThreadOpening, TrackedTicket, Tracker, TrackerChanges, Triage, TriageReading, TriageRequest,
    },
};

/// A port whose calls go through a gate. Senders are not wrapped: a delivery asks its gate before it commits an attempt.
#[derive(Debug)]
pub(crate) struct Guarded<P: ?Sized> {
    gate: Arc<Gate>,
    port: Arc<P>,
}

impl<P: ?Sized> Guarded<P> {
    pub(crate) fn new(port: Arc<P>, gate: Arc<Gate>) -> Self {
        Self { gate, port }
    }
}

#[async_trait]
impl Tracker for Guarded<dyn Tracker> {
    async fn upsert_page(&self, ticket: &TrackedTicket) -> Result<TrackerPage, PortError> {
        self.gate
            .call("tracker.upsert_page", self.port.upsert_page(ticket))
            .await
    }

    async fn changes_since(&self, cursor: Option<&str>, start: Timestamp) -> Result<TrackerChanges, PortError> {
        self.gate
            .call("tracker.changes_since", self.port.changes_since(cursor, start))
            .await
    }

    async fn resolution_notes(&self, page_id: &str) -> Result<String, PortError> {
        self.gate
            .call("tracker.resolution_notes", self.port.resolution_notes(page_id))
            .await
    }
}

#[async_trait]
impl Triage for Guarded<dyn Triage> {
    async fn read(&self, request: &TriageRequest) -> Result<TriageReading, PortError> {
        self.gate.call("triage.read", self.port.read(request)).await
    }
}

#[async_trait]
impl ChangelogWriter for Guarded<dyn ChangelogWriter> {
    async fn draft(&self, request: &DraftRequest) -> Result<Draft, PortError> {
        self.gate.call("changelog_writer.draft", self.port.draft(request)).await
    }
}

#[async_trait]
impl Embedder for Guarded<dyn Embedder> {
    fn model(&self) -> &str {
        self.port.model()
    }

    fn dimensions(&self) -> usize {
        self.port.dimensions()
    }

    fn threshold(&self) -> f32 {
        self.port.threshold()
    }

    async fn embed(&self, texts: &[Scrubbed]) -> Result<Vec<Vec<f32>>, PortError> {
        self.gate.call("embedder.embed", self.port.embed(texts)).await
    }
}

#[async_trait]
impl Directory for Guarded<dyn Directory> {
    fn channel(&self) -> Channel {
        self.port.channel()
    }

    async fn person(&self, external_user_id: &str) -> Result<Option<Person>, PortError> {
        self.gate
            .call("directory.person", self.port.person(external_user_id))
            .await
    }
}

#[async_trait]
impl Conversations for Guarded<dyn Conversations> {
    fn channel(&self) -> Channel {
        self.port.channel()
    }

    async fn message(&self, id: &ExternalId) -> Result<Option<Bytes>, PortError> {
        self.gate.call("conversations.message", self.port.message(id)).await
    }

    async fn open_thread(&self, opening: &ThreadOpening) -> Result<ThreadRef, PortError> {
        self.gate
            .call("conversations.open_thread", self.port.open_thread(opening))
            .await
    }

    async fn open_form(&self, form: &WantedForm) -> Result<(), PortError> {
        self.gate
            .call("conversations.open_form", self.port.open_form(form))
            .await
    }

    async fn end_step(&self, execution: &ExternalId, end: &StepEnd) -> Result<(), PortError> {
        self.gate
            .call("conversations.end_step", self.port.end_step(execution, end))
            .await
    }
}
