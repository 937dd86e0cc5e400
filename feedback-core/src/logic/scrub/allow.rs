//! Words that stay: products, codes, calendar words, cities, brands. Data in `data/allowed.txt`, that a host extends.

use super::{
    digest::{ByDigest, digest},
    view::{View, is_alnum},
};

/// The words of a phrase after its first.
type Rest = Vec<Box<[u8]>>;

/// The folded words and phrases that weak evidence may not hide.
#[derive(Clone, Default)]
pub(super) struct Allowed {
    words: ByDigest<Kept>,
    /// How many words and phrases there are.
    count: usize,
}

/// What stays of what begins with a word.
#[derive(Clone, Default)]
struct Kept {
    /// The word alone.
    alone: bool,
    /// The other words of phrases.
    phrases: Vec<Rest>,
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
        let mut words = view.low.split(|&byte| !is_alnum(byte)).filter(|word| !word.is_empty());
        let Some(first) = words.next() else { return };
        let rest: Rest = words.map(Box::from).collect();
        let kept = self.words.entry(digest(first));
        if rest.is_empty() {
            self.count += usize::from(!kept.alone);
            kept.alone = true;
        } else {
            self.count += 1;
            kept.phrases.push(rest);
        }
    }

    /// How many words and phrases it has.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Whether this folded word stays.
    pub(super) fn has(&self, word: &[u8]) -> bool {
        self.words.get(digest(word)).is_some_and(|kept| kept.alone)
    }

    /// Whether the word with this digest stays alone, and how many words the longest phrase has that begins with it,
    /// where `word(n)` gives the n-th word after it.
    pub(super) fn at<'w>(&self, digest: u64, word: impl Fn(usize) -> Option<&'w [u8]>) -> (bool, usize) {
        let Some(kept) = self.words.get(digest) else {
            return (false, 0);
        };
        let phrase = kept
            .phrases
            .iter()
            .filter(|rest| rest.iter().enumerate().all(|(at, part)| word(at + 1) == Some(&**part)))
            .map(|rest| rest.len() + 1)
            .max();
        (kept.alone, phrase.unwrap_or(0))
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
        assert_eq!(allowed.at(digest(b"nandu"), |at| text.get(at).copied()), (false, 2));
        assert_eq!(allowed.at(digest(b"pro"), |at| text.get(at + 1).copied()).1, 0);
    }
}
