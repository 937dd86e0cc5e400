//! Where a provider lives: checked once, joined with path segments that cannot break out of it.

use std::fmt;

use reqwest::Url;
use url::Host;

use crate::ConfigError;

/// The address that a provider's paths are joined to.
///
/// `https`, or `http` on loopback: a token must not travel in the open, and stand-ins live on loopback.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Checks an address.
    ///
    /// # Errors
    /// [`ConfigError::BaseUrl`] for text that is no URL, for plain HTTP to another machine, and for an address with
    /// credentials, query or fragment.
    ///
    /// ```
    /// # use feedback_http_client::BaseUrl;
    /// assert!(BaseUrl::parse("https://slack.com/api").is_ok());
    /// assert!(BaseUrl::parse("http://127.0.0.1:4010").is_ok());
    /// assert!(BaseUrl::parse("http://slack.com/api").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let url = Url::parse(text).map_err(|_| ConfigError::BaseUrl("it is not a URL"))?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(ConfigError::BaseUrl("plain HTTP is for loopback only")),
            _ => return Err(ConfigError::BaseUrl("it is not https")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ConfigError::BaseUrl("it holds credentials"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ConfigError::BaseUrl("it has a query or a fragment"));
        }
        Ok(Self(url))
    }

    /// The address with these path segments behind it, each percent-encoded: an id with a slash stays one segment.
    pub fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.0)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for text in [
            "https://slack.com/api",
            "http://127.0.0.1:1",
            "http://[::1]:80/x",
            "http://localhost:8080/",
        ] {
            assert!(BaseUrl::parse(text).is_ok(), "{text}");
        }
        for text in [
            "http://slack.com",
            "http://10.0.0.1",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost.evil.example",
            "http://127.0.0.1@evil.example",
            "https://token@slack.com",
            "https://slack.com/?x=1",
            "https://slack.com/#x",
            "ftp://slack.com",
            "slack.com",
            "",
        ] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        let base = BaseUrl::parse("https://api.example/v1/").unwrap();
        assert_eq!(
            base.join(&["pages", "a/../b?c#d"]).as_str(),
            "https://api.example/v1/pages/a%2F..%2Fb%3Fc%23d"
        );
        assert_eq!(base.join(&[]).as_str(), "https://api.example/v1");
    }
}
