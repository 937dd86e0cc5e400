//! The promises of both ports, against Intercom's stand-in.

use std::{net::TcpListener, process::ExitCode, sync::Arc, time::Duration};

use feedback_core::{
    domain::{Channel, Route, Timestamp},
    ports::{ChannelSender, Directory},
    testing::conformance::{
        BoxFuture,
        channel_sender::{self, ChannelSenderBench, ChannelSenderHarness, Delivered, Failure, LooksBack, Scripted},
        directory::{self, DirectoryBench, DirectoryHarness, KnownPerson, LookUpFailure},
    },
};
use feedback_intercom::{Intercom, IntercomConfig};
use feedback_sandbox::{Fault, IntercomContact, Provider, Sandbox, SandboxConfig, Scope};
use libtest_mimic::Arguments;

const CONTACT: &str = "f715b2835c90d34bd428185a";
const LEAD: &str = "000000000000000000000001";

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut trials = channel_sender::all(SandboxIntercom);
    trials.extend(directory::all(SandboxIntercom));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

struct SandboxIntercom;

struct Bench {
    sandbox: Sandbox,
    conversation: String,
    now: Timestamp,
}

async fn bench() -> Bench {
    let sandbox = Sandbox::start(SandboxConfig::demo())
        .await
        .expect("loopback can be bound");
    let (report, _) = sandbox.intercom().person_writes(CONTACT, "La exportación falla");
    let now = Timestamp::from_unix_micros(report.at.timestamp_micros()).expect("the sandbox lives in our time");
    Bench {
        sandbox,
        conversation: report.conversation_id,
        now,
    }
}

impl Bench {
    fn intercom_at(&self, base_url: &str) -> Arc<Intercom> {
        let account = &self.sandbox.config().intercom;
        let config = IntercomConfig::new(account.access_token.clone(), account.admin_id.clone())
            .with_base_url(base_url)
            .with_timeout(Duration::from_secs(2));
        Arc::new(Intercom::new(config).expect("the configuration is right"))
    }

    fn intercom(&self) -> Arc<Intercom> {
        self.intercom_at(&self.sandbox.intercom_base_url())
    }

    fn script(&self, fault: Fault, path: &str) {
        self.sandbox
            .faults()
            .fail_next_in(Provider::Intercom, 1, fault, Scope::path(path));
    }
}

/// An address at which nobody listens: the port was free a moment ago.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    format!("http://{}", listener.local_addr().expect("it is bound"))
}

/// What a browser shows of the little HTML that comments are made of. Anything else in it is markup that came out of a text.
fn shown(html: &str) -> String {
    let text = html.replace("<p>", "").replace("</p>", "").replace("<br>", "\n");
    assert!(!text.contains(['<', '>']), "markup is left in {html}");
    for line in text.split('\n') {
        assert!(
            !line.contains("  ") && line == line.trim_matches(' '),
            "a browser drops white space of {html}"
        );
    }
    text.replace("&nbsp;&nbsp;&nbsp;&nbsp;", "\t")
        .replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

impl ChannelSenderHarness for SandboxIntercom {
    fn start(&self) -> BoxFuture<'_, Box<dyn ChannelSenderBench>> {
        Box::pin(async { Box::new(bench().await) as Box<dyn ChannelSenderBench> })
    }
}

impl ChannelSenderBench for Bench {
    fn sender(&self) -> Arc<dyn ChannelSender> {
        self.intercom()
    }

    fn unreachable(&self) -> Arc<dyn ChannelSender> {
        self.intercom_at(&nowhere())
    }

    fn routes(&self, _text: &str) -> Vec<Route> {
        vec![Route::Intercom {
            conversation: self.conversation.clone(),
        }]
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn delivered(&self) -> BoxFuture<'_, Vec<Delivered>> {
        let conversation = self
            .sandbox
            .intercom()
            .conversation(&self.conversation)
            .expect("it was begun above");
        let seen = conversation
            .comments_by_admins()
            .map(|part| Delivered {
                id: format!("{}:{}", self.conversation, part.id),
                text: shown(&part.body),
                marker: None,
            })
            .collect();
        Box::pin(async { seen })
    }

