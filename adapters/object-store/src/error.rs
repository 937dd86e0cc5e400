//! How a store fails, and what that means for us.

use feedback_core::ports::{PortError, PortErrorKind};
use object_store::Error;

/// What a failure of the store means. Its own words hold paths and answers of servers: they stay out, but for the chain of
/// causes of what cannot hold a blob's content.
pub(crate) fn port_error(operation: &'static str, error: Error) -> PortError {
    let (kind, code) = match &error {
        Error::NotFound { .. } => (PortErrorKind::NotFound, None),
        Error::PermissionDenied { .. } => (PortErrorKind::Unauthorized, Some("permission_denied")),
        Error::Unauthenticated { .. } => (PortErrorKind::Unauthorized, Some("unauthenticated")),
        Error::InvalidPath { .. } => (PortErrorKind::Rejected, Some("bad_key")),
        // Full disks, stores that are away and answers that did not come: putting, reading and deleting again are all fine.
        _ => (PortErrorKind::Unavailable, None),
    };
    let failed = PortError::new(kind, operation);
    let failed = match code {
        Some(code) => failed.with_code(code),
        None => failed,
    };
    if kind == PortErrorKind::NotFound {
        failed
    } else {
        failed.with_source(error)
    }
}
