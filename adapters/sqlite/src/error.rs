//! What a failure of SQLite means for the caller: the only place that knows its result codes.

use std::{fmt, path::PathBuf, sync::Arc};

use feedback_core::ports::{PortError, PortErrorKind};
use rusqlite::ffi;

/// Why a store could not be opened. The host turns it into an exit code: [`OpenError::Locked`] is 75 (try again later),
/// [`OpenError::Corrupt`] and [`OpenError::Foreign`] are 65 (the data is wrong), the others 74 (input or output).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has the file.
    #[error("{} is held by process {}", path.display(), pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string()))]
    Locked {
        /// The database.
        path: PathBuf,
        /// Who holds it, where it could be read.
        pid: Option<u32>,
    },
    /// The file is damaged or cut short. Nothing was written to it: restore a backup over it.
    #[error("{} is damaged ({reason}): nothing was changed; move it away and restore a backup", path.display())]
    Corrupt {
        /// The database.
        path: PathBuf,
        /// What is wrong with it, in SQLite's words.
        reason: String,
    },
    /// The file is a database of another program, or of a newer version of this one. Nothing was written to it.
    #[error("{} was not written by this version of the hub ({reason})", path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
        /// How it can be told.
        reason: String,
    },
    /// The file, its folder or its lock could not be read or written.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A failed statement or commit. It is told to every caller whose commit was folded into the same transaction, so it
/// can be cloned.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) kind: PortErrorKind,
    pub(crate) code: &'static str,
    pub(crate) about: Option<&'static str>,
    /// The file cannot be trusted any more: what the operating system failed to sync may be gone, and asking it again
    /// says "fine" without writing.
    pub(crate) is_fatal: bool,
    source: Option<Arc<rusqlite::Error>>,
}

impl Failure {
    pub(crate) const fn new(kind: PortErrorKind, code: &'static str) -> Self {
        Self {
            kind,
            code,
            about: None,
            is_fatal: false,
            source: None,
        }
    }

    pub(crate) const fn conflict(code: &'static str, about: &'static str) -> Self {
        Self {
            kind: PortErrorKind::Conflict,
            code,
            about: Some(about),
            is_fatal: false,
            source: None,
        }
    }

    pub(crate) const fn missing(about: &'static str) -> Self {
        Self {
            kind: PortErrorKind::NotFound,
            code: "missing",
            about: Some(about),
            is_fatal: false,
            source: None,
        }
    }

    pub(crate) const fn about(mut self, what: &'static str) -> Self {
        self.about = Some(what);
        self
    }

    pub(crate) fn into_port(self, operation: &'static str) -> PortError {
        let mut error = PortError::new(self.kind, operation).with_code(self.code);
        if let Some(about) = self.about {
            error = error.with_reason(about);
        }
        match self.source {
            Some(source) => error.with_source(Underneath(source)),
            None => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let (kind, code, is_fatal) = match &error {
            rusqlite::Error::SqliteFailure(failure, _) => meaning(failure.extended_code),
            rusqlite::Error::SqlInputError { error, .. } => meaning(error.extended_code),
            // A row that does not read as it was written: another program, or a damaged file.
            _ => (PortErrorKind::Unavailable, "unreadable_row", false),
        };
        Self {
            kind,
            code,
            about: None,
            is_fatal,
            source: Some(Arc::new(error)),
        }
    }
}

fn meaning(extended: i32) -> (PortErrorKind, &'static str, bool) {
    use PortErrorKind::{Conflict, NotFound, Rejected, Unavailable};
    match extended {
        // A trigger refuses nothing but a second event of the same id.
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID
        | ffi::SQLITE_CONSTRAINT_TRIGGER => (Conflict, "taken", false),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => (NotFound, "missing", false),
        ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC => (Unavailable, "storage_broken", true),
        _ => match extended & 0xff {
            ffi::SQLITE_CONSTRAINT | ffi::SQLITE_TOOBIG | ffi::SQLITE_MISMATCH => (Rejected, "constraint", false),
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => (Unavailable, "busy", false),
            ffi::SQLITE_FULL => (Unavailable, "storage_full", false),
            ffi::SQLITE_INTERRUPT => (Unavailable, "timeout", false),
            ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => (Unavailable, "storage_corrupt", true),
            ffi::SQLITE_IOERR => (Unavailable, "storage_io", false),
            _ => (Unavailable, "storage", false),
        },
    }
}

/// SQLite's own error for the log at the boundary: its code and the names of columns, never a value.
struct Underneath(Arc<rusqlite::Error>);

impl fmt::Display for Underneath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_ref() {
            rusqlite::Error::SqliteFailure(failure, message) => {
                write!(f, "SQLite code {}", failure.extended_code)?;
                // "UNIQUE constraint failed: tickets.id": names of columns. Other messages may quote what was bound.
                match message {
                    Some(message) if message.contains("constraint failed: ") => write!(f, ": {message}"),
                    _ => Ok(()),
                }
            }
            rusqlite::Error::InvalidColumnType(_, name, kind) => write!(f, "column {name} holds {kind}"),
            rusqlite::Error::FromSqlConversionFailure(_, _, inner) if inner.is::<Unreadable>() => inner.fmt(f),
            rusqlite::Error::SqlInputError { error, .. } => write!(f, "SQLite code {}", error.extended_code),
            _ => f.write_str("statement or row does not fit"),
        }
    }
}

impl fmt::Debug for Underneath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Underneath {}

/// A column does not hold what the hub writes there.
#[derive(Debug, thiserror::Error)]
#[error("column {0} does not hold what the hub writes there")]
pub(crate) struct Unreadable(pub(crate) &'static str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_sync_is_fatal_and_a_full_disk_is_not() {
        assert_eq!(
            meaning(ffi::SQLITE_IOERR_FSYNC),
            (PortErrorKind::Unavailable, "storage_broken", true)
        );
        assert_eq!(
            meaning(ffi::SQLITE_FULL),
            (PortErrorKind::Unavailable, "storage_full", false)
        );
        assert_eq!(
            meaning(ffi::SQLITE_IOERR_WRITE),
            (PortErrorKind::Unavailable, "storage_io", false)
        );
        assert_eq!(
            meaning(ffi::SQLITE_BUSY_SNAPSHOT),
            (PortErrorKind::Unavailable, "busy", false)
        );
        assert_eq!(
            meaning(ffi::SQLITE_CONSTRAINT_CHECK),
            (PortErrorKind::Rejected, "constraint", false)
        );
    }
}
