//! The words of a [`View`] with what is known about each: the finders look at neighbours, not at patterns.

use super::{
    Label,
    cues::Cues,
    digest::Digesting,
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
    /// What the lists of names say; nothing where it has digits.
    pub(super) class: Class,
    /// What opens other lists.
    pub(super) digest: u64,
    /// It has no digit.
    pub(super) is_letters: bool,
}

/// All words of a view, in order.
pub(super) struct Words {
    all: Vec<Word>,
    /// The cues of all of them.
    cues: Cues,
    /// Length of the longest.
    longest: usize,
}

impl Words {
    /// Cuts the view into words.
    pub(super) fn new(view: &View<'_>) -> Self {
        let mut words = Self {
            all: Vec::with_capacity(view.len() / 5 + 1),
            cues: Cues::default(),
            longest: 0,
        };
        let mut at = 0;
        while at < view.len() {
            if !is_alnum(view.low[at]) {
                at += 1;
                continue;
            }
            let start = at;
            let mut digesting = Digesting::new();
            let mut is_letters = true;
            while let Some(&byte) = view.low.get(at).filter(|&&byte| is_alnum(byte)) {
                digesting = digesting.with(byte);
                is_letters &= !byte.is_ascii_digit();
                at += 1;
            }
            words.push(view, start, at, digesting.finish(), is_letters);
        }
        words
    }

    fn push(&mut self, view: &View<'_>, start: usize, end: usize, digest: u64, is_letters: bool) {
        let low = &view.low[start..end];
        let mut cues = Cues::of_digest(digest).or(dotted(view, start, end));
        let class = if is_letters {
            gazetteer::class_of(low.len(), digest)
        } else {
            Class::default()
        };
        if cues == Cues::default() && class == Class::default() && is_letters {
            cues = Cues::of_misspelt(low);
        }
        self.add(Word {
            start,
            end,
            cues,
            class,
            digest,
            is_letters,
        });
    }

    fn add(&mut self, word: Word) {
        self.cues = self.cues.or(word.cues);
        self.longest = self.longest.max(word.end - word.start);
        self.all.push(word);
    }

    /// The words of `view`, which is the view of these words with the `hidden` places as placeholders; nothing where a
    /// place cuts a word.
    pub(super) fn with_hidden(&self, view: &View<'_>, hidden: &[(usize, usize, Label)]) -> Option<Self> {
        let mut words = Self {
            all: Vec::with_capacity(self.all.len()),
            cues: Cues::default(),
            longest: 0,
        };
        let mut hidden = hidden.iter().peekable();
        let mut back = 0;
        for word in &self.all {
            while let Some((start, end, _)) = hidden.next_if(|(_, end, _)| *end <= word.start) {
                back += end - start - 1;
            }
            if let Some((start, end, _)) = hidden.peek()
                && *start < word.end
            {
                if *start <= word.start && word.end <= *end {
                    continue;
                }
                return None;
            }
            let (start, end) = (word.start - back, word.end - back);
            let mut word = Word { start, end, ..*word };
            if end - start == 1 {
                // "C.C." is read over its dots, and what is behind them may be hidden now.
                word.cues = Cues::of_digest(word.digest).or(dotted(view, start, end));
            }
            words.add(word);
        }
        Some(words)
    }

    /// The cues of all words.
    pub(super) fn cues(&self) -> Cues {
        self.cues
    }

    /// Length of the longest word.
    pub(super) fn longest(&self) -> usize {
        self.longest
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
        if !self.cues.has(kinds) {
            return None;
        }
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
