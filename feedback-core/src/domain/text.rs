//! Text in its three conditions: scrubbed (may be shown, searched, sent to AI), sealed (readable by the hub alone),
//! and the language that it is in. Plain text of a customer has no type here: it is opened, used and dropped.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_segmentation::GraphemeCursor;

/// Text without personal data: the only text that the AI ports take.
///
/// Only the scrubber makes one (`logic::scrub`), so unscrubbed text cannot leave for an AI provider:
///
/// ```compile_fail
/// use feedback_core::domain::Scrubbed;
/// let leak = Scrubbed(String::from("I am Ana, ana@example.test")); // the field is private
/// ```
///
/// ```compile_fail
/// use feedback_core::domain::Scrubbed;
/// let leak: Scrubbed = serde_json::from_str("\"I am Ana\"").unwrap(); // and it does not deserialize
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Scrubbed(String);

impl Scrubbed {
    /// For `logic::scrub` alone.
    pub(crate) fn from_scrubber(text: String) -> Self {
        Self(text)
    }

    /// Text that storage kept as scrubbed. Only storage adapters may call this; `tests/architecture.rs` looks.
    #[doc(hidden)]
    pub fn restore(text: String) -> Self {
        Self(text)
    }

    /// The text, for display, search and prompts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True where nothing is left to read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A word of it, so that words can be compared where texts can; what is scrubbed stays scrubbed. `None` where it is
    /// not in the text as it stands.
    pub fn part(&self, word: &str) -> Option<Self> {
        let start = self.0.find(word)?;
        self.0.get(start..start + word.len()).map(|word| Self(word.to_owned()))
    }

    /// At most `max` characters of it, cut at a character; what is scrubbed stays scrubbed.
    #[must_use]
    pub fn truncated(&self, max: usize) -> Self {
        Self(cut_at_grapheme(&self.0, max).to_owned())
    }
}

impl fmt::Display for Scrubbed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Bytes that only a [`Vault`](crate::ports::Vault) can open. Opaque: the vault's own header (key id, nonce) is inside.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sealed(#[serde(with = "hex")] Vec<u8>);

impl Sealed {
    /// Wraps what a vault made, or what storage kept of it.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The sealed bytes, for storage.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A reporter's own key, wrapped by the vault's key ring. Destroying it makes everything sealed under it unreadable.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectKey(Vec<u8>);

impl SubjectKey {
    /// Wraps what a vault made, or what storage kept of it.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The wrapped key, for storage.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectKey(..)")
    }
}

/// A keyed digest of a value (an email, a phone, a channel user id): equal for equal values, and it tells nothing more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlindIndex([u8; 32]);

impl BlindIndex {
    /// Wraps a digest that a vault made, or that storage kept.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest, for storage.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A few digits tell two apart in a failed test; the whole would let a reader of logs join people.
        write!(f, "BlindIndex({}..)", hex::encode(&self.0[..3]))
    }
}

/// The language that a reporter writes in: the two that the hub reads and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Spanish, of any country.
    #[serde(rename = "es")]
    Spanish,
}

impl Language {
    /// The ISO 639-1 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// From an ISO 639-1 code or a longer tag (`es-AR`, `en_US`); `None` for other languages.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.get(..2)?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "es" => Some(Self::Spanish),
            _ => None,
        }
    }
}

