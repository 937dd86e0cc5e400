//! The demo's stand-in for people: a reviewer who confirms and approves, and engineers who get things done. It goes
//! through the same use cases as a person at the dashboard, after the few seconds that a person would need.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use feedback_adapters::sandbox::Notion;
use feedback_core::{
    Hub,
    domain::{ChangelogStatus, PageRequest, Ticket, TicketStatus, UserId},
    ports::{ChangelogFilter, TicketFilter},
    usecases::Confirmed,
};

/// How long a stand-in looks at something before acting.
const PAUSE: Duration = Duration::from_secs(3);

/// How long a reviewer waits for AI's suggestion before deciding without it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the stand-ins look around.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The board's column of finished work.
const DONE: &str = "Done";

/// What engineers write on a page when they are through, in turn.
const NOTES: [&str; 4] = [
    "Found the cause and corrected it. It is live for everybody since today.",
    "Encontramos la causa y la corregimos. Ya está disponible para todos.",
    "A limit was too low. It was raised, and the case is covered by a test now.",
    "Era un error en la última versión. Publicamos la corrección esta mañana.",
];

/// Confirms, resolves and approves.
pub(crate) struct Autopilot {
    hub: Arc<Hub>,
    board: Notion,
    reviewer: UserId,
    first_seen: HashMap<String, Instant>,
    resolved: usize,
}

impl Autopilot {
    pub(crate) fn new(hub: Arc<Hub>, board: Notion, reviewer: UserId) -> Self {
        Self {
            hub,
            board,
            reviewer,
            first_seen: HashMap::new(),
            resolved: 0,
        }
    }

    /// Acts until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.confirm_tickets().await;
            self.finish_work();
            self.approve_drafts().await;
        }
    }

    async fn confirm_tickets(&mut self) {
        let filter = TicketFilter {
            status: Some(TicketStatus::New),
            ..TicketFilter::default()
        };
        let Ok(page) = self.hub.queries.tickets(&filter, PageRequest::default()).await else {
            return;
        };
        for row in page.items {
            let ticket = row.ticket;
            let wait = if ticket.suggestion.is_some() { PAUSE } else { PATIENCE };
            if !self.looked_at(&ticket.id.to_string(), wait) {
                continue;
            }
            let word = word_on(&ticket);
            if let Err(error) = self.hub.confirm.confirm(ticket.id, &word, self.reviewer, None).await {
                tracing::debug!(%error, "the autopilot could not confirm a ticket; it will look again");
            }
        }
    }

    fn finish_work(&mut self) {
        for page in self.board.pages() {
            if page.status.as_deref() == Some(DONE) || page.is_in_trash || !self.looked_at(&page.id, PAUSE) {
                continue;
            }
            let notes = NOTES[self.resolved % NOTES.len()];
            self.resolved += 1;
            let written = self
                .board
                .add_notes(&page.id, notes)
                .and_then(|()| self.board.move_page(&page.id, DONE));
            if let Err(error) = written {
                tracing::debug!(%error, "the autopilot could not finish a page; it will look again");
            }
        }
    }

    async fn approve_drafts(&mut self) {
        let filter = ChangelogFilter {
            status: Some(ChangelogStatus::Draft),
            ticket: None,
        };
        let Ok(page) = self
            .hub
            .queries
            .changelog_entries(&filter, PageRequest::default())
            .await
        else {
            return;
        };
        for row in page.items {
            let entry = row.entry;
            if !self.looked_at(&entry.id.to_string(), PAUSE) {
                continue;
            }
            if let Err(error) = self
                .hub
                .review
                .approve(entry.id, entry.version, self.reviewer, None)
                .await
            {
                tracing::debug!(%error, "the autopilot could not approve a draft; it will look again");
            }
        }
    }

    /// Whether something was in sight for `wait`.
    fn looked_at(&mut self, id: &str, wait: Duration) -> bool {
        self.first_seen
            .entry(id.to_owned())
            .or_insert_with(Instant::now)
            .elapsed()
            >= wait
    }
}

/// AI's suggestion is taken, but it may not make light of what the rules found urgent.
fn word_on(ticket: &Ticket) -> Confirmed {
    let (ticket_type, priority) = match &ticket.suggestion {
        Some(suggestion) if ticket.priority.is_urgent() => {
            (suggestion.ticket_type, suggestion.priority.min(ticket.priority))
        }
        Some(suggestion) => (suggestion.ticket_type, suggestion.priority),
        None => (ticket.ticket_type, ticket.priority),
    };
    Confirmed {
        seen_version: ticket.version,
        ticket_type,
        priority,
        title: None,
    }
}
