//! What a client may be told, and how a configuration can be wrong.

use std::time::Duration;

/// Limits of a client. The defaults are those of the providers' slowest honest answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpClientConfig {
    /// Longest time for name resolution, connect and TLS together. 5 s.
    pub connect_timeout: Duration,
    /// Longest time for a whole call, its answer's body included. 20 s; a [`Call`](crate::Call) may ask for another.
    pub timeout: Duration,
    /// Longest answer that is read, in bytes. 4 MiB.
    pub max_answer_bytes: usize,
    /// `User-Agent`. Meta's specification asks for the form `name/1.2.3`.
    pub user_agent: String,
}

impl Default for HttpClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(20),
            max_answer_bytes: 4 * 1024 * 1024,
            user_agent: concat!("feedback-hub/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

impl HttpClientConfig {
    /// With another limit for whole calls.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// With another limit for connecting.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// With another limit for the length of answers.
    #[must_use]
    pub fn with_max_answer_bytes(mut self, bytes: usize) -> Self {
        self.max_answer_bytes = bytes;
        self
    }
}

/// Why a client, or an adapter on it, cannot be made. Found before the first call, without I/O.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The host installed no TLS provider for the process.
    #[error("no TLS provider is installed: the host has to choose one before it makes adapters")]
    NoTlsProvider,
    /// The TLS configuration or the user agent was refused.
    #[error("could not build the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The base URL is none, or holds what a base URL must not.
    #[error("could not use base URL: {0}")]
    BaseUrl(&'static str),
    /// A setting is missing or has a form that the provider never gives.
    #[error("could not use {name}: {problem}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}
