//! What the adapter has to know.

use std::{fmt, time::Duration};

use secrecy::SecretString;

/// A server that speaks OpenAI's API, and which models to use there.
#[derive(Clone)]
#[non_exhaustive]
pub struct OpenAiConfig {
    /// The key; a server on loopback may need none.
    pub api_key: Option<SecretString>,
    /// Where the API is; ends in `/v1`. `https://api.openai.com/v1`.
    pub base_url: String,
    /// The model that reads and writes.
    pub model: String,
    /// The model that makes vectors. `text-embedding-3-small`.
    pub embedding_model: String,
    /// Length of the vectors. 512: OpenAI's third generation gives shorter ones on demand, others must name their own.
    pub dimensions: usize,
    /// From which cosine on two tickets are worth a person's look; `None` for the known value of the model.
    pub threshold: Option<f32>,
    /// Hosts whose links may stay in drafts. None.
    pub link_hosts: Vec<String>,
    /// Longest time for one operation, a second try included. 45 s; the ports allow 60 s.
    pub timeout: Duration,
}

impl OpenAiConfig {
    /// The configuration of a model at OpenAI, with defaults for the rest.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            api_key: None,
            base_url: "https://api.openai.com/v1".into(),
            model: model.into(),
            embedding_model: "text-embedding-3-small".into(),
            dimensions: 512,
            threshold: None,
            link_hosts: Vec::new(),
            timeout: Duration::from_secs(45),
        }
    }

    /// With a key.
    #[must_use]
    pub fn with_api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// With another server; the address ends in `/v1`.
    #[must_use]
    pub fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// With another model for vectors, and their length.
    #[must_use]
    pub fn with_embedding_model(mut self, model: impl Into<String>, dimensions: usize) -> Self {
        self.embedding_model = model.into();
        self.dimensions = dimensions;
        self
    }

    /// With another threshold for duplicates.
    #[must_use]
    pub fn with_threshold(mut self, cosine: f32) -> Self {
        self.threshold = Some(cosine);
        self
    }

    /// With one more host whose links may stay in drafts.
    #[must_use]
    pub fn with_link_host(mut self, host: impl Into<String>) -> Self {
        self.link_hosts.push(host.into().to_ascii_lowercase());
        self
    }

    /// With another time limit.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Debug for OpenAiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiConfig")
            .field("base_url", &self.base_url)
            .field("model", &self.model)
            .field("embedding_model", &self.embedding_model)
            .field("dimensions", &self.dimensions)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_key() {
        let config = OpenAiConfig::new("gpt-5-mini").with_api_key("sk-secret".to_owned());
        assert!(!format!("{config:?}").contains("secret"));
    }
}
