//! The linear model: eight-bit weights of four types and five cuts between priorities, made by [`super::training`].

use std::sync::LazyLock;

use super::features::{Features, HASHED_ROWS, SHAPE_ROWS};

/// Four types, then the cuts "P0 or worse" to "P4 or worse".
pub(super) const OUTPUTS: usize = 9;
/// How many of the outputs are types.
pub(super) const TYPES: usize = 4;

const MAGIC: &[u8; 8] = b"FHmodel1";
const ROWS: usize = SHAPE_ROWS + HASHED_ROWS;
const HEADER: usize = MAGIC.len() + 8 + 3 * OUTPUTS * 4;

/// The weights as they lie in the file.
#[derive(Debug, Clone)]
pub(super) struct Model {
    bias: [f32; OUTPUTS],
    shape_scale: [f32; OUTPUTS],
    hashed_scale: [f32; OUTPUTS],
    rows: Box<[[i8; OUTPUTS]]>,
}

/// What the model says of a text: how likely each type is, and each "this level or worse".
#[derive(Debug, Clone, Copy)]
pub(super) struct Scores {
    /// In the order of `TicketType::ALL`.
    pub(super) types: [f32; TYPES],
    /// The chance of P0, of P1 or worse, … of P4 or worse; never falling.
    pub(super) at_least: [f32; OUTPUTS - TYPES],
}

static MODEL: LazyLock<Option<Model>> = LazyLock::new(|| Model::parse(include_bytes!("model.bin")));

/// The model of this build; `None` where its file does not fit the code, which a test rules out.
pub(super) fn trained() -> Option<&'static Model> {
    MODEL.as_ref()
}

impl Model {
    /// Rounds weights (a row of outputs each) to eight bits, a scale for each output and table.
    pub(super) fn quantize(bias: [f32; OUTPUTS], weights: &[[f32; OUTPUTS]]) -> Self {
        let scale_of = |rows: &[[f32; OUTPUTS]]| {
            let mut scale = [0_f32; OUTPUTS];
            for row in rows {
                for (scale, weight) in scale.iter_mut().zip(row) {
                    *scale = scale.max(weight.abs());
                }
            }
            scale.map(|largest| if largest > 0.0 { largest / 127.0 } else { 1.0 })
        };
        let shape_scale = scale_of(&weights[..SHAPE_ROWS]);
        let hashed_scale = scale_of(&weights[SHAPE_ROWS..]);
        let rows = weights
            .iter()
            .enumerate()
            .map(|(at, row)| {
                let scale = if at < SHAPE_ROWS { &shape_scale } else { &hashed_scale };
                std::array::from_fn(|output| (row[output] / scale[output]).round() as i8)
            })
            .collect();
        Self {
            bias,
            shape_scale,
            hashed_scale,
            rows,
        }
    }

    /// The file: a magic word, a checksum of what follows, bias and scales, then the rows.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(ROWS * OUTPUTS + 3 * OUTPUTS * 4);
        for values in [&self.bias, &self.shape_scale, &self.hashed_scale] {
            body.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        body.extend(self.rows.iter().flatten().map(|weight| weight.to_le_bytes()[0]));
        [MAGIC.as_slice(), &checksum(&body).to_le_bytes(), &body].concat()
    }

    /// Reads the file; `None` where it is of another version, cut or damaged.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, body) = bytes.split_at_checked(MAGIC.len() + 8)?;
        if !head.starts_with(MAGIC) || head[MAGIC.len()..] != checksum(body).to_le_bytes() {
            return None;
        }
        if bytes.len() != HEADER + ROWS * OUTPUTS {
            return None;
        }
        let (numbers, weights) = body.split_at_checked(3 * OUTPUTS * 4)?;
        let mut numbers = numbers
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        let mut nine = || std::array::from_fn(|_| numbers.next().unwrap_or_default());
        let (bias, shape_scale, hashed_scale) = (nine(), nine(), nine());
        let rows = weights
            .chunks_exact(OUTPUTS)
            .map(|row| std::array::from_fn(|output| i8::from_le_bytes([row[output]])))
            .collect();
        Some(Self {
            bias,
            shape_scale,
            hashed_scale,
            rows,
        })
    }

    /// What the model says of features.
    pub(super) fn scores(&self, features: &Features) -> Scores {
        let weights = features.weights();
        let shape = self.sum(&features.shape, 0);
        let words = self.sum(&features.words, SHAPE_ROWS);
        let pieces = self.sum(&features.pieces, SHAPE_ROWS);
        let raw: [f32; OUTPUTS] = std::array::from_fn(|output| {
            self.bias[output]
                + shape[output] as f32 * self.shape_scale[output] * weights.shape
                + (words[output] as f32 * weights.words + pieces[output] as f32 * weights.pieces)
                    * self.hashed_scale[output]
        });
        Scores::of(&raw)
    }

    /// What a row of the table of shapes says for an output.
    pub(super) fn shape_weight(&self, row: u16, output: usize) -> f32 {
        f32::from(self.rows[usize::from(row)][output]) * self.shape_scale[output]
    }

    /// What a row of the hashed table says for an output.
    pub(super) fn hashed_weight(&self, row: u16, output: usize) -> f32 {
        f32::from(self.rows[SHAPE_ROWS + usize::from(row)][output]) * self.hashed_scale[output]
    }

    fn sum(&self, rows: &[u16], base: usize) -> [i32; OUTPUTS] {
        let mut sums = [0_i32; OUTPUTS];
        for &row in rows {
            for (sum, &weight) in sums.iter_mut().zip(&self.rows[base + usize::from(row)]) {
                *sum += i32::from(weight);
            }
        }
        sums
    }
}

impl Scores {
    fn of(raw: &[f32; OUTPUTS]) -> Self {
        let largest = raw[..TYPES].iter().copied().fold(f32::MIN, f32::max);
        let mut types: [f32; TYPES] = std::array::from_fn(|at| (raw[at] - largest).exp());
        let whole: f32 = types.iter().sum();
        types.iter_mut().for_each(|share| *share /= whole);
        let mut at_least: [f32; OUTPUTS - TYPES] = std::array::from_fn(|at| 1.0 / (1.0 + (-raw[TYPES + at]).exp()));
        for at in 1..at_least.len() {
            at_least[at] = at_least[at].max(at_least[at - 1]);
        }
        Self { types, at_least }
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_this_build_fits_and_is_small() {
        assert!(trained().is_some());
        assert!(include_bytes!("model.bin").len() <= 700_000);
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let mut bytes = include_bytes!("model.bin").to_vec();
        bytes[5000] ^= 1;
        assert!(Model::parse(&bytes).is_none());
        assert!(Model::parse(&bytes[..4000]).is_none());
        assert!(Model::parse(b"").is_none());
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = include_bytes!("model.bin");
        assert!(Model::parse(bytes).is_some_and(|model| model.to_bytes() == bytes));
    }
}
