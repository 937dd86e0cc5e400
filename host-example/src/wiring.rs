//! The only place where an adapter meets a port.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use feedback_adapters::{
    email::{Email, EmailConfig},
    embeddings::WordTable,
    intercom::{Intercom, IntercomConfig},
    local_ai::LocalAi,
    nats::Nats,
    notion::{Notion, NotionConfig},
    object_store::{ObjectBlobs, ObjectStoreConfig},
    openai::{OpenAi, OpenAiConfig},
    slack::{Slack, SlackConfig},
    system::{FileErasureLog, RandomIds, SystemClock},
    vault::{KeyRing, RingVault},
    whatsapp::{WhatsApp, WhatsAppConfig},
};
use feedback_core::{
    Hub, HubSettings, Ports,
    domain::TemplateRef,
    logic::{
        normalize::{EmailRules, IntercomRules, Rules, SlackIntake, SlackRules, WhatsAppRules},
        retry::Backoff,
    },
    ports::{
        ChangelogWriter, ChannelSender, Conversations, Directory, Embedder, FileSource, JobQueue, PortError,
        PortErrorKind, Tracker, Triage,
    },
    usecases::{DeliverySettings, OnAmbiguous},
    worker::{Worker, WorkerSettings},
};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{self, EmbedderChoice, InvalidConfiguration, SearchChoice, Settings},
    encoder,
    store::Store,
};

/// A provider that does not answer must not keep the hub from starting.
const IDENTITY_LIMIT: Duration = Duration::from_secs(3);

/// A hub with real adapters, and what the host keeps in hand of it.
pub(crate) struct Wired {
    pub(crate) hub: Arc<Hub>,
    pub(crate) worker: Worker,
    pub(crate) store: Store,
    pub(crate) providers: Providers,
}

/// The provider adapters that are configured.
#[derive(Default)]
pub(crate) struct Providers {
    pub(crate) slack: Option<Arc<Slack>>,
    pub(crate) intercom: Option<Arc<Intercom>>,
    pub(crate) whatsapp: Option<Arc<WhatsApp>>,
    pub(crate) email: Option<Arc<Email>>,
    pub(crate) notion: Option<Arc<Notion>>,
    pub(crate) openai: Option<Arc<OpenAi>>,
}

impl Providers {
    /// Adapters of what is configured. No call is made.
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self {
            slack: settings
                .slack
                .as_ref()
                .map(slack)
                .transpose()
                .context("SLACK")?
                .map(Arc::new),
            intercom: settings
                .intercom
                .as_ref()
                .map(intercom)
                .transpose()
                .context("INTERCOM")?
                .map(Arc::new),
            whatsapp: settings
                .whatsapp
                .as_ref()
                .map(whatsapp)
                .transpose()
                .context("WHATSAPP")?
                .map(Arc::new),
            email: settings.smtp.as_ref().map(email).transpose()?.map(Arc::new),
            notion: settings
                .notion
                .as_ref()
                .map(notion)
                .transpose()
                .context("NOTION")?
                .map(Arc::new),
            openai: settings
                .openai
                .as_ref()
                .map(openai)
                .transpose()
                .context("OPENAI")?
                .map(Arc::new),
        })
    }

    /// What is off, for the operator.
    pub(crate) fn off(&self) -> Vec<&'static str> {
        let all = [
            ("Slack", self.slack.is_none()),
            ("Intercom", self.intercom.is_none()),
            ("WhatsApp", self.whatsapp.is_none()),
            ("Email going out (SMTP)", self.email.is_none()),
            ("Notion", self.notion.is_none()),
            ("OpenAI (rules suggest and draft instead)", self.openai.is_none()),
        ];
        all.into_iter().filter(|(_, off)| *off).map(|(name, _)| name).collect()
    }

    fn senders(&self) -> Vec<Arc<dyn ChannelSender>> {
        let mut senders: Vec<Arc<dyn ChannelSender>> = Vec::new();
        senders.extend(self.slack.clone().map(|slack| slack as Arc<dyn ChannelSender>));
        senders.extend(self.intercom.clone().map(|intercom| intercom as Arc<dyn ChannelSender>));
        senders.extend(self.whatsapp.clone().map(|whatsapp| whatsapp as Arc<dyn ChannelSender>));
        senders.extend(self.email.clone().map(|email| email as Arc<dyn ChannelSender>));
        senders
    }

    fn conversations(&self) -> Vec<Arc<dyn Conversations>> {
        let slack = self.slack.clone().map(|slack| slack as Arc<dyn Conversations>);
        slack.into_iter().collect()
    }

    fn files(&self) -> Vec<Arc<dyn FileSource>> {
        let mut files: Vec<Arc<dyn FileSource>> = Vec::new();
        files.extend(self.slack.clone().map(|slack| slack as Arc<dyn FileSource>));
        files.extend(self.intercom.clone().map(|intercom| intercom as Arc<dyn FileSource>));
        files.extend(self.whatsapp.clone().map(|whatsapp| whatsapp as Arc<dyn FileSource>));
        files
    }

    fn directories(&self) -> Vec<Arc<dyn Directory>> {
        let mut directories: Vec<Arc<dyn Directory>> = Vec::new();
        directories.extend(self.slack.clone().map(|slack| slack as Arc<dyn Directory>));
        directories.extend(self.intercom.clone().map(|intercom| intercom as Arc<dyn Directory>));
        directories
    }
}

