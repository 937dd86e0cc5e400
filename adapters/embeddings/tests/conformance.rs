//! The embedders keep every promise of their port; the other two AI ports are the fakes'.

use std::{process::ExitCode, sync::Arc};

use async_trait::async_trait;
use feedback_core::testing::{
    conformance::ai::{self, AiHarness, AiUnderTest},
    memory::ai::{ScriptedTriage, ScriptedWriter},
};
use feedback_embeddings::WordTable;

struct Words;

#[async_trait]
impl AiHarness for Words {
    async fn fresh(&self) -> AiUnderTest {
        AiUnderTest {
            triage: Arc::new(ScriptedTriage::default()),
            writer: Arc::new(ScriptedWriter::default()),
            embedder: Arc::new(WordTable::new()),
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
    ai::run(Words)
}
