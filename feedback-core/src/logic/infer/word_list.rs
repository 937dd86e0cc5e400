//! Lists of words, written as one text and looked up as a set.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
    sync::OnceLock,
};

/// Words that a rule knows, with spaces between. The set is made at the first look-up: going through the text for each
/// word of a message took ten times as long as all the rest of the reading.
#[derive(Debug)]
pub(super) struct WordList {
    text: &'static str,
    words: OnceLock<HashSet<&'static str, BuildHasherDefault<Fnv>>>,
}

impl WordList {
    /// The words of a text.
    pub(super) const fn new(text: &'static str) -> Self {
        Self {
            text,
            words: OnceLock::new(),
        }
    }

    /// Whether a word is in the list.
    pub(super) fn has(&self, word: &str) -> bool {
        self.words
            .get_or_init(|| self.text.split_ascii_whitespace().collect())
            .contains(word)
    }
}

/// FNV-1a. The words in the set are ours, so nobody can choose them to collide, and the default hash costs more than the
/// rest of a look-up.
#[derive(Debug)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_found() {
        static WORDS: WordList = WordList::new("one two  three");
        assert!(WORDS.has("two") && WORDS.has("three"));
        assert!(!WORDS.has("tw") && !WORDS.has(""));
    }
}
