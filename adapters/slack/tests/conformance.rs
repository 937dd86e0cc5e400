//! The promises of the three ports, against Slack's stand-in.

use std::{net::TcpListener, process::ExitCode, sync::Arc, time::Duration};

use feedback_core::{
    domain::{Channel, ExternalId, Route, ThreadRef, Timestamp},
    logic::normalize::WantedForm,
    ports::{ChannelSender, Conversations, Directory, StepEnd, ThreadOpening},
    testing::conformance::{
        BoxFuture,
        channel_sender::{self, ChannelSenderBench, ChannelSenderHarness, Delivered, Failure, LooksBack, Scripted},
        conversations::{self, ConversationsBench, ConversationsFailure, ConversationsHarness},
        directory::{self, DirectoryBench, DirectoryHarness, KnownPerson, LookUpFailure},
    },
};
use feedback_sandbox::{
    ChannelAccess, Fault, Provider, Sandbox, SandboxConfig, Scope, SlackChannel, SlackStepEnd, SlackUser,
};
use feedback_slack::{Slack, SlackConfig};
use libtest_mimic::Arguments;

const CHANNEL: &str = "C0SUPPORT";
const USER: &str = "U0LUCIAFERN";

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut trials = channel_sender::all(SandboxSlack);
    trials.extend(directory::all(SandboxSlack));
    trials.extend(conversations::all(SandboxSlack));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

struct SandboxSlack;

struct Bench {
    sandbox: Sandbox,
    root_ts: String,
}

async fn bench() -> Bench {
    let sandbox = Sandbox::start(SandboxConfig::demo())
        .await
        .expect("loopback can be bound");
    let (report, _) = sandbox.slack().person_posts(USER, CHANNEL, "La exportación falla");
    Bench {
        sandbox,
        root_ts: report.ts,
    }
}

impl Bench {
    fn slack_at(&self, base_url: &str) -> Arc<Slack> {
        let token = self.sandbox.config().slack.bot_token.clone();
        let config = SlackConfig::new(token)
            .with_base_url(base_url)
            .with_timeout(Duration::from_secs(2));
        Arc::new(Slack::new(config).expect("the configuration is right"))
    }

    fn slack(&self) -> Arc<Slack> {
        self.slack_at(&self.sandbox.slack_base_url())
    }

    fn script(&self, fault: Fault, path: &str) {
        self.sandbox
            .faults()
            .fail_next_in(Provider::Slack, 1, fault, Scope::path(path));
    }

    fn calls_of(&self, method: &str) -> usize {
        self.sandbox
            .requests(Provider::Slack)
            .iter()
            .filter(|request| request.path.contains(method))
            .count()
    }
}

/// An address at which nobody listens: the port was free a moment ago.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
    format!("http://{}/api", listener.local_addr().expect("it is bound"))
}

/// What Slack shows of a text without formatting. An angle bracket that is not escaped begins a mention or a link.
fn shown(text: &str) -> String {
    assert!(!text.contains(['<', '>']), "markup is left in {text}");
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

impl ChannelSenderHarness for SandboxSlack {
    fn start(&self) -> BoxFuture<'_, Box<dyn ChannelSenderBench>> {
        Box::pin(async { Box::new(bench().await) as Box<dyn ChannelSenderBench> })
    }
}

impl ChannelSenderBench for Bench {
    fn sender(&self) -> Arc<dyn ChannelSender> {
        self.slack()
    }

    fn unreachable(&self) -> Arc<dyn ChannelSender> {
        self.slack_at(&nowhere())
    }

    fn routes(&self, _text: &str) -> Vec<Route> {
        let team = self.sandbox.config().slack.team_id.clone();
        vec![
            Route::SlackThread {
                team: team.clone(),
                channel: CHANNEL.into(),
                thread_ts: self.root_ts.clone(),
            },
            Route::SlackDirect {
                team,
                user: USER.into(),
            },
        ]
    }

    fn now(&self) -> Timestamp {
        let micros = self
            .root_ts
            .replace('.', "")
            .parse()
            .expect("a ts has seconds and six digits");
        Timestamp::from_unix_micros(micros).expect("the sandbox lives in our time")
    }

