//! Words that stay: products, codes, calendar words, cities, brands. Data in `data/allowed.txt`, that a host extends.

use std::collections::{HashMap, HashSet};

use super::view::{View, is_alnum};

/// The words of a phrase after its first.
type Rest = Vec<Box<[u8]>>;

/// The folded words and phrases that weak evidence may not hide.
#[derive(Clone, Default)]
pub(super) struct Allowed {
    words: HashSet<Box<[u8]>>,
    /// First word of a phrase to its other words.
    phrases: HashMap<Box<[u8]>, Vec<Rest>>,
}

impl Allowed {
    /// The list that comes with the crate.
    pub(super) fn built_in() -> Self {
        let mut allowed = Self::default();
        for line in include_str!("data/allowed.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            line.split(',').for_each(|phrase| allowed.add(phrase));
        }
        allowed
    }

    /// Adds a word or a phrase.
    pub(super) fn add(&mut self, phrase: &str) {
        let view = View::new(phrase, &[]);
        let mut words = view
            .low
            .split(|&byte| !is_alnum(byte))
            .filter(|word| !word.is_empty())
            .map(Box::from);
        let Some(first) = words.next() else { return };
        let rest: Rest = words.collect();
        if rest.is_empty() {
            self.words.insert(first);
        } else {
            self.phrases.entry(first).or_default().push(rest);
        }
    }

    /// How many words and phrases it has.
    pub(super) fn len(&self) -> usize {
        self.words.len() + self.phrases.values().map(Vec::len).sum::<usize>()
    }

    /// Whether this folded word stays.
    pub(super) fn has(&self, word: &[u8]) -> bool {
        self.words.contains(word)
    }

    /// How many words of the longest phrase start here, where `word(n)` gives the n-th word from here.
    pub(super) fn phrase<'w>(&self, word: impl Fn(usize) -> Option<&'w [u8]>) -> Option<usize> {
        let rests = self.phrases.get(word(0)?)?;
        rests
            .iter()
            .filter(|rest| rest.iter().enumerate().all(|(at, part)| word(at + 1) == Some(&**part)))
            .map(|rest| rest.len() + 1)
            .max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_phrases_are_kept_whatever_their_spelling() {
        let mut allowed = Allowed::built_in();
        allowed.add("Ñandú Pro");
        allowed.add("Lumen");
        assert!(allowed.has(b"lumen") && allowed.has(b"slack") && !allowed.has(b"nandu"));
        let text: Vec<&[u8]> = vec![b"nandu", b"pro", b"x"];
        assert_eq!(allowed.phrase(|at| text.get(at).copied()), Some(2));
        assert_eq!(allowed.phrase(|at| text.get(at + 1).copied()), None);
    }
}