    fn requests(&self) -> usize {
        self.sandbox.requests(Provider::Intercom).len()
    }

    fn looks_back(&self) -> LooksBack {
        LooksBack::ByWords
    }

    fn fail_next(&self, failure: Failure) -> Scripted {
        let (fault, code) = match failure {
            Failure::Refused => (Fault::code("data_invalid"), Some("data_invalid")),
            Failure::RateLimited => (Fault::RateLimited { retry_after_secs: 7 }, Some("rate_limit_exceeded")),
            Failure::Unauthorized => (Fault::code("token_revoked"), Some("token_revoked")),
            Failure::Unavailable => (Fault::code("service_unavailable"), Some("service_unavailable")),
            Failure::Restricted => return Scripted::Impossible,
            Failure::SilentAfterEffect => (Fault::Hang, None),
            Failure::ClosedAfterEffect => (Fault::CloseAfterEffect, None),
            Failure::ClosedBeforeEffect => (Fault::CloseBeforeEffect, None),
        };
        self.script(fault, "/reply");
        code.map_or(Scripted::Silently, |code| Scripted::WithCode(code.into()))
    }

    fn longest_text(&self) -> usize {
        10_000
    }

    fn secrets(&self) -> Vec<String> {
        vec![
            self.sandbox.config().intercom.access_token.clone(),
            CONTACT.into(),
            self.conversation.clone(),
        ]
    }
}

impl DirectoryHarness for SandboxIntercom {
    fn start(&self) -> BoxFuture<'_, Box<dyn DirectoryBench>> {
        Box::pin(async {
            let bench = bench().await;
            bench.sandbox.intercom().put_contact(IntercomContact {
                id: LEAD.into(),
                external_id: None,
                role: "lead".into(),
                name: None,
                email: Some("typed@by.example".into()),
                phone: Some("+5491155501001".into()),
            });
            Box::new(bench) as Box<dyn DirectoryBench>
        })
    }
}

impl DirectoryBench for Bench {
    fn directory(&self) -> Arc<dyn Directory> {
        self.intercom()
    }

    fn unreachable(&self) -> Arc<dyn Directory> {
        self.intercom_at(&nowhere())
    }

    fn channel(&self) -> Channel {
        Channel::Intercom
    }

    fn people(&self) -> Vec<KnownPerson> {
        vec![
            KnownPerson {
                external_user_id: CONTACT.into(),
                name: Some("Lucía Fernández".into()),
                email: Some("lucia.fernandez@tienda1.example".into()),
                email_verified: true,
                phone: Some("+5491155501001".into()),
            },
            KnownPerson {
                external_user_id: LEAD.into(),
                name: None,
                email: Some("typed@by.example".into()),
                email_verified: false,
                phone: None,
            },
        ]
    }

    fn nobody(&self) -> String {
        "ffffffffffffffffffffff00".into()
    }

    fn fail_next(&self, failure: LookUpFailure) -> bool {
        let fault = match failure {
            LookUpFailure::RateLimited => Fault::RateLimited { retry_after_secs: 7 },
            LookUpFailure::Unauthorized => Fault::code("unauthorized"),
            LookUpFailure::Unavailable => Fault::code("server_error"),
            LookUpFailure::Silent => Fault::Hang,
            LookUpFailure::Closed => Fault::CloseAfterEffect,
        };
        self.script(fault, "/contacts/");
        true
    }

    fn changes(&self) -> usize {
        self.sandbox
            .requests(Provider::Intercom)
            .iter()
            .filter(|request| request.method != "GET")
            .count()
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.sandbox.config().intercom.access_token.clone()]
    }
}
