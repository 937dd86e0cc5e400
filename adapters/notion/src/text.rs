//! Texts within Notion's limits: 2,000 UTF-16 units for an item, 100 items for a text.

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

/// Units of one rich text item, counted as JavaScript does.
const MAX_UNITS: usize = 2_000;
/// Items of one rich text.
const MAX_ITEMS: usize = 100;

/// The text as a list of rich text items. What does not fit into 100 items is cut; no ticket is that long.
pub(crate) fn rich_text(text: &str) -> Value {
    let text = printable(text);
    pieces(&text)
        .into_iter()
        .take(MAX_ITEMS)
        .map(|piece| json!({"type": "text", "text": {"content": piece}}))
        .collect()
}

/// Pieces of at most 2,000 units that make up the text, each ending where a grapheme does.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut units) = (0, 0);
    for grapheme in text.graphemes(true) {
        // One letter under thousands of accents is a grapheme too: it is split between characters.
        let is_small = units_of(grapheme) <= MAX_UNITS;
        let parts = if is_small {
            vec![grapheme]
        } else {
            grapheme.split_inclusive(|_| true).collect()
        };
        for part in parts {
            if units + units_of(part) > MAX_UNITS {
                let at = part.as_ptr().addr() - text.as_ptr().addr();
                pieces.push(&text[start..at]);
                (start, units) = (at, 0);
            }
            units += units_of(part);
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}

/// At most so many units, cut where a grapheme ends, with an ellipsis where something was cut.
pub(crate) fn cut(text: &str, max_units: usize) -> String {
    if units_of(text) <= max_units {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut units = 1; // the ellipsis
    for grapheme in text.graphemes(true) {
        units += units_of(grapheme);
        if units > max_units {
            break;
        }
        kept.push_str(grapheme);
    }
    kept.push('…');
    kept
}

/// Without control characters but line ends and tabs: Notion refuses some and hides the rest.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

fn units_of(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn f77_a_family_of_emoji_is_never_torn_apart() {
        let family = "👩‍👩‍👧‍👦";
        let text = format!("{}{family}", "a".repeat(MAX_UNITS - 3));
        assert_eq!(pieces(&text), [&"a".repeat(MAX_UNITS - 3), family]);
    }

    #[test]
    fn f77_one_letter_under_ten_thousand_accents_still_fits() {
        let zalgo = format!("a{}", "\u{301}".repeat(10_000));
        assert!(pieces(&zalgo).iter().all(|piece| units_of(piece) <= MAX_UNITS));
        assert_eq!(pieces(&zalgo).concat(), zalgo);
        assert_eq!(cut(&zalgo, 50), "…");
    }

    #[test]
    fn a_cut_keeps_its_limit_and_says_so() {
        assert_eq!(cut("corto", 5), "corto");
        assert_eq!(cut("más largo", 4), "más…");
        assert_eq!(cut("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 12), "👩‍👩‍👧‍👦…");
    }

    proptest! {
        // Long texts in a debug build: fewer of them say as much.
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn f77_pieces_fit_and_make_up_the_text(text in "(.|\\PC|[\u{300}-\u{36f}]|😀){0,1200}", times in 1..6_usize) {
            let text = text.repeat(times);
            let pieces = pieces(&text);
            prop_assert_eq!(pieces.concat(), text.as_str());
            prop_assert!(pieces.iter().all(|piece| !piece.is_empty() && units_of(piece) <= MAX_UNITS));
        }
    }
}