/// Characters that turn the direction of what follows around: embeddings, overrides and isolates. One line can be made to
/// look like another with them.
pub const fn is_direction_override(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A text to send or to approve: without characters that turn its direction around. What is left reads in the order in
/// which it was written.
pub fn without_overrides(text: &str) -> String {
    text.chars().filter(|c| !is_direction_override(*c)).collect()
}

/// At most so many characters of a text, cut where a person sees one end: not between a letter and its accents, not inside
/// an emoji of several parts. A single one that is longer than all of it is cut inside, else one letter under thousands of
/// accents would leave nothing.
pub fn cut_at_grapheme(text: &str, max_chars: usize) -> &str {
    let Some((limit, _)) = text.char_indices().nth(max_chars) else {
        return text;
    };
    // Looked for near the end only: a text may be long.
    let mut cursor = GraphemeCursor::new(limit, text.len(), true);
    let end = match cursor.is_boundary(text, 0) {
        Ok(false) => cursor.prev_boundary(text, 0).ok().flatten().unwrap_or(0),
        _ => limit,
    };
    text.get(..if end == 0 { limit } else { end }).unwrap_or(text)
}

/// At most so many characters of a text for people: cut between words where one ends in its second half, else where a character
/// ends, with an ellipsis for what is missing.
pub fn shortened(text: &str, max_chars: usize) -> String {
    if text.chars().nth(max_chars).is_none() {
        return text.to_owned();
    }
    let Some(room) = max_chars.checked_sub(1) else {
        return String::new();
    };
    let kept = cut_at_grapheme(text, room);
    let next = text[kept.len()..].chars().next();
    let end = match next {
        // The cut is between two words already.
        Some(c) if c.is_whitespace() => kept.len(),
        _ => kept
            .rfind(char::is_whitespace)
            .filter(|&space| space > kept.len() / 2)
            .unwrap_or(kept.len()),
    };
    format!("{}…", kept[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_scrubbed_text_never_splits_a_character() {
        let text = Scrubbed::from_scrubber("mañana no abre".into());
        assert_eq!(text.truncated(4).as_str(), "maña");
        assert_eq!(text.truncated(99), text);
    }

    #[test]
    fn f57_texts_are_cut_where_a_person_sees_a_character_end() {
        let family = "👨‍👩‍👧‍👦";
        for (text, max, kept) in [
            ("mañana", 3, "mañ"),
            ("man\u{303}ana", 3, "ma"),
            (family, 3, "👨\u{200d}👩"),
            ("ab👨‍👩‍👧‍👦", 5, "ab"),
            ("ab", 5, "ab"),
            ("", 0, ""),
            ("a\r\nb", 2, "a"),
        ] {
            assert_eq!(cut_at_grapheme(text, max), kept, "{text:?} to {max}");
        }
        let zalgo = format!("x{}", "\u{301}".repeat(10_000));
        assert_eq!(cut_at_grapheme(&zalgo, 120).chars().count(), 120);
        assert_eq!(cut_at_grapheme(&zalgo.repeat(100), 5).chars().count(), 5);
    }

    #[test]
    fn what_is_shortened_for_people_ends_with_a_word_and_says_that_it_was_longer() {
        for (text, max, kept) in [
            ("the app closes and no sound comes", 24, "the app closes and no…"),
            ("the app closes and no sound comes", 22, "the app closes and no…"),
            ("it fits", 7, "it fits"),
            ("Donaudampfschifffahrtsgesellschaft", 6, "Donau…"),
            ("one", 1, "…"),
            ("one", 0, ""),
            ("", 0, ""),
        ] {
            assert_eq!(shortened(text, max), kept, "{text:?} to {max}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_shortened_keeps_its_limit_and_is_a_beginning(text in "(\\PC|[ \n\u{301}\u{200d}👩👧]|ab ){0,60}", max in 0..70_usize) {
            let short = shortened(&text, max);
            proptest::prop_assert!(short.chars().count() <= max);
            if text.chars().count() <= max {
                proptest::prop_assert_eq!(short, text);
            } else if let Some(beginning) = short.strip_suffix('…') {
                proptest::prop_assert!(text.starts_with(beginning));
                let rest = &text[beginning.len()..];
                let split_word = beginning.ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric);
                // Only a word that fills the second half is split.
                let last = beginning.rfind(char::is_whitespace).unwrap_or(0);
                proptest::prop_assert!(!split_word || last <= beginning.len() / 2, "{:?}", short);
                let at = unicode_segmentation::UnicodeSegmentation::grapheme_indices(text.as_str(), true)
                    .find(|(at, grapheme)| *at < beginning.len() && beginning.len() < at + grapheme.len());
                // A grapheme that is longer than all the room is split, as nothing would be left.
                proptest::prop_assert!(at.is_none_or(|(at, _)| at == 0), "{:?}", short);
            } else {
                proptest::prop_assert_eq!(max, 0);
            }
        }
    }

    #[test]
    fn f57_nothing_that_goes_out_turns_its_own_direction_around() {
        let turned = "pay \u{202e}00.01\u{202c} to \u{2066}שלום\u{2069} 👍🏽 e\u{301}";
        assert_eq!(without_overrides(turned), "pay 00.01 to שלום 👍🏽 e\u{301}");
    }

    #[test]
    fn debug_shows_nothing_of_what_is_sealed() {
        assert_eq!(format!("{:?}", Sealed::from_bytes(vec![1, 2, 3])), "Sealed(3 bytes)");
        assert_eq!(format!("{:?}", SubjectKey::from_bytes(vec![1])), "SubjectKey(..)");
    }
}
