use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    time::Duration,
};

use async_trait::async_trait;
use feedback_core::{
    domain::{
        ChangelogEntry, ChangelogEntryId, Channel, Cursor, JobId, JobPayload, Notification, NotificationId,
        NotificationStatus, Page, PageRequest, Priority, Queue, Reporter, ReporterId, Ticket, TicketId, TicketStatus,
        TicketType, Timestamp,
    },
    ports::{
        ChangelogFilter, ChangelogRow, DeadLetter, GroupRow, InboxRow, MetricsSummary, NotificationDetail,
        NotificationFilter, OpsStatus, PortError, PortErrorKind, Queries, Rollup, SourceRef, StepTimes, TicketDetail,
        TicketFilter, TicketRow,
    },
};
use serde::de::DeserializeOwned;
use sqlx::{
    AssertSqlSafe, PgConnection,
    postgres::{PgArguments, PgRow, Postgres as Dialect},
    query::Query,
};
use uuid::Uuid;

use crate::{
    Postgres,
    commit::statement,
    connection::{reading, work},
    error::Failure,
    row,
    storage::{ATTEMPTS_OF_NOTIFICATION, LINKS_OF_TICKET},
    text::search_query,
};

const DAY_MICROS: i64 = 86_400_000_000;

#[async_trait]
impl Queries for Postgres {
    async fn tickets(&self, filter: &TicketFilter, page: PageRequest) -> Result<Page<TicketRow>, PortError> {
        let list = ticket_list(filter, page);
        let read = reading(|conn| {
            let list = list.clone();
            work(async move {
                let tickets = row::all(&list.fetch(conn).await?, row::ticket)?;
                let tickets = Page::from_overfetched(tickets, page.size, |ticket: &Ticket| Cursor {
                    at: ticket.created_at,
                    id: *ticket.id.as_uuid(),
                });
                let next = tickets.next;
                let items = ticket_rows(conn, tickets.items).await?;
                Ok(Page { items, next })
            })
        });
        self.inner.connections.snapshot("queries.tickets", read).await
    }

    async fn ticket_detail(&self, ticket: TicketId) -> Result<Option<TicketDetail>, PortError> {
        let read = reading(|conn| work(detail(conn, ticket)));
        self.inner.connections.snapshot("queries.ticket_detail", read).await
    }

    async fn changelog_entries(
        &self,
        filter: &ChangelogFilter,
        page: PageRequest,
    ) -> Result<Page<ChangelogRow>, PortError> {
        let mut list = List::of(
            "changelog_entries r JOIN tickets t ON t.id = r.ticket_id",
            "t.number",
            page,
        );
        if let Some(status) = filter.status {
            list.only("r.status = ", Value::Word(status.as_str()));
        }
        if let Some(ticket) = filter.ticket {
            list.only("r.ticket_id = ", Value::Id(*ticket.as_uuid()));
        }
        let list = list.build();
        let read = reading(|conn| {
            let list = list.clone();
            work(async move {
                let rows = row::all(&list.fetch(conn).await?, |cells| {
                    Ok(ChangelogRow {
                        entry: row::changelog_entry(cells)?,
                        ticket_number: cells.ticket_number("number")?,
                    })
                })?;
                Ok(Page::from_overfetched(rows, page.size, |row: &ChangelogRow| Cursor {
                    at: row.entry.created_at,
                    id: *row.entry.id.as_uuid(),
                }))
            })
        });
        self.inner.connections.read("queries.changelog_entries", read).await
    }

