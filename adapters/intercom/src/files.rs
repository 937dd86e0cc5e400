//! Intercom as a source of files: signed addresses on its own hosts, which take no token.

use async_trait::async_trait;
use feedback_core::{
    domain::Channel,
    ports::{FetchLimits, FetchedFile, FileSource, PortError},
};
use feedback_http_client::{BaseUrl, FileHosts};

use crate::Intercom;

/// As Intercom lists them for content security policies, in its three regions.
const HOSTS: [&str; 5] = [
    "downloads.intercomcdn.com",
    "downloads.intercomcdn.eu",
    "downloads.au.intercomcdn.com",
    "uploads.intercomusercontent.com",
    "gifs.intercomcdn.com",
];

/// Customers' uploads, each workspace below a name of its own.
const DOMAINS: [&str; 11] = [
    "intercom-attachments-1.com",
    "intercom-attachments-2.com",
    "intercom-attachments-3.com",
    "intercom-attachments-4.com",
    "intercom-attachments-5.com",
    "intercom-attachments-6.com",
    "intercom-attachments-7.com",
    "intercom-attachments-8.com",
    "intercom-attachments-9.com",
    "intercom-attachments.eu",
    "au.intercom-attachments.com",
];

#[async_trait]
impl FileSource for Intercom {
    fn channel(&self) -> Channel {
        Channel::Intercom
    }

    #[tracing::instrument(name = "intercom.fetch", skip_all)]
    async fn fetch(&self, reference: &str, limits: &FetchLimits) -> Result<FetchedFile, PortError> {
        self.files().fetch("intercom.fetch", reference, None, limits).await
    }
}

pub(crate) fn hosts(base: &BaseUrl) -> FileHosts {
    FileHosts::new(&HOSTS, &DOMAINS).and_stand_in(base)
}

#[cfg(test)]
mod tests {
    use feedback_http_client::FileClient;

    use super::*;

    #[test]
    fn f84_uploads_are_fetched_from_intercoms_hosts_alone() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let base = BaseUrl::parse("https://api.intercom.io").unwrap();
        let client = FileClient::new(hosts(&base)).unwrap();
        for address in [
            "https://downloads.intercomcdn.com/i/o/1/a.png?expires=1&signature=x",
            "https://acme.intercom-attachments-7.com/i/o/1/a.png",
            "https://acme.au.intercom-attachments.com/i/o/1/a.png",
        ] {
            assert!(client.admits(address), "{address}");
        }
        for address in [
            "https://api.intercom.io/me",
            "https://intercom-attachments-7.com/x",
            "https://acme.intercom-attachments-7.com.evil.test/x",
            "https://acme.intercom-attachments-77.com/x",
            "https://evil.test/acme.intercom-attachments-7.com",
            "http://downloads.intercomcdn.com/x",
            "http://127.0.0.1/x",
        ] {
            assert!(!client.admits(address), "{address}");
        }
    }
}
