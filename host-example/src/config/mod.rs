//! File and environment into typed settings; the only reader of either.
//!
//! A key is `SECTION.KEY` (or `KEY` at the top) in `feedback.toml`, and `FEEDBACK_SECTION__KEY` in the environment, which
//! wins. A secret may come from a file: `…_FILE`. What is wrong is told all at once.
//!
//! Each section is a file here: its keys, what they become, and when they are wrong.

mod blob;
mod delivery;
mod email;
mod intercom;
mod keys;
mod matching;
mod notion;
mod openai;
mod problem;
mod retention;
mod slack;
mod smtp;
mod source;
mod stores;
mod values;
mod whatsapp;
mod worker;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use feedback_adapters::nats::NatsConfig;
use feedback_core::usecases::RetentionSettings;
use secrecy::SecretString;

use crate::store::Database;

use self::source::Source;

pub(crate) use self::{
    blob::BlobSettings,
    delivery::{DeliveryKeys, OnAmbiguous},
    email::EmailSettings,
    intercom::IntercomSettings,
    matching::{EmbedderChoice, MatchingSettings, SearchChoice},
    notion::NotionSettings,
    openai::OpenAiSettings,
    problem::InvalidConfiguration,
    slack::SlackSettings,
    smtp::SmtpSettings,
    whatsapp::WhatsAppSettings,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

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
        Self::typed(source)
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

    /// The values of all sections, each checked; together they are legal, or all that is wrong is told.
    fn typed(mut source: Source) -> Result<Self, InvalidConfiguration> {
        let delivery = DeliveryKeys::read(&mut source);
        let openai = OpenAiSettings::read(&mut source);
        let database = stores::database(&mut source);
        let matching = MatchingSettings::read(&mut source, openai.as_ref(), database.as_ref());
        let lease = worker::lease(&mut source);
        let settings = Self {
            listen: source.optional("", "listen"),
            public_url: source.url("", "public_url"),
            queue: stores::queue(&mut source, database.as_ref()),
            database,
            blob: BlobSettings::read(&mut source),
            secret_keys: source.take("", "secret_keys").map(SecretString::from),
            erasure_log: source.text("", "erasure_log").map(PathBuf::from),
            retention: retention::read(&mut source),
            api_token: source
                .take("", "api_token")
                .and_then(|token| source.strong("", "api_token", token)),
            slack: SlackSettings::read(&mut source),
            intercom: IntercomSettings::read(&mut source),
            whatsapp: WhatsAppSettings::read(&mut source),
            email: EmailSettings::read(&mut source),
            smtp: SmtpSettings::read(&mut source),
            notion: NotionSettings::read(&mut source),
            openai,
            matching,
            delivery,
            lease,
        };
        source.checked(settings)
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
        Self::typed(source)
    }
}

/// What is told of a configuration that cannot be used.
#[cfg(test)]
fn problems_of(pairs: &[(&str, &str)]) -> Vec<String> {
    Settings::from_pairs(pairs).unwrap_err().0
}

#[cfg(test)]
mod tests {
    use feedback_core::{
        domain::Language,
        usecases::{ReceiptText, Receipts},
    };

    use super::*;

    #[test]
    fn nothing_configured_is_legal_and_every_provider_is_off() {
        let settings = Settings::from_pairs(&[]).unwrap();
        assert!(settings.slack.is_none() && settings.openai.is_none());
        assert_eq!(settings.listen_or_default().port(), 8080);
        assert_eq!(settings.database_or_default().file(), Some(Path::new("feedback.db")));
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
            problems_of(&[("FEEDBACK_DELIVERY__RECEIPTS", "sometimes")]),
            ["DELIVERY.RECEIPTS must be on, threads or off"]
        );
    }
}