    async fn notifications(
        &self,
        filter: &NotificationFilter,
        page: PageRequest,
    ) -> Result<Page<Notification>, PortError> {
        let mut list = List::of("notifications r", "", page);
        if let Some(ticket) = filter.ticket {
            list.only("r.ticket_id = ", Value::Id(*ticket.as_uuid()));
        }
        if let Some(status) = filter.status {
            list.only("r.status = ", Value::Word(status.as_str()));
        }
        if let Some(channel) = filter.channel {
            list.only("r.channel = ", Value::Word(channel.as_str()));
        }
        let list = list.build();
        let read = reading(|conn| {
            let list = list.clone();
            work(async move {
                let rows = row::all(&list.fetch(conn).await?, row::notification)?;
                Ok(Page::from_overfetched(rows, page.size, cursor_of_notification))
            })
        });
        self.inner.connections.read("queries.notifications", read).await
    }

    async fn notification_detail(&self, id: NotificationId) -> Result<Option<NotificationDetail>, PortError> {
        let id = *id.as_uuid();
        let read = reading(|conn| {
            work(async move {
                let sql =
                    "SELECT r.*, t.number FROM notifications r JOIN tickets t ON t.id = r.ticket_id WHERE r.id = $1";
                let found = statement!(sql, id).fetch_optional(&mut *conn).await?;
                let found = row::one(found.as_ref(), |cells| {
                    Ok((row::notification(cells)?, cells.ticket_number("number")?))
                })?;
                let Some((notification, ticket_number)) = found else {
                    return Ok(None);
                };
                let attempts = statement!(ATTEMPTS_OF_NOTIFICATION, id).fetch_all(conn).await?;
                Ok(Some(NotificationDetail {
                    notification,
                    ticket_number,
                    attempts: row::all(&attempts, row::attempt)?,
                }))
            })
        });
        self.inner
            .connections
            .snapshot("queries.notification_detail", read)
            .await
    }

    async fn dead_letters(&self, page: PageRequest) -> Result<Page<DeadLetter>, PortError> {
        let mut list = List::of("jobs r", "", page);
        list.conditions.push_str(" AND r.status = 'dead'");
        let list = list.build();
        let read = reading(|conn| {
            let list = list.clone();
            work(async move {
                let rows = row::all(&list.fetch(conn).await?, row::job)?;
                let rows = rows.into_iter().map(|job| DeadLetter { job }).collect();
                Ok(Page::from_overfetched(rows, page.size, |row: &DeadLetter| Cursor {
                    at: row.job.created_at,
                    id: *row.job.id.as_uuid(),
                }))
            })
        });
        self.inner.connections.read("queries.dead_letters", read).await
    }

    async fn dead_letter(&self, id: JobId) -> Result<Option<DeadLetter>, PortError> {
        let id = *id.as_uuid();
        let read = reading(|conn| {
            work(async move {
                let sql = "SELECT * FROM jobs WHERE id = $1 AND status = 'dead'";
                let found = statement!(sql, id).fetch_optional(conn).await?;
                Ok(row::one(found.as_ref(), row::job)?.map(|job| DeadLetter { job }))
            })
        });
        self.inner.connections.read("queries.dead_letter", read).await
    }

    async fn groups(&self, page: PageRequest) -> Result<Page<GroupRow>, PortError> {
        let size = "(SELECT count(*) FROM tickets t WHERE t.group_id = r.id) AS tickets";
        let list = List::of("ticket_groups r", size, page).build();
        let read = reading(|conn| {
            let list = list.clone();
            work(async move {
                let rows = row::all(&list.fetch(conn).await?, |cells| {
                    Ok(GroupRow {
                        group: row::group(cells)?,
                        tickets: cells.count("tickets")?,
                    })
                })?;
                Ok(Page::from_overfetched(rows, page.size, |row: &GroupRow| Cursor {
                    at: row.group.created_at,
                    id: *row.group.id.as_uuid(),
                }))
            })
        });
        self.inner.connections.read("queries.groups", read).await
    }

    async fn inbox(&self, reporter: ReporterId, page: PageRequest) -> Result<Page<InboxRow>, PortError> {
        let read = reading(|conn| work(inbox(conn, reporter, page)));
        self.inner.connections.snapshot("queries.inbox", read).await
    }

