//! Text as vectors.

use async_trait::async_trait;
use feedback_core::{
    domain::Scrubbed,
    ports::{Embedder, PortError},
};
use feedback_http_client::Deadline;

use crate::{OpenAi, mapping};

/// Longest text that is sent, in characters. The limit is 8,192 tokens, and one text above it fails the whole batch.
const MAX_TEXT_CHARS: usize = 12_000;
/// Characters of one request; the limit is 300,000 tokens.
const MAX_REQUEST_CHARS: usize = 300_000;
/// Bytes of one answer, below the client's 4 MiB; a value takes up to 24 of them.
const MAX_ANSWER_BYTES: usize = 3_500_000;
const VALUE_BYTES: usize = 24;

#[async_trait]
impl Embedder for OpenAi {
    fn model(&self) -> &str {
        &self.embedder_name
    }

    fn dimensions(&self) -> usize {
        self.config.dimensions
    }

    fn threshold(&self) -> f32 {
        self.config
            .threshold
            .unwrap_or_else(|| usual_threshold(&self.config.embedding_model))
    }

    #[tracing::instrument(name = "openai.embed", skip_all, fields(texts = texts.len()))]
    async fn embed(&self, texts: &[Scrubbed]) -> Result<Vec<Vec<f32>>, PortError> {
        const OPERATION: &str = "openai.embed";
        let deadline = Deadline::after(self.config.timeout);
        let mut vectors = vec![vec![0.0; self.config.dimensions]; texts.len()];
        // Empty texts are refused by servers and have no direction anyway.
        let sent: Vec<(usize, &str)> = texts
            .iter()
            .map(|text| cut(text.as_str()))
            .enumerate()
            .filter(|(_, text)| !text.is_empty())
            .collect();
        for batch in batches(&sent, self.config.dimensions) {
            let inputs: Vec<&str> = batch.iter().map(|(_, text)| *text).collect();
            let answer = self.vectors_of(OPERATION, &inputs, &deadline).await?;
            let made = mapping::vectors(answer, inputs.len(), self.config.dimensions)
                .map_err(|unusable| unusable.into_error(OPERATION))?;
            for ((at, _), vector) in batch.iter().zip(made) {
                vectors[*at] = vector;
            }
        }
        Ok(vectors)
    }
}

/// From published comparisons of paraphrases: models spread their cosines differently.
fn usual_threshold(model: &str) -> f32 {
    match model {
        _ if model.starts_with("text-embedding-3") => 0.60,
        "text-embedding-ada-002" => 0.88,
        _ => 0.75,
    }
}

fn cut(text: &str) -> &str {
    let text = text.trim();
    text.char_indices()
        .nth(MAX_TEXT_CHARS)
        .map_or(text, |(end, _)| &text[..end])
}

/// Parts of a list that fit into one request and one answer.
fn batches<'t>(texts: &'t [(usize, &'t str)], dimensions: usize) -> Vec<&'t [(usize, &'t str)]> {
    let most = (MAX_ANSWER_BYTES / (dimensions.max(1) * VALUE_BYTES)).clamp(1, 2_000);
    let mut batches = Vec::new();
    let (mut start, mut chars) = (0, 0);
    for (at, (_, text)) in texts.iter().enumerate() {
        if at > start && (at - start == most || chars + text.len() > MAX_REQUEST_CHARS) {
            batches.push(&texts[start..at]);
            (start, chars) = (at, 0);
        }
        chars += text.len();
    }
    if start < texts.len() {
        batches.push(&texts[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_all_texts_once_and_in_order() {
        let long = "a".repeat(12_000);
        let texts: Vec<(usize, &str)> = (0..120)
            .map(|at| (at, if at % 2 == 0 { long.as_str() } else { "b" }))
            .collect();
        for dimensions in [1, 512, 1_536, 8_192] {
            let batches = batches(&texts, dimensions);
            assert_eq!(batches.concat(), texts);
            for batch in batches {
                assert!(batch.len() * dimensions * VALUE_BYTES <= MAX_ANSWER_BYTES || batch.len() == 1);
                assert!(batch.iter().map(|(_, text)| text.len()).sum::<usize>() <= MAX_REQUEST_CHARS);
            }
        }
        assert!(batches(&[], 512).is_empty());
    }
}
