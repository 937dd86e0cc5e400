//! Time that stands still until a test moves it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::{domain::Timestamp, ports::Clock};

/// A clock that a test sets. Clones share the time, so that a test keeps one and hands one over.
#[derive(Debug, Clone)]
pub struct FixedClock(Arc<AtomicI64>);

impl FixedClock {
    /// 2026-01-05T09:00:00Z, a Monday morning: where tests begin unless they say otherwise.
    pub const START_UNIX_SECONDS: i64 = 1_767_603_600;

    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.unix_micros())))
    }

    /// Moves the clock to `now`, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.unix_micros(), Ordering::SeqCst);
    }

    /// Moves the clock forward and tells the new time.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let later = self.now().plus(by);
        self.set(later);
        later
    }
}

impl Default for FixedClock {
    /// Stands at [`FixedClock::START_UNIX_SECONDS`].
    fn default() -> Self {
        Self::at(Timestamp::from_unix_seconds(Self::START_UNIX_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_time_and_it_moves_only_when_told() {
        let clock = FixedClock::default();
        let other = clock.clone();
        assert_eq!(clock.now().to_string(), "2026-01-05T09:00:00.000000Z");
        clock.advance(Duration::from_secs(90));
        assert_eq!(other.now().to_string(), "2026-01-05T09:01:30.000000Z");
    }
}
