//! Identifiers as the providers make them. They differ from one sandbox to the next, so that a hub which kept its
//! database over a restart of the demo never takes a new message for an old one.

use std::hash::{BuildHasher, Hasher, RandomState};

use base64::{Engine, engine::general_purpose::STANDARD};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::{clock, shared::Shared};

const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const DIGITS: &[u8] = b"0123456789";

/// Makes identifiers; unguessable enough not to clash, and nothing more.
#[derive(Debug)]
pub(crate) struct Ids(Shared<StdRng>);

impl Ids {
    /// Ids that no other sandbox makes: the hasher's keys differ from one instance to the next.
    pub(crate) fn new() -> Self {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_i64(clock::wall().timestamp_micros());
        Self(Shared::new(StdRng::seed_from_u64(hasher.finish())))
    }

    /// `Ev0A1B2C3D4E5`, `C…`, `U…`: a prefix and capitals or digits, as Slack has it.
    pub(crate) fn slack(&self, prefix: &str) -> String {
        self.with_prefix(prefix, UPPER, 10)
    }

    /// Lower-case hexadecimal digits.
    pub(crate) fn hex(&self, length: usize) -> String {
        self.with_prefix("", HEX, length)
    }

    /// A number of that many digits that does not start with zero.
    pub(crate) fn digits(&self, length: usize) -> String {
        let first = self.with_prefix("", &DIGITS[1..], 1);
        self.with_prefix(&first, DIGITS, length.saturating_sub(1))
    }

    /// A random UUID.
    pub(crate) fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.0.lock().random()).into_uuid()
    }

    /// A WhatsApp message id: base64 that may end in `=`, opaque to everyone.
    pub(crate) fn wamid(&self) -> String {
        let bytes: [u8; 28] = self.0.lock().random();
        format!("wamid.{}", STANDARD.encode(bytes))
    }

    /// The local part of a `Message-ID`.
    pub(crate) fn mail_id(&self) -> String {
        self.hex(24)
    }

    fn with_prefix(&self, prefix: &str, alphabet: &[u8], length: usize) -> String {
        let mut rng = self.0.lock();
        let mut id = String::with_capacity(prefix.len() + length);
        id.push_str(prefix);
        for _ in 0..length {
            id.push(char::from(alphabet[rng.random_range(0..alphabet.len())]));
        }
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sandboxes_do_not_share_ids() {
        let (one, other) = (Ids::new(), Ids::new());
        assert_ne!(one.wamid(), other.wamid());
        assert_ne!(one.uuid(), other.uuid());
    }

    #[test]
    fn ids_look_like_the_providers() {
        let ids = Ids::new();
        assert!(ids.slack("Ev").starts_with("Ev"));
        assert_eq!(ids.hex(24).len(), 24);
        assert_eq!(ids.digits(6).len(), 6);
        assert!(ids.wamid().starts_with("wamid."));
        assert_eq!(ids.uuid().get_version_num(), 4);
    }
}
