//! File and environment into typed settings; the only reader of either.
//!
//! A key is `SECTION.KEY` (or `KEY` at the top) in `feedback.toml`, and `FEEDBACK_SECTION__KEY` in the environment, which
//! wins. A secret may come from a file: `…_FILE`. What is wrong is told all at once.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use feedback_adapters::nats::NatsConfig;
use feedback_core::{
    domain::Language,
    usecases::{ReceiptText, Receipts, RetentionSettings},
};
use secrecy::SecretString;

use crate::store::Database;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Sections and their keys; `""` is the top of the file. A key that is not here is a mistake, and is told.
const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "listen",
            "public_url",
            "database_url",
            "queue_url",
            "queue_credentials",
            "queue_stream",
            "blob_url",
            "secret_keys",
            "erasure_log",
            "api_token",
        ],
    ),
    ("blob", &["endpoint", "region", "access_key_id", "secret_access_key"]),
    (
        "slack",
        &[
            "signing_secret",
            "bot_token",
            "team_id",
            "channels",
            "intake",
            "emojis",
            "base_url",
        ],
    ),
    (
        "intercom",
        &["client_secret", "access_token", "admin_id", "app_id", "base_url"],
    ),
    (
        "whatsapp",
        &[
            "app_secret",
            "verify_token",
            "access_token",
            "phone_number_id",
            "template",
            "template_language",
            "business_account_id",
            "base_url",
        ],
    ),
    ("email", &["webhook_secret", "own_addresses", "own_list_ids"]),
    (
        "notion",
        &["token", "data_source_id", "poll_seconds", "webhook_secret", "base_url"],
    ),
    ("openai", &["api_key", "model", "embedding_model", "base_url"]),
    ("matching", &["embedder", "encoder_weights", "window_days"]),
    ("smtp", &["url", "from", "subject", "unsubscribe", "authority"]),
    (
        "retention",
        &[
            "raw_payload_days",
            "closed_ticket_days",
            "attachment_days",
            "finished_job_days",
        ],
    ),
    (
        "delivery",
        &[
            "settle_seconds",
            "ambiguous_after_seconds",
            "on_ambiguous",
            "retry_base_seconds",
            "retry_cap_seconds",
            "receipts",
            "receipt_text",
            "receipt_text_en",
            "receipt_text_es",
        ],
    ),
    ("worker", &["lease_seconds"]),
];

/// What makes a ticket where emojis do and none is named.
const DEFAULT_EMOJI: &str = "ticket";

/// Reports of longer ago are hardly of the same cause, and a year of them would fill the memory.
const MAX_WINDOW_DAYS: u32 = 365;

/// How long a job's lease may hold: shorter ones lapse when a host is merely busy, longer ones keep a dead host's work.
const LEASE_SECONDS: std::ops::RangeInclusive<u64> = 3..=300;

const DEFAULT_LEASE_SECONDS: u64 = 30;

/// Keys whose values nobody may guess: shorter ones are refused.
const MIN_SECRET_BYTES: usize = 16;

/// Typed settings of a host.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where to listen, where configured.
    pub(crate) listen: Option<SocketAddr>,
    /// Where people open the hub.
    pub(crate) public_url: Option<String>,
    /// Where the data is, where configured.
    pub(crate) database: Option<Database>,
    /// What spreads work between hosts beside the database, where configured.
    pub(crate) queue: Option<NatsConfig>,
    /// Where the bytes of attachments are kept.
    pub(crate) blob: BlobSettings,
    /// Who was erased, kept beside the database.
    pub(crate) erasure_log: Option<PathBuf>,
    /// For how long what is kept.
    pub(crate) retention: RetentionSettings,
    /// The vault's key ring, as configured.
    pub(crate) secret_keys: Option<SecretString>,
    /// A bearer token for the API.
    pub(crate) api_token: Option<SecretString>,
    /// Slack, where configured.
    pub(crate) slack: Option<SlackSettings>,
    /// Intercom, where configured.
    pub(crate) intercom: Option<IntercomSettings>,
    /// WhatsApp, where configured.
    pub(crate) whatsapp: Option<WhatsAppSettings>,
    /// Mail, where configured.
    pub(crate) email: Option<EmailSettings>,
    /// Mail going out, where configured.
    pub(crate) smtp: Option<SmtpSettings>,
    /// Notion, where configured.
    pub(crate) notion: Option<NotionSettings>,
    /// An OpenAI-compatible server, where configured.
    pub(crate) openai: Option<OpenAiSettings>,
    /// How duplicates are looked for.
    pub(crate) matching: MatchingSettings,
    /// How deliveries are made.
    pub(crate) delivery: DeliveryKeys,
    /// How long a job stays with a host that gives no sign of life.
    pub(crate) lease: Duration,
}

/// `BLOB_URL` and `BLOB`.
#[derive(Debug, Default)]
pub(crate) struct BlobSettings {
    /// `file:///folder` or `s3://bucket/prefix`, where configured.
    pub(crate) url: Option<String>,
    /// Where the S3 API is, unless it is Amazon's.
    pub(crate) endpoint: Option<String>,
    /// S3's region.
    pub(crate) region: Option<String>,
    /// S3's access key.
    pub(crate) access_key_id: Option<String>,
    /// Its secret.
    pub(crate) secret_access_key: Option<SecretString>,
}

