//! A ticket source: one inbound message that belongs to a ticket.

use super::{Channel, ExternalId, IdentityId, Scrubbed, Sealed, SourceId, ThreadKey, ThreadRef, TicketId, Timestamp};

/// One inbound message. Unique by channel and external id: that is the idempotency of the whole intake.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketSource {
    /// Id.
    pub id: SourceId,
    /// The ticket that it belongs to.
    pub ticket: TicketId,
    /// Channel.
    pub channel: Channel,
    /// The provider's id of the message.
    pub external_id: ExternalId,
    /// Where to answer.
    pub thread: ThreadRef,
    /// What follow-ups of the same thread share.
    pub thread_key: Option<ThreadKey>,
    /// Who wrote it.
    pub author: IdentityId,
    /// Its text, scrubbed.
    pub text: Scrubbed,
    /// The provider's payload as received, sealed under the author's key; `None` once purged or erased.
    pub raw: Option<Sealed>,
    /// The payload with every text scrubbed and every address removed, as JSON, for debugging.
    pub redacted: Option<String>,
    /// Keyed digest of text and payload: another body under the same id is noticed by it.
    pub digest: String,
    /// When the person wrote, by the provider's timestamp.
    pub sent_at: Timestamp,
    /// When the hub recorded it.
    pub received_at: Timestamp,
}
