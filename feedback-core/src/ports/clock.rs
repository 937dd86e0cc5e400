use std::{fmt, sync::Arc};

use crate::domain::Timestamp;

/// Now. The only source of it: rules take `now` as a value, use cases ask once.
///
/// # What an implementer guarantees
/// - *Honest:* UTC wall time; it may jump with the host's clock, and callers cope.
/// - *Fast:* no I/O, no lock held across calls.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}
