//! The promises of the port, against WhatsApp's stand-in.

use std::{net::TcpListener, process::ExitCode, sync::Arc, time::Duration};

use feedback_core::{
    domain::{Route, TemplateRef, Timestamp, WhatsAppMode},
    ports::{ChannelSender, MessageTemplate, TemplateStanding, Templates},
    testing::{
        conformance::{
            BoxFuture,
            channel_sender::{self, ChannelSenderBench, ChannelSenderHarness, Delivered, Failure, LooksBack, Scripted},
            templates::{self, ListFailure, TemplatesBench, TemplatesHarness},
        },
        outbound::{whatsapp_session, whatsapp_template},
    },
};
use feedback_sandbox::{Fault, Provider, Sandbox, SandboxConfig, Template, TemplateStatus, WhatsAppContent};
use feedback_whatsapp::{WhatsApp, WhatsAppConfig};
use libtest_mimic::Arguments;

const PERSON: &str = "5491155501001";

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut trials = channel_sender::all(SandboxWhatsApp);
    trials.extend(templates::all(SandboxWhatsApp));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

struct SandboxWhatsApp;

struct Bench {
    sandbox: Sandbox,
    quoted: String,
    now: Timestamp,
}

impl ChannelSenderHarness for SandboxWhatsApp {
    fn start(&self) -> BoxFuture<'_, Box<dyn ChannelSenderBench>> {
        Box::pin(async {
            let sandbox = Sandbox::start(SandboxConfig::demo())
                .await
                .expect("loopback can be bound");
            // Opens the 24 hours.
            let (report, _) = sandbox
                .whatsapp()
                .person_writes(PERSON, "Lucía", "La exportación falla");
            let now = Timestamp::from_unix_micros(report.at.timestamp_micros()).expect("the sandbox lives in our time");
            Box::new(Bench {
                sandbox,
                quoted: report.wamid,
                now,
            }) as Box<dyn ChannelSenderBench>
        })
    }
}

impl Bench {
    fn whatsapp_at(&self, base_url: &str) -> Arc<dyn ChannelSender> {
        let account = &self.sandbox.config().whatsapp;
        let config = WhatsAppConfig::new(account.access_token.clone(), [account.phone_number_id.clone()])
            .with_base_url(base_url)
            .with_timeout(Duration::from_secs(2));
        Arc::new(WhatsApp::new(config).expect("the configuration is right"))
    }

    fn route(&self, mode: WhatsAppMode, quoted: Option<String>) -> Route {
        let phone_number_id = self.sandbox.config().whatsapp.phone_number_id.clone();
        Route::WhatsApp {
            phone_number_id,
            to: PERSON.into(),
            quoted,
            mode,
        }
    }
}

impl ChannelSenderBench for Bench {
    fn sender(&self) -> Arc<dyn ChannelSender> {
        self.whatsapp_at(&self.sandbox.whatsapp_base_url())
    }

    fn unreachable(&self) -> Arc<dyn ChannelSender> {
        // Nobody listens there: the port was free a moment ago.
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
        self.whatsapp_at(&format!("http://{}", listener.local_addr().expect("it is bound")))
    }

    fn routes(&self, text: &str) -> Vec<Route> {
        let session = || whatsapp_session(self.now.plus(Duration::from_secs(24 * 3600)));
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        vec![
            self.route(session(), None),
            self.route(session(), Some(self.quoted.clone())),
            self.route(whatsapp_template("feedback_update", "es_AR", &[&one_line]), None),
        ]
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn delivered(&self) -> BoxFuture<'_, Vec<Delivered>> {
        let seen = self.sandbox.whatsapp().messages().into_iter().map(|message| Delivered {
            id: message.wamid,
            text: match message.content {
                WhatsAppContent::Text { body } => body,
                WhatsAppContent::Template { parameters, .. } => parameters.join("\n"),
            },
            marker: message.callback_data,
        });
        let seen = seen.collect();
        Box::pin(async { seen })
    }

    fn requests(&self) -> usize {
        self.sandbox.requests(Provider::WhatsApp).len()
    }

    fn looks_back(&self) -> LooksBack {
        LooksBack::NotAtAll
    }

