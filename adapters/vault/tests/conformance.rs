//! The vault keeps every promise of its port.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use feedback_core::testing::conformance::vault::{self, VaultHarness};
use feedback_vault::{KeyRing, RingVault};
use sha2::{Digest, Sha256};

/// Rings whose keys are digests of their ids: drawn to look at, and the same again for a rotation.
struct Rings(AtomicU64);

impl VaultHarness for Rings {
    type Vault = RingVault;

    fn fresh(&self) -> RingVault {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        RingVault::new(ring(&[&format!("ring-{number}.1")]))
    }

    fn rotated(&self, vault: &RingVault) -> RingVault {
        let ids: Vec<&str> = vault.ring().ids().collect();
        let newer = format!("{}.{}", ids[0].split('.').next().unwrap_or_default(), ids.len() + 1);
        RingVault::new(ring(&[&[newer.as_str()], ids.as_slice()].concat()))
    }
}

fn ring(ids: &[&str]) -> KeyRing {
    let entries: Vec<String> = ids
        .iter()
        .map(|id| format!("{id}:{}", STANDARD.encode(Sha256::digest(id))))
        .collect();
    KeyRing::parse(&entries.join(",")).expect("digests are strong keys")
}

fn main() -> ExitCode {
    vault::run(Rings(AtomicU64::new(1)))
}
