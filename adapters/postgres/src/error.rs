//! What a failure of PostgreSQL means for the caller: the only place that knows its codes.

use std::{fmt, sync::Arc};

use feedback_core::ports::{PortError, PortErrorKind};

/// Why a store could not be connected or migrated. The host turns it into an exit code: [`OpenError::Foreign`] is 65 (the
/// data is wrong), [`OpenError::Invalid`] is 78 (configuration), [`OpenError::Unreachable`] is 69 (try again when the
/// server is up).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The configuration cannot be used.
    #[error("the database address cannot be used: {0}")]
    Invalid(&'static str),
    /// The server did not answer, or refused us.
    #[error("could not {action} the database ({code})")]
    Unreachable {
        /// What was being done.
        action: &'static str,
        /// The server's code, or ours where it did not answer.
        code: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The schema is another program's, or of a newer version of this one. Nothing was written to it.
    #[error("the database was not written by this version of the hub ({reason})")]
    Foreign {
        /// How it can be told.
        reason: String,
    },
    /// The window of duplicates is to be searched by the server's extension pgvector, which is not there.
    #[error("pgvector cannot be used: {0}")]
    NoPgvector(&'static str),
}

impl OpenError {
    pub(crate) fn unreachable(action: &'static str, failure: &Failure) -> Self {
        let source: Box<dyn std::error::Error + Send + Sync> = match &failure.source {
            Some(source) => Box::new(Underneath(Arc::clone(source))),
            None => failure.code.into(),
        };
        let state = failure.source.as_deref().and_then(sql_state);
        Self::Unreachable {
            action,
            code: state.unwrap_or_else(|| failure.code.to_owned()),
            source,
        }
    }
}

/// What became of the connection and its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The connection can be used; what failed is undone to its savepoint.
    Stands,
    /// The transaction lost against another: it may be tried again whole.
    Clashed,
    /// The connection is gone, or leads to a server that cannot be written.
    Lost,
}

/// A failed statement or commit. It is told to every caller whose change was folded into the same transaction, so it can
/// be cloned.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) kind: PortErrorKind,
    pub(crate) code: &'static str,
    pub(crate) about: Option<&'static str>,
    pub(crate) fate: Fate,
    source: Option<Arc<sqlx::Error>>,
}

impl Failure {
    pub(crate) const fn new(kind: PortErrorKind, code: &'static str) -> Self {
        Self {
            kind,
            code,
            about: None,
            fate: Fate::Stands,
            source: None,
        }
    }

    pub(crate) const fn conflict(code: &'static str, about: &'static str) -> Self {
        Self::new(PortErrorKind::Conflict, code).about(about)
    }

    pub(crate) const fn missing(about: &'static str) -> Self {
        Self::new(PortErrorKind::NotFound, "missing").about(about)
    }

    /// The server did not answer in time: nobody knows where its answer would belong, so the connection goes.
    pub(crate) const fn silence() -> Self {
        let mut failure = Self::new(PortErrorKind::Unavailable, "timeout");
        failure.fate = Fate::Lost;
        failure
    }

    pub(crate) const fn about(mut self, what: &'static str) -> Self {
        self.about = Some(what);
        self
    }

    /// The same failure after the commit was sent: it may have happened.
    pub(crate) fn in_doubt(mut self) -> Self {
        self.kind = PortErrorKind::Unknown;
        self.code = "commit_in_doubt";
        self
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.fate == Fate::Lost
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

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("about", &self.about)
            .field("fate", &self.fate)
            .finish_non_exhaustive()
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let (kind, code, fate) = meaning(&error);
        Self {
            kind,
            code,
            about: None,
            fate,
            source: Some(Arc::new(error)),
        }
    }
}

fn meaning(error: &sqlx::Error) -> (PortErrorKind, &'static str, Fate) {
    use PortErrorKind::Unavailable;
    match error {
        sqlx::Error::Database(error) => meaning_of(error.code().as_deref().unwrap_or_default()),
        sqlx::Error::PoolTimedOut => (Unavailable, "overloaded", Fate::Stands),
        sqlx::Error::PoolClosed => (Unavailable, "closed", Fate::Lost),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            (Unavailable, "connection", Fate::Lost)
        }
        // A row that does not read as it was written: another program, or a damaged database.
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            (Unavailable, "unreadable_row", Fate::Stands)
        }
        _ => (Unavailable, "storage", Fate::Lost),
    }
}

