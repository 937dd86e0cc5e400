//! How long a provider asks to wait: five spellings, and never longer than an hour.

use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// A longer wait is cut: one wrong header must not silence a channel for years.
pub const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Numbers from here on are moments, not waits: 2001 in seconds since 1970.
const FIRST_ABSOLUTE: f64 = 1_000_000_000.0;

/// How long a provider asks to wait; `None` where it does not say, or says nothing that can be meant: then the caller's own
/// backoff applies.
///
/// Read in this order: `retry-after-ms`; `Retry-After` in seconds (also fractional) or as an HTTP date; `X-RateLimit-Reset`
/// in seconds since 1970 (Intercom) or from now; `x-ratelimit-reset-requests` and `-tokens` as Go durations (`1m30s`), where
/// `x-ratelimit-remaining-…` says that nothing is left. Moments are compared with the answer's own `Date`, so that our
/// clock does not matter; without it they are ignored.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let date = text(headers, DATE.as_str()).and_then(http_date);
    from_millis(headers)
        .or_else(|| text(headers, RETRY_AFTER.as_str()).and_then(|value| seconds_or_date(value, date)))
        .or_else(|| text(headers, "x-ratelimit-reset").and_then(|value| reset(value, date)))
        .or_else(|| exhausted_budgets(headers))
        .map(|wait| wait.min(LONGEST_WAIT))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn from_millis(headers: &HeaderMap) -> Option<Duration> {
    duration_of(number(text(headers, "retry-after-ms")?)? / 1000.0)
}

fn seconds_or_date(value: &str, now: Option<DateTime<Utc>>) -> Option<Duration> {
    match number(value) {
        Some(seconds) => duration_of(seconds),
        None => until(http_date(value)?, now?),
    }
}

fn reset(value: &str, now: Option<DateTime<Utc>>) -> Option<Duration> {
    let seconds = number(value)?;
    if seconds < FIRST_ABSOLUTE {
        return duration_of(seconds);
    }
    // Seconds of this size are exact in an f64, and beyond them the year 9999 is no moment of a provider's.
    if seconds > 253_402_300_799.0 {
        return Some(LONGEST_WAIT);
    }
    until(DateTime::from_timestamp(seconds as i64, 0)?, now?)
}

fn until(moment: DateTime<Utc>, now: DateTime<Utc>) -> Option<Duration> {
    // A moment that has passed means: at once.
    Some((moment - now).to_std().unwrap_or(Duration::ZERO))
}

fn exhausted_budgets(headers: &HeaderMap) -> Option<Duration> {
    let wait = |remaining: &str, reset: &str| {
        (text(headers, remaining)? == "0")
            .then(|| go_duration(text(headers, reset)?))
            .flatten()
    };
    let requests = wait("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests");
    let tokens = wait("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens");
    requests.max(tokens)
}

/// A finite number that is not negative. `parse` alone also takes `inf`, `nan` and `1e400`.
fn number(value: &str) -> Option<f64> {
    let is_plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_plain { value.parse().ok() } else { None }
}

fn duration_of(seconds: f64) -> Option<Duration> {
    // Overflow of a Duration is a wait that is cut anyway.
    (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_WAIT))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, and the two older forms that HTTP still allows.
fn http_date(value: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(value)
        .map(|moment| moment.to_utc())
        .ok()
        .or_else(|| {
            NaiveDateTime::parse_from_str(value, "%A, %d-%b-%y %H:%M:%S GMT")
                .ok()
                .map(|moment| moment.and_utc())
        })
        .or_else(|| {
            NaiveDateTime::parse_from_str(value, "%a %b %e %H:%M:%S %Y")
                .ok()
                .map(|moment| moment.and_utc())
        })
}

/// `1h2m3.5s`, `250ms`, `90µs`: Go's way to write durations.
fn go_duration(value: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 7] = [
        ("ms", 1e-3),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("ns", 1e-9),
        ("h", 3600.0),
        ("m", 60.0),
        ("s", 1.0),
    ];
    let (mut rest, mut seconds) = (value, 0.0);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let amount = number(&rest[..digits])?;
        let (unit, size) = UNITS.into_iter().find(|(unit, _)| rest[digits..].starts_with(unit))?;
        seconds += amount * size;
        rest = &rest[digits + unit.len()..];
    }
    duration_of(seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Option<Duration> {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )
        });
        retry_after(&pairs.collect())
    }

    const NOW: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");

    #[test]
    fn f36_every_spelling_is_read_and_cut_to_an_hour() {
        type Headers<'a> = &'a [(&'a str, &'a str)];
        let rows: [(Headers<'_>, Option<u64>); 24] = [
            (&[], None),
            (&[("retry-after", "7")], Some(7_000)),
            (&[("retry-after", " 7 ")], Some(7_000)),
            (&[("retry-after", "1.5")], Some(1_500)),
            (&[("retry-after", "0")], Some(0)),
            (&[("retry-after", "315360000")], Some(3_600_000)),
            (&[("retry-after", "99999999999999999999999999")], Some(3_600_000)),
            (&[("retry-after", "-5")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "inf")], None),
            (&[("retry-after", "1e9")], None),
            (&[("retry-after", "")], None),
            (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), NOW], Some(30_000)),
            (&[("retry-after", "Sunday, 06-Nov-94 08:50:07 GMT"), NOW], Some(30_000)),
            (&[("retry-after", "Sun Nov  6 08:50:07 1994"), NOW], Some(30_000)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), NOW], Some(0)),
            (
                &[("retry-after", "Sat, 06 Nov 2004 08:49:37 GMT"), NOW],
                Some(3_600_000),
            ),
            (&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")], None),
            (&[("retry-after-ms", "250"), ("retry-after", "9")], Some(250)),
            (
                &[
                    ("x-ratelimit-reset", "1767225610"),
                    ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
                ],
                Some(10_000),
            ),
            (&[("x-ratelimit-reset", "12")], Some(12_000)),
            (&[("x-ratelimit-reset", "9999999999999"), NOW], Some(3_600_000)),
            (
                &[
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "1m30.5s"),
                ],
                Some(90_500),
            ),
            (
                &[
                    ("x-ratelimit-remaining-tokens", "5"),
                    ("x-ratelimit-reset-tokens", "6ms"),
                ],
                None,
            ),
        ];
        for (headers, millis) in rows {
            assert_eq!(read(headers), millis.map(Duration::from_millis), "{headers:?}");
        }
    }

    #[test]
    fn go_durations_are_read_or_refused_whole() {
        let rows = [
            ("6ms", Some(Duration::from_millis(6))),
            ("1h0m1s", Some(Duration::from_secs(3601))),
            ("90µs", Some(Duration::from_micros(90))),
            ("", None),
            ("5", None),
            ("s", None),
            ("1y", None),
            ("-1s", None),
            ("1..2s", None),
        ];
        for (text, wait) in rows {
            assert_eq!(go_duration(text), wait, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_header_gives_a_wait_over_an_hour(name in 0..4usize, value in "[ -~]{0,40}", remaining in "[0-9]{1,2}") {
            let name = ["retry-after", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-reset-tokens"][name];
            let wait = read(&[(name, &value), ("x-ratelimit-remaining-tokens", &remaining), NOW]);
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_WAIT));
        }
    }
}
