//! The engineers' tracker: tickets go out, moves come in, and both agree.

mod poll;
mod push;

pub use self::{poll::PollTracker, push::PushToTracker};

use crate::ports::PortError;

/// Why hub and tracker are not in step yet.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The tracker failed.
    #[error("could not reach agreement with the tracker")]
    Tracker(#[source] PortError),
    /// Storage failed.
    #[error("could not load or store what was synced")]
    Storage(#[source] PortError),
}
