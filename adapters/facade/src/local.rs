//! What a hub needs beside a database and its providers, without an account anywhere.

use std::sync::Arc;

use feedback_core::{
    Ports,
    ports::{Custody, JobQueue, Queries, Storage},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    embeddings::WordTable,
    local_ai::LocalAi,
    object_store::{ConfigError, ObjectBlobs, ObjectStoreConfig},
    system::{RandomIds, SystemClock},
    vault::{InvalidKeyRing, KeyRing, RingVault},
};

/// Why the ports could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LocalPortsError {
    /// The keys are none, or weak.
    #[error("the keys cannot be used")]
    Keys(#[from] InvalidKeyRing),
    /// The place of the attachments cannot be used.
    #[error("the attachments have no place")]
    Blobs(#[from] ConfigError),
}

/// Ports over a store: rules instead of AI, vectors from the word table, what is sealed under `keys`
/// (`id:base64,..`, as [`KeyRing::parse`] reads them), attachments at `blobs` (`file:///..`, or as [`ObjectStoreConfig`]
/// says), the system's clock. Tracker, channels, and whatever should be another, are fields to be set.
///
/// # Errors
/// [`LocalPortsError`]; nothing was opened but the folder of the attachments.
pub fn local_ports<S>(store: Arc<S>, keys: &SecretString, blobs: &str) -> Result<Ports, LocalPortsError>
where
    S: Storage + Custody + Queries + JobQueue,
{
    let vault = Arc::new(RingVault::new(KeyRing::parse(keys.expose_secret())?));
    let blobs = Arc::new(ObjectBlobs::open(&ObjectStoreConfig::new(blobs))?);
    let ports = Ports::new(
        store,
        vault,
        blobs,
        Arc::new(LocalAi::new()),
        Arc::new(SystemClock),
        Arc::new(RandomIds),
    );
    Ok(Ports {
        embedder: Arc::new(WordTable::new()),
        ..ports
    })
}