/// `SLACK`.
#[derive(Debug)]
pub(crate) struct SlackSettings {
    /// Proves who sent a webhook; several while one is rotated.
    pub(crate) signing_secrets: Vec<SecretString>,
    /// `xoxb-…`.
    pub(crate) bot_token: SecretString,
    /// Only these workspaces; empty for all that the app is installed in.
    pub(crate) team_ids: Vec<String>,
    /// Only these channels; empty for all that the app was added to.
    pub(crate) channels: Vec<String>,
    /// `all`, `mention` or `emoji`.
    pub(crate) intake: String,
    /// Emojis by which a person makes a ticket of a message.
    pub(crate) emojis: Vec<String>,
    /// Where the Web API is; the adapter's default where absent.
    pub(crate) base_url: Option<String>,
}

/// `INTERCOM`.
#[derive(Debug)]
pub(crate) struct IntercomSettings {
    /// Proves who sent a webhook.
    pub(crate) client_secrets: Vec<SecretString>,
    /// Access token.
    pub(crate) access_token: SecretString,
    /// The teammate who answers.
    pub(crate) admin_id: String,
    /// Only these workspaces; empty for all that the app is installed in.
    pub(crate) app_ids: Vec<String>,
    /// Region's API.
    pub(crate) base_url: Option<String>,
}

/// `WHATSAPP`.
#[derive(Debug)]
pub(crate) struct WhatsAppSettings {
    /// Proves who sent a webhook.
    pub(crate) app_secrets: Vec<SecretString>,
    /// Meta's handshake.
    pub(crate) verify_token: SecretString,
    /// Access token.
    pub(crate) access_token: SecretString,
    /// Our numbers' ids.
    pub(crate) phone_number_ids: Vec<String>,
    /// Template outside the 24 hours.
    pub(crate) template: Option<String>,
    /// Its language code.
    pub(crate) template_language: String,
    /// The account whose templates are checked.
    pub(crate) business_account_id: Option<String>,
    /// Graph API.
    pub(crate) base_url: Option<String>,
}

/// `EMAIL`.
#[derive(Debug)]
pub(crate) struct EmailSettings {
    /// Proves that our forwarding function sent a mail; several while one is rotated.
    pub(crate) webhook_secrets: Vec<SecretString>,
    /// What comes from these addresses is no report.
    pub(crate) own_addresses: Vec<String>,
    /// Groups through which mail reaches the hub.
    pub(crate) own_list_ids: Vec<String>,
}

/// `SMTP`.
#[derive(Debug)]
pub(crate) struct SmtpSettings {
    /// The mail server; user and password are part of it.
    pub(crate) url: SecretString,
    /// Who the mails are from.
    pub(crate) from: String,
    /// Subject of a mail that answers none.
    pub(crate) subject: Option<String>,
    /// Where people say that they want no more.
    pub(crate) unsubscribe: Option<String>,
    /// A certificate authority of the company's own, in PEM.
    pub(crate) authority: Option<String>,
}

/// `NOTION`.
#[derive(Debug)]
pub(crate) struct NotionSettings {
    /// Integration token.
    pub(crate) token: SecretString,
    /// The board.
    pub(crate) data_source_id: String,
    /// Seconds between polls.
    pub(crate) poll_every: Duration,
    /// Prove that Notion sent a signal; several while one is replaced. Without any, Notion may hand one over.
    pub(crate) webhook_secrets: Vec<SecretString>,
    /// API.
    pub(crate) base_url: Option<String>,
}

/// `OPENAI`.
#[derive(Debug)]
pub(crate) struct OpenAiSettings {
    /// Key; local servers need none.
    pub(crate) api_key: Option<SecretString>,
    /// Chat model.
    pub(crate) model: Option<String>,
    /// Embedding model; without one, vectors are not made by this server.
    pub(crate) embedding_model: Option<String>,
    /// Server, ending in `/v1`.
    pub(crate) base_url: Option<String>,
}

/// `MATCHING`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MatchingSettings {
    /// What makes vectors of texts.
    pub(crate) embedder: EmbedderChoice,
    /// How far back duplicates are looked for.
    pub(crate) window: Duration,
}

/// `MATCHING.EMBEDDER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EmbedderChoice {
    /// The word table in the program.
    Static,
    /// The whole encoder, with the weights in this file.
    Encoder(PathBuf),
    /// The server of `OPENAI`.
    OpenAi,
}

/// `DELIVERY`.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryKeys {
    /// Before an unknown send is read back.
    pub(crate) settle: Duration,
    /// How long a blind provider may still report.
    pub(crate) ambiguous_after: Duration,
    /// Retry once instead of asking.
    pub(crate) on_ambiguous: OnAmbiguous,
    /// First step of retries.
    pub(crate) retry_base: Duration,
    /// Longest step of retries.
    pub(crate) retry_cap: Duration,
    /// Which reports get a receipt.
    pub(crate) receipts: Receipts,
    /// The receipt's words in place of ours; `{number}` stands for the ticket's.
    pub(crate) receipt_text: ReceiptText,
}

