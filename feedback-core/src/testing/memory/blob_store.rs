//! Blobs in memory.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::ports::{BlobStore, PortError, PortErrorKind, is_blob_key};

/// A [`BlobStore`] in memory. Clones share it.
#[derive(Clone, Default)]
pub struct MemoryBlobs {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    blobs: BTreeMap<String, Vec<u8>>,
    failures: Vec<PortErrorKind>,
}

impl MemoryBlobs {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next call fails in this way and does nothing; called twice, the next two do.
    pub fn fail_next(&self, kind: PortErrorKind) {
        self.lock().failures.push(kind);
    }

    /// All keys, in order.
    pub fn keys(&self) -> Vec<String> {
        self.lock().blobs.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, key: &str, operation: &'static str) -> Result<MutexGuard<'_, State>, PortError> {
        let mut state = self.lock();
        if !state.failures.is_empty() {
            return Err(PortError::new(state.failures.remove(0), operation));
        }
        if !is_blob_key(key) {
            return Err(PortError::new(PortErrorKind::Rejected, operation).with_code("bad_key"));
        }
        Ok(state)
    }
}

impl fmt::Debug for MemoryBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryBlobs")
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), PortError> {
        self.begin(key, "blobs.put")?.blobs.insert(key.to_owned(), bytes);
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Vec<u8>, PortError> {
        let state = self.begin(key, "blobs.get")?;
        let found = state.blobs.get(key).cloned();
        found.ok_or_else(|| PortError::new(PortErrorKind::NotFound, "blobs.get"))
    }

    async fn delete(&self, key: &str) -> Result<(), PortError> {
        self.begin(key, "blobs.delete")?.blobs.remove(key);
        Ok(())
    }
}
