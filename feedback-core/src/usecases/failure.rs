//! What a failure behind a port means for work that can be repeated.

use std::time::Duration;

use crate::{logic::retry::OUTAGE_PAUSE, ports::PortErrorKind};

/// What to do about work that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Try again; the try counts.
    Retry {
        /// Not before.
        retry_after: Option<Duration>,
    },
    /// The other side is away: wait, and the try does not count.
    Snooze(Duration),
    /// Repeating it helps nobody.
    GiveUp,
}

/// What a failure means for repeatable work (pushes, triage, look-ups). Sends have their own table in `deliver`.
pub fn next_step(kind: PortErrorKind) -> NextStep {
    match kind {
        PortErrorKind::RateLimited { retry_after } => NextStep::Retry { retry_after },
        PortErrorKind::Unavailable | PortErrorKind::Unknown | PortErrorKind::Conflict => {
            NextStep::Retry { retry_after: None }
        }
        PortErrorKind::NotSent | PortErrorKind::Unauthorized => NextStep::Snooze(OUTAGE_PAUSE),
        PortErrorKind::Paused { resume_after } => NextStep::Snooze(resume_after),
        PortErrorKind::Rejected | PortErrorKind::NotFound | PortErrorKind::ChannelRestricted => NextStep::GiveUp,
    }
}
