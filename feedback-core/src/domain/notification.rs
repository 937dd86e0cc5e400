//! One delivery of approved words to one identity, each try of it, and how it may go out.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    ApprovalSeal, Approved, AttemptId, ChangelogEntryId, Channel, IdempotencyKey, IdentityId, NotificationId,
    ReporterId, ThreadRef, TicketId, Timestamp,
};

/// Where a delivery stands. Status reports only move it forward; a late failure reopens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationStatus {
    /// Approved, and waiting for its first try.
    Pending,
    /// A try is under way, or its outcome is being read back.
    Sending,
    /// The provider took it.
    Sent,
    /// It reached the person's device.
    Delivered,
    /// The person read it.
    Read,
    /// A try failed; another will follow.
    Failed,
    /// No further try by itself; a person can ask for one.
    PermanentlyFailed,
    /// The channel does not allow a message now. Parked: the person's next message may open it.
    ChannelRestricted,
    /// Nobody knows whether it arrived; a person says.
    Ambiguous,
}

impl NotificationStatus {
    /// All statuses.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::PermanentlyFailed,
        Self::ChannelRestricted,
        Self::Ambiguous,
    ];

    /// The name in storage and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::PermanentlyFailed => "permanently_failed",
            Self::ChannelRestricted => "channel_restricted",
            Self::Ambiguous => "ambiguous",
        }
    }

    /// True where the person has it, as far as the provider says.
    pub const fn has_arrived(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered | Self::Read)
    }
}

impl fmt::Display for NotificationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NotificationStatus {
    type Err = UnknownNotificationStatus;

    fn from_str(text: &str) -> Result<Self, UnknownNotificationStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownNotificationStatus)
    }
}

/// The word names no notification status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown notification status")]
pub struct UnknownNotificationStatus;

/// A template that Meta approved, by exact name and language code.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TemplateRef {
    /// Name.
    pub name: String,
    /// Language code, for instance `es_AR` or `en_US`.
    pub language: String,
}

/// The way a reviewer approved for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum DeliveryMode {
    /// A reply in the Slack thread.
    ThreadReply,
    /// A direct message in Slack.
    DirectMessage,
    /// A comment in the Intercom conversation.
    ConversationReply,
    /// On WhatsApp: the text while the 24 hours run, else the template; without one the delivery waits.
    SessionOrTemplate {
        /// The template to use outside the window.
        template: Option<TemplateRef>,
    },
    /// A mail in the thread.
    Email,
    /// A row in the in-app inbox.
    Inbox,
    /// No way back: a colleague tells the person.
    ByHand,
}

impl DeliveryMode {
    /// The name in storage and in the API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::ThreadReply => "thread_reply",
            Self::DirectMessage => "direct_message",
            Self::ConversationReply => "conversation_reply",
            Self::SessionOrTemplate { .. } => "session_or_template",
            Self::Email => "email",
            Self::Inbox => "inbox",
            Self::ByHand => "by_hand",
        }
    }
}

/// Why the last try failed, in the provider's words: never a customer's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryError {
    /// The provider's code, or ours where there is none.
    pub code: String,
    /// What it means.
    pub words: String,
}

/// One delivery of approved words to one identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Notification {
    /// Id.
    pub id: NotificationId,
    /// The words.
    pub changelog_entry: ChangelogEntryId,
    /// The ticket.
    pub ticket: TicketId,
    /// Who is told.
    pub reporter: ReporterId,
    /// At which address.
    pub identity: IdentityId,
    /// On which channel.
    pub channel: Channel,
    /// Where in the channel.
    pub thread: ThreadRef,
    /// In which way.
    pub mode: DeliveryMode,
    /// Digest of what the reviewer agreed to.
    pub seal: ApprovalSeal,
    /// Where it stands.
    pub status: NotificationStatus,
    /// Tries that failed.
    pub retry_count: u32,
    /// Why the last one failed.
    pub last_error: Option<DeliveryError>,
    /// How it went out in the end: `session`, `template`, or the mode's own name.
    pub sent_as: Option<String>,
    /// The provider's id of the message.
    pub provider_message_id: Option<String>,
    /// Same entry, channel and reporter: one notification.
    pub idempotency_key: IdempotencyKey,
    /// When the provider took it.
    pub sent_at: Option<Timestamp>,
    /// When it reached the device.
    pub delivered_at: Option<Timestamp>,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// Approved.
    pub created_at: Timestamp,
    /// Last changed.
    pub updated_at: Timestamp,
    /// Version that was loaded; an update names it.
    pub version: u32,
}

/// What travels inside the provider call, so that the message can be found again: unique for each attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Marker(String);

impl Marker {
    const PREFIX: &'static str = "feedback-hub:";

    /// The marker of an attempt.
    pub fn of(attempt: AttemptId) -> Self {
        Self(format!("{}{attempt}", Self::PREFIX))
    }

    /// Reads a marker back from a provider; `None` for text that is not ours.
    pub fn parse(text: &str) -> Option<Self> {
        let id = text.strip_prefix(Self::PREFIX)?;
        id.parse::<AttemptId>().ok().map(Self::of)
    }

    /// The attempt that it marks.
    pub fn attempt(&self) -> Option<AttemptId> {
        self.0.strip_prefix(Self::PREFIX)?.parse().ok()
    }

    /// The marker as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The provider took it.
    Sent,
    /// Nothing left the hub.
    NotSent,
    /// The provider refused it.
    Refused,
    /// Bytes left, and no answer came.
    Unknown,
}

