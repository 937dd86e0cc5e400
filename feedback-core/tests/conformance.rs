//! The in-memory fakes keep what they promise: a test on a fake says something about the adapter.

use std::process::ExitCode;

use feedback_core::{
    domain::{ChainHash, TicketId},
    testing::{
        conformance::{
            Fresh, storage, trials,
            storage::StorageHarness, vault, vault::VaultHarness,
        },
        memory::{MemoryStore, MemoryVault},
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
    all.extend(trials(Vaults(1.into()), "vault", vault::checks()));
    libtest_mimic::run(&Arguments::from_args(), all).exit_code()
}
