//! A reviewer's word on a ticket: type and priority confirmed, title or status changed.

use std::sync::Arc;

use serde_json::json;

use super::{TRIES, draft::withdrawal_for, timeline::event};
use crate::{
    domain::{
        Actor, Change, Confirmation, EventKind, IllegalMove, JobPayload, MAX_TITLE_CHARS, NewJob, Priority,
        RememberedCall, Scrubbed, Ticket, TicketId, TicketStatus, TicketType, Timestamp, UserId, Write,
    },
    logic::scrub::{KnownPeople, Scrubber},
    ports::{Clock, IdSource, IdSourceExt, PortError, PortErrorKind, Storage, TicketKey},
};

/// Confirms and edits tickets.
#[derive(Debug, Clone)]
pub struct Confirm {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    scrubber: Scrubber,
}

/// What a reviewer says when confirming.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// The version that the person saw.
    pub seen_version: u32,
    /// Kind.
    pub ticket_type: TicketType,
    /// Priority.
    pub priority: Priority,
    /// A better title.
    pub title: Option<String>,
}

/// What a reviewer changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    /// The version that the person saw; `None` changes whatever is there.
    pub seen_version: Option<u32>,
    /// New title.
    pub title: Option<String>,
    /// New status.
    pub status: Option<TicketStatus>,
}