impl AttemptOutcome {
    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::NotSent => "not_sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// One try. Committed before the first byte leaves, so that a crash cannot hide it.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationAttempt {
    /// Id; the marker is made of it.
    pub id: AttemptId,
    /// The delivery.
    pub notification: NotificationId,
    /// When it began.
    pub started_at: Timestamp,
    /// When its outcome was known.
    pub finished_at: Option<Timestamp>,
    /// How it ended; `None` while it runs, or when the process died meanwhile.
    pub outcome: Option<AttemptOutcome>,
    /// The provider's code and words, where it refused.
    pub error: Option<DeliveryError>,
}

impl NotificationAttempt {
    /// What travels inside the provider call.
    pub fn marker(&self) -> Marker {
        Marker::of(self.id)
    }
}

/// How a WhatsApp message may go out now: free text inside the 24 hours, a template outside.
///
/// Only the 24-hour rule (`logic::window`) makes one, so free text cannot be sent outside the window:
///
/// ```compile_fail
/// use feedback_core::domain::{SessionGrant, Timestamp, WhatsAppMode};
/// let mode = WhatsAppMode::Session(SessionGrant { closes_at: Timestamp::UNIX_EPOCH }); // the field is private
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhatsAppMode {
    /// Free text: the window is open.
    Session(SessionGrant),
    /// An approved template.
    Template(TemplateUse),
}

impl WhatsAppMode {
    /// The name that notifications keep.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Template(_) => "template",
        }
    }
}

/// Says that the 24 hours of a person and a number of ours are running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionGrant {
    closes_at: Timestamp,
}

impl SessionGrant {
    /// For `logic::window` alone.
    pub(crate) const fn until(closes_at: Timestamp) -> Self {
        Self { closes_at }
    }

    /// When free text stops being allowed.
    pub const fn closes_at(self) -> Timestamp {
        self.closes_at
    }
}

/// A template with its parameters, rendered as the provider allows them.
#[derive(Clone, PartialEq, Eq)]
pub struct TemplateUse {
    template: TemplateRef,
    parameters: Vec<String>,
}

impl TemplateUse {
    /// For `logic::window` alone, which renders the parameters.
    pub(crate) fn new(template: TemplateRef, parameters: Vec<String>) -> Self {
        Self { template, parameters }
    }

    /// Name and language.
    pub fn template(&self) -> &TemplateRef {
        &self.template
    }

    /// Body parameters in order: one line each.
    pub fn parameters(&self) -> &[String] {
        &self.parameters
    }
}

impl fmt::Debug for TemplateUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateUse")
            .field("template", &self.template)
            .field("parameters", &self.parameters.len())
            .finish()
    }
}

/// Where approved words go: the thread, and the person's address, opened for this one call.
#[derive(Clone, PartialEq, Eq)]
pub enum Route {
    /// A reply in a Slack thread.
    SlackThread {
        /// Workspace.
        team: String,
        /// Channel id.
        channel: String,
        /// Root message.
        thread_ts: String,
    },
    /// A direct message in Slack.
    SlackDirect {
        /// Workspace.
        team: String,
        /// User id.
        user: String,
    },
    /// A comment in an Intercom conversation.
    Intercom {
        /// Conversation id.
        conversation: String,
    },
    /// A WhatsApp message.
    WhatsApp {
        /// Our number's id.
        phone_number_id: String,
        /// Phone digits as received, or a business-scoped user id.
        to: String,
        /// Message to quote.
        quoted: Option<String>,
        /// Free text or template: made by the 24-hour rule alone.
        mode: WhatsAppMode,
    },
    /// A mail in a thread.
    Email {
        /// The person's address.
        to: String,
        /// Subject of the thread.
        subject: Option<String>,
        /// `Message-ID` of the mail that it answers, without brackets.
        message_id: Option<String>,
        /// Ids of the thread, oldest first.
        references: Vec<String>,
    },
}

impl Route {
    /// The channel whose sender takes it.
    pub const fn channel(&self) -> Channel {
        match self {
            Self::SlackThread { .. } | Self::SlackDirect { .. } => Channel::Slack,
            Self::Intercom { .. } => Channel::Intercom,
            Self::WhatsApp { .. } => Channel::WhatsApp,
            Self::Email { .. } => Channel::Email,
        }
    }

    /// How it goes out, for the notification's record.
    pub const fn sent_as(&self) -> &'static str {
        match self {
            Self::SlackThread { .. } => "thread_reply",
            Self::SlackDirect { .. } => "direct_message",
            Self::Intercom { .. } => "conversation_reply",
            Self::WhatsApp { mode, .. } => mode.as_str(),
            Self::Email { .. } => "email",
        }
    }
}

impl fmt::Debug for Route {
    /// The way, without the person's address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Route({} as {})", self.channel(), self.sent_as())
    }
}

/// One message on its way out: approved words, where they go, and the marker that finds them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundMessage {
    /// What a person approved.
    pub approved: Approved,
    /// Where it goes.
    pub route: Route,
    /// What travels inside the provider call.
    pub marker: Marker,
    /// When the attempt began: a read-back looks no further back than this.
    pub started_at: Timestamp,
}

/// What a status report says about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// The provider passed it on.
    Sent,
    /// It reached the device.
    Delivered,
    /// The person read it.
    Read,
    /// It did not arrive.
    Failed,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_marker_is_found_again_and_foreign_text_is_none() {
        let marker = Marker::of(AttemptId::from_uuid(Uuid::from_u128(5)));
        assert_eq!(Marker::parse(marker.as_str()), Some(marker.clone()));
        assert_eq!(marker.attempt(), Some(AttemptId::from_uuid(Uuid::from_u128(5))));
        assert_eq!(Marker::parse("outbox:o-77"), None);
    }

    #[test]
    fn debug_of_a_route_hides_the_address() {
        let route = Route::SlackDirect {
            team: "T0".into(),
            user: "U0DANA".into(),
        };
        assert_eq!(format!("{route:?}"), "Route(slack as direct_message)");
    }
}
