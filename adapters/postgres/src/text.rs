//! Text as PostgreSQL can hold it, and the words by which it is found.

use std::{borrow::Cow, collections::BTreeSet};

use feedback_core::ports::search_words;

/// Begins an escape: a private-use character that no message has, and that survives where one has.
const ESCAPE: char = '\u{E000}';

/// Longest word that is looked for, in bytes; PostgreSQL takes 2,046. What goes beyond is compared by its beginning.
const LONGEST_WORD: usize = 500;
/// Most bytes of words of one ticket; PostgreSQL takes 1 MiB.
const ALL_WORDS: usize = 500_000;

/// The text without U+0000, which a text column cannot hold. [`restored`] gives it back whole.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut stored = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => stored.extend([ESCAPE, '0']),
            ESCAPE => stored.extend([ESCAPE, ESCAPE]),
            other => stored.push(other),
        }
    }
    Cow::Owned(stored)
}

/// The text that was stored.
pub(crate) fn restored(stored: String) -> String {
    if !stored.contains(ESCAPE) {
        return stored;
    }
    let mut text = String::with_capacity(stored.len());
    let mut chars = stored.chars();
    while let Some(c) = chars.next() {
        match c {
            ESCAPE => text.push(match chars.next() {
                Some('0') => '\0',
                Some(other) => other,
                None => ESCAPE,
            }),
            other => text.push(other),
        }
    }
    text
}

/// The words by which a ticket is found, each once.
pub(crate) fn indexed_words(title: &str, description: &str) -> Vec<String> {
    let mut words: BTreeSet<String> = search_words(title).into_iter().map(shortened).collect();
    words.extend(search_words(description).into_iter().map(shortened));
    let mut bytes = 0;
    words
        .into_iter()
        .take_while(|word| {
            bytes += word.len();
            bytes <= ALL_WORDS
        })
        .collect()
}

/// A search as PostgreSQL's query: every word is the beginning of a word. `None` where nothing is looked for.
pub(crate) fn search_query(search: &str) -> Option<String> {
    // Letters and digits only, and quoted: nothing of it is query syntax.
    let words: Vec<String> = search_words(search)
        .into_iter()
        .map(|word| format!("'{}':*", shortened(word)))
        .collect();
    (!words.is_empty()).then(|| words.join(" & "))
}

fn shortened(mut word: String) -> String {
    if word.len() > LONGEST_WORD {
        let end = (0..=LONGEST_WORD).rev().find(|end| word.is_char_boundary(*end));
        word.truncate(end.unwrap_or(0));
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_as_it_was() {
        for text in [
            "",
            "plain",
            "a\0b",
            "\0",
            "\u{E000}",
            "\u{E000}0",
            "\0\u{E000}\0",
            "ñ🚀\u{E000}\u{E000}0",
        ] {
            let stored = storable(text).into_owned();
            assert!(!stored.contains('\0'));
            assert_eq!(restored(stored), text);
        }
    }

    #[test]
    fn a_search_is_words_by_their_beginning_and_never_syntax() {
        assert_eq!(
            search_query("Exportación' | !b").as_deref(),
            Some("'exportacion':* & 'b':*")
        );
        assert_eq!(search_query("*'\\ ()"), None);
        assert_eq!(indexed_words("La la", "Mañana LA"), ["la", "manana"]);
    }

    #[test]
    fn no_word_is_longer_than_the_server_takes() {
        let words = indexed_words(&"é".repeat(3000), &"x ".repeat(10));
        assert!(words.iter().all(|word| word.len() <= LONGEST_WORD));
    }
}
