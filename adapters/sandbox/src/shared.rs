//! State that several requests change.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A mutex for short, panic-free critical sections: a poisoned one is used on, since each change is complete in itself.
#[derive(Debug, Default)]
pub(crate) struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Never held over an await.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
