//! A text cut into the pieces that the encoder knows: the likeliest of all ways to cut it (Unigram).

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use crate::reader::{Reader, UnusableWeights};

/// Before and after every text, and what stands for letters that no piece has.
const UNKNOWN: u32 = 0;
const BEGIN: u32 = 1;
const END: u32 = 2;
/// A space, as pieces have it.
const SPACE: char = '▁';
/// How much less likely an unknown letter is than the least likely piece.
const UNKNOWN_PENALTY: f32 = 10.0;

pub(super) struct Pieces {
    pieces: HashMap<Box<str>, (u32, f32)>,
    longest: usize,
    unknown_score: f32,
}

impl Pieces {
    /// `count` pieces, each with its log probability.
    pub(super) fn read(reader: &mut Reader<'_>, count: usize) -> Result<Self, UnusableWeights> {
        let unknown_score = reader.float()?;
        let (mut pieces, mut longest) = (HashMap::with_capacity(count), 0);
        for id in 0..u32::try_from(count).map_err(|_| UnusableWeights("a size is too large"))? {
            let score = reader.float()?;
            let length = usize::from(reader.byte()?);
            let piece =
                std::str::from_utf8(reader.bytes(length)?).map_err(|_| UnusableWeights("a piece is no text"))?;
            if id > END {
                longest = longest.max(piece.chars().count());
                pieces.insert(piece.into(), (id, score));
            }
        }
        Ok(Self {
            pieces,
            longest,
            unknown_score: unknown_score.min(-UNKNOWN_PENALTY),
        })
    }

    /// The ids of a text's pieces, between those of its beginning and its end.
    pub(super) fn of(&self, text: &str) -> Vec<u32> {
        let text = normalized(text);
        let mut starts: Vec<usize> = text.char_indices().map(|(start, _)| start).collect();
        starts.push(text.len());
        let mut ids = vec![END];
        ids.extend(self.cut(&text, &starts));
        ids.push(BEGIN);
        ids.reverse();
        ids
    }

    /// Last piece first.
    fn cut(&self, text: &str, starts: &[usize]) -> Vec<u32> {
        let last = starts.len() - 1;
        // For each place: the best score of a way that ends there, and the beginning and id of its last piece.
        let mut best = vec![(f32::NEG_INFINITY, 0, UNKNOWN); starts.len()];
        best[0].0 = 0.0;
        for from in 0..last {
            let before = best[from].0;
            let mut has_single = false;
            for to in from + 1..=(from + self.longest).min(last) {
                let Some(&(id, score)) = self.pieces.get(&text[starts[from]..starts[to]]) else {
                    continue;
                };
                has_single |= to == from + 1;
                if before + score > best[to].0 {
                    best[to] = (before + score, from, id);
                }
            }
            if !has_single && before + self.unknown_score > best[from + 1].0 {
                best[from + 1] = (before + self.unknown_score, from, UNKNOWN);
            }
        }
        let mut ids = Vec::new();
        let mut place = last;
        while place > 0 {
            ids.push(best[place].2);
            place = best[place].1;
        }
        if ids.is_empty() {
            ids.push(UNKNOWN);
        }
        ids
    }
}

/// Compatible forms as one (`ﬁ` is `fi`), one space between words and one before them, no control characters.
fn normalized(text: &str) -> String {
    let composed: String = text.nfkc().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    composed
        .split_whitespace()
        .flat_map(|word| [SPACE].into_iter().chain(word.chars()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(known: &[(&str, f32)]) -> Pieces {
        let all = known
            .iter()
            .zip(3..)
            .map(|((piece, score), id)| ((*piece).into(), (id, *score)));
        Pieces {
            pieces: all.collect(),
            longest: 8,
            unknown_score: -30.0,
        }
    }

    #[test]
    fn the_likeliest_way_is_taken_and_not_the_longest_piece() {
        let pieces = pieces(&[("▁a", -1.0), ("bc", -1.0), ("▁ab", -5.5), ("c", -1.0), ("b", -4.0)]);
        assert_eq!(pieces.of("abc"), [1, 3, 4, 2]);
        assert_eq!(pieces.of("  ab "), [1, 3, 7, 2]);
    }

    #[test]
    fn what_no_piece_has_is_unknown_letter_by_letter() {
        let pieces = pieces(&[("▁", -2.0), ("a", -1.0)]);
        assert_eq!(pieces.of("a日本"), [1, 3, 4, 0, 0, 2]);
        assert_eq!(pieces.of(""), [1, 0, 2]);
    }

    #[test]
    fn compatible_forms_and_spaces_are_one() {
        assert_eq!(normalized(" ﬁn\t\u{a0}de\n①\u{0} "), "▁fin▁de▁1");
    }
}
