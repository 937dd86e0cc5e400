//! The keys that the host was given: which are strong enough, which one is newest, and what is derived from each.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{SecretBox, SecretString};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of every key.
pub(crate) const KEY_BYTES: usize = 32;
/// The id that makes an entry the blind index's key.
const INDEX_ID: &str = "index";
/// Longest id of a key: its length is one byte in what is sealed.
const MAX_ID_BYTES: usize = 32;
/// Fewer different bytes than this are a pattern: 32 random bytes have 30 on average, and 32 random hex digits 14.
const MIN_DISTINCT_BYTES: usize = 8;

const SEALING_LABEL: &[u8] = b"feedback-hub sealing key 1";
const INDEX_LABEL: &[u8] = b"feedback-hub blind index key 1";

/// A key in memory: zeroed when it is dropped, and never printed.
pub(crate) type Key = Zeroizing<[u8; KEY_BYTES]>;

/// Why a ring of keys is refused. Names ids, never keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKeyRing {
    /// No sealing key at all.
    #[error("key ring has no key: give at least one as id:base64")]
    Empty,
    /// An entry without a colon, or with an id that could not be read back.
    #[error("key ring entry {position} is not id:base64, with an id of 1 to 32 letters, digits, '-', '_' or '.'")]
    NotAnEntry {
        /// Which entry, counted from 1.
        position: usize,
    },
    /// The part behind the colon is not base64.
    #[error("key {id} is not base64")]
    NotBase64 {
        /// Id of the key.
        id: String,
    },
    /// Too short or too long.
    #[error("key {id} has {bytes} bytes, not 32")]
    WrongLength {
        /// Id of the key.
        id: String,
        /// How many bytes it has.
        bytes: usize,
    },
    /// Text or a pattern: somebody typed it.
    #[error("key {id} is text or a pattern: draw 32 random bytes, for instance with `openssl rand -base64 32`")]
    Weak {
        /// Id of the key.
        id: String,
    },
    /// An id stands twice, or one key stands under two ids.
    #[error("key {id} is in the ring twice, by id or by value")]
    Repeated {
        /// Id of the later one.
        id: String,
    },
}

/// The keys of a vault, newest first. What it holds is derived from the keys given, which are dropped at once.
pub struct KeyRing {
    entries: Vec<Entry>,
    index_key: Key,
    /// Whether the index key is an entry of its own, and so survives the oldest key.
    has_index_entry: bool,
}

struct Entry {
    id: String,
    sealing_key: Key,
}

impl KeyRing {
    /// Reads `id:base64,id:base64`, newest first, as the host's `SECRET_KEYS` has it.
    ///
    /// # Errors
    /// [`InvalidKeyRing`] says which entry is wrong and why.
    ///
    /// ```
    /// use feedback_vault::{InvalidKeyRing, KeyRing};
    /// let typed = "today:bXkgZG9nIGlzIGNhbGxlZCByZXgsIGFuZCBoZSBiaXQ="; // 32 bytes of English
    /// assert_eq!(KeyRing::parse(typed).unwrap_err(), InvalidKeyRing::Weak { id: "today".into() });
    /// ```
    pub fn parse(text: &str) -> Result<Self, InvalidKeyRing> {
        let mut keys = Vec::new();
        for (at, entry) in text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .enumerate()
        {
            let not_an_entry = InvalidKeyRing::NotAnEntry { position: at + 1 };
            let (id, encoded) = entry.split_once(':').ok_or_else(|| not_an_entry.clone())?;
            let id = id.trim();
            if !is_id(id) {
                return Err(not_an_entry);
            }
            let bytes = Zeroizing::new(
                STANDARD
                    .decode(encoded.trim())
                    .map_err(|_| InvalidKeyRing::NotBase64 { id: id.to_owned() })?,
            );
            let key = <[u8; KEY_BYTES]>::try_from(bytes.as_slice()).map_err(|_| InvalidKeyRing::WrongLength {
                id: id.to_owned(),
                bytes: bytes.len(),
            })?;
            keys.push((id.to_owned(), Zeroizing::new(key)));
        }
        Self::of(keys)
    }

