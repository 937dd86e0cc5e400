//! Queued work: what there is to do, the right to do it for a while, and what gave up.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    AttachmentId, ChangelogEntryId, Channel, ExternalId, JobId, LeaseToken, NotificationId, ReporterId, Sealed,
    ThreadRef, TicketId, Timestamp, WaitingStep, is_direction_override,
};

/// Which kind of work waits together. Every queue has a slot reserved, so that a flood in one never starves another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// What settles deliveries.
    Critical,
    /// What a reviewer waits for.
    Default,
    /// What a reporter waits for.
    Notifications,
    /// What nobody waits for.
    Low,
}

impl Queue {
    /// All queues, most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::Notifications, Self::Default, Self::Low];

    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Default => "default",
            Self::Notifications => "notifications",
            Self::Low => "low",
        }
    }
}

impl FromStr for Queue {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == text).ok_or(())
    }
}

/// What is to be done, and to what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobPayload {
    /// Ask AI for type, priority and a summary.
    TriageTicket {
        /// The ticket.
        ticket: TicketId,
    },
    /// Look for tickets about the same thing.
    MatchDuplicates {
        /// The newer ticket.
        ticket: TicketId,
    },
    /// Embed the tickets that have no vector of the embedder in use; queues its next run itself while there are more.
    EmbedTickets,
    /// Create the tracker's page or bring it up to date.
    PushToTracker {
        /// The ticket.
        ticket: TicketId,
        /// Whether the hub reopened it, so that the page is to leave its Done column. Else the status is the engineers'.
        #[serde(default)]
        reopened: bool,
    },
    /// Write the draft for a resolution.
    DraftChangelog {
        /// The ticket.
        ticket: TicketId,
        /// Which resolution of it.
        resolution: u32,
    },
    /// Send an approved notification.
    DeliverNotification {
        /// The notification.
        notification: NotificationId,
        /// The approved entry, so that a purge can find jobs of an entry.
        changelog_entry: ChangelogEntryId,
    },
    /// Find out what became of a send without an answer.
    ReconcileNotification {
        /// The notification.
        notification: NotificationId,
    },
    /// Ask the tracker what changed; queues its next run itself.
    PollTracker,
    /// Ask the channel's directory who a reporter is.
    LookUpReporter {
        /// The reporter.
        reporter: ReporterId,
    },
    /// Fetch a message that a webhook only pointed at, and record it.
    FetchMessage {
        /// Channel.
        channel: Channel,
        /// The provider's id of the message.
        external_id: ExternalId,
        /// Where it is.
        thread: ThreadRef,
        /// The provider's id of who asked for a ticket of it, sealed under the hub's key.
        asked_by: Sealed,
    },
    /// Begin a thread for a report that came without one.
    OpenThread {
        /// The ticket.
        ticket: TicketId,
    },
    /// Tell the reporter that the report is here, with the operator's fixed words.
    SendReceipt {
        /// The ticket.
        ticket: TicketId,
    },
    /// Tell a workflow that its step is over, so that it goes on.
    EndStep {
        /// The step.
        step: WaitingStep,
        /// What became of its report; `None` where it held none.
        ticket: Option<TicketId>,
    },
    /// Fetch a file that a message announced, and keep it.
    FetchAttachment {
        /// The file.
        attachment: AttachmentId,
    },
    /// Remove the bytes of a file: its person was erased, or its time was up.
    DeleteBlob {
        /// Where they are in the blob store.
        key: String,
    },
    /// Remove what retention says has had its time; queues its next run itself.
    PurgeExpired,
    /// Normalize a delivery again that could not be read when it came. Dead from birth: a person revives it.
    ReplayDelivery {
        /// Channel of the endpoint that took it.
        channel: Channel,
        /// The request's content type: Slack sends forms and JSON.
        content_type: Option<String>,
        /// The body as received, sealed under the hub's key.
        body: Sealed,
        /// When it came.
        received_at: Timestamp,
    },
}

/// The name of a kind of job, as rows, logs and metrics have it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobKind(String);

