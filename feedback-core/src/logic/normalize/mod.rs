//! From each provider's wire format to one shape. Total on any input: what cannot be understood becomes
//! [`Intake::Ignored`] with a reason or [`Intake::Unparsed`], never an error and never a panic. Deterministic too: the
//! same body and rules give the same items, which is what makes a replay worth its name.
//!
//! A kind of event that is known and of no use is *ignored*; one that nobody here has heard of is *unparsed*, so that it
//! can be replayed once the program has learned it.

use std::fmt;

use crate::{
    domain::{
        Channel, DeliveryError, ExternalId, Marker, Priority, ReceiptStatus, ThreadRef, TicketType, Timestamp,
        WaitingStep,
    },
    logic::verify::{Payload, Verified},
};

#[cfg(test)]
mod fixtures;
mod form;
mod html;
#[cfg(test)]
mod properties;
mod wire;

pub mod email;
pub mod intercom;
pub mod slack;
pub mod whatsapp;

pub use self::{
    email::EmailRules,
    intercom::IntercomRules,
    slack::{SlackIntake, SlackRules},
    whatsapp::WhatsAppRules,
};

/// What the operator configured about each channel's intake.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// Slack.
    pub slack: SlackRules,
    /// Intercom.
    pub intercom: IntercomRules,
    /// WhatsApp.
    pub whatsapp: WhatsAppRules,
    /// Email.
    pub email: EmailRules,
}

/// Reads a delivery by the channel of its endpoint: for the webhooks, and for the replay of what they kept.
pub fn normalize(payload: &Verified<Payload>, rules: &Rules) -> Normalized {
    match payload.get().channel {
        Channel::Slack => slack::normalize(payload, &rules.slack),
        Channel::Intercom => intercom::normalize(payload, &rules.intercom),
        Channel::WhatsApp => whatsapp::normalize(payload, &rules.whatsapp),
        Channel::Email => email::normalize(payload, &rules.email),
        Channel::InApp | Channel::Backoffice => Normalized::of(Intake::Unparsed("no webhook belongs to this channel")),
    }
}

/// Reads a message that a channel's API gave for one that a delivery only pointed at.
pub(crate) fn fetched(body: &[u8], wanted: &WantedMessage, rules: &Rules) -> Normalized {
    match wanted.channel {
        Channel::Slack => slack::fetched(body, wanted, &rules.slack),
        _ => Normalized::of(Intake::Unparsed("messages of this channel come whole")),
    }
}

/// What a delivery says, item by item, and what the provider wants to hear.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalized {
    /// Body of the 200 answer.
    pub answer: Answer,
    /// What it says, in the order of the payload.
    pub items: Vec<Intake>,
    /// True where the body was no proper Unicode, and U+FFFD stands for what could not be read.
    pub lossy: bool,
}

impl Normalized {
    /// One item, and an empty answer.
    fn of(item: Intake) -> Self {
        Self {
            answer: Answer::Empty,
            items: vec![item],
            lossy: false,
        }
    }
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
    /// Somebody wants to report and has said nothing yet: the hub may show them a form, whose answers come as a delivery of
    /// their own.
    Form(WantedForm),
}

/// What a form of ours is called where it is filled in: its answers are a report whatever else is configured.
pub const FORM_CALLBACK: &str = "feedback_hub_report";

/// A form that somebody asked for. `Debug` does not show the trigger: who has it can open a form, for seconds.
#[derive(Clone, PartialEq, Eq)]
pub struct WantedForm {
    /// The provider's leave to show one.
    pub trigger: String,
    /// The provider's id of who asked: the form speaks their language.
    pub user: String,
    /// Where they asked; the answer to their report goes there. `None` where that is no place.
    pub place: Option<String>,
}

