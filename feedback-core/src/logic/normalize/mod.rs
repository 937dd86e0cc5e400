//! From each provider's wire format to one shape. Total on any input: what cannot be understood becomes
//! [`Intake::Ignored`] with a reason or [`Intake::Unparsed`], never an error and never a panic.

use crate::domain::{
    Channel, DeliveryError, ExternalId, Marker, Priority, ReceiptStatus, ThreadRef, TicketType, Timestamp,
};

/// What a delivery says, item by item, and what the provider wants to hear.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalized {
    /// Body of the 200 answer.
    pub answer: Answer,
    /// What it says, in the order of the payload.
    pub items: Vec<Intake>,
}

/// Body of the 200 answer to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Answer {
    /// Empty.
    #[default]
    Empty,
    /// The challenge, verbatim, as plain text.
    Challenge(String),
    /// A slash command: the hub may tell the person the ticket's number, visible to them alone.
    Command,
}

/// One thing that a delivery says.
#[derive(Debug, Clone, PartialEq)]
pub enum Intake {
    /// A person wrote.
    Message(Box<InboundMessage>),
    /// A message of ours got somewhere, or did not.
    Status(StatusReport),
    /// Nothing for us, and why: a constant sentence without customer text.
    Ignored(&'static str),
    /// Signed, but of a shape that this program does not know: kept raw, and replayed after a fix.
    Unparsed(&'static str),
}

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageRole {
    /// It opens a ticket, whatever was said before (slash command, form).
    Report,
    /// It opens a ticket unless it continues one: the first message of a thread, or a chat without threads.
    Message,
    /// It answers in a thread; without a known ticket there, it opens one (an Intercom conversation begun by a campaign).
    Reply,
    /// It answers in a thread; without a known ticket there, it is none of ours (a Slack thread below a message that
    /// was no report).
    Comment,
}

/// A message of a person, in one shape for all channels. `Debug` shows no text and no address.
#[derive(Clone, PartialEq)]
pub struct InboundMessage {
    /// Channel.
    pub channel: Channel,
    /// The provider's id of the message.
    pub external_id: ExternalId,
    /// Where to answer.
    pub thread: ThreadRef,
    /// What to do with it.
    pub role: MessageRole,
    /// Who wrote it.
    pub author: Author,
    /// Plain text: markup resolved, entities decoded. Empty where a message has none (a file alone).
    pub text: String,
    /// What a form or our API stated.
    pub stated: Stated,
    /// Files, not fetched yet.
    pub files: Vec<AnnouncedFile>,
    /// When the person wrote, by the provider's timestamp; `None` where it sends none.
    pub sent_at: Option<Timestamp>,
}

/// Who wrote a message, as the payload says. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Author {
    /// The provider's id of the person.
    pub external_user_id: String,
    /// Further ids of the same person on the same connection (a WhatsApp business-scoped id beside the phone).
    pub other_user_ids: Vec<String>,
    /// Name.
    pub name: Option<String>,
    /// Email address.
    pub email: Option<String>,
    /// Whether the provider vouches for the address.
    pub email_verified: bool,
    /// Phone digits as received.
    pub phone: Option<String>,
}

/// What the reporter said about the report outside its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stated {
    /// Title of a form.
    pub title: Option<String>,
    /// Type of a form.
    pub ticket_type: Option<TicketType>,
    /// Priority of a form.
    pub priority: Option<Priority>,
}

/// A file that a message announces. `Debug` shows no reference and no name.
#[derive(Clone, PartialEq, Eq)]
pub struct AnnouncedFile {
    /// What the provider's API gives the file for: a media id, a private URL.
    pub reference: String,
    /// File name.
    pub name: Option<String>,
    /// Content type that the provider claims.
    pub content_type: Option<String>,
    /// Size in bytes.
    pub size_bytes: Option<u64>,
}

/// A provider's word on a message of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// Channel.
    pub channel: Channel,
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// The marker that we sent with it, where the provider echoes it.
    pub marker: Option<Marker>,
    /// What happened.
    pub status: ReceiptStatus,
    /// When, by the provider's timestamp.
    pub at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<DeliveryError>,
}

mod debug {
    //! What may be seen of a message in a log or a failed test: ids and sizes.
    use std::fmt;

    use super::{AnnouncedFile, Author, InboundMessage};

    impl fmt::Debug for InboundMessage {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("InboundMessage")
                .field("channel", &self.channel)
                .field("external_id", &self.external_id)
                .field("role", &self.role)
                .field("characters", &self.text.chars().count())
                .field("files", &self.files.len())
                .field("sent_at", &self.sent_at)
                .finish_non_exhaustive()
        }
    }

    impl fmt::Debug for Author {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Author(..)")
        }
    }

    impl fmt::Debug for AnnouncedFile {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "AnnouncedFile({:?}, {:?} bytes)", self.content_type, self.size_bytes)
        }
    }
}