impl JobKind {
    /// A kind as storage has it; possibly of a newer program.
    pub fn from_stored(kind: String) -> Self {
        Self(kind)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JobPayload {
    /// Names of the kinds that queue their next run themselves: they never count as waiting work.
    pub const PERIODIC_KINDS: [&str; 2] = ["poll_tracker", "purge_expired"];

    /// True for work that one host does at a time, whatever the number of jobs that ask for it: it looks through
    /// everything, so a second run beside the first would only cost a provider twice.
    pub const fn works_in_shifts(&self) -> bool {
        matches!(self, Self::PollTracker | Self::PurgeExpired | Self::EmbedTickets)
    }

    /// The kind's name.
    pub fn kind(&self) -> JobKind {
        let name = match self {
            Self::TriageTicket { .. } => "triage_ticket",
            Self::MatchDuplicates { .. } => "match_duplicates",
            Self::EmbedTickets => "embed_tickets",
            Self::PushToTracker { .. } => "push_to_tracker",
            Self::DraftChangelog { .. } => "draft_changelog",
            Self::DeliverNotification { .. } => "deliver_notification",
            Self::ReconcileNotification { .. } => "reconcile_notification",
            Self::PollTracker => "poll_tracker",
            Self::PurgeExpired => "purge_expired",
            Self::LookUpReporter { .. } => "look_up_reporter",
            Self::FetchMessage { .. } => "fetch_message",
            Self::OpenThread { .. } => "open_thread",
            Self::SendReceipt { .. } => "send_receipt",
            Self::EndStep { .. } => "end_step",
            Self::FetchAttachment { .. } => "fetch_attachment",
            Self::DeleteBlob { .. } => "delete_blob",
            // The name that operators look for: what the normalizer could not read.
            Self::ReplayDelivery { .. } => "unparsed",
        };
        JobKind(name.to_owned())
    }

    /// Where it waits.
    pub const fn queue(&self) -> Queue {
        match self {
            Self::ReconcileNotification { .. } => Queue::Critical,
            Self::DeliverNotification { .. } => Queue::Notifications,
            Self::FetchMessage { .. }
            | Self::OpenThread { .. }
            | Self::SendReceipt { .. }
            | Self::EndStep { .. }
            | Self::TriageTicket { .. }
            | Self::MatchDuplicates { .. }
            | Self::PushToTracker { .. }
            | Self::DraftChangelog { .. } => Queue::Default,
            Self::EmbedTickets | Self::FetchAttachment { .. } | Self::DeleteBlob { .. } => Queue::Low,
            Self::PurgeExpired => Queue::Low,
            Self::PollTracker | Self::LookUpReporter { .. } | Self::ReplayDelivery { .. } => Queue::Low,
        }
    }

    /// Tries before it is dead; periodic work never is.
    pub const fn max_attempts(&self) -> u32 {
        match self {
            Self::PollTracker | Self::PurgeExpired => u32::MAX,
            _ => 5,
        }
    }

    /// How long a run may take before it is stopped.
    pub const fn time_limit(&self) -> Duration {
        Duration::from_secs(match self {
            Self::TriageTicket { .. } | Self::DraftChangelog { .. } | Self::MatchDuplicates { .. } => 60,
            Self::PushToTracker { .. } | Self::PollTracker | Self::EmbedTickets => 90,
            Self::PurgeExpired => 300,
            // Longer than the 20 s that a sender may take: the outcome is to be recorded, not lost to the limit.
            Self::DeliverNotification { .. } | Self::ReconcileNotification { .. } => 30,
            Self::FetchMessage { .. }
            | Self::OpenThread { .. }
            | Self::SendReceipt { .. }
            | Self::EndStep { .. }
            | Self::LookUpReporter { .. }
            | Self::FetchAttachment { .. }
            | Self::DeleteBlob { .. }
            | Self::ReplayDelivery { .. } => 30,
        })
    }
}

/// Work to queue, in the commit that causes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Id.
    pub id: JobId,
    /// What is to be done.
    pub payload: JobPayload,
    /// While a waiting (`ready`) job has the same key, queueing another is a no-op. One that runs does not count: it may
    /// have loaded the state before this change.
    pub unique_key: Option<String>,
    /// Not before.
    pub run_at: Timestamp,
    /// Set for what is dead from birth: why.
    pub dead: Option<String>,
    /// Queued.
    pub created_at: Timestamp,
}

impl NewJob {
    /// Work to be done at once.
    pub fn now(id: JobId, payload: JobPayload, now: Timestamp) -> Self {
        Self {
            id,
            payload,
            unique_key: None,
            run_at: now,
            dead: None,
            created_at: now,
        }
    }

