//! One person, known as two: a reviewer says so, or strong evidence does. Nothing is moved or sealed anew: the one points
//! at the other, so that undoing it gives back what was there.

use std::sync::Arc;

use serde_json::json;

use super::{
    TRIES,
    person::{family_of, person_of},
    timeline::event,
};
use crate::{
    domain::{
        Actor, Change, EventKind, Identity, IdentityLink, LinkKind, Reporter, ReporterId, Ticket, Timestamp, UserId,
        Write,
    },
    ports::{Clock, IdSource, IdSourceExt, PortError, PortErrorKind, ReporterKey, Storage, TicketsKey},
};

/// Merges reporters, and takes merges back.
#[derive(Debug, Clone)]
pub struct MergeReporters {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// A reporter with what says who they are.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownAs {
    /// The person that the asked-for reporter turned out to be.
    pub reporter: Reporter,
    /// Their addresses, and those of everybody merged into them; oldest first.
    pub identities: Vec<Identity>,
    /// Evidence about these addresses and people, undone or not; oldest first.
    pub links: Vec<IdentityLink>,
    /// Reporters who were merged into this one, directly or not; oldest first.
    pub merged: Vec<Reporter>,
    /// People that weak evidence takes for the same; nobody has decided.
    pub suspected: Vec<ReporterId>,
}

/// Why reporters could not be merged, or parted.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is no such reporter.
    #[error("reporter does not exist")]
    NotFound,
    /// They are one person already.
    #[error("reporters are the same person already")]
    Same,
    /// The reporter is merged into nobody.
    #[error("reporter is merged into nobody")]
    NotMerged,
    /// One of them was erased.
    #[error("reporter was erased")]
    Erased,
    /// Another reporter has proved the same address since: apart, the two would claim it both.
    #[error("another reporter has proved the same address since")]
    AddressTaken,
    /// Storage failed.
    #[error("could not load or store the reporters")]
    Storage(#[source] PortError),
}

