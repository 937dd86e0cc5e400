//! In: what the engineers moved. The tracker's status wins over the hub's, and a move is acted on once: the cursor
//! moves in the commit that holds its effects.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::SyncError;
use crate::{
    domain::{
        Actor, Change, ChangelogEntry, ChangelogStatus, EventKind, JobPayload, NewJob, SyncCursor, Ticket,
        TicketStatus, Timestamp, TrackerPage, TrackerStatus, Write,
    },
    ports::{
        ChangelogEntryKey, Clock, IdSource, IdSourceExt, PortError, PortErrorKind, Storage, TicketKey, Tracker,
        TrackerChanges, TrackerUpdate,
    },
    usecases::{TRIES, draft::withdrawal, timeline::event},
};

/// The name of the poll's cursor.
const CURSOR: &str = "tracker";

/// Polls the tracker.
#[derive(Debug, Clone)]
pub struct PollTracker {
    storage: Arc<dyn Storage>,
    tracker: Arc<dyn Tracker>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

impl PollTracker {
    /// The use case over its ports.
    pub fn new(
        storage: Arc<dyn Storage>,
        tracker: Arc<dyn Tracker>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            storage,
            tracker,
            clock,
            ids,
        }
    }

    /// Queues the next poll, unless one waits already: so a poll that was doubled (a host that started while another's
    /// poll was running) becomes one again.
    ///
    /// # Errors
    /// [`SyncError::Storage`].
    pub async fn schedule(&self, pause: Duration) -> Result<(), SyncError> {
        let now = self.clock.now();
        let next = NewJob::now(self.ids.next(), JobPayload::PollTracker, now);
        let next = next.at(now.plus(pause)).unique("poll_tracker");
        let committed = self.storage.commit(Change::new().with(Write::Enqueue(next))).await;
        committed.map(|_| ()).map_err(SyncError::Storage)
    }

    /// Makes a poll due now, beside the one that waits for its time: the tracker says that something changed. Signals that
    /// come before it runs are one poll.
    ///
    /// # Errors
    /// [`SyncError::Storage`].
    pub async fn hurry(&self) -> Result<(), SyncError> {
        let now = self.clock.now();
        let poll = NewJob::now(self.ids.next(), JobPayload::PollTracker, now).unique("poll_tracker:signal");
        let committed = self.storage.commit(Change::new().with(Write::Enqueue(poll))).await;
        committed.map(|_| ()).map_err(SyncError::Storage)
    }

