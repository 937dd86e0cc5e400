//! A person is erased: their keys are destroyed, and everything sealed under them with these; what was readable is blanked;
//! nothing more is sent to them.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::json;

use crate::{
    domain::{
        Actor, Attachment, Change, Channel, Erasure, EventKind, JobPayload, NewJob, Reporter, ReporterId, Ticket,
        Timestamp, UserId, Write,
    },
    ports::{
        AttachmentsKey, Clock, Custody, ErasureLog, IdSource, IdSourceExt, LoggedErasure, PortError, PortErrorKind,
        ReporterKey, Storage, TicketsKey,
    },
    usecases::{TRIES, draft::withdrawal_for, person::family_of, timeline::event},
};

/// Erases people.
#[derive(Debug, Clone)]
pub struct Erase {
    storage: Arc<dyn Storage>,
    custody: Arc<dyn Custody>,
    log: Option<Arc<dyn ErasureLog>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
}

/// What an erasure reached, and what it could not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The person and everybody merged into them.
    pub reporters: Vec<ReporterId>,
    /// Tickets whose text is gone.
    pub tickets: usize,
    /// Files whose bytes are being removed.
    pub files: usize,
    /// Pages of the tracker that are being blanked.
    pub pages: usize,
    /// Channels at whose provider the person's messages are still kept: the hub cannot remove them there.
    pub kept_at: Vec<Channel>,
    /// Whether the store has seen to its files (log and free pages) already; if not, the next purge does.
    pub settled: bool,
}

