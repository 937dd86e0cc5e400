//! A resolved ticket becomes a draft for its reporter: plain words, in their language, waiting for a person.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{
    deliver::{answered_with, closed_by_arrival},
    review::{MAX_CONTENT_CHARS, current_resolution},
    sealing::{open_placeholders, place, seal},
    timeline::event,
};
use crate::{
    domain::{
        Actor, Change, ChangelogEntry, ChangelogEntryId, ChangelogStatus, Decision, EventKind, Language, Reporter,
        Ticket, TicketId, TicketStatus, Timestamp, UserId, Write, cut_at_grapheme, without_overrides,
    },
    logic::scrub::{KnownPeople, Placeholders, Scrubber},
    ports::{
        ChangelogEntryKey, ChangelogWriter, Clock, Draft, DraftRequest, IdSource, IdSourceExt, NotificationsKey,
        PortError, PortErrorKind, ReporterKey, Storage, TicketKey, TicketsKey, Tracker, Vault,
    },
};

/// Writes drafts.
#[derive(Debug, Clone)]
pub struct Drafts {
    storage: Arc<dyn Storage>,
    writer: Arc<dyn ChangelogWriter>,
    tracker: Option<Arc<dyn Tracker>>,
    vault: Arc<dyn Vault>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    scrubber: Scrubber,
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// There is no such ticket.
    #[error("ticket does not exist")]
    NotFound,
    /// The ticket was put away as a duplicate or dismissed: its reporter is not told by it.
    #[error("ticket is {status}")]
    PutAway {
        /// Where it stands.
        status: TicketStatus,
    },
    /// A person has already approved what is said about this resolution.
    #[error("what is said about this resolution was already approved")]
    AlreadyApproved {
        /// The approved entry.
        entry: Box<ChangelogEntry>,
    },
    /// The reporter was erased; nothing can be said to them.
    #[error("reporter was erased")]
    Erased,
    /// The AI provider failed.
    #[error("could not get a draft")]
    Writer(#[source] PortError),
    /// The tracker failed.
    #[error("could not read the resolution notes")]
    Tracker(#[source] PortError),
    /// Storage or vault failed.
    #[error("could not load or store the draft")]
    Storage(#[source] PortError),
}

impl Drafts {
    /// The use case over its ports. Without a tracker there are no resolution notes.
    pub fn new(
        storage: Arc<dyn Storage>,
        writer: Arc<dyn ChangelogWriter>,
        tracker: Option<Arc<dyn Tracker>>,
        vault: Arc<dyn Vault>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        scrubber: Scrubber,
    ) -> Self {
        Self {
            storage,
            writer,
            tracker,
            vault,
            clock,
            ids,
            scrubber,
        }
    }

    /// The job of a resolution: writes its draft, unless there is one or the ticket moved on.
    ///
    /// # Errors
    /// [`DraftError`]; the job is tried again where that helps.
    #[tracing::instrument(name = "draft.for_resolution", skip_all, fields(ticket.id = %id))]
    pub async fn for_resolution(&self, id: TicketId, resolution: u32) -> Result<(), DraftError> {
        let ticket = self.ticket(id).await?;
        let resolved = matches!(ticket.status, TicketStatus::Resolved | TicketStatus::Closed);
        if !resolved || ticket.resolutions != resolution {
            return Ok(());
        }
        let Some(ticket) = self.speaker(ticket).await? else {
            return Ok(());
        };
        let (id, resolution) = (ticket.id, ticket.resolutions);
        match self.newest(id).await? {
            Some(entry) if entry.resolution == resolution && entry.status == ChangelogStatus::Approved => {
                self.close_if_told(&ticket, &entry).await
            }
            // A rejected one stays rejected: a person asks for another, or writes it. One that the hub withdrew was
            // about a ticket that has moved since.
            Some(entry) if entry.resolution == resolution && !is_withdrawn(&entry) => Ok(()),
            _ => self.write(&ticket, Actor::Ai).await.map(|_| ()),
        }
    }

    /// The ticket whose reporter hears of a resolution: of a group the primary one, once the work on all is done. Whoever
    /// resolves the last of fifty tickets makes the one draft.
    async fn speaker(&self, ticket: Ticket) -> Result<Option<Ticket>, DraftError> {
        let Some(group) = ticket.group else {
            return Ok(Some(ticket));
        };
        let key = TicketsKey::Group(group);
        let members = self.storage.tickets_of(key).await.map_err(DraftError::Storage)?;
        let group = self.storage.group(group).await.map_err(DraftError::Storage)?;
        if members.iter().any(|member| member.status.is_open()) {
            return Ok(None);
        }
        let done = |member: &&Ticket| matches!(member.status, TicketStatus::Resolved | TicketStatus::Closed);
        let is_primary = |member: &&Ticket| group.as_ref().is_some_and(|group| group.primary == member.id);
        let primary = members.iter().find(is_primary).filter(done);
        // A primary ticket that was put away says nothing; the oldest of the others does.
        Ok(Some(
            primary.or_else(|| members.iter().find(done)).cloned().unwrap_or(ticket),
        ))
    }

    /// The reporter was told ahead of the resolution: with it the ticket is closed.
    async fn close_if_told(&self, ticket: &Ticket, entry: &ChangelogEntry) -> Result<(), DraftError> {
        let notifications = self
            .storage
            .notifications(NotificationsKey::Entry(entry.id))
            .await
            .map_err(DraftError::Storage)?;
        let told = notifications
            .iter()
            .any(|notification| notification.status.has_arrived());
        let mut ticket = ticket.clone();
        let now = self.clock.now();
        if !told || ticket.status != TicketStatus::Resolved || ticket.move_to(TicketStatus::Closed, now).is_err() {
            return Ok(());
        }
        let mut change = Change::new();
        let answered = answered_with(&*self.storage, &ticket)
            .await
            .map_err(DraftError::Storage)?;
        for member in answered {
            if let Some(closed) = closed_by_arrival(&member, member.resolutions, now) {
                let data = json!({"answered_by": ticket.id});
                change.push(event(&*self.ids, closed.id, EventKind::Closed, Actor::Hub, data, now));
                change.push(Write::UpdateTicket(Box::new(closed)));
            }
        }
        change.push(event(
            &*self.ids,
            ticket.id,
            EventKind::Closed,
            Actor::Hub,
            json!({}),
            now,
        ));
        change.push(Write::UpdateTicket(Box::new(ticket)));
        self.storage
            .commit(change)
            .await
            .map(|_| ())
            .map_err(DraftError::Storage)
    }

    /// A person asks for a draft. The open one where there is one.
    ///
    /// # Errors
    /// [`DraftError`]; nothing was written.
    #[tracing::instrument(name = "draft.generate", skip_all, fields(ticket.id = %id))]
    pub async fn generate(&self, id: TicketId, by: UserId) -> Result<ChangelogEntry, DraftError> {
        let ticket = self.ticket(id).await?;
        if matches!(ticket.status, TicketStatus::Duplicate | TicketStatus::Dismissed) {
            return Err(DraftError::PutAway { status: ticket.status });
        }
        if let Some(entry) = self.newest(id).await? {
            let same = entry.resolution == current_resolution(&ticket);
            match entry.status {
                ChangelogStatus::Draft if same => return Ok(entry),
                ChangelogStatus::Approved if same => {
                    return Err(DraftError::AlreadyApproved { entry: Box::new(entry) });
                }
                _ => {}
            }
        }
        self.write(&ticket, Actor::User(by)).await
    }

    async fn write(&self, ticket: &Ticket, actor: Actor) -> Result<ChangelogEntry, DraftError> {
        let reporter = self
            .storage
            .reporter(ReporterKey::Id(ticket.reporter))
            .await
            .map_err(DraftError::Storage)?;
        let reporter = reporter.ok_or(DraftError::NotFound)?;
        if reporter.key.is_none() {
            return Err(DraftError::Erased);
        }
        let mut placeholders = open_placeholders(&*self.vault, ticket, &reporter).map_err(DraftError::Storage)?;
        let request = self.request(ticket, &mut placeholders).await?;
        let draft = self.writer.draft(&request).await.map_err(DraftError::Writer)?;
        let mut entry = self
            .entry(ticket, &reporter, &draft, &placeholders, request.language)
            .map_err(DraftError::Storage)?;
        // Writing takes its time. Meanwhile the ticket may have moved on, and somebody may have written, edited or even
        // approved another draft, which is as good as this one.
        let fresh = self.ticket(ticket.id).await?;
        if current_resolution(&fresh) != entry.resolution {
            return Err(DraftError::Storage(PortError::new(
                PortErrorKind::Conflict,
                "draft.write",
            )));
        }
        let newest = self.newest(ticket.id).await?;
        if let Some(before) = &newest {
            if before.resolution == entry.resolution && before.status != ChangelogStatus::Rejected {
                return Ok(before.clone());
            }
            // The newest one by time, also on a clock that was put back.
            entry.created_at = entry.created_at.max(before.created_at.plus(Duration::from_micros(1)));
            entry.updated_at = entry.created_at;
        }
        let data = json!({
            "changelog_entry": entry.id, "resolution": entry.resolution, "model": entry.made_by.model,
            "input_tokens": entry.made_by.input_tokens, "output_tokens": entry.made_by.output_tokens,
        });
        let mut change = Change::new();
        if let Some(stale) = newest.filter(|entry| entry.status == ChangelogStatus::Draft) {
            for write in withdrawal(&*self.ids, stale, entry.created_at) {
                change.push(write);
            }
        }
        change.push(Write::InsertChangelogEntry(Box::new(entry.clone())));
        change.push(event(
            &*self.ids,
            ticket.id,
            EventKind::Drafted,
            actor,
            data,
            entry.created_at,
        ));
        match self.storage.commit(change).await {
            Ok(_) => Ok(entry),
            // Two asked at the same time: the other's draft is as good.
            Err(error) if error.is_conflict() => match self.newest(ticket.id).await? {
                Some(other) if other.resolution == entry.resolution && other.status != ChangelogStatus::Rejected => {
                    Ok(other)
                }
                _ => Err(DraftError::Storage(error)),
            },
            Err(error) => Err(DraftError::Storage(error)),
        }
    }

    /// What the writer is given: scrubbed text alone.
    async fn request(&self, ticket: &Ticket, placeholders: &mut Placeholders) -> Result<DraftRequest, DraftError> {
        let notes = match (&self.tracker, &ticket.page) {
            (Some(tracker), Some(page)) => match tracker.resolution_notes(&page.id).await {
                Ok(notes) => notes,
                Err(error) if error.kind() == PortErrorKind::NotFound => String::new(),
                Err(error) => return Err(DraftError::Tracker(error)),
            },
            _ => String::new(),
        };
        Ok(DraftRequest {
            title: ticket.title.clone(),
            description: ticket.description.clone(),
            resolution_notes: self.scrubber.scrub_with(&notes, &KnownPeople::new(), placeholders).0,
            ticket_type: ticket.ticket_type,
            language: ticket.language.unwrap_or(Language::English),
        })
    }

    fn entry(
        &self,
        ticket: &Ticket,
        reporter: &Reporter,
        draft: &Draft,
        placeholders: &Placeholders,
        language: Language,
    ) -> Result<ChangelogEntry, PortError> {
        let text = without_overrides(&placeholders.restore(draft.text.trim()));
        let text = cut_at_grapheme(&text, MAX_CONTENT_CHARS);
        let id: ChangelogEntryId = self.ids.next();
        let now = self.clock.now();
        let sealed = |column| {
            seal(
                &*self.vault,
                reporter,
                place::of("changelog_entries", column, *id.as_uuid()),
                text.as_bytes(),
            )
        };
        Ok(ChangelogEntry {
            id,
            ticket: ticket.id,
            resolution: current_resolution(ticket),
            sealed_for: reporter.id,
            content: sealed("content")?,
            drafted: sealed("drafted")?,
            language,
            status: ChangelogStatus::Draft,
            made_by: draft.made_by.clone(),
            edited_by: None,
            decision: None,
            created_at: now,
            updated_at: now,
            version: 1,
        })
    }

    async fn ticket(&self, id: TicketId) -> Result<Ticket, DraftError> {
        let found = self
            .storage
            .ticket(TicketKey::Id(id))
            .await
            .map_err(DraftError::Storage)?;
        found.ok_or(DraftError::NotFound)
    }

    async fn newest(&self, ticket: TicketId) -> Result<Option<ChangelogEntry>, DraftError> {
        self.storage
            .changelog_entry(ChangelogEntryKey::NewestOf(ticket))
            .await
            .map_err(DraftError::Storage)
    }
}

/// The writes that withdraw an open draft, since the ticket moved on: nobody decided it, and nobody can any more.
pub(super) fn withdrawal(ids: &dyn IdSource, mut draft: ChangelogEntry, now: Timestamp) -> [Write; 2] {
    draft.status = ChangelogStatus::Rejected;
    draft.decision = Some(Decision {
        by: None,
        at: now,
        seen_version: draft.version,
        reason: Some("the ticket moved on".to_owned()),
    });
    draft.updated_at = now;
    let data = json!({"changelog_entry": draft.id});
    let noted = event(ids, draft.ticket, EventKind::Withdrawn, Actor::Hub, data, now);
    [Write::UpdateChangelogEntry(Box::new(draft)), noted]
}

/// The writes that withdraw the open draft of a ticket that moved on; none where there is no open one.
pub(super) async fn withdrawal_for(
    storage: &dyn Storage,
    ids: &dyn IdSource,
    ticket: TicketId,
    now: Timestamp,
) -> Result<Vec<Write>, PortError> {
    let newest = storage.changelog_entry(ChangelogEntryKey::NewestOf(ticket)).await?;
    let open = newest.filter(|entry| entry.status == ChangelogStatus::Draft);
    Ok(open
        .map(|draft| withdrawal(ids, draft, now))
        .into_iter()
        .flatten()
        .collect())
}

fn is_withdrawn(entry: &ChangelogEntry) -> bool {
    let decided_by_hub = entry.decision.as_ref().is_some_and(|decision| decision.by.is_none());
    entry.status == ChangelogStatus::Rejected && decided_by_hub
}
