//! Who wrote: one person over all channels, and each address of theirs.

use serde::{Deserialize, Serialize};

use super::{
    BlindIndex, Channel, IdentityId, IdentityLinkId, Language, ReporterId, Sealed, SourceId, SubjectKey, Timestamp,
    UserId,
};

/// One person over all channels. Names and addresses are sealed under the person's own key.
#[derive(Debug, Clone, PartialEq)]
pub struct Reporter {
    /// Id.
    pub id: ReporterId,
    /// The person's own key; `None` once erased, and with it everything sealed under it.
    pub key: Option<SubjectKey>,
    /// Name as the person or their provider gave it.
    pub name: Option<Sealed>,
    /// Email address.
    pub email: Option<Sealed>,
    /// Look-up digest of the folded email address.
    pub email_index: Option<BlindIndex>,
    /// Whether a provider vouches for the address; an unverified one never links two people by itself.
    pub email_verified: bool,
    /// Phone number as received: digits, never rewritten.
    pub phone: Option<Sealed>,
    /// Look-up digest of the phone number as received.
    pub phone_index: Option<BlindIndex>,
    /// Language of the last message that could be read.
    pub language: Option<Language>,
    /// The person that this one turned out to be.
    pub merged_into: Option<ReporterId>,
    /// When the person was erased.
    pub erased_at: Option<Timestamp>,
    /// First seen.
    pub created_at: Timestamp,
    /// Version that was loaded; an update names it.
    pub version: u32,
}

/// One address of a reporter on one channel, within one connection (Slack team, Intercom app, WhatsApp number).
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Id.
    pub id: IdentityId,
    /// Whose it is.
    pub reporter: ReporterId,
    /// Channel.
    pub channel: Channel,
    /// Slack team, Intercom app, WhatsApp number of ours; empty where there is one only.
    pub connection: String,
    /// Digest of connection and external user id: unique within a channel.
    pub lookup: BlindIndex,
    /// The provider's id of the person (on WhatsApp the phone digits or the business-scoped id), sealed.
    pub external_user_id: Sealed,
    /// When the person last wrote, by the message's own timestamp: WhatsApp's 24 hours start here.
    pub last_message_at: Option<Timestamp>,
    /// When the person asked not to be written to.
    pub opted_out_at: Option<Timestamp>,
    /// First seen.
    pub created_at: Timestamp,
    /// Version that was loaded; an update names it.
    pub version: u32,
}

/// How sure a link between two identities is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkStrength {
    /// Links by itself.
    Strong,
    /// Only suggests; a person decides.
    Weak,
}

/// What says that two identities are one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// The same email address, and providers vouch for it on both sides.
    VerifiedEmail,
    /// The same phone number in one of its country's spellings.
    Phone,
    /// The same email address, but somebody may have typed it.
    UnverifiedEmail,
    /// A reviewer said so.
    Reviewer,
}

impl LinkKind {
    /// What the kind of evidence is worth.
    pub const fn strength(self) -> LinkStrength {
        match self {
            Self::VerifiedEmail | Self::Phone | Self::Reviewer => LinkStrength::Strong,
            Self::UnverifiedEmail => LinkStrength::Weak,
        }
    }

    /// The name in storage and on pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifiedEmail => "verified_email",
            Self::Phone => "phone",
            Self::UnverifiedEmail => "unverified_email",
            Self::Reviewer => "reviewer",
        }
    }
}

/// Why an identity belongs to a reporter. Never deleted: an undone link says when and by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentityLink {
    /// Id.
    pub id: IdentityLinkId,
    /// The identity.
    pub identity: IdentityId,
    /// Whom it was linked to, or, for weak evidence, might be.
    pub reporter: ReporterId,
    /// The evidence.
    pub kind: LinkKind,
    /// The message that brought the evidence.
    pub source: Option<SourceId>,
    /// When.
    pub at: Timestamp,
    /// When it was undone, and by whom.
    pub undone: Option<(Timestamp, UserId)>,
}
