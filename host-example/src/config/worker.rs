//! `WORKER`: how jobs are held.

use std::time::Duration;

use super::source::Source;

/// Its keys.
pub(super) const KEYS: &[&str] = &["lease_seconds"];

/// How long a job's lease may hold: shorter ones lapse when a host is merely busy, longer ones keep a dead host's work.
const LEASE_SECONDS: std::ops::RangeInclusive<u64> = 3..=300;

const DEFAULT_LEASE_SECONDS: u64 = 30;

/// How long a job stays with a host that gives no sign of life.
pub(super) fn lease(source: &mut Source) -> Duration {
    let seconds = source
        .optional("worker", "lease_seconds")
        .unwrap_or(DEFAULT_LEASE_SECONDS);
    if !LEASE_SECONDS.contains(&seconds) {
        let (least, most) = (LEASE_SECONDS.start(), LEASE_SECONDS.end());
        source.wrong(format!("WORKER.LEASE_SECONDS must be between {least} and {most}"));
    }
    Duration::from_secs(seconds)
}
