//! Drives each stand-in over HTTP, as an adapter would.
#![expect(
    clippy::unwrap_used,
    reason = "what tests share may panic as the tests themselves may"
)]

mod faults;
mod hub;
mod intercom;
mod notion;
mod openai;
mod page;
mod simulator;
mod slack;
mod whatsapp;

use std::{sync::Arc, time::Duration};

use feedback_sandbox::{Sandbox, SandboxConfig};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

/// The demo's sandbox with faster statuses.
async fn sandbox() -> Sandbox {
    let mut config = SandboxConfig::demo();
    config.whatsapp.status_pause = Duration::from_millis(5);
    Sandbox::start(config).await.unwrap()
}

fn client() -> reqwest::Client {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let no_redirects = reqwest::redirect::Policy::none();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(no_redirects)
        .build()
        .unwrap()
}

fn request(method: Method, url: String, token: &str) -> RequestBuilder {
    client()
        .request(method, url)
        .bearer_auth(token)
        .timeout(Duration::from_secs(5))
}

/// Status and JSON body.
async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

/// Waits for what happens in the background.
async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("did not happen within four seconds: {what}");
}
