//! `INTERCOM`: conversations with people who use the product.

use secrecy::SecretString;

use super::source::Source;

/// Its keys.
pub(super) const KEYS: &[&str] = &["client_secret", "access_token", "admin_id", "app_id", "base_url"];

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

impl IntercomSettings {
    pub(super) fn read(source: &mut Source) -> Option<Self> {
        source.section_present("intercom").then(|| Self {
            client_secrets: source.secrets("intercom", "client_secret"),
            access_token: source.required_secret("intercom", "access_token"),
            admin_id: source.required("intercom", "admin_id"),
            app_ids: source.list("intercom", "app_id"),
            base_url: source.url("intercom", "base_url"),
        })
    }
}
