//! Time as the hub knows it: UTC, whole microseconds, and no clock. "Now" comes from the
//! [`Clock`](crate::ports::Clock) port, once for each use case.

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment in UTC, to the microsecond: the finest that a provider sends (Slack's `ts`) and that PostgreSQL keeps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// The text or number is not a moment that the hub can hold (years 1 to 9999).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not read time: not RFC 3339, or outside the years 1 to 9999")]
pub struct InvalidTimestamp;

/// 9999-12-31T23:59:59.999999Z: the last moment that RFC 3339 can write.
const LAST_MICROS: i64 = 253_402_300_799_999_999;
/// 0001-01-01T00:00:00Z.
const FIRST_MICROS: i64 = -62_135_596_800_000_000;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(0);

    /// From microseconds since 1970; `None` outside the years 1 to 9999.
    pub const fn from_unix_micros(micros: i64) -> Option<Self> {
        if micros >= FIRST_MICROS && micros <= LAST_MICROS {
            Some(Self(micros))
        } else {
            None
        }
    }

    /// From seconds since 1970; `None` outside the years 1 to 9999.
    pub const fn from_unix_seconds(seconds: i64) -> Option<Self> {
        match seconds.checked_mul(1_000_000) {
            Some(micros) => Self::from_unix_micros(micros),
            None => None,
        }
    }

    /// Microseconds since 1970.
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment later by `by`; the end of time where that overflows.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros).min(LAST_MICROS))
    }

    /// This moment earlier by `by`; the beginning of time where that overflows.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros).max(FIRST_MICROS))
    }

    /// How long after `earlier` this is; zero where it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The same moment without its seconds, as Notion keeps edit times.
    #[must_use]
    pub const fn floor_to_minute(self) -> Self {
        Self(self.0 - self.0.rem_euclid(60_000_000))
    }

    /// The same moment without minutes, as metrics are counted.
    #[must_use]
    pub const fn floor_to_hour(self) -> Self {
        Self(self.0 - self.0.rem_euclid(3_600_000_000))
    }

    fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_chrono().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let moment = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidTimestamp)?;
        Self::from_unix_micros(moment.timestamp_micros()).ok_or(InvalidTimestamp)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(moment.timestamp_micros().clamp(FIRST_MICROS, LAST_MICROS))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_rfc_3339_with_microseconds_and_reads_back() {
        let moment = Timestamp::from_unix_micros(1_767_225_600_123_459).unwrap();
        assert_eq!(moment.to_string(), "2026-01-01T00:00:00.123459Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
    }

    #[test]
    fn arithmetic_stays_inside_the_calendar() {
        let last = Timestamp::from_unix_micros(LAST_MICROS).unwrap();
        assert_eq!(last.plus(Duration::MAX), last);
        assert_eq!(Timestamp::UNIX_EPOCH.since(last), Duration::ZERO);
        assert_eq!(Timestamp::from_unix_seconds(i64::MAX), None);
    }

    #[test]
    fn flooring_drops_only_the_smaller_part_also_before_1970() {
        let moment: Timestamp = "2026-01-11T10:05:31.12Z".parse().unwrap();
        assert_eq!(moment.floor_to_minute().to_string(), "2026-01-11T10:05:00.000000Z");
        let early: Timestamp = "1969-12-31T23:59:59Z".parse().unwrap();
        assert_eq!(early.floor_to_hour().to_string(), "1969-12-31T23:00:00.000000Z");
    }
}
