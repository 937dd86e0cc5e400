//! Where blobs are, and how a configuration can be wrong.

use std::{fmt, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

/// Where blobs are kept.
#[derive(Clone)]
#[non_exhaustive]
pub struct ObjectStoreConfig {
    /// `file:///absolute/folder`, or `s3://bucket/prefix`.
    pub url: String,
    /// How S3 is reached; not read for a folder.
    pub s3: S3Access,
    /// Longest time for one call to S3. 15 s.
    pub timeout: Duration,
}

/// Keys and place of an S3 store.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct S3Access {
    /// Where the S3 API is: empty for Amazon's own of the region. Buckets are named in the path, as other makers' servers want.
    pub endpoint: Option<String>,
    /// Region. `us-east-1`.
    pub region: Option<String>,
    /// Access key.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<SecretString>,
}

impl ObjectStoreConfig {
    /// The configuration of an address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            s3: S3Access::default(),
            timeout: Duration::from_secs(15),
        }
    }

    /// With another endpoint of the S3 API.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.s3.endpoint = Some(endpoint.into());
        self
    }

    /// With another region.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.s3.region = Some(region.into());
        self
    }

    /// With the keys of an S3 account.
    #[must_use]
    pub fn with_keys(mut self, access_key_id: impl Into<String>, secret_access_key: impl Into<SecretString>) -> Self {
        self.s3.access_key_id = Some(access_key_id.into());
        self.s3.secret_access_key = Some(secret_access_key.into());
        self
    }

    /// With another time limit.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    pub(crate) fn place(&self) -> Result<Place, ConfigError> {
        let url = Url::parse(&self.url).map_err(|_| ConfigError::Url("it is not a URL"))?;
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(ConfigError::Url("it holds credentials, a query or a fragment"));
        }
        match url.scheme() {
            "file" => url
                .to_file_path()
                .map(Place::Folder)
                .map_err(|()| ConfigError::Url("it is not of the form file:///folder")),
            "s3" => {
                let bucket = url.host_str().filter(|host| !host.is_empty());
                let bucket = bucket.ok_or(ConfigError::Url("it names no bucket"))?;
                let prefix = url.path().trim_matches('/');
                if !(prefix.is_empty() || feedback_core::ports::is_blob_key(prefix)) {
                    return Err(ConfigError::Url(
                        "its prefix has characters other than letters, digits, -, _ and /",
                    ));
                }
                Ok(Place::Bucket {
                    bucket: bucket.to_owned(),
                    prefix: prefix.to_owned(),
                })
            }
            _ => Err(ConfigError::Url("it is neither file:// nor s3://")),
        }
    }
}

/// What an address names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Folder(PathBuf),
    Bucket { bucket: String, prefix: String },
}

impl fmt::Debug for ObjectStoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStoreConfig")
            .field("url", &self.url)
            .field("s3", &self.s3)
            .field("timeout", &self.timeout)
            .finish()
    }
}

impl fmt::Debug for S3Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Access")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// Why a store cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The address is none.
    #[error("could not use the blob store's address: {0}")]
    Url(&'static str),
    /// A setting is missing or has a form that no store takes.
    #[error("could not use {name}: {problem}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The folder cannot be made or opened.
    #[error("could not open the blob store's folder")]
    Folder(#[source] std::io::Error),
    /// The host installed no TLS provider for the process.
    #[error("no TLS provider is installed: the host has to choose one before it makes adapters")]
    NoTlsProvider,
    /// The parts do not fit.
    #[error("could not make the blob store")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_folder_or_a_bucket() {
        let place = |url: &str| ObjectStoreConfig::new(url).place();
        assert_eq!(place("file:///var/blobs").unwrap(), Place::Folder("/var/blobs".into()));
        let bucket = |bucket: &str, prefix: &str| Place::Bucket {
            bucket: bucket.into(),
            prefix: prefix.into(),
        };
        assert_eq!(place("s3://files").unwrap(), bucket("files", ""));
        assert_eq!(place("s3://files/hub/a/").unwrap(), bucket("files", "hub/a"));
        for url in [
            "",
            "files",
            "/var/blobs",
            "http://x/y",
            "s3://",
            "s3:///x",
            "s3://b/../c d",
            "s3://key:secret@b/",
            "s3://b?x=1",
            "file://host/x",
        ] {
            assert!(place(url).is_err(), "{url}");
        }
    }

    #[test]
    fn debug_hides_the_keys() {
        let config = ObjectStoreConfig::new("s3://b").with_keys("AKIA-id", "very-secret".to_owned());
        let shown = format!("{config:?}");
        assert!(!shown.contains("AKIA") && !shown.contains("secret"), "{shown}");
    }
}
