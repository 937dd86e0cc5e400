//! A second opinion on each word that may be a name: a linear model of hashed features, trained on marked messages.
//!
//! The rules know what a name is; the model has read how people write around one. Its features are the word's place in
//! the lists, its shape, its neighbours and what the rules made of it. A weight is one byte, so that the whole table
//! stays in the cache.

use super::{
    super::{
        cues::Cues,
        view::{PLACEHOLDER, SYMBOL},
    },
    part::{Case, Finder},
};

/// Rows of the table.
pub(in super::super) const ROWS: usize = 1 << 17;

static WEIGHTS: &[u8; ROWS] = include_bytes!("model.bin");

/// What the rules made of the words.
pub(in super::super) struct Opinion<'o> {
    /// Points of the word: lists, capitals, neighbours.
    pub(super) points: &'o [i32],
    /// Points for what stands before it.
    pub(super) cues: &'o [i32],
    /// What the rules hide.
    pub(in super::super) hidden: &'o [bool],
}

/// What the model says of a word: above 0 it is a name.
pub(super) fn score(finder: &Finder<'_, '_>, opinion: &Opinion<'_>, index: usize, after_name: bool) -> i32 {
    let mut sum = 0;
    features(finder, opinion, index, after_name, |row| {
        sum += i32::from(WEIGHTS[row].cast_signed());
    });
    sum
}

/// Hashes parts into a row.
#[derive(Clone, Copy)]
struct Row(u32);

impl Row {
    const fn new(kind: u32) -> Self {
        Self(kind.wrapping_mul(0x9e37_79b9) ^ 0x85eb_ca6b)
    }

    const fn with(self, part: u32) -> Self {
        Self((self.0.rotate_left(13) ^ part).wrapping_mul(0x9e37_79b1))
    }

    const fn index(self) -> usize {
        let mixed = (self.0 ^ (self.0 >> 15)).wrapping_mul(0x2c1b_3c6d);
        ((mixed ^ (mixed >> 13)) as usize) % ROWS
    }
}

/// Gives the rows of the features of word `index`.
pub(in super::super) fn features(
    finder: &Finder<'_, '_>,
    opinion: &Opinion<'_>,
    index: usize,
    after_name: bool,
    mut each: impl FnMut(usize),
) {
    let it = &finder.traits[index];
    let lower = finder.reading.lower;
    let class = finder.code(index);
    let short = finder.short_code(index);
    let mode = match (it.case, lower) {
        (Case::Lower, true) => 0,
        (Case::Lower, false) => 1,
        (Case::Title, _) if it.opens => 2,
        (Case::Title, _) => 3,
        (Case::Upper, true) => 4,
        (Case::Upper, false) => 5,
    };
    let bin = |points: i32, step: i32| ((points + 90).clamp(0, 180) / step) as u32;
    let points = opinion.points[index] + opinion.cues[index];
    let ruled = u32::from(opinion.hidden[index])
        | u32::from(index > 0 && opinion.hidden[index - 1]) << 1
        | u32::from(opinion.hidden.get(index + 1).copied().unwrap_or(false)) << 2;
    let (one, two) = (finder.token(index, -1), finder.token(index, -2));
    let (next, after) = (finder.token(index, 1), finder.token(index, 2));
    let name = u32::from(after_name);
    let (before_class, next_class) = (finder.side(index, -1), finder.side(index, 1));
    let low = finder.low(index);
    let tail = |count: usize| {
        low[low.len().saturating_sub(count)..]
            .iter()
            .fold(0_u32, |hash, &byte| hash.wrapping_mul(31) + u32::from(byte))
    };
    let rows = [
        Row::new(1).with(class).with(mode),
        Row::new(2).with(short).with(bin(points, 6)),
        Row::new(3).with(mode).with(bin(points, 8)).with(ruled & 1),
        Row::new(4).with(one),
        Row::new(5).with(next),
        Row::new(6).with(one).with(two),
        Row::new(7).with(next).with(after),
        Row::new(8).with(two).with(short),
        Row::new(9).with(after).with(short),
        Row::new(10).with(one).with(short),
        Row::new(11).with(next).with(short),
        Row::new(12).with(one).with(next),
        Row::new(13).with(name).with(class),
        Row::new(14).with(name).with(next_class).with(short),
        Row::new(15).with(before_class).with(next_class).with(short).with(name),
        Row::new(16).with(tail(3)).with(short),
        Row::new(17).with(tail(2)).with(short),
        Row::new(18).with(ruled).with(mode).with(short),
        Row::new(19)
            .with(u32::from(it.allowed))
            .with(short)
            .with(u32::from(it.opens)),
        Row::new(20).with(low.len().min(12) as u32).with(short),
        Row::new(21).with(bin(opinion.cues[index], 6)).with(short).with(mode),
        Row::new(22).with(before_class).with(mode).with(name),
        Row::new(23).with(next_class).with(mode).with(bin(points, 15)),
    ];
    rows.into_iter().for_each(|row| each(row.index()));
    if it.class.ordinary() > 0 || it.allowed > 0 {
        // Of words that are names and nothing else the spelling says nothing: it would only learn the training's people.
        let word = (it.word.digest >> 32) as u32;
        each(Row::new(24).with(word).index());
        each(Row::new(25).with(word).with(mode).index());
        each(Row::new(26).with(word).with(one).index());
        each(Row::new(27).with(word).with(next).index());
    }
    for (kind, bits) in [
        (28, finder.cues_beside(index, -1)),
        (29, finder.cues_beside(index, -2)),
        (30, finder.cues_beside(index, 1)),
    ] {
        let mut rest = bits;
        while rest != 0 {
            each(Row::new(kind).with(rest.trailing_zeros()).with(short).index());
            rest &= rest - 1;
        }
    }
}

