use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::PortError;
use crate::domain::{
    Attachment, ChangelogEntry, ChangelogStatus, Channel, EventKind, ExternalId, Job, JobId, Notification,
    NotificationAttempt, NotificationId, NotificationStatus, Page, PageRequest, Priority, Reporter, ReporterId, Ticket,
    TicketEvent, TicketGroup, TicketId, TicketLink, TicketNumber, TicketSource, TicketStatus, TicketType, Timestamp,
};

/// Which tickets; all filters must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TicketFilter {
    /// In this status.
    pub status: Option<TicketStatus>,
    /// First reported on this channel.
    pub channel: Option<Channel>,
    /// With this priority.
    pub priority: Option<Priority>,
    /// Of this type.
    pub ticket_type: Option<TicketType>,
    /// Every word is the beginning of a word in title or description, whatever its case and accents.
    pub search: Option<String>,
}

/// The words of a text as search compares them: lower case, without accents, split at what is no letter or digit. Every
/// adapter takes them from here, so that all find the same tickets. A text without words filters nothing.
pub fn search_words(text: &str) -> Vec<String> {
    let folded: String = text.to_lowercase().nfd().filter(|c| !is_combining_mark(*c)).collect();
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Which changelog entries; all filters must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangelogFilter {
    /// In this status.
    pub status: Option<ChangelogStatus>,
    /// Of this ticket.
    pub ticket: Option<TicketId>,
}

/// Which notifications; all filters must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotificationFilter {
    /// In this status.
    pub status: Option<NotificationStatus>,
    /// On this channel.
    pub channel: Option<Channel>,
    /// Of this ticket.
    pub ticket: Option<TicketId>,
}

/// A message by its channel and the provider's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRef {
    /// Channel.
    pub channel: Channel,
    /// The provider's id.
    pub external_id: ExternalId,
}

/// A ticket in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketRow {
    /// The ticket.
    pub ticket: Ticket,
    /// Who reported it; merged reporters are followed.
    pub reporter: Reporter,
    /// Its messages, in the order in which they were recorded.
    pub sources: Vec<SourceRef>,
}

/// A ticket with everything that a reviewer looks at.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketDetail {
    /// The ticket.
    pub ticket: Ticket,
    /// Who reported it; merged reporters are followed.
    pub reporter: Reporter,
    /// Its messages, oldest first.
    pub sources: Vec<TicketSource>,
    /// Its timeline, oldest first.
    pub events: Vec<TicketEvent>,
    /// Pairs that it is part of, best first.
    pub links: Vec<TicketLink>,
    /// Files of its messages, oldest first.
    pub attachments: Vec<Attachment>,
    /// What was written for the reporter, newest first.
    pub changelog_entries: Vec<ChangelogEntry>,
    /// Who is told, oldest first.
    pub notifications: Vec<Notification>,
}

/// A changelog entry in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangelogRow {
    /// The entry.
    pub entry: ChangelogEntry,
    /// The ticket's number.
    pub ticket_number: TicketNumber,
}

/// A notification with its tries.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationDetail {
    /// The notification.
    pub notification: Notification,
    /// The ticket's number.
    pub ticket_number: TicketNumber,
    /// Its tries, oldest first.
    pub attempts: Vec<NotificationAttempt>,
}

/// A group in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRow {
    /// The group.
    pub group: TicketGroup,
    /// How many tickets it has, the primary one among them.
    pub tickets: u64,
}

/// A message in a person's inbox inside the product. What it says is sealed under the person's key.
#[derive(Debug, Clone, PartialEq)]
pub struct InboxRow {
    /// The delivery; its status says whether it was read.
    pub notification: Notification,
    /// The words.
    pub entry: ChangelogEntry,
}

/// How often something happened in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollup {
    /// The hour's first moment.
    pub hour: Timestamp,
    /// What: an event kind of the timeline.
    pub kind: EventKind,
    /// Channel of the ticket that it happened to.
    pub channel: Channel,
    /// How often.
    pub count: u64,
}

