//! The promises of [`Vault`].

use std::process::ExitCode;

use uuid::Uuid;

use super::{Check, checks, run_checks};
use crate::{
    domain::{ReporterId, Sealed},
    ports::{IndexKind, KeyScope, Place, PortError, PortErrorKind, Vault},
};

/// Makes vaults for the checks.
pub trait VaultHarness: Send + Sync + 'static {
    /// The vault under test.
    type Vault: Vault;

    /// A vault with a ring of its own: two of them share no key.
    fn fresh(&self) -> Self::Vault;

    /// A vault whose ring has the keys of `vault` and a newer one.
    fn rotated(&self, vault: &Self::Vault) -> Self::Vault;
}

/// Runs all checks as a test binary.
pub fn run<H: VaultHarness>(harness: H) -> ExitCode {
    run_checks(harness, "vault", checks())
}

/// All checks, for a binary that runs several suites.
pub fn checks<H: VaultHarness>() -> &'static [Check<H>] {
    checks![
        what_is_sealed_opens_for_the_same_scope_and_place,
        the_same_text_twice_gives_different_bytes,
        nothing_of_the_text_is_in_the_bytes,
        only_the_length_shows,
        another_column_table_or_row_does_not_open_it,
        another_person_or_the_hub_does_not_open_it,
        another_key_of_the_same_person_does_not_open_it,
        a_key_of_another_person_is_refused,
        changed_cut_or_foreign_bytes_are_refused,
        another_ring_opens_nothing,
        old_values_open_after_a_rotation_and_new_ones_are_sealed_anew,
        a_rewrapped_key_opens_what_it_sealed_and_is_not_rewrapped_again,
        a_resealed_value_opens_in_its_place_only,
        a_foreign_key_or_value_is_never_rewrapped,
        an_index_is_the_same_for_the_same_kind_and_value_only,
        an_index_outlives_a_rotation_and_depends_on_the_ring,
        debug_and_errors_show_neither_key_nor_text,
    ]
}

const TEXT: &[u8] = b"Ana Example, ana@example.test";

fn place() -> Place {
    Place {
        table: "reporters",
        column: "name",
        row: Uuid::from_u128(11),
    }
}

fn person(number: u128) -> ReporterId {
    ReporterId::from_uuid(Uuid::from_u128(number))
}

fn seal_for_hub(vault: &impl Vault) -> Sealed {
    vault
        .seal(KeyScope::Hub, place(), TEXT)
        .expect("a vault seals for the hub")
}

fn refused<T: std::fmt::Debug>(result: Result<T, PortError>) {
    let error = result.expect_err("it is refused");
    assert_eq!(error.kind(), PortErrorKind::Rejected);
}

fn assert_refused(vault: &impl Vault, scope: KeyScope<'_>, place: Place, sealed: &Sealed) {
    let error = vault.open(scope, place, sealed).expect_err("it does not open");
    assert_eq!(error.kind(), PortErrorKind::Rejected);
}

async fn what_is_sealed_opens_for_the_same_scope_and_place<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    let key = vault.new_subject_key(person(1)).expect("a vault makes keys");
    let large = vec![0xA5; 300_000];
    for scope in [KeyScope::Hub, KeyScope::Subject(person(1), &key)] {
        for text in [TEXT, b"", &large] {
            let sealed = vault.seal(scope, place(), text).expect("a vault seals");
            assert_eq!(vault.open(scope, place(), &sealed).expect("and opens").as_slice(), text);
        }
    }
}

async fn the_same_text_twice_gives_different_bytes<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    assert_ne!(seal_for_hub(&vault), seal_for_hub(&vault));
    let one = vault.new_subject_key(person(1)).expect("a vault makes keys");
    let two = vault.new_subject_key(person(1)).expect("a vault makes keys");
    assert_ne!(one.as_bytes(), two.as_bytes());
}

async fn nothing_of_the_text_is_in_the_bytes<H: VaultHarness>(harness: &H) {
    let sealed = seal_for_hub(&harness.fresh());
    let shows = TEXT
        .windows(4)
        .any(|part| sealed.as_bytes().windows(4).any(|bytes| bytes == part));
    assert!(!shows, "four bytes of the text in a row are in the sealed bytes");
}

