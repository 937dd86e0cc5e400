use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretString;

use super::PortError;
use crate::{
    domain::{Channel, ExternalId, ThreadRef, Timestamp},
    logic::normalize::WantedForm,
};

/// A thread to begin for a report that came without one. `Debug` shows neither the person nor the words.
#[derive(Clone)]
pub struct ThreadOpening {
    /// Where the report came from.
    pub place: ThreadRef,
    /// The provider's id of who reported it: their direct messages take the thread where its place does not.
    pub person: SecretString,
    /// The receipt that begins the thread: fixed words that the operator approved, and the ticket's number.
    pub receipt: String,
    /// What the receipt is found by: the same for every try of the same opening, and of no other.
    pub marker: String,
    /// The receipt is not older than this.
    pub since: Timestamp,
}

impl fmt::Debug for ThreadOpening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadOpening")
            .field("place", &self.place)
            .field("marker", &self.marker)
            .field("since", &self.since)
            .finish_non_exhaustive()
    }
}

/// How a workflow's step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEnd {
    /// Its report is recorded; what later steps may use.
    Done(serde_json::Map<String, serde_json::Value>),
    /// It held no report that could be recorded, and why: a sentence for who built the workflow or filled it in.
    Failed(String),
}

/// What intake needs of a channel beyond its webhooks: the words of a message that a webhook only pointed at, a thread for a
/// report that came without one, a form for who has said nothing yet, and the word that a workflow waits for.
///
/// # What an implementer guarantees
/// - *Whole:* `message` gives the provider's own JSON of that message and of no other; the core reads it.
/// - *Idempotent:* `open_thread` looks for its marker before it posts, so the same opening again gives the same thread,
///   once no request of ours is under way any more.
/// - *Reachable:* where the report's place does not take a message (our app is not in it, it is archived), the thread
///   begins in the person's direct messages.
/// - *In time:* `open_form` ends within two seconds, since the leave to show a form lasts for three; it speaks the language
///   that the channel knows the person to have, English where it cannot say. What is filled in comes back as a delivery under
///   [`FORM_CALLBACK`](crate::logic::normalize::FORM_CALLBACK), with the place where it was asked for.
/// - *At last:* a step that `end_step` ended stays ended: ending it again, or one that the provider does not know any more, is
///   `Ok` and changes nothing.
/// - *To the letter:* the receipt arrives as plain text: nobody is mentioned, nothing is linked.
/// - *Bounded*, *silent:* as [`ChannelSender`](super::ChannelSender).
///
/// Prove it with [`testing::conformance::conversations`](crate::testing::conformance::conversations).
#[async_trait]
pub trait Conversations: fmt::Debug + Send + Sync + 'static {
    /// The channel that it knows.
    fn channel(&self) -> Channel;

    /// A message by its id; `None` where there is none (any more), or our app may not read it.
    ///
    /// # Errors
    /// `RateLimited`, `Unauthorized`, `Unavailable`, `NotSent`, `Unknown`.
    async fn message(&self, id: &ExternalId) -> Result<Option<Bytes>, PortError>;

    /// Begins a thread with a receipt, or finds the one that it began.
    ///
    /// # Errors
    /// `Unknown` where the receipt may have been posted: try again once no request can be under way. `Rejected` and
    /// `NotFound`: nowhere takes it. Else as `message`.
    async fn open_thread(&self, opening: &ThreadOpening) -> Result<ThreadRef, PortError>;

    /// Shows somebody a form to report with.
    ///
    /// # Errors
    /// `Rejected`: the leave has lapsed, or was used. Else as `message`.
    async fn open_form(&self, form: &WantedForm) -> Result<(), PortError>;

    /// Ends a run of a workflow's step.
    ///
    /// # Errors
    /// `Rejected` where the step does not take such an end (it demands other outputs). Else as `message`.
    async fn end_step(&self, execution: &ExternalId, end: &StepEnd) -> Result<(), PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: Conversations + ?Sized> Conversations for $wrapper<T> {
            fn channel(&self) -> Channel {
                (**self).channel()
            }

            async fn message(&self, id: &ExternalId) -> Result<Option<Bytes>, PortError> {
                (**self).message(id).await
            }

            async fn open_thread(&self, opening: &ThreadOpening) -> Result<ThreadRef, PortError> {
                (**self).open_thread(opening).await
            }

            async fn open_form(&self, form: &WantedForm) -> Result<(), PortError> {
                (**self).open_form(form).await
            }

            async fn end_step(&self, execution: &ExternalId, end: &StepEnd) -> Result<(), PortError> {
                (**self).end_step(execution, end).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
