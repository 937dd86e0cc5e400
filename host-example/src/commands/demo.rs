//! `demo`: the real hub and the real adapters, with stand-ins for the providers and made-up customers.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use clap::Args;
use feedback_adapters::{
    sandbox::{Ports, Sandbox, SandboxConfig, Simulator, SimulatorConfig, SimulatorTarget},
    system::RandomIds,
};
use feedback_core::ports::IdSource;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use super::autopilot::Autopilot;
use crate::{
    config::{
        EmailSettings, IntercomSettings, NotionSettings, OpenAiSettings, Settings, SlackSettings, SmtpSettings,
        WhatsAppSettings,
    },
    server, shutdown,
    store::Database,
    telemetry::{self, LogStyle},
    wiring,
};

/// Public on purpose, as all credentials of the demo: it seals made-up reports of made-up people.
const DEMO_KEYS: &str = "demo:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";

/// The sandbox's template, in the language of most made-up reporters.
const TEMPLATE: (&str, &str) = ("feedback_update", "es");

/// How the demo runs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Leaves confirming, moving to Done and approving to you.
    #[arg(long)]
    no_autopilot: bool,
    /// Made-up reports in an hour, after one on each channel at the start.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=36_000))]
    rate: u32,
    /// The same seed tells the same story.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keeps the data in this SQLite file; otherwise it is gone when the demo ends.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            no_autopilot: false,
            rate: 20,
            seed: 1,
            database: None,
        }
    }
}

pub(crate) async fn run(arguments: Arguments, config: Option<&Path>) -> anyhow::Result<()> {
    telemetry::start_logs(LogStyle::Plain, "warn");
    let mut settings = Settings::load(config)?;
    let stop = shutdown::on_signal()?;
    let metrics = telemetry::start_metrics()?;
    // Kept until the end: dropping it removes the folder.
    let folder = tempfile::tempdir().context("could not make a folder for the demo's data")?;
    if let Some(file) = arguments.database.clone() {
        settings.database = Some(Database::File(file));
    }
    settings
        .database
        .get_or_insert_with(|| Database::File(folder.path().join("demo.db")));
    let listener = listen(settings.listen).await?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}");
    settings.public_url.get_or_insert_with(|| url.clone());
    let sandbox = start_sandbox(address).await?;
    sandbox.connect(&url);
    point_at(&mut settings, &sandbox);
    let keys = settings
        .secret_keys
        .clone()
        .unwrap_or_else(|| SecretString::from(DEMO_KEYS));
    let token = settings.api_token.clone().unwrap_or_else(|| RandomIds.secret());

    let wired = wiring::wire(&settings, &keys).await?;
    let access = &wired.hub.access;
    let you = access.add_user("You").await?;
    access.add_known_token("demo", you.id, &token).await?;
    let link = access.sign_in_link(you.id).await?;
    say_where(&url, &link, &token, &sandbox, &arguments);

    if !arguments.no_autopilot {
        let reviewer = access.add_user("Autopilot (stand-in reviewer)").await?;
        let autopilot = Autopilot::new(Arc::clone(&wired.hub), sandbox.notion(), reviewer.id);
        let stop = stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(autopilot.run()).await });
    }
    let simulator = Simulator::new(
        arguments.seed,
        SimulatorConfig::default().with_rate_per_hour(arguments.rate),
    );
    let story = tokio::spawn(simulator.run(SimulatorTarget::sandbox(&sandbox), stop.clone()));
    let served = server::run(wired, &settings, metrics, listener, stop).await;
    story.abort();
    sandbox.shutdown().await;
    served
}

/// The configured address, or 8080, or any free port: a demo must not fail since something else runs here.
async fn listen(configured: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    if let Some(address) = configured {
        return TcpListener::bind(address)
            .await
            .with_context(|| format!("could not listen on {address}"));
    }
    match TcpListener::bind((Ipv4Addr::LOCALHOST, 8080)).await {
        Ok(listener) => Ok(listener),
        Err(_) => Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?),
    }
}