async fn only_the_length_shows<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    let length = |text: &[u8]| {
        vault
            .seal(KeyScope::Hub, place(), text)
            .expect("a vault seals")
            .as_bytes()
            .len()
    };
    assert_eq!(length(&[0; 64]), length(&[255; 64]));
}

async fn another_column_table_or_row_does_not_open_it<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    let sealed = seal_for_hub(&vault);
    for elsewhere in [
        Place {
            column: "email",
            ..place()
        },
        Place {
            table: "tickets",
            ..place()
        },
        Place {
            row: Uuid::from_u128(12),
            ..place()
        },
        // The same letters, cut at another place.
        Place {
            table: "reportersn",
            column: "ame",
            ..place()
        },
    ] {
        assert_refused(&vault, KeyScope::Hub, elsewhere, &sealed);
    }
}

async fn another_person_or_the_hub_does_not_open_it<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    let ana = vault.new_subject_key(person(1)).expect("a vault makes keys");
    let ben = vault.new_subject_key(person(2)).expect("a vault makes keys");
    let sealed = vault
        .seal(KeyScope::Subject(person(1), &ana), place(), TEXT)
        .expect("a vault seals");
    assert_refused(&vault, KeyScope::Subject(person(2), &ben), place(), &sealed);
    assert_refused(&vault, KeyScope::Hub, place(), &sealed);
    assert_refused(
        &vault,
        KeyScope::Subject(person(1), &ana),
        place(),
        &seal_for_hub(&vault),
    );
}

async fn another_key_of_the_same_person_does_not_open_it<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    let destroyed = vault.new_subject_key(person(1)).expect("a vault makes keys");
    let sealed = vault
        .seal(KeyScope::Subject(person(1), &destroyed), place(), TEXT)
        .expect("a vault seals");
    let newer = vault.new_subject_key(person(1)).expect("a vault makes keys");
    assert_refused(&vault, KeyScope::Subject(person(1), &newer), place(), &sealed);
}

async fn a_key_of_another_person_is_refused<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    let ana = vault.new_subject_key(person(1)).expect("a vault makes keys");
    let error = vault
        .seal(KeyScope::Subject(person(2), &ana), place(), TEXT)
        .expect_err("a moved key is refused");
    assert_eq!(error.kind(), PortErrorKind::Rejected);
}

async fn changed_cut_or_foreign_bytes_are_refused<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    let good = seal_for_hub(&vault).as_bytes().to_vec();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        assert_refused(&vault, KeyScope::Hub, place(), &Sealed::from_bytes(changed));
    }
    for length in 0..good.len() {
        assert_refused(
            &vault,
            KeyScope::Hub,
            place(),
            &Sealed::from_bytes(good[..length].to_vec()),
        );
    }
    assert_refused(&vault, KeyScope::Hub, place(), &Sealed::from_bytes(vec![0; 200]));
}

async fn another_ring_opens_nothing<H: VaultHarness>(harness: &H) {
    let (ours, theirs) = (harness.fresh(), harness.fresh());
    assert_refused(&theirs, KeyScope::Hub, place(), &seal_for_hub(&ours));
    let key = ours.new_subject_key(person(1)).expect("a vault makes keys");
    let sealed = ours
        .seal(KeyScope::Subject(person(1), &key), place(), TEXT)
        .expect("a vault seals");
    assert_refused(&theirs, KeyScope::Subject(person(1), &key), place(), &sealed);
    assert!(theirs.seal(KeyScope::Subject(person(1), &key), place(), TEXT).is_err());
}

async fn a_rewrapped_key_opens_what_it_sealed_and_is_not_rewrapped_again<H: VaultHarness>(harness: &H) {
    let old = harness.fresh();
    let key = old.new_subject_key(person(1)).expect("a vault makes keys");
    let sealed = old
        .seal(KeyScope::Subject(person(1), &key), place(), TEXT)
        .expect("a vault seals");
    assert_eq!(old.rewrap(person(1), &key).expect("the key is of this ring"), None);
    let new = harness.rotated(&old);
    let moved = new
        .rewrap(person(1), &key)
        .expect("the ring has the old key")
        .expect("under an old key");
    assert_ne!(moved, key);
    assert_eq!(new.rewrap(person(1), &moved).expect("the key is of this ring"), None);
    let opened = new.open(KeyScope::Subject(person(1), &moved), place(), &sealed);
    assert_eq!(opened.expect("it is the same key").as_slice(), TEXT);
}

