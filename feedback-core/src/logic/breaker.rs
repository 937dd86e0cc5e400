//! When a provider is left alone: a circuit breaker as a state machine over a clock that is handed in.
//!
//! An outage is found by five failures in a row or by half of twenty calls within 30 s; a refused token and a rate limit
//! stop the calls at once. After a pause one probe goes out alone. When it is answered the others follow at a rate that
//! begins small and doubles, so that a crowd that waited for hours does not fell the provider again.

use std::{collections::VecDeque, time::Duration};

use super::retry::{Backoff, MAX_RETRY_AFTER};
use crate::domain::Timestamp;

/// How long a probe may be under way before another may go: longer than any call's own limit.
const PROBE_LIMIT: Duration = Duration::from_secs(90);

/// How long nobody may have been put off before the rate after an outage is lifted.
const QUIET: Duration = Duration::from_secs(30);

/// Numbers of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures in a row open it.
    pub failures_in_row: u32,
    /// So many calls are looked at for the share of failures; half of them open it.
    pub window_calls: usize,
    /// Only calls younger than this.
    pub window: Duration,
    /// How long it stays open before a probe, give or take a fifth.
    pub open_for: Duration,
    /// Calls a second just after an outage.
    pub first_rate: u32,
    /// Calls a second that the rate doubles up to.
    pub full_rate: u32,
    /// How often it doubles.
    pub double_every: Duration,
}

impl Default for BreakerSettings {
    /// Five in a row or half of 20 in 30 s; a probe after 30 s; then 1 call a second, doubling every 10 s up to 20.
    fn default() -> Self {
        Self {
            failures_in_row: 5,
            window_calls: 20,
            window: Duration::from_secs(30),
            open_for: Duration::from_secs(30),
            first_rate: 1,
            full_rate: 20,
            double_every: Duration::from_secs(10),
        }
    }
}

/// What became of a call, as far as the provider's health is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// It was answered, if only by a refusal of that one request.
    Answered,
    /// It could not be reached, did not answer, or said that it cannot now.
    Failed,
    /// It does not accept us any more: every call would fail until a person acts.
    Unauthorized,
    /// It asks for fewer calls.
    Limited {
        /// How long to wait, where it says.
        retry_after: Option<Duration>,
    },
}

/// Why calls are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeldBecause {
    /// It failed too often.
    Down,
    /// It does not accept us.
    Unauthorized,
    /// It asked for a pause.
    Limited,
}

impl HeldBecause {
    /// The name in metrics and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Unauthorized => "unauthorized",
            Self::Limited => "rate_limited",
        }
    }
}

/// The right to make one call. It is given back by [`Breaker::record`] or [`Breaker::release`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    epoch: u64,
    probe: bool,
}

impl Pass {
    /// True for the one call that finds out whether an outage is over: its failure is part of the outage.
    pub const fn is_probe(self) -> bool {
        self.probe
    }
}

/// What a record changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// Calls are held back from now on.
    Held(HeldBecause),
    /// Calls go out again.
    Resumed,
}

/// Where a breaker stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Calls go out.
    Up,
    /// Calls go out at a bounded rate, after an outage or a limit.
    Recovering,
    /// Calls are held back until a time.
    Held {
        /// Why.
        because: HeldBecause,
        /// Until then.
        until: Timestamp,
    },
    /// One call is finding out whether it is over.
    Probing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Held {
        because: HeldBecause,
        until: Timestamp,
    },
    Probing {
        because: HeldBecause,
        began: Timestamp,
    },
    Recovering {
        since: Timestamp,
        /// No call before.
        next: Timestamp,
        /// The last moment that somebody was told to come back at.
        told: Timestamp,
        /// When somebody was last put off.
        put_off_at: Timestamp,
    },
}