/// The stand-ins, with their page one port above the hub where that is free.
async fn start_sandbox(hub: SocketAddr) -> anyhow::Result<Sandbox> {
    let mut config = SandboxConfig::demo();
    config.ports = Ports {
        page: hub.port().saturating_add(1),
        ..Ports::default()
    };
    match Sandbox::start(config).await {
        Ok(sandbox) => Ok(sandbox),
        Err(_) => Sandbox::start(SandboxConfig::demo())
            .await
            .context("could not start the sandbox"),
    }
}

/// The real adapters, with their addresses and credentials those of the stand-ins.
fn point_at(settings: &mut Settings, sandbox: &Sandbox) {
    let config = sandbox.config();
    settings.slack = Some(SlackSettings {
        signing_secrets: vec![config.slack.signing_secret.clone().into()],
        bot_token: config.slack.bot_token.clone().into(),
        channels: Vec::new(),
        intake: "all".to_owned(),
        base_url: Some(sandbox.slack_base_url()),
        emojis: Vec::new(),
        team_ids: Vec::new(),
    });
    settings.intercom = Some(IntercomSettings {
        client_secrets: vec![config.intercom.client_secret.clone().into()],
        access_token: config.intercom.access_token.clone().into(),
        admin_id: config.intercom.admin_id.clone(),
        base_url: Some(sandbox.intercom_base_url()),
        app_ids: Vec::new(),
    });
    settings.whatsapp = Some(WhatsAppSettings {
        app_secrets: vec![config.whatsapp.app_secret.clone().into()],
        verify_token: config.whatsapp.verify_token.clone().into(),
        access_token: config.whatsapp.access_token.clone().into(),
        phone_number_ids: vec![config.whatsapp.phone_number_id.clone()],
        template: Some(TEMPLATE.0.to_owned()),
        template_language: TEMPLATE.1.to_owned(),
        business_account_id: Some(config.whatsapp.business_account_id.clone()),
        base_url: Some(sandbox.whatsapp_base_url()),
    });
    settings.email = Some(EmailSettings {
        webhook_secrets: vec![config.email.webhook_secret.clone().into()],
        own_addresses: Vec::new(),
        own_list_ids: Vec::new(),
    });
    settings.smtp = Some(SmtpSettings {
        url: sandbox.smtp_url().into(),
        from: format!("Acme Support <{}>", config.email.address),
        subject: None,
        unsubscribe: None,
        authority: None,
    });
    settings.notion = Some(NotionSettings {
        token: config.notion.token.clone().into(),
        data_source_id: config.notion.data_source_id.clone(),
        // Two minutes are right for a real board; here somebody watches.
        poll_every: Duration::from_secs(2),
        base_url: Some(sandbox.notion_base_url()),
        webhook_secrets: config
            .notion
            .verification_token
            .clone()
            .map(Into::into)
            .into_iter()
            .collect(),
    });
    settings.openai = Some(OpenAiSettings {
        api_key: Some(config.openai.api_key.clone().into()),
        model: None,
        embedding_model: None,
        base_url: Some(sandbox.openai_base_url()),
    });
}

fn say_where(url: &str, link: &SecretString, token: &SecretString, sandbox: &Sandbox, arguments: &Arguments) {
    println!(
        "Dashboard: {url}/sign-in?link={} (signs you in, once)",
        link.expose_secret()
    );
    println!("Outside:   {} (what reporters and engineers see)", sandbox.page_url());
    println!("API token: {}", token.expose_secret());
    if arguments.no_autopilot {
        println!("Without autopilot: confirm tickets, move pages to Done and approve drafts yourself.");
    } else {
        println!(
            "A stand-in reviewer confirms, resolves and approves after a few seconds; --no-autopilot leaves it to you."
        );
    }
}