    /// A ring of keys that came from a key service, newest first. An id of `index` is the blind index's.
    ///
    /// # Errors
    /// As [`KeyRing::parse`].
    pub fn from_keys(
        keys: impl IntoIterator<Item = (String, SecretBox<[u8; KEY_BYTES]>)>,
    ) -> Result<Self, InvalidKeyRing> {
        use secrecy::ExposeSecret;
        Self::of(
            keys.into_iter()
                .map(|(id, key)| (id, Zeroizing::new(*key.expose_secret())))
                .collect(),
        )
    }

    fn of(keys: Vec<(String, Key)>) -> Result<Self, InvalidKeyRing> {
        for (at, (id, key)) in keys.iter().enumerate() {
            if !is_id(id) {
                return Err(InvalidKeyRing::NotAnEntry { position: at + 1 });
            }
            if is_weak(key) {
                return Err(InvalidKeyRing::Weak { id: id.clone() });
            }
            if keys[..at]
                .iter()
                .any(|(earlier, other)| earlier == id || **other == **key)
            {
                return Err(InvalidKeyRing::Repeated { id: id.clone() });
            }
        }
        let oldest = keys
            .iter()
            .rev()
            .find(|(id, _)| id != INDEX_ID)
            .ok_or(InvalidKeyRing::Empty)?;
        let own = keys.iter().find(|(id, _)| id == INDEX_ID);
        let index_key = own.map_or_else(|| derive(&oldest.1, INDEX_LABEL), |(_, key)| key.clone());
        let entries = keys
            .iter()
            .filter(|(id, _)| id != INDEX_ID)
            .map(|(id, key)| Entry {
                id: id.clone(),
                sealing_key: derive(key, SEALING_LABEL),
            })
            .collect();
        Ok(Self {
            entries,
            index_key,
            has_index_entry: own.is_some(),
        })
    }

    /// Id of the key that seals from now on.
    pub fn newest_id(&self) -> &str {
        self.newest().0
    }

    /// Ids of all sealing keys, newest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.id.as_str())
    }

    /// Whether the blind index has an entry of its own. Where it has not, retiring the oldest key changes every index.
    pub fn has_index_entry(&self) -> bool {
        self.has_index_entry
    }

    /// The entry `index:base64` that keeps all blind indexes as they are when the oldest key is retired.
    pub fn index_entry(&self) -> SecretString {
        let encoded = Zeroizing::new(STANDARD.encode(self.index_key.as_slice()));
        SecretString::from(format!("{INDEX_ID}:{}", encoded.as_str()))
    }

    pub(crate) fn newest(&self) -> (&str, &Key) {
        let entry = &self.entries[0]; // `of` refuses a ring without a sealing key
        (&entry.id, &entry.sealing_key)
    }

    pub(crate) fn sealing_key(&self, id: &str) -> Option<&Key> {
        self.entries
            .iter()
            .find(|entry| entry.id == id)
            .map(|entry| &entry.sealing_key)
    }

    pub(crate) fn index_key(&self) -> &Key {
        &self.index_key
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&str> = self.ids().collect();
        f.debug_struct("KeyRing").field("ids", &ids).finish_non_exhaustive()
    }
}