impl Finder<'_, '_> {
    /// Words that the model is asked about; the others are no names whatever stands beside them.
    pub(super) fn is_candidate(&self, index: usize) -> bool {
        let it = &self.traits[index];
        it.eligible && (it.class.is_name() || it.class.ordinary() == 0 || it.case != Case::Lower)
    }

    /// An everyday word and hardly anybody's name: of 17,000 such in the training, two were one without a cue before
    /// them. They are half of all words that could be names.
    pub(super) fn is_everyday(&self, index: usize) -> bool {
        let it = &self.traits[index];
        let level = it.class.given().max(it.class.surname());
        it.class.ordinary() == 2 && (level == 0 || level == 1 && it.case == Case::Lower)
    }

    fn code(&self, index: usize) -> u32 {
        let class = self.traits[index].class;
        u32::from(class.given()) | u32::from(class.surname()) << 2 | u32::from(class.ordinary()) << 4
    }

    /// How much of a name a word is, in few steps.
    fn short_code(&self, index: usize) -> u32 {
        let it = &self.traits[index];
        let level = it.class.given().max(it.class.surname());
        let kind = match (level, it.class.given() >= it.class.surname()) {
            (0, _) => 0,
            (1, _) => 1,
            (_, true) => 2,
            (_, false) => 3,
        };
        kind | u32::from(it.class.ordinary()) << 2 | u32::from(self.reading.lower || it.case != Case::Lower) << 4
    }

    /// Word `index + offset` as a number, or the mark that stands between.
    fn token(&self, index: usize, offset: isize) -> u32 {
        let Some(at) = index.checked_add_signed(offset) else {
            return 1;
        };
        if at >= self.traits.len() {
            return 2;
        }
        let (first, last) = if offset < 0 { (at, index) } else { (index, at) };
        let mut mark = 0;
        for between in first..last {
            mark = mark * 8 + gap_code(self.gap(between));
        }
        let low = self.low(at);
        let word = if low[0].is_ascii_digit() {
            7
        } else {
            (self.traits[at].word.digest >> 32) as u32
        };
        // Names beside a name are alike, whichever they are.
        let it = &self.traits[at];
        let word = if it.class.is_name() && it.class.ordinary() == 0 && it.word.cues == Cues::default() {
            9
        } else {
            word
        };
        if matches!(mark, 0o4..) && offset.abs() > 1 {
            return 3;
        }
        word ^ mark.wrapping_mul(0x9e37)
    }

    /// The neighbour's part in names, with what stands between.
    fn side(&self, index: usize, offset: isize) -> u32 {
        let Some(at) = index.checked_add_signed(offset).filter(|&at| at < self.traits.len()) else {
            return 1;
        };
        let gap = gap_code(self.gap(at.min(index)));
        let it = &self.traits[at];
        let case = match it.case {
            Case::Lower => 0,
            Case::Title => 1,
            Case::Upper => 2,
        };
        2 + (self.short_code(at) * 8 + gap) * 4 + case
    }

    /// The cues of a neighbour as bits, none behind a full stop.
    fn cues_beside(&self, index: usize, offset: isize) -> u64 {
        let Some(at) = index.checked_add_signed(offset).filter(|&at| at < self.traits.len()) else {
            return 0;
        };
        self.traits[at].word.cues.bits()
    }
}

/// What stands between two words, in eight kinds.
fn gap_code(gap: &[u8]) -> u32 {
    match gap {
        b" " => 0,
        b", " | b"," => 1,
        b": " | b":" | b"=" => 2,
        b"-" | b"'" => 3,
        _ if gap.contains(&b'\n') => 4,
        _ if gap.contains(&PLACEHOLDER) || gap.contains(&SYMBOL) => 5,
        _ if gap.iter().any(|byte| matches!(byte, b'.' | b'!' | b'?' | b';')) => 6,
        _ => 7,
    }
}
