//! One store over a folder or a bucket.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use feedback_core::ports::{BlobStore, PortError, PortErrorKind, is_blob_key};
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder,
    local::LocalFileSystem, path::Path, prefix::PrefixStore,
};
use rustls::crypto::CryptoProvider;
use secrecy::ExposeSecret;
use url::Url;

use crate::{
    ConfigError, ObjectStoreConfig,
    config::{Place, S3Access},
    error::port_error,
};

/// A [`BlobStore`] in a local folder or in S3. Cloning shares it.
#[derive(Clone)]
pub struct ObjectBlobs {
    store: Arc<dyn ObjectStore>,
    place: String,
}

impl ObjectBlobs {
    /// Opens a store. A folder is made if it is not there, for its owner alone; S3 is not asked.
    ///
    /// # Errors
    /// [`ConfigError`] for an address or settings that cannot be used, and for a folder that cannot be made.
    pub fn open(config: &ObjectStoreConfig) -> Result<Self, ConfigError> {
        let place = config.place()?;
        let store: Arc<dyn ObjectStore> = match &place {
            Place::Folder(folder) => {
                make_private(folder).map_err(ConfigError::Folder)?;
                let folder = LocalFileSystem::new_with_prefix(folder).map_err(client)?;
                // Without it a blob is lost with the power although its row says that it is stored.
                Arc::new(folder.with_fsync(true))
            }
            Place::Bucket { bucket, prefix } => {
                let bucket = s3(bucket, &config.s3, config)?;
                if prefix.is_empty() {
                    Arc::new(bucket)
                } else {
                    Arc::new(PrefixStore::new(bucket, Path::from(prefix.as_str())))
                }
            }
        };
        Ok(Self {
            store,
            place: config.url.clone(),
        })
    }

    /// Puts, reads and deletes a blob of its own: what a host tries when it checks its configuration.
    ///
    /// # Errors
    /// As the first call that fails.
    pub async fn check(&self) -> Result<(), PortError> {
        const KEY: &str = "doctor/check";
        self.put(KEY, b"checked".to_vec()).await?;
        self.get(KEY).await?;
        self.delete(KEY).await
    }
}

impl fmt::Debug for ObjectBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectBlobs({})", self.place)
    }
}

#[async_trait]
impl BlobStore for ObjectBlobs {
    #[tracing::instrument(name = "blobs.put", skip_all, fields(bytes = bytes.len()))]
    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), PortError> {
        const OPERATION: &str = "blobs.put";
        let put = self.store.put(&path(OPERATION, key)?, bytes.into()).await;
        put.map(|_| ()).map_err(|error| port_error(OPERATION, error))
    }

    #[tracing::instrument(name = "blobs.get", skip_all)]
    async fn get(&self, key: &str) -> Result<Vec<u8>, PortError> {
        const OPERATION: &str = "blobs.get";
        let path = path(OPERATION, key)?;
        let read = async { self.store.get(&path).await?.bytes().await };
        read.await.map(Into::into).map_err(|error| port_error(OPERATION, error))
    }

    #[tracing::instrument(name = "blobs.delete", skip_all)]
    async fn delete(&self, key: &str) -> Result<(), PortError> {
        const OPERATION: &str = "blobs.delete";
        match self.store.delete(&path(OPERATION, key)?).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(port_error(OPERATION, error)),
        }
    }
}

fn path(operation: &'static str, key: &str) -> Result<Path, PortError> {
    let refused = || PortError::new(PortErrorKind::Rejected, operation).with_code("bad_key");
    if !is_blob_key(key) {
        return Err(refused());
    }
    Path::parse(key).map_err(|_| refused())
}

fn s3(bucket: &str, access: &S3Access, config: &ObjectStoreConfig) -> Result<object_store::aws::AmazonS3, ConfigError> {
    // reqwest would panic.
    if CryptoProvider::get_default().is_none() {
        return Err(ConfigError::NoTlsProvider);
    }
    let missing = |name| ConfigError::Setting {
        name,
        problem: "it is missing, and S3 needs it",
    };
    let key = access.access_key_id.as_deref().ok_or(missing("access_key_id"))?;
    let secret = access.secret_access_key.as_ref().ok_or(missing("secret_access_key"))?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(access.region.as_deref().unwrap_or("us-east-1"))
        .with_access_key_id(key)
        .with_secret_access_key(secret.expose_secret())
        .with_virtual_hosted_style_request(false)
        // One DELETE, and not a POST of a list of one, which some servers lack.
        .with_disable_bulk_delete(true)
        // The core decides what is tried again, and when.
        .with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 0,
            retry_timeout: config.timeout,
        });
    let mut options = ClientOptions::new()
        .with_timeout(config.timeout)
        .with_connect_timeout(config.timeout);
    if let Some(endpoint) = &access.endpoint {
        options = options.with_allow_http(is_plain_loopback(endpoint)?);
        builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
    }
    builder.with_client_options(options).build().map_err(client)
}

/// Keys and blobs do not travel in the open: plain HTTP is for a server on this machine.
fn is_plain_loopback(endpoint: &str) -> Result<bool, ConfigError> {
    let problem = |problem| ConfigError::Setting {
        name: "endpoint",
        problem,
    };
    let url = Url::parse(endpoint).map_err(|_| problem("it is not a URL"))?;
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(false),
        "http" if is_loopback => Ok(true),
        "http" => Err(problem("plain HTTP is for loopback only")),
        _ => Err(problem("it is not https")),
    }
}

fn client(error: Error) -> ConfigError {
    ConfigError::Client(Box::new(error))
}

#[cfg(unix)]
fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(endpoint: &str) -> Result<ObjectBlobs, ConfigError> {
        rustls::crypto::ring::default_provider().install_default().ok();
        let config = ObjectStoreConfig::new("s3://files/hub").with_endpoint(endpoint);
        ObjectBlobs::open(&config.with_keys("AKIA", "very-secret".to_owned()))
    }

    #[test]
    fn keys_are_sent_over_tls_or_to_this_machine_alone() {
        for endpoint in [
            "https://s3.example.test",
            "http://127.0.0.1:9000",
            "http://localhost:9000",
        ] {
            assert!(bucket(endpoint).is_ok(), "{endpoint}");
        }
        for endpoint in ["http://s3.example.test", "http://10.0.0.1:9000", "ftp://x", "nonsense"] {
            assert!(bucket(endpoint).is_err(), "{endpoint}");
        }
        assert!(
            ObjectBlobs::open(&ObjectStoreConfig::new("s3://files")).is_err(),
            "no keys"
        );
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_new_folder_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("deep/blobs");
        let blobs = ObjectBlobs::open(&ObjectStoreConfig::new(format!("file://{}", folder.display()))).unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        blobs.check().await.unwrap();
    }
}