/// A job that gave up.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    /// The job.
    pub job: Job,
}

/// How long a step takes, over tickets that made it in the period, whenever they were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StepTimes {
    /// From recorded to confirmed by a person, median.
    pub to_confirmed: Option<Duration>,
    /// From recorded to resolved, median.
    pub to_resolved: Option<Duration>,
    /// From drafted to approved, median.
    pub to_approved: Option<Duration>,
    /// From approved to sent, median.
    pub to_sent: Option<Duration>,
}

impl StepTimes {
    /// The middle of the times that a step took; of an even number the mean of the two in the middle.
    pub fn median(mut times: Vec<Duration>) -> Option<Duration> {
        times.sort_unstable();
        let upper = *times.get(times.len() / 2)?;
        if times.len() % 2 == 1 {
            return Some(upper);
        }
        let lower = times.get(times.len() / 2 - 1).copied().unwrap_or(upper);
        Some(lower + (upper - lower) / 2)
    }
}

/// What came in over a period, and how fast it went through. The period is half-open: `from <= t < to`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MetricsSummary {
    /// Tickets recorded.
    pub received: u64,
    /// By channel of the first message; channels without tickets are left out, as everywhere here.
    pub by_channel: Vec<(Channel, u64)>,
    /// By type.
    pub by_type: Vec<(TicketType, u64)>,
    /// By priority.
    pub by_priority: Vec<(Priority, u64)>,
    /// By present status.
    pub by_status: Vec<(TicketStatus, u64)>,
    /// By day in UTC, oldest first; the timestamp is the day's first moment.
    pub by_day: Vec<(Timestamp, u64)>,
    /// People with most tickets, at most ten, merged reporters counted as one.
    pub top_reporters: Vec<(ReporterId, u64)>,
    /// Notifications made in the period, by status.
    pub notifications: Vec<(NotificationStatus, u64)>,
    /// How long the steps take.
    pub steps: StepTimes,
}

/// What the queue is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpsStatus {
    /// Ready, and their time has come; periodic work aside.
    pub jobs_due: u64,
    /// Leased, periodic work aside.
    pub jobs_running: u64,
    /// Ready, and their time is yet to come; periodic work aside.
    pub jobs_scheduled: u64,
    /// Dead letters.
    pub dead: u64,
    /// Version of the database schema.
    pub schema_version: u32,
}

impl OpsStatus {
    /// True when nothing is due, running or waiting for another try.
    pub const fn is_quiescent(&self) -> bool {
        self.jobs_due == 0 && self.jobs_running == 0 && self.jobs_scheduled == 0
    }
}