    fn delivered(&self) -> BoxFuture<'_, Vec<Delivered>> {
        let team = &self.sandbox.config().slack.team_id;
        let seen = self
            .sandbox
            .slack()
            .app_messages()
            .into_iter()
            .map(|message| Delivered {
                id: format!("{team}:{}:{}", message.channel, message.ts),
                text: shown(&message.text),
                marker: message
                    .metadata
                    .and_then(|data| Some(data["event_payload"]["marker"].as_str()?.to_owned())),
            });
        let seen = seen.collect();
        Box::pin(async { seen })
    }

    fn requests(&self) -> usize {
        self.sandbox.requests(Provider::Slack).len()
    }

    fn looks_back(&self) -> LooksBack {
        LooksBack::ByMarker
    }

    fn fail_next(&self, failure: Failure) -> Scripted {
        let (fault, code) = match failure {
            Failure::Refused => (Fault::code("is_archived"), Some("is_archived")),
            Failure::RateLimited => (Fault::RateLimited { retry_after_secs: 7 }, Some("ratelimited")),
            Failure::Unauthorized => (Fault::code("token_revoked"), Some("token_revoked")),
            Failure::Unavailable => (Fault::code("service_unavailable"), Some("service_unavailable")),
            Failure::Restricted => return Scripted::Impossible,
            Failure::SilentAfterEffect => (Fault::Hang, None),
            Failure::ClosedAfterEffect => (Fault::CloseAfterEffect, None),
            Failure::ClosedBeforeEffect => (Fault::CloseBeforeEffect, None),
        };
        self.script(fault, "chat.postMessage");
        code.map_or(Scripted::Silently, |code| Scripted::WithCode(code.into()))
    }

    fn longest_text(&self) -> usize {
        4_000
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.sandbox.config().slack.bot_token.clone(), USER.into()]
    }
}

impl DirectoryHarness for SandboxSlack {
    fn start(&self) -> BoxFuture<'_, Box<dyn DirectoryBench>> {
        Box::pin(async {
            let bench = bench().await;
            bench.sandbox.slack().put_user(SlackUser {
                id: "U0STRANGER".into(),
                handle: "leo".into(),
                real_name: "Leonardo Sosa".into(),
                display_name: "Leo".into(),
                email: None,
                locale: "es-AR".into(),
            });
            Box::new(bench) as Box<dyn DirectoryBench>
        })
    }
}

impl DirectoryBench for Bench {
    fn directory(&self) -> Arc<dyn Directory> {
        self.slack()
    }

    fn unreachable(&self) -> Arc<dyn Directory> {
        self.slack_at(&nowhere())
    }

    fn channel(&self) -> Channel {
        Channel::Slack
    }

    fn people(&self) -> Vec<KnownPerson> {
        let person = |id: &str, name: &str, email: Option<&str>| KnownPerson {
            external_user_id: id.into(),
            name: Some(name.into()),
            email: email.map(Into::into),
            email_verified: email.is_some(),
            phone: None,
        };
        vec![
            person(USER, "Lucía Fernández", Some("lucia.fernandez@tienda1.example")),
            person("U0STRANGER", "Leo", None),
        ]
    }

    fn nobody(&self) -> String {
        "U0NOBODY".into()
    }

    fn fail_next(&self, failure: LookUpFailure) -> bool {
        let fault = match failure {
            LookUpFailure::RateLimited => Fault::RateLimited { retry_after_secs: 7 },
            LookUpFailure::Unauthorized => Fault::code("missing_scope"),
            LookUpFailure::Unavailable => Fault::code("internal_error"),
            LookUpFailure::Silent => Fault::Hang,
            LookUpFailure::Closed => Fault::CloseAfterEffect,
        };
        self.script(fault, "users.info");
        true
    }

    fn changes(&self) -> usize {
        self.sandbox.requests(Provider::Slack).len() - self.calls_of("users.info")
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.sandbox.config().slack.bot_token.clone()]
    }
}

impl ConversationsHarness for SandboxSlack {
    fn start(&self) -> BoxFuture<'_, Box<dyn ConversationsBench>> {
        Box::pin(async { Box::new(bench().await) as Box<dyn ConversationsBench> })
    }
}

