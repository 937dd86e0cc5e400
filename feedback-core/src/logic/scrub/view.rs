//! The text as the finders read it: one plain byte a character, with the way back to the original offsets.
//!
//! Accents, capitals, full-width and styled letters, exotic spaces and dashes fold away and invisible characters are
//! dropped, so that no spelling trick needs a rule of its own. A placeholder is one byte that no finder touches.

use unicode_normalization::UnicodeNormalization;

use super::{Found, Label, placeholders};

/// A symbol or emoji.
pub(super) const SYMBOL: u8 = 0x01;
/// A placeholder; `raw` has its label's code.
pub(super) const PLACEHOLDER: u8 = 0x02;
/// `º`, `ª`, `°`: a letter elsewhere, a mark of order in an address.
pub(super) const ORDINAL: u8 = 0x03;

/// A folded text.
pub(super) struct View<'t> {
    /// The text as it came.
    pub(super) text: &'t str,
    /// Lower case, no accents; letters of other scripts are bytes from 0x80 up.
    pub(super) low: Vec<u8>,
    /// As `low` but with capitals.
    pub(super) raw: Vec<u8>,
    /// Where each byte of `low` starts in `text`; one more than `low` has.
    at: Vec<usize>,
    /// Which marks stand somewhere in it, as bits of [`Seen`].
    seen: u8,
}

/// Marks without which some finders have nothing to look for.
pub(super) struct Seen;

impl Seen {
    pub(super) const DIGIT: u8 = 1;
    pub(super) const AT: u8 = 1 << 1;
    pub(super) const SLASH: u8 = 1 << 2;
    pub(super) const DOT: u8 = 1 << 3;
    pub(super) const COLON: u8 = 1 << 4;
    pub(super) const ESCAPE: u8 = 1 << 5;
    pub(super) const UNDERSCORE: u8 = 1 << 6;
    pub(super) const DASH: u8 = 1 << 7;

    /// By byte.
    const TABLE: [u8; 256] = {
        let mut table = [0; 256];
        let mut digit = b'0';
        while digit <= b'9' {
            table[digit as usize] = Self::DIGIT;
            digit += 1;
        }
        table[b'@' as usize] = Self::AT;
        table[b'/' as usize] = Self::SLASH;
        table[b'?' as usize] = Self::SLASH;
        table[b'.' as usize] = Self::DOT;
        table[b':' as usize] = Self::COLON;
        table[b'%' as usize] = Self::ESCAPE;
        table[b'&' as usize] = Self::ESCAPE;
        table[b'_' as usize] = Self::UNDERSCORE;
        table[b'-' as usize] = Self::DASH;
        table
    };
}

