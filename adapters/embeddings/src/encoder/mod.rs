//! The whole encoder: pieces of words, their neighbours, and a few dense layers; no runtime and no model format but ours.

mod network;
mod pieces;
#[cfg(test)]
mod small;
#[cfg(test)]
mod tests;

use std::fmt;

use async_trait::async_trait;
use feedback_core::{
    domain::Scrubbed,
    ports::{Embedder, PortError},
};

use self::{
    network::{Matrix, Network, sized},
    pieces::Pieces,
};
use crate::{
    reader::{Reader, UnusableWeights},
    words::{self, own_direction, unit, without_placeholders},
};

/// Fitted as the word table's is, by `examples/calibrate.rs`.
const THRESHOLD: f32 = 0.58;
/// Texts are read to here: what comes later changes little, and costs as much as what comes first.
const MAX_TEXT_CHARS: usize = 2_000;
/// How much the word table counts beside the encoder: each finds what the other misses. From a fifth to a half makes no
/// difference on the subjects that were held back; none at all is worse.
const OF_WORDS: f32 = 0.35;
const MAX_PIECES: usize = 1 << 20;

/// The Universal Sentence Encoder, multilingual, for English and Spanish: 320 values for a text, in some milliseconds.
///
/// Reads word order and words in their surroundings, which the [`WordTable`](crate::WordTable) that was distilled from it
/// cannot. The table's values stand behind the encoder's own 192. Its weights are a file that `tools/distil.py` makes.
pub struct Encoder {
    model: String,
    pieces: Pieces,
    network: Network,
    mean: Vec<f32>,
    project: Matrix,
}

impl Encoder {
    /// From the bytes of a file of weights.
    ///
    /// # Errors
    /// [`UnusableWeights`] for a file of another form, or a damaged one.
    pub fn read(bytes: &[u8]) -> Result<Self, UnusableWeights> {
        let mut reader = Reader::over(bytes, b"FHENCOD1")?;
        let count = reader.size(MAX_PIECES)?;
        let dimensions = reader.size(4096)?;
        let eps = reader.float()?;
        let pieces = Pieces::read(&mut reader, count)?;
        let network = Network::read(&mut reader, count, eps)?;
        let mean = sized(&mut reader, network.dimensions())?;
        let project = Matrix::read(&mut reader)?;
        reader.finish()?;
        if project.shape() != (mean.len(), dimensions) {
            return Err(UnusableWeights("sizes do not fit each other"));
        }
        // Other weights give other vectors: their digest is part of the name. Another word table is another version.
        let digest = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Ok(Self {
            model: format!("use-encoder-3-{:08x}@{THRESHOLD}", digest >> 32),
            pieces,
            network,
            mean,
            project,
        })
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let text = without_placeholders(text);
        // In lower case: as good, and a third of the pieces less.
        let text: String = text.chars().take(MAX_TEXT_CHARS).flat_map(char::to_lowercase).collect();
        if !text.chars().any(char::is_alphanumeric) {
            return vec![0.0; self.dimensions()];
        }
        let mut encoded = self.network.encode(&self.pieces.of(&text));
        encoded
            .iter_mut()
            .zip(&self.mean)
            .for_each(|(value, mean)| *value -= mean);
        unit(&mut encoded);
        let mut vector = self.project.times(&encoded, 1);
        if !unit(&mut vector) {
            vector = own_direction(&text, vector.len());
        }
        vector.extend(words::vector(&text).iter().map(|value| value * OF_WORDS.sqrt()));
        unit(&mut vector);
        vector
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Embedder for Encoder {
    fn model(&self) -> &str {
        &self.model
    }

    fn dimensions(&self) -> usize {
        self.project.shape().1 + words::dimensions()
    }

    fn threshold(&self) -> f32 {
        THRESHOLD
    }

    async fn embed(&self, texts: &[Scrubbed]) -> Result<Vec<Vec<f32>>, PortError> {
        Ok(texts.iter().map(|text| self.vector(text.as_str())).collect())
    }
}
