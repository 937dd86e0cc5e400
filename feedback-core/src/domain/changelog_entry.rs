//! The words that go to a reporter: drafted, edited, and sent only as a person approved them.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    ChangelogEntryId, Channel, DeliveryMode, IdentityId, Language, ModelUse, Notification, NotificationId, ReporterId,
    Sealed, ThreadRef, TicketId, Timestamp, UserId,
};

/// Where an entry stands. A decided entry never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangelogStatus {
    /// Waiting for a reviewer.
    Draft,
    /// A reviewer approved it.
    Approved,
    /// A reviewer rejected it, or the ticket moved on.
    Rejected,
}

impl ChangelogStatus {
    /// All statuses.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Approved, Self::Rejected];

    /// The name in storage and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

impl std::str::FromStr for ChangelogStatus {
    type Err = UnknownChangelogStatus;

    fn from_str(text: &str) -> Result<Self, UnknownChangelogStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownChangelogStatus)
    }
}

/// The word names no changelog status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown changelog status: expected draft, approved or rejected")]
pub struct UnknownChangelogStatus;

/// Who decided, when, about which version, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who; `None` where the hub withdrew the draft since the ticket moved on.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// The version that the person saw.
    pub seen_version: u32,
    /// Why it was rejected.
    pub reason: Option<String>,
}

/// What the reporter is to be told. One open draft for a ticket, one draft for a resolution.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangelogEntry {
    /// Id.
    pub id: ChangelogEntryId,
    /// The ticket that was resolved.
    pub ticket: TicketId,
    /// Which resolution of it: Done, reopened and Done again makes a new entry.
    pub resolution: u32,
    /// Under whose key the texts are sealed: the ticket's reporter.
    pub sealed_for: ReporterId,
    /// The text as it stands.
    pub content: Sealed,
    /// The text as it was drafted, kept through edits.
    pub drafted: Sealed,
    /// Language of the text.
    pub language: Language,
    /// Where it stands.
    pub status: ChangelogStatus,
    /// Who drafted it.
    pub made_by: ModelUse,
    /// Who last edited it.
    pub edited_by: Option<UserId>,
    /// Who decided.
    pub decision: Option<Decision>,
    /// Drafted.
    pub created_at: Timestamp,
    /// Last changed.
    pub updated_at: Timestamp,
    /// Version that was loaded; an update names it, and a reviewer approves one.
    pub version: u32,
}

/// A digest over everything that a reviewer agreed to for one recipient. The dispatcher recomputes it just before
/// sending; any difference refuses the send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApprovalSeal([u8; 32]);

/// What a reviewer agrees to for one recipient.
#[derive(Clone, Copy)]
pub struct ApprovalTerms<'a> {
    /// The entry.
    pub entry: ChangelogEntryId,
    /// The version that the reviewer saw.
    pub version: u32,
    /// The text, to the letter.
    pub text: &'a str,
    /// Who is written to.
    pub recipient: IdentityId,
    /// On which channel.
    pub channel: Channel,
    /// In which thread.
    pub thread: &'a ThreadRef,
    /// In which way.
    pub mode: &'a DeliveryMode,
}

impl ApprovalSeal {
    /// Seals the terms. Each part is preceded by its length, so that no two different terms give the same bytes.
    pub fn over(terms: &ApprovalTerms<'_>) -> Self {
        let mut digest = Sha256::new();
        let mut part = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        part(b"approval-1");
        part(terms.entry.as_uuid().as_bytes());
        part(&terms.version.to_be_bytes());
        part(terms.text.as_bytes());
        part(terms.recipient.as_uuid().as_bytes());
        part(terms.channel.as_str().as_bytes());
        // Derived `Debug` of both shows every field, quoted, and unlike JSON it cannot fail.
        part(format!("{:?}", terms.thread).as_bytes());
        part(format!("{:?}", terms.mode).as_bytes());
        Self(digest.finalize().into())
    }

    /// Wraps a seal that storage kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest, for storage.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ApprovalSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Why words may not go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotApproved {
    /// No person approved the entry.
    #[error("changelog entry was not approved by a person")]
    NoDecision,
    /// Text, version, recipient, channel, thread or mode are not those that were approved.
    #[error("what is about to be sent is not what was approved")]
    SealBroken,
}

/// Words that a person approved, for one recipient: the only thing that a channel sender accepts.
///
/// It is made from a committed approval, by comparing the seal; or for a receipt at intake, whose fixed words the operator
/// approves by configuration. Nothing else makes one:
///
/// ```compile_fail
/// use feedback_core::domain::Approved;
/// let words = Approved { text: String::from("All fixed!") }; // the fields are private, and there is no public maker
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Approved {
    by: ApprovedBy,
    recipient: IdentityId,
    text: String,
}

/// Whose word stands behind approved words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ApprovedBy {
    /// A reviewer's, about an entry and for a delivery.
    Reviewer {
        entry: ChangelogEntryId,
        notification: NotificationId,
    },
    /// The operator's, about the fixed words of receipts.
    Operator,
}

impl Approved {
    /// For the review and deliver use cases: `text` is the entry's opened content.
    pub(crate) fn unseal(
        entry: &ChangelogEntry,
        notification: &Notification,
        text: String,
    ) -> Result<Self, NotApproved> {
        let Some(decision) = entry
            .decision
            .as_ref()
            .filter(|_| entry.status == ChangelogStatus::Approved)
        else {
            return Err(NotApproved::NoDecision);
        };
        if decision.by.is_none() || notification.changelog_entry != entry.id {
            return Err(NotApproved::NoDecision);
        }
        let seal = ApprovalSeal::over(&ApprovalTerms {
            entry: entry.id,
            version: decision.seen_version,
            text: &text,
            recipient: notification.identity,
            channel: notification.channel,
            thread: &notification.thread,
            mode: &notification.mode,
        });
        if seal != notification.seal {
            return Err(NotApproved::SealBroken);
        }
        Ok(Self {
            by: ApprovedBy::Reviewer {
                entry: entry.id,
                notification: notification.id,
            },
            recipient: notification.identity,
            text,
        })
    }

    /// For the receipt at intake alone: `text` is the operator's fixed words with the ticket's number.
    pub(crate) fn by_operator(recipient: IdentityId, text: String) -> Self {
        Self {
            by: ApprovedBy::Operator,
            recipient,
            text,
        }
    }

    /// The entry that a reviewer approved; `None` for a receipt.
    pub fn entry(&self) -> Option<ChangelogEntryId> {
        match self.by {
            ApprovedBy::Reviewer { entry, .. } => Some(entry),
            ApprovedBy::Operator => None,
        }
    }

    /// The delivery that it was approved for; `None` for a receipt.
    pub fn notification(&self) -> Option<NotificationId> {
        match self.by {
            ApprovedBy::Reviewer { notification, .. } => Some(notification),
            ApprovedBy::Operator => None,
        }
    }

    /// Whether it is a receipt: an automatic answer, and to be marked as one where the channel knows such a mark.
    pub fn is_receipt(&self) -> bool {
        self.by == ApprovedBy::Operator
    }

    /// Whom it was approved for.
    pub fn recipient(&self) -> IdentityId {
        self.recipient
    }

    /// The approved text, to the letter.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Approved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approved")
            .field("by", &self.by)
            .field("characters", &self.text.chars().count())
            .finish_non_exhaustive()
    }
}