impl<'t> View<'t> {
    /// Folds `text`; what was `found` before is read as placeholders.
    pub(super) fn new(text: &'t str, found: &[Found]) -> Self {
        let mut view = Self {
            text,
            low: Vec::with_capacity(text.len()),
            raw: Vec::with_capacity(text.len()),
            at: Vec::with_capacity(text.len() + 1),
            seen: 0,
        };
        let bytes = text.as_bytes();
        let mut found = found.iter().peekable();
        let mut at = 0;
        // Inside a link an escape is part of its grammar.
        let mut in_link = false;
        while at < bytes.len() {
            if let Some(hidden) = found.next_if(|hidden| hidden.start == at) {
                view.push(at, PLACEHOLDER, code(hidden.label));
                at = hidden.end;
                continue;
            }
            let byte = bytes[at];
            if byte.is_ascii_alphanumeric() {
                // Most of a text are letters in a row: they are copied at once.
                let stop = found.peek().map_or(bytes.len(), |hidden| hidden.start).max(at + 1);
                let length = bytes[at..stop]
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric())
                    .count();
                view.push_plain(at, &bytes[at..at + length]);
                at += length;
                continue;
            }
            if byte >= 0x80 {
                let Some(c) = text[at..].chars().next() else { break };
                if c.is_whitespace() {
                    in_link = false;
                }
                if let Some(byte) = fold(c) {
                    view.push(at, byte.to_ascii_lowercase(), byte);
                }
                at += c.len_utf8();
                continue;
            }
            match byte {
                b'[' => {
                    if let Some(((label, _), len)) = placeholders::parse(&text[at..]) {
                        view.push(at, PLACEHOLDER, code(label));
                        at += len;
                        continue;
                    }
                }
                b'%' if !in_link => {
                    if let Some(byte) = escaped(&bytes[at..]) {
                        view.push(at, byte.to_ascii_lowercase(), byte);
                        at += 3;
                        continue;
                    }
                }
                b'/' => in_link |= view.low.ends_with(b":/"),
                b'\n' => in_link = false,
                _ if char::from(byte).is_whitespace() => {
                    in_link = false;
                    view.push(at, b' ', b' ');
                    at += 1;
                    continue;
                }
                _ => {}
            }
            view.push(at, byte.to_ascii_lowercase(), byte);
            at += 1;
        }
        view.at.push(text.len());
        view
    }

    /// This view with places as placeholders, as if it were folded anew; nothing where that could differ, since a part of
    /// a link or an escape is among them.
    pub(super) fn with_hidden(&self, hidden: &[(usize, usize, Label)]) -> Option<Self> {
        let mut view = Self {
            text: self.text,
            low: Vec::with_capacity(self.low.len()),
            raw: Vec::with_capacity(self.low.len()),
            at: Vec::with_capacity(self.low.len() + 1),
            seen: self.seen,
        };
        let mut from = 0;
        for &(start, end, label) in hidden {
            if self.seen & (Seen::SLASH | Seen::ESCAPE) != 0
                && self.low[start..end]
                    .iter()
                    .any(|byte| matches!(byte, b'/' | b'%' | b':'))
            {
                return None;
            }
            view.copy(self, from, start);
            view.push(self.at[start], PLACEHOLDER, code(label));
            from = end;
        }
        view.copy(self, from, self.low.len());
        view.at.push(self.text.len());
        // What is seen less often is a saving; digits are what the finders of numbers wait for.
        view.seen = view
            .low
            .iter()
            .fold(0, |seen, &byte| seen | Seen::TABLE[usize::from(byte)]);
        Some(view)
    }

    fn copy(&mut self, other: &Self, start: usize, end: usize) {
        self.low.extend_from_slice(&other.low[start..end]);
        self.raw.extend_from_slice(&other.raw[start..end]);
        self.at.extend_from_slice(&other.at[start..end]);
    }

    /// ASCII letters and digits in a row.
    fn push_plain(&mut self, at: usize, bytes: &[u8]) {
        self.seen |= bytes
            .iter()
            .fold(0, |seen, &byte| seen | Seen::TABLE[usize::from(byte)]);
        self.at.extend(at..at + bytes.len());
        self.low.extend(bytes.iter().map(u8::to_ascii_lowercase));
        self.raw.extend_from_slice(bytes);
    }

    fn push(&mut self, at: usize, low: u8, raw: u8) {
        self.seen |= Seen::TABLE[usize::from(low)];
        self.at.push(at);
        self.low.push(low);
        self.raw.push(raw);
    }

    /// True where one of these marks stands somewhere.
    pub(super) fn has_seen(&self, marks: u8) -> bool {
        self.seen & marks != 0
    }

    /// How many characters there are to read.
    pub(super) fn len(&self) -> usize {
        self.low.len()
    }

    /// The original bytes of `start..end`.
    pub(super) fn original(&self, start: usize, end: usize) -> (usize, usize) {
        (self.at[start], self.at[end])
    }

    /// The folded byte at `at`, 0 outside.
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.low.get(at).copied().unwrap_or(0)
    }

    /// The folded byte before `at`, 0 outside.
    pub(super) fn before(&self, at: usize) -> u8 {
        if at == 0 { 0 } else { self.byte(at - 1) }
    }
}

/// Letters of any script.
pub(super) fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

/// Letters of any script, and digits.
pub(super) fn is_alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// The character that `%40` stands for, if it is a letter, a digit, or one of those that stand inside an address or a name.
fn escaped(bytes: &[u8]) -> Option<u8> {
    let &[b'%', high, low, ..] = bytes else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = (digit(high)? * 16 + digit(low)?) as u8;
    (byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'@' | b'+' | b'-' | b'_' | b'.' | b'(' | b')'))
        .then_some(byte)
}

fn code(label: Label) -> u8 {
    label as u8
}

/// The plain byte of a character outside ASCII; `None` for what cannot be seen.
fn fold(c: char) -> Option<u8> {
    Some(match c {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' => {
            return None;
        }
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ad}' | '\u{20d0}'..='\u{20ff}' | '\u{e0000}'..='\u{e007f}' => {
            return None;
        }
        'º' | 'ª' | '°' => ORDINAL,
        'ß' => b's',
        'æ' | 'Æ' => b'a',
        'ø' | 'œ' => b'o',
        'Ø' | 'Œ' => b'O',
        'ł' => b'l',
        'Ł' => b'L',
        'đ' | 'ð' => b'd',
        'Đ' | 'Ð' => b'D',
        'ı' => b'i',
        '·' | '•' | '‧' | '∙' => b'.',
        '\u{2018}'..='\u{201b}' | '´' | '′' | 'ʼ' | '＇' => b'\'',
        '\u{201c}'..='\u{201f}' | '«' | '»' | '″' => b'"',
        '\u{2010}'..='\u{2015}' | '−' | '﹣' | '－' => b'-',
        '\u{85}' | '\u{2028}' | '\u{2029}' => b'\n',
        _ if c.is_whitespace() => b' ',
        _ => plain(c),
    })
}

