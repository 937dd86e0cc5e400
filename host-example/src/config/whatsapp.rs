//! `WHATSAPP`: messages to our numbers, and answers within and outside the 24 hours.

use secrecy::SecretString;

use super::source::Source;

/// Its keys.
pub(super) const KEYS: &[&str] = &[
    "app_secret",
    "verify_token",
    "access_token",
    "phone_number_id",
    "template",
    "template_language",
    "business_account_id",
    "base_url",
];

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

impl WhatsAppSettings {
    pub(super) fn read(source: &mut Source) -> Option<Self> {
        source.section_present("whatsapp").then(|| {
            let phone_number_ids = source.list("whatsapp", "phone_number_id");
            if phone_number_ids.is_empty() {
                source.wrong("WHATSAPP.PHONE_NUMBER_ID is missing");
            }
            Self {
                app_secrets: source.secrets("whatsapp", "app_secret"),
                verify_token: source.required_secret("whatsapp", "verify_token"),
                access_token: source.required_secret("whatsapp", "access_token"),
                phone_number_ids,
                template: source.text("whatsapp", "template"),
                template_language: source
                    .take("whatsapp", "template_language")
                    .unwrap_or_else(|| "en".to_owned()),
                business_account_id: source.text("whatsapp", "business_account_id"),
                base_url: source.url("whatsapp", "base_url"),
            }
        })
    }
}
