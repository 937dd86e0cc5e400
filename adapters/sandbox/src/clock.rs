//! What time the stand-ins say it is. The only reader of the wall clock in this crate.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// The wall clock, which a test may set ahead.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    ahead_ms: AtomicI64,
}

impl Clock {
    /// The time that the providers see: stamps, windows and expiry follow it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        wall() + TimeDelta::milliseconds(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// Sets the providers' time ahead. Signatures keep the wall clock, since the hub checks them against its own.
    pub(crate) fn advance(&self, by: Duration) {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

/// The wall clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox plays the outside world, which has its own clock"
)]
pub(crate) fn wall() -> DateTime<Utc> {
    Utc::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advanced_clock_stays_ahead() {
        let clock = Clock::default();
        clock.advance(Duration::from_secs(86_400));
        assert!(clock.now() - wall() > TimeDelta::hours(23));
    }
}
