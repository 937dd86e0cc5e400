//! A person's word on two tickets that look alike: the same (merged, or in one group), not the same, the other way round,
//! or as it was before. Suggestions only link; nothing here is done without a person.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{TRIES, draft::withdrawal_for, timeline::event};
use crate::{
    domain::{
        Actor, Change, EventKind, GroupId, IllegalMove, JobPayload, LinkStatus, NewJob, Ticket, TicketGroup, TicketId,
        TicketLink, TicketLinkId, TicketStatus, Timestamp, UserId, Write,
    },
    ports::{Clock, IdSource, IdSourceExt, LinksKey, PortError, PortErrorKind, Queries, Storage, TicketKey},
};

/// What becomes of two tickets about the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AcceptAs {
    /// The newer one is put away as a duplicate; the older one speaks for both.
    Merge,
    /// Both stay, and are resolved and answered together.
    Group,
}

/// Decides suggested pairs.
#[derive(Debug, Clone)]
pub struct Duplicates {
    storage: Arc<dyn Storage>,
    queries: Arc<dyn Queries>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// Why a word on a pair was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DuplicateError {
    /// There is no such pair or ticket.
    #[error("pair of tickets does not exist")]
    NotFound,
    /// Somebody else decided, or took it back, meanwhile.
    #[error("pair was already decided")]
    AlreadyDecided {
        /// The pair as it stands.
        current: Box<TicketLink>,
    },
    /// A ticket is no duplicate of itself.
    #[error("a ticket cannot be merged into itself")]
    Same,
    /// The person saw another version of the ticket.
    #[error("ticket was changed since version {seen}")]
    Stale {
        /// The version that the person saw.
        seen: u32,
        /// The ticket as it stands.
        current: Box<Ticket>,
    },
    /// The ticket cannot be put away as it stands.
    #[error(transparent)]
    IllegalMove(#[from] IllegalMove),
    /// The ticket was moved or changed since: what was before cannot be brought back.
    #[error("ticket moved on since the pair was decided")]
    MovedOn,
    /// A group grows only where the new member matches its primary ticket, not just a neighbour.
    #[error("ticket was not found to be like the group's primary ticket")]
    UnlikePrimary {
        /// The primary ticket.
        primary: TicketId,
    },
    /// The ticket is in another group.
    #[error("ticket is in another group")]
    InAnotherGroup,
    /// Storage failed.
    #[error("could not load or store the pair")]
    Storage(#[source] PortError),
}

/// A pair with both of its tickets.
struct Pair {
    link: TicketLink,
    ticket: Ticket,
    original: Ticket,
}

impl Duplicates {
    /// The use case over its ports.
    pub fn new(
        storage: Arc<dyn Storage>,
        queries: Arc<dyn Queries>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            storage,
            queries,
            clock,
            ids,
        }
    }

    /// Accepts a suggestion.
    ///
    /// # Errors
    /// [`DuplicateError`]; nothing changed.
    #[tracing::instrument(name = "duplicates.accept", skip_all, fields(link.id = %id))]
    pub async fn accept(&self, id: TicketLinkId, how: AcceptAs, by: UserId) -> Result<TicketLink, DuplicateError> {
        self.change(id, LinkStatus::Suggested, |pair, now| async move {
            let link = decided(pair.link.clone(), LinkStatus::Accepted, by, now);
            let mut change = Change::new().with(update(&link, LinkStatus::Suggested));
            match how {
                AcceptAs::Merge => self.put_away(&mut change, &pair, by, now).await?,
                AcceptAs::Group => self.group(&mut change, &pair, by, now).await?,
            }
            Ok((change, link))
        })
        .await
    }

    /// Says that two tickets are not the same; they are never suggested again.
    ///
    /// # Errors
    /// [`DuplicateError`]; nothing changed.
    #[tracing::instrument(name = "duplicates.dismiss", skip_all, fields(link.id = %id))]
    pub async fn dismiss(&self, id: TicketLinkId, by: UserId) -> Result<TicketLink, DuplicateError> {
        self.change(id, LinkStatus::Suggested, |pair, now| async move {
            let link = decided(pair.link.clone(), LinkStatus::Dismissed, by, now);
            let data = json!({"link": link.id, "original": link.original, "dismissed": true});
            let change = Change::new()
                .with(update(&link, LinkStatus::Suggested))
                .with(self.event(link.ticket, EventKind::DuplicateDecided, by, data, now));
            Ok((change, link))
        })
        .await
    }

    /// Says that the other one of the two came first, or should speak for both.
    ///
    /// # Errors
    /// [`DuplicateError`]; nothing changed.
    #[tracing::instrument(name = "duplicates.swap", skip_all, fields(link.id = %id))]
    pub async fn swap(&self, id: TicketLinkId, by: UserId) -> Result<TicketLink, DuplicateError> {
        self.change(id, LinkStatus::Suggested, |pair, now| async move {
            let link = TicketLink {
                ticket: pair.link.original,
                original: pair.link.ticket,
                ..pair.link.clone()
            };
            let data = json!({"link": link.id, "original": link.original, "swapped": true});
            let change = Change::new()
                .with(update(&link, LinkStatus::Suggested))
                .with(self.event(link.ticket, EventKind::DuplicateDecided, by, data, now));
            Ok((change, link))
        })
        .await
    }

    /// Takes a decision back: the pair is a suggestion again, and the tickets stand where they stood.
    ///
    /// # Errors
    /// [`DuplicateError::MovedOn`] if a ticket has been moved or regrouped since; else as [`accept`](Self::accept).
    #[tracing::instrument(name = "duplicates.undo", skip_all, fields(link.id = %id))]
    pub async fn undo(&self, id: TicketLinkId, by: UserId) -> Result<TicketLink, DuplicateError> {
        let status = self.link(id).await?.status;
        if status == LinkStatus::Suggested {
            return self.link(id).await;
        }
        self.change(id, status, |pair, now| async move {
            let link = TicketLink {
                status: LinkStatus::Suggested,
                decided: None,
                ..pair.link.clone()
            };
            let mut change = Change::new().with(update(&link, status));
            if status == LinkStatus::Accepted {
                self.bring_back(&mut change, &pair, by, now).await?;
            } else {
                let data = json!({"link": link.id, "original": link.original, "undone": true});
                change.push(self.event(link.ticket, EventKind::DuplicateDecided, by, data, now));
            }
            Ok((change, link))
        })
        .await
    }

    /// Merges a ticket into another that nothing suggested: the person's word is the evidence.
    ///
    /// # Errors
    /// [`DuplicateError`]; nothing changed.
    #[tracing::instrument(name = "duplicates.merge", skip_all, fields(ticket.id = %id, into = %into))]
    pub async fn merge(&self, id: TicketId, into: TicketId, seen: u32, by: UserId) -> Result<Ticket, DuplicateError> {
        if id == into {
            return Err(DuplicateError::Same);
        }
        for _ in 0..TRIES {
            let ticket = self.ticket(id).await?;
            let known = self
                .storage
                .links(LinksKey::Ticket(id))
                .await
                .map_err(DuplicateError::Storage)?;
            let known = known
                .into_iter()
                .find(|link| link.ticket == into || link.original == into);
            let merged = known
                .as_ref()
                .is_some_and(|link| link.status == LinkStatus::Accepted && link.ticket == id);
            if merged && ticket.status == TicketStatus::Duplicate {
                return Ok(ticket);
            }
            if ticket.version != seen {
                let current = Box::new(ticket);
                return Err(DuplicateError::Stale { seen, current });
            }
            let original = self.ticket(into).await?;
            let now = self.clock.now();
            let mut change = Change::new();
            let link = match known {
                Some(known) => {
                    let expected = known.status;
                    let link = TicketLink {
                        ticket: id,
                        original: into,
                        ..decided(known, LinkStatus::Accepted, by, now)
                    };
                    change.push(update(&link, expected));
                    link
                }
                None => {
                    let link = TicketLink {
                        id: self.ids.next(),
                        ticket: id,
                        original: into,
                        score: 1.0,
                        evidence: Vec::new(),
                        status: LinkStatus::Accepted,
                        decided: Some((by, now)),
                        created_at: now,
                    };
                    change.push(Write::SuggestLink(link.clone()));
                    link
                }
            };
            let pair = Pair { link, ticket, original };
            self.put_away(&mut change, &pair, by, now).await?;
            match self.storage.commit(change).await {
                Ok(_) => return self.ticket(id).await,
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(DuplicateError::Storage(error)),
            }
        }
        Err(conflict("duplicates.merge"))
    }

    /// The newer ticket is put away; what was drafted for its reporter is withdrawn.
    async fn put_away(
        &self,
        change: &mut Change,
        pair: &Pair,
        by: UserId,
        now: Timestamp,
    ) -> Result<(), DuplicateError> {
        let mut ticket = pair.ticket.clone();
        let from = ticket.status;
        ticket.move_to(TicketStatus::Duplicate, now)?;
        self.push_page(change, &ticket, now);
        let withdrawn = withdrawal_for(&*self.storage, &*self.ids, ticket.id, now).await;
        for write in withdrawn.map_err(DuplicateError::Storage)? {
            change.push(write);
        }
        let link = pair.link.id;
        let data = json!({"link": link, "into": pair.original.id, "from": from, "merged": true});
        change.push(self.event(ticket.id, EventKind::Merged, by, data, now));
        let data = json!({"link": link, "took_in": ticket.id});
        change.push(self.event(pair.original.id, EventKind::Merged, by, data, now));
        change.push(Write::UpdateTicket(Box::new(ticket)));
        Ok(())
    }

    /// Puts both into one group. Where one of them has a group, the other must match its primary ticket.
    async fn group(&self, change: &mut Change, pair: &Pair, by: UserId, now: Timestamp) -> Result<(), DuplicateError> {
        let (ticket, original) = (&pair.ticket, &pair.original);
        let (group, joining): (GroupId, Vec<&Ticket>) = match (ticket.group, original.group) {
            (Some(one), Some(other)) if one == other => (one, Vec::new()),
            (Some(_), Some(_)) => return Err(DuplicateError::InAnotherGroup),
            (None, Some(group)) => {
                self.check_primary(group, ticket, original).await?;
                (group, vec![ticket])
            }
            (Some(group), None) => {
                self.check_primary(group, original, ticket).await?;
                (group, vec![original])
            }
            (None, None) => {
                let group = TicketGroup {
                    id: self.ids.next(),
                    title: original.title.clone(),
                    primary: original.id,
                    created_at: now,
                    version: 1,
                };
                let id = group.id;
                change.push(Write::InsertGroup(group));
                (id, vec![original, ticket])
            }
        };
        for member in joining {
            let data = json!({"link": pair.link.id, "group": group, "joined": true});
            change.push(self.event(member.id, EventKind::Grouped, by, data, now));
            change.push(Write::UpdateTicket(Box::new(Ticket {
                group: Some(group),
                updated_at: now,
                ..member.clone()
            })));
        }
        let data = json!({"link": pair.link.id, "original": original.id, "grouped": true});
        change.push(self.event(ticket.id, EventKind::DuplicateDecided, by, data, now));
        Ok(())
    }

    /// A newcomer who is like `neighbour` may join its group if it is like the group's primary ticket, too.
    async fn check_primary(&self, group: GroupId, newcomer: &Ticket, neighbour: &Ticket) -> Result<(), DuplicateError> {
        let found = self.storage.group(group).await.map_err(DuplicateError::Storage)?;
        let primary = found.ok_or(DuplicateError::NotFound)?.primary;
        if primary == neighbour.id {
            return Ok(());
        }
        let links = self
            .storage
            .links(LinksKey::Ticket(newcomer.id))
            .await
            .map_err(DuplicateError::Storage)?;
        let alike = |link: &&TicketLink| {
            (link.ticket == primary || link.original == primary) && link.status != LinkStatus::Dismissed
        };
        match links.iter().find(alike) {
            Some(_) => Ok(()),
            None => Err(DuplicateError::UnlikePrimary { primary }),
        }
    }

    /// What an accepted pair did to its tickets, by their timelines, is taken back.
    async fn bring_back(
        &self,
        change: &mut Change,
        pair: &Pair,
        by: UserId,
        now: Timestamp,
    ) -> Result<(), DuplicateError> {
        let link = pair.link.id;
        for ticket in [&pair.ticket, &pair.original] {
            let detail = self
                .queries
                .ticket_detail(ticket.id)
                .await
                .map_err(DuplicateError::Storage)?;
            let events = detail.map(|detail| detail.events).unwrap_or_default();
            let done = events.iter().rev().find(|event| {
                let ours = event.data["link"] == json!(link);
                ours && matches!(event.kind, EventKind::Merged | EventKind::Grouped)
            });
            let Some(done) = done else { continue };
            let mut before = ticket.clone();
            if done.kind == EventKind::Grouped {
                if ticket.group.map(|group| json!(group)).as_ref() != Some(&done.data["group"]) {
                    return Err(DuplicateError::MovedOn);
                }
                before.group = None;
                let data = json!({"link": link, "group": ticket.group, "left": true});
                change.push(self.event(ticket.id, EventKind::Grouped, by, data, now));
            } else if done.data["merged"] == json!(true) {
                let from = serde_json::from_value(done.data["from"].clone()).map_err(|_| DuplicateError::MovedOn)?;
                if !before.unmerge(from, now) {
                    return Err(DuplicateError::MovedOn);
                }
                self.push_page(change, &before, now);
                let data = json!({"link": link, "from": pair.original.id, "undone": true});
                change.push(self.event(ticket.id, EventKind::Merged, by, data, now));
            } else {
                let data = json!({"link": link, "gave_back": pair.ticket.id});
                change.push(self.event(ticket.id, EventKind::Merged, by, data, now));
                continue;
            }
            before.updated_at = now;
            change.push(Write::UpdateTicket(Box::new(before)));
        }
        Ok(())
    }

    /// Loads a pair that stands as `expected`, decides and commits; again where another commit was first.
    async fn change<F, D>(
        &self,
        id: TicketLinkId,
        expected: LinkStatus,
        decide: D,
    ) -> Result<TicketLink, DuplicateError>
    where
        D: Fn(Pair, Timestamp) -> F,
        F: Future<Output = Result<(Change, TicketLink), DuplicateError>>,
    {
        for _ in 0..TRIES {
            let link = self.link(id).await?;
            if link.status != expected {
                let current = Box::new(link);
                return Err(DuplicateError::AlreadyDecided { current });
            }
            let ticket = self.ticket(link.ticket).await?;
            let original = self.ticket(link.original).await?;
            let (change, link) = decide(Pair { link, ticket, original }, self.clock.now()).await?;
            match self.storage.commit(change).await {
                Ok(_) => {
                    metrics::counter!("feedback_duplicates_total", "status" => link.status.as_str()).increment(1);
                    return Ok(link);
                }
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(DuplicateError::Storage(error)),
            }
        }
        Err(conflict("duplicates.change"))
    }

    /// The tracker hears of a ticket that it knows.
    fn push_page(&self, change: &mut Change, ticket: &Ticket, now: Timestamp) {
        if ticket.page.is_some() {
            let payload = JobPayload::PushToTracker {
                ticket: ticket.id,
                reopened: false,
            };
            let key = format!("push:{}", ticket.id);
            change.push(Write::Enqueue(NewJob::now(self.ids.next(), payload, now).unique(key)));
        }
    }

    fn event(&self, ticket: TicketId, kind: EventKind, by: UserId, data: Value, now: Timestamp) -> Write {
        event(&*self.ids, ticket, kind, Actor::User(by), data, now)
    }

    async fn link(&self, id: TicketLinkId) -> Result<TicketLink, DuplicateError> {
        let found = self
            .storage
            .links(LinksKey::Id(id))
            .await
            .map_err(DuplicateError::Storage)?;
        found.into_iter().next().ok_or(DuplicateError::NotFound)
    }

    async fn ticket(&self, id: TicketId) -> Result<Ticket, DuplicateError> {
        let found = self.storage.ticket(TicketKey::Id(id)).await;
        found.map_err(DuplicateError::Storage)?.ok_or(DuplicateError::NotFound)
    }
}

fn decided(link: TicketLink, status: LinkStatus, by: UserId, now: Timestamp) -> TicketLink {
    TicketLink {
        status,
        decided: Some((by, now)),
        ..link
    }
}

fn update(link: &TicketLink, expected: LinkStatus) -> Write {
    Write::UpdateLink {
        link: Box::new(link.clone()),
        expected,
    }
}

fn conflict(operation: &'static str) -> DuplicateError {
    DuplicateError::Storage(PortError::new(PortErrorKind::Conflict, operation))
}