/// Opens the database, asks Slack who we are, and builds the hub.
pub(crate) async fn wire(settings: &Settings, keys: &SecretString) -> anyhow::Result<Wired> {
    let ring = KeyRing::parse(keys.expose_secret())
        .map_err(|error| InvalidConfiguration::one(&format!("SECRET_KEYS: {error}")))?;
    let (store, _) = Store::open(&settings.database_or_default()).await?;
    let providers = Providers::new(settings)?;
    let rules = rules(settings, &providers).await;
    let clock = Arc::new(SystemClock);
    let backoff = Backoff {
        base: settings.delivery.retry_base,
        cap: settings.delivery.retry_cap,
    };
    let (triage, writer) = ai(&providers);
    let queue: Arc<dyn JobQueue> = match (&settings.queue, store.outbox()) {
        (Some(config), Some(rows)) => Arc::new(Nats::start(config.clone(), rows, clock.clone())?),
        _ => store.queue(),
    };
    let embedder = embedder(settings, &providers)?;
    let search = match settings.matching.search {
        SearchChoice::Memory => None,
        SearchChoice::Pgvector => store.search(&*embedder).await?,
    };
    let hub = Hub::new(
        Ports {
            storage: store.storage(),
            custody: store.custody(),
            erasure_log: Some(Arc::new(FileErasureLog::new(settings.erasure_log_or_default()))),
            queries: store.queries(),
            queue,
            vault: Arc::new(RingVault::new(ring)),
            clock,
            ids: Arc::new(RandomIds),
            triage,
            writer,
            embedder,
            tracker: providers.notion.clone().map(|notion| notion as Arc<dyn Tracker>),
            senders: providers.senders(),
            blobs: Arc::new(blobs(settings)?),
            files: providers.files(),
            directories: providers.directories(),
            conversations: providers.conversations(),
        },
        hub_settings(settings, rules, backoff),
    );
    let hub = match search {
        Some(search) => hub.with_search(search),
        None => hub,
    };
    let hub = Arc::new(match &providers.whatsapp {
        Some(whatsapp) if whatsapp.knows_templates() => hub.with_templates(whatsapp.clone()),
        _ => hub,
    });
    let worker_settings = WorkerSettings {
        backoff,
        ..WorkerSettings::with_lease(settings.lease)
    };
    let worker = hub.worker(worker_settings);
    Ok(Wired {
        hub,
        worker,
        store,
        providers,
    })
}

