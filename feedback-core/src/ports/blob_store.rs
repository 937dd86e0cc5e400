use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::PortError;

/// Whether a key is one: a path of letters, digits, `-`, `_` and `/`, without empty parts, at most 200 bytes long. Every store
/// asks this first.
pub fn is_blob_key(key: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    key.len() <= 200 && key.split('/').all(is_part)
}

/// Keeps the bytes of attachments, sealed by the caller: a store never sees what a file says.
///
/// # What an implementer guarantees
/// - *Durable:* `Ok` from `put` means that a crash an instant later loses nothing.
/// - *Whole:* a reader gets all bytes of one `put` or `NotFound`, never a part, also while another `put` of the same key runs.
/// - *Idempotent:* the same key and bytes twice leave one blob; deleting what is not there is fine.
/// - *Contained:* a key for which [`is_blob_key`] is false is `Rejected`, so that none leads outside the store.
/// - *Bounded, cancel safe, silent:* as all ports.
///
/// Prove it with [`testing::conformance::blob_store`](crate::testing::conformance::blob_store).
#[async_trait]
pub trait BlobStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a blob under a key.
    ///
    /// # Errors
    /// `Rejected` for a key that is none; `Unavailable` if the store cannot be used now; `Unauthorized` if it does not accept
    /// our keys; `Unknown` if no answer came: putting the same again is fine.
    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), PortError>;

    /// The bytes of a blob.
    ///
    /// # Errors
    /// `NotFound` if there is none; else as [`put`](Self::put).
    async fn get(&self, key: &str) -> Result<Vec<u8>, PortError>;

    /// Removes a blob, if it is there.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    async fn delete(&self, key: &str) -> Result<(), PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: BlobStore + ?Sized> BlobStore for $wrapper<T> {
            async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), PortError> {
                (**self).put(key, bytes).await
            }

            async fn get(&self, key: &str) -> Result<Vec<u8>, PortError> {
                (**self).get(key).await
            }

            async fn delete(&self, key: &str) -> Result<(), PortError> {
                (**self).delete(key).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_leads_outside_a_store() {
        for key in ["a", "attachments/018f-7c", "A_1/b-2/c"] {
            assert!(is_blob_key(key), "{key}");
        }
        let long = "a".repeat(201);
        for key in [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a.b", "a b", "a\\b", "a%2e", "a\0", "a\n", "ñ",
            "C:", "a#1", &long,
        ] {
            assert!(!is_blob_key(key), "{key}");
        }
    }
}
