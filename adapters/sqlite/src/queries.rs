use std::{collections::HashMap, fmt::Write as _, time::Duration};

use async_trait::async_trait;
use feedback_core::{
    domain::{
        Channel, Cursor, JobId, JobPayload, Notification, NotificationId, NotificationStatus, Page, PageRequest,
        Priority, Reporter, ReporterId, Ticket, TicketId, TicketStatus, TicketType, Timestamp,
    },
    ports::{
        ChangelogFilter, ChangelogRow, DeadLetter, GroupRow, InboxRow, MetricsSummary, NotificationDetail,
        NotificationFilter, OpsStatus, PortError, PortErrorKind, Queries, Rollup, SourceRef, StepTimes, TicketDetail,
        TicketFilter, TicketRow, search_words,
    },
};
use rusqlite::{Connection, ToSql, params, params_from_iter};
use serde::de::DeserializeOwned;

use crate::{
    Sqlite,
    error::Failure,
    row,
    storage::{LINKS_OF_TICKET, attempts_of},
};

const DAY_MICROS: i64 = 86_400_000_000;

#[async_trait]
impl Queries for Sqlite {
    async fn tickets(&self, filter: &TicketFilter, page: PageRequest) -> Result<Page<TicketRow>, PortError> {
        let filter = filter.clone();
        let read = move |conn: &Connection| {
            let list = ticket_list(&filter, page);
            let tickets = row::all(conn, &list.sql, list.params(), row::ticket)?;
            let tickets = Page::from_overfetched(tickets, page.size, |ticket: &Ticket| Cursor {
                at: ticket.created_at,
                id: *ticket.id.as_uuid(),
            });
            let next = tickets.next;
            let items = tickets
                .items
                .into_iter()
                .map(|ticket| ticket_row(conn, ticket))
                .collect::<Result<_, _>>()?;
            Ok(Page { items, next })
        };
        self.inner.connections.read("queries.tickets", read).await
    }

    async fn ticket_detail(&self, ticket: TicketId) -> Result<Option<TicketDetail>, PortError> {
        self.inner
            .connections
            .read("queries.ticket_detail", move |conn| detail(conn, ticket))
            .await
    }

    async fn changelog_entries(
        &self,
        filter: &ChangelogFilter,
        page: PageRequest,
    ) -> Result<Page<ChangelogRow>, PortError> {
        let filter = filter.clone();
        let read = move |conn: &Connection| {
            let mut list = List::of(
                "changelog_entries r JOIN tickets t ON t.id = r.ticket_id",
                "t.number",
                page,
            );
            if let Some(status) = filter.status {
                list.only("r.status = ?", status.as_str());
            }
            if let Some(ticket) = filter.ticket {
                list.only("r.ticket_id = ?", ticket.as_uuid().into_bytes());
            }
            let list = list.build();
            let rows = row::all(conn, &list.sql, list.params(), |cells| {
                Ok(ChangelogRow {
                    entry: row::changelog_entry(cells)?,
                    ticket_number: cells.number("number")?,
                })
            })?;
            Ok(Page::from_overfetched(rows, page.size, |row: &ChangelogRow| Cursor {
                at: row.entry.created_at,
                id: *row.entry.id.as_uuid(),
            }))
        };
        self.inner.connections.read("queries.changelog_entries", read).await
    }

    async fn notifications(
        &self,
        filter: &NotificationFilter,
        page: PageRequest,
    ) -> Result<Page<Notification>, PortError> {
        let filter = filter.clone();
        let read = move |conn: &Connection| {
            let mut list = List::of("notifications r", "", page);
            if let Some(ticket) = filter.ticket {
                list.only("r.ticket_id = ?", ticket.as_uuid().into_bytes());
            }
            if let Some(status) = filter.status {
                list.only("r.status = ?", status.as_str());
            }
            if let Some(channel) = filter.channel {
                list.only("r.channel = ?", channel.as_str());
            }
            let list = list.build();
            let rows = row::all(conn, &list.sql, list.params(), row::notification)?;
            Ok(Page::from_overfetched(rows, page.size, |row: &Notification| Cursor {
                at: row.created_at,
                id: *row.id.as_uuid(),
            }))
        };
        self.inner.connections.read("queries.notifications", read).await
    }

