//! A process of its own, since a TLS provider is installed once for a process.

use feedback_http_client::{ConfigError, HttpClient, HttpClientConfig};

#[test]
fn without_a_tls_provider_a_client_is_an_error_and_not_a_panic() {
    let error = HttpClient::new(HttpClientConfig::default()).unwrap_err();
    assert!(matches!(error, ConfigError::NoTlsProvider), "{error}");
    rustls::crypto::ring::default_provider().install_default().unwrap();
    assert!(HttpClient::new(HttpClientConfig::default()).is_ok());
}
