//! The linear model: eight-bit weights of four types and five cuts between priorities, made by [`super::training`].

use std::sync::LazyLock;

use super::features::{Features, SHAPE_ROWS};

/// Four types, then the cuts "P0 or worse" to "P4 or worse".
pub(super) const OUTPUTS: usize = 9;
/// How many of the outputs are types.
pub(super) const TYPES: usize = 4;

const MAGIC: &[u8; 8] = b"FHmodel3";
/// Magic word and checksum.
const HEAD: usize = MAGIC.len() + 8;
/// Size and kind, then bias and scales.
const NUMBERS: usize = 8 + 3 * OUTPUTS * 4;
/// Sizes that a file may have: 2^10 rows for words to 2^22.
const BITS: std::ops::RangeInclusive<u32> = 10..=22;

/// The weights as they lie in the file.
#[derive(Debug, Clone)]
pub(super) struct Model {
    /// It was trained on priorities too, not on types alone.
    pub(super) knows_priorities: bool,
    bias: [f32; OUTPUTS],
    shape_scale: [f32; OUTPUTS],
    hashed_scale: [f32; OUTPUTS],
    /// [`SHAPE_ROWS`], then a power of two of rows that words and pieces of words share by their hash.
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
    pub(super) fn quantize(knows_priorities: bool, bias: [f32; OUTPUTS], weights: &[[f32; OUTPUTS]]) -> Self {
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
            knows_priorities,
            bias,
            shape_scale,
            hashed_scale,
            rows,
        }
    }

    /// The file: a magic word, a checksum of what follows, size and kind, bias and scales, then the rows.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.rows.len() * OUTPUTS + NUMBERS);
        body.extend((self.rows.len() - SHAPE_ROWS).ilog2().to_le_bytes());
        body.extend(u32::from(self.knows_priorities).to_le_bytes());
        for values in [&self.bias, &self.shape_scale, &self.hashed_scale] {
            body.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
        body.extend(self.rows.iter().flatten().map(|weight| weight.to_le_bytes()[0]));
        [MAGIC.as_slice(), &checksum(&body).to_le_bytes(), &body].concat()
    }

    /// Reads the file; `None` where it is of another version, cut or damaged.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, body) = bytes.split_at_checked(HEAD)?;
        if !head.starts_with(MAGIC) || head[MAGIC.len()..] != checksum(body).to_le_bytes() {
            return None;
        }
        let (numbers, weights) = body.split_at_checked(NUMBERS)?;
        let (kind, numbers) = numbers.split_at_checked(8)?;
        let bits = u32::from_le_bytes([kind[0], kind[1], kind[2], kind[3]]);
        if !BITS.contains(&bits) || weights.len() != (SHAPE_ROWS + (1 << bits)) * OUTPUTS {
            return None;
        }
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
            knows_priorities: kind[4] != 0,
            bias,
            shape_scale,
            hashed_scale,
            rows,
        })
    }

    /// What the model says of features.
    pub(super) fn scores(&self, features: &Features) -> Scores {
        let weights = features.weights();
        let (shapes, hashed) = self.tables();
        let shape = sum(shapes, features.shape.iter().map(|&row| usize::from(row)));
        let of_hashes = |hashes: &[u32]| sum(hashed, hashes.iter().map(|&hash| hash as usize & (hashed.len() - 1)));
        let words = of_hashes(&features.words);
        let pieces = of_hashes(&features.pieces);
        let classes = of_hashes(&features.classes);
        let raw: [f32; OUTPUTS] = std::array::from_fn(|output| {
            self.bias[output]
                + shape[output] as f32 * self.shape_scale[output] * weights.shape
                + (words[output] as f32 * weights.words
                    + pieces[output] as f32 * weights.pieces
                    + classes[output] as f32 * weights.classes)
                    * self.hashed_scale[output]
        });
        Scores::of(&raw)
    }

    /// What a row of the table of shapes says for an output.
    pub(super) fn shape_weight(&self, row: u16, output: usize) -> f32 {
        f32::from(self.rows[usize::from(row)][output]) * self.shape_scale[output]
    }

    /// What a hash says for an output.
    pub(super) fn hashed_weight(&self, hash: u32, output: usize) -> f32 {
        let (_, hashed) = self.tables();
        f32::from(hashed[hash as usize & (hashed.len() - 1)][output]) * self.hashed_scale[output]
    }

    /// The rows of shapes and those of hashes; the latter are a power of two.
    fn tables(&self) -> (&[[i8; OUTPUTS]], &[[i8; OUTPUTS]]) {
        self.rows.split_at(SHAPE_ROWS)
    }
}

fn sum(table: &[[i8; OUTPUTS]], rows: impl Iterator<Item = usize>) -> [i32; OUTPUTS] {
    let mut sums = [0_i32; OUTPUTS];
    for row in rows {
        for (sum, &weight) in sums.iter_mut().zip(&table[row]) {
            *sum += i32::from(weight);
        }
    }
    sums
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
        assert!(trained().is_some_and(|model| model.knows_priorities));
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
    fn a_file_whose_size_is_not_what_it_says_is_refused() {
        for bits in [0_u32, 9, 17, 40, u32::MAX] {
            let mut body = include_bytes!("model.bin")[HEAD..].to_vec();
            body[..4].copy_from_slice(&bits.to_le_bytes());
            let bytes = [MAGIC.as_slice(), &checksum(&body).to_le_bytes(), &body].concat();
            assert!(Model::parse(&bytes).is_none(), "{bits}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = include_bytes!("model.bin");
        assert!(Model::parse(bytes).is_some_and(|model| model.to_bytes() == bytes));
    }
}
