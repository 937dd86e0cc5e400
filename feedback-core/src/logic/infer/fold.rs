//! Text made comparable: one case, no accents, no drawn-out letters, emoji as words, chat abbreviations written out.
//! Every token keeps its place in the text it came from, so that evidence can point there.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// One word or mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// First byte in [`Folded::text`].
    pub(super) start: usize,
    /// Byte after the last in [`Folded::text`].
    pub(super) end: usize,
    /// Where it stands in the text that was folded.
    pub(super) source: (usize, usize),
}

/// Folded text: tokens with one space around each.
#[derive(Debug, Default)]
pub(super) struct Folded {
    text: String,
    tokens: Vec<Token>,
    word_start: Option<usize>,
    run: usize,
}

/// Abbreviations of chat in both languages, folded, with what they stand for.
const ABBREVIATIONS: [(&str, &str); 56] = [
    ("2day", "today"),
    ("2moro", "tomorrow"),
    ("ablar", "hablar"),
    ("acer", "hacer"),
    ("akount", "account"),
    ("b4", "before"),
    ("bn", "bien"),
    ("cnt", "cant"),
    ("cuz", "because"),
    ("d", "de"),
    ("dnt", "dont"),
    ("grasias", "gracias"),
    ("grax", "gracias"),
    ("graxias", "gracias"),
    ("k", "que"),
    ("kiero", "quiero"),
    ("kuando", "cuando"),
    ("msg", "message"),
    ("msj", "mensaje"),
    ("nd", "nada"),
    ("nesesito", "necesito"),
    ("oy", "hoy"),
    ("pa", "para"),
    ("pls", "please"),
    ("plz", "please"),
    ("porfa", "porfavor"),
    ("porfis", "porfavor"),
    ("porq", "porque"),
    ("ppl", "people"),
    ("pq", "porque"),
    ("q", "que"),
    ("qiero", "quiero"),
    ("r", "are"),
    ("rn", "now"),
    ("sez", "says"),
    ("skan", "scan"),
    ("srs", "serious"),
    ("tb", "tambien"),
    ("thnx", "thanks"),
    ("thx", "thanks"),
    ("tks", "thanks"),
    ("tmb", "tambien"),
    ("tmrw", "tomorrow"),
    ("ty", "thanks"),
    ("u", "you"),
    ("ur", "your"),
    ("vrs", "veces"),
    ("wat", "what"),
    ("wen", "when"),
    ("wrk", "work"),
    ("wtsp", "whatsapp"),
    ("x", "por"),
    ("xfa", "porfavor"),
    ("xfavor", "porfavor"),
    ("xq", "porque"),
    ("yday", "yesterday"),
];

/// For each first byte, the lengths that abbreviations with it have, a bit each: nearly every word is none, and a look at
/// this is all that it costs.
const LENGTHS: [u16; 128] = {
    let mut lengths = [0; 128];
    let mut at = 0;
    while at < ABBREVIATIONS.len() {
        let short = ABBREVIATIONS[at].0.as_bytes();
        lengths[short[0] as usize] |= 1 << short.len();
        at += 1;
    }
    lengths
};

/// What an abbreviation stands for.
fn written_out(word: &str) -> Option<&'static str> {
    let first = usize::from(*word.as_bytes().first()?);
    let lengths = LENGTHS.get(first)?;
    if word.len() >= 16 || lengths & (1 << word.len()) == 0 {
        return None;
    }
    let found = ABBREVIATIONS.binary_search_by_key(&word, |(short, _)| short).ok()?;
    Some(ABBREVIATIONS[found].1)
}

/// Folds the given ranges of `text`, each as lines of its own.
pub(super) fn fold(text: &str, ranges: &[Range<usize>]) -> Folded {
    let mut folded = Folded {
        text: String::with_capacity(text.len() + 16),
        ..Folded::default()
    };
    folded.text.push(' ');
    for range in ranges {
        let mut chars = text[range.clone()].char_indices().peekable();
        let mut last = ' ';
        while let Some((offset, c)) = chars.next() {
            let next = chars.peek().map_or(' ', |&(_, next)| next);
            folded.push(c, last, next, range.start + offset);
            last = c;
        }
        folded.end_word(range.end);
        folded.mark(".", (range.end, range.end));
    }
    folded
}

impl Folded {
    /// Tokens with a space before and after each.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The tokens in order.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The word at `index`; empty past the ends.
    pub(super) fn word(&self, index: usize) -> &str {
        self.tokens
            .get(index)
            .map_or("", |token| &self.text[token.start..token.end])
    }

    /// Index of the token that starts at `start` in [`Self::text`].
    pub(super) fn token_at(&self, start: usize) -> Option<usize> {
        self.tokens.binary_search_by_key(&start, |token| token.start).ok()
    }

    fn push(&mut self, c: char, last: char, next: char, at: usize) {
        match c {
            'a'..='z' => self.letter(c, at),
            'A'..='Z' => self.letter(c.to_ascii_lowercase(), at),
            '0'..='9' => self.letter(c, at),
            '\'' | '’' | '`' | '´' if last.is_alphanumeric() && next.is_alphanumeric() => {}
            '.' | ',' | ':' if last.is_ascii_digit() && next.is_ascii_digit() => {}
            // "e.g." and "v2.x" are no ends of sentences, and a dotted name is one word.
            '.' if last.is_alphanumeric() && next.is_alphanumeric() => self.end_word(at),
            '-' if last.is_alphanumeric() && next.is_alphanumeric() => self.end_word(at),
            '.' | '!' | ';' | '\n' | '…' | '|' => self.punctuation(".", at, c),
            '?' => self.punctuation("?", at, c),
            ',' | ':' | '(' | ')' | '—' | '–' | '-' => self.punctuation(",", at, c),
            '"' | '“' | '”' | '«' | '»' => self.punctuation("\"", at, c),
            '$' | '€' | '£' => self.named("moneysign", at, c),
            '%' => self.named("percent", at, c),
            _ if c.is_ascii() => self.end_word(at),
            _ => self.other(c, at),
        }
    }

