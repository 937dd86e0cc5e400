//! The adapter keeps every promise of the three AI ports, against the stand-in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{process::ExitCode, sync::Arc, time::Duration};

use async_trait::async_trait;
use feedback_core::testing::conformance::ai::{self, AiFault, AiHarness, AiProvider, AiUnderTest};
use feedback_openai::{OpenAi, OpenAiConfig};
use feedback_sandbox::{Fault, Provider, Sandbox, SandboxConfig, ScriptedAnswer};

struct OverSandbox;

struct Server(Arc<Sandbox>);

#[async_trait]
impl AiHarness for OverSandbox {
    async fn fresh(&self) -> AiUnderTest {
        // A second check finds the provider installed by the first.
        rustls::crypto::ring::default_provider().install_default().ok();
        let sandbox = Arc::new(Sandbox::start(SandboxConfig::demo()).await.unwrap());
        let key = sandbox.config().openai.api_key.clone();
        let config = OpenAiConfig::new("gpt-4.1-mini")
            .with_api_key(key.clone())
            .with_base_url(sandbox.openai_base_url())
            .with_timeout(Duration::from_secs(3));
        let openai = Arc::new(OpenAi::new(config).unwrap());
        AiUnderTest {
            triage: openai.clone(),
            writer: openai.clone(),
            embedder: openai,
            provider: Some(Box::new(Server(Arc::clone(&sandbox)))),
            secrets: vec![key],
            guard: Box::new(sandbox),
        }
    }

    fn has_provider(&self) -> bool {
        true
    }
}

#[async_trait]
impl AiProvider for Server {
    async fn fail_next(&self, fault: AiFault) {
        let faults = self.0.faults();
        let next = |fault| faults.fail_next(Provider::OpenAi, 1, fault);
        match fault {
            AiFault::Writes(content) => self.0.openai().answer_next(ScriptedAnswer::Content(content)),
            AiFault::Refuses => self
                .0
                .openai()
                .answer_next(ScriptedAnswer::Refusal("I cannot help with that.".into())),
            AiFault::RateLimited(wait) => next(Fault::RateLimited {
                retry_after_secs: wait.as_secs(),
            }),
            AiFault::Unauthorized => next(Fault::code("invalid_api_key")),
            AiFault::Unavailable => next(Fault::code("overloaded")),
            AiFault::Silent => next(Fault::Hang),
            other => panic!("the stand-in cannot do {other:?}"),
        }
    }
}

fn main() -> ExitCode {
    ai::run(OverSandbox)
}