/// `DELIVERY.ON_AMBIGUOUS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnAmbiguous {
    /// A person says what happened.
    Ask,
    /// One more try.
    RetryOnce,
}

/// All that is wrong with a configuration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidConfiguration(Vec<String>);

impl fmt::Display for InvalidConfiguration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration cannot be used:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for InvalidConfiguration {}

impl InvalidConfiguration {
    /// One thing that is wrong.
    pub(crate) fn one(problem: &str) -> Self {
        Self(vec![problem.to_owned()])
    }
}

/// Values by section and key, before they are typed, and what is wrong so far.
#[derive(Default)]
struct Source {
    values: BTreeMap<(String, String), String>,
    problems: Vec<String>,
}

impl Settings {
    /// Reads `feedback.toml` (or the file given, which must exist) and the environment.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, InvalidConfiguration> {
        let mut source = Source::default();
        match file {
            Some(path) => source.read_file(path),
            None if Path::new("feedback.toml").exists() => source.read_file(Path::new("feedback.toml")),
            None => {}
        }
        source.read_environment(std::env::vars());
        source.typed()
    }

    /// The address to listen on: `127.0.0.1:8080` unless configured.
    pub(crate) fn listen_or_default(&self) -> SocketAddr {
        self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)))
    }

    /// Where the data is: `feedback.db` in the working directory unless configured.
    pub(crate) fn database_or_default(&self) -> Database {
        self.database
            .clone()
            .unwrap_or_else(|| Database::File(PathBuf::from("feedback.db")))
    }

    /// Where erasures are remembered: beside the SQLite file unless configured; in the working directory for a server.
    pub(crate) fn erasure_log_or_default(&self) -> PathBuf {
        let database = self.database_or_default();
        let beside = database.file().unwrap_or(Path::new("feedback.db"));
        self.erasure_log
            .clone()
            .unwrap_or_else(|| beside.with_extension("erasures.jsonl"))
    }

    /// Where attachments are: beside the SQLite file unless configured.
    pub(crate) fn blob_url_or_default(&self) -> std::io::Result<String> {
        if let Some(url) = &self.blob.url {
            return Ok(url.clone());
        }
        let database = self.database_or_default();
        // A server has no place beside it: the working directory then.
        let beside = std::path::absolute(database.file().unwrap_or(Path::new("feedback.db")))?;
        let folder = beside.with_file_name("feedback-attachments");
        url::Url::from_file_path(folder)
            .map(String::from)
            .map_err(|()| std::io::Error::other("the database's folder is no path of a URL"))
    }

    /// Settings without file and environment: what the demo starts from in tests.
    #[cfg(test)]
    fn from_pairs(pairs: &[(&str, &str)]) -> Result<Self, InvalidConfiguration> {
        let mut source = Source::default();
        source.read_environment(
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        source.typed()
    }
}

