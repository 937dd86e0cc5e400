use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::PortError;
use crate::domain::{Channel, OutboundMessage, Timestamp};

/// The provider took a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's id of the message: status reports name it.
    pub provider_message_id: String,
    /// When the provider took it, where it says.
    pub at: Option<Timestamp>,
}

/// What a look at the provider says about a message whose send got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadBack {
    /// It is there.
    Found(Receipt),
    /// It is not there. Trust this only after no request of ours can still be under way.
    Absent,
    /// The provider cannot be asked: wait for a status report, then ask a person.
    Blind,
}

/// Delivers one approved message to one person.
///
/// # What an implementer guarantees
/// - *To the letter:* the person sees the approved text, escaped for the channel, with nothing added; what could notify
///   or link others (mentions, broadcasts, markup) arrives as plain text.
/// - *Once:* one call sends at most one message; no retry inside.
/// - *Marked:* the message's marker travels inside the call wherever the provider keeps one, and `read_back` finds the
///   message by it.
/// - *Honest:* `Unknown` whenever a byte of the request may have left and no answer came; `NotSent` only when surely none did.
///   A refusal carries the provider's own code.
/// - *Typed:* a [`Route`](crate::domain::Route) of another channel is `Rejected` without a call.
/// - *Bounded:* ends within 20 s.
/// - *Silent:* no secret, address or text in errors, spans or `Debug`.
///
/// Prove it with [`testing::conformance::channel_sender`](crate::testing::conformance::channel_sender).
#[async_trait]
pub trait ChannelSender: fmt::Debug + Send + Sync + 'static {
    /// The channel that it serves.
    fn channel(&self) -> Channel;

    /// Sends a message.
    ///
    /// # Errors
    /// `NotSent`, `RateLimited`, `Unavailable`: may be sent again. `Rejected`, `NotFound`: never again.
    /// `ChannelRestricted`: not now, not this way (WhatsApp's closed window, a template that is not usable).
    /// `Unauthorized`: the connection is broken. `Unknown`: read back before anything else.
    async fn send(&self, message: &OutboundMessage) -> Result<Receipt, PortError>;

    /// Looks for a message whose send got no answer.
    ///
    /// # Errors
    /// `NotSent`, `RateLimited`, `Unavailable`, `Unauthorized`, `Unknown`: nothing is known; look again later.
    async fn read_back(&self, message: &OutboundMessage) -> Result<ReadBack, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: ChannelSender + ?Sized> ChannelSender for $wrapper<T> {
            fn channel(&self) -> Channel {
                (**self).channel()
            }

            async fn send(&self, message: &OutboundMessage) -> Result<Receipt, PortError> {
                (**self).send(message).await
            }

            async fn read_back(&self, message: &OutboundMessage) -> Result<ReadBack, PortError> {
                (**self).read_back(message).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
