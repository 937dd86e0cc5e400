//! `RETENTION`: for how long what is kept.

use feedback_core::usecases::RetentionSettings;

use super::{DAY, source::Source};

/// Its keys.
pub(super) const KEYS: &[&str] = &[
    "raw_payload_days",
    "closed_ticket_days",
    "attachment_days",
    "finished_job_days",
];

/// Days; 0 keeps for ever.
pub(super) fn read(source: &mut Source) -> RetentionSettings {
    let mut days = |key: &str, default: u64| match source.text("retention", key) {
        None => Some(default),
        Some(text) => match text.parse::<u32>() {
            Ok(days) => Some(u64::from(days)),
            Err(_) => {
                let name = key.to_ascii_uppercase();
                source.wrong(format!("RETENTION.{name} must be a number of days, 0 for ever"));
                None
            }
        },
    };
    let kept = |days: Option<u64>| days.filter(|days| *days > 0).map(|days| DAY * days as u32);
    let defaults = RetentionSettings::default();
    RetentionSettings {
        raw_payloads: kept(days("raw_payload_days", 30)),
        closed_tickets: kept(days("closed_ticket_days", 0)),
        attachments: kept(days("attachment_days", 0)),
        finished_jobs: kept(days("finished_job_days", 7)).unwrap_or(defaults.finished_jobs),
    }
}
