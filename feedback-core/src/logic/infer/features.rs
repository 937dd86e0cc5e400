//! What the model looks at: phrases and their company, words, word pairs and pieces of words, as numbers of rows.

use std::ops::Range;

use super::{
    fold::Folded,
    lexicon::{Hit, Topic},
    word_classes::{WordClass, class_of},
};

/// Rows for phrases, their pairs and the shape of the text.
pub(super) const SHAPE_ROWS: usize = 2048;
/// From so many tokens on a text is a document: a technical report, a letter with a log in it. What counts there is which words
/// occur, not how often, and most of all how it begins; the pieces of a thousand words only drown them.
const DOCUMENT_TOKENS: usize = 60;
/// How far into a document its title may reach, and its beginning.
const TITLE_TOKENS: usize = 25;
const BEGINNING_TOKENS: usize = 60;

const TOPICS: usize = Topic::ALL.len();

/// The rows of a text, by the weight that a row of the group has.
#[derive(Debug, Default)]
pub(super) struct Features {
    /// Rows of [`SHAPE_ROWS`].
    pub(super) shape: Vec<u16>,
    /// Hashes of words and pairs of words; a model takes as many of their bits as it has rows for.
    pub(super) words: Vec<u32>,
    /// Hashes of pieces of words.
    pub(super) pieces: Vec<u32>,
    /// Hashes of classes of words that mean alike, and of pairs of them.
    pub(super) classes: Vec<u32>,
}

/// What each row of a group counts for, so that a long text is not louder than a short one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights {
    /// For a row of `shape`.
    pub(super) shape: f32,
    /// For a row of `words`.
    pub(super) words: f32,
    /// For a row of `pieces`.
    pub(super) pieces: f32,
    /// For a row of `classes`.
    pub(super) classes: f32,
}

impl Features {
    /// What the groups of these features count for.
    pub(super) fn weights(&self) -> Weights {
        let share = |rows: usize, whole: f32| whole / (rows.max(4) as f32).sqrt();
        Weights {
            shape: share(self.shape.len(), 1.4),
            words: share(self.words.len(), 1.0),
            pieces: share(self.pieces.len(), 1.0),
            classes: share(self.classes.len(), 1.0),
        }
    }

    /// The features of folded text and the phrases found in it.
    pub(super) fn of(folded: &Folded, hits: &[Hit]) -> Self {
        let mut features = Self::default();
        features.read_shape(folded, hits);
        if folded.tokens().len() > DOCUMENT_TOKENS {
            features.read_document(folded);
        } else {
            features.read_words(folded);
        }
        // Of short texts only here: of words and their pieces a second one says a little more, and sorting them would take
        // a third of the time.
        features.shape.sort_unstable();
        features.shape.dedup();
        features
    }

    fn read_shape(&mut self, folded: &Folded, hits: &[Hit]) {
        let mut stands = [0_u8; TOPICS];
        let mut denied = [false; TOPICS];
        let sentence_ends = |at: usize| matches!(folded.word(at), "." | "?");
        let last_start = (0..folded.tokens().len().saturating_sub(1))
            .rev()
            .find(|&at| sentence_ends(at))
            .map_or(0, |at| at + 1);
        for hit in hits {
            let topic = hit.topic as usize;
            if hit.is_denied {
                denied[topic] = true;
                continue;
            }
            stands[topic] = stands[topic].saturating_add(1);
            if hit.first == 0 {
                self.shape(topic, Row::Opens);
            }
            if last_start > 0 && hit.first >= last_start {
                self.shape(topic, Row::InLastSentence);
            }
            let asks = (hit.end..folded.tokens().len())
                .find(|&at| sentence_ends(at))
                .is_some_and(|at| folded.word(at) == "?");
            self.shape(topic, if asks { Row::InQuestion } else { Row::InStatement });
        }
        let mut pair = TOPICS * Row::KINDS;
        for topic in 0..TOPICS {
            match stands[topic] {
                0 => {}
                1 => self.shape(topic, Row::Stands),
                _ => {
                    self.shape(topic, Row::Stands);
                    self.shape(topic, Row::StandsTwice);
                }
            }
            if denied[topic] {
                self.shape(topic, Row::Denied);
            }
            for other in topic + 1..TOPICS {
                if stands[topic] > 0 && stands[other] > 0 {
                    self.shape.push(pair as u16);
                }
                pair += 1;
            }
        }
        self.read_length(folded, pair, stands.iter().all(|&count| count == 0));
    }

