//! What only Intercom does, against its stand-in.

use std::sync::Once;

use feedback_core::{
    domain::{OutboundMessage, Route, Timestamp},
    ports::{ChannelSender, PortErrorKind},
    testing::outbound::outbound,
};
use feedback_intercom::{Intercom, IntercomConfig};
use feedback_sandbox::{Fault, IntercomPartKind, Provider, Sandbox, SandboxConfig};

const CONTACT: &str = "f715b2835c90d34bd428185a";

fn intercom(sandbox: &Sandbox, admin_id: &str) -> Intercom {
    let token = sandbox.config().intercom.access_token.clone();
    Intercom::new(IntercomConfig::new(token, admin_id).with_base_url(sandbox.intercom_base_url()))
        .expect("the configuration is right")
}

async fn start() -> (Sandbox, Intercom) {
    static TLS: Once = Once::new();
    TLS.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .expect("nothing else installs one")
    });
    let sandbox = Sandbox::start(SandboxConfig::demo())
        .await
        .expect("loopback can be bound");
    let intercom = intercom(&sandbox, "814860");
    (sandbox, intercom)
}

fn message(conversation: &str, text: &str) -> OutboundMessage {
    outbound(
        Route::Intercom {
            conversation: conversation.into(),
        },
        text,
        Timestamp::UNIX_EPOCH,
    )
}

#[tokio::test]
async fn a_comment_goes_out_and_never_a_note() {
    let (sandbox, intercom) = start().await;
    let (report, _) = sandbox.intercom().person_writes(CONTACT, "hola");
    intercom
        .send(&message(&report.conversation_id, "Ya está <b>lista</b>"))
        .await
        .unwrap();
    let conversation = sandbox.intercom().conversation(&report.conversation_id).unwrap();
    assert_eq!(conversation.parts.last().unwrap().kind, IntercomPartKind::Comment);
    let request = sandbox.requests(Provider::Intercom).pop().unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let expected = serde_json::json!({
        "message_type": "comment", "type": "admin", "admin_id": "814860", "body": "<p>Ya está &lt;b&gt;lista&lt;/b&gt;</p>",
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_conversation_that_is_gone_is_not_found_and_one_that_cannot_be_is_not_asked_for() {
    let (sandbox, intercom) = start().await;
    let error = intercom.send(&message("999999999999", "Listo")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::NotFound, Some("not_found"))
    );
    let before = sandbox.requests(Provider::Intercom).len();
    for id in ["last", "..", "1/../2", ""] {
        assert_eq!(
            intercom.send(&message(id, "Listo")).await.unwrap_err().kind(),
            PortErrorKind::Rejected,
            "{id}"
        );
    }
    assert_eq!(sandbox.requests(Provider::Intercom).len(), before);
}

#[tokio::test]
async fn a_server_fault_may_have_written_and_is_unknown() {
    let (sandbox, intercom) = start().await;
    let (report, _) = sandbox.intercom().person_writes(CONTACT, "hola");
    for fault in [Fault::code("server_error"), Fault::Status(504, "<html>".into())] {
        sandbox.faults().fail_next(Provider::Intercom, 1, fault);
        let error = intercom
            .send(&message(&report.conversation_id, "Listo"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), PortErrorKind::Unknown, "{error}");
    }
}

#[tokio::test]
async fn the_doctor_learns_whose_token_it_is_and_whether_the_teammate_exists() {
    let (sandbox, known) = start().await;
    let me = known.me().await.unwrap();
    assert_eq!(
        (me.admin_id.as_deref(), me.app_id.as_deref()),
        (Some("814860"), Some("wksandbox"))
    );
    assert!(known.knows_its_teammate().await.unwrap());
    assert!(!intercom(&sandbox, "1").knows_its_teammate().await.unwrap());
}