/// Opens the place for attachments. A folder is made; a bucket is not asked.
pub(crate) fn blobs(settings: &Settings) -> anyhow::Result<ObjectBlobs> {
    let blob = &settings.blob;
    let mut config = ObjectStoreConfig::new(settings.blob_url_or_default()?);
    if let Some(endpoint) = &blob.endpoint {
        config = config.with_endpoint(endpoint);
    }
    if let Some(region) = &blob.region {
        config = config.with_region(region);
    }
    if let (Some(key), Some(secret)) = (&blob.access_key_id, &blob.secret_access_key) {
        config = config.with_keys(key, secret.clone());
    }
    ObjectBlobs::open(&config).context("BLOB_URL")
}

fn hub_settings(settings: &Settings, rules: Rules, backoff: Backoff) -> HubSettings {
    let delivery = &settings.delivery;
    let template = settings.whatsapp.as_ref().and_then(|whatsapp| {
        let name = whatsapp.template.clone()?;
        Some(TemplateRef {
            name,
            language: whatsapp.template_language.clone(),
        })
    });
    let defaults = HubSettings::default();
    HubSettings {
        rules,
        public_url: settings.public_url.clone(),
        template,
        delivery: DeliverySettings {
            settle: delivery.settle,
            ambiguous_after: delivery.ambiguous_after,
            on_ambiguous: match delivery.on_ambiguous {
                config::OnAmbiguous::Ask => OnAmbiguous::Ask,
                config::OnAmbiguous::RetryOnce => OnAmbiguous::RetryOnce,
            },
            backoff,
        },
        retention: settings.retention,
        duplicates_window: settings.matching.window,
        receipts: delivery.receipts,
        receipt_text: delivery.receipt_text.clone(),
        poll_every: settings
            .notion
            .as_ref()
            .map_or(defaults.poll_every, |notion| notion.poll_every),
        ..defaults
    }
}

/// Without an AI provider, rules suggest and draft: no text leaves the machine.
fn ai(providers: &Providers) -> (Arc<dyn Triage>, Arc<dyn ChangelogWriter>) {
    match &providers.openai {
        Some(openai) => (openai.clone(), openai.clone()),
        None => (Arc::new(LocalAi::new()), Arc::new(LocalAi::new())),
    }
}

/// What makes vectors of texts, as configured.
pub(crate) fn embedder(settings: &Settings, providers: &Providers) -> anyhow::Result<Arc<dyn Embedder>> {
    match (&settings.matching.embedder, &providers.openai) {
        (EmbedderChoice::OpenAi, Some(openai)) => Ok(openai.clone()),
        (EmbedderChoice::Encoder(path), _) => {
            let told = |error| InvalidConfiguration::one(&format!("MATCHING.ENCODER_WEIGHTS: {error:#}"));
            Ok(encoder::open(path).map_err(told)?.into())
        }
        // `openai` without that section is refused where the configuration is read.
        (EmbedderChoice::Static | EmbedderChoice::OpenAi, _) => Ok(Arc::new(WordTable::new())),
    }
}

/// How payloads are read. Our own posts come back as events: Slack says which are ours.
async fn rules(settings: &Settings, providers: &Providers) -> Rules {
    let mut rules = Rules {
        slack: SlackRules::default(),
        intercom: IntercomRules {
            app_ids: settings
                .intercom
                .as_ref()
                .map_or_else(Vec::new, |own| own.app_ids.clone()),
        },
        whatsapp: WhatsAppRules {
            phone_number_ids: settings
                .whatsapp
                .as_ref()
                .map_or_else(Vec::new, |own| own.phone_number_ids.clone()),
        },
        email: settings
            .email
            .as_ref()
            .map_or_else(EmailRules::default, |own| EmailRules {
                own_addresses: own.own_addresses.clone(),
                own_list_ids: own.own_list_ids.clone(),
                ..EmailRules::default()
            }),
    };
    if let Some(email) = &providers.email {
        // Our own mails come back where a list or a colleague forwards them.
        rules.email.own_addresses.push(email.address());
        rules.email.own_message_id_domains.push(email.message_id_domain());
    }
    if let (Some(settings), Some(slack)) = (&settings.slack, &providers.slack) {
        rules.slack.channels.clone_from(&settings.channels);
        rules.slack.emojis.clone_from(&settings.emojis);
        rules.slack.team_ids.clone_from(&settings.team_ids);
        rules.slack.intake = match settings.intake.as_str() {
            "mention" => SlackIntake::Mention,
            "emoji" => SlackIntake::Emoji,
            _ => SlackIntake::All,
        };
        let asked = tokio::time::timeout(IDENTITY_LIMIT, slack.identity()).await;
        match asked.unwrap_or_else(|_| Err(PortError::new(PortErrorKind::Unknown, "slack.identity"))) {
            Ok(identity) => {
                rules.slack.own_user_ids.push(identity.user_id);
                rules.slack.own_bot_ids.extend(identity.bot_id);
            }
            // Each event names the app that it is for: that keeps our own posts out as well.
            Err(error) => tracing::warn!(%error, "could not ask Slack who we are"),
        }
    }
    rules
}

