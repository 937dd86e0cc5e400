use std::{fmt, sync::Arc};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::PortError;
use crate::domain::{BlindIndex, ReporterId, Sealed, SubjectKey};

/// Under which key something is sealed.
#[derive(Debug, Clone, Copy)]
pub enum KeyScope<'a> {
    /// The hub's own: what belongs to no person, such as a delivery that could not be read.
    Hub,
    /// A reporter's: destroying the key erases it.
    Subject(ReporterId, &'a SubjectKey),
}

/// Where a sealed value lives. It is authenticated with the value, so that a ciphertext moved to another column or
/// row does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// Id of the row.
    pub row: Uuid,
}

/// What a blind index is over: equal values of two kinds have different indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IndexKind {
    /// A folded email address.
    Email,
    /// Phone digits.
    Phone,
    /// Channel, connection and external user id.
    Identity,
    /// A message's body, for telling a repeat from a conflict.
    Body,
}

impl IndexKind {
    /// The name that goes into the digest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Identity => "identity",
            Self::Body => "body",
        }
    }
}

/// Keeps originals readable by the hub alone.
///
/// Synchronous: sealing is arithmetic on keys in memory. A key service is asked when the ring is loaded, not for each
/// value, since an intake that waits for a network inside its commit would lose Slack's three seconds.
///
/// # What an implementer guarantees
/// - *Sealed:* nothing of the plain text can be told from a [`Sealed`] but its approximate length; the same text twice
///   gives different bytes.
/// - *Bound:* a sealed value opens only under the scope and the place that it was sealed for; else `Rejected`.
/// - *Erasable:* without a reporter's [`SubjectKey`] nothing sealed under it opens.
/// - *Rotating:* values sealed under every key still in the ring open; new ones use the newest.
/// - *Blind:* an index is deterministic for kind and value, keyed, and independent of the sealing keys' rotation.
/// - *Silent:* no key and no plain text in errors or `Debug`.
///
/// Prove it with [`testing::conformance::vault`](crate::testing::conformance::vault).
pub trait Vault: fmt::Debug + Send + Sync + 'static {
    /// A new key for a reporter, wrapped by the ring and bound to the reporter.
    ///
    /// # Errors
    /// `Unavailable` if the operating system gives no randomness.
    fn new_subject_key(&self, subject: ReporterId) -> Result<SubjectKey, PortError>;

    /// Seals `plain` for one place.
    ///
    /// # Errors
    /// `Rejected` if the subject key is not of this ring or reporter; `Unavailable` without randomness.
    fn seal(&self, scope: KeyScope<'_>, place: Place, plain: &[u8]) -> Result<Sealed, PortError>;

    /// Opens what was sealed for the same scope and place.
    ///
    /// # Errors
    /// `Rejected` for another scope or place, an unknown key, or bytes that were changed.
    fn open(&self, scope: KeyScope<'_>, place: Place, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, PortError>;

    /// The same reporter's key under the newest key of the ring; `None` where it is under that already. What it sealed
    /// stays as it is and opens as before.
    ///
    /// # Errors
    /// `Rejected` if the key is not of this ring or reporter.
    fn rewrap(&self, subject: ReporterId, key: &SubjectKey) -> Result<Option<SubjectKey>, PortError>;

    /// A value of the hub's own under the newest key of the ring; `None` where it is under that already.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn reseal(&self, place: Place, sealed: &Sealed) -> Result<Option<Sealed>, PortError>;

    /// The look-up digest of a value.
    fn blind_index(&self, kind: IndexKind, value: &[u8]) -> BlindIndex;
}

impl<T: Vault + ?Sized> Vault for Arc<T> {
    fn new_subject_key(&self, subject: ReporterId) -> Result<SubjectKey, PortError> {
        (**self).new_subject_key(subject)
    }

    fn seal(&self, scope: KeyScope<'_>, place: Place, plain: &[u8]) -> Result<Sealed, PortError> {
        (**self).seal(scope, place, plain)
    }

    fn open(&self, scope: KeyScope<'_>, place: Place, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, PortError> {
        (**self).open(scope, place, sealed)
    }

    fn rewrap(&self, subject: ReporterId, key: &SubjectKey) -> Result<Option<SubjectKey>, PortError> {
        (**self).rewrap(subject, key)
    }

    fn reseal(&self, place: Place, sealed: &Sealed) -> Result<Option<Sealed>, PortError> {
        (**self).reseal(place, sealed)
    }

    fn blind_index(&self, kind: IndexKind, value: &[u8]) -> BlindIndex {
        (**self).blind_index(kind, value)
    }
}
