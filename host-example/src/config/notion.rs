//! `NOTION`: the engineers' board.

use std::time::Duration;

use secrecy::SecretString;

use super::source::Source;

/// Its keys.
pub(super) const KEYS: &[&str] = &["token", "data_source_id", "poll_seconds", "webhook_secret", "base_url"];

/// `NOTION`.
#[derive(Debug)]
pub(crate) struct NotionSettings {
    /// Integration token.
    pub(crate) token: SecretString,
    /// The board.
    pub(crate) data_source_id: String,
    /// Seconds between polls.
    pub(crate) poll_every: Duration,
    /// Prove that Notion sent a signal; several while one is replaced. Without any, Notion may hand one over.
    pub(crate) webhook_secrets: Vec<SecretString>,
    /// API.
    pub(crate) base_url: Option<String>,
}

impl NotionSettings {
    pub(super) fn read(source: &mut Source) -> Option<Self> {
        source.section_present("notion").then(|| {
            let webhook_secrets = source.list("notion", "webhook_secret");
            Self {
                webhook_secrets: webhook_secrets
                    .into_iter()
                    .filter_map(|secret| source.strong("notion", "webhook_secret", secret))
                    .collect(),
                token: source.required_secret("notion", "token"),
                data_source_id: source.required("notion", "data_source_id"),
                poll_every: source.seconds("notion", "poll_seconds", 120),
                base_url: source.url("notion", "base_url"),
            }
        })
    }
}
