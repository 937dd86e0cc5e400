use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::PortError;
use crate::domain::Scrubbed;

/// Text as vectors, for finding reports of the same thing.
///
/// # What an implementer guarantees
/// - *Unit length:* every vector has length 1, or is all zero for text without content, and `dimensions` values.
/// - *Named:* [`model`](Self::model) changes whenever the same text may give another vector: vectors of two names are never compared.
/// - *In order:* one vector for each text, in the order given.
/// - *Bounded*, *silent:* as [`Triage`](super::Triage).
///
/// Prove it with [`testing::conformance::ai`](crate::testing::conformance::ai).
#[async_trait]
pub trait Embedder: fmt::Debug + Send + Sync + 'static {
    /// Name and version.
    fn model(&self) -> &str;

    /// Length of the vectors.
    fn dimensions(&self) -> usize;

    /// From which cosine on two tickets are worth a person's look: thresholds belong to a model.
    fn threshold(&self) -> f32;

    /// Vectors of some texts.
    ///
    /// # Errors
    /// As [`Triage::read`](super::Triage::read).
    async fn embed(&self, texts: &[Scrubbed]) -> Result<Vec<Vec<f32>>, PortError>;
}

macro_rules! forward {
    ($wrapper:ident) => {
        #[async_trait]
        impl<T: Embedder + ?Sized> Embedder for $wrapper<T> {
            fn model(&self) -> &str {
                (**self).model()
            }

            fn dimensions(&self) -> usize {
                (**self).dimensions()
            }

            fn threshold(&self) -> f32 {
                (**self).threshold()
            }

            async fn embed(&self, texts: &[Scrubbed]) -> Result<Vec<Vec<f32>>, PortError> {
                (**self).embed(texts).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
