//! What can be computed of a message before anything is loaded: look-up digests, language, the body's digest.

use super::view::LookUps;
use crate::{
    domain::{BlindIndex, Channel, ExternalId, Language, ThreadRef, Timestamp},
    logic::{
        identity::{fold_email, phone_variants},
        infer::newest_part,
        language,
        normalize::InboundMessage,
    },
    ports::{IndexKind, Vault},
};

/// A message with its digests.
#[derive(Debug, Clone)]
pub(super) struct Prepared<'a> {
    pub(super) message: &'a InboundMessage,
    pub(super) look: LookUps,
    pub(super) digest: String,
    pub(super) sent_at: Timestamp,
    pub(super) language: Option<Language>,
    /// The payload to keep: the whole body where the delivery held this message alone.
    pub(super) raw: Vec<u8>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(vault: &dyn Vault, message: &'a InboundMessage, raw: Vec<u8>, now: Timestamp) -> Self {
        let author = &message.author;
        let connection = message.thread.connection();
        let ids = std::iter::once(&author.external_user_id).chain(&author.other_user_ids);
        let identities = ids
            .map(|id| identity_index(vault, message.channel, connection, id))
            .collect();
        let email = author.email.as_deref().and_then(fold_email);
        let email = email.map(|email| vault.blind_index(IndexKind::Email, email.as_bytes()));
        let phones = author.phone.as_deref().map(phone_variants).unwrap_or_default();
        let phones = phones
            .iter()
            .map(|phone| vault.blind_index(IndexKind::Phone, phone.as_bytes()))
            .collect();
        let digest = vault.blind_index(IndexKind::Body, message.text.as_bytes());
        Self {
            look: LookUps {
                channel: message.channel,
                external_id: message.external_id.clone(),
                thread_key: message.thread.key(),
                answers: answered_by(message),
                identities,
                email,
                email_verified: author.email_verified,
                phones,
            },
            digest: hex::encode(digest.as_bytes()),
            // A provider's clock ahead of ours would hold WhatsApp's window open too long.
            sent_at: message.sent_at.map_or(now, |sent| sent.min(now)),
            language: language::detect(&newest_part(&message.text)),
            message,
            raw,
        }
    }
}

/// The messages that a message says it answers, the nearest first: the one that it quotes, or a mail's references. Any of
/// them leads to the ticket where the thread's first one was cut off or came another way.
fn answered_by(message: &InboundMessage) -> Vec<ExternalId> {
    let references = match &message.thread {
        ThreadRef::Email { references, .. } => references.as_slice(),
        _ => &[],
    };
    let references = references
        .iter()
        .rev()
        .filter_map(|id| ExternalId::parse(id.as_str()).ok());
    message.quotes.iter().cloned().chain(references).collect()
}

/// The look-up digest of a person's id: unique within a channel and connection.
pub(super) fn identity_index(vault: &dyn Vault, channel: Channel, connection: &str, id: &str) -> BlindIndex {
    // A zero byte cannot be in a connection or an id, so no two triples share a value.
    let value = [channel.as_str().as_bytes(), connection.as_bytes(), id.as_bytes()].join(&0);
    vault.blind_index(IndexKind::Identity, &value)
}
