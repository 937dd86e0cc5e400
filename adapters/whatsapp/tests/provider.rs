//! What only WhatsApp does, against its stand-in.

use std::sync::Once;

use feedback_core::{
    domain::{OutboundMessage, Route, Timestamp, WhatsAppMode},
    ports::{ChannelSender, PortErrorKind, ReadBack},
    testing::outbound::{outbound, whatsapp_session, whatsapp_template},
};
use feedback_sandbox::{Fault, Provider, Sandbox, SandboxConfig, WindowRefusal};
use feedback_whatsapp::{WhatsApp, WhatsAppConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const NUMBER: &str = "106540352242922";
const PERSON: &str = "5491155501001";

fn whatsapp(base_url: &str, numbers: &[&str]) -> WhatsApp {
    static TLS: Once = Once::new();
    TLS.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .expect("nothing else installs one")
    });
    let config = WhatsAppConfig::new("EAA-sandbox-demo".to_owned(), numbers.iter().copied());
    WhatsApp::new(config.with_base_url(base_url)).expect("the configuration is right")
}

async fn start() -> (Sandbox, WhatsApp) {
    let sandbox = Sandbox::start(SandboxConfig::demo())
        .await
        .expect("loopback can be bound");
    let whatsapp = whatsapp(&sandbox.whatsapp_base_url(), &[NUMBER, "2"]);
    (sandbox, whatsapp)
}

fn message(number: &str, mode: WhatsAppMode) -> OutboundMessage {
    let route = Route::WhatsApp {
        phone_number_id: number.into(),
        to: PERSON.into(),
        quoted: None,
        mode,
    };
    outbound(route, "Listo", Timestamp::UNIX_EPOCH)
}

fn session() -> WhatsAppMode {
    whatsapp_session(Timestamp::UNIX_EPOCH)
}

#[tokio::test]
async fn f82_a_window_that_meta_says_is_closed_is_restricted_and_a_template_passes() {
    let (sandbox, whatsapp) = start().await;
    sandbox.whatsapp().set_window_refusal(WindowRefusal::Synchronous);
    let error = whatsapp.send(&message(NUMBER, session())).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::ChannelRestricted, Some("131047"))
    );
    whatsapp
        .send(&message(NUMBER, whatsapp_template("feedback_update", "es", &["Listo"])))
        .await
        .unwrap();
    assert_eq!(sandbox.whatsapp().messages().len(), 1);
}

#[tokio::test]
async fn a_template_that_does_not_exist_or_does_not_fit_is_restricted() {
    let (_sandbox, whatsapp) = start().await;
    for (mode, code) in [
        (whatsapp_template("feedback_update", "pt_BR", &["Listo"]), "132001"),
        (whatsapp_template("feedback_update", "es", &["Listo", "dos"]), "132000"),
    ] {
        let error = whatsapp.send(&message(NUMBER, mode)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (PortErrorKind::ChannelRestricted, Some(code))
        );
    }
}

#[tokio::test]
async fn a_number_that_is_not_ours_is_not_sent_from() {
    let (sandbox, whatsapp) = start().await;
    let error = whatsapp.send(&message("3", session())).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Rejected, Some("foreign_number"))
    );
    assert!(sandbox.requests(Provider::WhatsApp).is_empty());
    // Configured, but another account's.
    let error = whatsapp.send(&message("2", session())).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (PortErrorKind::Unauthorized, Some("100")));
}

#[tokio::test]
async fn metas_own_faults_sent_nothing_and_a_proxys_may_have() {
    let (sandbox, whatsapp) = start().await;
    for (fault, expected) in [
        (Fault::code(131_000), PortErrorKind::Unavailable),
        (Fault::Status(502, "<html>".into()), PortErrorKind::Unknown),
        (Fault::Status(200, "<html>".into()), PortErrorKind::Unknown),
        (Fault::Status(200, r#"{"messages":[]}"#.into()), PortErrorKind::Unknown),
    ] {
        sandbox.faults().fail_next(Provider::WhatsApp, 1, fault.clone());
        let message = message(NUMBER, session());
        assert_eq!(whatsapp.send(&message).await.unwrap_err().kind(), expected, "{fault:?}");
        assert_eq!(whatsapp.read_back(&message).await.unwrap(), ReadBack::Blind);
    }
}

#[tokio::test]
async fn the_doctor_learns_what_meta_knows_of_a_number() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let whatsapp = whatsapp(&format!("http://{}", listener.local_addr().unwrap()), &[NUMBER]);
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        let body =
            r#"{"display_phone_number":"+1 555-010-0000","verified_name":"Soporte","quality_rating":"GREEN","id":"1"}"#;
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    });
    let number = whatsapp.phone_number(NUMBER).await.unwrap();
    assert_eq!(number.verified_name.as_deref(), Some("Soporte"));
    assert_eq!(number.quality_rating.as_deref(), Some("GREEN"));
    let request = server.await.unwrap();
    assert!(request.starts_with("GET /v23.0/106540352242922?fields="), "{request}");
}

#[tokio::test]
async fn the_accounts_templates_are_read_page_after_page() {
    use feedback_core::ports::{TemplateStanding, Templates};
    let mut config = SandboxConfig::demo();
    let mut paused = feedback_sandbox::Template::approved("paused_update", "es", "Hola {{1}}");
    paused.status = feedback_sandbox::TemplateStatus::Paused;
    config.whatsapp.templates.push(paused);
    let expected = config.whatsapp.templates.len();
    assert!(expected > 4, "more than one page of the stand-in");
    let account = config.whatsapp.business_account_id.clone();
    let sandbox = Sandbox::start(config).await.unwrap();
    // Installs the TLS provider.
    let _ = whatsapp(&sandbox.whatsapp_base_url(), &[NUMBER]);
    let config = WhatsAppConfig::new("EAA-sandbox-demo".to_owned(), [NUMBER])
        .with_base_url(sandbox.whatsapp_base_url())
        .with_business_account_id(account);
    let all = WhatsApp::new(config).unwrap().templates().await.unwrap();
    assert_eq!(all.len(), expected);
    let paused = all.iter().find(|one| one.template.name == "paused_update").unwrap();
    assert_eq!(
        (paused.standing, paused.body.as_str()),
        (TemplateStanding::Paused, "Hola {{1}}")
    );
    let without = whatsapp(&sandbox.whatsapp_base_url(), &[NUMBER])
        .templates()
        .await
        .unwrap_err();
    assert_eq!(without.kind(), PortErrorKind::NotFound);
}
