//! When to try again: exponential steps with full jitter, never below what the provider asks for, bounded.

use std::time::Duration;

/// The longest wait that a provider can impose: what is asked beyond is a mistake or an attack.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// How long work waits while its provider is unreachable or its connection is broken, without losing an attempt.
pub const OUTAGE_PAUSE: Duration = Duration::from_secs(30);

/// How long an outage may last before the work waiting for it is dead.
pub const OUTAGE_LIMIT: Duration = Duration::from_secs(72 * 60 * 60);

/// Steps of waiting: `uniform(0, min(cap, base * 2^(n-1)))`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Longest first wait.
    pub base: Duration,
    /// Longest wait.
    pub cap: Duration,
}

impl Default for Backoff {
    /// 5 s, doubling, at most an hour.
    fn default() -> Self {
        Self {
            base: Duration::from_secs(5),
            cap: Duration::from_secs(60 * 60),
        }
    }
}

impl Backoff {
    /// How long to wait after try `attempt` (1 for the first) failed. `entropy` is any random number: the jitter that
    /// keeps a crowd of waiting jobs from coming back as one.
    pub fn delay(&self, attempt: u32, retry_after: Option<Duration>, entropy: u64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        // Never longer than any outage lasts, however a backoff was configured: the product below must not overflow.
        let longest = self.base.saturating_mul(1 << doublings).min(self.cap).min(OUTAGE_LIMIT);
        // 32 bits of the entropy as a fraction: finer than any timer.
        let fraction = f64::from((entropy >> 32) as u32) / f64::from(u32::MAX);
        let jittered = longest.mul_f64(fraction);
        jittered.max(retry_after.unwrap_or(Duration::ZERO).min(MAX_RETRY_AFTER))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn f36_a_wait_is_never_below_what_was_asked_nor_above_an_hour(
            attempt in 0u32..1000, asked in proptest::option::of(0u64..1_000_000_000), entropy: u64,
        ) {
            let asked = asked.map(Duration::from_secs);
            let delay = Backoff::default().delay(attempt, asked, entropy);
            prop_assert!(delay <= MAX_RETRY_AFTER);
            prop_assert!(delay >= asked.unwrap_or_default().min(MAX_RETRY_AFTER));
        }
    }

    #[test]
    fn a_backoff_without_end_waits_no_longer_than_an_outage_may_last() {
        let endless = Backoff {
            base: Duration::MAX,
            cap: Duration::MAX,
        };
        assert_eq!(endless.delay(99, None, u64::MAX), OUTAGE_LIMIT);
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let longest = |attempt| Backoff::default().delay(attempt, None, u64::MAX).as_secs();
        assert_eq!([1, 2, 3, 4, 11, 99].map(longest), [5, 10, 20, 40, 3600, 3600]);
        assert_eq!(Backoff::default().delay(5, None, 0), Duration::ZERO);
    }
}