/// A circuit breaker of one connection to a provider. It reads no clock: every method is told the time, and `entropy`, any
/// random number, for jitter.
///
/// ```
/// use std::time::Duration;
/// use feedback_core::{domain::Timestamp, logic::breaker::{Breaker, BreakerSettings, CallOutcome}};
/// let mut breaker = Breaker::new(BreakerSettings::default());
/// let now = Timestamp::UNIX_EPOCH;
/// for _ in 0..5 {
///     let pass = breaker.admit(now, 0).expect("closed");
///     breaker.record(pass, CallOutcome::Failed, now, 0);
/// }
/// assert!(breaker.admit(now, 0).is_err());
/// let later = now.plus(Duration::from_secs(36));
/// assert!(breaker.admit(later, 0).expect("a probe").is_probe());
/// assert!(breaker.admit(later, 0).is_err(), "one probe at a time");
/// ```
#[derive(Debug, Clone)]
pub struct Breaker {
    settings: BreakerSettings,
    state: State,
    epoch: u64,
    recent: VecDeque<(Timestamp, bool)>,
    streak: u32,
    limits: u32,
    failing_since: Option<Timestamp>,
}

impl Breaker {
    /// A closed breaker.
    pub const fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: State::Closed,
            epoch: 0,
            recent: VecDeque::new(),
            streak: 0,
            limits: 0,
            failing_since: None,
        }
    }

    /// When the provider's present run of failures began; `None` while it answers.
    pub const fn failing_since(&self) -> Option<Timestamp> {
        self.failing_since
    }

    /// Where it stands.
    pub const fn standing(&self) -> Standing {
        match self.state {
            State::Closed => Standing::Up,
            State::Held { because, until } => Standing::Held { because, until },
            State::Probing { .. } => Standing::Probing,
            State::Recovering { .. } => Standing::Recovering,
        }
    }

    /// Whether a call may go out now.
    ///
    /// # Errors
    /// How long to wait before asking again.
    pub fn admit(&mut self, now: Timestamp, entropy: u64) -> Result<Pass, Duration> {
        match self.state {
            State::Closed => Ok(self.pass(false)),
            State::Held { because, until } => {
                // The clock may have been put back: nothing is held longer than it can be held anew.
                let until = until.min(now.plus(self.longest(because)));
                if now < until {
                    self.state = State::Held { because, until };
                    // Spread over the time after the probe: not all of them as one crowd.
                    return Err(until.since(now) + self.settings.open_for.mul_f64(fraction(entropy) / 3.0));
                }
                Ok(self.probe(because, now))
            }
            State::Probing { because, began } => {
                if now.since(began) > PROBE_LIMIT {
                    return Ok(self.probe(because, now));
                }
                let began = began.min(now);
                self.state = State::Probing { because, began };
                Err(self.settings.open_for.mul_f64(0.1 + fraction(entropy) * 0.4))
            }
            State::Recovering {
                since,
                next,
                told,
                put_off_at,
            } => self.admit_recovering(now, since, next, told, put_off_at),
        }
    }

    fn admit_recovering(
        &mut self,
        now: Timestamp,
        since: Timestamp,
        next: Timestamp,
        told: Timestamp,
        put_off_at: Timestamp,
    ) -> Result<Pass, Duration> {
        let since = since.min(now);
        let (rate, is_full) = self.rate(now.since(since));
        let gap = Duration::from_secs(1) / rate;
        let next = next.min(now.plus(Duration::from_secs(1)));
        if now >= next {
            if is_full && now.since(put_off_at) >= QUIET {
                self.turn(State::Closed);
            } else {
                self.state = State::Recovering {
                    since,
                    next: now.plus(gap),
                    told,
                    put_off_at,
                };
            }
            return Ok(self.pass(false));
        }
        // Each of those who are put off gets a moment of its own, within the time in which the rate doubles.
        let horizon = now.plus(self.settings.double_every);
        let mut told = told.max(next).plus(gap);
        if told > horizon {
            told = next;
        }
        self.state = State::Recovering {
            since,
            next,
            told,
            put_off_at: now,
        };
        Err(told.since(now))
    }

    /// What became of an admitted call.
    pub fn record(&mut self, pass: Pass, outcome: CallOutcome, now: Timestamp, entropy: u64) -> Option<Turned> {
        match outcome {
            CallOutcome::Unauthorized => self.hold(HeldBecause::Unauthorized, None, now, entropy),
            CallOutcome::Limited { retry_after } => {
                self.limits = self.limits.saturating_add(1);
                let pause = Backoff::default().delay(self.limits, retry_after, entropy);
                self.hold(HeldBecause::Limited, Some(pause), now, entropy)
            }
            CallOutcome::Answered => self.answered(pass, now),
            CallOutcome::Failed => self.failed(pass, now, entropy),
        }
    }

    /// The call was never made, or its end was not seen: a probe may go again.
    pub fn release(&mut self, pass: Pass, now: Timestamp) {
        if let State::Probing { because, .. } = self.state
            && pass.probe
            && pass.epoch == self.epoch
        {
            self.turn(State::Held { because, until: now });
        }
    }

    fn answered(&mut self, pass: Pass, now: Timestamp) -> Option<Turned> {
        match self.state {
            State::Closed | State::Recovering { .. } => {
                self.streak = 0;
                self.limits = 0;
                self.failing_since = None;
                self.remember(now, false);
                None
            }
            State::Probing { .. } if pass.probe && pass.epoch == self.epoch => {
                self.streak = 0;
                self.failing_since = None;
                self.recent.clear();
                self.turn(State::Recovering {
                    since: now,
                    next: now.plus(Duration::from_secs(1) / self.settings.first_rate.max(1)),
                    told: now,
                    put_off_at: now,
                });
                Some(Turned::Resumed)
            }
            // An answer to a call that began before the calls were held back says nothing about now.
            State::Held { .. } | State::Probing { .. } => None,
        }
    }

    fn failed(&mut self, pass: Pass, now: Timestamp, entropy: u64) -> Option<Turned> {
        match self.state {
            State::Closed | State::Recovering { .. } => {
                self.streak += 1;
                self.failing_since = self.failing_since.or(Some(now));
                self.remember(now, true);
                let failures = self.recent.iter().filter(|(_, failed)| *failed).count();
                let is_full = self.recent.len() >= self.settings.window_calls;
                let opens =
                    self.streak >= self.settings.failures_in_row || is_full && failures * 2 >= self.recent.len();
                if !opens {
                    return None;
                }
                self.hold(HeldBecause::Down, None, now, entropy)
            }
            State::Probing { .. } if pass.probe && pass.epoch == self.epoch => {
                self.hold(HeldBecause::Down, None, now, entropy)
            }
            State::Held { .. } | State::Probing { .. } => None,
        }
    }

    fn hold(&mut self, because: HeldBecause, pause: Option<Duration>, now: Timestamp, entropy: u64) -> Option<Turned> {
        self.failing_since = self.failing_since.or(Some(now));
        let pause = pause.unwrap_or_else(|| self.settings.open_for.mul_f64(0.8 + 0.4 * fraction(entropy)));
        let mut until = now.plus(pause);
        let was = match self.state {
            State::Held { because, until: before } => {
                // A longer pause that was asked for before stands.
                until = until.max(before);
                Some(because)
            }
            State::Probing { because, .. } => Some(because),
            State::Closed | State::Recovering { .. } => None,
        };
        self.recent.clear();
        self.turn(State::Held { because, until });
        (was != Some(because)).then_some(Turned::Held(because))
    }

    fn longest(&self, because: HeldBecause) -> Duration {
        match because {
            HeldBecause::Limited => MAX_RETRY_AFTER,
            HeldBecause::Down | HeldBecause::Unauthorized => self.settings.open_for.mul_f64(1.2),
        }
    }

    /// Calls a second so long after a recovery began, and whether that is all.
    fn rate(&self, elapsed: Duration) -> (u32, bool) {
        let every = self.settings.double_every.as_millis().max(1);
        let doublings = u32::try_from(elapsed.as_millis() / every).unwrap_or(31).min(31);
        let full = self.settings.full_rate.max(1);
        let rate = self.settings.first_rate.max(1).saturating_mul(1 << doublings);
        (rate.min(full), rate >= full)
    }

    fn remember(&mut self, now: Timestamp, failed: bool) {
        self.recent.push_back((now, failed));
        while self.recent.len() > self.settings.window_calls {
            self.recent.pop_front();
        }
        let window = self.settings.window;
        self.recent.retain(|(at, _)| now.since(*at) <= window);
    }

    fn probe(&mut self, because: HeldBecause, now: Timestamp) -> Pass {
        self.turn(State::Probing { because, began: now });
        self.pass(true)
    }

    const fn pass(&self, probe: bool) -> Pass {
        Pass {
            epoch: self.epoch,
            probe,
        }
    }

    const fn turn(&mut self, state: State) {
        self.state = state;
        self.epoch += 1;
    }
}

