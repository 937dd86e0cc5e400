//! Out: a confirmed ticket gets its page, and the page follows the ticket.

use std::sync::Arc;

use serde_json::json;

use super::SyncError;
use crate::{
    domain::{Actor, Change, EventKind, JobId, Ticket, TicketId, TicketStatus, TrackerPage, TrackerStatus, Write},
    ports::{Clock, IdSource, PortError, PortErrorKind, Storage, TicketKey, TrackedTicket, Tracker},
    usecases::{TRIES, timeline::event},
};

/// Pushes tickets to the tracker.
#[derive(Debug, Clone)]
pub struct PushToTracker {
    storage: Arc<dyn Storage>,
    tracker: Arc<dyn Tracker>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    public_url: Option<String>,
}

impl PushToTracker {
    /// The use case over its ports; `public_url` is where people open the hub.
    pub fn new(
        storage: Arc<dyn Storage>,
        tracker: Arc<dyn Tracker>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        public_url: Option<String>,
    ) -> Self {
        Self {
            storage,
            tracker,
            clock,
            ids,
            public_url,
        }
    }

    /// Creates the ticket's page or brings it up to date. `reopened` takes it out of its Done column.
    ///
    /// # Errors
    /// [`SyncError`]; calling again converges.
    #[tracing::instrument(name = "sync.push", skip_all, fields(ticket.id = %id))]
    pub async fn push(&self, id: TicketId, reopened: bool) -> Result<(), SyncError> {
        let Some(ticket) = self.load(id).await? else {
            return Ok(());
        };
        let first = ticket.page.is_none();
        if first && matches!(ticket.status, TicketStatus::Duplicate | TicketStatus::Dismissed) {
            return Ok(());
        }
        let mut status = status_to_set(&ticket, reopened);
        let page = match self
            .tracker
            .upsert_page(&self.tracked(&ticket, status, ticket.page.clone()))
            .await
        {
            // Deleted over there: a page of its own again, found by the hub's id if the answer gets lost.
            Err(error) if error.kind() == PortErrorKind::NotFound && !first => {
                let without = Ticket {
                    page: None,
                    ..ticket.clone()
                };
                status = status_to_set(&without, reopened);
                self.tracker.upsert_page(&self.tracked(&ticket, status, None)).await
            }
            other => other,
        };
        let page = page.map_err(SyncError::Tracker)?;
        let seen = ticket.page.and_then(|page| page.seen_status);
        self.record(id, page, status, seen).await
    }

    /// What a job leaves behind that gave up: the ticket's timeline says that its page is not in step. Committed together with
    /// the job's burial.
    pub fn left_behind(&self, id: TicketId, job: JobId) -> Change {
        let (data, now) = (json!({"job": job}), self.clock.now());
        Change::new().with(event(&*self.ids, id, EventKind::SyncFailed, Actor::Hub, data, now))
    }

    async fn record(
        &self,
        id: TicketId,
        page: TrackerPage,
        status: Option<TrackerStatus>,
        seen_before: Option<TrackerStatus>,
    ) -> Result<(), SyncError> {
        for _ in 0..TRIES {
            let Some(mut ticket) = self.load(id).await? else {
                return Ok(());
            };
            let before = ticket.page.take();
            // What the hub has seen stays seen, but for a status that it set itself; and a poll that saw a move while
            // the write was under way knows better than that.
            let seen = before.as_ref().and_then(|page| page.seen_status);
            let seen = if seen == seen_before { status.or(seen) } else { seen };
            let page = TrackerPage {
                seen_status: seen,
                ..page.clone()
            };
            if before.as_ref() == Some(&page) {
                return Ok(());
            }
            let first = before.is_none_or(|before| before.id != page.id);
            let now = self.clock.now();
            let data = json!({"page": page.id, "created": first});
            ticket.page = Some(page);
            ticket.updated_at = now;
            let mut change = Change::new().with(Write::UpdateTicket(Box::new(ticket)));
            if first || status.is_some() {
                change.push(event(&*self.ids, id, EventKind::Synced, Actor::Hub, data, now));
            }
            match self.storage.commit(change).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(SyncError::Storage(error)),
            }
        }
        Err(SyncError::Storage(PortError::new(PortErrorKind::Conflict, "sync.push")))
    }

    /// The ticket as the tracker shows it: scrubbed words, and the reporter by number, never by name.
    fn tracked(&self, ticket: &Ticket, status: Option<TrackerStatus>, page: Option<TrackerPage>) -> TrackedTicket {
        TrackedTicket {
            id: ticket.id,
            number: ticket.number,
            title: ticket.title.clone(),
            description: ticket.description.clone(),
            ticket_type: ticket.ticket_type,
            priority: ticket.priority,
            source: ticket.channel.label().to_owned(),
            reporter: format!("Reporter {}", short(&ticket.reporter.to_string())),
            link: self
                .public_url
                .as_ref()
                .map(|url| format!("{}/tickets/{}", url.trim_end_matches('/'), ticket.number.value())),
            status,
            page,
        }
    }

    async fn load(&self, id: TicketId) -> Result<Option<Ticket>, SyncError> {
        self.storage.ticket(TicketKey::Id(id)).await.map_err(SyncError::Storage)
    }
}

/// Pure: the status to write. A new page gets one, and a reopened ticket's page leaves Done; else it is the engineers'.
fn status_to_set(ticket: &Ticket, reopened: bool) -> Option<TrackerStatus> {
    match ticket.status {
        TicketStatus::New | TicketStatus::Triaged if ticket.page.is_none() || reopened => Some(TrackerStatus::ToDo),
        TicketStatus::InProgress if ticket.page.is_none() || reopened => Some(TrackerStatus::InProgress),
        TicketStatus::Resolved | TicketStatus::Closed if ticket.page.is_none() => Some(TrackerStatus::Done),
        _ => None,
    }
}

/// The last eight digits of an id: a UUIDv7 begins with its time, which many share.
fn short(id: &str) -> &str {
    id.len().checked_sub(8).and_then(|start| id.get(start..)).unwrap_or(id)
}
