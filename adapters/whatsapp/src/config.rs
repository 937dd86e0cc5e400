//! What the adapter has to know.

use std::{fmt, time::Duration};

use secrecy::SecretString;

/// A WhatsApp Business account: its token, and the numbers that it sends from.
#[derive(Clone)]
#[non_exhaustive]
pub struct WhatsAppConfig {
    /// The system user's access token.
    pub access_token: SecretString,
    /// Ids of our numbers (not the numbers themselves). A route from another one is refused.
    pub phone_number_ids: Vec<String>,
    /// The business account whose templates are asked for; without it nothing is known of templates.
    pub business_account_id: Option<String>,
    /// Where the Graph API is, without a version. `https://graph.facebook.com`.
    pub base_url: String,
    /// The Graph API's version. `v23.0`.
    pub version: String,
    /// Longest time for one operation. 15 s; at most 20 s.
    pub timeout: Duration,
}

impl WhatsAppConfig {
    /// The configuration of a token and its numbers, with defaults for the rest.
    pub fn new<Id: Into<String>>(
        access_token: impl Into<SecretString>,
        phone_number_ids: impl IntoIterator<Item = Id>,
    ) -> Self {
        Self {
            access_token: access_token.into(),
            phone_number_ids: phone_number_ids.into_iter().map(Into::into).collect(),
            business_account_id: None,
            base_url: "https://graph.facebook.com".into(),
            version: "v23.0".into(),
            timeout: Duration::from_secs(15),
        }
    }

    /// With the business account, so that templates can be checked.
    #[must_use]
    pub fn with_business_account_id(mut self, id: impl Into<String>) -> Self {
        self.business_account_id = Some(id.into());
        self
    }

    /// With another address of the Graph API, for a stand-in.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// With another version of the Graph API.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// With another time limit.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Debug for WhatsAppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WhatsAppConfig")
            .field("phone_number_ids", &self.phone_number_ids)
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
        assert!(!format!("{:?}", WhatsAppConfig::new("EAA-secret".to_owned(), ["1"])).contains("secret"));
    }
}
