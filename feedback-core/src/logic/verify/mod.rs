//! Signature checks: who really sent a webhook. Each is over the raw bytes, in constant time, before any parsing.

use std::fmt;

use bytes::Bytes;

use crate::domain::Channel;

/// The body of a webhook as it came, and the endpoint that took it.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    /// Channel of the endpoint.
    pub channel: Channel,
    /// The request's content type, as sent: Slack sends JSON and forms.
    pub content_type: Option<String>,
    /// Raw bytes.
    pub body: Bytes,
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({}, {} bytes)", self.channel, self.body.len())
    }
}

/// Something whose sender was proved by a signature: the only thing that normalizers accept, so an unsigned webhook
/// cannot become a ticket.
///
/// ```compile_fail
/// use feedback_core::logic::verify::{Payload, Verified};
/// fn forge(payload: Payload) -> Verified<Payload> {
///     Verified(payload) // the field is private, and there is no public maker
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<P>(P);

impl<P> Verified<P> {
    /// For the signature checks of this module, and for the replay of deliveries that passed one when they came.
    pub(crate) fn vouch(proved: P) -> Self {
        Self(proved)
    }

    /// What was proved.
    pub fn get(&self) -> &P {
        &self.0
    }
}
