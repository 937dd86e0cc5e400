//! The layers: a table of pieces, three branches that look at two, three and five neighbours, their sum, and dense layers
//! with a way around them.

use crate::reader::{Reader, UnusableWeights};

/// Values of a piece, of a branch, and what one matrix may have at most.
const PIECE: usize = 512;
const BRANCH: usize = 256;
const MAX_SIDE: usize = 4096;
/// How many neighbours each branch sees, and how many of them stand before the piece.
const BRANCHES: [(usize, usize); 3] = [(2, 0), (3, 1), (5, 2)];
const FEATURES: usize = PIECE + BRANCH * BRANCHES.len();

/// A matrix of bytes, each column with what one of its steps is worth.
pub(super) struct Matrix {
    rows: usize,
    scales: Vec<f32>,
    codes: Vec<i8>,
}

impl Matrix {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, UnusableWeights> {
        let (rows, columns) = (reader.size(MAX_SIDE)?, reader.size(MAX_SIDE)?);
        let scales = reader.floats(columns)?;
        let codes = signed(reader.bytes(rows * columns)?);
        Ok(Self { rows, scales, codes })
    }

    /// Rows and columns.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.rows, self.scales.len())
    }

    /// `inputs` holds `count` rows of as many values as the matrix has rows; each gives one of as many as it has columns.
    pub(super) fn times(&self, inputs: &[f32], count: usize) -> Vec<f32> {
        let columns = self.scales.len();
        let mut outputs = vec![0.0_f32; count * columns];
        // A row of the matrix is unpacked once for all inputs.
        let mut row = vec![0.0_f32; columns];
        for (at, codes) in self.codes.chunks_exact(columns).enumerate() {
            row.iter_mut()
                .zip(codes)
                .for_each(|(value, &code)| *value = f32::from(code));
            for (input, output) in inputs.chunks_exact(self.rows).zip(outputs.chunks_exact_mut(columns)) {
                let input = input[at];
                if input != 0.0 {
                    output
                        .iter_mut()
                        .zip(&row)
                        .for_each(|(sum, value)| *sum += input * value);
                }
            }
        }
        for output in outputs.chunks_exact_mut(columns) {
            output
                .iter_mut()
                .zip(&self.scales)
                .for_each(|(value, scale)| *value *= scale);
        }
        outputs
    }

    fn of_shape(self, rows: usize, columns: usize) -> Result<Self, UnusableWeights> {
        if self.shape() == (rows, columns) {
            Ok(self)
        } else {
            Err(UnusableWeights("sizes do not fit each other"))
        }
    }
}

struct Branch {
    first: (Matrix, Vec<f32>),
    second: (Matrix, Vec<f32>),
}

pub(super) struct Network {
    eps: f32,
    table_scales: Vec<f32>,
    /// Two numbers a byte, 1 to 15 for -7 to 7.
    table: Vec<u8>,
    project: (Matrix, Vec<f32>),
    project_norm: (Vec<f32>, Vec<f32>),
    branches: Vec<Branch>,
    norm: (Vec<f32>, Vec<f32>),
    pool: (Matrix, Vec<f32>),
    dense: Vec<Matrix>,
    around: Vec<Matrix>,
}

impl Network {
    pub(super) fn read(reader: &mut Reader<'_>, pieces: usize, eps: f32) -> Result<Self, UnusableWeights> {
        let table_scales = reader.floats(pieces)?;
        let table = reader.bytes(pieces * PIECE / 2)?.to_vec();
        let matrix = |reader: &mut Reader<'_>, rows, columns| Matrix::read(reader)?.of_shape(rows, columns);
        let all = BRANCH * BRANCHES.len();
        let project = (matrix(reader, PIECE, all)?, sized(reader, all)?);
        let project_norm = (sized(reader, all)?, sized(reader, all)?);
        let mut branches = Vec::new();
        for (seen, _) in BRANCHES {
            branches.push(Branch {
                first: (matrix(reader, seen * BRANCH, BRANCH)?, sized(reader, BRANCH)?),
                second: (matrix(reader, seen * BRANCH, BRANCH)?, sized(reader, BRANCH)?),
            });
        }
        let norm = (sized(reader, FEATURES)?, sized(reader, FEATURES)?);
        let pool = (matrix(reader, FEATURES, PIECE)?, sized(reader, PIECE)?);
        let mut dense = Vec::new();
        for _ in 0..4 {
            dense.push(Matrix::read(reader)?);
        }
        let around = vec![Matrix::read(reader)?, Matrix::read(reader)?];
        let fits = dense[0].shape().0 == PIECE
            && dense[0].shape().1 == dense[1].shape().0
            && around[0].shape() == (PIECE, dense[1].shape().1)
            && dense[1].shape().1 == dense[2].shape().0
            && dense[2].shape().1 == dense[3].shape().0
            && around[1].shape() == (dense[1].shape().1, dense[3].shape().1);
        if !fits {
            return Err(UnusableWeights("sizes do not fit each other"));
        }
        Ok(Self {
            eps,
            table_scales,
            table,
            project,
            project_norm,
            branches,
            norm,
            pool,
            dense,
            around,
        })
    }

    /// How many values a text has.
    pub(super) fn dimensions(&self) -> usize {
        self.dense[3].shape().1
    }

