//! Tickets that are resolved and answered together. One of them, the primary ticket, speaks for all.

use std::sync::Arc;

use serde_json::json;

use super::{TRIES, timeline::event};
use crate::{
    domain::{
        Actor, Change, EventKind, GroupId, LinkStatus, MAX_TITLE_CHARS, Scrubbed, Ticket, TicketGroup, TicketId,
        TicketLink, Timestamp, UserId, Write,
    },
    logic::scrub::{KnownPeople, Scrubber},
    ports::{Clock, IdSource, IdSourceExt, LinksKey, PortError, PortErrorKind, Storage, TicketKey, TicketsKey},
};

/// Keeps groups.
#[derive(Debug, Clone)]
pub struct Groups {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    scrubber: Scrubber,
}

/// A group with its tickets.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupDetail {
    /// The group.
    pub group: TicketGroup,
    /// Its tickets, oldest first, the primary one among them.
    pub tickets: Vec<Ticket>,
}

/// What a reviewer changes of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupEdit {
    /// The version that the person saw.
    pub seen_version: u32,
    /// New title.
    pub title: Option<String>,
    /// Another ticket that speaks for the group; a member.
    pub primary: Option<TicketId>,
    /// Tickets that join.
    pub add: Vec<TicketId>,
    /// Tickets that leave; never the primary one.
    pub remove: Vec<TicketId>,
}

/// Why a reviewer's word on a group was not taken.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// There is no such group, or a ticket that was named.
    #[error("group or ticket does not exist")]
    NotFound,
    /// The person saw another version.
    #[error("group was changed since version {seen}")]
    Stale {
        /// The version that the person saw.
        seen: u32,
        /// The group as it stands.
        current: Box<TicketGroup>,
    },
    /// The title is empty or too long.
    #[error("title must have 1 to {MAX_TITLE_CHARS} characters")]
    InvalidTitle,
    /// A ticket is in another group; it has to leave that first.
    #[error("ticket is in another group")]
    InAnotherGroup {
        /// The ticket.
        ticket: TicketId,
    },
    /// The primary ticket must be a member, and a member that speaks for the group cannot leave.
    #[error("primary ticket must be a member of the group")]
    PrimaryNotMember,
    /// Storage failed.
    #[error("could not load or store the group")]
    Storage(#[source] PortError),
}

