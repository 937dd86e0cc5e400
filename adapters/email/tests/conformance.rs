//! The promises of the port, against a mail server's stand-in.

use std::{net::TcpListener, process::ExitCode, sync::Arc, time::Duration};

use feedback_core::{
    domain::{Route, Timestamp},
    ports::ChannelSender,
    testing::conformance::{
        BoxFuture,
        channel_sender::{self, ChannelSenderBench, ChannelSenderHarness, Delivered, Failure, LooksBack, Scripted},
    },
};
use feedback_email::{Email, EmailConfig};
use feedback_sandbox::{Fault, Provider, Sandbox, SandboxConfig};

const PERSON: &str = "lucia@cliente.example";

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().ok();
    channel_sender::run(SandboxEmail)
}

struct SandboxEmail;

struct Bench {
    sandbox: Sandbox,
    now: Timestamp,
}

impl ChannelSenderHarness for SandboxEmail {
    fn start(&self) -> BoxFuture<'_, Box<dyn ChannelSenderBench>> {
        Box::pin(async {
            let sandbox = Sandbox::start(SandboxConfig::demo())
                .await
                .expect("loopback can be bound");
            let now = Timestamp::from_unix_seconds(1_767_225_600).expect("2026 is in the calendar");
            Box::new(Bench { sandbox, now }) as Box<dyn ChannelSenderBench>
        })
    }
}

fn email_at(url: &str) -> Arc<dyn ChannelSender> {
    let config = EmailConfig::new(url.to_owned(), "Acme Support <help@acme.example>")
        .with_unsubscribe("mailto:stop@acme.example")
        .with_timeout(Duration::from_secs(2));
    Arc::new(Email::new(config).expect("the configuration is right"))
}

/// `feedback-hub.{uuid}@…` becomes the marker that it was made of.
fn marker_of(message_id: &str) -> Option<String> {
    let local = message_id.split('@').next()?;
    Some(local.replacen('.', ":", 1))
}

impl ChannelSenderBench for Bench {
    fn sender(&self) -> Arc<dyn ChannelSender> {
        email_at(&self.sandbox.smtp_url())
    }

    fn unreachable(&self) -> Arc<dyn ChannelSender> {
        // Nobody listens there: the port was free a moment ago.
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
        email_at(&format!("smtp://{}", listener.local_addr().expect("it is bound")))
    }

    fn routes(&self, _text: &str) -> Vec<Route> {
        let route = |message_id: Option<&str>, subject: Option<&str>| Route::Email {
            to: PERSON.into(),
            subject: subject.map(Into::into),
            message_id: message_id.map(Into::into),
            references: message_id.map(Into::into).into_iter().collect(),
        };
        vec![
            route(None, None),
            route(Some("root@mail.cliente.example"), Some("La exportación falla")),
        ]
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn delivered(&self) -> BoxFuture<'_, Vec<Delivered>> {
        let seen = self.sandbox.email().sent().into_iter().map(|mail| Delivered {
            marker: marker_of(&mail.message_id),
            id: mail.message_id,
            text: mail.text,
        });
        let seen = seen.collect();
        Box::pin(async { seen })
    }

    fn requests(&self) -> usize {
        self.sandbox.requests(Provider::Email).len()
    }

    fn looks_back(&self) -> LooksBack {
        LooksBack::NotAtAll
    }

    fn fail_next(&self, failure: Failure) -> Scripted {
        let (fault, code) = match failure {
            Failure::Refused => (
                Fault::Status(554, "5.7.1 <lucia@cliente.example> no".into()),
                Some("554 5.7.1"),
            ),
            Failure::RateLimited => (Fault::RateLimited { retry_after_secs: 7 }, Some("451 4.7.1")),
            Failure::Unauthorized => (Fault::Status(530, "5.7.0 sign in first".into()), Some("530 5.7.0")),
            Failure::Unavailable => (Fault::Status(452, "4.3.1 disk full".into()), Some("452 4.3.1")),
            // A mail server has no such rule.
            Failure::Restricted => return Scripted::Impossible,
            Failure::SilentAfterEffect => (Fault::Hang, None),
            Failure::ClosedAfterEffect => (Fault::CloseAfterEffect, None),
            Failure::ClosedBeforeEffect => (Fault::CloseBeforeEffect, None),
        };
        self.sandbox.faults().fail_next(Provider::Email, 1, fault);
        code.map_or(Scripted::Silently, |code| Scripted::WithCode(code.into()))
    }

    fn longest_text(&self) -> usize {
        100_000
    }

    fn secrets(&self) -> Vec<String> {
        vec![PERSON.into()]
    }
}