/// Why a reviewer's word was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// There is no such ticket.
    #[error("ticket does not exist")]
    NotFound,
    /// The person saw another version.
    #[error("ticket was changed since version {seen}")]
    Stale {
        /// The version that the person saw.
        seen: u32,
        /// The ticket as it stands.
        current: Box<Ticket>,
    },
    /// The ticket cannot go there.
    #[error(transparent)]
    IllegalMove(#[from] IllegalMove),
    /// The title is empty or too long.
    #[error("title must have 1 to {MAX_TITLE_CHARS} characters")]
    InvalidTitle,
    /// The idempotency key came with another request before.
    #[error("idempotency key was used for another request")]
    KeyReused,
    /// Storage failed.
    #[error("could not load or store the ticket")]
    Storage(#[source] PortError),
}

impl Confirm {
    /// The use case over its ports.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, scrubber: Scrubber) -> Self {
        Self {
            storage,
            clock,
            ids,
            scrubber,
        }
    }

    /// Confirms type and priority: the ticket is triaged, and the tracker hears of it.
    ///
    /// # Errors
    /// [`ConfirmError`]; nothing changed.
    #[tracing::instrument(name = "confirm.confirm", skip_all, fields(ticket.id = %id))]
    pub async fn confirm(
        &self,
        id: TicketId,
        word: &Confirmed,
        by: UserId,
        call: Option<RememberedCall>,
    ) -> Result<Ticket, ConfirmError> {
        let title = self.title(word.title.as_deref())?;
        self.change(id, Some(word.seen_version), call, by, |ticket, now| {
            let before = json!({"type": ticket.ticket_type, "priority": ticket.priority});
            ticket.ticket_type = word.ticket_type;
            ticket.priority = word.priority;
            ticket.confirmation = Some(Confirmation {
                ticket_type: word.ticket_type,
                priority: word.priority,
                by,
                at: now,
            });
            if let Some(title) = &title {
                ticket.title = title.clone();
            }
            if ticket.status == TicketStatus::New {
                ticket.move_to(TicketStatus::Triaged, now)?;
            }
            let data = json!({"type": word.ticket_type, "priority": word.priority, "before": before});
            Ok((EventKind::Confirmed, data))
        })
        .await
    }

    /// Changes title or status.
    ///
    /// # Errors
    /// [`ConfirmError`]; nothing changed.
    #[tracing::instrument(name = "confirm.edit", skip_all, fields(ticket.id = %id))]
    pub async fn edit(
        &self,
        id: TicketId,
        edit: &Edit,
        by: UserId,
        call: Option<RememberedCall>,
    ) -> Result<Ticket, ConfirmError> {
        let title = self.title(edit.title.as_deref())?;
        self.change(id, edit.seen_version, call, by, |ticket, now| {
            let from = ticket.status;
            if let Some(title) = &title {
                ticket.title = title.clone();
            }
            if let Some(status) = edit.status.filter(|status| *status != from) {
                ticket.move_to(status, now)?;
            }
            let kind = match (from, ticket.status) {
                (from, to) if from == to => EventKind::Updated,
                (_, TicketStatus::Resolved) => EventKind::Resolved,
                (_, TicketStatus::Closed) => EventKind::Closed,
                (_, TicketStatus::Dismissed) => EventKind::Dismissed,
                (from, to) if !from.is_open() && to.is_open() => EventKind::Reopened,
                _ => EventKind::Updated,
            };
            Ok((
                kind,
                json!({"from": from, "to": ticket.status, "title": title.is_some()}),
            ))
        })
        .await
    }

    /// A title that a person typed, scrubbed like everything that is searched and pushed.
    fn title(&self, title: Option<&str>) -> Result<Option<Scrubbed>, ConfirmError> {
        let Some(title) = title.map(str::trim) else {
            return Ok(None);
        };
        if title.is_empty() || title.chars().count() > MAX_TITLE_CHARS {
            return Err(ConfirmError::InvalidTitle);
        }
        Ok(Some(self.scrubber.scrub(title, &KnownPeople::new()).text))
    }

    async fn change(
        &self,
        id: TicketId,
        seen: Option<u32>,
        call: Option<RememberedCall>,
        by: UserId,
        decide: impl Fn(&mut Ticket, Timestamp) -> Result<(EventKind, serde_json::Value), ConfirmError>,
    ) -> Result<Ticket, ConfirmError> {
        for _ in 0..TRIES {
            if self.is_repeat(call.as_ref()).await? {
                return self.ticket(id).await;
            }
            let mut ticket = self.ticket(id).await?;
            if let Some(seen) = seen.filter(|seen| *seen != ticket.version) {
                return Err(ConfirmError::Stale {
                    seen,
                    current: Box::new(ticket),
                });
            }
            let now = self.clock.now();
            let before = ticket.clone();
            let (kind, data) = decide(&mut ticket, now)?;
            ticket.updated_at = now;
            let mut change = Change::new()
                .with(Write::UpdateTicket(Box::new(ticket.clone())))
                .with(event(&*self.ids, id, kind, Actor::User(by), data, now));
            for job in self.follow_ups(&before, &ticket, now) {
                change.push(job);
            }
            if moved_on(before.status, ticket.status) {
                let withdrawn = withdrawal_for(&*self.storage, &*self.ids, id, now).await;
                for write in withdrawn.map_err(ConfirmError::Storage)? {
                    change.push(write);
                }
            }
            if let Some(call) = &call {
                change.push(Write::RememberCall(RememberedCall {
                    subject: *id.as_uuid(),
                    ..call.clone()
                }));
            }
            match self.storage.commit(change).await {
                Ok(_) => {
                    ticket.version += 1;
                    return Ok(ticket);
                }
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(ConfirmError::Storage(error)),
            }
        }
        Err(ConfirmError::Storage(PortError::new(
            PortErrorKind::Conflict,
            "confirm.change",
        )))
    }

    /// What a changed ticket sets going: the tracker hears of it, and a resolution wants a draft.
    fn follow_ups(&self, before: &Ticket, after: &Ticket, now: Timestamp) -> Vec<Write> {
        let mut jobs = Vec::new();
        let reopened = !before.status.is_open() && after.status.is_open();
        if after.confirmation.is_some() || after.page.is_some() {
            let payload = JobPayload::PushToTracker {
                ticket: after.id,
                reopened,
            };
            let key = if reopened {
                format!("push:{}:reopened", after.id)
            } else {
                format!("push:{}", after.id)
            };
            jobs.push(Write::Enqueue(NewJob::now(self.ids.next(), payload, now).unique(key)));
        }
        if before.status != TicketStatus::Resolved && after.status == TicketStatus::Resolved {
            let payload = JobPayload::DraftChangelog {
                ticket: after.id,
                resolution: after.resolutions,
            };
            let key = format!("draft:{}:{}", after.id, after.resolutions);
            jobs.push(Write::Enqueue(NewJob::now(self.ids.next(), payload, now).unique(key)));
        }
        jobs
    }

    async fn ticket(&self, id: TicketId) -> Result<Ticket, ConfirmError> {
        let found = self
            .storage
            .ticket(TicketKey::Id(id))
            .await
            .map_err(ConfirmError::Storage)?;
        found.ok_or(ConfirmError::NotFound)
    }

    async fn is_repeat(&self, call: Option<&RememberedCall>) -> Result<bool, ConfirmError> {
        let Some(call) = call else { return Ok(false) };
        let before = self
            .storage
            .remembered_call(&call.scope, &call.key)
            .await
            .map_err(ConfirmError::Storage)?;
        match before {
            None => Ok(false),
            Some(before) if before.fingerprint == call.fingerprint => Ok(true),
            Some(_) => Err(ConfirmError::KeyReused),
        }
    }
}

/// Pure: whether what an open draft says is not so any more.
const fn moved_on(from: TicketStatus, to: TicketStatus) -> bool {
    let reopened = !from.is_open() && to.is_open();
    reopened || matches!(to, TicketStatus::Duplicate | TicketStatus::Dismissed)
}
