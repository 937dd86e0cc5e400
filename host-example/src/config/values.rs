//! One value of a kind that many keys share: a list, an address, a secret that nobody guesses.

use std::{fmt, time::Duration};

use secrecy::SecretString;

use super::{keys::shown, source::Source};

/// Keys whose values nobody may guess: shorter ones are refused.
const MIN_SECRET_BYTES: usize = 16;

impl Source {
    /// A value that is not empty, where there is one.
    pub(super) fn text(&mut self, section: &str, key: &str) -> Option<String> {
        self.take(section, key).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&mut self, section: &str, key: &str) -> String {
        let value = self.take(section, key).unwrap_or_default();
        if value.is_empty() {
            self.wrong(format!("{} is missing", shown(section, key)));
        }
        value
    }

    pub(super) fn required_secret(&mut self, section: &str, key: &str) -> SecretString {
        SecretString::from(self.required(section, key))
    }

    /// Signing secrets: one, or several while one is rotated.
    pub(super) fn secrets(&mut self, section: &str, key: &str) -> Vec<SecretString> {
        let secrets = self.list(section, key);
        if secrets.is_empty() {
            self.wrong(format!("{} is missing", shown(section, key)));
        }
        secrets
            .into_iter()
            .filter_map(|secret| self.strong(section, key, secret))
            .collect()
    }

    /// What nobody guesses; what somebody might is told by its key alone.
    pub(super) fn strong(&mut self, section: &str, key: &str, secret: String) -> Option<SecretString> {
        let one_letter = secret.bytes().collect::<std::collections::HashSet<_>>().len() <= 1;
        if secret.len() < MIN_SECRET_BYTES || one_letter {
            let name = shown(section, key);
            self.wrong(format!(
                "{name} is weak: it needs {MIN_SECRET_BYTES} characters that nobody guesses"
            ));
            return None;
        }
        Some(SecretString::from(secret))
    }

    /// Items between commas.
    pub(super) fn list(&mut self, section: &str, key: &str) -> Vec<String> {
        let value = self.take(section, key).unwrap_or_default();
        value
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// `https`, or `http` to this machine: what the hub sends elsewhere in the clear could be read on the way.
    pub(super) fn url(&mut self, section: &str, key: &str) -> Option<String> {
        let value = self.text(section, key)?;
        match url::Url::parse(&value) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(value),
            _ => {
                self.wrong(format!("{} is not an http or https address", shown(section, key)));
                None
            }
        }
    }

    pub(super) fn seconds(&mut self, section: &str, key: &str, default: u64) -> Duration {
        Duration::from_secs(self.optional(section, key).unwrap_or(default))
    }

    pub(super) fn optional<T: std::str::FromStr>(&mut self, section: &str, key: &str) -> Option<T>
    where
        T::Err: fmt::Display,
    {
        let value = self.take(section, key).filter(|value| !value.trim().is_empty())?;
        match value.trim().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(format!("{} cannot be read: {error}", shown(section, key)));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Settings, problems_of};

    #[test]
    fn missing_and_weak_secrets_are_told_all_at_once_and_by_name() {
        let told = problems_of(&[
            ("FEEDBACK_SLACK__SIGNING_SECRET", "short"),
            ("FEEDBACK_API_TOKEN", "aaaaaaaaaaaaaaaaaaaaaa"),
        ]);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.iter().any(|problem| problem.starts_with("API_TOKEN is weak")));
        assert!(
            told.iter()
                .any(|problem| problem.starts_with("SLACK.SIGNING_SECRET is weak"))
        );
        assert!(told.iter().any(|problem| problem == "SLACK.BOT_TOKEN is missing"));
        assert!(!told.join(" ").contains("short"), "no secret in messages");
    }

    #[test]
    fn several_signing_secrets_are_accepted_while_one_is_rotated() {
        let settings = Settings::from_pairs(&[
            (
                "FEEDBACK_SLACK__SIGNING_SECRET",
                "new-signing-secret-1, old-signing-secret-2",
            ),
            ("FEEDBACK_SLACK__BOT_TOKEN", "xoxb-1"),
        ]);
        assert_eq!(settings.unwrap().slack.unwrap().signing_secrets.len(), 2);
    }
}
