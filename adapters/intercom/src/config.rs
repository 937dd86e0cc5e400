//! What the adapter has to know.

use std::{fmt, time::Duration};

use secrecy::SecretString;

/// Where a workspace's data is kept; each region has an address of its own, and a token works at its own alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntercomRegion {
    /// United States.
    Us,
    /// Europe.
    Eu,
    /// Australia.
    Au,
}

impl IntercomRegion {
    /// The region's API.
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Us => "https://api.intercom.io",
            Self::Eu => "https://api.eu.intercom.io",
            Self::Au => "https://api.au.intercom.io",
        }
    }
}

/// An Intercom workspace, and the teammate that the hub writes as.
#[derive(Clone)]
#[non_exhaustive]
pub struct IntercomConfig {
    /// The access token.
    pub access_token: SecretString,
    /// Id of the teammate whose name stands over comments.
    pub admin_id: String,
    /// Where the API is. The one of the United States.
    pub base_url: String,
    /// Longest time for one operation. 15 s; at most 20 s.
    pub timeout: Duration,
}

impl IntercomConfig {
    /// The configuration of a workspace in the United States, with defaults for the rest.
    pub fn new(access_token: impl Into<SecretString>, admin_id: impl Into<String>) -> Self {
        Self {
            access_token: access_token.into(),
            admin_id: admin_id.into(),
            base_url: IntercomRegion::Us.base_url().into(),
            timeout: Duration::from_secs(15),
        }
    }

    /// With another region.
    #[must_use]
    pub fn with_region(self, region: IntercomRegion) -> Self {
        self.with_base_url(region.base_url())
    }

    /// With another address of the API, for a stand-in.
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

impl fmt::Debug for IntercomConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntercomConfig")
            .field("admin_id", &self.admin_id)
            .field("base_url", &self.base_url)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_token_and_regions_have_their_own_address() {
        let config = IntercomConfig::new("tok-secret".to_owned(), "1").with_region(IntercomRegion::Au);
        assert!(!format!("{config:?}").contains("secret"));
        assert_eq!(config.base_url, "https://api.au.intercom.io");
    }
}
