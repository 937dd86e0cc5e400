//! `EMAIL`: mail that comes in.

use secrecy::SecretString;

use super::source::Source;

/// Its keys.
pub(super) const KEYS: &[&str] = &["webhook_secret", "own_addresses", "own_list_ids"];

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

impl EmailSettings {
    pub(super) fn read(source: &mut Source) -> Option<Self> {
        source.section_present("email").then(|| Self {
            webhook_secrets: source.secrets("email", "webhook_secret"),
            own_addresses: source.list("email", "own_addresses"),
            own_list_ids: source.list("email", "own_list_ids"),
        })
    }
}
