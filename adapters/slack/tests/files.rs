//! Files, against Slack's stand-in.

#![expect(clippy::unwrap_used, reason = "what does not unwrap is a failed test")]

use feedback_core::ports::{FetchLimits, FileSource, PortErrorKind};
use feedback_sandbox::{Provider, Sandbox, SandboxConfig, SandboxFile};
use feedback_slack::{Slack, SlackConfig};

async fn bench() -> (Sandbox, Slack, String) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let sandbox = Sandbox::start(SandboxConfig::demo()).await.unwrap();
    let (_, inbound) = sandbox
        .slack()
        .person_posts_file("U0LUCIAFERN", "C0SUPPORT", "Mirá", SandboxFile::screenshot());
    let body: serde_json::Value = serde_json::from_slice(&inbound.sign(&sandbox.secrets()).body).unwrap();
    let address = body["event"]["files"][0]["url_private_download"]
        .as_str()
        .unwrap()
        .to_owned();
    let slack = slack(&sandbox, &sandbox.config().slack.bot_token);
    (sandbox, slack, address)
}

fn slack(sandbox: &Sandbox, token: &str) -> Slack {
    Slack::new(SlackConfig::new(token.to_owned()).with_base_url(sandbox.slack_base_url())).unwrap()
}

#[tokio::test]
async fn a_file_comes_by_its_address_and_by_its_id() {
    let (_sandbox, slack, address) = bench().await;
    let id = address.split('/').nth(4).unwrap().to_owned();
    for reference in [address, id] {
        let file = slack.fetch(&reference, &FetchLimits::default()).await.unwrap();
        assert_eq!(file.bytes, SandboxFile::screenshot().bytes, "{reference}");
        assert_eq!(file.content_type.as_deref(), Some("image/png"));
    }
}

#[tokio::test]
async fn f84_a_file_elsewhere_is_refused_and_slack_is_not_even_asked() {
    let (sandbox, slack, _) = bench().await;
    for reference in [
        "https://evil.test/files-pri/T1-F1/a.png",
        "http://169.254.169.254/latest/meta-data/",
        "https://slack.com/api/auth.test",
        "https://files.slack.com.evil.test/x",
        "http://files.slack.com/x",
        "file:///etc/passwd",
        "F0../../x",
    ] {
        let error = slack.fetch(reference, &FetchLimits::default()).await.unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Rejected, "{reference}");
    }
    assert!(sandbox.requests(Provider::Slack).is_empty());
}

#[tokio::test]
async fn a_token_without_the_right_to_files_is_sent_to_a_page_to_sign_in_and_does_not_go() {
    let (sandbox, _, address) = bench().await;
    let error = slack(&sandbox, "xoxb-other")
        .fetch(&address, &FetchLimits::default())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Rejected, Some("redirected"))
    );
}

#[tokio::test]
async fn a_file_that_is_gone_or_too_large_says_so() {
    let (sandbox, slack, address) = bench().await;
    let gone = address.replace("/files-pri/F", "/files-pri/FX");
    assert_eq!(
        slack.fetch(&gone, &FetchLimits::default()).await.unwrap_err().kind(),
        PortErrorKind::NotFound
    );
    assert_eq!(
        slack
            .fetch("F0NOSUCH", &FetchLimits::default())
            .await
            .unwrap_err()
            .kind(),
        PortErrorKind::NotFound
    );
    let small = FetchLimits {
        max_bytes: 100,
        ..FetchLimits::default()
    };
    let error = slack.fetch(&address, &small).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Rejected, Some("too_large"))
    );
    drop(sandbox);
}