    /// Reads what changed and follows it. Safe to call at any time and from several hosts: the cursor is versioned.
    ///
    /// # Errors
    /// [`SyncError`]; the cursor stays where it was.
    #[tracing::instrument(name = "sync.poll", skip_all)]
    pub async fn poll(&self) -> Result<(), SyncError> {
        let cursor = self.storage.cursor(CURSOR).await.map_err(SyncError::Storage)?;
        let start = self.clock.now();
        let value = cursor.as_ref().map(|cursor| cursor.value.as_str());
        let changes = self
            .tracker
            .changes_since(value, start)
            .await
            .map_err(SyncError::Tracker)?;
        for _ in 0..TRIES {
            let change = self
                .decide_all(&changes, cursor.as_ref())
                .await
                .map_err(SyncError::Storage)?;
            match self.storage.commit(change).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_conflict() => {
                    let now = self.storage.cursor(CURSOR).await.map_err(SyncError::Storage)?;
                    if now.as_ref().map(|cursor| cursor.version) != cursor.as_ref().map(|cursor| cursor.version) {
                        // Another host polled meanwhile and acted on it.
                        return Ok(());
                    }
                }
                Err(error) => return Err(SyncError::Storage(error)),
            }
        }
        Err(SyncError::Storage(PortError::new(PortErrorKind::Conflict, "sync.poll")))
    }

    async fn decide_all(&self, changes: &TrackerChanges, cursor: Option<&SyncCursor>) -> Result<Change, PortError> {
        let now = self.clock.now();
        let mut change = Change::new();
        // The newest word on a page counts; a page that was edited twice during paging comes twice.
        let mut seen = std::collections::HashSet::new();
        let mut followed_tickets = std::collections::HashSet::new();
        for update in changes
            .updates
            .iter()
            .rev()
            .filter(|update| seen.insert(&update.page_id))
        {
            let Some(ticket) = self.ticket_of(update).await? else {
                continue;
            };
            if !followed_tickets.insert(ticket.id) {
                continue;
            }
            let draft = self
                .storage
                .changelog_entry(ChangelogEntryKey::NewestOf(ticket.id))
                .await?;
            let draft = draft.filter(|entry| entry.status == ChangelogStatus::Draft);
            if let Some(followed) = follow(ticket, update, now) {
                self.write(followed, draft, now, &mut change);
            }
        }
        if cursor.is_none_or(|cursor| cursor.value != changes.cursor) {
            change.push(Write::PutCursor(SyncCursor {
                name: CURSOR.to_owned(),
                value: changes.cursor.clone(),
                updated_at: now,
                version: cursor.map_or(0, |cursor| cursor.version),
            }));
        }
        Ok(change)
    }

    async fn ticket_of(&self, update: &TrackerUpdate) -> Result<Option<Ticket>, PortError> {
        if let Some(ticket) = self.storage.ticket(TicketKey::Page(update.page_id.clone())).await? {
            return Ok(Some(ticket));
        }
        // The page was made and the hub has not noted its id yet: it is known from here on, or what the engineers did
        // with it meanwhile would be lost. A page that names a ticket which has another one is a copy, and says nothing.
        let Some(id) = update.ticket else { return Ok(None) };
        let found = self.storage.ticket(TicketKey::Id(id)).await?;
        Ok(found.filter(|ticket| ticket.page.is_none()).map(|ticket| Ticket {
            page: Some(TrackerPage {
                id: update.page_id.clone(),
                url: None,
                pushed_digest: None,
                pushed_at: None,
                seen_status: None,
            }),
            ..ticket
        }))
    }

    fn write(&self, followed: Followed, draft: Option<ChangelogEntry>, now: Timestamp, change: &mut Change) {
        let Followed { ticket, moved } = followed;
        let id = ticket.id;
        if let Some((from, to)) = moved {
            let actor = Actor::Tracker;
            let data = json!({"from": from, "to": ticket.status, "page_status": to});
            let kind = match (from, ticket.status) {
                (_, TicketStatus::Resolved) => EventKind::Resolved,
                (TicketStatus::Resolved | TicketStatus::Closed, _) => EventKind::Reopened,
                _ => EventKind::MovedInTracker,
            };
            change.push(event(&*self.ids, id, kind, actor, data, now));
            if ticket.status == TicketStatus::Resolved {
                let payload = JobPayload::DraftChangelog {
                    ticket: id,
                    resolution: ticket.resolutions,
                };
                let key = format!("draft:{id}:{}", ticket.resolutions);
                change.push(Write::Enqueue(NewJob::now(self.ids.next(), payload, now).unique(key)));
            }
            // "It is solved" is not so any more.
            if let Some(draft) = draft.filter(|_| kind == EventKind::Reopened) {
                for write in withdrawal(&*self.ids, draft, now) {
                    change.push(write);
                }
            }
        }
        change.push(Write::UpdateTicket(Box::new(ticket)));
    }
}

/// A ticket that follows its page.
#[derive(Debug)]
struct Followed {
    ticket: Ticket,
    /// Where it stood, and the page's status that moved it.
    moved: Option<(TicketStatus, TrackerStatus)>,
}

/// Pure: what an update means for its ticket. `None` where it says nothing new: our own echo, an edit of the text, a
/// repeat of the overlap.
fn follow(mut ticket: Ticket, update: &TrackerUpdate, now: Timestamp) -> Option<Followed> {
    let seen = ticket.page.as_ref().and_then(|page| page.seen_status);
    let before = ticket.clone();
    ticket.sprint.clone_from(&update.sprint);
    let mut moved = None;
    if let Some(status) = update.status.filter(|status| Some(*status) != seen) {
        if let Some(page) = ticket.page.as_mut() {
            page.seen_status = Some(status);
        }
        let from = ticket.status;
        let put_away = matches!(from, TicketStatus::Duplicate | TicketStatus::Dismissed);
        if !put_away && ticket.follow_tracker(target(from, status), now) {
            moved = Some((from, status));
        }
    }
    (ticket != before).then(|| {
        ticket.updated_at = now;
        Followed { ticket, moved }
    })
}

/// Where a ticket belongs whose page stands there.
const fn target(from: TicketStatus, page: TrackerStatus) -> TicketStatus {
    match (page, from) {
        (TrackerStatus::Done, _) => TicketStatus::Resolved,
        (TrackerStatus::InProgress, _) => TicketStatus::InProgress,
        // A page that nobody works on says nothing against a ticket that nobody has confirmed.
        (TrackerStatus::ToDo, TicketStatus::New) => TicketStatus::New,
        (TrackerStatus::ToDo, _) => TicketStatus::Triaged,
    }
}
