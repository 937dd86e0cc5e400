//! The port: which key and which binding serve which scope.

use feedback_core::{
    domain::{BlindIndex, ReporterId, Sealed, SubjectKey},
    ports::{IndexKind, KeyScope, Place, PortError, PortErrorKind, Vault},
};
use zeroize::Zeroizing;

use crate::{
    blind_index::blind_index,
    key_ring::{KEY_BYTES, Key, KeyRing},
    seal::{self, Content, Envelope, SealError},
};

/// A [`Vault`] over keys in memory. Each value is sealed by itself: no state, no lock, no I/O.
#[derive(Debug)]
pub struct RingVault {
    ring: KeyRing,
}

impl RingVault {
    /// A vault over a ring that was found good.
    pub fn new(ring: KeyRing) -> Self {
        Self { ring }
    }

    /// The ring, for what a host tells its operator: which ids it holds, and whether the index has a key of its own.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    fn is_newest(&self, content: Content, bytes: &[u8]) -> bool {
        Envelope::read(content, bytes).is_ok_and(|found| found.key_id == self.ring.newest_id())
    }

    fn wrap(&self, subject: ReporterId, key: &Key) -> Result<SubjectKey, SealError> {
        let binding: [&[u8]; 1] = [subject.as_uuid().as_bytes()];
        seal::seal(Content::SubjectKey, self.ring.newest(), &binding, key.as_slice()).map(SubjectKey::from_bytes)
    }

    fn unwrap_key(&self, subject: ReporterId, wrapped: &SubjectKey) -> Result<Key, SealError> {
        let envelope = Envelope::read(Content::SubjectKey, wrapped.as_bytes())?;
        let ring_key = self.ring.sealing_key(envelope.key_id).ok_or(SealError::UnknownKey)?;
        let plain = seal::open(&envelope, ring_key, &[subject.as_uuid().as_bytes()])?;
        let key = <[u8; KEY_BYTES]>::try_from(plain.as_slice()).map_err(|_| SealError::NotAnEnvelope)?;
        Ok(Zeroizing::new(key))
    }

    fn seal_for(&self, scope: KeyScope<'_>, place: Place, plain: &[u8]) -> Result<Sealed, SealError> {
        let bytes = match scope {
            KeyScope::Hub => seal::seal(Content::HubValue, self.ring.newest(), &bound_to(&place, &[]), plain),
            KeyScope::Subject(subject, wrapped) => {
                let key = self.unwrap_key(subject, wrapped)?;
                let binding = bound_to(&place, subject.as_uuid().as_bytes());
                seal::seal(Content::SubjectValue, ("", &key), &binding, plain)
            }
        };
        bytes.map(Sealed::from_bytes)
    }

    fn open_from(&self, scope: KeyScope<'_>, place: Place, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        match scope {
            KeyScope::Hub => {
                let envelope = Envelope::read(Content::HubValue, sealed.as_bytes())?;
                let key = self.ring.sealing_key(envelope.key_id).ok_or(SealError::UnknownKey)?;
                seal::open(&envelope, key, &bound_to(&place, &[]))
            }
            KeyScope::Subject(subject, wrapped) => {
                let envelope = Envelope::read(Content::SubjectValue, sealed.as_bytes())?;
                let key = self.unwrap_key(subject, wrapped)?;
                seal::open(&envelope, &key, &bound_to(&place, subject.as_uuid().as_bytes()))
            }
        }
    }
}

impl Vault for RingVault {
    fn new_subject_key(&self, subject: ReporterId) -> Result<SubjectKey, PortError> {
        let failed = |error| port_error("vault.new_subject_key", error);
        let key = Zeroizing::new(seal::draw::<KEY_BYTES>().map_err(failed)?);
        self.wrap(subject, &key).map_err(failed)
    }

    fn seal(&self, scope: KeyScope<'_>, place: Place, plain: &[u8]) -> Result<Sealed, PortError> {
        self.seal_for(scope, place, plain)
            .map_err(|error| port_error("vault.seal", error))
    }

    fn open(&self, scope: KeyScope<'_>, place: Place, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, PortError> {
        self.open_from(scope, place, sealed)
            .map_err(|error| port_error("vault.open", error))
    }

