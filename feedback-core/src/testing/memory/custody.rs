use async_trait::async_trait;
use uuid::Uuid;

use super::MemoryStore;
use crate::{
    domain::{Erasure, JobStatus, SubjectKey, Ticket, TicketNumber, TicketStatus, Timestamp},
    ports::{Custody, Expired, PortError, Timeline, Wrapped, WrappedKind},
};

#[async_trait]
impl Custody for MemoryStore {
    async fn wrapped(&self, kind: WrappedKind, after: Option<Uuid>, limit: usize) -> Result<Vec<Wrapped>, PortError> {
        let state = self.lock();
        let mut found: Vec<Wrapped> = match kind {
            WrappedKind::SubjectKey => state
                .reporters
                .values()
                .filter_map(|reporter| {
                    let key = reporter.key.as_ref()?;
                    Some(Wrapped {
                        row: *reporter.id.as_uuid(),
                        bytes: key.as_bytes().to_vec(),
                    })
                })
                .collect(),
            WrappedKind::Job => state
                .jobs
                .values()
                .filter_map(|stored| Wrapped::of_job(stored.job.id, &stored.job.payload))
                .collect(),
        };
        found.sort_by_key(|wrapped| wrapped.row);
        found.retain(|wrapped| after.is_none_or(|after| wrapped.row > after));
        found.truncate(limit);
        Ok(found)
    }

    async fn rewrap(&self, kind: WrappedKind, old: &Wrapped, new: &[u8]) -> Result<bool, PortError> {
        let mut state = self.lock();
        match kind {
            WrappedKind::SubjectKey => {
                let found = state.reporters.values_mut().find(|r| *r.id.as_uuid() == old.row);
                let Some(reporter) = found.filter(|r| r.key.as_ref().is_some_and(|k| k.as_bytes() == old.bytes)) else {
                    return Ok(false);
                };
                reporter.key = Some(SubjectKey::from_bytes(new.to_vec()));
                reporter.version += 1;
                Ok(true)
            }
            WrappedKind::Job => {
                let found = state
                    .jobs
                    .values_mut()
                    .find(|stored| *stored.job.id.as_uuid() == old.row);
                let Some((stored, payload)) = found.and_then(|stored| {
                    let payload = old.replaced_in_job(&stored.job.payload, new)?;
                    Some((stored, payload))
                }) else {
                    return Ok(false);
                };
                stored.job.payload = payload;
                Ok(true)
            }
        }
    }

    async fn purge(&self, what: Expired, before: Timestamp, limit: usize) -> Result<u64, PortError> {
        let mut state = self.lock();
        let mut purged = 0;
        match what {
            Expired::RawPayloads => {
                let due = |source: &&mut crate::domain::TicketSource| {
                    source.received_at < before && (source.raw.is_some() || source.redacted.is_some())
                };
                for source in state.sources.iter_mut().filter(due).take(limit) {
                    source.raw = None;
                    source.redacted = None;
                    purged += 1;
                }
            }
            Expired::ClosedTickets => {
                let over = |status| {
                    matches!(
                        status,
                        TicketStatus::Closed | TicketStatus::Dismissed | TicketStatus::Duplicate
                    )
                };
                let due = |ticket: &&Ticket| {
                    over(ticket.status) && ticket.updated_at < before && **ticket != (*ticket).clone().without_content()
                };
                let due = state.tickets.values().filter(due).take(limit);
                let tickets: Vec<_> = due.map(|ticket| ticket.id).collect();
                for source in state.sources.iter_mut().filter(|s| tickets.contains(&s.ticket)) {
                    *source = source.clone().without_content();
                }
                state.forget_texts_of(&tickets);
                purged = tickets.len() as u64;
            }
            Expired::Sessions => {
                let due: Vec<_> = state.sessions.values().filter(|s| s.expires_at < before).collect();
                let due: Vec<_> = due.into_iter().take(limit).map(|session| session.digest).collect();
                for digest in due {
                    state.sessions.remove(&digest);
                    purged += 1;
                }
            }
            Expired::SignInLinks => {
                let due: Vec<_> = state.sign_in_links.values().filter(|l| l.expires_at < before).collect();
                let due: Vec<_> = due.into_iter().take(limit).map(|link| link.digest).collect();
                for digest in due {
                    state.sign_in_links.remove(&digest);
                    purged += 1;
                }
            }
            Expired::RememberedCalls => {
                let due: Vec<_> = state.calls.iter().filter(|(_, call)| call.at < before).collect();
                let due: Vec<_> = due.into_iter().take(limit).map(|(key, _)| key.clone()).collect();
                for key in due {
                    state.calls.remove(&key);
                    purged += 1;
                }
            }
            Expired::FinishedJobs => {
                let over = |status| matches!(status, JobStatus::Done | JobStatus::Discarded);
                let due: Vec<_> = state
                    .jobs
                    .values()
                    .filter(|stored| over(stored.job.status) && stored.job.updated_at < before)
                    .take(limit)
                    .map(|stored| stored.job.id)
                    .collect();
                for id in due {
                    state.jobs.remove(&id);
                    purged += 1;
                }
            }
        }
        Ok(purged)
    }

    async fn erasures(&self) -> Result<Vec<Erasure>, PortError> {
        let mut erasures = self.lock().erasures.clone();
        erasures.sort_by_key(|erasure| (erasure.at, erasure.reporter));
        Ok(erasures)
    }

    async fn settle_erasures(&self) -> Result<(), PortError> {
        // Memory keeps nothing of a replaced value.
        Ok(())
    }

    async fn timelines(&self, after: Option<TicketNumber>, limit: usize) -> Result<Vec<Timeline>, PortError> {
        let state = self.lock();
        let mut tickets: Vec<_> = state
            .tickets
            .values()
            .map(|ticket| (ticket.number, ticket.id))
            .collect();
        tickets.sort_unstable();
        tickets.retain(|(number, _)| after.is_none_or(|after| *number > after));
        tickets.truncate(limit);
        let timeline = |(number, ticket)| Timeline {
            ticket,
            number,
            events: state.events.get(&ticket).cloned().unwrap_or_default(),
        };
        Ok(tickets.into_iter().map(timeline).collect())
    }
}
