use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;

use super::{MemoryStore, State};
use crate::{
    domain::{
        ChangelogEntry, ChangelogStatus, Channel, Cursor, Job, JobId, JobPayload, JobStatus, Notification,
        NotificationId, NotificationStatus, Page, PageRequest, Priority, Reporter, ReporterId, Ticket, TicketGroup,
        TicketId, TicketNumber, TicketStatus, TicketType, Timestamp,
    },
    ports::{
        ChangelogFilter, ChangelogRow, DeadLetter, GroupRow, InboxRow, MetricsSummary, NotificationDetail,
        NotificationFilter, OpsStatus, PortError, PortErrorKind, Queries, Rollup, SourceRef, StepTimes, TicketDetail,
        TicketFilter, TicketRow, search_words,
    },
};

const DAY_MICROS: i64 = 86_400_000_000;

#[async_trait]
impl Queries for MemoryStore {
    async fn tickets(&self, filter: &TicketFilter, page: PageRequest) -> Result<Page<TicketRow>, PortError> {
        let state = self.lock();
        let wanted = filter.search.as_deref().map(search_words).unwrap_or_default();
        let matches = |ticket: &&Ticket| {
            filter.status.is_none_or(|status| ticket.status == status)
                && filter.channel.is_none_or(|channel| ticket.channel == channel)
                && filter.priority.is_none_or(|priority| ticket.priority == priority)
                && filter.ticket_type.is_none_or(|kind| ticket.ticket_type == kind)
                && has_words(ticket, &wanted)
        };
        let tickets = state.tickets.values().filter(matches).cloned().collect();
        let tickets = page_of(tickets, page, |ticket: &Ticket| {
            (ticket.created_at, *ticket.id.as_uuid())
        });
        let next = tickets.next;
        let items = tickets
            .items
            .into_iter()
            .map(|ticket| state.ticket_row(ticket))
            .collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    async fn ticket_detail(&self, ticket: TicketId) -> Result<Option<TicketDetail>, PortError> {
        let state = self.lock();
        let Some(ticket) = state.tickets.get(&ticket).cloned() else {
            return Ok(None);
        };
        let id = ticket.id;
        let mut links: Vec<_> = state
            .links
            .values()
            .filter(|link| link.ticket == id || link.original == id)
            .cloned()
            .collect();
        links.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        let mut attachments: Vec<_> = state
            .attachments
            .values()
            .filter(|file| file.ticket == id)
            .cloned()
            .collect();
        attachments.sort_by_key(|file| (file.created_at, file.id));
        let mut changelog_entries: Vec<_> = state
            .entries
            .values()
            .filter(|entry| entry.ticket == id)
            .cloned()
            .collect();
        changelog_entries.sort_by_key(|entry| std::cmp::Reverse((entry.created_at, entry.id)));
        let mut notifications: Vec<_> = state
            .notifications
            .values()
            .filter(|n| n.ticket == id)
            .cloned()
            .collect();
        notifications.sort_by_key(|notification| (notification.created_at, notification.id));
        Ok(Some(TicketDetail {
            reporter: state.person(ticket.reporter)?,
            sources: state
                .sources
                .iter()
                .filter(|source| source.ticket == id)
                .cloned()
                .collect(),
            events: state
                .events
                .get(&id)
                .into_iter()
                .flatten()
                .map(|(event, _)| event.clone())
                .collect(),
            links,
            attachments,
            changelog_entries,
            notifications,
            ticket,
        }))
    }

    async fn changelog_entries(
        &self,
        filter: &ChangelogFilter,
        page: PageRequest,
    ) -> Result<Page<ChangelogRow>, PortError> {
        let state = self.lock();
        let matches = |entry: &&ChangelogEntry| {
            filter.status.is_none_or(|status| entry.status == status)
                && filter.ticket.is_none_or(|ticket| entry.ticket == ticket)
        };
        let entries = state.entries.values().filter(matches).cloned().collect();
        let entries = page_of(entries, page, |entry: &ChangelogEntry| {
            (entry.created_at, *entry.id.as_uuid())
        });
        let next = entries.next;
        let row = |entry: ChangelogEntry| {
            Ok(ChangelogRow {
                ticket_number: state.number_of(entry.ticket)?,
                entry,
            })
        };
        Ok(Page {
            items: entries.items.into_iter().map(row).collect::<Result<_, PortError>>()?,
            next,
        })
    }

    async fn notifications(
        &self,
        filter: &NotificationFilter,
        page: PageRequest,
    ) -> Result<Page<Notification>, PortError> {
        let state = self.lock();
        let matches = |notification: &&Notification| {
            filter.status.is_none_or(|status| notification.status == status)
                && filter.channel.is_none_or(|channel| notification.channel == channel)
                && filter.ticket.is_none_or(|ticket| notification.ticket == ticket)
        };
        let found = state.notifications.values().filter(matches).cloned().collect();
        Ok(page_of(found, page, |notification: &Notification| {
            (notification.created_at, *notification.id.as_uuid())
        }))
    }

    async fn notification_detail(&self, id: NotificationId) -> Result<Option<NotificationDetail>, PortError> {
        let state = self.lock();
        let Some(notification) = state.notifications.get(&id).cloned() else {
            return Ok(None);
        };
        Ok(Some(NotificationDetail {
            ticket_number: state.number_of(notification.ticket)?,
            attempts: state.attempts_of(id),
            notification,
        }))
    }

    async fn dead_letters(&self, page: PageRequest) -> Result<Page<DeadLetter>, PortError> {
        let state = self.lock();
        let dead = state
            .jobs
            .values()
            .map(|stored| &stored.job)
            .filter(|job| job.status == JobStatus::Dead);
        let page = page_of(dead.cloned().collect(), page, |job: &Job| {
            (job.created_at, *job.id.as_uuid())
        });
        Ok(page.map(|job| DeadLetter { job }))
    }

    async fn dead_letter(&self, id: JobId) -> Result<Option<DeadLetter>, PortError> {
        let state = self.lock();
        let dead = state
            .jobs
            .get(&id)
            .filter(|stored| stored.job.status == JobStatus::Dead);
        Ok(dead.map(|stored| DeadLetter {
            job: stored.job.clone(),
        }))
    }

    async fn groups(&self, page: PageRequest) -> Result<Page<GroupRow>, PortError> {
        let state = self.lock();
        let groups = state.groups.values().cloned().collect();
        let groups = page_of(groups, page, |group: &TicketGroup| {
            (group.created_at, *group.id.as_uuid())
        });
        let row = |group: TicketGroup| GroupRow {
            tickets: state.tickets.values().filter(|t| t.group == Some(group.id)).count() as u64,
            group,
        };
        Ok(Page {
            items: groups.items.into_iter().map(row).collect(),
            next: groups.next,
        })
    }

    async fn inbox(&self, reporter: ReporterId, page: PageRequest) -> Result<Page<InboxRow>, PortError> {
        let state = self.lock();
        let theirs = |n: &&Notification| {
            n.channel == Channel::InApp && n.status.has_arrived() && state.became(n.reporter, reporter)
        };
        let found = state.notifications.values().filter(theirs).cloned().collect();
        let found = page_of(found, page, |n: &Notification| (n.created_at, *n.id.as_uuid()));
        let row = |notification: Notification| InboxRow {
            // A notification is never stored without its entry.
            entry: state.entries[&notification.changelog_entry].clone(),
            notification,
        };
        Ok(Page {
            items: found.items.into_iter().map(row).collect(),
            next: found.next,
        })
    }

    async fn rollups(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Rollup>, PortError> {
        let state = self.lock();
        let mut counts: BTreeMap<(Timestamp, &str, &str), Rollup> = BTreeMap::new();
        for (event, _) in state.events.values().flatten() {
            let hour = event.at.floor_to_hour();
            let Some(ticket) = state.tickets.get(&event.ticket).filter(|_| hour >= from && hour < to) else {
                continue;
            };
            let channel = ticket.channel;
            let rollup = counts
                .entry((hour, event.kind.as_str(), channel.as_str()))
                .or_insert(Rollup {
                    hour,
                    kind: event.kind,
                    channel,
                    count: 0,
                });
            rollup.count += 1;
        }
        Ok(counts.into_values().collect())
    }

    async fn metrics(&self, from: Timestamp, to: Timestamp) -> Result<MetricsSummary, PortError> {
        Ok(self.lock().metrics(from, to))
    }

    async fn ops_status(&self, now: Timestamp) -> Result<OpsStatus, PortError> {
        let state = self.lock();
        let mut status = OpsStatus::default();
        for job in state.jobs.values().map(|stored| &stored.job) {
            let periodic = JobPayload::PERIODIC_KINDS.contains(&job.kind.as_str());
            match job.status {
                JobStatus::Dead => status.dead += 1,
                JobStatus::Ready if periodic => {}
                JobStatus::Ready if job.run_at <= now => status.jobs_due += 1,
                JobStatus::Ready => status.jobs_scheduled += 1,
                JobStatus::Leased if !periodic => status.jobs_running += 1,
                JobStatus::Leased | JobStatus::Done | JobStatus::Discarded => {}
            }
        }
        Ok(status)
    }
}

/// Newest first, behind the cursor, one more than fits to know whether there is a next page.
fn page_of<T>(mut rows: Vec<T>, page: PageRequest, key: impl Fn(&T) -> (Timestamp, uuid::Uuid)) -> Page<T> {
    if let Some(cursor) = page.after {
        rows.retain(|row| key(row) < (cursor.at, cursor.id));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(key(row)));
    rows.truncate(page.size.rows() + 1);
    Page::from_overfetched(rows, page.size, |row| {
        let (at, id) = key(row);
        Cursor { at, id }
    })
}

fn has_words(ticket: &Ticket, wanted: &[String]) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let mut words = search_words(ticket.title.as_str());
    words.extend(search_words(ticket.description.as_str()));
    wanted
        .iter()
        .all(|begin| words.iter().any(|word| word.starts_with(begin.as_str())))
}

fn counted<K: Copy + PartialEq>(order: &[K], found: impl Iterator<Item = K> + Clone) -> Vec<(K, u64)> {
    let count = |key: K| found.clone().filter(|other| *other == key).count() as u64;
    order
        .iter()
        .map(|&key| (key, count(key)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

impl State {
    fn ticket_row(&self, ticket: Ticket) -> Result<TicketRow, PortError> {
        let sources = self.sources.iter().filter(|source| source.ticket == ticket.id);
        let sources = sources
            .map(|source| SourceRef {
                channel: source.channel,
                external_id: source.external_id.clone(),
            })
            .collect();
        Ok(TicketRow {
            reporter: self.person(ticket.reporter)?,
            sources,
            ticket,
        })
    }

    // References are checked at commit, so that neither of these is ever missing.
    fn person(&self, id: ReporterId) -> Result<Reporter, PortError> {
        let missing = || PortError::new(PortErrorKind::Unavailable, "queries.tickets").with_code("missing_reporter");
        self.reporters
            .get(&self.final_reporter(id))
            .cloned()
            .ok_or_else(missing)
    }

    fn number_of(&self, ticket: TicketId) -> Result<TicketNumber, PortError> {
        let missing = || PortError::new(PortErrorKind::Unavailable, "queries.lists").with_code("missing_ticket");
        self.tickets
            .get(&ticket)
            .map(|ticket| ticket.number)
            .ok_or_else(missing)
    }

    fn metrics(&self, from: Timestamp, to: Timestamp) -> MetricsSummary {
        let within = |at: Timestamp| from <= at && at < to;
        let tickets: Vec<&Ticket> = self
            .tickets
            .values()
            .filter(|ticket| within(ticket.created_at))
            .collect();
        let mut by_day = BTreeMap::new();
        let mut by_reporter = BTreeMap::new();
        for ticket in &tickets {
            let micros = ticket.created_at.unix_micros();
            let day = micros - micros.rem_euclid(DAY_MICROS);
            *by_day
                .entry(Timestamp::from_unix_micros(day).unwrap_or(Timestamp::UNIX_EPOCH))
                .or_insert(0) += 1;
            *by_reporter.entry(self.final_reporter(ticket.reporter)).or_insert(0) += 1;
        }
        let mut top_reporters: Vec<(ReporterId, u64)> = by_reporter.into_iter().collect();
        top_reporters.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        top_reporters.truncate(10);
        let notified = self
            .notifications
            .values()
            .filter(|n| within(n.created_at))
            .map(|n| n.status);
        MetricsSummary {
            received: tickets.len() as u64,
            by_channel: counted(&Channel::ALL, tickets.iter().map(|ticket| ticket.channel)),
            by_type: counted(&TicketType::ALL, tickets.iter().map(|ticket| ticket.ticket_type)),
            by_priority: counted(&Priority::ALL, tickets.iter().map(|ticket| ticket.priority)),
            by_status: counted(&TicketStatus::ALL, tickets.iter().map(|ticket| ticket.status)),
            by_day: by_day.into_iter().collect(),
            top_reporters,
            notifications: counted(&NotificationStatus::ALL, notified),
            steps: self.steps(within),
        }
    }

    fn steps(&self, within: impl Fn(Timestamp) -> bool) -> StepTimes {
        let since = |begin: Timestamp, end: Option<Timestamp>| -> Option<Duration> {
            end.filter(|&end| within(end)).map(|end| end.since(begin))
        };
        let confirmed = |ticket: &Ticket| since(ticket.created_at, ticket.confirmation.as_ref().map(|word| word.at));
        let approved = |entry: &ChangelogEntry| {
            let decision = entry
                .decision
                .as_ref()
                .filter(|_| entry.status == ChangelogStatus::Approved);
            since(entry.created_at, decision.map(|decision| decision.at))
        };
        let tickets = || self.tickets.values();
        StepTimes {
            to_confirmed: StepTimes::median(tickets().filter_map(confirmed).collect()),
            to_resolved: StepTimes::median(tickets().filter_map(|t| since(t.created_at, t.resolved_at)).collect()),
            to_approved: StepTimes::median(self.entries.values().filter_map(approved).collect()),
            to_sent: StepTimes::median(
                self.notifications
                    .values()
                    .filter_map(|n| since(n.created_at, n.sent_at))
                    .collect(),
            ),
        }
    }
}
