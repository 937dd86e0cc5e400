//! Pictures, against Meta's stand-in.

use feedback_core::ports::{FetchLimits, FileSource, PortErrorKind};
use feedback_sandbox::{Provider, Sandbox, SandboxConfig, SandboxFile};
use feedback_whatsapp::{WhatsApp, WhatsAppConfig};

#[tokio::test]
async fn a_picture_is_asked_for_by_its_id_and_fetched_with_the_token() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let sandbox = Sandbox::start(SandboxConfig::demo()).await.unwrap();
    let (_, inbound) =
        sandbox
            .whatsapp()
            .person_sends_picture("5491155501001", "Lucía", "Mirá", SandboxFile::screenshot());
    let body: serde_json::Value = serde_json::from_slice(&inbound.sign(&sandbox.secrets()).body).unwrap();
    let message = &body["entry"][0]["changes"][0]["value"]["messages"][0];
    let id = message["image"]["id"].as_str().unwrap();
    let account = &sandbox.config().whatsapp;
    let config = |token: &str| {
        WhatsAppConfig::new(token.to_owned(), [account.phone_number_id.as_str()])
            .with_base_url(sandbox.whatsapp_base_url())
    };
    let whatsapp = WhatsApp::new(config(&account.access_token)).unwrap();

    let file = whatsapp.fetch(id, &FetchLimits::default()).await.unwrap();
    assert_eq!(file.bytes, SandboxFile::screenshot().bytes);
    assert_eq!(file.content_type.as_deref(), Some("image/png"));

    let gone = whatsapp
        .fetch("999999999999999", &FetchLimits::default())
        .await
        .unwrap_err();
    assert_eq!(gone.kind(), PortErrorKind::NotFound);
    let refused = WhatsApp::new(config("EAA-other"))
        .unwrap()
        .fetch(id, &FetchLimits::default())
        .await;
    assert_eq!(refused.unwrap_err().kind(), PortErrorKind::Unauthorized);
    let before = sandbox.requests(Provider::WhatsApp).len();
    for reference in ["", "../me", "https://evil.test/x", "1?fields=x", "1/2"] {
        let error = whatsapp.fetch(reference, &FetchLimits::default()).await.unwrap_err();
        assert_eq!(error.code(), Some("bad_reference"), "{reference}");
    }
    assert_eq!(sandbox.requests(Provider::WhatsApp).len(), before);
}
