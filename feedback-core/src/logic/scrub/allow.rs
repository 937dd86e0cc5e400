//! Words that stay: products, codes, calendar words, cities, brands. Data, that a host extends.

use std::collections::HashSet;

use super::view::View;

/// The folded words that weak evidence may not hide.
#[derive(Clone, Default)]
pub(super) struct Allowed {
    words: HashSet<Box<[u8]>>,
}

impl Allowed {
    /// The list that comes with the crate.
    pub(super) fn built_in() -> Self {
        Self::default()
    }

    /// Adds each word of a phrase.
    pub(super) fn add(&mut self, phrase: &str) {
        let view = View::new(phrase, &[]);
        for word in view.low.split(|&byte| byte == b' ').filter(|word| !word.is_empty()) {
            self.words.insert(word.into());
        }
    }

    /// How many words it has.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }
}