/// The first plain character of the compatible decomposition, a digit's value, or a byte that stands for the letter.
fn plain(c: char) -> u8 {
    if let Some(first) = std::iter::once(c).nfkd().next().filter(char::is_ascii) {
        return first as u8;
    }
    let digit = match c {
        '\u{660}'..='\u{669}' => c as u32 - 0x660,
        '\u{6f0}'..='\u{6f9}' => c as u32 - 0x6f0,
        '\u{966}'..='\u{96f}' => c as u32 - 0x966,
        _ if c.is_alphanumeric() => {
            let lower = c.to_lowercase().next().unwrap_or(c) as u32;
            return 0x80 | (lower ^ (lower >> 7)) as u8;
        }
        _ => return SYMBOL,
    };
    b'0' + digit as u8
}

/// Who owns which characters of a [`View`] during one reading.
pub(super) struct Claims {
    /// 0 is free, 1 is known to be harmless, label code + 2 is hidden.
    owner: Vec<u8>,
    spans: Vec<(usize, usize, Label)>,
}

const HARMLESS: u8 = 1;

impl Claims {
    /// Nothing but the placeholders is taken.
    pub(super) fn new(view: &View<'_>) -> Self {
        let owner = view
            .low
            .iter()
            .map(|&byte| u8::from(byte == PLACEHOLDER) * HARMLESS)
            .collect();
        Self {
            owner,
            spans: Vec::new(),
        }
    }

    /// True where nobody has marked anything in `start..end`.
    pub(super) fn is_free(&self, start: usize, end: usize) -> bool {
        self.owner[start..end].iter().all(|&owner| owner == 0)
    }

    /// Hides `start..end`, or those parts of it that are still free.
    pub(super) fn hide(&mut self, start: usize, end: usize, label: Label) {
        let mut at = start;
        while at < end {
            if self.owner[at] != 0 {
                at += 1;
                continue;
            }
            let from = at;
            while at < end && self.owner[at] == 0 {
                self.owner[at] = code(label) + 2;
                at += 1;
            }
            self.spans.push((from, at, label));
        }
    }

    /// How many places are hidden so far.
    pub(super) fn count(&self) -> usize {
        self.spans.len()
    }

    /// Where the last hidden place ends, if it is of this kind and was hidden after the first `count`.
    pub(super) fn last_is(&self, label: Label, count: usize) -> Option<usize> {
        let &(_, end, last) = self.spans.get(count..)?.last()?;
        (last == label).then_some(end)
    }

    /// Keeps the free parts of `start..end`: later finders leave them alone.
    pub(super) fn keep(&mut self, start: usize, end: usize) {
        for owner in &mut self.owner[start..end] {
            *owner = (*owner).max(HARMLESS);
        }
    }

    /// What is hidden, in order; spaces at the edges stay visible.
    pub(super) fn into_hidden(mut self, view: &View<'_>) -> Vec<(usize, usize, Label)> {
        self.spans.sort_unstable();
        self.spans
            .into_iter()
            .filter_map(|(mut start, mut end, label)| {
                while start < end && matches!(view.low[start], b' ' | b'\n') {
                    start += 1;
                }
                while end > start && matches!(view.low[end - 1], b' ' | b'\n') {
                    end -= 1;
                }
                (start < end).then_some((start, end, label))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        View::new(text, &[])
            .low
            .iter()
            .map(|&byte| if byte < 0x80 { byte as char } else { '?' })
            .collect()
    }

    #[test]
    fn spelling_tricks_fold_away() {
        assert_eq!(folded("Muñoz ＡＮＡ＠x．com"), "munoz ana@x.com");
        assert_eq!(folded("J\u{200b}o\u{301}se 𝐀na ٣"), "jose ana 3");
        assert_eq!(folded("a\u{a0}b—c ’"), "a b-c '");
        assert_eq!(folded("Анна"), "????");
        assert_eq!(folded("ana%40x.com %2B34 100%"), "ana@x.com +34 100%");
        assert_eq!(folded("http://x.es/a%20b?c=d%40e"), "http://x.es/a%20b?c=d%40e");
    }

    #[test]
    fn offsets_lead_back_to_the_original() {
        let text = "¡Soy Íñigo! [NAME_1] 🙂";
        let view = View::new(text, &[]);
        let (start, end) = view.original(5, 10);
        assert_eq!(&text[start..end], "Íñigo");
        assert_eq!(view.low.iter().filter(|&&byte| byte == PLACEHOLDER).count(), 1);
    }
}