impl Groups {
    /// The use case over its ports.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, scrubber: Scrubber) -> Self {
        Self {
            storage,
            clock,
            ids,
            scrubber,
        }
    }

    /// Makes a group of `primary` and `members`. A title that is not given is the primary ticket's.
    ///
    /// # Errors
    /// [`GroupError`]; nothing changed.
    #[tracing::instrument(name = "groups.create", skip_all, fields(primary.id = %primary))]
    pub async fn create(
        &self,
        primary: TicketId,
        members: &[TicketId],
        title: Option<&str>,
        by: UserId,
    ) -> Result<GroupDetail, GroupError> {
        let title = title.map(|title| self.title(title)).transpose()?;
        for _ in 0..TRIES {
            let now = self.clock.now();
            let speaker = self.ticket(primary).await?;
            let group = TicketGroup {
                id: self.ids.next(),
                title: title.clone().unwrap_or_else(|| speaker.title.clone()),
                primary,
                created_at: now,
                version: 1,
            };
            let mut change = Change::new().with(Write::InsertGroup(group.clone()));
            self.join(&mut change, &group, &speaker, by, now).await?;
            for member in distinct(members, primary) {
                let member = self.ticket(member).await?;
                self.join(&mut change, &group, &member, by, now).await?;
            }
            if self.committed(change).await? {
                return self.detail(group.id).await;
            }
        }
        Err(conflict("groups.create"))
    }

    /// Changes title, primary ticket or members.
    ///
    /// # Errors
    /// [`GroupError`]; nothing changed.
    #[tracing::instrument(name = "groups.edit", skip_all, fields(group.id = %id))]
    pub async fn edit(&self, id: GroupId, edit: &GroupEdit, by: UserId) -> Result<GroupDetail, GroupError> {
        let title = edit.title.as_deref().map(|title| self.title(title)).transpose()?;
        for _ in 0..TRIES {
            let GroupDetail { group, tickets } = self.detail(id).await?;
            if group.version != edit.seen_version {
                let (seen, current) = (edit.seen_version, Box::new(group));
                return Err(GroupError::Stale { seen, current });
            }
            let now = self.clock.now();
            let mut changed = group.clone();
            if let Some(title) = &title {
                changed.title = title.clone();
            }
            changed.primary = edit.primary.unwrap_or(group.primary);
            let is_member = |id: TicketId| tickets.iter().any(|ticket| ticket.id == id);
            let stays = |id: TicketId| (is_member(id) || edit.add.contains(&id)) && !edit.remove.contains(&id);
            if !stays(changed.primary) {
                return Err(GroupError::PrimaryNotMember);
            }
            let mut change = Change::new().with(Write::UpdateGroup(changed.clone()));
            for member in edit
                .add
                .iter()
                .filter(|id| !is_member(**id) && !edit.remove.contains(id))
            {
                let member = self.ticket(*member).await?;
                self.join(&mut change, &changed, &member, by, now).await?;
            }
            for ticket in tickets.iter().filter(|ticket| edit.remove.contains(&ticket.id)) {
                let left = Ticket {
                    group: None,
                    updated_at: now,
                    ..ticket.clone()
                };
                change.push(Write::UpdateTicket(Box::new(left)));
                let data = json!({"group": id, "left": true});
                change.push(event(
                    &*self.ids,
                    ticket.id,
                    EventKind::Grouped,
                    Actor::User(by),
                    data,
                    now,
                ));
            }
            if self.committed(change).await? {
                return self.detail(id).await;
            }
        }
        Err(conflict("groups.edit"))
    }

    /// A group with its tickets.
    ///
    /// # Errors
    /// [`GroupError::NotFound`], [`GroupError::Storage`].
    pub async fn detail(&self, id: GroupId) -> Result<GroupDetail, GroupError> {
        let group = self.storage.group(id).await.map_err(GroupError::Storage)?;
        let group = group.ok_or(GroupError::NotFound)?;
        let key = TicketsKey::Group(id);
        let tickets = self.storage.tickets_of(key).await.map_err(GroupError::Storage)?;
        Ok(GroupDetail { group, tickets })
    }

    /// A ticket joins by a person's word, which says that it is like the primary one, too: kept as an accepted pair.
    async fn join(
        &self,
        change: &mut Change,
        group: &TicketGroup,
        ticket: &Ticket,
        by: UserId,
        now: Timestamp,
    ) -> Result<(), GroupError> {
        match ticket.group {
            Some(other) if other == group.id => return Ok(()),
            Some(_) => return Err(GroupError::InAnotherGroup { ticket: ticket.id }),
            None => {}
        }
        if ticket.id != group.primary {
            self.accept_pair(change, ticket.id, group.primary, by, now).await?;
        }
        let joined = Ticket {
            group: Some(group.id),
            updated_at: now,
            ..ticket.clone()
        };
        change.push(Write::UpdateTicket(Box::new(joined)));
        let data = json!({"group": group.id, "joined": true});
        change.push(event(
            &*self.ids,
            ticket.id,
            EventKind::Grouped,
            Actor::User(by),
            data,
            now,
        ));
        Ok(())
    }

    async fn accept_pair(
        &self,
        change: &mut Change,
        ticket: TicketId,
        original: TicketId,
        by: UserId,
        now: Timestamp,
    ) -> Result<(), GroupError> {
        let links = self
            .storage
            .links(LinksKey::Ticket(ticket))
            .await
            .map_err(GroupError::Storage)?;
        let known = links
            .into_iter()
            .find(|link| link.ticket == original || link.original == original);
        match known {
            Some(link) if link.status == LinkStatus::Accepted => {}
            Some(link) => {
                let expected = link.status;
                change.push(Write::UpdateLink {
                    link: Box::new(TicketLink {
                        status: LinkStatus::Accepted,
                        decided: Some((by, now)),
                        ..link
                    }),
                    expected,
                });
            }
            None => change.push(Write::SuggestLink(TicketLink {
                id: self.ids.next(),
                ticket,
                original,
                score: 1.0,
                evidence: Vec::new(),
                status: LinkStatus::Accepted,
                decided: Some((by, now)),
                created_at: now,
            })),
        }
        Ok(())
    }

    fn title(&self, title: &str) -> Result<Scrubbed, GroupError> {
        let title = title.trim();
        if title.is_empty() || title.chars().count() > MAX_TITLE_CHARS {
            return Err(GroupError::InvalidTitle);
        }
        Ok(self.scrubber.scrub(title, &KnownPeople::new()).text)
    }

    async fn committed(&self, change: Change) -> Result<bool, GroupError> {
        match self.storage.commit(change).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_conflict() => Ok(false),
            Err(error) => Err(GroupError::Storage(error)),
        }
    }

    async fn ticket(&self, id: TicketId) -> Result<Ticket, GroupError> {
        let found = self
            .storage
            .ticket(TicketKey::Id(id))
            .await
            .map_err(GroupError::Storage)?;
        found.ok_or(GroupError::NotFound)
    }
}

/// Each id once, without `besides`.
fn distinct(ids: &[TicketId], besides: TicketId) -> Vec<TicketId> {
    let mut seen = Vec::new();
    for id in ids {
        if *id != besides && !seen.contains(id) {
            seen.push(*id);
        }
    }
    seen
}

fn conflict(operation: &'static str) -> GroupError {
    GroupError::Storage(PortError::new(PortErrorKind::Conflict, operation))
}