    async fn rollups(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Rollup>, PortError> {
        let period = [from.unix_micros(), to.unix_micros()];
        let read = reading(|conn| {
            work(async move {
                let sql = "SELECT hour, name, label, sum(count)::bigint AS count FROM metric_rollups
                    WHERE hour >= $1 AND hour < $2 GROUP BY hour, name, label";
                let found = statement!(sql, period[0], period[1]).fetch_all(conn).await?;
                let mut rollups = row::all(&found, row::rollup)?;
                // Here, since a server may order words by its own language.
                rollups.sort_by_key(|rollup| (rollup.hour, rollup.kind.as_str(), rollup.channel.as_str()));
                Ok(rollups)
            })
        });
        self.inner.connections.read("queries.rollups", read).await
    }

    async fn metrics(&self, from: Timestamp, to: Timestamp) -> Result<MetricsSummary, PortError> {
        let period = [from.unix_micros(), to.unix_micros()];
        let read = reading(|conn| work(metrics(conn, period)));
        self.inner.connections.snapshot("queries.metrics", read).await
    }

    async fn ops_status(&self, now: Timestamp) -> Result<OpsStatus, PortError> {
        let read = reading(|conn| work(ops_status(conn, now.unix_micros())));
        self.inner.connections.snapshot("queries.ops_status", read).await
    }
}

fn cursor_of_notification(notification: &Notification) -> Cursor {
    Cursor {
        at: notification.created_at,
        id: *notification.id.as_uuid(),
    }
}

/// What a filter compares with.
#[derive(Debug, Clone)]
enum Value {
    Word(&'static str),
    Id(Uuid),
    Number(i64),
    Text(String),
}

/// A keyset page under construction: filters are fixed fragments, values are bound.
struct List {
    /// What stands before the statement.
    before: String,
    /// The table as `r`, and what is joined to it.
    from: &'static str,
    more_columns: &'static str,
    conditions: String,
    values: Vec<Value>,
    page: PageRequest,
}

#[derive(Debug, Clone)]
struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    async fn fetch(&self, conn: &mut PgConnection) -> Result<Vec<PgRow>, Failure> {
        #[cfg(test)]
        crate::plans::record(&self.sql);
        // Put together from fixed fragments alone: see `List`.
        let mut query: Query<'_, Dialect, PgArguments> = sqlx::query(AssertSqlSafe(self.sql.as_str()));
        for value in &self.values {
            query = match value {
                Value::Word(word) => query.bind(*word),
                Value::Id(id) => query.bind(*id),
                Value::Number(number) => query.bind(*number),
                Value::Text(text) => query.bind(text.as_str()),
            };
        }
        Ok(query.fetch_all(conn).await?)
    }
}

impl List {
    fn of(from: &'static str, more_columns: &'static str, page: PageRequest) -> Self {
        Self {
            before: String::new(),
            from,
            more_columns,
            conditions: String::new(),
            values: Vec::new(),
            page,
        }
    }