/// By SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn meaning_of(state: &str) -> (PortErrorKind, &'static str, Fate) {
    use PortErrorKind::{Conflict, NotFound, Rejected, Unavailable};
    match state {
        "23505" => (Conflict, "taken", Fate::Stands),
        "23503" => (NotFound, "missing", Fate::Stands),
        "40001" | "40P01" => (Unavailable, "clash", Fate::Clashed),
        "57014" => (Unavailable, "timeout", Fate::Stands),
        "55P03" => (Unavailable, "busy", Fate::Stands),
        "53100" => (Unavailable, "storage_full", Fate::Stands),
        "53200" => (Unavailable, "out_of_memory", Fate::Stands),
        "53300" => (Unavailable, "too_many_connections", Fate::Lost),
        // A server that was failed over from: the next connection may lead to the one that took over.
        "25006" => (Unavailable, "read_only", Fate::Lost),
        "25P03" => (Unavailable, "timeout", Fate::Lost),
        "3D000" => (Unavailable, "no_database", Fate::Lost),
        "3F000" | "42P01" | "42703" => (Unavailable, "schema_missing", Fate::Stands),
        "42501" => (Unavailable, "not_permitted", Fate::Stands),
        _ => match state.get(..2) {
            Some("22" | "23" | "54") => (Rejected, "constraint", Fate::Stands),
            Some("57" | "08") => (Unavailable, "connection", Fate::Lost),
            Some("28") => (Unavailable, "not_authorized", Fate::Lost),
            Some("58" | "XX") => (Unavailable, "storage_io", Fate::Lost),
            _ => (Unavailable, "storage", Fate::Lost),
        },
    }
}

fn sql_state(error: &sqlx::Error) -> Option<String> {
    let code = error.as_database_error()?.code()?;
    Some(code.into_owned())
}

/// PostgreSQL's own error for the log at the boundary: its code and the names of constraint and table, never a message,
/// which may quote what was bound.
struct Underneath(Arc<sqlx::Error>);

impl fmt::Display for Underneath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_ref() {
            sqlx::Error::Database(error) => {
                write!(f, "SQLSTATE {}", error.code().as_deref().unwrap_or("unknown"))?;
                match error.constraint().or_else(|| error.table()) {
                    Some(name) => write!(f, ": {name}"),
                    None => Ok(()),
                }
            }
            sqlx::Error::Io(error) => write!(f, "connection: {}", error.kind()),
            sqlx::Error::Tls(_) => f.write_str("TLS could not be set up"),
            sqlx::Error::PoolTimedOut => f.write_str("no connection became free in time"),
            sqlx::Error::ColumnNotFound(name) => write!(f, "there is no column {name}"),
            sqlx::Error::ColumnDecode { index, source } if source.is::<Unreadable>() => write!(f, "{source} ({index})"),
            sqlx::Error::ColumnDecode { index, .. } => write!(f, "column {index} has another type"),
            sqlx::Error::Decode(source) if source.is::<Unreadable>() => source.fmt(f),
            _ => f.write_str("connection or statement failed"),
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
    fn what_may_be_repeated_and_what_needs_a_new_connection_is_told_apart() {
        let fate = |state| meaning_of(state).2;
        assert_eq!(fate("40P01"), Fate::Clashed);
        assert_eq!(fate("40001"), Fate::Clashed);
        assert_eq!(fate("25006"), Fate::Lost);
        assert_eq!(fate("57P01"), Fate::Lost);
        assert_eq!(fate("57014"), Fate::Stands);
        assert_eq!(fate("23505"), Fate::Stands);
    }

    #[test]
    fn no_kind_says_that_it_happened() {
        for state in ["57P01", "08006", "53100", "XX000", "99999", ""] {
            assert_eq!(meaning_of(state).0, PortErrorKind::Unavailable, "{state}");
        }
        assert_eq!(meaning_of("22021").0, PortErrorKind::Rejected);
    }
}
