//! `doctor`: what is configured, and what each provider says about it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use feedback_adapters::{
    nats::Nats,
    postgres::{Postgres, PostgresConfig},
    system::SystemClock,
};
use feedback_core::{
    domain::{Language, Scrubbed, TemplateRef},
    logic::{
        infer::infer,
        scrub::{KnownPeople, Scrubber},
    },
    ports::{Clock, Embedder, PortError, PortErrorKind, Templates, Triage, TriageRequest},
    usecases::{TemplateFit, template_fit},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{SearchChoice, Settings},
    store::Database,
    telemetry,
    wiring::{self, Providers},
};

pub(crate) async fn run(config: Option<&Path>) -> anyhow::Result<()> {
    telemetry::start_logs(telemetry::LogStyle::Plain, "error");
    let settings = Settings::load(config)?;
    let mut healthy = true;
    let mut say = |name: &str, good: bool, words: &str| {
        healthy &= good;
        println!("{} {name}: {words}", if good { "ok  " } else { "BAD " });
    };
    let keys = settings
        .secret_keys
        .as_ref()
        .map(|keys| keys.expose_secret().to_owned());
    match keys.as_deref().map(feedback_adapters::vault::KeyRing::parse) {
        Some(Ok(ring)) => say("SECRET_KEYS", true, &format!("newest key {}", ring.newest_id())),
        Some(Err(error)) => say("SECRET_KEYS", false, &error.to_string()),
        None => say("SECRET_KEYS", false, "missing: `serve` will not start"),
    }
    if let Some(queue) = &settings.queue {
        match Nats::check(queue).await {
            Ok(()) => say(
                "QUEUE_URL",
                true,
                &format!("stream {} takes and gives messages", queue.stream),
            ),
            Err(error) => say(
                "QUEUE_URL",
                false,
                &format!("{error}; `serve` starts all the same, and finds jobs in the database"),
            ),
        }
    }
    if let Database::Server(url) = settings.database_or_default() {
        server(&mut say, url, settings.matching.search).await;
    }
    match wiring::blobs(&settings) {
        Ok(blobs) => {
            let answer = blobs.check().await;
            report(
                &mut say,
                "Attachments",
                answer.map(|()| "a file can be kept, read and removed".to_owned()),
            );
        }
        Err(error) => say("Attachments", false, &format!("{error:#}")),
    }
    let providers = Providers::new(&settings)?;
    for off in providers.off() {
        println!("off  {off}: not configured");
    }
    if let Some(slack) = &providers.slack {
        let answer = slack
            .identity()
            .await
            .map(|own| format!("bot {} in workspace {}", own.user_id, own.team_id));
        report(&mut say, "Slack", answer);
    }
    if let Some(intercom) = &providers.intercom {
        report(
            &mut say,
            "Intercom",
            intercom.knows_its_teammate().await.map(|known| {
                if known {
                    "the teammate who answers exists".to_owned()
                } else {
                    "ADMIN_ID names no teammate".to_owned()
                }
            }),
        );
    }
    if let (Some(whatsapp), Some(numbers)) = (&providers.whatsapp, &settings.whatsapp) {
        for id in &numbers.phone_number_ids {
            let answer = whatsapp
                .phone_number(id)
                .await
                .map(|number| format!("number {}", number.display_phone_number.unwrap_or_else(|| id.clone())));
            report(&mut say, "WhatsApp", answer);
        }
        if let (true, Some(name)) = (whatsapp.knows_templates(), &numbers.template) {
            let wanted = TemplateRef {
                name: name.clone(),
                language: numbers.template_language.clone(),
            };
            match whatsapp.templates().await {
                Ok(all) => match template_fit(&wanted, &all) {
                    TemplateFit::Usable { .. } => {
                        say(
                            "WhatsApp template",
                            true,
                            &format!("{name} in {} can be used", wanted.language),
                        );
                    }
                    TemplateFit::Unusable(why) => say("WhatsApp template", false, why),
                },
                Err(error) => report(&mut say, "WhatsApp template", Err(error)),
            }
        }
    }
    if let Some(email) = &providers.email {
        let words = format!("mails go out from {}", email.address());
        report(&mut say, "SMTP", email.check().await.map(|()| words));
    }
    if let Some(notion) = &providers.notion {
        report(
            &mut say,
            "Notion",
            notion.health().await.map(|health| {
                let missing = health.missing_properties.join(", ");
                if missing.is_empty() {
                    format!("board {}", health.board)
                } else {
                    format!("board {}, without columns {missing}", health.board)
                }
            }),
        );
    }
    if let Some(openai) = &providers.openai {
        report(&mut say, "OpenAI", asked(&**openai).await);
    }
    match wiring::embedder(&settings, &providers) {
        Ok(embedder) => report(&mut say, "Duplicates", compared(&*embedder, &settings).await),
        Err(error) => say("Duplicates", false, &format!("{error:#}")),
    }
    if healthy {
        Ok(())
    } else {
        anyhow::bail!("something is wrong; see above")
    }
}

