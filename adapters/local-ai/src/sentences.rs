//! A text in sentences, and texts cut to a length.

use std::ops::Range;

/// The sentences and lines of a text, as byte ranges without the space around them.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = at + c.len_utf8();
        let ends = match c {
            '\n' => true,
            '.' | '!' | '?' | '…' => chars.peek().is_none_or(|(_, next)| next.is_whitespace()),
            _ => false,
        };
        if ends {
            push_trimmed(text, start..after, &mut found);
            start = after;
        }
    }
    push_trimmed(text, start..text.len(), &mut found);
    found
}

fn push_trimmed(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    let end = start + part.trim().len();
    if part.chars().any(char::is_alphanumeric) {
        found.push(start..end);
    }
}

/// At most `max` characters, cut between words with an ellipsis. Never inside a placeholder, which has no space.
pub(crate) fn cut(text: &str, max: usize) -> String {
    let Some((limit, _)) = text.char_indices().nth(max) else {
        return text.to_owned();
    };
    let (end, _) = text[..limit].char_indices().next_back().unwrap_or((0, ' '));
    let mut kept = &text[..end];
    if let Some(space) = kept.rfind(char::is_whitespace) {
        kept = &kept[..space];
    }
    if let Some(open) = kept.rfind('[').filter(|&open| !kept[open..].contains(']')) {
        kept = &kept[..open];
    }
    format!("{}…", kept.trim_end())
}

/// The same text on one line, without control characters and without marks that turn its direction.
pub(crate) fn one_line(text: &str) -> String {
    let shown: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_marks_and_lines_and_not_inside_numbers() {
        let text = "Hola.\n\nDesde la v2.3 no abre… ¿Pueden ver? [NAME_1] espera\n---";
        let found: Vec<&str> = sentences(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(
            found,
            ["Hola.", "Desde la v2.3 no abre…", "¿Pueden ver?", "[NAME_1] espera"]
        );
    }

    #[test]
    fn a_cut_is_between_words_and_outside_placeholders() {
        assert_eq!(cut("uno dos tres", 12), "uno dos tres");
        assert_eq!(cut("uno dos tres", 9), "uno dos…");
        assert_eq!(cut("hola [NAME_1]", 10), "hola…");
        assert_eq!(cut("x[NAME_1]yyyyyy", 6), "x…");
        assert!(cut(&"ñ".repeat(50), 10).chars().count() <= 10);
    }

    #[test]
    fn one_line_is_one_line() {
        assert_eq!(one_line(" a\n\u{202e}b\u{0}\tc "), "a b c");
    }
}