    /// With a condition that ends where its value follows.
    fn only(&mut self, fragment: &'static str, value: Value) {
        let place = self.bind(value);
        // Writing to a String cannot fail, here and below.
        let _ = write!(self.conditions, " AND {fragment}{place}");
    }

    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn build(mut self) -> Statement {
        if let Some(cursor) = self.page.after {
            let at = self.bind(Value::Number(cursor.at.unix_micros()));
            let id = self.bind(Value::Id(cursor.id));
            let _ = write!(self.conditions, " AND (r.created_at, r.id) < ({at}, {id})");
        }
        let limit = self.bind(Value::Number(self.page.size.rows() as i64 + 1));
        let comma = if self.more_columns.is_empty() { "" } else { ", " };
        let sql = format!(
            "{}SELECT r.*{comma}{} FROM {} WHERE true{} ORDER BY r.created_at DESC, r.id DESC LIMIT {limit}",
            self.before, self.more_columns, self.from, self.conditions
        );
        Statement {
            sql,
            values: self.values,
        }
    }
}

fn ticket_list(filter: &TicketFilter, page: PageRequest) -> Statement {
    let query = filter.search.as_deref().and_then(search_query);
    let mut list = List::of("tickets r", "", page);
    if let Some(query) = query {
        // MATERIALIZED fixes the order: what matches is read and then sorted. The other way round, a rare word would walk
        // the whole list.
        let place = list.bind(Value::Text(query));
        list.before = format!("WITH found AS MATERIALIZED (SELECT * FROM tickets WHERE words @@ {place}::tsquery) ");
        list.from = "found r";
    }
    if let Some(status) = filter.status {
        list.only("r.status = ", Value::Word(status.as_str()));
    }
    if let Some(priority) = filter.priority {
        list.only("r.priority = ", Value::Word(priority.as_str()));
    }
    if let Some(kind) = filter.ticket_type {
        list.only("r.type = ", Value::Word(kind.as_str()));
    }
    if let Some(channel) = filter.channel {
        list.only("r.channel = ", Value::Word(channel.as_str()));
    }
    list.build()
}

async fn ticket_rows(conn: &mut PgConnection, tickets: Vec<Ticket>) -> Result<Vec<TicketRow>, Failure> {
    let ids: Vec<Uuid> = tickets.iter().map(|ticket| *ticket.id.as_uuid()).collect();
    let sql = "SELECT ticket_id, channel, external_id FROM ticket_sources WHERE ticket_id = ANY ($1) ORDER BY seq";
    let found = statement!(sql, ids).fetch_all(&mut *conn).await?;
    let mut sources: HashMap<TicketId, Vec<SourceRef>> = HashMap::new();
    let of_ticket = row::all(&found, |cells| {
        let source = SourceRef {
            channel: cells.word("channel")?,
            external_id: cells.external_id("external_id")?,
        };
        Ok((cells.id("ticket_id")?, source))
    })?;
    for (ticket, source) in of_ticket {
        sources.entry(ticket).or_default().push(source);
    }
    let people = people(conn, tickets.iter().map(|ticket| ticket.reporter)).await?;
    let row = |ticket: Ticket| {
        Ok(TicketRow {
            reporter: people.get(&ticket.reporter).cloned().ok_or_else(lost_reporter)?,
            sources: sources.remove(&ticket.id).unwrap_or_default(),
            ticket,
        })
    };
    tickets.into_iter().map(row).collect()
}

fn lost_reporter() -> Failure {
    Failure::new(PortErrorKind::Unavailable, "unreadable_row").about("reporter")
}

/// The reporters that these ones turned out to be.
async fn people(
    conn: &mut PgConnection,
    of: impl Iterator<Item = ReporterId>,
) -> Result<HashMap<ReporterId, Reporter>, Failure> {
    let mut known: HashMap<ReporterId, Reporter> = HashMap::new();
    let asked: Vec<ReporterId> = of.collect();
    let mut wanted = asked.clone();
    // A ring of merges, which no rule makes, ends where nobody new is named.
    while !wanted.is_empty() {
        let ids: Vec<Uuid> = wanted.iter().map(|id| *id.as_uuid()).collect();
        let found = statement!("SELECT * FROM reporters WHERE id = ANY ($1)", ids)
            .fetch_all(&mut *conn)
            .await?;
        for reporter in row::all(&found, row::reporter)? {
            known.insert(reporter.id, reporter);
        }
        let next = wanted.iter().filter_map(|id| known.get(id)?.merged_into);
        let next: Vec<ReporterId> = next.filter(|id| !known.contains_key(id)).collect();
        wanted = next;
    }
    let mut people = HashMap::new();
    for id in asked {
        let mut at = id;
        for _ in 0..=known.len() {
            let person = known.get(&at).ok_or_else(lost_reporter)?;
            match person.merged_into {
                Some(next) => at = next,
                None => {
                    people.insert(id, person.clone());
                    break;
                }
            }
        }
    }
    Ok(people)
}

async fn detail(conn: &mut PgConnection, ticket: TicketId) -> Result<Option<TicketDetail>, Failure> {
    let id = *ticket.as_uuid();
    let found = statement!("SELECT * FROM tickets WHERE id = $1", id)
        .fetch_optional(&mut *conn)
        .await?;
    let Some(ticket) = row::one(found.as_ref(), row::ticket)? else {
        return Ok(None);
    };
    let sources = "SELECT * FROM ticket_sources WHERE ticket_id = $1 ORDER BY seq";
    let events = "SELECT * FROM ticket_events WHERE ticket_id = $1 ORDER BY seq";
    let attachments = "SELECT * FROM attachments WHERE ticket_id = $1 ORDER BY created_at, id";
    let entries = "SELECT * FROM changelog_entries WHERE ticket_id = $1 ORDER BY created_at DESC, id DESC";
    let notifications = "SELECT * FROM notifications WHERE ticket_id = $1 ORDER BY created_at, id";
    let sources = statement!(sources, id).fetch_all(&mut *conn).await?;
    let events = statement!(events, id).fetch_all(&mut *conn).await?;
    let links = statement!(LINKS_OF_TICKET, id).fetch_all(&mut *conn).await?;
    let attachments = statement!(attachments, id).fetch_all(&mut *conn).await?;
    let entries = statement!(entries, id).fetch_all(&mut *conn).await?;
    let notifications = statement!(notifications, id).fetch_all(&mut *conn).await?;
    let mut people = people(conn, [ticket.reporter].into_iter()).await?;
    Ok(Some(TicketDetail {
        reporter: people.remove(&ticket.reporter).ok_or_else(lost_reporter)?,
        sources: row::all(&sources, row::source)?,
        events: row::all(&events, row::event)?,
        links: row::all(&links, row::link)?,
        attachments: row::all(&attachments, row::attachment)?,
        changelog_entries: row::all(&entries, row::changelog_entry)?,
        notifications: row::all(&notifications, row::notification)?,
        ticket,
    }))
}

async fn inbox(conn: &mut PgConnection, reporter: ReporterId, page: PageRequest) -> Result<Page<InboxRow>, Failure> {
    // A page of each reporter that the person was, merged here: a statement over all of them would sort every delivery.
    let mut found: Vec<Notification> = Vec::new();
    for reporter in everybody_merged_into(conn, reporter).await? {
        let mut list = List::of("notifications r", "", page);
        list.only("r.reporter_id = ", Value::Id(*reporter.as_uuid()));
        list.conditions
            .push_str(" AND r.channel = 'in_app' AND r.status IN ('sent', 'delivered', 'read')");
        let rows = list.build().fetch(&mut *conn).await?;
        found.extend(row::all(&rows, row::notification)?);
    }
    found.sort_by_key(|notification| std::cmp::Reverse((notification.created_at, notification.id)));
    found.truncate(page.size.rows() + 1);
    let found = Page::from_overfetched(found, page.size, cursor_of_notification);
    let ids: Vec<Uuid> = found.items.iter().map(|row| *row.changelog_entry.as_uuid()).collect();
    let entries = statement!("SELECT * FROM changelog_entries WHERE id = ANY ($1)", ids)
        .fetch_all(conn)
        .await?;
    let entries: HashMap<ChangelogEntryId, ChangelogEntry> = row::all(&entries, row::changelog_entry)?
        .into_iter()
        .map(|entry| (entry.id, entry))
        .collect();
    let lost = || Failure::new(PortErrorKind::Unavailable, "unreadable_row").about("changelog entry");
    let row = |notification: Notification| {
        let entry = entries.get(&notification.changelog_entry).cloned().ok_or_else(lost)?;
        Ok(InboxRow { notification, entry })
    };
    let next = found.next;
    let items = found.items.into_iter().map(row).collect::<Result<_, Failure>>()?;
    Ok(Page { items, next })
}

/// A reporter and all who turned out to be them.
async fn everybody_merged_into(conn: &mut PgConnection, reporter: ReporterId) -> Result<Vec<ReporterId>, Failure> {
    let mut everybody = vec![reporter];
    let mut asked = 0;
    while let Some(next) = everybody.get(asked).copied() {
        asked += 1;
        let sql = "SELECT id FROM reporters WHERE merged_into = $1";
        let found = statement!(sql, *next.as_uuid()).fetch_all(&mut *conn).await?;
        for merged in row::all(&found, |cells| cells.id("id"))? {
            // A ring of merges, which no rule makes, must not hang an inbox.
            if !everybody.contains(&merged) {
                everybody.push(merged);
            }
        }
    }
    Ok(everybody)
}

async fn metrics(conn: &mut PgConnection, period: [i64; 2]) -> Result<MetricsSummary, Failure> {
    let by_channel = "SELECT channel AS key, count(*) AS count FROM tickets WHERE created_at >= $1 AND created_at < $2
        GROUP BY channel";
    let by_type = "SELECT type AS key, count(*) AS count FROM tickets WHERE created_at >= $1 AND created_at < $2
        GROUP BY type";
    let by_priority =
        "SELECT priority AS key, count(*) AS count FROM tickets WHERE created_at >= $1 AND created_at < $2
        GROUP BY priority";
    let by_status = "SELECT status AS key, count(*) AS count FROM tickets WHERE created_at >= $1 AND created_at < $2
        GROUP BY status";
    let notifications = "SELECT status AS key, count(*) AS count FROM notifications
        WHERE created_at >= $1 AND created_at < $2 GROUP BY status";
    // % has the sign of the left side; a day's first moment lies before it also before 1970.
    let by_day = "SELECT created_at - ((created_at % $3) + $3) % $3 AS day, count(*) AS count FROM tickets
        WHERE created_at >= $1 AND created_at < $2 GROUP BY day ORDER BY day";
    let confirmed =
        "SELECT confirmed_at - created_at AS took FROM tickets WHERE confirmed_at >= $1 AND confirmed_at < $2";
    let resolved = "SELECT resolved_at - created_at AS took FROM tickets WHERE resolved_at >= $1 AND resolved_at < $2";
    let approved = "SELECT decided_at - created_at AS took FROM changelog_entries
        WHERE status = 'approved' AND decided_at >= $1 AND decided_at < $2";
    let sent = "SELECT sent_at - created_at AS took FROM notifications WHERE sent_at >= $1 AND sent_at < $2";
    let by_channel = counted(conn, by_channel, period, &Channel::ALL).await?;
    let days = statement!(by_day, period[0], period[1], DAY_MICROS)
        .fetch_all(&mut *conn)
        .await?;
    Ok(MetricsSummary {
        // Every ticket has one channel.
        received: by_channel.iter().map(|(_, count)| count).sum(),
        by_channel,
        by_type: counted(conn, by_type, period, &TicketType::ALL).await?,
        by_priority: counted(conn, by_priority, period, &Priority::ALL).await?,
        by_status: counted(conn, by_status, period, &TicketStatus::ALL).await?,
        by_day: row::all(&days, |cells| Ok((cells.time("day")?, cells.count("count")?)))?,
        top_reporters: top_reporters(conn, period).await?,
        notifications: counted(conn, notifications, period, &NotificationStatus::ALL).await?,
        steps: StepTimes {
            to_confirmed: median(conn, confirmed, period).await?,
            to_resolved: median(conn, resolved, period).await?,
            to_approved: median(conn, approved, period).await?,
            to_sent: median(conn, sent, period).await?,
        },
    })
}

async fn counted<K>(
    conn: &mut PgConnection,
    sql: &'static str,
    period: [i64; 2],
    order: &[K],
) -> Result<Vec<(K, u64)>, Failure>
where
    K: Copy + PartialEq + DeserializeOwned,
{
    let found = statement!(sql, period[0], period[1]).fetch_all(conn).await?;
    let found: Vec<(K, u64)> = row::all(&found, |cells| Ok((cells.word("key")?, cells.count("count")?)))?;
    let in_order = order
        .iter()
        .filter_map(|key| found.iter().find(|(other, _)| other == key));
    Ok(in_order.copied().collect())
}

async fn top_reporters(conn: &mut PgConnection, period: [i64; 2]) -> Result<Vec<(ReporterId, u64)>, Failure> {
    let sql = "SELECT reporter_id, count(*) AS count FROM tickets WHERE created_at >= $1 AND created_at < $2
        GROUP BY reporter_id";
    let found = statement!(sql, period[0], period[1]).fetch_all(&mut *conn).await?;
    let found: Vec<(ReporterId, u64)> =
        row::all(&found, |cells| Ok((cells.id("reporter_id")?, cells.count("count")?)))?;
    // Few are ever merged: reading those costs less than following every reporter.
    let sql = "SELECT id, merged_into FROM reporters WHERE merged_into IS NOT NULL";
    let merges = statement!(sql).fetch_all(conn).await?;
    let merges: HashMap<ReporterId, ReporterId> =
        row::all(&merges, |cells| Ok((cells.id("id")?, cells.id("merged_into")?)))?
            .into_iter()
            .collect();
    let mut by_person: BTreeMap<ReporterId, u64> = BTreeMap::new();
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

async fn median(conn: &mut PgConnection, sql: &'static str, period: [i64; 2]) -> Result<Option<Duration>, Failure> {
    let found = statement!(sql, period[0], period[1]).fetch_all(conn).await?;
    let times = row::all(&found, |cells| cells.integer("took"))?;
    // A clock that was set back in between must not count as centuries.
    let times = times
        .into_iter()
        .map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
    Ok(StepTimes::median(times.collect()))
}

async fn ops_status(conn: &mut PgConnection, now: i64) -> Result<OpsStatus, Failure> {
    let periodic: Vec<&str> = JobPayload::PERIODIC_KINDS.to_vec();
    let due = "SELECT count(*) AS count FROM jobs WHERE status = 'ready' AND queue = $1 AND run_at <= $2 AND kind <> ALL ($3)";
    let later =
        "SELECT count(*) AS count FROM jobs WHERE status = 'ready' AND queue = $1 AND run_at > $2 AND kind <> ALL ($3)";
    let mut status = OpsStatus::default();
    for queue in Queue::ALL {
        status.jobs_due += count(
            statement!(due, queue.as_str(), now, periodic.clone())
                .fetch_one(&mut *conn)
                .await?,
        )?;
        status.jobs_scheduled += count(
            statement!(later, queue.as_str(), now, periodic.clone())
                .fetch_one(&mut *conn)
                .await?,
        )?;
    }
    let running = "SELECT count(*) AS count FROM jobs WHERE status = 'leased' AND kind <> ALL ($1)";
    status.jobs_running = count(statement!(running, periodic).fetch_one(&mut *conn).await?)?;
    let dead = "SELECT count(*) AS count FROM jobs WHERE status = 'dead'";
    status.dead = count(statement!(dead).fetch_one(&mut *conn).await?)?;
    let version = "SELECT version FROM schema_history ORDER BY version DESC LIMIT 1";
    let version = statement!(version).fetch_optional(conn).await?;
    status.schema_version = row::one(version.as_ref(), |cells| cells.small("version"))?.unwrap_or(0);
    Ok(status)
}

fn count(row: PgRow) -> Result<u64, Failure> {
    let counted = row::one(Some(&row), |cells| cells.count("count"))?;
    Ok(counted.unwrap_or(0))
}