    fn read_length(&mut self, folded: &Folded, base: usize, has_no_phrase: bool) {
        let tokens = folded.tokens().len();
        let count = |mark: &str| (0..tokens).filter(|&at| folded.word(at) == mark).count();
        let length = match tokens {
            0..=3 => 0,
            4..=7 => 1,
            8..=13 => 2,
            14..=24 => 3,
            25..=45 => 4,
            _ => 5,
        };
        let mut add = |row: usize| self.shape.push((base + row) as u16);
        add(length);
        add(6 + count("?").min(3));
        add(10 + count(".").min(5));
        if tokens > 1 && folded.word(tokens - 1) == "." && folded.word(tokens - 2) == "?" {
            add(16);
        }
        if has_no_phrase {
            add(17);
        }
        if count("moneysign") > 0 {
            add(18);
        }
    }

    fn shape(&mut self, topic: usize, row: Row) {
        self.shape.push((topic * Row::KINDS + row as usize) as u16);
    }

    fn read_words(&mut self, folded: &Folded) {
        let mut before = hash(b"^", 1);
        let mut before_that = before;
        let mut class_before = before;
        let tokens = folded.tokens().len();
        self.words.reserve(3 * tokens);
        self.classes.reserve(3 * tokens);
        self.pieces.reserve(3 * folded.text().len());
        let mut padded = Vec::with_capacity(24);
        for at in 0..folded.tokens().len() {
            let shaped = shape_of(folded.word(at));
            let own = hash(shaped.as_bytes(), 1);
            self.words.push(row(own));
            self.words.push(row(mix(before, own)));
            self.words.push(row(mix(mix(before_that, 3), own)));
            (before_that, before) = (before, own);
            class_before = self.read_class(own, class_before);
            if shaped.len() < 3 {
                continue;
            }
            padded.clear();
            padded.push(b' ');
            padded.extend_from_slice(shaped.as_bytes());
            padded.push(b' ');
            self.read_pieces(&padded);
            self.pieces.push(row(sound(shaped)));
        }
    }

    /// Runs of three, four and five bytes. Those that start at one place share their beginning, so they share its hash.
    fn read_pieces(&mut self, word: &[u8]) {
        for start in 0..word.len().saturating_sub(2) {
            let mut grown = seed(2);
            for (length, &byte) in word[start..].iter().take(5).enumerate() {
                grown = grow(grown, byte);
                if length >= 2 {
                    self.pieces.push(row(grown));
                }
            }
        }
    }

    /// The classes of a word, and its pair with the one before; gives back what the next word is paired with.
    fn read_class(&mut self, word: u32, before: u32) -> u32 {
        let own = match class_of(word) {
            None => word,
            Some(WordClass { own, wider }) => {
                let own = hash(&own.to_le_bytes(), 7);
                self.classes.extend([row(own), row(hash(&[wider], 8))]);
                own
            }
        };
        self.classes.push(row(mix(mix(before, 9), own)));
        own
    }

    fn read_document(&mut self, folded: &Folded) {
        let tokens = folded.tokens().len();
        let title = (0..tokens.min(TITLE_TOKENS))
            .find(|&at| matches!(folded.word(at), "." | "?"))
            .map_or(TITLE_TOKENS.min(tokens), |at| at + 1);
        self.read_runs(folded, 0..tokens, 1, 3);
        self.read_runs(folded, 0..title, 5, 2);
        self.read_runs(folded, title..tokens.min(title + BEGINNING_TOKENS), 6, 2);
        self.words.sort_unstable();
        self.words.dedup();
    }