/// Embeds a made-up report: that weights can be read, or that the server knows the model.
async fn compared(embedder: &dyn Embedder, settings: &Settings) -> Result<String, PortError> {
    let vectors = embedder.embed(&[made_up()]).await?;
    Ok(format!(
        "vectors of {} values by {}, {} days back",
        vectors.first().map_or(0, Vec::len),
        embedder.model(),
        settings.matching.window.as_secs() / (24 * 60 * 60),
    ))
}

/// A report that nobody wrote.
fn made_up() -> Scrubbed {
    Scrubber::new()
        .scrub("The export to a spreadsheet stops halfway.", &KnownPeople::new())
        .text
}

/// How far the clocks of host and server may be apart: leases and shifts of several hosts are told by their clocks.
const CLOCKS_APART: Duration = Duration::from_secs(5);

async fn server(say: &mut impl FnMut(&str, bool, &str), url: SecretString, search: SearchChoice) {
    const NAME: &str = "PostgreSQL";
    let asked = Instant::now();
    let server = match Postgres::check_up(&PostgresConfig::new(url)).await {
        Ok(server) => server,
        Err(error) => {
            let error = anyhow::Error::from(error);
            return say(NAME, false, &format!("{error:#}"));
        }
    };
    let (now, took) = (SystemClock.now(), asked.elapsed());
    let apart = now
        .since(server.clock)
        .max(server.clock.since(now))
        .saturating_sub(took);
    let version = &server.version;
    if server.is_new_enough {
        say(NAME, true, &format!("version {version} answers"));
    } else {
        say(NAME, false, &format!("version {version} is older than 15"));
    }
    if server.is_read_only {
        say(NAME, false, "takes no writes: it is a replica, or was told so");
    }
    match (&server.foreign, server.pending_migrations) {
        (Some(why), _) => say("PostgreSQL schema", false, why),
        (None, 0) => say("PostgreSQL schema", true, "up to date"),
        (None, steps) => say(
            "PostgreSQL schema",
            true,
            &format!("{steps} steps behind: the next start adds them"),
        ),
    }
    let words = format!("{} s apart from this machine's", apart.as_secs());
    say("PostgreSQL clock", apart <= CLOCKS_APART, &words);
    let extensions = server.extensions.join(", ");
    if search == SearchChoice::Memory {
        return println!("note PostgreSQL extensions: {extensions}; none is needed");
    }
    println!("note PostgreSQL extensions: {extensions}");
    let is_there = server.extensions.iter().any(|name| name == "vector");
    match (&server.pgvector, is_there) {
        (Some(version), true) => say("MATCHING.SEARCH", true, &format!("pgvector {version} is there")),
        (Some(version), false) => {
            let words = format!("the next start creates pgvector {version}, if the hub's role may");
            say("MATCHING.SEARCH", true, &words);
        }
        (None, _) => say(
            "MATCHING.SEARCH",
            false,
            "the server does not have pgvector: `serve` will not start",
        ),
    }
}

/// Asks the model about a made-up report: the one way to know that key, model and schema work together.
async fn asked(triage: &dyn Triage) -> Result<String, PortError> {
    let text = made_up();
    let request = TriageRequest {
        inferred: infer(text.as_str()),
        text,
        language: Some(Language::English),
    };
    triage
        .read(&request)
        .await
        .map(|reading| format!("{} answers", reading.made_by.model))
}

fn report(say: &mut impl FnMut(&str, bool, &str), name: &str, answer: Result<String, PortError>) {
    match answer {
        Ok(words) => say(name, true, &words),
        Err(error) => {
            let hint = match error.kind() {
                PortErrorKind::Unauthorized => "the token is not accepted, or may not do this",
                PortErrorKind::NotSent => "cannot be reached from here",
                PortErrorKind::NotFound => "what is configured does not exist there, or is not shared with us",
                _ => "answered with a failure",
            };
            say(name, false, &format!("{hint} ({error})"));
        }
    }
}