/// Why a person was not erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// There is no such reporter.
    #[error("reporter does not exist")]
    NotFound,
    /// The log beside the store could not be written; nothing was erased, since a restored backup would bring it back.
    #[error("could not write the erasure log")]
    Log(#[source] PortError),
    /// Storage failed.
    #[error("could not erase the reporter")]
    Storage(#[source] PortError),
}

/// What belongs to one reporter.
struct Belongings {
    reporter: Reporter,
    tickets: Vec<Ticket>,
    files: Vec<Attachment>,
    channels: BTreeSet<Channel>,
}

impl Erase {
    /// The use case over its ports. Without a log, a backup that is restored forgets the erasures that came after it.
    pub fn new(
        storage: Arc<dyn Storage>,
        custody: Arc<dyn Custody>,
        log: Option<Arc<dyn ErasureLog>>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
    ) -> Self {
        Self {
            storage,
            custody,
            log,
            clock,
            ids,
        }
    }

    /// Erases a reporter and everybody who is the same person. Doing it again changes nothing.
    ///
    /// A message that has left the hub already cannot be called back; nothing leaves after the commit, since what would be
    /// sent cannot be opened any more.
    ///
    /// # Errors
    /// [`EraseError`]; nothing was erased, or (a log that was written first) less than all: call it again.
    #[tracing::instrument(name = "privacy.erase", skip_all, fields(reporter.id = %id))]
    pub async fn erase(&self, id: ReporterId, by: Option<UserId>) -> Result<Erased, EraseError> {
        let at = self.clock.now();
        let mut erased = Erased {
            reporters: self.family(id).await?,
            tickets: 0,
            files: 0,
            pages: 0,
            kept_at: Vec::new(),
            settled: false,
        };
        if let Some(log) = &self.log {
            for reporter in erased.reporters.clone() {
                log.append(LoggedErasure { reporter, at })
                    .await
                    .map_err(EraseError::Log)?;
            }
        }
        let mut channels = BTreeSet::new();
        for reporter in erased.reporters.clone() {
            let belongings = self.erase_one(reporter, at, by).await?;
            erased.tickets += belongings.tickets.len();
            erased.files += belongings.files.iter().filter(|file| file.blob_key.is_some()).count();
            erased.pages += belongings.tickets.iter().filter(|ticket| ticket.page.is_some()).count();
            channels.extend(belongings.channels);
        }
        let ours = [Channel::InApp, Channel::Backoffice];
        erased.kept_at = channels.into_iter().filter(|channel| !ours.contains(channel)).collect();
        erased.settled = match self.custody.settle_erasures().await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "an erasure stands, and the store's files hold its leavings until the next purge");
                false
            }
        };
        metrics::counter!("feedback_erasures_total").increment(1);
        Ok(erased)
    }

    /// Erases again, before anybody else is served, whom a restored backup brought back. Returns how many.
    ///
    /// # Errors
    /// [`EraseError`]; the host must not listen.
    #[tracing::instrument(name = "privacy.erase_again", skip_all)]
    pub async fn erase_again(&self) -> Result<usize, EraseError> {
        let Some(log) = &self.log else { return Ok(0) };
        let known: BTreeSet<ReporterId> = {
            let erasures = self.custody.erasures().await.map_err(EraseError::Storage)?;
            erasures.into_iter().map(|erasure| erasure.reporter).collect()
        };
        let mut again = 0;
        for logged in log.all().await.map_err(EraseError::Log)? {
            let forgotten = match self.load(logged.reporter).await {
                Ok(reporter) => reporter.erased_at.is_none(),
                Err(EraseError::NotFound) => !known.contains(&logged.reporter),
                Err(error) => return Err(error),
            };
            if forgotten {
                match self.erase_one(logged.reporter, logged.at, None).await {
                    Ok(_) => again += 1,
                    Err(EraseError::NotFound) => self.remember(logged).await?,
                    Err(error) => return Err(error),
                }
            }
        }
        if again > 0 {
            self.custody.settle_erasures().await.map_err(EraseError::Storage)?;
        }
        Ok(again)
    }

    async fn remember(&self, logged: LoggedErasure) -> Result<(), EraseError> {
        let erasure = Erasure {
            reporter: logged.reporter,
            at: logged.at,
            by: None,
        };
        let change = Change::new().with(Write::EraseReporter(erasure));
        self.storage
            .commit(change)
            .await
            .map(|_| ())
            .map_err(EraseError::Storage)
    }

    async fn erase_one(&self, id: ReporterId, at: Timestamp, by: Option<UserId>) -> Result<Belongings, EraseError> {
        for _ in 0..TRIES {
            let belongings = self.belongings(id).await?;
            let change = self.decide(&belongings, at, by).await?;
            match self.storage.commit(change).await {
                // A message that was recorded between the look and the commit is erased with the rest, but its files and
                // pages are not known here: look once more.
                Ok(_) => {
                    let now = self.belongings(id).await?;
                    let missed = now.tickets.len() > belongings.tickets.len()
                        || now.files.iter().any(|file| file.blob_key.is_some());
                    if !missed {
                        return Ok(belongings);
                    }
                }
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(EraseError::Storage(error)),
            }
        }
        let busy = PortError::new(PortErrorKind::Conflict, "privacy.erase");
        Err(EraseError::Storage(busy))
    }

    /// One commit: the person, a line on each timeline, and the work that reaches what is kept elsewhere.
    async fn decide(&self, has: &Belongings, at: Timestamp, by: Option<UserId>) -> Result<Change, EraseError> {
        let now = self.clock.now();
        let mut change = Change::new().with(Write::EraseReporter(Erasure {
            reporter: has.reporter.id,
            at,
            by,
        }));
        if has.reporter.erased_at.is_none() {
            let actor = by.map_or(Actor::Hub, Actor::User);
            for ticket in &has.tickets {
                let withdrawn = withdrawal_for(&*self.storage, &*self.ids, ticket.id, now).await;
                for write in withdrawn.map_err(EraseError::Storage)? {
                    change.push(write);
                }
                let data = json!({"reporter": has.reporter.id});
                change.push(event(&*self.ids, ticket.id, EventKind::Erased, actor, data, now));
            }
        }
        for ticket in has.tickets.iter().filter(|ticket| ticket.page.is_some()) {
            let payload = JobPayload::PushToTracker {
                ticket: ticket.id,
                reopened: false,
            };
            let key = format!("push:{}", ticket.id);
            change.push(Write::Enqueue(NewJob::now(self.ids.next(), payload, now).unique(key)));
        }
        for key in has.files.iter().filter_map(|file| file.blob_key.clone()) {
            let unique = format!("delete_blob:{key}");
            let job = NewJob::now(self.ids.next(), JobPayload::DeleteBlob { key }, now);
            change.push(Write::Enqueue(job.unique(unique)));
        }
        Ok(change)
    }

    async fn belongings(&self, id: ReporterId) -> Result<Belongings, EraseError> {
        let reporter = self.load(id).await?;
        let key = TicketsKey::Reporter(id);
        let tickets = self.storage.tickets_of(key).await.map_err(EraseError::Storage)?;
        let mut files = Vec::new();
        for ticket in &tickets {
            let key = AttachmentsKey::Ticket(ticket.id);
            files.extend(self.storage.attachments(key).await.map_err(EraseError::Storage)?);
        }
        let identities = self.storage.identities(id).await.map_err(EraseError::Storage)?;
        let channels = identities.iter().map(|identity| identity.channel).collect();
        Ok(Belongings {
            reporter,
            tickets,
            files,
            channels,
        })
    }

    /// The person that a reporter turned out to be, and everybody merged into them.
    async fn family(&self, id: ReporterId) -> Result<Vec<ReporterId>, EraseError> {
        let family = family_of(&*self.storage, id).await.map_err(EraseError::Storage)?;
        if family.is_empty() {
            return Err(EraseError::NotFound);
        }
        Ok(family.into_iter().map(|reporter| reporter.id).collect())
    }

    async fn load(&self, id: ReporterId) -> Result<Reporter, EraseError> {
        let found = self.storage.reporter(ReporterKey::Id(id)).await;
        found.map_err(EraseError::Storage)?.ok_or(EraseError::NotFound)
    }
}