    fn rewrap(&self, subject: ReporterId, key: &SubjectKey) -> Result<Option<SubjectKey>, PortError> {
        let failed = |error| port_error("vault.rewrap", error);
        let plain = self.unwrap_key(subject, key).map_err(failed)?;
        if self.is_newest(Content::SubjectKey, key.as_bytes()) {
            return Ok(None);
        }
        self.wrap(subject, &plain).map(Some).map_err(failed)
    }

    fn reseal(&self, place: Place, sealed: &Sealed) -> Result<Option<Sealed>, PortError> {
        let failed = |error| port_error("vault.reseal", error);
        let plain = self.open_from(KeyScope::Hub, place, sealed).map_err(failed)?;
        if self.is_newest(Content::HubValue, sealed.as_bytes()) {
            return Ok(None);
        }
        self.seal_for(KeyScope::Hub, place, &plain).map(Some).map_err(failed)
    }

    fn blind_index(&self, kind: IndexKind, value: &[u8]) -> BlindIndex {
        blind_index(self.ring.index_key(), kind, value)
    }
}

/// A place and a reporter (empty for the hub), as parts of the associated data.
fn bound_to<'a>(place: &'a Place, subject: &'a [u8]) -> [&'a [u8]; 4] {
    [
        place.table.as_bytes(),
        place.column.as_bytes(),
        place.row.as_bytes(),
        subject,
    ]
}

