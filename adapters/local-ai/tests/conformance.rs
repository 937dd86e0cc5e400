//! The local AI keeps every promise of the three AI ports.

use std::{process::ExitCode, sync::Arc};

use async_trait::async_trait;
use feedback_core::testing::conformance::ai::{self, AiHarness, AiUnderTest};
use feedback_local_ai::LocalAi;

struct Local;

#[async_trait]
impl AiHarness for Local {
    async fn fresh(&self) -> AiUnderTest {
        let local = Arc::new(LocalAi::new());
        AiUnderTest {
            triage: local.clone(),
            writer: local.clone(),
            embedder: local,
            provider: None,
            secrets: Vec::new(),
            guard: Box::new(()),
        }
    }

    fn has_provider(&self) -> bool {
        false
    }
}

fn main() -> ExitCode {
    ai::run(Local)
}
