//! The in-memory fakes keep what they promise: a test on a fake says something about the adapter.

use std::process::ExitCode;

use feedback_core::{
    domain::{ChainHash, TicketId},
    testing::{
        conformance::{
            Fresh, ai,
            blob_store::{self, BlobStoreHarness},
            custody::{self, CustodyHarness},
            job_queue::{self, JobQueueHarness},
            nearest_tickets::{self, InMemory},
            outbox::{self, OutboxHarness},
            queries::{self, QueriesHarness},
            storage::{self, StorageHarness},
            tracker, trials,
            vault::{self, VaultHarness},
        },
        memory::{MemoryBlobs, MemoryStore, MemoryVault, ai::ScriptedAi, tracker::ScriptedBoard},
    },
};
use libtest_mimic::Arguments;

struct Memory;

impl StorageHarness for Memory {
    type Adapter = MemoryStore;

    async fn fresh(&self) -> Fresh<MemoryStore> {
        Fresh::new(MemoryStore::new())
    }

    async fn chain_of(&self, adapter: &MemoryStore, ticket: TicketId) -> Vec<ChainHash> {
        adapter.chain(ticket)
    }
}

impl QueriesHarness for Memory {
    type Adapter = MemoryStore;

    async fn fresh(&self) -> Fresh<MemoryStore> {
        Fresh::new(MemoryStore::new())
    }
}

impl JobQueueHarness for Memory {
    type Adapter = MemoryStore;

    async fn fresh(&self) -> Fresh<MemoryStore> {
        Fresh::new(MemoryStore::new())
    }
}

impl OutboxHarness for Memory {
    type Adapter = MemoryStore;

    async fn fresh(&self) -> Fresh<MemoryStore> {
        Fresh::new(MemoryStore::new())
    }
}

impl BlobStoreHarness for Memory {
    type Store = MemoryBlobs;

    async fn fresh(&self) -> Fresh<MemoryBlobs> {
        Fresh::new(MemoryBlobs::new())
    }

    async fn reopened(&self, fresh: &Fresh<MemoryBlobs>) -> std::sync::Arc<MemoryBlobs> {
        // Clones share what is stored, as two handles to one folder do.
        std::sync::Arc::new((*fresh.adapter).clone())
    }
}

impl CustodyHarness for Memory {
    type Adapter = MemoryStore;

    async fn fresh(&self) -> Fresh<MemoryStore> {
        Fresh::new(MemoryStore::new())
    }

    async fn files(&self, _: &MemoryStore) -> Vec<u8> {
        Vec::new()
    }
}

struct Vaults(std::sync::atomic::AtomicU64);

impl VaultHarness for Vaults {
    type Vault = MemoryVault;

    fn fresh(&self) -> MemoryVault {
        MemoryVault::new(self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    }

    fn rotated(&self, vault: &MemoryVault) -> MemoryVault {
        let vault = vault.clone();
        vault.rotate();
        vault
    }
}

fn main() -> ExitCode {
    let mut all = trials(Memory, "storage", storage::checks());
    all.extend(trials(Memory, "queries", queries::checks()));
    all.extend(trials(Memory, "job_queue", job_queue::checks()));
    all.extend(trials(Memory, "outbox", outbox::checks()));
    let window = InMemory(|| async { Fresh::new(MemoryStore::new()) });
    all.extend(trials(window, "nearest_tickets", nearest_tickets::checks()));
    all.extend(trials(Memory, "blob_store", blob_store::checks()));
    all.extend(trials(Memory, "custody", custody::checks()));
    all.extend(trials(Vaults(1.into()), "vault", vault::checks()));
    all.extend(ai::ai_trials(ScriptedAi));
    all.extend(tracker::tracker_trials(ScriptedBoard));
    libtest_mimic::run(&Arguments::from_args(), all).exit_code()
}
