//! Sealing of what belongs to a person, under that person's key, bound to the place where it is kept.

use zeroize::Zeroizing;

use crate::{
    domain::{Reporter, Sealed, SubjectKey, Ticket},
    logic::scrub::Placeholders,
    ports::{KeyScope, Place, PortError, PortErrorKind, Vault},
};

use uuid::Uuid;

/// The places where sealed values live.
pub(crate) mod place {
    use super::{Place, Uuid};

    pub(crate) const fn of(table: &'static str, column: &'static str, row: Uuid) -> Place {
        Place { table, column, row }
    }
}

/// Seals under a reporter's key.
///
/// # Errors
/// `Rejected` for an erased reporter: nothing new is kept of them.
pub(crate) fn seal(vault: &dyn Vault, reporter: &Reporter, at: Place, plain: &[u8]) -> Result<Sealed, PortError> {
    vault.seal(scope(reporter, "vault.seal")?, at, plain)
}

/// Opens what was sealed under a reporter's key; `None` once the reporter is erased.
pub(crate) fn open(
    vault: &dyn Vault,
    reporter: &Reporter,
    at: Place,
    sealed: &Sealed,
) -> Result<Option<Zeroizing<String>>, PortError> {
    let Some(bytes) = open_bytes(vault, reporter, at, sealed)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes.to_vec())
        .map_err(|_| PortError::new(PortErrorKind::Rejected, "vault.open").with_code("not_text"))?;
    Ok(Some(Zeroizing::new(text)))
}

/// The same for what is no text.
pub(crate) fn open_bytes(
    vault: &dyn Vault,
    reporter: &Reporter,
    at: Place,
    sealed: &Sealed,
) -> Result<Option<Zeroizing<Vec<u8>>>, PortError> {
    let Some(key) = &reporter.key else { return Ok(None) };
    vault.open(KeyScope::Subject(reporter.id, key), at, sealed).map(Some)
}

/// What the placeholders of a ticket stand for; nothing once the reporter is erased.
pub(crate) fn open_placeholders(
    vault: &dyn Vault,
    ticket: &Ticket,
    reporter: &Reporter,
) -> Result<Placeholders, PortError> {
    let Some(sealed) = &ticket.placeholders else {
        return Ok(Placeholders::default());
    };
    let at = place::of("tickets", "placeholders", *ticket.id.as_uuid());
    let Some(json) = open(vault, reporter, at, sealed)? else {
        return Ok(Placeholders::default());
    };
    serde_json::from_str(&json).map_err(|error| {
        // The error's text could quote what it read.
        PortError::new(PortErrorKind::Rejected, "ticket.placeholders").with_reason(format!("{:?}", error.classify()))
    })
}

fn scope<'a>(reporter: &'a Reporter, operation: &'static str) -> Result<KeyScope<'a>, PortError> {
    let key: &SubjectKey = reporter
        .key
        .as_ref()
        .ok_or_else(|| PortError::new(PortErrorKind::Rejected, operation).with_code("reporter_erased"))?;
    Ok(KeyScope::Subject(reporter.id, key))
}