impl fmt::Debug for WantedForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WantedForm")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// One thing that a delivery says.
#[derive(Debug, Clone, PartialEq)]
pub enum Intake {
    /// A person wrote.
    Message(Box<InboundMessage>),
    /// A message of ours got somewhere, or did not.
    Status(StatusReport),
    /// The author changed a message that may belong to a ticket.
    Edited(Box<EditedMessage>),
    /// A message or a whole conversation was deleted at the provider.
    Deleted(DeletedMessage),
    /// Somebody asks for a ticket of a message that the payload only names: its text is to be fetched first.
    Wanted(Box<WantedMessage>),
    /// A person's id at the provider changed: the identity is re-keyed, no new person is made.
    IdentityChanged(Box<IdentityChange>),
    /// A person said at the provider whether they want marketing messages: noted, since the hub sends none.
    Preference(Box<Preference>),
    /// What the delivery says is a workflow's step, which waits to hear what became of the item before this one.
    Step(Box<WaitingStep>),
    /// The provider tells the operator something (events are being dropped, access was withdrawn): nothing to record, but
    /// a person should see it. A constant sentence.
    Notice(&'static str),
    /// Nothing for us, and why: a constant sentence without customer text.
    Ignored(&'static str),
    /// Signed by the provider, and of a workspace or number that is not configured: somebody else's. A constant sentence.
    Foreign(&'static str),
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
    /// The message that it quotes, where the channel has no threads: perhaps one of ours.
    pub quotes: Option<ExternalId>,
    /// When the person wrote, by the provider's timestamp; `None` where it sends none.
    pub sent_at: Option<Timestamp>,
}

/// A message with other words than before. `Debug` shows no text and no address.
#[derive(Clone, PartialEq, Eq)]
pub struct EditedMessage {
    /// Channel.
    pub channel: Channel,
    /// The message that was changed.
    pub external_id: ExternalId,
    /// Its thread.
    pub thread: ThreadRef,
    /// Who wrote and changed it.
    pub author: Author,
    /// Its new words, as plain text.
    pub text: String,
    /// When it was changed.
    pub edited_at: Option<Timestamp>,
}

/// What was deleted at the provider. What the hub keeps is its own to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedMessage {
    /// Channel.
    pub channel: Channel,
    /// What is gone.
    pub what: Deleted,
    /// When it went.
    pub at: Option<Timestamp>,
}

/// What of a conversation is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// One message.
    Message(ExternalId),
    /// The whole conversation.
    Thread(ThreadRef),
}

/// A message that somebody pointed at (with an emoji), known by its id alone. `Debug` shows no person.
#[derive(Clone, PartialEq, Eq)]
pub struct WantedMessage {
    /// Channel.
    pub channel: Channel,
    /// The message.
    pub external_id: ExternalId,
    /// Where it is; as its own thread, since the payload does not say whether it is a reply.
    pub thread: ThreadRef,
    /// Who wrote it.
    pub author: Author,
    /// The provider's id of who asks.
    pub asked_by: String,
    /// When they asked.
    pub asked_at: Option<Timestamp>,
}

/// The ids of one person before and after. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityChange {
    /// Channel.
    pub channel: Channel,
    /// The connection inside which the ids are unique.
    pub connection: String,
    /// Ids that the person had.
    pub former_user_ids: Vec<String>,
    /// Ids that the person has now, the one to write to first.
    pub current_user_ids: Vec<String>,
    /// When.
    pub at: Option<Timestamp>,
}

/// What a person told the provider about marketing messages. `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Preference {
    /// Channel.
    pub channel: Channel,
    /// The connection inside which the ids are unique.
    pub connection: String,
    /// Ids of the person.
    pub user_ids: Vec<String>,
    /// Whether they want any.
    pub marketing: Marketing,
    /// When they said so.
    pub at: Option<Timestamp>,
}

/// Whether a person wants marketing messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marketing {
    /// No more.
    Stop,
    /// Again.
    Resume,
}

impl Marketing {
    /// The name on the timeline.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Resume => "resume",
        }
    }
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

    use super::{AnnouncedFile, Author, EditedMessage, IdentityChange, InboundMessage, Preference, WantedMessage};

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

    impl fmt::Debug for EditedMessage {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("EditedMessage")
                .field("channel", &self.channel)
                .field("external_id", &self.external_id)
                .field("characters", &self.text.chars().count())
                .field("edited_at", &self.edited_at)
                .finish_non_exhaustive()
        }
    }

    impl fmt::Debug for WantedMessage {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("WantedMessage")
                .field("channel", &self.channel)
                .field("external_id", &self.external_id)
                .finish_non_exhaustive()
        }
    }

    impl fmt::Debug for IdentityChange {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("IdentityChange")
                .field("channel", &self.channel)
                .field("at", &self.at)
                .finish_non_exhaustive()
        }
    }

    impl fmt::Debug for Preference {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Preference")
                .field("channel", &self.channel)
                .field("marketing", &self.marketing)
                .field("at", &self.at)
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
