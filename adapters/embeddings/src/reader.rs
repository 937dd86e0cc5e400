//! Weights out of bytes.

/// A file of weights that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the weights are not of a form that this version reads: {0}")]
pub struct UnusableWeights(pub(crate) &'static str);

/// Takes values off the front of some bytes.
pub(crate) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    /// Over a whole file that begins with `magic`.
    pub(crate) fn over(bytes: &'b [u8], magic: &[u8]) -> Result<Self, UnusableWeights> {
        let rest = bytes
            .strip_prefix(magic)
            .ok_or(UnusableWeights("it begins otherwise"))?;
        Ok(Self { rest })
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'b [u8], UnusableWeights> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(UnusableWeights("it ends early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, UnusableWeights> {
        Ok(self.bytes(1)?[0])
    }

    /// A count or a size, below `limit`: a damaged file must not ask for all memory.
    pub(crate) fn size(&mut self, limit: usize) -> Result<usize, UnusableWeights> {
        let bytes = self.bytes(4)?;
        let size = bytes
            .iter()
            .rev()
            .fold(0_usize, |size, &byte| size << 8 | usize::from(byte));
        if size <= limit {
            Ok(size)
        } else {
            Err(UnusableWeights("a size is too large"))
        }
    }

    /// Numbers of four bytes.
    pub(crate) fn floats(&mut self, count: usize) -> Result<Vec<f32>, UnusableWeights> {
        let (words, _) = self.bytes(count.saturating_mul(4))?.as_chunks::<4>();
        let floats: Vec<f32> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
        if floats.iter().all(|float| float.is_finite()) {
            Ok(floats)
        } else {
            Err(UnusableWeights("a weight is no number"))
        }
    }

    #[cfg(feature = "encoder")]
    pub(crate) fn float(&mut self) -> Result<f32, UnusableWeights> {
        Ok(self.floats(1)?[0])
    }

    /// That nothing is left.
    pub(crate) fn finish(self) -> Result<(), UnusableWeights> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(UnusableWeights("it goes on behind its end"))
        }
    }
}