    /// A text of these pieces; of length 1.
    pub(super) fn encode(&self, pieces: &[u32]) -> Vec<f32> {
        let count = pieces.len();
        let raw: Vec<f32> = pieces.iter().flat_map(|&piece| self.piece(piece)).collect();
        let mut projected = self.project.0.times(&raw, count);
        for row in projected.chunks_exact_mut(BRANCH * BRANCHES.len()) {
            row.iter_mut()
                .zip(&self.project.1)
                .for_each(|(value, bias)| *value += bias);
            self.normalize(row, &self.project_norm);
        }
        let mut features = vec![0.0_f32; count * FEATURES];
        for (row, raw) in features.chunks_exact_mut(FEATURES).zip(raw.chunks_exact(PIECE)) {
            row[..PIECE].copy_from_slice(raw);
        }
        for (at, branch) in self.branches.iter().enumerate() {
            let own = projected
                .chunks_exact(BRANCH * BRANCHES.len())
                .map(|row| &row[at * BRANCH..][..BRANCH]);
            let own: Vec<f32> = own.flatten().copied().collect();
            let first = with_neighbours(&own, BRANCHES[at], &branch.first);
            let second = with_neighbours(&first, BRANCHES[at], &branch.second);
            for (row, second) in features.chunks_exact_mut(FEATURES).zip(second.chunks_exact(BRANCH)) {
                row[PIECE + at * BRANCH..][..BRANCH].copy_from_slice(second);
            }
        }
        let mut sum = vec![0.0_f32; FEATURES];
        for row in features.chunks_exact_mut(FEATURES) {
            self.normalize(row, &self.norm);
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += *value);
        }
        let mut pooled = self.pool.0.times(&sum, 1);
        let count = count as f32;
        pooled
            .iter_mut()
            .zip(&self.pool.1)
            .for_each(|(value, bias)| *value = (*value + bias * count) / count.sqrt());
        self.dense(&pooled)
    }

    fn dense(&self, pooled: &[f32]) -> Vec<f32> {
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|at| &self.dense[at]);
        let inner = positive(first.times(pooled, 1));
        let middle = positive(added(second.times(&inner, 1), &self.around[0].times(pooled, 1)));
        let outer = positive(third.times(&middle, 1));
        let mut text = added(fourth.times(&outer, 1), &self.around[1].times(&middle, 1));
        text.iter_mut().for_each(|value| *value = value.tanh());
        let length = text.iter().map(|value| value * value).sum::<f32>().max(self.eps).sqrt();
        text.iter_mut().for_each(|value| *value /= length);
        text
    }

    fn piece(&self, piece: u32) -> impl Iterator<Item = f32> {
        // Ids come from the pieces of the same file, of which there are as many as rows.
        let at = piece as usize;
        let scale = self.table_scales[at];
        let codes = &self.table[at * PIECE / 2..][..PIECE / 2];
        let numbers = codes.iter().flat_map(|code| [code & 15, code >> 4]);
        numbers.map(move |number| (f32::from(number) - 8.0) * scale)
    }

    /// To mean 0 and spread 1, then stretched and moved.
    fn normalize(&self, row: &mut [f32], (stretch, shift): &(Vec<f32>, Vec<f32>)) {
        let count = row.len() as f32;
        let mean = row.iter().sum::<f32>() / count;
        let spread = row.iter().map(|value| (value - mean) * (value - mean)).sum::<f32>() / count;
        let scale = 1.0 / (spread + self.eps).sqrt();
        for ((value, stretch), shift) in row.iter_mut().zip(stretch).zip(shift) {
            *value = (*value - mean) * scale * stretch + shift;
        }
    }
}

/// Each row beside its neighbours through one layer, and added to itself. Beyond the ends of the text stand zeros.
fn with_neighbours(rows: &[f32], (seen, before): (usize, usize), (matrix, bias): &(Matrix, Vec<f32>)) -> Vec<f32> {
    let count = rows.len() / BRANCH;
    let mut windows = vec![0.0_f32; count * seen * BRANCH];
    for (at, window) in windows.chunks_exact_mut(seen * BRANCH).enumerate() {
        for (place, slot) in window.chunks_exact_mut(BRANCH).enumerate() {
            let neighbour = (at + place)
                .checked_sub(before)
                .and_then(|at| rows.chunks_exact(BRANCH).nth(at));
            if let Some(neighbour) = neighbour {
                slot.copy_from_slice(neighbour);
            }
        }
    }
    let mut outputs = matrix.times(&windows, count);
    for (output, row) in outputs.chunks_exact_mut(BRANCH).zip(rows.chunks_exact(BRANCH)) {
        for ((value, bias), own) in output.iter_mut().zip(bias).zip(row) {
            *value = (*value + bias).max(0.0) + own;
        }
    }
    outputs
}

fn positive(mut values: Vec<f32>) -> Vec<f32> {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
    values
}

fn added(mut values: Vec<f32>, others: &[f32]) -> Vec<f32> {
    values.iter_mut().zip(others).for_each(|(value, other)| *value += other);
    values
}

fn signed(bytes: &[u8]) -> Vec<i8> {
    bytes.iter().map(|&byte| i8::from_le_bytes([byte])).collect()
}

/// A vector of the length that is expected of it.
pub(super) fn sized(reader: &mut Reader<'_>, expected: usize) -> Result<Vec<f32>, UnusableWeights> {
    if reader.size(MAX_SIDE)? == expected {
        reader.floats(expected)
    } else {
        Err(UnusableWeights("sizes do not fit each other"))
    }
}
