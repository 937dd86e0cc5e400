//! The envelope around one ciphertext: how it is laid out, what is authenticated with it, and how it opens.
//!
//! ```text
//! version (1) | what it is (1) | length of the key id (1) | key id | nonce (24) | ciphertext and tag (16 more than the plain)
//! ```
//!
//! XChaCha20's nonces of 24 bytes may be drawn without counting them; AES-GCM's 12 bytes may not, and a counter that
//! survives a restored backup does not exist.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

use crate::key_ring::{KEY_BYTES, Key};

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;

/// What an envelope holds. It is authenticated, so that one never passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Content {
    /// A value of the hub's own, under a key of the ring.
    HubValue = 1,
    /// A reporter's value, under the reporter's key.
    SubjectValue = 2,
    /// A reporter's key, under a key of the ring.
    SubjectKey = 3,
}

/// Why something was not sealed or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    /// The operating system gave no random bytes.
    #[error("no randomness from the operating system")]
    NoRandomness,
    /// Bytes that this vault never made.
    #[error("not an envelope of this vault")]
    NotAnEnvelope,
    /// The key that sealed it is not in the ring.
    #[error("sealed under a key that is not in the ring")]
    UnknownKey,
    /// Changed bytes, another place, or another scope: which one cannot be told.
    #[error("was changed, or sealed for another place or scope")]
    NotAuthentic,
    /// More than the cipher takes (256 GiB).
    #[error("too long to seal")]
    TooLong,
}

/// Random bytes of the operating system.
pub(crate) fn draw<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
    Ok(bytes)
}

/// Seals `plain` under `key`, bound to `binding`: the place and the scope, part by part.
pub(crate) fn seal(
    content: Content,
    (key_id, key): (&str, &Key),
    binding: &[&[u8]],
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    let nonce = draw::<NONCE_BYTES>()?;
    let aad = associated_data(content, key_id, binding);
    let ciphertext = cipher(key)
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
        .map_err(|_| SealError::TooLong)?;
    let id_length = u8::try_from(key_id.len()).map_err(|_| SealError::TooLong)?;
    let mut bytes = Vec::with_capacity(3 + key_id.len() + NONCE_BYTES + ciphertext.len());
    bytes.extend_from_slice(&[VERSION, content as u8, id_length]);
    bytes.extend_from_slice(key_id.as_bytes());
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&ciphertext);
    Ok(bytes)
}

/// Opens what [`seal`] made of the same content, key and binding.
pub(crate) fn open(envelope: &Envelope<'_>, key: &Key, binding: &[&[u8]]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let aad = associated_data(envelope.content, envelope.key_id, binding);
    cipher(key)
        .decrypt(
            &XNonce::from(envelope.nonce),
            Payload {
                msg: envelope.ciphertext,
                aad: &aad,
            },
        )
        .map(Zeroizing::new)
        .map_err(|_| SealError::NotAuthentic)
}

/// The parts of sealed bytes, read but not yet believed.
#[derive(Debug)]
pub(crate) struct Envelope<'b> {
    content: Content,
    /// Which key of the ring; empty for what is under a reporter's key.
    pub(crate) key_id: &'b str,
    nonce: [u8; NONCE_BYTES],
    ciphertext: &'b [u8],
}

impl<'b> Envelope<'b> {
    /// Takes sealed bytes apart. Total on any input.
    pub(crate) fn read(content: Content, bytes: &'b [u8]) -> Result<Self, SealError> {
        let (&[version, tag, id_length], rest) = bytes.split_first_chunk().ok_or(SealError::NotAnEnvelope)?;
        if version != VERSION {
            return Err(SealError::NotAnEnvelope);
        }
        if tag != content as u8 {
            return Err(SealError::NotAuthentic);
        }
        let (key_id, rest) = rest
            .split_at_checked(usize::from(id_length))
            .ok_or(SealError::NotAnEnvelope)?;
        let key_id = std::str::from_utf8(key_id).map_err(|_| SealError::NotAnEnvelope)?;
        let (&nonce, ciphertext) = rest.split_first_chunk().ok_or(SealError::NotAnEnvelope)?;
        if ciphertext.len() < TAG_BYTES {
            return Err(SealError::NotAnEnvelope);
        }
        Ok(Self {
            content,
            key_id,
            nonce,
            ciphertext,
        })
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    let key: &[u8; KEY_BYTES] = key;
    XChaCha20Poly1305::new(key.into())
}

/// Each part is preceded by its length, so that no two different bindings give the same bytes.
fn associated_data(content: Content, key_id: &str, binding: &[&[u8]]) -> Vec<u8> {
    let header = [VERSION, content as u8];
    let mut bytes = Vec::with_capacity(128);
    for part in [&header[..], key_id.as_bytes()]
        .into_iter()
        .chain(binding.iter().copied())
    {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        Zeroizing::new([0x5a; KEY_BYTES])
    }

    fn reopen(bytes: &[u8], binding: &[&[u8]]) -> Result<Vec<u8>, SealError> {
        let envelope = Envelope::read(Content::HubValue, bytes)?;
        open(&envelope, &key(), binding).map(|plain| plain.to_vec())
    }

    #[test]
    fn a_byte_that_wanders_from_one_part_of_the_binding_to_the_next_is_noticed() {
        let sealed = seal(Content::HubValue, ("k", &key()), &[b"ab", b"c"], b"text").unwrap();
        assert_eq!(reopen(&sealed, &[b"ab", b"c"]).unwrap(), b"text");
        for other in [&[&b"a"[..], b"bc"][..], &[b"abc"], &[b"ab", b"c", b""]] {
            assert_eq!(reopen(&sealed, other), Err(SealError::NotAuthentic));
        }
    }

    #[test]
    fn one_content_never_passes_for_another() {
        let mut sealed = seal(Content::SubjectKey, ("k", &key()), &[b"row"], b"text").unwrap();
        assert_eq!(reopen(&sealed, &[b"row"]), Err(SealError::NotAuthentic));
        sealed[1] = Content::HubValue as u8;
        assert_eq!(reopen(&sealed, &[b"row"]), Err(SealError::NotAuthentic));
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_never_looks_the_same_twice(plain: Vec<u8>, part: Vec<u8>) {
            let sealed = seal(Content::HubValue, ("k", &key()), &[&part], &plain).unwrap();
            let again = seal(Content::HubValue, ("k", &key()), &[&part], &plain).unwrap();
            prop_assert_ne!(&sealed, &again);
            prop_assert_eq!(reopen(&sealed, &[&part]), Ok(plain));
        }

        #[test]
        fn one_flipped_bit_anywhere_is_noticed(plain: Vec<u8>, at: prop::sample::Index, bit in 0_u8..8) {
            let mut sealed = seal(Content::HubValue, ("k", &key()), &[b"row"], &plain).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(reopen(&sealed, &[b"row"]).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            prop_assert!(reopen(&bytes, &[]).is_err());
        }
    }
}
