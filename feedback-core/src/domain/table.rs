//! Rows as they are, for a move from one store to another: no entity is made of them, so nothing of them can change.

use std::fmt;

use sha2::{Digest, Sha256};

/// One value of a row, whichever the engine that keeps it. Ids are their 16 bytes, truth is 0 or 1.
#[derive(Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number without a fraction.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Which kind it is; the value may be a person's.
        f.write_str(match self {
            Self::Null => "Null",
            Self::Integer(_) => "Integer",
            Self::Real(_) => "Real",
            Self::Text(_) => "Text",
            Self::Bytes(_) => "Bytes",
        })
    }
}

/// A table and its columns, in the order in which rows give them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShape {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
}

/// Some rows of a table, in the order of their positions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// The cells of each, as [`TableShape::columns`] has them.
    pub rows: Vec<Vec<Cell>>,
    /// The position of the last one: what comes after it is read next.
    pub end: i64,
}

/// What a table holds: the number of its rows, and the sum of their SHA-256 digests. The order of rows plays no part in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableDigest {
    /// How many rows.
    pub rows: u64,
    sum: [u64; 4],
}

impl TableDigest {
    /// Counts a row in.
    pub fn add(&mut self, row: &[Cell]) {
        let mut hash = Sha256::new();
        for cell in row {
            // The kind, and for what can be of any length that length: no two rows read alike.
            match cell {
                Cell::Null => hash.update([0]),
                Cell::Integer(number) => hash.update([&[1][..], &number.to_le_bytes()].concat()),
                Cell::Real(number) => hash.update([&[2][..], &number.to_bits().to_le_bytes()].concat()),
                Cell::Text(text) => {
                    hash.update([&[3][..], &(text.len() as u64).to_le_bytes()].concat());
                    hash.update(text.as_bytes());
                }
                Cell::Bytes(bytes) => {
                    hash.update([&[4][..], &(bytes.len() as u64).to_le_bytes()].concat());
                    hash.update(bytes);
                }
            }
        }
        let digest = hash.finalize();
        let (words, _) = digest.as_chunks::<8>();
        let mut carry = false;
        for (limb, word) in self.sum.iter_mut().zip(words) {
            let (sum, over) = limb.overflowing_add(u64::from_le_bytes(*word));
            let (sum, again) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, over || again);
        }
        self.rows += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[Vec<Cell>]) -> TableDigest {
        let mut digest = TableDigest::default();
        rows.iter().for_each(|row| digest.add(row));
        digest
    }

    #[test]
    fn a_digest_tells_any_other_row_and_no_other_order() {
        let text = |text: &str| Cell::Text(text.to_owned());
        let (one, other) = (vec![text("ab"), text("c")], vec![Cell::Integer(7), Cell::Null]);
        let both = digest(&[one.clone(), other.clone()]);
        assert_eq!(both, digest(&[other.clone(), one.clone()]));
        let changed = [
            vec![text("a"), text("bc")],
            vec![text("ab"), Cell::Bytes(b"c".to_vec())],
            vec![text("ab"), Cell::Null],
            vec![text("ab")],
        ];
        for row in changed {
            assert_ne!(digest(&[row.clone(), other.clone()]), both, "{row:?}");
        }
        assert_ne!(digest(&[one.clone(), one.clone()]), digest(&[other.clone(), other]));
        assert_ne!(digest(&[one]), both);
    }
}