    /// The same, not before `run_at`.
    #[must_use]
    pub fn at(mut self, run_at: Timestamp) -> Self {
        self.run_at = run_at;
        self
    }

    /// The same, unless a waiting job has this key.
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// A dead letter: kept, shown, run only when a person revives it.
    #[must_use]
    pub fn dead(mut self, reason: impl Into<String>) -> Self {
        self.dead = Some(reason.into());
        self
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waiting for its time and a worker.
    Ready,
    /// Somebody runs it.
    Leased,
    /// Done.
    Done,
    /// Gave up: a dead letter.
    Dead,
    /// A person put the dead letter away.
    Discarded,
}

impl JobStatus {
    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }
}

/// A job as it stands in the queue. The payload may be of a newer or older program, so it is text until it is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Id.
    pub id: JobId,
    /// Where it waits.
    pub queue: Queue,
    /// Its kind, possibly unknown to this program.
    pub kind: JobKind,
    /// What is to be done, as JSON.
    pub payload: String,
    /// The key that keeps it single.
    pub unique_key: Option<String>,
    /// Where it stands.
    pub status: JobStatus,
    /// Tries begun: raised when the job is claimed, in the claim's own commit.
    pub attempts: u32,
    /// Tries in a row that ended with the process.
    pub deaths: u32,
    /// Not before.
    pub run_at: Timestamp,
    /// Why the last try failed: scrubbed, at most 8 KiB.
    pub last_error: Option<String>,
    /// Queued.
    pub created_at: Timestamp,
    /// Last changed.
    pub updated_at: Timestamp,
}

/// The right to run a job until `until`. Every transition names the token; one that matches no row means that the
/// lease was lost and the result is thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// This lease's own token.
    pub token: LeaseToken,
    /// When it lapses.
    pub until: Timestamp,
}

/// A job that this worker may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedJob {
    /// The job, with the attempt already counted.
    pub job: Job,
    /// The right to run it.
    pub lease: Lease,
}

/// Error texts are cut to this many bytes before they are stored.
pub const MAX_ERROR_BYTES: usize = 8 * 1024;

/// An error as it may be stored and logged: one line, no control characters, at most [`MAX_ERROR_BYTES`].
pub fn error_text(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(MAX_ERROR_BYTES));
    for c in text.chars() {
        // Bidirectional overrides can make one line of a log look like another.
        let hostile = c.is_control() || is_direction_override(c);
        let c = if hostile { ' ' } else { c };
        if kept.len() + c.len_utf8() > MAX_ERROR_BYTES {
            break;
        }
        kept.push(c);
    }
    kept
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_stored_payload_names_its_kind() {
        let payload = JobPayload::TriageTicket {
            ticket: TicketId::from_uuid(Uuid::from_u128(1)),
        };
        let json = serde_json::to_value(&payload).unwrap();
        assert_eq!(json["kind"], payload.kind().as_str());
        assert_eq!(serde_json::from_value::<JobPayload>(json).unwrap(), payload);
    }

    #[test]
    fn f34_hostile_error_text_becomes_one_short_line() {
        let text = error_text(&format!("a\u{0}b\u{1b}[31m\u{202e}\n{}", "é".repeat(10_000)));
        assert!(text.len() <= MAX_ERROR_BYTES);
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'));
        assert!(text.starts_with("a b [31m"));
    }
}
