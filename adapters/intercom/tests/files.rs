//! Uploads, against Intercom's stand-in.

use feedback_core::ports::{FetchLimits, FileSource, PortErrorKind};
use feedback_intercom::{Intercom, IntercomConfig};
use feedback_sandbox::{Provider, Sandbox, SandboxConfig, SandboxFile};

#[tokio::test]
async fn an_upload_comes_from_its_own_address_and_never_with_the_token() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let sandbox = Sandbox::start(SandboxConfig::demo()).await.unwrap();
    let contact = sandbox.config().people[0].intercom_id.clone();
    let (_, inbound) = sandbox
        .intercom()
        .person_uploads(&contact, "Mirá", SandboxFile::screenshot());
    let body: serde_json::Value = serde_json::from_slice(&inbound.sign(&sandbox.secrets()).body).unwrap();
    let address = body["data"]["item"]["source"]["attachments"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let config =
        IntercomConfig::new("intercom-secret-token".to_owned(), "814860").with_base_url(sandbox.intercom_base_url());
    let intercom = Intercom::new(config).unwrap();

    let file = intercom.fetch(&address, &FetchLimits::default()).await.unwrap();
    assert_eq!(file.bytes, SandboxFile::screenshot().bytes);
    let asked = format!("{:?}", sandbox.requests(Provider::Intercom));
    assert!(!asked.contains("intercom-secret-token"), "{asked}");

    let gone = intercom
        .fetch(
            &address.replace("/attachments/", "/attachments/9"),
            &FetchLimits::default(),
        )
        .await;
    assert_eq!(gone.unwrap_err().kind(), PortErrorKind::NotFound);
    let elsewhere = intercom.fetch("https://evil.test/a.png", &FetchLimits::default()).await;
    assert_eq!(elsewhere.unwrap_err().code(), Some("foreign_address"));
}
