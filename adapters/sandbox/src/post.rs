//! The providers' HTTP client. It speaks to hubs over plain HTTP only: there is no TLS provider here, by choice.

use std::{sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::webhooks::SignedRequest;

/// A client of its own.
///
/// reqwest wants a TLS configuration even where no address is `https`, and panics if the process installed none. This one
/// trusts nobody, and nothing process-wide is installed: that choice is the host's.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring offers cipher suites for the default versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

/// Posts a webhook once.
pub(crate) async fn once(
    client: &reqwest::Client,
    base_url: &str,
    request: &SignedRequest,
    timeout: Duration,
) -> Result<reqwest::Response, reqwest::Error> {
    let url = format!("{}{}", base_url.trim_end_matches('/'), request.path);
    let mut post = client.post(url).timeout(timeout).body(request.body.clone());
    for (name, value) in &request.headers {
        post = post.header(name, value);
    }
    post.send().await
}
