//! One file for each command.

pub(crate) mod access;
mod autopilot;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod migrate;
pub(crate) mod offline;
pub(crate) mod privacy;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod similar;
pub(crate) mod simulate;

use feedback_adapters::{postgres, sqlite::OpenError};
use feedback_core::usecases::MoveError;

use crate::config::InvalidConfiguration;

/// The database could not be synced to disk; the process must not go on with it.
#[derive(Debug, thiserror::Error)]
#[error("the database file could not be synced to disk; start again to recover what it holds")]
pub(crate) struct StoreBroken;

/// Exit codes as sysexits.h has them, so that a supervisor can tell a wrong configuration from a file in use.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<InvalidConfiguration>() {
        return 78;
    }
    if error.is::<StoreBroken>() {
        return 74;
    }
    match error.downcast_ref::<postgres::OpenError>() {
        Some(postgres::OpenError::Invalid(_) | postgres::OpenError::NoPgvector(_)) => return 78,
        Some(postgres::OpenError::Foreign { .. }) => return 65,
        // The server may come back: start again later.
        Some(_) => return 75,
        None => {}
    }
    if error.is::<privacy::TimelinesBroken>() {
        return 65;
    }
    match error.downcast_ref::<MoveError>() {
        Some(MoveError::InUse | MoveError::Source(_) | MoveError::Target(_)) => return 75,
        Some(_) => return 65,
        None => {}
    }
    match error.downcast_ref::<OpenError>() {
        Some(OpenError::Locked { .. }) => 75,
        Some(OpenError::Corrupt { .. } | OpenError::Foreign { .. }) => 65,
        Some(_) => 74,
        None => 1,
    }
}
