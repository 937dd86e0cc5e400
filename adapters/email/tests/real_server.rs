//! Against a mail server that others wrote (aiosmtpd): STARTTLS, TLS, sign-in, and what arrives.
//!
//! `FEEDBACK_TEST_PYTHON` names a Python that has aiosmtpd; `tests/run` provides one. Without it the tests fail: what is not
//! run is not known to work.
#![expect(
    clippy::disallowed_methods,
    reason = "the environment says which Python has the mail server"
)]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use feedback_core::{
    domain::{Route, Timestamp},
    ports::{ChannelSender, PortErrorKind},
    testing::outbound::outbound,
};
use feedback_email::{Email, EmailConfig};

struct Server {
    child: Child,
    port: u16,
    authority: String,
    mails: PathBuf,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Server {
    fn start(how: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let certificate = certificate(folder.path());
        let mails = folder.path().join("mails");
        std::fs::create_dir(&mails).expect("a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server.py");
        let mut child = Command::new(python())
            .arg(script)
            .arg(&mails)
            .args([folder.path().join("cert.pem"), folder.path().join("key.pem")])
            .arg(how)
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python can be run");
        let mut port = String::new();
        let stdout = child.stdout.take().expect("its output is a pipe");
        BufReader::new(stdout).read_line(&mut port).expect("it says its port");
        let port = port.trim().parse().expect("aiosmtpd is installed and listens");
        Self {
            child,
            port,
            authority: certificate,
            mails,
            _folder: folder,
        }
    }

    fn email(&self, scheme: &str, password: &str) -> Email {
        rustls::crypto::ring::default_provider().install_default().ok();
        let url = format!("{scheme}://hub:{password}@localhost:{}", self.port);
        let config = EmailConfig::new(url, "Acme Support <help@acme.example>")
            .with_authority(self.authority.clone())
            .with_timeout(Duration::from_secs(10));
        Email::new(config).expect("the configuration is right")
    }

    fn mails(&self) -> Vec<serde_json::Value> {
        let mut mails = Vec::new();
        for n in 1.. {
            let Ok(text) = std::fs::read_to_string(self.mails.join(format!("{n}.json"))) else {
                return mails;
            };
            mails.push(serde_json::from_str(&text).expect("the server writes JSON"));
        }
        mails
    }
}

fn python() -> PathBuf {
    let named = std::env::var_os("FEEDBACK_TEST_PYTHON").map(PathBuf::from);
    let provided = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/bin/python");
    named.unwrap_or(provided)
}

/// A certificate for localhost, signed by nobody else.
fn certificate(folder: &Path) -> String {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args([
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(folder.join("cert.pem"))
        .stderr(Stdio::null())
        .status();
    assert!(made.is_ok_and(|status| status.success()), "openssl makes a certificate");
    std::fs::read_to_string(folder.join("cert.pem")).expect("the certificate is there")
}

fn route(to: &str) -> Route {
    Route::Email {
        to: to.into(),
        subject: Some("La exportación falla".into()),
        message_id: Some("root@mail.cliente.example".into()),
        references: vec!["root@mail.cliente.example".into()],
    }
}

#[tokio::test]
async fn a_mail_goes_through_starttls_and_through_tls_with_a_sign_in() {
    for (how, scheme) in [("starttls", "smtp"), ("tls", "smtps")] {
        let server = Server::start(how);
        let email = server.email(scheme, "p%40ss%20word");
        email.check().await.unwrap_or_else(|error| panic!("{how}: {error}"));
        let words = "Ya está: ñandú 👍\n.una línea con punto\nfin";
        let message = outbound(route("dana@cliente.example"), words, Timestamp::UNIX_EPOCH);
        let receipt = email
            .send(&message)
            .await
            .unwrap_or_else(|error| panic!("{how}: {error}"));
        let [mail] = &server.mails()[..] else {
            panic!("{how}: one mail")
        };
        assert_eq!(mail["from"], "help@acme.example", "{how}");
        assert_eq!(mail["to"], serde_json::json!(["dana@cliente.example"]), "{how}");
        assert_eq!((&mail["tls"], &mail["user"]), (&true.into(), &"hub".into()), "{how}");
        let raw = mail["raw"].as_str().unwrap();
        assert!(
            raw.contains(&format!("Message-ID: <{}>", receipt.provider_message_id)),
            "{how}: {raw}"
        );
        assert!(raw.contains("In-Reply-To: <root@mail.cliente.example>"), "{how}: {raw}");
        let parsed = mail_parser::MessageParser::default().parse(raw.as_bytes()).unwrap();
        assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n"), words, "{how}");
        assert_eq!(parsed.subject(), Some("Re: La exportación falla"), "{how}");
    }
}

#[tokio::test]
async fn a_wrong_password_a_stranger_and_a_certificate_of_nobody_are_told_apart() {
    let server = Server::start("starttls");
    let message = |to: &str| outbound(route(to), "Listo.", Timestamp::UNIX_EPOCH);
    let error = server
        .email("smtp", "wrong")
        .send(&message("dana@cliente.example"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Unauthorized, Some("535 5.7.8")),
        "{error}"
    );
    let error = server
        .email("smtp", "p%40ss%20word")
        .send(&message("nobody@cliente.example"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (PortErrorKind::Rejected, Some("550 5.1.1")),
        "{error}"
    );
    assert!(server.mails().is_empty());
    let server = Server::start("tls");
    let url = format!("smtps://hub:p%40ss%20word@localhost:{}", server.port);
    let distrustful = Email::new(EmailConfig::new(url, "help@acme.example")).unwrap();
    let error = distrustful.send(&message("dana@cliente.example")).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::NotSent, "{error}");
    assert!(server.mails().is_empty());
}
