//! What is left of a person's rows once they are erased: the frame (ids, times, states), without a word of theirs.
//!
//! The same for every store, so it stands here and not in the adapters.

use sha2::{Digest, Sha256};

use super::{
    Attachment, AttachmentStatus, BlindIndex, DeliveryError, Identity, Notification, NotificationStatus, Reporter,
    ReporterId, Scrubbed, Sealed, ThreadRef, Ticket, TicketGroup, TicketLink, TicketSource, Timestamp, UserId,
};

/// Shown where a text was.
const ERASED: &str = "[erased]";

/// A person who was erased: kept, so that a restored backup erases them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// Who.
    pub reporter: ReporterId,
    /// When.
    pub at: Timestamp,
    /// Which user of the hub asked for it; `None` for an operator at the command line.
    pub by: Option<UserId>,
}

impl Reporter {
    /// The same person without key, name and addresses.
    #[must_use]
    pub fn erased(self, at: Timestamp) -> Self {
        Self {
            key: None,
            name: None,
            email: None,
            email_index: None,
            email_verified: false,
            phone: None,
            phone_index: None,
            language: None,
            erased_at: Some(self.erased_at.unwrap_or(at)),
            ..self
        }
    }
}

impl Identity {
    /// The same row without address. Its look-up digest becomes one of its own id: nobody is found by it again.
    #[must_use]
    pub fn erased(self, at: Timestamp) -> Self {
        let digest = Sha256::new()
            .chain_update(b"erased identity")
            .chain_update(self.id.as_uuid().as_bytes())
            .finalize();
        Self {
            lookup: BlindIndex::from_bytes(digest.into()),
            external_user_id: Sealed::from_bytes(Vec::new()),
            opted_out_at: Some(self.opted_out_at.unwrap_or(at)),
            ..self
        }
    }
}

impl Ticket {
    /// The same ticket without text: not the reporter's, not what AI or the rules made of it.
    #[must_use]
    pub fn without_content(self) -> Self {
        let mut inferred = self.inferred;
        inferred.evidence.clear();
        Self {
            title: Scrubbed::from_scrubber(ERASED.to_owned()),
            description: Scrubbed::from_scrubber(ERASED.to_owned()),
            original: None,
            placeholders: None,
            inferred,
            suggestion: self.suggestion.map(|mut suggestion| {
                suggestion.summary = ERASED.to_owned();
                suggestion
            }),
            ..self
        }
    }
}

impl TicketSource {
    /// The same message without text. Its external id stays: a provider that sends it again must not bring it back.
    #[must_use]
    pub fn without_content(self) -> Self {
        Self {
            text: Scrubbed::from_scrubber(ERASED.to_owned()),
            raw: None,
            redacted: None,
            thread: self.thread.without_content(),
            ..self
        }
    }
}

impl TicketGroup {
    /// The same group without a title that is, or was made of, the title of one of its tickets. A title that a reviewer
    /// gave a group in which the ticket is only one of many stays.
    #[must_use]
    pub fn without_title_of(self, ticket: &Ticket) -> Self {
        if self.primary == ticket.id || self.title == ticket.title {
            let title = Scrubbed::from_scrubber(ERASED.to_owned());
            return Self { title, ..self };
        }
        self
    }
}

impl TicketLink {
    /// The same pair without the words that made it likely: they are both persons' text.
    #[must_use]
    pub fn without_content(self) -> Self {
        Self {
            evidence: Vec::new(),
            ..self
        }
    }
}

impl ThreadRef {
    /// The same place without words: a mail's subject is the person's text.
    #[must_use]
    pub fn without_content(self) -> Self {
        match self {
            Self::Email {
                message_id, references, ..
            } => Self::Email {
                message_id,
                references,
                subject: None,
            },
            other => other,
        }
    }
}

impl Attachment {
    /// The same row without name, reference and stored bytes. Deleting the bytes is a job's work.
    #[must_use]
    pub fn erased(self) -> Self {
        Self {
            reference: Sealed::from_bytes(Vec::new()),
            name: None,
            sha256: None,
            blob_key: None,
            status: AttachmentStatus::Erased,
            ..self
        }
    }
}

impl Notification {
    /// The same delivery with nobody to send it to. What had not left stays unsent for good; what may have left, or has
    /// arrived, keeps its state.
    #[must_use]
    pub fn erased(self, at: Timestamp) -> Self {
        let unsent = matches!(
            self.status,
            NotificationStatus::Pending | NotificationStatus::Failed | NotificationStatus::ChannelRestricted
        );
        let stopped = DeliveryError {
            code: "erased".to_owned(),
            words: "the person was erased".to_owned(),
        };
        Self {
            thread: self.thread.without_content(),
            status: if unsent {
                NotificationStatus::PermanentlyFailed
            } else {
                self.status
            },
            last_error: if unsent { Some(stopped) } else { self.last_error },
            updated_at: if unsent { at } else { self.updated_at },
            ..self
        }
    }
}