    fn fail_next(&self, failure: Failure) -> Scripted {
        let (fault, code) = match failure {
            Failure::Refused => (Fault::code(131_026), Some("131026")),
            Failure::RateLimited => (Fault::RateLimited { retry_after_secs: 7 }, Some("130429")),
            Failure::Unauthorized => (Fault::code(190), Some("190")),
            Failure::Unavailable => (Fault::code(131_016), Some("131016")),
            Failure::Restricted => (Fault::code(131_047), Some("131047")),
            Failure::SilentAfterEffect => (Fault::Hang, None),
            Failure::ClosedAfterEffect => (Fault::CloseAfterEffect, None),
            Failure::ClosedBeforeEffect => (Fault::CloseBeforeEffect, None),
        };
        self.sandbox.faults().fail_next(Provider::WhatsApp, 1, fault);
        code.map_or(Scripted::Silently, |code| Scripted::WithCode(code.into()))
    }

    fn longest_text(&self) -> usize {
        4_096
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.sandbox.config().whatsapp.access_token.clone(), PERSON.into()]
    }
}

/// The list of an account's templates.
struct Account {
    sandbox: Sandbox,
}

impl TemplatesHarness for SandboxWhatsApp {
    fn start(&self, templates: Vec<MessageTemplate>) -> BoxFuture<'_, Box<dyn TemplatesBench>> {
        Box::pin(async {
            let mut config = SandboxConfig::demo();
            config.whatsapp.templates = templates.into_iter().map(reviewed).collect();
            let sandbox = Sandbox::start(config).await.expect("loopback can be bound");
            Box::new(Account { sandbox }) as Box<dyn TemplatesBench>
        })
    }
}

/// A template as the stand-in keeps it.
fn reviewed(template: MessageTemplate) -> Template {
    let TemplateRef { name, language } = template.template;
    let mut reviewed = Template::approved(name, language, template.body);
    reviewed.status = match template.standing {
        TemplateStanding::Approved => TemplateStatus::Approved,
        TemplateStanding::Pending => TemplateStatus::Pending,
        TemplateStanding::Paused => TemplateStatus::Paused,
        TemplateStanding::Rejected | TemplateStanding::Disabled => TemplateStatus::Disabled,
    };
    reviewed
}

impl Account {
    fn whatsapp_at(&self, base_url: &str) -> Arc<dyn Templates> {
        let account = &self.sandbox.config().whatsapp;
        let config = WhatsAppConfig::new(account.access_token.clone(), [account.phone_number_id.clone()])
            .with_base_url(base_url)
            .with_business_account_id(account.business_account_id.clone())
            .with_timeout(Duration::from_secs(2));
        Arc::new(WhatsApp::new(config).expect("the configuration is right"))
    }
}

impl TemplatesBench for Account {
    fn templates(&self) -> Arc<dyn Templates> {
        self.whatsapp_at(&self.sandbox.whatsapp_base_url())
    }

    fn unreachable(&self) -> Arc<dyn Templates> {
        // Nobody listens there: the port was free a moment ago.
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback can be bound");
        self.whatsapp_at(&format!("http://{}", listener.local_addr().expect("it is bound")))
    }

    fn fail(&self, answered: u32, failure: ListFailure) -> bool {
        let fault = match failure {
            ListFailure::RateLimited => Fault::RateLimited { retry_after_secs: 7 },
            ListFailure::Unauthorized => Fault::code(190),
            ListFailure::Unavailable => Fault::code(131_016),
            ListFailure::Silent => Fault::Hang,
            ListFailure::Garbled => Fault::Status(200, "<html>".into()),
        };
        if answered > 0 {
            let at_once = Fault::Slow(Duration::ZERO);
            self.sandbox.faults().fail_next(Provider::WhatsApp, answered, at_once);
        }
        self.sandbox.faults().fail_next(Provider::WhatsApp, 1, fault);
        true
    }

    fn requests(&self) -> usize {
        self.sandbox.requests(Provider::WhatsApp).len()
    }

    fn secrets(&self) -> Vec<String> {
        vec![self.sandbox.config().whatsapp.access_token.clone()]
    }
}
