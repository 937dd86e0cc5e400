//! Files that came with messages.

use serde::{Deserialize, Serialize};

use super::{AttachmentId, Channel, Sealed, SourceId, TicketId, Timestamp};

/// How far the hub has come with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentStatus {
    /// Known from the message, not fetched.
    Announced,
    /// Stored.
    Stored,
    /// Not fetched for safety: size, type or address.
    Refused,
    /// The provider did not give it.
    Failed,
    /// It was stored once; its person was erased, or its time was up.
    Erased,
}

impl AttachmentStatus {
    /// The name in storage and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Stored => "stored",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Erased => "erased",
        }
    }
}

/// A file of a message. It never blocks its ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    /// Id.
    pub id: AttachmentId,
    /// Ticket.
    pub ticket: TicketId,
    /// Message that brought it.
    pub source: SourceId,
    /// Channel whose API gives it.
    pub channel: Channel,
    /// The provider's reference (media id, private URL), sealed: some are bearer secrets.
    pub reference: Sealed,
    /// File name as the person had it, sealed.
    pub name: Option<Sealed>,
    /// Content type that the provider claims.
    pub content_type: Option<String>,
    /// Size in bytes, where known.
    pub size_bytes: Option<u64>,
    /// SHA-256 of the stored bytes, hex.
    pub sha256: Option<String>,
    /// Key in the blob store.
    pub blob_key: Option<String>,
    /// How far the hub has come.
    pub status: AttachmentStatus,
    /// Recorded.
    pub created_at: Timestamp,
}
