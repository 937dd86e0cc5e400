//! What mail servers do that the port's own suite does not ask about.

use std::time::Duration;

use feedback_core::{
    domain::{Route, Timestamp},
    ports::{ChannelSender, PortErrorKind},
    testing::outbound::outbound,
};
use feedback_email::{Email, EmailConfig};
use feedback_sandbox::{Fault, Provider, Sandbox, SandboxConfig, Scope};

fn email(url: &str) -> Email {
    rustls::crypto::ring::default_provider().install_default().ok();
    let config = EmailConfig::new(url.to_owned(), "help@acme.example").with_timeout(Duration::from_secs(2));
    Email::new(config).expect("the configuration is right")
}

fn route() -> Route {
    Route::Email {
        to: "dana@cliente.example".into(),
        subject: Some("Export".into()),
        message_id: None,
        references: Vec::new(),
    }
}

#[tokio::test]
async fn each_step_fails_as_what_it_is() {
    use PortErrorKind::{NotSent, RateLimited, Rejected, Unauthorized, Unavailable, Unknown};
    let status = |code, words: &str| Fault::Status(code, words.to_owned());
    let limited = RateLimited { retry_after: None };
    let rows = [
        ("/connect", status(421, "4.3.2 closing"), Unavailable, "421 4.3.2"),
        ("/connect", status(554, "go away"), Unauthorized, "554"),
        ("/connect", Fault::CloseBeforeEffect, NotSent, "connect"),
        ("/connect", Fault::Hang, NotSent, "connect"),
        (
            "/mail",
            status(553, "5.7.1 not your address"),
            Unauthorized,
            "553 5.7.1",
        ),
        ("/mail", Fault::CloseBeforeEffect, NotSent, "connection_lost"),
        (
            "/rcpt",
            status(550, "5.1.1 <dana@cliente.example> unknown"),
            Rejected,
            "550 5.1.1",
        ),
        ("/rcpt", status(450, "4.2.1 busy"), Unavailable, "450 4.2.1"),
        ("/rcpt", status(451, "4.7.1 greylisted"), limited, "451 4.7.1"),
        ("/rcpt", Fault::Hang, NotSent, "timeout"),
        ("/data", status(550, "5.7.1 spam"), Rejected, "550 5.7.1"),
        ("/data", Fault::CloseBeforeEffect, Unknown, "connection_lost"),
        ("/data", Fault::Hang, Unknown, "timeout"),
    ];
    let sandbox = Sandbox::start(SandboxConfig::demo()).await.unwrap();
    let email = email(&sandbox.smtp_url());
    for (step, fault, kind, code) in rows {
        let what = format!("{step} {fault:?}");
        sandbox
            .faults()
            .fail_next_in(Provider::Email, 1, fault, Scope::path(step));
        let message = outbound(route(), "Done.", Timestamp::UNIX_EPOCH);
        let error = email.send(&message).await.expect_err(&what);
        assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{what}");
        assert!(
            sandbox.faults().pending(Provider::Email).is_empty(),
            "{what}: the fault was met"
        );
        assert!(!format!("{error} {error:?}").contains("dana@"), "{what}");
        let about_person = step == "/rcpt" && kind != NotSent;
        assert_eq!(error.is_narrow(), about_person, "{what}");
    }
}

#[tokio::test]
async fn a_mail_reads_the_same_in_both_parts_and_says_how_to_stop() {
    let sandbox = Sandbox::start(SandboxConfig::demo()).await.unwrap();
    let config = EmailConfig::new(sandbox.smtp_url(), "Acme Support <help@acme.example>")
        .with_unsubscribe("https://acme.example/stop?u=1");
    let email = Email::new(config).unwrap();
    email.check().await.unwrap();
    let message = outbound(route(), "Fixed: <b>a & b</b>\n.\n.. dots", Timestamp::UNIX_EPOCH);
    email.send(&message).await.unwrap();
    let mail = sandbox.email().sent().remove(0);
    assert_eq!(
        (mail.from.as_str(), mail.to.as_str()),
        ("help@acme.example", "dana@cliente.example")
    );
    assert_eq!(mail.text, "Fixed: <b>a & b</b>\n.\n.. dots");
    let html = mail.html.expect("an HTML part");
    assert!(html.contains("Fixed: &lt;b&gt;a &amp; b&lt;/b&gt;"), "{html}");
    assert_eq!(
        mail.list_unsubscribe.as_deref(),
        Some("<https://acme.example/stop?u=1>")
    );
    assert!(mail.message_id.ends_with(&format!("@{}", email.message_id_domain())));
}

#[tokio::test]
async fn where_tls_is_wanted_nothing_goes_to_a_server_that_does_not_speak_it() {
    let sandbox = Sandbox::start(SandboxConfig::demo()).await.unwrap();
    rustls::crypto::ring::default_provider().install_default().ok();
    let config = EmailConfig::new(sandbox.smtp_url(), "help@acme.example").with_authority(AUTHORITY);
    let message = outbound(route(), "Done.", Timestamp::UNIX_EPOCH);
    let error = Email::new(config).unwrap().send(&message).await.expect_err("no TLS");
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Unauthorized, Some("no_tls")),
        "{error}"
    );
    assert!(sandbox.email().sent().is_empty());
}

/// Anybody's: it signs nothing here.
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBjjCCATWgAwIBAgIUSY0lM/iHBWns83Csc9s5Y8qoJs0wCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRYXV0aG9yaXR5LmV4YW1wbGUwIBcNMjYxMTIyMTcyNDU0WhgP
MjEyNjEwMjkxNzI0NTRaMBwxGjAYBgNVBAMMEWF1dGhvcml0eS5leGFtcGxlMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEstwmAUD3efuADimerQlEMM24+R96Yeoy
Pog63epQz1xu331/6l5PIDFdiqHECRHfyls/NU3HKIEiAP7v85D6Y6NTMFEwHQYD
VR0OBBYEFIW5Uq5stpLs2MvHFjKKlQo47OkVMB8GA1UdIwQYMBaAFIW5Uq5stpLs
2MvHFjKKlQo47OkVMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIg
ehhevvgCjkhLWXBotdTmTjHrzH3VeS58gT/oL8QqeLICID+9fEUnhocYCVnR8PQN
j6M6GNhxQDIqI3fYNe7iQ3VM
-----END CERTIFICATE-----
";
