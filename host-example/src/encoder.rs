//! The encoder's weights from their file, where this program was built to read them.

use std::path::Path;

use feedback_core::ports::Embedder;

/// The encoder with the weights of a file.
///
/// # Errors
/// Where the file cannot be read, or is none of weights.
#[cfg(feature = "encoder")]
pub(crate) fn open(path: &Path) -> anyhow::Result<Box<dyn Embedder>> {
    use anyhow::Context;

    let bytes = std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    let encoder = feedback_adapters::embeddings::Encoder::read(&bytes).with_context(|| path.display().to_string())?;
    Ok(Box::new(encoder))
}

/// Without the feature `encoder` there is nothing to read them.
#[cfg(not(feature = "encoder"))]
pub(crate) fn open(_path: &Path) -> anyhow::Result<Box<dyn Embedder>> {
    anyhow::bail!("this program was built without the feature `encoder`")
}