fn port_error(operation: &'static str, error: SealError) -> PortError {
    let kind = match error {
        SealError::NoRandomness => PortErrorKind::Unavailable,
        SealError::NotAnEnvelope | SealError::UnknownKey | SealError::NotAuthentic | SealError::TooLong => {
            PortErrorKind::Rejected
        }
    };
    PortError::new(kind, operation).with_reason(error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::key_ring::tests::ring;

    const ANA: ReporterId = ReporterId::from_uuid(Uuid::from_u128(1));
    const BEA: ReporterId = ReporterId::from_uuid(Uuid::from_u128(2));

    fn place(column: &'static str, row: u128) -> Place {
        Place {
            table: "ticket_sources",
            column,
            row: Uuid::from_u128(row),
        }
    }

    fn rejected<T: std::fmt::Debug>(result: Result<T, PortError>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Rejected);
        error.to_string()
    }

    #[test]
    fn swapped_ciphertexts_do_not_open() {
        let vault = RingVault::new(ring(&["a"]));
        let (ana, bea) = (vault.new_subject_key(ANA).unwrap(), vault.new_subject_key(BEA).unwrap());
        let sealed = vault
            .seal(KeyScope::Subject(ANA, &ana), place("body", 1), b"text")
            .unwrap();
        let hub = vault.seal(KeyScope::Hub, place("body", 1), b"text").unwrap();
        for (scope, at, what) in [
            (KeyScope::Subject(ANA, &ana), place("body", 2), &sealed),
            (KeyScope::Subject(ANA, &ana), place("raw", 1), &sealed),
            (KeyScope::Subject(BEA, &bea), place("body", 1), &sealed),
            (KeyScope::Subject(BEA, &ana), place("body", 1), &sealed),
            (KeyScope::Subject(ANA, &bea), place("body", 1), &sealed),
            (KeyScope::Hub, place("body", 1), &sealed),
            (KeyScope::Subject(ANA, &ana), place("body", 1), &hub),
            (KeyScope::Hub, place("body", 2), &hub),
        ] {
            rejected(vault.open(scope, at, what));
        }
        assert_eq!(
            *vault
                .open(KeyScope::Subject(ANA, &ana), place("body", 1), &sealed)
                .unwrap(),
            b"text"
        );
    }

    #[test]
    fn a_key_of_another_reporter_seals_nothing_either() {
        let vault = RingVault::new(ring(&["a"]));
        let ana = vault.new_subject_key(ANA).unwrap();
        rejected(vault.seal(KeyScope::Subject(BEA, &ana), place("body", 1), b"text"));
        rejected(vault.seal(
            KeyScope::Subject(ANA, &SubjectKey::from_bytes(vec![])),
            place("body", 1),
            b"text",
        ));
    }

    #[test]
    fn after_a_rotation_old_values_open_and_new_ones_use_the_new_key() {
        let before = RingVault::new(ring(&["a"]));
        let key = before.new_subject_key(ANA).unwrap();
        let sealed = before
            .seal(KeyScope::Subject(ANA, &key), place("body", 1), b"text")
            .unwrap();
        let hub = before.seal(KeyScope::Hub, place("raw", 1), b"raw").unwrap();

        let both = RingVault::new(ring(&["b", "a"]));
        assert_eq!(
            *both
                .open(KeyScope::Subject(ANA, &key), place("body", 1), &sealed)
                .unwrap(),
            b"text"
        );
        assert_eq!(*both.open(KeyScope::Hub, place("raw", 1), &hub).unwrap(), b"raw");
        let moved = both.rewrap(ANA, &key).unwrap().unwrap();
        assert_eq!(both.rewrap(ANA, &moved).unwrap(), None);
        let resealed = both.reseal(place("raw", 1), &hub).unwrap().unwrap();
        rejected(both.rewrap(BEA, &key));

        let after = RingVault::new(ring(&["b"]));
        assert_eq!(
            *after
                .open(KeyScope::Subject(ANA, &moved), place("body", 1), &sealed)
                .unwrap(),
            b"text"
        );
        assert!(
            rejected(after.open(KeyScope::Subject(ANA, &key), place("body", 1), &sealed)).contains("not in the ring")
        );
        assert!(rejected(after.open(KeyScope::Hub, place("raw", 1), &hub)).contains("not in the ring"));
        assert_eq!(*after.open(KeyScope::Hub, place("raw", 1), &resealed).unwrap(), b"raw");
    }

    #[test]
    fn an_erased_reporter_stays_erased_under_a_key_made_anew() {
        let vault = RingVault::new(ring(&["a"]));
        let first = vault.new_subject_key(ANA).unwrap();
        let sealed = vault
            .seal(KeyScope::Subject(ANA, &first), place("body", 1), b"text")
            .unwrap();
        let second = vault.new_subject_key(ANA).unwrap();
        rejected(vault.open(KeyScope::Subject(ANA, &second), place("body", 1), &sealed));
    }

    #[test]
    fn indexes_survive_a_rotation_where_the_index_has_a_key_of_its_own() {
        let before = RingVault::new(ring(&["a", "index"]));
        let after = RingVault::new(ring(&["c", "b", "index"]));
        let index = |vault: &RingVault| vault.blind_index(IndexKind::Email, b"ana@example.test");
        assert_eq!(index(&before), index(&after));
    }

    #[test]
    fn neither_errors_nor_debug_show_text_or_keys() {
        let vault = RingVault::new(ring(&["a"]));
        let error = vault
            .open(
                KeyScope::Hub,
                place("body", 1),
                &Sealed::from_bytes(b"ana@example.test".to_vec()),
            )
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "vault.open was refused: not an envelope of this vault"
        );
        assert_eq!(
            format!("{vault:?}"),
            r#"RingVault { ring: KeyRing { ids: ["a"], .. } }"#
        );
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens_for_its_scope_and_place(plain: Vec<u8>, row: u128) {
            let vault = RingVault::new(ring(&["b", "a"]));
            let key = vault.new_subject_key(ANA).unwrap();
            for scope in [KeyScope::Hub, KeyScope::Subject(ANA, &key)] {
                let sealed = vault.seal(scope, place("body", row), &plain).unwrap();
                let opened = vault.open(scope, place("body", row), &sealed).unwrap();
                prop_assert_eq!(opened.as_slice(), plain.as_slice());
                if plain.len() > 3 {
                    prop_assert!(!sealed.as_bytes().windows(plain.len()).any(|window| window == plain));
                }
            }
        }

        #[test]
        fn any_bytes_as_key_or_value_are_refused_without_a_panic(key: Vec<u8>, value: Vec<u8>) {
            let vault = RingVault::new(ring(&["a"]));
            let (key, value) = (SubjectKey::from_bytes(key), Sealed::from_bytes(value));
            prop_assert!(vault.open(KeyScope::Subject(ANA, &key), place("body", 1), &value).is_err());
            prop_assert!(vault.open(KeyScope::Hub, place("body", 1), &value).is_err());
        }
    }
}