async fn a_resealed_value_opens_in_its_place_only<H: VaultHarness>(harness: &H) {
    let old = harness.fresh();
    let sealed = seal_for_hub(&old);
    assert_eq!(old.reseal(place(), &sealed).expect("the value is of this ring"), None);
    let new = harness.rotated(&old);
    let moved = new
        .reseal(place(), &sealed)
        .expect("the ring has the old key")
        .expect("under an old key");
    assert_eq!(new.reseal(place(), &moved).expect("the value is of this ring"), None);
    assert_eq!(
        new.open(KeyScope::Hub, place(), &moved).expect("it opens").as_slice(),
        TEXT
    );
    let elsewhere = Place {
        column: "email",
        ..place()
    };
    refused(new.open(KeyScope::Hub, elsewhere, &moved));
}

async fn a_foreign_key_or_value_is_never_rewrapped<H: VaultHarness>(harness: &H) {
    let (ours, other) = (harness.fresh(), harness.fresh());
    let key = other.new_subject_key(person(1)).expect("a vault makes keys");
    refused(ours.rewrap(person(1), &key));
    let key = ours.new_subject_key(person(1)).expect("a vault makes keys");
    refused(ours.rewrap(person(2), &key));
    refused(ours.reseal(place(), &seal_for_hub(&other)));
}

async fn old_values_open_after_a_rotation_and_new_ones_are_sealed_anew<H: VaultHarness>(harness: &H) {
    let old = harness.fresh();
    let key = old.new_subject_key(person(1)).expect("a vault makes keys");
    let subject = KeyScope::Subject(person(1), &key);
    let (for_hub, for_person) = (
        seal_for_hub(&old),
        old.seal(subject, place(), TEXT).expect("a vault seals"),
    );
    let new = harness.rotated(&old);
    assert_eq!(
        new.open(KeyScope::Hub, place(), &for_hub)
            .expect("an old key opens")
            .as_slice(),
        TEXT
    );
    assert_eq!(
        new.open(subject, place(), &for_person)
            .expect("an old key opens")
            .as_slice(),
        TEXT
    );
    assert_eq!(
        new.open(KeyScope::Hub, place(), &seal_for_hub(&new))
            .expect("a new key opens")
            .as_slice(),
        TEXT
    );
    let again = new
        .seal(subject, place(), TEXT)
        .expect("an old person's key still seals");
    assert_eq!(new.open(subject, place(), &again).expect("and opens").as_slice(), TEXT);
}

async fn an_index_is_the_same_for_the_same_kind_and_value_only<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    let email = vault.blind_index(IndexKind::Email, b"ana@example.test");
    assert_eq!(email, vault.blind_index(IndexKind::Email, b"ana@example.test"));
    assert_ne!(email, vault.blind_index(IndexKind::Email, b"ben@example.test"));
    for kind in [IndexKind::Phone, IndexKind::Identity, IndexKind::Body] {
        assert_ne!(email, vault.blind_index(kind, b"ana@example.test"));
    }
}

async fn an_index_outlives_a_rotation_and_depends_on_the_ring<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    let index = |vault: &H::Vault| vault.blind_index(IndexKind::Phone, b"5215550001111");
    assert_eq!(index(&vault), index(&harness.rotated(&vault)));
    assert_ne!(
        index(&vault),
        index(&harness.fresh()),
        "an index without a key can be guessed"
    );
}

async fn debug_and_errors_show_neither_key_nor_text<H: VaultHarness>(harness: &H) {
    let vault = harness.fresh();
    let key = vault.new_subject_key(person(1)).expect("a vault makes keys");
    let error = vault
        .seal(KeyScope::Subject(person(2), &key), place(), TEXT)
        .expect_err("a moved key is refused");
    let shown = format!("{vault:?} {key:?} {error} {error:?} {:?}", seal_for_hub(&vault));
    assert!(
        !shown.contains("ana@example.test") && !shown.contains(&hex::encode(key.as_bytes())),
        "{shown}"
    );
}
