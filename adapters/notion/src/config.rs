//! What the adapter has to know.

use std::{collections::BTreeMap, fmt, time::Duration};

use feedback_core::domain::TrackerStatus;
use secrecy::SecretString;

/// An integration and the data source that is shared with it.
#[derive(Clone)]
#[non_exhaustive]
pub struct NotionConfig {
    /// The integration's token, `ntn_…` or `secret_…`.
    pub token: SecretString,
    /// The data source, or a database that has only one.
    pub data_source_id: String,
    /// Where the API is, without path and version. `https://api.notion.com`.
    pub base_url: String,
    /// `Notion-Version`. `2025-09-03`; older ones do not know data sources.
    pub version: String,
    /// What the columns are called.
    pub properties: PropertyNames,
    /// Status options that mean something else than their group, by option id or name; `None` for no meaning.
    pub statuses: BTreeMap<String, Option<TrackerStatus>>,
    /// Longest time for one operation, all its calls together. 20 s.
    pub timeout: Duration,
}

/// Names or ids of the board's columns. A name that the board does not have is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PropertyNames {
    /// `Status`.
    pub status: String,
    /// `Priority`.
    pub priority: String,
    /// `Type`.
    pub ticket_type: String,
    /// `Source`.
    pub source: String,
    /// `Reporter`.
    pub reporter: String,
    /// `Sprint`.
    pub sprint: String,
    /// `Hub ID`. The board must have it.
    pub hub_id: String,
    /// `Hub link`.
    pub hub_link: String,
}

impl Default for PropertyNames {
    fn default() -> Self {
        Self {
            status: "Status".into(),
            priority: "Priority".into(),
            ticket_type: "Type".into(),
            source: "Source".into(),
            reporter: "Reporter".into(),
            sprint: "Sprint".into(),
            hub_id: "Hub ID".into(),
            hub_link: "Hub link".into(),
        }
    }
}

impl NotionConfig {
    /// The configuration of a token and a data source, with defaults for the rest.
    pub fn new(token: impl Into<SecretString>, data_source_id: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            data_source_id: data_source_id.into(),
            base_url: "https://api.notion.com".into(),
            version: "2025-09-03".into(),
            properties: PropertyNames::default(),
            statuses: BTreeMap::new(),
            timeout: Duration::from_secs(20),
        }
    }

    /// With another address of the API, for a stand-in.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// With other names of columns.
    #[must_use]
    pub fn with_properties(mut self, properties: PropertyNames) -> Self {
        self.properties = properties;
        self
    }

    /// With a meaning for one status option, by its id or name; `None` if moving a page there means nothing.
    #[must_use]
    pub fn with_status(mut self, option: impl Into<String>, means: Option<TrackerStatus>) -> Self {
        self.statuses.insert(option.into(), means);
        self
    }

    /// With another time limit.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Debug for NotionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotionConfig")
            .field("data_source_id", &self.data_source_id)
            .field("base_url", &self.base_url)
            .field("version", &self.version)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_token() {
        assert!(!format!("{:?}", NotionConfig::new("ntn_secret".to_owned(), "x")).contains("ntn_secret"));
    }
}