fn slack(settings: &config::SlackSettings) -> anyhow::Result<Slack> {
    let mut config = SlackConfig::new(settings.bot_token.clone());
    if let Some(url) = &settings.base_url {
        config = config.with_base_url(url);
    }
    Ok(Slack::new(config)?)
}

fn intercom(settings: &config::IntercomSettings) -> anyhow::Result<Intercom> {
    let mut config = IntercomConfig::new(settings.access_token.clone(), settings.admin_id.clone());
    if let Some(url) = &settings.base_url {
        config = config.with_base_url(url);
    }
    Ok(Intercom::new(config)?)
}

fn whatsapp(settings: &config::WhatsAppSettings) -> anyhow::Result<WhatsApp> {
    let mut config = WhatsAppConfig::new(settings.access_token.clone(), settings.phone_number_ids.clone());
    if let Some(id) = &settings.business_account_id {
        config = config.with_business_account_id(id);
    }
    if let Some(url) = &settings.base_url {
        config = config.with_base_url(url);
    }
    Ok(WhatsApp::new(config)?)
}

fn email(settings: &config::SmtpSettings) -> anyhow::Result<Email> {
    let mut config = EmailConfig::new(settings.url.clone(), settings.from.clone());
    if let Some(subject) = &settings.subject {
        config = config.with_subject(subject);
    }
    if let Some(address) = &settings.unsubscribe {
        config = config.with_unsubscribe(address);
    }
    if let Some(pem) = &settings.authority {
        config = config.with_authority(pem);
    }
    // Told in the host's own words for its keys: SMTP.URL, SMTP.FROM.
    Email::new(config).map_err(|error| {
        InvalidConfiguration::one(&format!("SMTP.{}: {}", error.name.to_uppercase(), error.problem)).into()
    })
}

fn notion(settings: &config::NotionSettings) -> anyhow::Result<Notion> {
    let mut config = NotionConfig::new(settings.token.clone(), settings.data_source_id.clone());
    if let Some(url) = &settings.base_url {
        config = config.with_base_url(url);
    }
    Ok(Notion::new(config)?)
}

fn openai(settings: &config::OpenAiSettings) -> anyhow::Result<OpenAi> {
    let mut config = OpenAiConfig::new(settings.model.as_deref().unwrap_or(DEFAULT_MODEL));
    if let Some(key) = &settings.api_key {
        config = config.with_api_key(key.clone());
    }
    if let Some(model) = &settings.embedding_model {
        let dimensions = dimensions(model).with_context(|| format!("EMBEDDING_MODEL: unknown model {model}"))?;
        config = config.with_embedding_model(model, dimensions);
    }
    if let Some(url) = &settings.base_url {
        config = config.with_base_url(url);
    }
    Ok(OpenAi::new(config)?)
}

/// A small model: triage and drafts are short.
const DEFAULT_MODEL: &str = "gpt-4o-mini";

/// Length of a model's vectors. It is stored with every vector, so it is not guessed.
fn dimensions(model: &str) -> Option<usize> {
    match model {
        "text-embedding-3-small" | "text-embedding-ada-002" => Some(1536),
        "text-embedding-3-large" => Some(3072),
        "nomic-embed-text" => Some(768),
        "mxbai-embed-large" | "bge-m3" => Some(1024),
        _ => None,
    }
}
