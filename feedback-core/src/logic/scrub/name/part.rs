//! The words of a message as the name rules see them.

use super::super::{
    Reading,
    cues::Cues,
    gazetteer::Class,
    view::{Claims, PLACEHOLDER, is_alnum},
    words::Word,
};

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Case {
    /// Small letters.
    Lower,
    /// A capital first.
    Title,
    /// Capitals alone.
    Upper,
}

/// What is known of one word before its neighbours are looked at.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Trait {
    /// Where it is.
    pub(in super::super) word: Word,
    /// What the lists say.
    pub(super) class: Class,
    /// Its capitals.
    pub(super) case: Case,
    /// Letters only, and free to take.
    pub(super) eligible: bool,
    /// First of a sentence or line.
    pub(super) opens: bool,
    /// 2 in a phrase that stays, 1 a word that stays.
    pub(super) allowed: u8,
}

/// Answers questions about the words of one reading.
pub(in super::super) struct Finder<'r, 't> {
    pub(super) reading: &'r Reading<'t>,
    pub(in super::super) traits: Vec<Trait>,
}

impl<'r, 't> Finder<'r, 't> {
    pub(in super::super) fn new(reading: &'r Reading<'t>, claims: &Claims) -> Self {
        let (view, words) = (reading.view, reading.words.all());
        let mut traits: Vec<Trait> = Vec::with_capacity(words.len());
        for (index, word) in words.iter().enumerate() {
            let low = &view.low[word.start..word.end];
            let raw = &view.raw[word.start..word.end];
            let letters = word.is_letters && low.len() <= 24;
            let case = match raw {
                [first, rest @ ..]
                    if first.is_ascii_uppercase() && !rest.is_empty() && rest.iter().all(u8::is_ascii_uppercase) =>
                {
                    Case::Upper
                }
                [first, ..] if first.is_ascii_uppercase() || *first >= 0x80 => Case::Title,
                _ => Case::Lower,
            };
            let identifier = matches!(view.before(word.start), b'_' | b'#' | b'$' | b'/' | b'\\')
                || matches!(view.byte(word.end), b'_' | b'(' | b'/' | b'=' | b'\\')
                || view.byte(word.end) == b'-' && view.byte(word.end + 1).is_ascii_digit()
                || (view.byte(word.end) == b'.' && is_alnum(view.byte(word.end + 1)) && case == Case::Lower)
                || (view.before(word.start) == b'.'
                    && word.start >= 2
                    && is_alnum(view.low[word.start - 2])
                    && case == Case::Lower);
            let contraction = view.byte(word.end) == b'\''
                && words.get(index + 1).is_some_and(|next| {
                    next.start == word.end + 1
                        && matches!(
                            &view.low[next.start..next.end],
                            b"t" | b"ll" | b"ve" | b"re" | b"d" | b"m"
                        )
                });
            // "con don Daniel", "doña Ana"; "Don" with a capital may be his name.
            let is_title = word.cues.has(Cues::TITLE)
                && case == Case::Lower
                && view.byte(word.end) == b' '
                && (view.byte(word.end + 1) == PLACEHOLDER
                    || words.get(index + 1).is_some_and(|next| {
                        next.start == word.end + 1 && (next.class.is_name() || matches!(low, b"dona" | b"senora"))
                    }));
            let gap = index
                .checked_sub(1)
                .map_or(&b"\n"[..], |before| &view.low[words[before].end..word.start]);
            let opens = gap.iter().any(|byte| {
                matches!(
                    byte,
                    b'.' | b'!' | b'?' | b'\n' | b':' | b';' | b'"' | b'>' | b'|' | b'*' | b'('
                )
            });
            traits.push(Trait {
                word: *word,
                class: word.class,
                case,
                eligible: letters
                    && low.len() >= 2
                    && !matches!(
                        low,
                        b"el"
                            | b"la"
                            | b"los"
                            | b"las"
                            | b"de"
                            | b"del"
                            | b"san"
                            | b"santa"
                            | b"santo"
                            | b"ok"
                            | b"paterno"
                            | b"materno"
                    )
                    && !contraction
                    && !is_title
                    && !identifier
                    && claims.is_free(word.start, word.end),
                opens,
                allowed: 0,
            });
        }
        let mut phrase = 0;
        for at in 0..traits.len() {
            let text = |ahead: usize| {
                traits
                    .get(at + ahead)
                    .map(|next| &view.low[next.word.start..next.word.end])
            };
            let (alone, length) = reading.allowed.at(traits[at].word.digest, text);
            if phrase <= at && length > 0 {
                phrase = at + length;
            }
            traits[at].allowed = match () {
                () if at < phrase => 2,
                () if alone && traits[at].word.is_letters => 1,
                () => 0,
            };
        }
        Self { reading, traits }
    }

    pub(super) fn low(&self, index: usize) -> &[u8] {
        let word = self.traits[index].word;
        &self.reading.view.low[word.start..word.end]
    }

    /// What stands between word `index` and the next.
    pub(super) fn gap(&self, index: usize) -> &[u8] {
        match self.traits.get(index + 1) {
            Some(next) => &self.reading.view.low[self.traits[index].word.end..next.word.start],
            None => b"\n",
        }
    }

    /// The cues of word `index`, none outside.
    pub(super) fn cues(&self, index: usize) -> Cues {
        self.traits.get(index).map_or_else(Cues::default, |it| it.word.cues)
    }

    /// Could be part of a name beside another part.
    pub(super) fn is_partner(&self, index: usize) -> bool {
        let Some(it) = self.traits.get(index) else { return false };
        it.eligible && it.allowed == 0 && it.class.is_name() && (it.class.ordinary() < 2 || it.case == Case::Title)
    }

    /// A single capital with a dot, or one that is no word.
    pub(super) fn is_initial(&self, index: usize) -> bool {
        let it = &self.traits[index];
        let dot = self.gap(index).starts_with(b".");
        it.word.end - it.word.start == 1
            && (it.case == Case::Title || self.reading.lower && dot)
            && (dot || !matches!(self.low(index), b"i" | b"a" | b"y" | b"o" | b"e"))
    }
}
