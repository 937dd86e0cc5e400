#![doc = include_str!("../README.md")]

mod changelog_writer;
mod embedder;
mod features;
mod fold;
mod plain;
mod sentences;
mod triage;

use feedback_core::domain::ModelUse;

/// Triage, drafts and embeddings from rules. Stateless and without I/O: no call fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalAi {
    // Room for settings without breaking those who build one.
    _private: (),
}

impl LocalAi {
    /// The rules that this version of the crate has.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Rules cost no tokens and have no prompt: their version is that of their name.
fn made_by(rules: &str) -> ModelUse {
    ModelUse {
        model: rules.to_owned(),
        prompt_version: "rules".to_owned(),
        input_tokens: 0,
        output_tokens: 0,
    }
}
