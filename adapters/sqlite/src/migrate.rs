//! The file as it is found at start: whole and ours, or refused untouched; then brought up to date.

use std::{fs, path::Path};

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use crate::{SqliteConfig, error::OpenError, instance_lock::InstanceLock};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// "fbhb", as the first migration writes it.
const APPLICATION_ID: i64 = 0x6662_6862;

/// Looks at the file before anything may write to it.
pub(crate) fn inspect(path: &Path, config: &SqliteConfig, lock: &InstanceLock) -> Result<(), OpenError> {
    let bytes = match fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(OpenError::Io {
                action: "look at",
                path: path.to_owned(),
                source: Box::new(source),
            });
        }
    };
    let corrupt = |reason: String| OpenError::Corrupt {
        path: path.to_owned(),
        reason,
    };
    if bytes == 0 {
        // SQLite takes an empty file for a new database. It is one only where no hub has written to it before.
        return if lock.was_written() {
            Err(corrupt("the file is empty".into()))
        } else {
            Ok(())
        };
    }
    let failed = |error: rusqlite::Error| classify(path, error);
    // Read-only, so that not even closing it moves a log into a file that may have to be refused.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(failed)?;
    conn.busy_timeout(config.busy_timeout).map_err(failed)?;
    let count = || {
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'refinery%' AND name NOT LIKE 'sqlite%'";
        conn.query_row(tables, [], |row| row.get::<_, i64>(0))
    };
    let tables = match count() {
        Err(error) if is_half_written(&error) => {
            roll_back(path, config).map_err(failed)?;
            count()
        }
        counted => counted,
    }
    .map_err(failed)?;
    let application: i64 = conn
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .map_err(failed)?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(OpenError::Foreign {
            path: path.to_owned(),
            reason: "it has another program's tables".into(),
        });
    }
    if bytes <= config.check_below_bytes {
        let verdict: String = conn
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(failed)?;
        if verdict != "ok" {
            return Err(corrupt(verdict));
        }
    }
    Ok(())
}

/// Whether a process died in a write that no log holds, and left a journal to undo it: at the very first start, before the
/// file has a log. Only who may write can read such a file.
fn is_half_written(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    code == Some(rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

/// Undoes that write, as any program would that reads the file.
fn roll_back(path: &Path, config: &SqliteConfig) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(config.busy_timeout)?;
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Runs the migrations that are missing, in one transaction with their lines in the history. One by one, refinery would
/// commit a migration before its line, and a crash in between would run it twice.
pub(crate) fn migrate(path: &Path, conn: &mut Connection) -> Result<u32, OpenError> {
    let report = embedded::migrations::runner()
        .set_abort_divergent(true)
        .set_abort_missing(true)
        .set_grouped(true)
        .run(conn);
    if let Err(error) = report {
        return Err(match error.kind() {
            refinery::error::Kind::DivergentVersion(..) | refinery::error::Kind::MissingVersion(_) => {
                OpenError::Foreign {
                    path: path.to_owned(),
                    reason: error.to_string(),
                }
            }
            _ => OpenError::Io {
                action: "migrate",
                path: path.to_owned(),
                source: Box::new(error),
            },
        });
    }
    let newest = conn
        .query_row("SELECT max(version) FROM refinery_schema_history", [], |row| {
            row.get::<_, Option<u32>>(0)
        })
        .optional()
        .map_err(|error| classify(path, error))?;
    Ok(newest.flatten().unwrap_or(0))
}

pub(crate) fn classify(path: &Path, error: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => OpenError::Corrupt {
            path,
            reason: "the file does not begin as a database".into(),
        },
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => OpenError::Corrupt {
            path,
            reason: error.to_string(),
        },
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            OpenError::Locked { path, pid: None }
        }
        _ => OpenError::Io {
            action: "open",
            path,
            source: Box::new(error),
        },
    }
}
