//! Requests to the server: a question under a schema, and vectors.

use std::{fmt, time::Duration};

use feedback_core::ports::{PortError, PortErrorKind};
use feedback_http_client::{Answer, BaseUrl, Bearer, Call, ConfigError, Deadline, HttpClient, HttpClientConfig};
use serde_json::{Value, json};

use crate::{
    OpenAiConfig,
    error::{Unusable, refused},
    prompt::Prompt,
    wire::{Completion, Embeddings},
};

/// The ports allow no call to take longer.
const LONGEST: Duration = Duration::from_secs(60);
/// Hidden reasoning counts as output: models that think need room for it.
const REASONING_TOKENS: u32 = 4_000;

/// An OpenAI-compatible server as triage, writer and embedder. Made without I/O.
pub struct OpenAi {
    http: HttpClient,
    base: BaseUrl,
    token: Option<Bearer>,
    pub(crate) config: OpenAiConfig,
    /// `model@dimensions`: vectors of two names are never compared.
    pub(crate) embedder_name: String,
}

impl OpenAi {
    /// Checks the configuration. No I/O.
    ///
    /// # Errors
    /// Where the key, a model, the dimensions or the address cannot be right, or no TLS provider is installed.
    pub fn new(config: OpenAiConfig) -> Result<Self, ConfigError> {
        let setting = |name, problem| Err(ConfigError::Setting { name, problem });
        let base = BaseUrl::parse(&config.base_url)?;
        let path_end = base.join(&[]).path().trim_end_matches('/').rsplit('/').next() == Some("v1");
        if !path_end {
            return setting("base_url", "it does not end in /v1");
        }
        if config.model.trim().is_empty() || config.embedding_model.trim().is_empty() {
            return setting("model", "it is empty");
        }
        if !(1..=8_192).contains(&config.dimensions) {
            return setting("dimensions", "they are not between 1 and 8192");
        }
        if config
            .threshold
            .is_some_and(|threshold| !(threshold > 0.0 && threshold < 1.0))
        {
            return setting("threshold", "it is not between 0 and 1");
        }
        if config.timeout > LONGEST {
            return setting("timeout", "it is longer than 60 s");
        }
        let token = config.api_key.as_ref().map(Bearer::new).transpose()?;
        if token.is_none() && !is_loopback(&base) {
            return setting("api_key", "it is missing, and the server is not on loopback");
        }
        let http = HttpClient::new(HttpClientConfig::default().with_timeout(config.timeout))?;
        let embedder_name = format!("{}@{}", config.embedding_model, config.dimensions);
        Ok(Self {
            http,
            base,
            token,
            config,
            embedder_name,
        })
    }

    /// Asks the model. An answer that `read` finds worthless is asked for once more, where that may help, with more room
    /// and within the same time.
    pub(crate) async fn ask<T>(
        &self,
        operation: &'static str,
        prompt: &Prompt,
        read: impl Fn(Completion) -> Result<T, Unusable>,
    ) -> Result<T, PortError> {
        let deadline = Deadline::after(self.config.timeout);
        let first = match self.complete(operation, prompt, 1, &deadline).await?.and_then(&read) {
            Ok(value) => return Ok(value),
            Err(unusable) => unusable,
        };
        // Not with the last seconds: a call that is cut off costs as much as one that is read.
        if !first.may_pass() || deadline.left() < self.config.timeout / 3 {
            return Err(first.into_error(operation));
        }
        tracing::debug!(code = ?first, "the model's answer was of no use and is asked for once more");
        let second = self.complete(operation, prompt, 2, &deadline).await?.and_then(read);
        second.map_err(|unusable| unusable.into_error(operation))
    }

    async fn complete(
        &self,
        operation: &'static str,
        prompt: &Prompt,
        turn: u32,
        deadline: &Deadline,
    ) -> Result<Result<Completion, Unusable>, PortError> {
        let url = self.base.join(&["chat", "completions"]);
        let call = Call::post(operation, url).json(&self.question(prompt, turn));
        let answer = self.send(operation, call, deadline).await?;
        Ok(answer.json().map_err(|_| Unusable::Shape))
    }

