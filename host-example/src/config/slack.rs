//! `SLACK`: where reports are read in channels, and answered in threads.

use secrecy::SecretString;

use super::source::Source;

/// Its keys.
pub(super) const KEYS: &[&str] = &[
    "signing_secret",
    "bot_token",
    "team_id",
    "channels",
    "intake",
    "emojis",
    "base_url",
];

/// What makes a ticket where emojis do and none is named.
const DEFAULT_EMOJI: &str = "ticket";

/// `SLACK`.
#[derive(Debug)]
pub(crate) struct SlackSettings {
    /// Proves who sent a webhook; several while one is rotated.
    pub(crate) signing_secrets: Vec<SecretString>,
    /// `xoxb-…`.
    pub(crate) bot_token: SecretString,
    /// Only these workspaces; empty for all that the app is installed in.
    pub(crate) team_ids: Vec<String>,
    /// Only these channels; empty for all that the app was added to.
    pub(crate) channels: Vec<String>,
    /// `all`, `mention` or `emoji`.
    pub(crate) intake: String,
    /// Emojis by which a person makes a ticket of a message.
    pub(crate) emojis: Vec<String>,
    /// Where the Web API is; the adapter's default where absent.
    pub(crate) base_url: Option<String>,
}

impl SlackSettings {
    pub(super) fn read(source: &mut Source) -> Option<Self> {
        source.section_present("slack").then(|| {
            let intake = source
                .take("slack", "intake")
                .unwrap_or_else(|| "all".to_owned())
                .to_ascii_lowercase();
            if !["all", "mention", "emoji"].contains(&intake.as_str()) {
                source.wrong("SLACK.INTAKE must be all, mention or emoji");
            }
            let mut emojis = source.list("slack", "emojis");
            if intake == "emoji" && emojis.is_empty() {
                emojis.push(DEFAULT_EMOJI.to_owned());
            }
            Self {
                emojis,
                team_ids: source.list("slack", "team_id"),
                signing_secrets: source.secrets("slack", "signing_secret"),
                bot_token: source.required_secret("slack", "bot_token"),
                channels: source.list("slack", "channels"),
                intake,
                base_url: source.url("slack", "base_url"),
            }
        })
    }
}