fn is_id(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// A repeated byte or a short pattern has few distinct bytes, and prose has letters beyond those of hexadecimal. Hex
/// digits are let through: `openssl rand -hex 16` draws 32 of them. No rule tells every bad key from a drawn one; this
/// one refuses what is plainly a placeholder, and never a drawn key.
fn is_weak(key: &[u8; KEY_BYTES]) -> bool {
    let mut seen = [false; 256];
    for &byte in key {
        seen[usize::from(byte)] = true;
    }
    let distinct = seen.iter().filter(|&&is_seen| is_seen).count();
    let is_prose =
        key.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') && !key.iter().all(u8::is_ascii_hexdigit);
    distinct < MIN_DISTINCT_BYTES || is_prose
}

/// One step of HKDF's expansion: the keys given are uniform already, and 32 bytes are one block.
fn derive(key: &[u8; KEY_BYTES], label: &[u8]) -> Key {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(label);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
pub(crate) mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// A key that looks drawn: the digest of its name.
    pub(crate) fn drawn(name: &str) -> String {
        use sha2::Digest;
        STANDARD.encode(Sha256::digest(name))
    }

    pub(crate) fn ring(ids: &[&str]) -> KeyRing {
        let text: Vec<String> = ids.iter().map(|id| format!("{id}:{}", drawn(id))).collect();
        KeyRing::parse(&text.join(",")).unwrap()
    }

    #[test]
    fn the_first_key_is_the_newest_and_the_index_key_seals_nothing() {
        let ring = ring(&["b", "a", "index"]);
        assert_eq!(ring.newest_id(), "b");
        assert_eq!(ring.ids().collect::<Vec<_>>(), ["b", "a"]);
        assert!(ring.has_index_entry() && ring.sealing_key("index").is_none());
    }

    #[test]
    fn drawn_hex_digits_are_a_key() {
        let hex = STANDARD.encode(b"9f86d081884c7d659a2feaa0c55ad015");
        assert!(KeyRing::parse(&format!("k:{hex}")).is_ok());
    }

    #[test]
    fn what_was_typed_and_not_drawn_is_refused() {
        let encoded = |bytes: &[u8]| format!("k:{}", STANDARD.encode(bytes));
        let pattern: Vec<u8> = (0..32).map(|at| if at % 2 == 0 { 0xfe } else { 0x01 }).collect();
        for bytes in [&[0; 32][..], &[0xff; 32], &pattern, b"correct horse battery staple 123"] {
            assert_eq!(
                KeyRing::parse(&encoded(bytes)).unwrap_err(),
                InvalidKeyRing::Weak { id: "k".into() },
                "{bytes:?}"
            );
        }
        for length in [0, 16, 31, 33, 64] {
            let error = KeyRing::parse(&encoded(&vec![0xa5; length])).unwrap_err();
            assert_eq!(
                error,
                InvalidKeyRing::WrongLength {
                    id: "k".into(),
                    bytes: length
                }
            );
        }
    }

    #[test]
    fn what_is_no_ring_is_refused_with_its_place() {
        let good = drawn("a");
        for (text, expected) in [
            (String::new(), InvalidKeyRing::Empty),
            (" , ".to_owned(), InvalidKeyRing::Empty),
            (format!("index:{good}"), InvalidKeyRing::Empty),
            (good.clone(), InvalidKeyRing::NotAnEntry { position: 1 }),
            (format!("a:{good},:{good}"), InvalidKeyRing::NotAnEntry { position: 2 }),
            (
                format!("{}:{good}", "x".repeat(33)),
                InvalidKeyRing::NotAnEntry { position: 1 },
            ),
            (format!("ñ:{good}"), InvalidKeyRing::NotAnEntry { position: 1 }),
            ("a:???".to_owned(), InvalidKeyRing::NotBase64 { id: "a".into() }),
            (
                format!("a:{good},a:{}", drawn("b")),
                InvalidKeyRing::Repeated { id: "a".into() },
            ),
            (
                format!("a:{good},b:{good}"),
                InvalidKeyRing::Repeated { id: "b".into() },
            ),
        ] {
            assert_eq!(KeyRing::parse(&text).unwrap_err(), expected);
        }
    }

    #[test]
    fn the_index_entry_keeps_the_index_key_when_the_oldest_key_is_retired() {
        let before = ring(&["b", "a"]);
        let pinned = format!("b:{},{}", drawn("b"), before.index_entry().expose_secret());
        let after = KeyRing::parse(&pinned).unwrap();
        assert_eq!(before.index_key().as_slice(), after.index_key().as_slice());
        assert_ne!(
            ring(&["b"]).index_key().as_slice(),
            before.index_key().as_slice(),
            "which is the caveat"
        );
    }

    #[test]
    fn debug_names_ids_and_no_keys() {
        assert_eq!(format!("{:?}", ring(&["b", "a"])), r#"KeyRing { ids: ["b", "a"], .. }"#);
    }
}