impl Source {
    fn read_file(&mut self, path: &Path) {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                return self
                    .problems
                    .push(format!("could not read {}: {error}", path.display()));
            }
        };
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            // The parser's message quotes the line, which may hold a secret.
            Err(error) => {
                let line = error
                    .span()
                    .map_or(0, |span| text[..span.start.min(text.len())].lines().count());
                return self
                    .problems
                    .push(format!("{} is not TOML near line {line}", path.display()));
            }
        };
        for (key, value) in table {
            match value {
                toml::Value::Table(section) => {
                    for (inner, value) in section {
                        self.put(&key, &inner, flat(&value));
                    }
                }
                value => self.put("", &key, flat(&value)),
            }
        }
    }

    fn read_environment(&mut self, vars: impl Iterator<Item = (String, String)>) {
        for (name, value) in vars {
            let Some(path) = name.strip_prefix("FEEDBACK_") else {
                continue;
            };
            let path = path.to_ascii_lowercase();
            let (section, key) = path.split_once("__").unwrap_or(("", &path));
            self.put(section, key, Some(value));
        }
    }

    fn put(&mut self, section: &str, key: &str, value: Option<String>) {
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        let name = shown(&section, &key);
        let known = |key: &str| {
            KEYS.iter()
                .any(|(known, keys)| *known == section && keys.contains(&key))
        };
        let Some(value) = value else {
            return self.problems.push(format!("{name} must be a text, number or list"));
        };
        if known(&key) {
            self.values.insert((section, key), value);
        } else if let Some(plain) = key.strip_suffix("_file").filter(|plain| known(plain)) {
            match std::fs::read_to_string(&value) {
                Ok(secret) => {
                    self.values
                        .insert((section, plain.to_owned()), secret.trim().to_owned());
                }
                Err(error) => self
                    .problems
                    .push(format!("{name} names a file that cannot be read: {error}")),
            }
        } else {
            self.problems.push(format!("{name} is not a key of this program"));
        }
    }

    fn typed(mut self) -> Result<Settings, InvalidConfiguration> {
        let delivery = self.delivery();
        let openai = self.openai();
        let matching = self.matching(openai.as_ref());
        let lease = self.lease();
        let database = self.database();
        let settings = Settings {
            listen: self.optional("", "listen"),
            public_url: self.url("", "public_url"),
            queue: self.queue(database.as_ref()),
            database,
            blob: self.blob(),
            secret_keys: self.take("", "secret_keys").map(SecretString::from),
            erasure_log: self
                .take("", "erasure_log")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            retention: self.retention(),
            api_token: self
                .take("", "api_token")
                .and_then(|token| self.strong("", "api_token", token)),
            slack: self.slack(),
            intercom: self.intercom(),
            whatsapp: self.whatsapp(),
            email: self.email(),
            smtp: self.smtp(),
            notion: self.notion(),
            openai,
            matching,
            delivery,
            lease,
        };
        if self.problems.is_empty() {
            Ok(settings)
        } else {
            Err(InvalidConfiguration(self.problems))
        }
    }

    fn blob(&mut self) -> BlobSettings {
        let url = self.take("", "blob_url").filter(|url| !url.is_empty());
        let blob = BlobSettings {
            endpoint: self.url("blob", "endpoint"),
            region: self.take("blob", "region").filter(|region| !region.is_empty()),
            access_key_id: self.take("blob", "access_key_id").filter(|key| !key.is_empty()),
            secret_access_key: self
                .take("blob", "secret_access_key")
                .filter(|secret| !secret.is_empty())
                .map(SecretString::from),
            url,
        };
        let is_s3 = match blob.url.as_deref() {
            None => false,
            Some(url) if url.starts_with("s3://") => true,
            Some(url) if url.starts_with("file:///") => false,
            Some(_) => {
                self.problems
                    .push("BLOB_URL must be file:///folder or s3://bucket/prefix".to_owned());
                return blob;
            }
        };
        for (name, missing) in [
            ("BLOB.ACCESS_KEY_ID", blob.access_key_id.is_none()),
            ("BLOB.SECRET_ACCESS_KEY", blob.secret_access_key.is_none()),
        ] {
            if is_s3 && missing {
                self.problems.push(format!("{name} is missing"));
            }
        }
        blob
    }

    fn database(&mut self) -> Option<Database> {
        let url = self.take("", "database_url").filter(|url| !url.is_empty())?;
        let database = Database::parse(&url);
        if database.is_none() {
            self.problems
                .push("DATABASE_URL must be sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned());
        }
        database
    }

    fn slack(&mut self) -> Option<SlackSettings> {
        self.section_present("slack").then(|| {
            let intake = self
                .take("slack", "intake")
                .unwrap_or_else(|| "all".to_owned())
                .to_ascii_lowercase();
            if !["all", "mention", "emoji"].contains(&intake.as_str()) {
                self.problems
                    .push("SLACK.INTAKE must be all, mention or emoji".to_owned());
            }
            let mut emojis = self.list("slack", "emojis");
            if intake == "emoji" && emojis.is_empty() {
                emojis.push(DEFAULT_EMOJI.to_owned());
            }
            SlackSettings {
                emojis,
                team_ids: self.list("slack", "team_id"),
                signing_secrets: self.secrets("slack", "signing_secret"),
                bot_token: self.required_secret("slack", "bot_token"),
                channels: self.list("slack", "channels"),
                intake,
                base_url: self.url("slack", "base_url"),
            }
        })
    }

    fn intercom(&mut self) -> Option<IntercomSettings> {
        self.section_present("intercom").then(|| IntercomSettings {
            client_secrets: self.secrets("intercom", "client_secret"),
            access_token: self.required_secret("intercom", "access_token"),
            admin_id: self.required("intercom", "admin_id"),
            app_ids: self.list("intercom", "app_id"),
            base_url: self.url("intercom", "base_url"),
        })
    }

    fn whatsapp(&mut self) -> Option<WhatsAppSettings> {
        self.section_present("whatsapp").then(|| {
            let phone_number_ids = self.list("whatsapp", "phone_number_id");
            if phone_number_ids.is_empty() {
                self.problems.push("WHATSAPP.PHONE_NUMBER_ID is missing".to_owned());
            }
            WhatsAppSettings {
                app_secrets: self.secrets("whatsapp", "app_secret"),
                verify_token: self.required_secret("whatsapp", "verify_token"),
                access_token: self.required_secret("whatsapp", "access_token"),
                phone_number_ids,
                template: self.take("whatsapp", "template").filter(|name| !name.is_empty()),
                template_language: self
                    .take("whatsapp", "template_language")
                    .unwrap_or_else(|| "en".to_owned()),
                business_account_id: self.take("whatsapp", "business_account_id").filter(|id| !id.is_empty()),
                base_url: self.url("whatsapp", "base_url"),
            }
        })
    }

    fn email(&mut self) -> Option<EmailSettings> {
        self.section_present("email").then(|| EmailSettings {
            webhook_secrets: self.secrets("email", "webhook_secret"),
            own_addresses: self.list("email", "own_addresses"),
            own_list_ids: self.list("email", "own_list_ids"),
        })
    }

    fn smtp(&mut self) -> Option<SmtpSettings> {
        self.section_present("smtp").then(|| {
            let mut optional = |key| self.take("smtp", key).filter(|value| !value.is_empty());
            let (subject, unsubscribe, authority) =
                (optional("subject"), optional("unsubscribe"), optional("authority"));
            SmtpSettings {
                url: SecretString::from(self.required("smtp", "url")),
                from: self.required("smtp", "from"),
                subject,
                unsubscribe,
                authority,
            }
        })
    }

    fn notion(&mut self) -> Option<NotionSettings> {
        self.section_present("notion").then(|| {
            let webhook_secrets = self.list("notion", "webhook_secret");
            NotionSettings {
                webhook_secrets: webhook_secrets
                    .into_iter()
                    .filter_map(|secret| self.strong("notion", "webhook_secret", secret))
                    .collect(),
                token: self.required_secret("notion", "token"),
                data_source_id: self.required("notion", "data_source_id"),
                poll_every: self.seconds("notion", "poll_seconds", 120),
                base_url: self.url("notion", "base_url"),
            }
        })
    }

    fn openai(&mut self) -> Option<OpenAiSettings> {
        self.section_present("openai").then(|| OpenAiSettings {
            api_key: self
                .take("openai", "api_key")
                .filter(|key| !key.is_empty())
                .map(SecretString::from),
            model: self.take("openai", "model").filter(|model| !model.is_empty()),
            embedding_model: self.take("openai", "embedding_model").filter(|model| !model.is_empty()),
            base_url: self.url("openai", "base_url"),
        })
    }

    fn matching(&mut self, openai: Option<&OpenAiSettings>) -> MatchingSettings {
        let has_remote_model = openai.is_some_and(|openai| openai.embedding_model.is_some());
        let weights = self
            .take("matching", "encoder_weights")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        let named = self.take("matching", "embedder").unwrap_or_default();
        let embedder = match named.to_ascii_lowercase().as_str() {
            // Who names a model of the server wants it.
            "" if has_remote_model => EmbedderChoice::OpenAi,
            "" | "static" => EmbedderChoice::Static,
            "encoder" => {
                if weights.is_none() {
                    self.problems
                        .push("MATCHING.ENCODER_WEIGHTS is missing: the file that the encoder reads".to_owned());
                }
                EmbedderChoice::Encoder(weights.unwrap_or_default())
            }
            "openai" => {
                if !has_remote_model {
                    self.problems
                        .push("OPENAI.EMBEDDING_MODEL is missing: MATCHING.EMBEDDER is openai".to_owned());
                }
                EmbedderChoice::OpenAi
            }
            _ => {
                self.problems
                    .push("MATCHING.EMBEDDER must be static, encoder or openai".to_owned());
                EmbedderChoice::Static
            }
        };
        let days: u32 = self.optional("matching", "window_days").unwrap_or(14);
        if !(1..=MAX_WINDOW_DAYS).contains(&days) {
            self.problems
                .push(format!("MATCHING.WINDOW_DAYS must be from 1 to {MAX_WINDOW_DAYS}"));
        }
        MatchingSettings {
            embedder,
            window: DAY * days.min(MAX_WINDOW_DAYS),
        }
    }

    fn lease(&mut self) -> Duration {
        let seconds = self
            .optional("worker", "lease_seconds")
            .unwrap_or(DEFAULT_LEASE_SECONDS);
        if !LEASE_SECONDS.contains(&seconds) {
            let (least, most) = (LEASE_SECONDS.start(), LEASE_SECONDS.end());
            self.problems
                .push(format!("WORKER.LEASE_SECONDS must be between {least} and {most}"));
        }
        Duration::from_secs(seconds)
    }

    /// Days; 0 keeps for ever.
    fn retention(&mut self) -> RetentionSettings {
        let mut days = |key: &str, default: u64| match self.take("retention", key).filter(|days| !days.is_empty()) {
            None => Some(default),
            Some(text) => match text.parse::<u32>() {
                Ok(days) => Some(u64::from(days)),
                Err(_) => {
                    let name = key.to_ascii_uppercase();
                    self.problems
                        .push(format!("RETENTION.{name} must be a number of days, 0 for ever"));
                    None
                }
            },
        };
        let kept = |days: Option<u64>| days.filter(|days| *days > 0).map(|days| DAY * days as u32);
        let defaults = RetentionSettings::default();
        RetentionSettings {
            raw_payloads: kept(days("raw_payload_days", 30)),
            closed_tickets: kept(days("closed_ticket_days", 0)),
            attachments: kept(days("attachment_days", 0)),
            finished_jobs: kept(days("finished_job_days", 7)).unwrap_or(defaults.finished_jobs),
        }
    }

    fn delivery(&mut self) -> DeliveryKeys {
        let on_ambiguous = match self.take("delivery", "on_ambiguous").as_deref() {
            None | Some("ask") => OnAmbiguous::Ask,
            Some("retry_once") => OnAmbiguous::RetryOnce,
            Some(_) => {
                self.problems
                    .push("DELIVERY.ON_AMBIGUOUS must be ask or retry_once".to_owned());
                OnAmbiguous::Ask
            }
        };
        DeliveryKeys {
            settle: self.seconds("delivery", "settle_seconds", 30),
            ambiguous_after: self.seconds("delivery", "ambiguous_after_seconds", 900),
            on_ambiguous,
            retry_base: self.seconds("delivery", "retry_base_seconds", 5),
            retry_cap: self.seconds("delivery", "retry_cap_seconds", 3600),
            receipts: self.receipts(),
            receipt_text: self.receipt_text(),
        }
    }

    fn receipts(&mut self) -> Receipts {
        let word = self
            .take("delivery", "receipts")
            .unwrap_or_default()
            .to_ascii_lowercase();
        match word.as_str() {
            "" | "off" | "false" => Receipts::Off,
            "threads" => Receipts::BeginThreads,
            "on" | "true" => Receipts::Everywhere,
            _ => {
                self.problems
                    .push("DELIVERY.RECEIPTS must be on, threads or off".to_owned());
                Receipts::Off
            }
        }
    }

    /// The receipt's words in place of ours: for every language, and for each.
    fn receipt_text(&mut self) -> ReceiptText {
        let mut words = |key: &str| self.take("delivery", key).filter(|text| !text.trim().is_empty());
        let (every, english, spanish) = (
            words("receipt_text"),
            words("receipt_text_en"),
            words("receipt_text_es"),
        );
        let mut text = every.map_or_else(ReceiptText::default, ReceiptText::new);
        for (language, own) in [(Language::English, english), (Language::Spanish, spanish)] {
            if let Some(own) = own {
                text = text.in_language(language, own);
            }
        }
        text
    }

    /// NATS beside the database. A SQLite file has one host, which hears of its own work.
    fn queue(&mut self, database: Option<&Database>) -> Option<NatsConfig> {
        let mut given = |key| self.take("", key).filter(|value| !value.is_empty());
        let (url, credentials, stream) = (given("queue_url"), given("queue_credentials"), given("queue_stream"));
        let Some(url) = url else {
            if credentials.is_some() || stream.is_some() {
                self.problems
                    .push("QUEUE_CREDENTIALS and QUEUE_STREAM are for a QUEUE_URL, which is missing".to_owned());
            }
            return None;
        };
        if !matches!(database, Some(Database::Server(_))) {
            self.problems
                .push("QUEUE_URL is for hosts that share a PostgreSQL database: DATABASE_URL is none".to_owned());
            return None;
        }
        let mut config = NatsConfig::new(url.into());
        if let Some(credentials) = credentials {
            config = config.with_credentials(credentials.into());
        }
        if let Some(stream) = stream {
            config = config.with_stream(stream);
        }
        if let Err(wrong) = config.check() {
            let name = wrong.name.to_uppercase();
            self.problems.push(format!("QUEUE_{name} {}", wrong.problem));
        }
        Some(config)
    }

    fn section_present(&self, section: &str) -> bool {
        self.values
            .iter()
            .any(|((of, _), value)| of == section && !value.is_empty())
    }

    fn take(&mut self, section: &str, key: &str) -> Option<String> {
        self.values.remove(&(section.to_owned(), key.to_owned()))
    }

    fn required(&mut self, section: &str, key: &str) -> String {
        let value = self.take(section, key).unwrap_or_default();
        if value.is_empty() {
            self.problems.push(format!("{} is missing", shown(section, key)));
        }
        value
    }

    fn required_secret(&mut self, section: &str, key: &str) -> SecretString {
        SecretString::from(self.required(section, key))
    }

    /// Signing secrets: one, or several while one is rotated.
    fn secrets(&mut self, section: &str, key: &str) -> Vec<SecretString> {
        let secrets = self.list(section, key);
        if secrets.is_empty() {
            self.problems.push(format!("{} is missing", shown(section, key)));
        }
        secrets
            .into_iter()
            .filter_map(|secret| self.strong(section, key, secret))
            .collect()
    }

    fn strong(&mut self, section: &str, key: &str, secret: String) -> Option<SecretString> {
        let one_letter = secret.bytes().collect::<std::collections::HashSet<_>>().len() <= 1;
        if secret.len() < MIN_SECRET_BYTES || one_letter {
            let name = shown(section, key);
            self.problems.push(format!(
                "{name} is weak: it needs {MIN_SECRET_BYTES} characters that nobody guesses"
            ));
            return None;
        }
        Some(SecretString::from(secret))
    }

    fn list(&mut self, section: &str, key: &str) -> Vec<String> {
        let value = self.take(section, key).unwrap_or_default();
        value
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// `https`, or `http` to this machine: what the hub sends elsewhere in the clear could be read on the way.
    fn url(&mut self, section: &str, key: &str) -> Option<String> {
        let value = self.take(section, key).filter(|value| !value.is_empty())?;
        match url::Url::parse(&value) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(value),
            _ => {
                self.problems
                    .push(format!("{} is not an http or https address", shown(section, key)));
                None
            }
        }
    }

    fn seconds(&mut self, section: &str, key: &str, default: u64) -> Duration {
        Duration::from_secs(self.optional(section, key).unwrap_or(default))
    }

    fn optional<T: std::str::FromStr>(&mut self, section: &str, key: &str) -> Option<T>
    where
        T::Err: fmt::Display,
    {
        let value = self.take(section, key).filter(|value| !value.trim().is_empty())?;
        match value.trim().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems
                    .push(format!("{} cannot be read: {error}", shown(section, key)));
                None
            }
        }
    }
}

