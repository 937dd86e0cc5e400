//! The words of a [`View`] with what is known about each: the finders look at neighbours, not at patterns.

use super::{
    cues::Cues,
    gazetteer::{self, Class},
    view::{View, is_alnum},
};

/// A run of letters and digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// First byte in the view.
    pub(super) start: usize,
    /// Byte after the last.
    pub(super) end: usize,
    /// What it says about its neighbours.
    pub(super) cues: Cues,
}

/// All words of a view, in order.
pub(super) struct Words {
    all: Vec<Word>,
}

impl Words {
    /// Cuts the view into words.
    pub(super) fn new(view: &View<'_>) -> Self {
        let mut all = Vec::new();
        let mut at = 0;
        while at < view.len() {
            if !is_alnum(view.low[at]) {
                at += 1;
                continue;
            }
            let start = at;
            while at < view.len() && is_alnum(view.low[at]) {
                at += 1;
            }
            let low = &view.low[start..at];
            let mut cues = Cues::of(low).or(dotted(view, start, at));
            if cues == Cues::default() && gazetteer::class(low) == Class::default() {
                cues = Cues::of_misspelt(low);
            }
            all.push(Word { start, end: at, cues });
        }
        Self { all }
    }

    /// The words.
    pub(super) fn all(&self) -> &[Word] {
        &self.all
    }

    /// Index of the first word that starts at or after `at`.
    pub(super) fn index_from(&self, at: usize) -> usize {
        self.all.partition_point(|word| word.start < at)
    }

    /// The words before `at`, nearest first; those that end at or before it.
    pub(super) fn before(&self, at: usize) -> impl Iterator<Item = &Word> {
        let end = self.all.partition_point(|word| word.end <= at);
        self.all[..end].iter().rev()
    }

    /// The words from `at` on.
    pub(super) fn after(&self, at: usize) -> impl Iterator<Item = &Word> {
        self.all[self.index_from(at)..].iter()
    }

    /// How many words before `at` the nearest cue of these kinds stands: 1 is the word right before. Numbers do not
    /// count as words, a new line counts as two.
    pub(super) fn distance(&self, view: &View<'_>, at: usize, kinds: Cues, limit: usize) -> Option<usize> {
        let mut distance = 0;
        let mut right = at;
        for word in self.before(at).take(limit * 2) {
            if view.low[word.start..word.end].iter().all(u8::is_ascii_digit) {
                continue;
            }
            distance += 1 + 2 * usize::from(view.low[word.end..right].contains(&b'\n'));
            right = word.start;
            if distance > limit {
                return None;
            }
            if word.cues.has(kinds) {
                return Some(distance);
            }
        }
        None
    }
}

/// The cues of `C.C.` and `d.n.i`, read at their last letter.
fn dotted(view: &View<'_>, start: usize, end: usize) -> Cues {
    let mut letters = [0; 5];
    let mut used = 0;
    let mut at = start;
    if end - start != 1 || view.before(start) != b'.' {
        return Cues::default();
    }
    loop {
        letters[used] = view.low[at];
        used += 1;
        if used == letters.len() || at < 2 || view.low[at - 1] != b'.' || !view.low[at - 2].is_ascii_alphabetic() {
            break;
        }
        at -= 2;
    }
    letters[..used].reverse();
    Cues::of(&letters[..used])
}
