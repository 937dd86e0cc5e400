use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    domain::{BlindIndex, ReporterId, Sealed, SubjectKey},
    ports::{IndexKind, KeyScope, Place, PortError, PortErrorKind, Vault},
};

const TAG_BYTES: usize = 32;
const HEADER_BYTES: usize = 12;

/// A vault whose keys come from a seed. It keeps every promise of the port but one that tests cannot use: whoever knows
/// the seed can open everything, so it guards nothing outside of tests. Clones share the ring.
#[derive(Clone)]
pub struct MemoryVault {
    seed: u64,
    newest_key: Arc<AtomicU32>,
    sealed: Arc<AtomicU64>,
}

impl MemoryVault {
    /// A ring with one key, from a seed; rings of two seeds open nothing of each other.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            newest_key: Arc::new(AtomicU32::new(1)),
            sealed: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Adds a key to the ring: new values are sealed under it, old ones still open.
    pub fn rotate(&self) {
        self.newest_key.fetch_add(1, Ordering::SeqCst);
    }

    fn ring_key(&self, number: u32) -> [u8; 32] {
        Sha256::new()
            .chain_update(b"ring")
            .chain_update(self.seed.to_be_bytes())
            .chain_update(number.to_be_bytes())
            .finalize()
            .into()
    }

    fn nonce(&self) -> u64 {
        self.sealed.fetch_add(1, Ordering::SeqCst)
    }

    /// The key of a scope, under one key of the ring.
    fn scope_key(&self, scope: KeyScope<'_>, ring_key: u32) -> Result<[u8; 32], PortError> {
        match scope {
            KeyScope::Hub => Ok(self.ring_key(ring_key)),
            KeyScope::Subject(reporter, wrapped) => {
                let opened = self.unlock(wrapped.as_bytes(), &subject_bound(reporter), |number| {
                    Ok(self.ring_key(number))
                })?;
                let mut own = [0; 32];
                if opened.len() != own.len() {
                    return Err(refused());
                }
                own.copy_from_slice(&opened);
                Ok(own)
            }
        }
    }

    fn lock(&self, key: &[u8; 32], ring_key: u32, bound: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce = self.nonce();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + plain.len() + TAG_BYTES);
        bytes.extend_from_slice(&ring_key.to_be_bytes());
        bytes.extend_from_slice(&nonce.to_be_bytes());
        bytes.extend(keystream(key, nonce, plain));
        let tag = tag(key, bound, &bytes);
        bytes.extend_from_slice(&tag);
        bytes
    }

    fn unlock(
        &self,
        bytes: &[u8],
        bound: &[u8],
        key_of: impl FnOnce(u32) -> Result<[u8; 32], PortError>,
    ) -> Result<Zeroizing<Vec<u8>>, PortError> {
        let (body, given) = bytes.split_last_chunk::<TAG_BYTES>().ok_or_else(refused)?;
        let (ring_key, rest) = body.split_first_chunk::<4>().ok_or_else(refused)?;
        let (nonce, hidden) = rest.split_first_chunk::<8>().ok_or_else(refused)?;
        let ring_key = u32::from_be_bytes(*ring_key);
        if ring_key == 0 || ring_key > self.newest_key.load(Ordering::SeqCst) {
            return Err(refused());
        }
        let key = key_of(ring_key)?;
        if tag(&key, bound, body) != *given {
            return Err(refused());
        }
        Ok(Zeroizing::new(keystream(&key, u64::from_be_bytes(*nonce), hidden)))
    }
}

impl Default for MemoryVault {
    /// A ring of seed 1.
    fn default() -> Self {
        Self::new(1)
    }
}

impl std::fmt::Debug for MemoryVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryVault(..)")
    }
}

impl Vault for MemoryVault {
    fn new_subject_key(&self, subject: ReporterId) -> Result<SubjectKey, PortError> {
        let own = Sha256::new()
            .chain_update(b"subject")
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.nonce().to_be_bytes())
            .finalize();
        let newest = self.newest_key.load(Ordering::SeqCst);
        Ok(SubjectKey::from_bytes(self.lock(
            &self.ring_key(newest),
            newest,
            &subject_bound(subject),
            &own,
        )))
    }

    fn seal(&self, scope: KeyScope<'_>, place: Place, plain: &[u8]) -> Result<Sealed, PortError> {
        let newest = self.newest_key.load(Ordering::SeqCst);
        let key = self.scope_key(scope, newest)?;
        Ok(Sealed::from_bytes(self.lock(&key, newest, &bound(scope, place), plain)))
    }

    fn open(&self, scope: KeyScope<'_>, place: Place, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, PortError> {
        self.unlock(sealed.as_bytes(), &bound(scope, place), |ring_key| {
            self.scope_key(scope, ring_key)
        })
    }

    fn rewrap(&self, subject: ReporterId, key: &SubjectKey) -> Result<Option<SubjectKey>, PortError> {
        let newest = self.newest_key.load(Ordering::SeqCst);
        let bound = subject_bound(subject);
        let own = self.unlock(key.as_bytes(), &bound, |number| Ok(self.ring_key(number)))?;
        if key.as_bytes().starts_with(&newest.to_be_bytes()) {
            return Ok(None);
        }
        let wrapped = self.lock(&self.ring_key(newest), newest, &bound, &own);
        Ok(Some(SubjectKey::from_bytes(wrapped)))
    }

    fn reseal(&self, place: Place, sealed: &Sealed) -> Result<Option<Sealed>, PortError> {
        let plain = self.open(KeyScope::Hub, place, sealed)?;
        if sealed
            .as_bytes()
            .starts_with(&self.newest_key.load(Ordering::SeqCst).to_be_bytes())
        {
            return Ok(None);
        }
        self.seal(KeyScope::Hub, place, &plain).map(Some)
    }

    fn blind_index(&self, kind: IndexKind, value: &[u8]) -> BlindIndex {
        let digest = Sha256::new()
            .chain_update(b"index")
            .chain_update(self.seed.to_be_bytes())
            .chain_update(kind.as_str())
            .chain_update([0])
            .chain_update(value)
            .finalize();
        BlindIndex::from_bytes(digest.into())
    }
}

fn refused() -> PortError {
    PortError::new(PortErrorKind::Rejected, "vault.open").with_code("does_not_open")
}

fn subject_bound(reporter: ReporterId) -> Vec<u8> {
    [b"subject key of ".as_slice(), reporter.as_uuid().as_bytes()].concat()
}

fn bound(scope: KeyScope<'_>, place: Place) -> Vec<u8> {
    let owner = match scope {
        KeyScope::Hub => String::from("hub"),
        KeyScope::Subject(reporter, _) => reporter.to_string(),
    };
    format!("{owner}/{}/{}/{}", place.table, place.column, place.row).into_bytes()
}

fn tag(key: &[u8; 32], bound: &[u8], body: &[u8]) -> [u8; TAG_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&(bound.len() as u64).to_be_bytes());
    mac.update(bound);
    mac.update(body);
    mac.finalize().into_bytes().into()
}

/// `text` under a stream of digests: the same call hides and shows.
fn keystream(key: &[u8; 32], nonce: u64, text: &[u8]) -> Vec<u8> {
    let block = |number: usize| {
        Sha256::new()
            .chain_update(key)
            .chain_update(nonce.to_be_bytes())
            .chain_update((number as u64).to_be_bytes())
            .finalize()
    };
    text.chunks(32)
        .enumerate()
        .flat_map(|(number, part)| {
            part.iter()
                .zip(block(number))
                .map(|(byte, mask)| byte ^ mask)
                .collect::<Vec<u8>>()
        })
        .collect()
}