/// Random bits as a number from 0 to 1.
fn fraction(entropy: u64) -> f64 {
    f64::from((entropy >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;
    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    fn call(breaker: &mut Breaker, outcome: CallOutcome, now: Timestamp) -> Option<Turned> {
        let pass = breaker.admit(now, 7 << 60).expect("admitted");
        breaker.record(pass, outcome, now, 7 << 60)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..4 {
            assert_eq!(call(&mut breaker, CallOutcome::Failed, START), None);
        }
        assert_eq!(
            call(&mut breaker, CallOutcome::Failed, START),
            Some(Turned::Held(HeldBecause::Down))
        );
        breaker
    }

    #[test]
    fn f35_five_failures_in_a_row_open_it_and_an_answer_begins_the_count_anew() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..4 {
            call(&mut breaker, CallOutcome::Failed, START);
        }
        call(&mut breaker, CallOutcome::Answered, START);
        for _ in 0..4 {
            assert_eq!(call(&mut breaker, CallOutcome::Failed, START), None);
        }
        assert!(call(&mut breaker, CallOutcome::Failed, START).is_some());
    }

    #[test]
    fn f35_half_of_twenty_within_thirty_seconds_open_it_and_older_ones_do_not_count() {
        let alternating = |gap_ms: u64| {
            let mut breaker = Breaker::new(BreakerSettings::default());
            (0..40u64).position(|n| {
                let now = START.plus(Duration::from_millis(n * gap_ms));
                let outcome = if n % 2 == 1 {
                    CallOutcome::Failed
                } else {
                    CallOutcome::Answered
                };
                call(&mut breaker, outcome, now).is_some()
            })
        };
        assert_eq!(alternating(100), Some(19));
        assert_eq!(alternating(2_000), None, "fifteen calls in 30 s say too little");
    }

    #[test]
    fn a_refused_token_opens_it_at_once_and_says_so_once() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        let turned = call(&mut breaker, CallOutcome::Unauthorized, START);
        assert_eq!(turned, Some(Turned::Held(HeldBecause::Unauthorized)));
        let probed = call(&mut breaker, CallOutcome::Unauthorized, at(37));
        assert_eq!(probed, None, "nothing new");
    }

    #[test]
    fn a_lost_probe_does_not_hold_everybody_back_for_ever() {
        let mut breaker = opened();
        let probe = breaker.admit(at(37), 0).expect("a probe");
        assert!(breaker.admit(at(38), 0).is_err());
        breaker.release(probe, at(38));
        assert!(breaker.admit(at(38), 0).expect("another").is_probe());
        assert!(breaker.admit(at(38 + 91), 0).expect("that one is lost too").is_probe());
    }

    #[test]
    fn an_answer_that_was_under_way_when_it_opened_does_not_close_it() {
        let mut breaker = Breaker::new(BreakerSettings::default());
        let early = breaker.admit(START, 0).expect("closed");
        for _ in 0..5 {
            call(&mut breaker, CallOutcome::Failed, START);
        }
        assert_eq!(breaker.record(early, CallOutcome::Answered, at(1), 0), None);
        assert!(breaker.admit(at(1), 0).is_err());
    }

    #[test]
    fn f36_a_limit_holds_the_whole_connection_for_what_is_asked_and_an_hour_at_most() {
        let asked = [
            (Some(120), 120),
            (Some(10 * 365 * 24 * 3600), 3600),
            // Garbage and negative values come as none: our own steps, 5 s at first.
            (None, 5),
        ];
        for (retry_after, expected) in asked {
            let mut breaker = Breaker::new(BreakerSettings::default());
            let retry_after = retry_after.map(Duration::from_secs);
            let pass = breaker.admit(START, 0).expect("closed");
            breaker.record(pass, CallOutcome::Limited { retry_after }, START, u64::MAX);
            let almost = START.plus(Duration::from_secs(expected) - Duration::from_millis(1));
            assert!(breaker.admit(almost, 0).is_err(), "{expected}");
            assert!(breaker.admit(at(expected), 0).is_ok(), "{expected}");
        }
    }

    #[test]
    fn a_clock_that_is_put_back_holds_nothing_longer_than_a_new_outage_would() {
        let late = START.plus(HOUR * 10);
        let mut breaker = Breaker::new(BreakerSettings::default());
        for _ in 0..5 {
            call(&mut breaker, CallOutcome::Failed, late);
        }
        assert!(breaker.admit(START, 0).is_err());
        assert!(breaker.admit(at(37), 0).is_ok());
    }

    /// A provider that is down for ten hours with `waiting` jobs, each of which comes back when it is told to. Returns the
    /// seconds of all calls, and whether the outage's end was met by one probe alone.
    fn crowd(waiting: usize, seed: u64) -> (Vec<u64>, u64) {
        let down_until = START.plus(HOUR * 10);
        let mut breaker = Breaker::new(BreakerSettings::default());
        let mut random = seed;
        let mut entropy = move || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            random
        };
        let mut jobs: std::collections::BTreeSet<(Timestamp, usize)> = (0..waiting).map(|n| (START, n)).collect();
        let (mut calls, mut resumed_at) = (Vec::new(), 0);
        while let Some((now, job)) = jobs.pop_first() {
            match breaker.admit(now, entropy()) {
                Err(wait) => {
                    jobs.insert((now.plus(wait.max(Duration::from_micros(1))), job));
                }
                Ok(pass) => {
                    let is_up = now >= down_until;
                    if is_up {
                        calls.push(now.unix_micros() as u64);
                    }
                    let outcome = if is_up {
                        CallOutcome::Answered
                    } else {
                        CallOutcome::Failed
                    };
                    if breaker.record(pass, outcome, now, entropy()) == Some(Turned::Resumed) {
                        resumed_at = now.unix_micros() as u64;
                    }
                    if !is_up {
                        jobs.insert((now.plus(Duration::from_secs(30)), job));
                    }
                }
            }
        }
        (calls, resumed_at)
    }

    #[test]
    fn f35_after_ten_hours_one_probe_goes_alone_and_the_crowd_follows_at_the_rate() {
        let (calls, resumed_at) = crowd(800, 11);
        assert_eq!(calls.len(), 800, "nobody is left behind");
        assert_eq!(calls[0], resumed_at, "the first is the probe");
        assert!(calls[1] >= resumed_at + 900_000, "and it goes alone");
        for (n, from) in calls.iter().enumerate() {
            let within = calls[n..].iter().take_while(|at| **at < from + 1_000_000).count();
            assert!(within <= 21, "{within} calls within a second");
        }
        let last = calls.last().expect("calls") - resumed_at;
        assert!(last < 300_000_000, "800 calls took {last} us");
    }

    proptest! {
        #[test]
        fn whatever_happens_every_wait_is_bounded_and_calls_go_out_again(
            steps in proptest::collection::vec((0u8..5, 0u64..7200, any::<u64>()), 1..200),
        ) {
            let mut breaker = Breaker::new(BreakerSettings::default());
            let mut now = START;
            for (what, pause, entropy) in steps {
                now = now.plus(Duration::from_secs(pause));
                match breaker.admit(now, entropy) {
                    Err(wait) => prop_assert!(wait <= MAX_RETRY_AFTER + Duration::from_secs(40), "{wait:?}"),
                    Ok(pass) => {
                        let outcome = match what {
                            0 => CallOutcome::Failed,
                            1 => CallOutcome::Unauthorized,
                            2 => CallOutcome::Limited { retry_after: Some(Duration::from_secs(pause * 100)) },
                            3 => { breaker.release(pass, now); continue }
                            _ => CallOutcome::Answered,
                        };
                        breaker.record(pass, outcome, now, entropy);
                    }
                }
            }
            now = now.plus(MAX_RETRY_AFTER + PROBE_LIMIT);
            let pass = breaker.admit(now, 0);
            prop_assert!(pass.is_ok());
            breaker.record(pass.unwrap(), CallOutcome::Answered, now, 0);
            prop_assert!(breaker.admit(now.plus(Duration::from_secs(1)), 0).is_ok());
            prop_assert_eq!(breaker.failing_since(), None);
        }

        #[test]
        fn the_calls_of_any_crowd_keep_to_the_rate(waiting in 1usize..120, seed: u64) {
            let (calls, _) = crowd(waiting, seed);
            prop_assert_eq!(calls.len(), waiting);
            for (n, from) in calls.iter().enumerate() {
                let within = calls[n..].iter().take_while(|at| **at < from + 1_000_000).count();
                prop_assert!(within <= 21);
            }
        }
    }
}
