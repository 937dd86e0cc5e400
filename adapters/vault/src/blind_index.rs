//! The digest by which a value is found again without being readable.

use feedback_core::{domain::BlindIndex, ports::IndexKind};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::key_ring::Key;

const LABEL: &[u8] = b"blind-index-1";

/// A keyed digest over kind and value. Without the key nobody can try addresses until one fits.
pub(crate) fn blind_index(key: &Key, kind: IndexKind, value: &[u8]) -> BlindIndex {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).expect("HMAC takes a key of any length");
    for part in [LABEL, kind.as_str().as_bytes(), value] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    BlindIndex::from_bytes(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn kind_value_and_key_each_change_the_index() {
        let (one, two) = (Zeroizing::new([1; 32]), Zeroizing::new([2; 32]));
        let index = blind_index(&one, IndexKind::Email, b"ana@example.test");
        assert_eq!(index, blind_index(&one, IndexKind::Email, b"ana@example.test"));
        assert_ne!(index, blind_index(&one, IndexKind::Identity, b"ana@example.test"));
        assert_ne!(index, blind_index(&one, IndexKind::Email, b"ana@example.tes"));
        assert_ne!(index, blind_index(&two, IndexKind::Email, b"ana@example.test"));
    }

    #[test]
    fn the_index_of_a_stored_value_never_changes() {
        // Computed with Python's hmac module: a change here makes every stored identity unfindable.
        let index = blind_index(&Zeroizing::new([1; 32]), IndexKind::Phone, b"5491122334455");
        let hex: String = index.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "bd28651152dd7545e0d3a86d9b9ff3d53eba6acaf509733b2d3ebbe4d966e498");
    }
}