impl Bench {
    fn opening_in(&self, channel: &str, marker: &str, receipt: &str) -> ThreadOpening {
        ThreadOpening {
            place: ThreadRef::Slack {
                team: self.sandbox.config().slack.team_id.clone(),
                channel: channel.into(),
                thread_ts: None,
            },
            person: USER.to_owned().into(),
            receipt: receipt.into(),
            marker: marker.into(),
            since: ChannelSenderBench::now(self),
        }
    }
}

impl ConversationsBench for Bench {
    fn conversations(&self) -> Arc<dyn Conversations> {
        self.slack()
    }

    fn unreachable(&self) -> Arc<dyn Conversations> {
        self.slack_at(&nowhere())
    }

    fn channel(&self) -> Channel {
        Channel::Slack
    }

    fn known_message(&self) -> (ExternalId, String) {
        let team = &self.sandbox.config().slack.team_id;
        let id = ExternalId::parse(format!("{team}:{CHANNEL}:{}", self.root_ts)).expect("a legal id");
        (id, "La exportación falla".into())
    }

    fn unknown_message(&self) -> ExternalId {
        let team = &self.sandbox.config().slack.team_id;
        ExternalId::parse(format!("{team}:{CHANNEL}:1600000000.000100")).expect("a legal id")
    }

    fn opening(&self, marker: &str, receipt: &str) -> ThreadOpening {
        self.opening_in(CHANNEL, marker, receipt)
    }

    fn closed_opening(&self, marker: &str, receipt: &str) -> ThreadOpening {
        let mut channel = SlackChannel::joined("C0PRIVATE", "private");
        channel.access = ChannelAccess::NotMember;
        self.sandbox.slack().put_channel(channel);
        self.opening_in("C0PRIVATE", marker, receipt)
    }

    fn receipts(&self) -> BoxFuture<'_, Vec<(String, ThreadRef)>> {
        let team = self.sandbox.config().slack.team_id.clone();
        let posted = self.sandbox.slack().app_messages().into_iter().map(|message| {
            let thread = ThreadRef::Slack {
                team: team.clone(),
                channel: message.channel,
                thread_ts: Some(message.ts),
            };
            (shown(&message.text), thread)
        });
        let posted = posted.collect();
        Box::pin(async { posted })
    }

    fn wanted_form(&self) -> WantedForm {
        WantedForm {
            trigger: "13345224609.738474920.8088930838d88f008e0".into(),
            user: USER.into(),
            place: Some(CHANNEL.into()),
        }
    }

    fn forms(&self) -> BoxFuture<'_, Vec<Option<String>>> {
        let views = self.sandbox.slack().views();
        let places = views
            .iter()
            .map(|view| view["private_metadata"].as_str().map(str::to_owned));
        let places = places.collect();
        Box::pin(async { places })
    }

    fn waiting_step(&self) -> Option<(ExternalId, String)> {
        let outputs = [("ticket_number", "string")];
        let inputs = serde_json::json!({"details": "No puedo entrar"});
        let (execution, _) = self
            .sandbox
            .slack()
            .workflow_runs("open_ticket", &inputs, &[], &outputs);
        let execution = ExternalId::parse(execution).expect("a legal id");
        Some((execution, "ticket_number".into()))
    }

    fn ended_steps(&self) -> BoxFuture<'_, Vec<(ExternalId, StepEnd)>> {
        let ended = self.sandbox.slack().ended_steps().into_iter().map(|(id, end)| {
            let end = match end {
                SlackStepEnd::Success(serde_json::Value::Object(outputs)) => StepEnd::Done(outputs),
                SlackStepEnd::Success(other) => panic!("outputs are an object: {other}"),
                SlackStepEnd::Error(words) => StepEnd::Failed(words),
            };
            (ExternalId::parse(id).expect("a legal id"), end)
        });
        let ended = ended.collect();
        Box::pin(async { ended })
    }

    fn fail_next(&self, failure: ConversationsFailure) -> bool {
        let fault = match failure {
            ConversationsFailure::RateLimited => Fault::RateLimited { retry_after_secs: 7 },
            ConversationsFailure::Unauthorized => Fault::code("invalid_auth"),
            ConversationsFailure::Unavailable => Fault::code("service_unavailable"),
        };
        self.script(fault, "/api/");
        true
    }

    fn lose_next_receipt(&self) {
        self.script(Fault::CloseAfterEffect, "chat.postMessage");
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.sandbox.config().slack.bot_token.clone(), USER.into()]
    }
}
