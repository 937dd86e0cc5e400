//! Ids and secrets from a seed: the same test run twice makes the same rows.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ports::IdSource;

/// Deterministic UUIDv7s, each later than the one before, and secrets. Clones share the count, so no id comes twice.
#[derive(Debug, Clone)]
pub struct SeededIds {
    seed: u64,
    next: Arc<AtomicU64>,
}

impl SeededIds {
    /// Ids of a seed; two seeds give different ids.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            next: Arc::new(AtomicU64::new(0)),
        }
    }

    fn digest(&self, purpose: &[u8]) -> (u64, [u8; 32]) {
        let count = self.next.fetch_add(1, Ordering::SeqCst);
        let digest = Sha256::new()
            .chain_update(purpose)
            .chain_update(self.seed.to_be_bytes())
            .chain_update(count.to_be_bytes())
            .finalize();
        (count, digest.into())
    }
}

impl Default for SeededIds {
    /// Ids of seed 1.
    fn default() -> Self {
        Self::new(1)
    }
}

impl IdSource for SeededIds {
    fn uuid(&self) -> Uuid {
        let (count, digest) = self.digest(b"uuid");
        // The 48 bits of time count up from a fixed moment: ids of one source sort in the order in which they were made.
        let millis = 1_767_603_600_000 + count;
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&digest[..10]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Uuid::from_bytes(bytes)
    }

    fn secret(&self) -> SecretString {
        hex::encode(self.digest(b"secret").1).into()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_seed_gives_the_same_rising_version_7_ids_again() {
        let (one, again) = (SeededIds::new(7), SeededIds::new(7));
        let ids: Vec<Uuid> = (0..100).map(|_| one.uuid()).collect();
        assert_eq!(ids, (0..100).map(|_| again.uuid()).collect::<Vec<_>>());
        assert!(ids.is_sorted() && ids.iter().all(|id| id.get_version_num() == 7));
        assert_ne!(ids[0], SeededIds::new(8).uuid());
    }

    #[test]
    fn secrets_are_64_hex_digits_and_differ() {
        let ids = SeededIds::default();
        let (first, second) = (ids.secret(), ids.secret());
        assert_eq!(first.expose_secret().len(), 64);
        assert_ne!(first.expose_secret(), second.expose_secret());
    }
}