    fn question(&self, prompt: &Prompt, turn: u32) -> Value {
        let is_reasoning = is_reasoning(&self.config.model);
        let room = if is_reasoning {
            prompt.answer_tokens + REASONING_TOKENS
        } else {
            prompt.answer_tokens
        };
        let mut question = json!({
            "model": self.config.model,
            "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
            "max_completion_tokens": room * turn,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": prompt.name, "strict": true, "schema": prompt.schema},
            },
        });
        if is_reasoning {
            // These refuse any temperature but their own.
            question["reasoning_effort"] = json!("low");
        } else {
            question["temperature"] = json!(0);
        }
        // Customers' words are not for keeping. Local servers know nothing of it, and some refuse what they do not know.
        if !is_loopback(&self.base) {
            question["store"] = json!(false);
        }
        question
    }

    /// Vectors of texts, none of them empty.
    pub(crate) async fn vectors_of(
        &self,
        operation: &'static str,
        texts: &[&str],
        deadline: &Deadline,
    ) -> Result<Embeddings, PortError> {
        let mut body = json!({"model": self.config.embedding_model, "input": texts, "encoding_format": "float"});
        // Only this generation can be shortened; others refuse the parameter.
        if self.config.embedding_model.starts_with("text-embedding-3") {
            body["dimensions"] = json!(self.config.dimensions);
        }
        let call = Call::post(operation, self.base.join(&["embeddings"])).json(&body);
        let answer = self.send(operation, call, deadline).await?;
        answer.json().map_err(|_| Unusable::Shape.into_error(operation))
    }

    async fn send(&self, operation: &'static str, call: Call, deadline: &Deadline) -> Result<Answer, PortError> {
        let left = deadline.left();
        if left.is_zero() {
            return Err(PortError::new(PortErrorKind::NotSent, operation).with_code("deadline"));
        }
        let call = call.timeout(left);
        let call = match &self.token {
            Some(token) => call.bearer(token),
            None => call,
        };
        let answer = self.http.call(call).await.map_err(|error| match error.code() {
            // A model that cannot stop: it would not stop the next time either.
            Some("response_too_large") => {
                PortError::new(PortErrorKind::Rejected, operation).with_code("response_too_large")
            }
            _ => error,
        })?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(refused(operation, &answer))
        }
    }
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Models that think before they answer take other parameters than the rest.
fn is_reasoning(model: &str) -> bool {
    let is_o_series = model
        .strip_prefix('o')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_o_series || model.starts_with("gpt-5")
}

/// Plain HTTP is allowed on loopback alone, so that the scheme tells.
fn is_loopback(base: &BaseUrl) -> bool {
    base.join(&[]).scheme() == "http"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> OpenAiConfig {
        OpenAiConfig::new("gpt-4.1-mini").with_api_key("sk-x".to_owned())
    }

    fn prompt() -> Prompt {
        Prompt {
            system: "s".into(),
            user: "u".into(),
            name: "triage",
            schema: json!({}),
            answer_tokens: 600,
        }
    }

    fn problem(config: OpenAiConfig) -> String {
        rustls::crypto::ring::default_provider().install_default().ok();
        OpenAi::new(config).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_right_is_said_before_the_first_call() {
        assert!(problem(config().with_base_url("https://api.openai.com")).contains("/v1"));
        assert!(problem(OpenAiConfig::new("gpt-4.1-mini")).contains("api_key"));
        assert!(problem(config().with_embedding_model("x", 0)).contains("dimensions"));
        assert!(problem(config().with_timeout(Duration::from_secs(61))).contains("timeout"));
        assert!(problem(config().with_base_url("http://example.test/v1")).contains("loopback"));
    }

    #[test]
    fn models_that_think_are_asked_in_their_way() {
        rustls::crypto::ring::default_provider().install_default().ok();
        for (model, thinks) in [
            ("gpt-4.1-mini", false),
            ("gpt-5-mini", true),
            ("o4-mini", true),
            ("omni", false),
        ] {
            let openai = OpenAi::new(OpenAiConfig {
                model: model.into(),
                ..config()
            })
            .unwrap();
            let question = openai.question(&prompt(), 2);
            assert_eq!(question.get("temperature").is_none(), thinks, "{model}");
            assert_eq!(question["max_completion_tokens"], if thinks { 9_200 } else { 1_200 });
            assert_eq!((&question["store"], question.get("max_tokens")), (&json!(false), None));
        }
    }

    #[test]
    fn a_server_on_loopback_needs_no_key_and_is_sent_nothing_that_it_does_not_know() {
        rustls::crypto::ring::default_provider().install_default().ok();
        let local = OpenAiConfig::new("qwen3:8b").with_base_url("http://localhost:11434/v1/");
        let openai = OpenAi::new(local.with_embedding_model("bge-m3", 1024)).unwrap();
        assert_eq!(openai.question(&prompt(), 1).get("store"), None);
        assert_eq!(openai.embedder_name, "bge-m3@1024");
    }
}
