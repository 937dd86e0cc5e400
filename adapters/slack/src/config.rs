//! What the adapter has to know.

use std::{fmt, time::Duration};

use secrecy::SecretString;

/// A Slack app, installed in one workspace.
#[derive(Clone)]
#[non_exhaustive]
pub struct SlackConfig {
    /// The bot token, `xoxb-…`.
    pub bot_token: SecretString,
    /// Where the Web API is. `https://slack.com/api`.
    pub base_url: String,
    /// Longest time for one operation, all its calls together. 15 s; at most 20 s.
    pub timeout: Duration,
}

impl SlackConfig {
    /// The configuration of a bot token, with defaults for the rest.
    pub fn new(bot_token: impl Into<SecretString>) -> Self {
        Self {
            bot_token: bot_token.into(),
            base_url: "https://slack.com/api".into(),
            timeout: Duration::from_secs(15),
        }
    }

    /// With another address of the Web API, for a stand-in.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// With another time limit.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Debug for SlackConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackConfig")
            .field("base_url", &self.base_url)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_token() {
        assert!(!format!("{:?}", SlackConfig::new("xoxb-secret".to_owned())).contains("secret"));
    }
}