    /// Words of a part of the text, and runs of up to `longest` of them, apart from those of other groups.
    fn read_runs(&mut self, folded: &Folded, part: Range<usize>, group: u32, longest: usize) {
        let mut before = hash(b"^", group);
        let mut before_that = before;
        for at in part {
            let own = hash(shape_of(folded.word(at)).as_bytes(), group);
            self.words.push(row(own));
            self.words.push(row(mix(before, own)));
            if longest > 2 {
                self.words.push(row(mix(mix(before_that, before), own)));
            }
            (before_that, before) = (before, own);
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Row {
    Stands,
    StandsTwice,
    Denied,
    Opens,
    InLastSentence,
    InQuestion,
    InStatement,
}

impl Row {
    const KINDS: usize = 7;
}

/// The row of a phrase that stands or is denied, for saying which phrases decided.
pub(super) const fn phrase_row(topic: Topic, is_denied: bool) -> u16 {
    let kind = if is_denied { Row::Denied } else { Row::Stands };
    (topic as usize * Row::KINDS + kind as usize) as u16
}

/// What a word is known by among [`super::word_classes`].
#[cfg(test)]
pub(super) fn word_hash(word: &str) -> u32 {
    hash(word.as_bytes(), 1)
}

/// The row of a token's word, for saying which words decided.
pub(super) fn word_row(word: &str) -> u32 {
    row(hash(word.as_bytes(), 1))
}

/// The word, or one sign for all numbers.
fn shape_of(word: &str) -> &str {
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        "0"
    } else {
        word
    }
}

/// The hash of how a word sounds in Spanish, roughly: "recivo" and "recibo", "serbisio" and "servicio" become one.
fn sound(word: &str) -> u32 {
    let bytes = word.as_bytes();
    let mut heard = seed(4);
    let mut hear = |letter| heard = grow(heard, letter);
    for (at, &letter) in bytes.iter().enumerate() {
        let next = bytes.get(at + 1).copied().unwrap_or(b' ');
        let before = if at == 0 { b' ' } else { bytes[at - 1] };
        match letter {
            b'h' if before != b'c' => {}
            b'v' => hear(b'b'),
            b'z' => hear(b's'),
            b'c' if matches!(next, b'e' | b'i') => hear(b's'),
            b'c' | b'q' => hear(b'k'),
            b'u' if before == b'q' => {}
            b'g' if matches!(next, b'e' | b'i') => hear(b'j'),
            b'l' if next == b'l' => hear(b'i'),
            b'l' if before == b'l' => {}
            b'y' => hear(b'i'),
            _ if letter == before => {}
            _ => hear(letter),
        }
    }
    heard
}

/// FNV-1a: short keys, no need of more, and the same on every machine.
fn hash(bytes: &[u8], group: u32) -> u32 {
    bytes.iter().fold(seed(group), |hash, &byte| grow(hash, byte))
}

fn seed(group: u32) -> u32 {
    0x811c_9dc5 ^ group.wrapping_mul(0x9e37_79b9)
}

fn grow(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

fn mix(first: u32, second: u32) -> u32 {
    (first.rotate_left(13) ^ second)
        .wrapping_mul(0x85eb_ca6b)
        .rotate_left(7)
}

/// The low bits number the row.
fn row(hash: u32) -> u32 {
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fold::fold, lexicon},
        *,
    };

    fn features(text: &str) -> Features {
        let folded = fold(text, std::slice::from_ref(&(0..text.len())));
        let hits = lexicon::hits(&folded);
        Features::of(&folded, &hits)
    }

    #[test]
    fn misspelled_words_share_rows_with_what_was_meant() {
        assert_eq!(sound("serbisio"), sound("servicio"));
        assert_eq!(sound("recivo"), sound("recibo"));
        assert_eq!(sound("yamar"), sound("llamar"));
    }

    #[test]
    fn every_shape_row_is_within_the_table() {
        let all = "nadie puede error gracias urgente ¿cuánto? factura borró hoy mañana si recargo $ paciente color "
            .repeat(20);
        assert!(features(&all).shape.iter().all(|&row| usize::from(row) < SHAPE_ROWS));
        assert!(features("").words.is_empty());
    }
}