/// A key as the operator writes it in the environment or in documentation.
fn shown(section: &str, key: &str) -> String {
    let key = key.to_ascii_uppercase();
    if section.is_empty() {
        key
    } else {
        format!("{}.{key}", section.to_ascii_uppercase())
    }
}

/// A TOML value as the environment would write it; `None` for what no key takes.
fn flat(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(items) => items
            .iter()
            .map(flat)
            .collect::<Option<Vec<_>>>()
            .map(|items| items.join(",")),
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
        Settings::from_pairs(pairs).unwrap_err().0
    }

    #[test]
    fn nothing_configured_is_legal_and_every_provider_is_off() {
        let settings = Settings::from_pairs(&[]).unwrap();
        assert!(settings.slack.is_none() && settings.openai.is_none());
        assert_eq!(settings.listen_or_default().port(), 8080);
        assert_eq!(settings.database_or_default().file(), Some(Path::new("feedback.db")));
    }

    #[test]
    fn missing_and_weak_secrets_are_told_all_at_once_and_by_name() {
        let told = problems(&[
            ("FEEDBACK_SLACK__SIGNING_SECRET", "short"),
            ("FEEDBACK_API_TOKEN", "aaaaaaaaaaaaaaaaaaaaaa"),
        ]);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.iter().any(|problem| problem.starts_with("API_TOKEN is weak")));
        assert!(
            told.iter()
                .any(|problem| problem.starts_with("SLACK.SIGNING_SECRET is weak"))
        );
        assert!(told.iter().any(|problem| problem == "SLACK.BOT_TOKEN is missing"));
        assert!(!told.join(" ").contains("short"), "no secret in messages");
    }

    #[test]
    fn attachments_are_beside_the_database_unless_they_are_in_a_bucket_with_its_keys() {
        let beside = Settings::from_pairs(&[("FEEDBACK_DATABASE_URL", "sqlite:///var/lib/hub/f.db")]).unwrap();
        assert_eq!(
            beside.blob_url_or_default().unwrap(),
            "file:///var/lib/hub/feedback-attachments"
        );
        assert_eq!(
            problems(&[("FEEDBACK_BLOB_URL", "s3://files/hub")]),
            ["BLOB.ACCESS_KEY_ID is missing", "BLOB.SECRET_ACCESS_KEY is missing"]
        );
        assert_eq!(
            problems(&[("FEEDBACK_BLOB_URL", "/var/files")]),
            ["BLOB_URL must be file:///folder or s3://bucket/prefix"]
        );
    }

    #[test]
    fn a_queue_beside_the_database_needs_a_database_server_and_an_address() {
        let postgres = ("FEEDBACK_DATABASE_URL", "postgres://db.example/hub");
        let url = ("FEEDBACK_QUEUE_URL", "tls://hub:secret@nats.example:4222");
        let stream = ("FEEDBACK_QUEUE_STREAM", "second_hub");
        let settings = Settings::from_pairs(&[postgres, url, stream]).unwrap();
        assert_eq!(settings.queue.unwrap().stream, "second_hub");
        assert!(Settings::from_pairs(&[postgres]).unwrap().queue.is_none());
        let no_server = ["QUEUE_URL is for hosts that share a PostgreSQL database: DATABASE_URL is none"];
        assert_eq!(problems(&[url]), no_server);
        assert_eq!(
            problems(&[("FEEDBACK_DATABASE_URL", "sqlite://hub.db"), url]),
            no_server
        );
        assert_eq!(
            problems(&[postgres, ("FEEDBACK_QUEUE_URL", "nats.example:4222")]),
            ["QUEUE_URL must be nats://host:4222 or tls://host:4222"]
        );
        assert_eq!(
            problems(&[postgres, url, ("FEEDBACK_QUEUE_CREDENTIALS", "not-a-key")]),
            ["QUEUE_CREDENTIALS must be what a .creds file holds, or the seed of a user's nkey"]
        );
        assert_eq!(
            problems(&[postgres, stream]),
            ["QUEUE_CREDENTIALS and QUEUE_STREAM are for a QUEUE_URL, which is missing"]
        );
    }

    #[test]
    fn a_misspelt_key_is_told() {
        assert_eq!(
            problems(&[("FEEDBACK_SLACK__SIGNIN_SECRET", "x")]),
            ["SLACK.SIGNIN_SECRET is not a key of this program"]
        );
    }

    #[test]
    fn several_signing_secrets_are_accepted_while_one_is_rotated() {
        let settings = Settings::from_pairs(&[
            (
                "FEEDBACK_SLACK__SIGNING_SECRET",
                "new-signing-secret-1, old-signing-secret-2",
            ),
            ("FEEDBACK_SLACK__BOT_TOKEN", "xoxb-1"),
        ]);
        assert_eq!(settings.unwrap().slack.unwrap().signing_secrets.len(), 2);
    }

    #[test]
    fn emojis_receipts_and_notions_signals_are_configured_or_have_a_default() {
        let slack = [
            ("FEEDBACK_SLACK__SIGNING_SECRET", "new-signing-secret-1"),
            ("FEEDBACK_SLACK__BOT_TOKEN", "xoxb-1"),
            ("FEEDBACK_SLACK__INTAKE", "emoji"),
            ("FEEDBACK_DELIVERY__RECEIPTS", "on"),
            ("FEEDBACK_DELIVERY__RECEIPT_TEXT", "Noted: {number}"),
            ("FEEDBACK_DELIVERY__RECEIPT_TEXT_ES", "Anotado: {number}"),
            ("FEEDBACK_NOTION__TOKEN", "ntn_1"),
            ("FEEDBACK_NOTION__DATA_SOURCE_ID", "d1"),
            (
                "FEEDBACK_NOTION__WEBHOOK_SECRET",
                "secret_new_0123456789,secret_old_0123456789",
            ),
        ];
        let settings = Settings::from_pairs(&slack).unwrap();
        assert_eq!(settings.slack.unwrap().emojis, ["ticket"]);
        assert_eq!(settings.delivery.receipts, Receipts::Everywhere);
        let own = ReceiptText::new("Noted: {number}".to_owned());
        let own = own.in_language(Language::Spanish, "Anotado: {number}".to_owned());
        assert_eq!(settings.delivery.receipt_text, own);
        assert_eq!(settings.notion.unwrap().webhook_secrets.len(), 2);
        let quiet = Settings::from_pairs(&slack[..2]).unwrap();
        assert!(quiet.slack.unwrap().emojis.is_empty() && quiet.delivery.receipts == Receipts::Off);
        assert_eq!(
            problems(&[("FEEDBACK_DELIVERY__RECEIPTS", "sometimes")]),
            ["DELIVERY.RECEIPTS must be on, threads or off"]
        );
    }

    #[test]
    fn the_embedder_is_the_one_that_is_named_and_has_what_it_needs() {
        let chosen = |pairs: &[(&str, &str)]| Settings::from_pairs(pairs).unwrap().matching;
        let model = ("FEEDBACK_OPENAI__EMBEDDING_MODEL", "text-embedding-3-small");
        let weights = ("FEEDBACK_MATCHING__ENCODER_WEIGHTS", "/srv/encoder.bin");
        assert_eq!(chosen(&[]).embedder, EmbedderChoice::Static);
        assert_eq!(chosen(&[]).window, DAY * 14);
        assert_eq!(chosen(&[model]).embedder, EmbedderChoice::OpenAi);
        let named = ("FEEDBACK_MATCHING__EMBEDDER", "static");
        assert_eq!(chosen(&[model, named]).embedder, EmbedderChoice::Static);
        let named = ("FEEDBACK_MATCHING__EMBEDDER", "Encoder");
        assert_eq!(
            chosen(&[model, weights, named]).embedder,
            EmbedderChoice::Encoder("/srv/encoder.bin".into())
        );
        assert_eq!(
            problems(&[named]),
            ["MATCHING.ENCODER_WEIGHTS is missing: the file that the encoder reads"]
        );
        assert_eq!(
            problems(&[("FEEDBACK_MATCHING__EMBEDDER", "openai")]),
            ["OPENAI.EMBEDDING_MODEL is missing: MATCHING.EMBEDDER is openai"]
        );
        assert_eq!(
            problems(&[
                ("FEEDBACK_MATCHING__EMBEDDER", "words"),
                ("FEEDBACK_MATCHING__WINDOW_DAYS", "0")
            ]),
            [
                "MATCHING.EMBEDDER must be static, encoder or openai",
                "MATCHING.WINDOW_DAYS must be from 1 to 365"
            ]
        );
    }

    #[test]
    fn a_secret_may_come_from_a_file_and_the_environment_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("token");
        std::fs::write(&secret, "a-token-of-sufficient-length\n").unwrap();
        let file = folder.path().join("feedback.toml");
        std::fs::write(
            &file,
            "listen = \"127.0.0.1:1\"\n[whatsapp]\nphone_number_id = [\"1\", \"2\"]\n",
        )
        .unwrap();
        let mut source = Source::default();
        source.read_file(&file);
        let pairs = [
            ("FEEDBACK_LISTEN", "127.0.0.1:2"),
            ("FEEDBACK_API_TOKEN_FILE", secret.to_str().unwrap()),
        ];
        source.read_environment(
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
        );
        assert_eq!(source.values[&(String::new(), "listen".to_owned())], "127.0.0.1:2");
        assert_eq!(
            source.values[&(String::new(), "api_token".to_owned())],
            "a-token-of-sufficient-length"
        );
        assert_eq!(source.list("whatsapp", "phone_number_id"), ["1", "2"]);
    }

    #[test]
    fn every_key_of_the_example_file_is_a_key_of_this_program() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("feedback.example.toml");
        let text = std::fs::read_to_string(example).unwrap();
        let uncommented: String = text
            .lines()
            .map(|line| line.strip_prefix("#:").unwrap_or(line))
            .collect::<Vec<_>>()
            .join("\n");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("feedback.toml");
        std::fs::write(&file, uncommented).unwrap();
        let mut source = Source::default();
        source.read_file(&file);
        assert_eq!(source.problems, Vec::<String>::new());
        let named: usize = KEYS.iter().map(|(_, keys)| keys.len()).sum();
        assert_eq!(source.values.len(), named, "the example names every key");
    }
}
