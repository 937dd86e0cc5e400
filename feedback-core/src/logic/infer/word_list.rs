//! Lists of words, written as one text and looked up as a set.

use std::{collections::HashSet, sync::OnceLock};

/// Words that a rule knows, with spaces between. The set is made at the first look-up: going through the text for each
/// word of a message took ten times as long as all the rest of the reading.
#[derive(Debug)]
pub(super) struct WordList {
    text: &'static str,
    words: OnceLock<HashSet<&'static str>>,
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
