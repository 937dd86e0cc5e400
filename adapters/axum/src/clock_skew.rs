//! Whether this machine's clock is wrong, as far as signatures tell.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use feedback_core::logic::verify::Drift;
use tokio::time::Instant;

/// So many in so long are no replays of a few requests that somebody kept.
const ENOUGH: usize = 20;
const WITHIN: Duration = Duration::from_secs(60);

/// Webhooks that were rightly signed, but not now. Clones share it: give the one of [`Webhooks`](crate::webhooks::Webhooks) to
/// [`Health`](crate::health::Health).
#[derive(Debug, Clone, Default)]
pub struct ClockSkew {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    past: VecDeque<Instant>,
    future: VecDeque<Instant>,
}

impl ClockSkew {
    /// One more that was signed too long ago, or too far ahead.
    pub(crate) fn note(&self, drift: Drift) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let times = match drift {
            Drift::Past => &mut seen.past,
            Drift::Future => &mut seen.future,
        };
        let now = Instant::now();
        let was_suspected = are_enough(times, now);
        times.push_back(now);
        if times.len() > ENOUGH {
            times.pop_front();
        }
        if !was_suspected && are_enough(times, now) {
            tracing::error!(
                ?drift,
                "{ENOUGH} webhooks in a minute were rightly signed, but not now: look at this machine's clock"
            );
        }
    }

    /// One that was signed now: the clock is right.
    pub(crate) fn clear(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Seen::default();
    }

    /// True while the last minute saw twenty that were off the same way, and none that was not.
    pub(crate) fn is_suspected(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        are_enough(&seen.past, now) || are_enough(&seen.future, now)
    }
}

/// The list holds the last ones alone, so its oldest says whether all are of the last minute.
fn are_enough(times: &VecDeque<Instant>, now: Instant) -> bool {
    times.len() >= ENOUGH && times.front().is_some_and(|oldest| now.duration_since(*oldest) < WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_that_are_off_the_same_way_are_suspicious_and_one_that_is_not_ends_it() {
        let skew = ClockSkew::default();
        for _ in 0..ENOUGH - 1 {
            skew.note(Drift::Past);
            skew.note(Drift::Future);
        }
        assert!(!skew.is_suspected(), "a few of each are replays");
        skew.note(Drift::Past);
        assert!(skew.is_suspected());
        skew.clear();
        assert!(!skew.is_suspected());
    }

    #[test]
    fn what_is_older_than_a_minute_does_not_count() {
        let now = Instant::now();
        let later = now + WITHIN;
        let mut times: VecDeque<_> = std::iter::repeat_n(now, ENOUGH).collect();
        assert!(are_enough(&times, now) && !are_enough(&times, later));
        times.pop_front();
        times.push_back(later);
        assert!(!are_enough(&times, later));
    }
}