    async fn notification_detail(&self, id: NotificationId) -> Result<Option<NotificationDetail>, PortError> {
        let read = move |conn: &Connection| {
            let sql = "SELECT r.*, t.number FROM notifications r JOIN tickets t ON t.id = r.ticket_id WHERE r.id = ?1";
            let found = row::first(conn, sql, [id.as_uuid().as_bytes()], |cells| {
                Ok((row::notification(cells)?, cells.number("number")?))
            })?;
            let Some((notification, ticket_number)) = found else {
                return Ok(None);
            };
            let attempts = attempts_of(conn, id)?;
            Ok(Some(NotificationDetail {
                notification,
                ticket_number,
                attempts,
            }))
        };
        self.inner.connections.read("queries.notification_detail", read).await
    }

    async fn dead_letters(&self, page: PageRequest) -> Result<Page<DeadLetter>, PortError> {
        let read = move |conn: &Connection| {
            let mut list = List::of("jobs r", "", page);
            list.conditions.push_str(" AND r.status = 'dead'");
            let list = list.build();
            let rows = row::all(conn, &list.sql, list.params(), row::job)?;
            let rows = rows.into_iter().map(|job| DeadLetter { job }).collect();
            Ok(Page::from_overfetched(rows, page.size, |row: &DeadLetter| Cursor {
                at: row.job.created_at,
                id: *row.job.id.as_uuid(),
            }))
        };
        self.inner.connections.read("queries.dead_letters", read).await
    }

    async fn dead_letter(&self, id: JobId) -> Result<Option<DeadLetter>, PortError> {
        let read = move |conn: &Connection| {
            let sql = "SELECT * FROM jobs WHERE id = ?1 AND status = 'dead'";
            let job = row::first(conn, sql, [id.as_uuid().as_bytes()], row::job)?;
            Ok(job.map(|job| DeadLetter { job }))
        };
        self.inner.connections.read("queries.dead_letter", read).await
    }

    async fn groups(&self, page: PageRequest) -> Result<Page<GroupRow>, PortError> {
        let read = move |conn: &Connection| {
            let size = "(SELECT count(*) FROM tickets t WHERE t.group_id = r.id) AS tickets";
            let list = List::of("ticket_groups r", size, page).build();
            let rows = row::all(conn, &list.sql, list.params(), |cells| {
                Ok(GroupRow {
                    group: row::group(cells)?,
                    tickets: cells.count("tickets")?,
                })
            })?;
            Ok(Page::from_overfetched(rows, page.size, |row: &GroupRow| Cursor {
                at: row.group.created_at,
                id: *row.group.id.as_uuid(),
            }))
        };
        self.inner.connections.read("queries.groups", read).await
    }

    async fn inbox(&self, reporter: ReporterId, page: PageRequest) -> Result<Page<InboxRow>, PortError> {
        let read = move |conn: &Connection| inbox(conn, reporter, page);
        self.inner.connections.read("queries.inbox", read).await
    }

    async fn rollups(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Rollup>, PortError> {
        let read = move |conn: &Connection| {
            let sql = "SELECT * FROM metric_rollups WHERE hour >= ?1 AND hour < ?2 ORDER BY hour, name, label";
            row::all(conn, sql, [from.unix_micros(), to.unix_micros()], row::rollup)
        };
        self.inner.connections.read("queries.rollups", read).await
    }

    async fn metrics(&self, from: Timestamp, to: Timestamp) -> Result<MetricsSummary, PortError> {
        let read = move |conn: &Connection| metrics(conn, from.unix_micros(), to.unix_micros());
        self.inner.connections.read("queries.metrics", read).await
    }

    async fn ops_status(&self, now: Timestamp) -> Result<OpsStatus, PortError> {
        let schema_version = self.inner.schema_version;
        let read = move |conn: &Connection| {
            let [poll, purge] = JobPayload::PERIODIC_KINDS;
            let count = |cells: &row::Cells<'_>| cells.count("count");
            let one = |found: Option<u64>| found.unwrap_or(0);
            let due = "SELECT count(*) AS count FROM jobs WHERE status = 'ready' AND queue = ?1 AND run_at <= ?2
                AND kind NOT IN (?3, ?4)";
            let later = "SELECT count(*) AS count FROM jobs WHERE status = 'ready' AND queue = ?1 AND run_at > ?2
                AND kind NOT IN (?3, ?4)";
            let mut status = OpsStatus {
                schema_version,
                ..OpsStatus::default()
            };
            for queue in feedback_core::domain::Queue::ALL {
                let params = params![queue.as_str(), now.unix_micros(), poll, purge];
                status.jobs_due += one(row::first(conn, due, params, count)?);
                status.jobs_scheduled += one(row::first(conn, later, params, count)?);
            }
            let running = "SELECT count(*) AS count FROM jobs WHERE status = 'leased' AND kind NOT IN (?1, ?2)";
            status.jobs_running = one(row::first(conn, running, [poll, purge], count)?);
            let dead = "SELECT count(*) AS count FROM jobs WHERE status = 'dead'";
            status.dead = one(row::first(conn, dead, [], count)?);
            Ok(status)
        };
        self.inner.connections.read("queries.ops_status", read).await
    }
}

/// A keyset page under construction: filters are fixed fragments, values are bound.
struct List {
    /// The table as `r`, and what is joined to it.
    from: &'static str,
    more_columns: &'static str,
    conditions: String,
    values: Vec<Box<dyn ToSql>>,
    page: PageRequest,
}

struct Statement {
    sql: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Statement {
    fn params(&self) -> impl rusqlite::Params + '_ {
        params_from_iter(self.values.iter())
    }
}

impl List {
    fn of(from: &'static str, more_columns: &'static str, page: PageRequest) -> Self {
        Self {
            from,
            more_columns,
            conditions: String::new(),
            values: Vec::new(),
            page,
        }
    }

