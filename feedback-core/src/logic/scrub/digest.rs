//! Words as numbers: one digest, computed while a word is cut, opens every list.

/// A digest that is not finished.
#[derive(Debug, Clone, Copy)]
pub(super) struct Digesting(u64);

impl Digesting {
    /// No letter yet.
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// One letter more (FNV-1a).
    pub(super) const fn with(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x100_0000_01b3))
    }

    /// Spreads it over all bits: the data is ours, so nobody can choose colliding words.
    pub(super) const fn finish(self) -> u64 {
        (self.0 ^ (self.0 >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// The digest of a folded word.
pub(super) fn digest(word: &[u8]) -> u64 {
    word.iter()
        .fold(Digesting::new(), |digest, &byte| digest.with(byte))
        .finish()
}

/// A map from digests, open-addressed and at most half full: a word that is not in it costs one look.
#[derive(Debug, Clone)]
pub(super) struct ByDigest<V> {
    slots: Vec<Option<(u64, V)>>,
    used: usize,
}

impl<V> Default for ByDigest<V> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            used: 0,
        }
    }
}

impl<V: Default> ByDigest<V> {
    /// What the digest stands for.
    pub(super) fn get(&self, digest: u64) -> Option<&V> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.first(digest);
        while let Some((stored, value)) = &self.slots[at] {
            if *stored == digest {
                return Some(value);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        None
    }

    /// What the digest stands for; the default where it is new.
    pub(super) fn entry(&mut self, digest: u64) -> &mut V {
        if (self.used + 1) * 2 > self.slots.len() {
            let old = std::mem::take(&mut self.slots);
            self.slots.resize_with((old.len() * 2).max(16), || None);
            for (digest, value) in old.into_iter().flatten() {
                let at = self.position(digest);
                self.slots[at] = Some((digest, value));
            }
        }
        let at = self.position(digest);
        let slot = &mut self.slots[at];
        self.used += usize::from(slot.is_none());
        &mut slot.get_or_insert_with(|| (digest, V::default())).1
    }

    fn first(&self, digest: u64) -> usize {
        (digest >> 32) as usize & (self.slots.len() - 1)
    }

    /// Where the digest is, or would be.
    fn position(&self, digest: u64) -> usize {
        let mut at = self.first(digest);
        while self.slots[at].as_ref().is_some_and(|(stored, _)| *stored != digest) {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_entered_is_found() {
        let mut map: ByDigest<u32> = ByDigest::default();
        assert_eq!(map.get(digest(b"ana")), None);
        for number in 0..1_000_u32 {
            *map.entry(digest(&number.to_le_bytes())) = number;
        }
        assert!((0..1_000_u32).all(|number| map.get(digest(&number.to_le_bytes())) == Some(&number)));
        assert_eq!(map.get(digest(b"ana")), None);
    }
}
