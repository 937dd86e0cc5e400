//! `OPENAI`: a server for triage, drafts and vectors.

use secrecy::SecretString;

use super::source::Source;

/// Its keys.
pub(super) const KEYS: &[&str] = &["api_key", "model", "embedding_model", "base_url"];

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

impl OpenAiSettings {
    pub(super) fn read(source: &mut Source) -> Option<Self> {
        source.section_present("openai").then(|| Self {
            api_key: source.text("openai", "api_key").map(SecretString::from),
            model: source.text("openai", "model"),
            embedding_model: source.text("openai", "embedding_model"),
            base_url: source.url("openai", "base_url"),
        })
    }
}