    fn only(&mut self, fragment: &'static str, value: impl ToSql + 'static) {
        self.conditions.push_str(" AND ");
        self.conditions.push_str(fragment);
        self.values.push(Box::new(value));
    }

    fn build(mut self) -> Statement {
        if let Some(cursor) = self.page.after {
            self.conditions.push_str(" AND (r.created_at, r.id) < (?, ?)");
            self.values.push(Box::new(cursor.at.unix_micros()));
            self.values.push(Box::new(cursor.id.into_bytes()));
        }
        let comma = if self.more_columns.is_empty() { "" } else { ", " };
        let mut sql = String::with_capacity(256);
        // Writing to a String cannot fail.
        let _ = write!(
            sql,
            "SELECT r.*{comma}{} FROM {} WHERE 1{} ORDER BY r.created_at DESC, r.id DESC LIMIT ?",
            self.more_columns, self.from, self.conditions
        );
        self.values.push(Box::new(self.page.size.rows() as i64 + 1));
        Statement {
            sql,
            values: self.values,
        }
    }
}

fn ticket_list(filter: &TicketFilter, page: PageRequest) -> Statement {
    let words = filter.search.as_deref().map(search_words).unwrap_or_default();
    let mut list = List::of("tickets r", "", page);
    if !words.is_empty() {
        // CROSS JOIN fixes the order: what matches is read and then sorted. The other way round, a rare word would walk
        // the whole list.
        list.from = "ticket_search s CROSS JOIN tickets r ON r.number = s.rowid";
        // Letters and digits only, and quoted: nothing of it is query syntax.
        let query: Vec<String> = words.iter().map(|word| format!("\"{word}\"*")).collect();
        list.only("ticket_search MATCH ?", query.join(" "));
    }
    if let Some(status) = filter.status {
        list.only("r.status = ?", status.as_str());
    }
    if let Some(priority) = filter.priority {
        list.only("r.priority = ?", priority.as_str());
    }
    if let Some(kind) = filter.ticket_type {
        list.only("r.type = ?", kind.as_str());
    }
    if let Some(channel) = filter.channel {
        list.only("r.channel = ?", channel.as_str());
    }
    list.build()
}

fn ticket_row(conn: &Connection, ticket: Ticket) -> Result<TicketRow, Failure> {
    let sql = "SELECT channel, external_id FROM ticket_sources WHERE ticket_id = ?1 ORDER BY seq";
    let sources = row::all(conn, sql, [ticket.id.as_uuid().as_bytes()], |cells| {
        Ok(SourceRef {
            channel: cells.word("channel")?,
            external_id: cells.external_id("external_id")?,
        })
    })?;
    Ok(TicketRow {
        reporter: person(conn, ticket.reporter)?,
        sources,
        ticket,
    })
}

fn inbox(conn: &Connection, reporter: ReporterId, page: PageRequest) -> Result<Page<InboxRow>, Failure> {
    // A page of each reporter that the person was, merged here: a statement over all of them would sort every delivery.
    let mut found: Vec<Notification> = Vec::new();
    for reporter in everybody_merged_into(conn, reporter)? {
        let mut list = List::of("notifications r", "", page);
        list.only("r.reporter_id = ?", reporter.as_uuid().into_bytes());
        list.conditions
            .push_str(" AND r.channel = 'in_app' AND r.status IN ('sent', 'delivered', 'read')");
        let list = list.build();
        found.extend(row::all(conn, &list.sql, list.params(), row::notification)?);
    }
    found.sort_by_key(|notification| std::cmp::Reverse((notification.created_at, notification.id)));
    found.truncate(page.size.rows() + 1);
    let found = Page::from_overfetched(found, page.size, |notification: &Notification| Cursor {
        at: notification.created_at,
        id: *notification.id.as_uuid(),
    });
    let lost = || Failure::new(PortErrorKind::Unavailable, "unreadable_row").about("changelog entry");
    let row = |notification: Notification| -> Result<InboxRow, Failure> {
        let sql = "SELECT * FROM changelog_entries WHERE id = ?1";
        let id = [notification.changelog_entry.as_uuid().as_bytes()];
        let entry = row::first(conn, sql, id, row::changelog_entry)?.ok_or_else(lost)?;
        Ok(InboxRow { notification, entry })
    };
    let next = found.next;
    let items = found.items.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

/// A reporter and all who turned out to be them.
fn everybody_merged_into(conn: &Connection, reporter: ReporterId) -> Result<Vec<ReporterId>, Failure> {
    let sql = "SELECT id FROM reporters WHERE merged_into = ?1";
    let mut everybody = vec![reporter];
    let mut asked = 0;
    while let Some(next) = everybody.get(asked).copied() {
        asked += 1;
        for merged in row::all(conn, sql, [next.as_uuid().as_bytes()], |cells| cells.id("id"))? {
            // A ring of merges, which no rule makes, must not hang an inbox.
            if !everybody.contains(&merged) {
                everybody.push(merged);
            }
        }
    }
    Ok(everybody)
}

/// The reporter that this one turned out to be.
fn person(conn: &Connection, id: ReporterId) -> Result<Reporter, Failure> {
    let lost = || Failure::new(PortErrorKind::Unavailable, "unreadable_row").about("reporter");
    let mut at = id;
    // A ring of merges, which no rule makes, must not hang a list.
    for _ in 0..64 {
        let sql = "SELECT * FROM reporters WHERE id = ?1";
        let found = row::first(conn, sql, [at.as_uuid().as_bytes()], row::reporter)?.ok_or_else(lost)?;
        match found.merged_into {
            Some(next) => at = next,
            None => return Ok(found),
        }
    }
    Err(lost())
}

fn detail(conn: &Connection, id: TicketId) -> Result<Option<TicketDetail>, Failure> {
    let key = [id.as_uuid().as_bytes()];
    let Some(ticket) = row::first(conn, "SELECT * FROM tickets WHERE id = ?1", key, row::ticket)? else {
        return Ok(None);
    };
    let sources = "SELECT * FROM ticket_sources WHERE ticket_id = ?1 ORDER BY seq";
    let events = "SELECT * FROM ticket_events WHERE ticket_id = ?1 ORDER BY seq";
    let attachments = "SELECT * FROM attachments WHERE ticket_id = ?1 ORDER BY created_at, id";
    let entries = "SELECT * FROM changelog_entries WHERE ticket_id = ?1 ORDER BY created_at DESC, id DESC";
    let notifications = "SELECT * FROM notifications WHERE ticket_id = ?1 ORDER BY created_at, id";
    Ok(Some(TicketDetail {
        reporter: person(conn, ticket.reporter)?,
        sources: row::all(conn, sources, key, row::source)?,
        events: row::all(conn, events, key, row::event)?,
        links: row::all(conn, LINKS_OF_TICKET, key, row::link)?,
        attachments: row::all(conn, attachments, key, row::attachment)?,
        changelog_entries: row::all(conn, entries, key, row::changelog_entry)?,
        notifications: row::all(conn, notifications, key, row::notification)?,
        ticket,
    }))
}

fn metrics(conn: &Connection, from: i64, to: i64) -> Result<MetricsSummary, Failure> {
    let period = [from, to];
    let received = "SELECT count(*) AS count FROM tickets WHERE created_at >= ?1 AND created_at < ?2";
    let by_channel = "SELECT channel AS key, count(*) AS count FROM tickets WHERE created_at >= ?1 AND created_at < ?2
        GROUP BY channel";
    let by_type = "SELECT type AS key, count(*) AS count FROM tickets WHERE created_at >= ?1 AND created_at < ?2
        GROUP BY type";
    let by_priority =
        "SELECT priority AS key, count(*) AS count FROM tickets WHERE created_at >= ?1 AND created_at < ?2
        GROUP BY priority";
    let by_status = "SELECT status AS key, count(*) AS count FROM tickets WHERE created_at >= ?1 AND created_at < ?2
        GROUP BY status";
    let notifications = "SELECT status AS key, count(*) AS count FROM notifications
        WHERE created_at >= ?1 AND created_at < ?2 GROUP BY status";
    // SQLite's % has the sign of the left side; a day's first moment lies before it also before 1970.
    let by_day = "SELECT created_at - ((created_at % ?3) + ?3) % ?3 AS day, count(*) AS count FROM tickets
        WHERE created_at >= ?1 AND created_at < ?2 GROUP BY day ORDER BY day";
    let confirmed =
        "SELECT confirmed_at - created_at AS took FROM tickets WHERE confirmed_at >= ?1 AND confirmed_at < ?2";
    let resolved = "SELECT resolved_at - created_at AS took FROM tickets WHERE resolved_at >= ?1 AND resolved_at < ?2";
    let approved = "SELECT decided_at - created_at AS took FROM changelog_entries
        WHERE status = 'approved' AND decided_at >= ?1 AND decided_at < ?2";
    let sent = "SELECT sent_at - created_at AS took FROM notifications WHERE sent_at >= ?1 AND sent_at < ?2";
    Ok(MetricsSummary {
        received: row::first(conn, received, period, |cells| cells.count("count"))?.unwrap_or(0),
        by_channel: counted(conn, by_channel, period, &Channel::ALL)?,
        by_type: counted(conn, by_type, period, &TicketType::ALL)?,
        by_priority: counted(conn, by_priority, period, &Priority::ALL)?,
        by_status: counted(conn, by_status, period, &TicketStatus::ALL)?,
        by_day: row::all(conn, by_day, [from, to, DAY_MICROS], |cells| {
            Ok((cells.time("day")?, cells.count("count")?))
        })?,
        top_reporters: top_reporters(conn, period)?,
        notifications: counted(conn, notifications, period, &NotificationStatus::ALL)?,
        steps: StepTimes {
            to_confirmed: median(conn, confirmed, period)?,
            to_resolved: median(conn, resolved, period)?,
            to_approved: median(conn, approved, period)?,
            to_sent: median(conn, sent, period)?,
        },
    })
}

fn counted<K>(conn: &Connection, sql: &str, period: [i64; 2], order: &[K]) -> Result<Vec<(K, u64)>, Failure>
where
    K: Copy + PartialEq + DeserializeOwned,
{
    let found: Vec<(K, u64)> = row::all(conn, sql, period, |cells| {
        Ok((cells.word("key")?, cells.count("count")?))
    })?;
    let in_order = order
        .iter()
        .filter_map(|key| found.iter().find(|(other, _)| other == key));
    Ok(in_order.copied().collect())
}

fn top_reporters(conn: &Connection, period: [i64; 2]) -> Result<Vec<(ReporterId, u64)>, Failure> {
    let sql = "SELECT reporter_id, count(*) AS count FROM tickets WHERE created_at >= ?1 AND created_at < ?2
        GROUP BY reporter_id";
    let found = row::all(conn, sql, period, |cells| {
        Ok((cells.id("reporter_id")?, cells.count("count")?))
    })?;
    // Few are ever merged: reading those costs less than following every reporter.
    let merges: HashMap<ReporterId, ReporterId> = row::all(
        conn,
        "SELECT id, merged_into FROM reporters WHERE merged_into IS NOT NULL",
        [],
        |cells| Ok((cells.id("id")?, cells.id("merged_into")?)),
    )?
    .into_iter()
    .collect();
    let mut by_person: HashMap<ReporterId, u64> = HashMap::new();
    for (reporter, count) in found {
        let mut at = reporter;
        for _ in 0..merges.len() {
            match merges.get(&at) {
                Some(next) => at = *next,
                None => break,
            }
        }
        *by_person.entry(at).or_default() += count;
    }
    let mut top: Vec<(ReporterId, u64)> = by_person.into_iter().collect();
    top.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    top.truncate(10);
    Ok(top)
}

fn median(conn: &Connection, sql: &str, period: [i64; 2]) -> Result<Option<Duration>, Failure> {
    let times: Vec<i64> = row::all(conn, sql, period, |cells| cells.plain("took"))?;
    // A clock that was set back in between must not count as centuries.
    let times = times
        .into_iter()
        .map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
    Ok(StepTimes::median(times.collect()))
}
