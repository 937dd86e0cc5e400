//! Where a provider keeps files: an address that a message brings is asked for there or nowhere.

use std::fmt;

use reqwest::Url;
use url::{Host, Origin};

use crate::BaseUrl;

/// The hosts that a provider's files come from.
#[derive(Clone)]
pub struct FileHosts {
    exact: Vec<&'static str>,
    below: Vec<&'static str>,
    with_token: Vec<&'static str>,
    stand_in: Option<Origin>,
}

impl FileHosts {
    /// Files come from `exact` hosts, and from any host below the domains `below` (`files.example` lets `a.files.example` in,
    /// and `files.example` itself not). No token is sent.
    pub fn new(exact: &[&'static str], below: &[&'static str]) -> Self {
        Self {
            exact: exact.to_vec(),
            below: below.to_vec(),
            with_token: Vec::new(),
            stand_in: None,
        }
    }

    /// One more exact host, which gets the token.
    #[must_use]
    pub fn with_token_for(mut self, host: &'static str) -> Self {
        self.exact.push(host);
        self.with_token.push(host);
        self
    }

    /// Also the origin (scheme, host and port) of a stand-in, where the operator configured one: a base URL of plain HTTP, which
    /// is on loopback. It gets the token if any host does.
    #[must_use]
    pub fn and_stand_in(mut self, base: &BaseUrl) -> Self {
        let url = base.join(&[]);
        self.stand_in = (url.scheme() == "http").then(|| url.origin());
        self
    }

    /// Whether a file may be asked for there.
    pub(crate) fn admits(&self, url: &Url) -> bool {
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        if self.is_stand_in(url) {
            return true;
        }
        let (Some(Host::Domain(host)), "https", None) = (url.host(), url.scheme(), url.port()) else {
            return false;
        };
        self.exact.contains(&host) || self.below.iter().any(|domain| is_below(host, domain))
    }

    /// Whether the token goes there.
    pub(crate) fn takes_token(&self, url: &Url) -> bool {
        let is_named = url.host_str().is_some_and(|host| self.with_token.contains(&host));
        self.admits(url) && (is_named || (self.is_stand_in(url) && !self.with_token.is_empty()))
    }

    /// Whether addresses on loopback are what the operator asked for.
    pub(crate) fn is_stand_in(&self, url: &Url) -> bool {
        self.stand_in.as_ref().is_some_and(|own| *own == url.origin())
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|label| !label.is_empty())
}

impl fmt::Debug for FileHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileHosts")
            .field("exact", &self.exact)
            .field("below", &self.below)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> FileHosts {
        FileHosts::new(&["downloads.example.test"], &["cdn.example.test"])
            .with_token_for("files.example.test")
            .and_stand_in(&BaseUrl::parse("http://127.0.0.1:4010/slack/api").unwrap())
    }

    fn admitted(text: &str) -> bool {
        Url::parse(text).is_ok_and(|url| hosts().admits(&url))
    }

    #[test]
    fn files_come_from_the_providers_hosts_over_tls_or_from_the_operators_stand_in() {
        for text in [
            "https://files.example.test/a/b?c=d",
            "https://FILES.example.test/a",
            "https://downloads.example.test/x",
            "https://eu.cdn.example.test/x",
            "https://files.example.test:443/x",
            "http://127.0.0.1:4010/files/1",
        ] {
            assert!(admitted(text), "{text}");
        }
    }

    #[test]
    fn f84_no_other_spelling_or_place_is_asked() {
        for text in [
            "http://files.example.test/a",
            "https://files.example.test:8443/a",
            "https://files.example.test./a",
            "https://example.test/a",
            "https://cdn.example.test/a",
            "https://evilcdn.example.test/a",
            "https://files.example.test.evil.test/a",
            "https://evil.test/files.example.test",
            "https://evil.test#files.example.test",
            "https://evil.test\\@files.example.test/",
            "https://files.example.test@evil.test/",
            "https://user:pass@files.example.test/",
            "https://user@files.example.test/",
            "https://127.0.0.1/",
            "http://127.0.0.1/",
            "http://127.0.0.1:4011/",
            "https://127.0.0.1:4010/",
            "http://localhost:4010/",
            "http://127.1:4011/",
            "http://2130706433:80/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://[::1]:4010/",
            "http://[::ffff:127.0.0.1]:4010/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data/",
            "http://169.254.169.254/latest/meta-data/",
            "https://0/",
            "file:///etc/passwd",
            "ftp://files.example.test/a",
            "gopher://files.example.test/a",
            "data:text/plain,x",
            "javascript:alert(1)",
            "//files.example.test/a",
            "/a",
            "",
        ] {
            assert!(!admitted(text), "{text}");
        }
    }

    #[test]
    fn the_token_goes_to_its_exact_host_alone() {
        let takes = |text: &str| hosts().takes_token(&Url::parse(text).unwrap());
        assert!(takes("https://files.example.test/a") && takes("http://127.0.0.1:4010/a"));
        for text in [
            "https://downloads.example.test/x",
            "https://eu.cdn.example.test/x",
            "http://files.example.test/a",
            "https://evil.test/",
        ] {
            assert!(!takes(text), "{text}");
        }
        let none = FileHosts::new(&["a.test"], &[]).and_stand_in(&BaseUrl::parse("http://127.0.0.1:1").unwrap());
        assert!(!none.takes_token(&Url::parse("http://127.0.0.1:1/").unwrap()));
        let https = FileHosts::new(&[], &[]).and_stand_in(&BaseUrl::parse("https://api.test").unwrap());
        assert!(
            !https.admits(&Url::parse("https://api.test/").unwrap()),
            "an API's host keeps no files"
        );
    }
}