/// Lists, search and metrics for API and dashboard. What is sealed stays sealed in the rows.
///
/// # What an implementer guarantees
/// - *Keyset pages:* newest first by time of creation and id; following `next` visits every row that was there when
///   the first page was read exactly once, whatever is added meanwhile.
/// - *Indexed:* no list scans a table; a test of the adapter proves it.
/// - *Current:* a query sees every commit that was answered before it began.
/// - *Bounded, silent:* as [`Storage`](super::Storage).
///
/// Prove it with [`testing::conformance::queries`](crate::testing::conformance::queries).
#[async_trait]
pub trait Queries: fmt::Debug + Send + Sync + 'static {
    /// Tickets.
    ///
    /// # Errors
    /// `Unavailable`, as everywhere here.
    async fn tickets(&self, filter: &TicketFilter, page: PageRequest) -> Result<Page<TicketRow>, PortError>;

    /// One ticket with everything that belongs to it.
    async fn ticket_detail(&self, ticket: TicketId) -> Result<Option<TicketDetail>, PortError>;

    /// Changelog entries.
    async fn changelog_entries(
        &self,
        filter: &ChangelogFilter,
        page: PageRequest,
    ) -> Result<Page<ChangelogRow>, PortError>;

    /// Notifications.
    async fn notifications(
        &self,
        filter: &NotificationFilter,
        page: PageRequest,
    ) -> Result<Page<Notification>, PortError>;

    /// One notification with its tries.
    async fn notification_detail(&self, id: NotificationId) -> Result<Option<NotificationDetail>, PortError>;

    /// Jobs that gave up and were not put away.
    async fn dead_letters(&self, page: PageRequest) -> Result<Page<DeadLetter>, PortError>;

    /// One of them.
    async fn dead_letter(&self, id: JobId) -> Result<Option<DeadLetter>, PortError>;

    /// Groups.
    async fn groups(&self, page: PageRequest) -> Result<Page<GroupRow>, PortError>;

    /// What a reporter, or anybody merged into them, was told inside the product: deliveries on the in-app channel that
    /// have arrived.
    async fn inbox(&self, reporter: ReporterId, page: PageRequest) -> Result<Page<InboxRow>, PortError>;

    /// Events of all timelines by hour, kind and channel, from `from` to before `to`: counters that storage raises in the
    /// commit that appends an event. Sorted by hour, then by the names of kind and channel.
    async fn rollups(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Rollup>, PortError>;

    /// What came in from `from` to before `to`.
    async fn metrics(&self, from: Timestamp, to: Timestamp) -> Result<MetricsSummary, PortError>;

    /// What the queue is doing at `now`.
    async fn ops_status(&self, now: Timestamp) -> Result<OpsStatus, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: Queries + ?Sized> Queries for $wrapper<T> {
            async fn tickets(&self, filter: &TicketFilter, page: PageRequest) -> Result<Page<TicketRow>, PortError> {
                (**self).tickets(filter, page).await
            }

            async fn ticket_detail(&self, ticket: TicketId) -> Result<Option<TicketDetail>, PortError> {
                (**self).ticket_detail(ticket).await
            }

            async fn changelog_entries(
                &self,
                filter: &ChangelogFilter,
                page: PageRequest,
            ) -> Result<Page<ChangelogRow>, PortError> {
                (**self).changelog_entries(filter, page).await
            }

            async fn notifications(
                &self,
                filter: &NotificationFilter,
                page: PageRequest,
            ) -> Result<Page<Notification>, PortError> {
                (**self).notifications(filter, page).await
            }

            async fn notification_detail(&self, id: NotificationId) -> Result<Option<NotificationDetail>, PortError> {
                (**self).notification_detail(id).await
            }

            async fn dead_letters(&self, page: PageRequest) -> Result<Page<DeadLetter>, PortError> {
                (**self).dead_letters(page).await
            }

            async fn dead_letter(&self, id: JobId) -> Result<Option<DeadLetter>, PortError> {
                (**self).dead_letter(id).await
            }

            async fn groups(&self, page: PageRequest) -> Result<Page<GroupRow>, PortError> {
                (**self).groups(page).await
            }

            async fn inbox(&self, reporter: ReporterId, page: PageRequest) -> Result<Page<InboxRow>, PortError> {
                (**self).inbox(reporter, page).await
            }

            async fn rollups(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Rollup>, PortError> {
                (**self).rollups(from, to).await
            }

            async fn metrics(&self, from: Timestamp, to: Timestamp) -> Result<MetricsSummary, PortError> {
                (**self).metrics(from, to).await
            }

            async fn ops_status(&self, now: Timestamp) -> Result<OpsStatus, PortError> {
                (**self).ops_status(now).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_without_case_accents_and_punctuation() {
        assert_eq!(
            search_words("¡La Exportación, mañana!"),
            ["la", "exportacion", "manana"]
        );
        assert_eq!(search_words("v2.3-beta"), ["v2", "3", "beta"]);
        assert!(search_words("  *\"'() ").is_empty());
    }

    #[test]
    fn the_median_of_none_is_none_and_of_two_is_between() {
        let seconds = |all: &[u64]| StepTimes::median(all.iter().map(|&s| Duration::from_secs(s)).collect());
        assert_eq!(seconds(&[]), None);
        assert_eq!(seconds(&[9, 1, 2]), Some(Duration::from_secs(2)));
        assert_eq!(seconds(&[4, 2]), Some(Duration::from_secs(3)));
    }
}