impl MergeReporters {
    /// The use case over its ports.
    pub fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self { storage, clock, ids }
    }

    /// Says that `other` is the same person as `into`. Tickets, addresses and keys stay where they are.
    ///
    /// # Errors
    /// [`MergeError`]; nothing changed.
    #[tracing::instrument(name = "reporters.merge", skip_all, fields(reporter.id = %other, into = %into))]
    pub async fn merge(&self, other: ReporterId, into: ReporterId, by: UserId) -> Result<Reporter, MergeError> {
        self.link(other, into, LinkKind::Reviewer, Actor::User(by)).await
    }

    /// The same by evidence that a provider vouches for.
    ///
    /// # Errors
    /// [`MergeError`]; nothing changed.
    pub(crate) async fn merge_by_evidence(
        &self,
        other: ReporterId,
        into: ReporterId,
        kind: LinkKind,
    ) -> Result<Reporter, MergeError> {
        self.link(other, into, kind, Actor::Hub).await
    }

    async fn link(
        &self,
        other: ReporterId,
        into: ReporterId,
        kind: LinkKind,
        actor: Actor,
    ) -> Result<Reporter, MergeError> {
        for _ in 0..TRIES {
            let other = self.person(other).await?;
            let into = self.person(into).await?;
            let identities = self.identities(other.id).await?;
            let tickets = self.tickets(other.id).await?;
            let now = self.clock.now();
            let change = self.decide_merge(&other, &into, kind, actor, &identities, &tickets, now)?;
            match self.storage.commit(change).await {
                Ok(_) => {
                    metrics::counter!("feedback_reporters_merged_total", "kind" => kind.as_str()).increment(1);
                    return self.person(into.id).await;
                }
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(MergeError::Storage(error)),
            }
        }
        Err(conflict("reporters.merge"))
    }

    /// Pure but for ids: who points at whom, why, and a line on each timeline.
    #[expect(
        clippy::too_many_arguments,
        reason = "a merge is decided from all that is known of both"
    )]
    fn decide_merge(
        &self,
        other: &Reporter,
        into: &Reporter,
        kind: LinkKind,
        actor: Actor,
        identities: &[Identity],
        tickets: &[Ticket],
        now: Timestamp,
    ) -> Result<Change, MergeError> {
        if other.id == into.id {
            return Err(MergeError::Same);
        }
        if other.key.is_none() || into.key.is_none() {
            return Err(MergeError::Erased);
        }
        let merged = Reporter {
            merged_into: Some(into.id),
            ..other.clone()
        };
        // The other side is named with its version, too: a merge of `into` at the same moment would make a ring.
        let mut change = Change::new()
            .with(Write::UpdateReporter(merged))
            .with(Write::UpdateReporter(into.clone()));
        for identity in identities {
            change.push(Write::InsertIdentityLink(IdentityLink {
                id: self.ids.next(),
                identity: identity.id,
                reporter: into.id,
                kind,
                source: None,
                at: now,
                undone: None,
            }));
        }
        let data = json!({"reporter": other.id, "into": into.id, "evidence": kind.as_str()});
        for ticket in tickets {
            let kind = EventKind::ReporterLinked;
            change.push(event(&*self.ids, ticket.id, kind, actor, data.clone(), now));
        }
        Ok(change)
    }

    /// Says that `id` is not the person that it was merged into. Everything is as before but for the evidence, which says
    /// that it was undone.
    ///
    /// # Errors
    /// [`MergeError`]; nothing changed.
    #[tracing::instrument(name = "reporters.part", skip_all, fields(reporter.id = %id))]
    pub async fn part(&self, id: ReporterId, by: UserId) -> Result<Reporter, MergeError> {
        for _ in 0..TRIES {
            let merged = self.load(id).await?;
            let Some(into) = merged.merged_into else {
                return Err(MergeError::NotMerged);
            };
            if merged.key.is_none() {
                return Err(MergeError::Erased);
            }
            if self.has_rival(&merged).await? {
                return Err(MergeError::AddressTaken);
            }
            let links = self.storage.identity_links(id).await.map_err(MergeError::Storage)?;
            let identities = self.identities(id).await?;
            let tickets = self.tickets(id).await?;
            let now = self.clock.now();
            let mut change = Change::new().with(Write::UpdateReporter(Reporter {
                merged_into: None,
                ..merged
            }));
            let of_this_merge = |link: &&IdentityLink| {
                link.reporter == into
                    && link.undone.is_none()
                    && identities.iter().any(|identity| identity.id == link.identity)
            };
            for link in links.iter().filter(of_this_merge) {
                change.push(Write::UpdateIdentityLink(IdentityLink {
                    undone: Some((now, by)),
                    ..link.clone()
                }));
            }
            let data = json!({"reporter": id, "from": into, "undone": true});
            for ticket in &tickets {
                let kind = EventKind::ReporterLinked;
                change.push(event(&*self.ids, ticket.id, kind, Actor::User(by), data.clone(), now));
            }
            match self.storage.commit(change).await {
                Ok(_) => return self.load(id).await,
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(MergeError::Storage(error)),
            }
        }
        Err(conflict("reporters.part"))
    }

    /// Who a reporter is, and why the hub thinks so.
    ///
    /// # Errors
    /// [`MergeError::NotFound`], [`MergeError::Storage`].
    pub async fn known_as(&self, id: ReporterId) -> Result<KnownAs, MergeError> {
        let family = family_of(&*self.storage, id).await.map_err(MergeError::Storage)?;
        let mut merged = family.into_iter();
        let reporter = merged.next().ok_or(MergeError::NotFound)?;
        let mut merged: Vec<Reporter> = merged.collect();
        merged.sort_by_key(|reporter| (reporter.created_at, reporter.id));
        let mut identities = Vec::new();
        let mut links: Vec<IdentityLink> = Vec::new();
        let family: Vec<ReporterId> = std::iter::once(reporter.id)
            .chain(merged.iter().map(|r| r.id))
            .collect();
        for member in &family {
            identities.extend(self.identities(*member).await?);
            for link in self
                .storage
                .identity_links(*member)
                .await
                .map_err(MergeError::Storage)?
            {
                if !links.iter().any(|known| known.id == link.id) {
                    links.push(link);
                }
            }
        }
        identities.sort_by_key(|identity| (identity.created_at, identity.id));
        links.sort_by_key(|link| (link.at, link.id));
        let suspected = self.suspected(&family, &identities, &links).await?;
        Ok(KnownAs {
            reporter,
            identities,
            links,
            merged,
            suspected,
        })
    }

    /// The people at the other end of weak evidence that nobody has undone.
    async fn suspected(
        &self,
        family: &[ReporterId],
        identities: &[Identity],
        links: &[IdentityLink],
    ) -> Result<Vec<ReporterId>, MergeError> {
        let mut suspected = Vec::new();
        for link in links.iter().filter(|link| link.undone.is_none()) {
            let end = if identities.iter().any(|identity| identity.id == link.identity) {
                Some(link.reporter)
            } else {
                let key = crate::ports::IdentityKey::Id(link.identity);
                let identity = self.storage.identity(key).await.map_err(MergeError::Storage)?;
                identity.map(|identity| identity.reporter)
            };
            let Some(end) = end else { continue };
            let person = self.person(end).await?.id;
            if !family.contains(&person) && !suspected.contains(&person) {
                suspected.push(person);
            }
        }
        Ok(suspected)
    }

    /// Whether somebody else, merged into nobody, has proved the reporter's address.
    async fn has_rival(&self, reporter: &Reporter) -> Result<bool, MergeError> {
        let (true, Some(index)) = (reporter.email_verified, reporter.email_index) else {
            return Ok(false);
        };
        let key = ReporterKey::VerifiedEmail(index);
        let owner = self.storage.reporter(key).await.map_err(MergeError::Storage)?;
        Ok(owner.is_some_and(|owner| owner.id != reporter.id && owner.merged_into.is_none()))
    }

    /// The person that a reporter turned out to be.
    async fn person(&self, id: ReporterId) -> Result<Reporter, MergeError> {
        let found = person_of(&*self.storage, id).await.map_err(MergeError::Storage)?;
        found.ok_or(MergeError::NotFound)
    }

    async fn load(&self, id: ReporterId) -> Result<Reporter, MergeError> {
        let found = self.storage.reporter(ReporterKey::Id(id)).await;
        found.map_err(MergeError::Storage)?.ok_or(MergeError::NotFound)
    }

    async fn identities(&self, id: ReporterId) -> Result<Vec<Identity>, MergeError> {
        self.storage.identities(id).await.map_err(MergeError::Storage)
    }

    async fn tickets(&self, id: ReporterId) -> Result<Vec<Ticket>, MergeError> {
        let key = TicketsKey::Reporter(id);
        self.storage.tickets_of(key).await.map_err(MergeError::Storage)
    }
}

fn conflict(operation: &'static str) -> MergeError {
    MergeError::Storage(PortError::new(PortErrorKind::Conflict, operation))
}