    fn other(&mut self, c: char, at: usize) {
        if is_combining_mark(c) {
            return;
        }
        if let Some(word) = emoji_word(c) {
            self.named(word, at, c);
        } else if c.is_alphanumeric() {
            // Upper-case letters beyond ASCII fold to several characters at worst (ẞ), which is fine here.
            for lower in c.to_lowercase().nfd().filter(|part| part.is_alphanumeric()) {
                self.letter(lower, at);
            }
        } else if c != '¿' && c != '¡' && c != '\u{fe0f}' && c != '\u{200d}' {
            self.end_word(at);
        }
    }

    fn letter(&mut self, c: char, at: usize) {
        let Some(start) = self.word_start else {
            self.word_start = Some(at);
            self.tokens.push(Token {
                start: self.text.len(),
                end: self.text.len(),
                source: (at, at),
            });
            self.text.push(c);
            self.run = 1;
            return;
        };
        debug_assert!(start <= at, "letters come in order");
        if self.text.ends_with(c) && c.is_alphabetic() {
            self.run += 1;
            match self.run {
                2 => self.text.push(c),
                // "nooooo" is "no": three of the same say that the letter was drawn out, so the second goes too.
                3 => drop(self.text.pop()),
                _ => {}
            }
        } else {
            self.text.push(c);
            self.run = 1;
        }
    }

    fn end_word(&mut self, at: usize) {
        if self.word_start.take().is_none() {
            return;
        }
        let Some(token) = self.tokens.last_mut() else { return };
        if let Some(meant) = written_out(&self.text[token.start..]) {
            self.text.truncate(token.start);
            self.text.push_str(meant);
        }
        token.end = self.text.len();
        token.source.1 = at;
        self.text.push(' ');
    }

    fn punctuation(&mut self, mark: &str, at: usize, c: char) {
        self.end_word(at);
        self.mark(mark, (at, at + c.len_utf8()));
    }

    fn mark(&mut self, mark: &str, source: (usize, usize)) {
        let repeats = self
            .tokens
            .last()
            .is_some_and(|last| &self.text[last.start..last.end] == mark);
        if self.tokens.is_empty() || (repeats && mark != "\"") {
            return;
        }
        self.add(mark, source);
    }

    fn named(&mut self, word: &str, at: usize, c: char) {
        self.end_word(at);
        self.add(word, (at, at + c.len_utf8()));
    }

    fn add(&mut self, word: &str, source: (usize, usize)) {
        let start = self.text.len();
        self.text.push_str(word);
        self.tokens.push(Token {
            start,
            end: self.text.len(),
            source,
        });
        self.text.push(' ');
    }
}

/// Emoji that say something, as a word; those that decorate are dropped.
fn emoji_word(c: char) -> Option<&'static str> {
    Some(match c {
        '🙏' | '😊' | '👍' | '❤' | '🎉' | '🙌' | '😍' | '🤗' | '😀' | '😁' | '😄' | '🙂' | '💪' | '👏' | '✅'
        | '💙' | '💚' | '🥳' => "emojigood",
        '😡' | '🤬' | '😠' | '😤' | '👎' | '🙄' | '😒' => "emojiangry",
        '😭' | '😢' | '😞' | '😩' | '😱' | '😰' | '😥' | '🥲' | '💔' | '😖' | '😫' | '🤦' => {
            "emojisad"
        }
        '🚨' | '🆘' | '🔥' | '❗' | '‼' | '⚠' | '⛔' | '🛑' => "emojialarm",
        '🤔' | '❓' | '🤷' | '🧐' => "emojiask",
        '❌' | '🐛' | '🪲' | '💥' => "emojifail",
        '💡' | '✨' | '🤞' => "emojiidea",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        fold(text, std::slice::from_ref(&(0..text.len())))
            .text()
            .trim()
            .to_owned()
    }

    #[test]
    fn abbreviations_are_in_order_for_the_search() {
        assert!(ABBREVIATIONS.is_sorted_by_key(|(short, _)| *short));
    }

    #[test]
    fn case_accents_and_drawn_out_letters_make_no_difference() {
        assert_eq!(folded("No me DEJA entráááár"), folded("no me deja entrar"));
        assert_eq!(folded("NOOOO abre"), "no abre .");
    }

    #[test]
    fn abbreviations_are_written_out() {
        assert_eq!(folded("xq no carga"), "porque no carga .");
        assert_eq!(folded("can't, u know"), "cant , you know .");
    }

    #[test]
    fn every_token_points_to_where_it_came_from() {
        let text = "¿Mañana ábre? 🙏";
        let folded = fold(text, std::slice::from_ref(&(0..text.len())));
        let sources: Vec<&str> = folded
            .tokens()
            .iter()
            .map(|token| &text[token.source.0..token.source.1])
            .collect();
        assert_eq!(sources, ["Mañana", "ábre", "?", "🙏", ""]);
        assert_eq!(folded.word(0), "manana");
        assert_eq!(folded.token_at(folded.tokens()[1].start), Some(1));
    }
}
