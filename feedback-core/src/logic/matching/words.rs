//! What the words of two texts say about them, beside their vectors.

use std::{collections::BTreeSet, sync::LazyLock};

use unicode_normalization::UnicodeNormalization;

use super::troubles::Named;
use crate::{domain::Language, logic::language};

/// Shared words are evidence from this length on: shorter ones are articles and prepositions.
const MIN_WORD_CHARS: usize = 4;

/// Words in nearly every report: they tell no two apart.
const EVERYWHERE: &str = "about after algo alguien also ante aparece aqui bien buenas buenos cada cant could cuando como \
    dear desde dice doesnt donde entre esta estan este favor from gracias hace hello help hola isnt just like mucho need \
    nobody nothing nuestra nuestro para pero please porque puede pueden puedo quiero saludos show shows sale siempre sigue \
    sobre solo some still support team tengo thank thanks that their them then there they this tiene todo todos using \
    very want when where which while will with wont would your";

/// Each line of opposites: beginnings of words that point one way, and the other.
static OPPOSITES: LazyLock<Vec<[Vec<&str>; 2]>> = LazyLock::new(|| {
    include_str!("opposites.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('|'))
        .map(|(one, other)| [one, other].map(|side| side.split_whitespace().collect()))
        .collect()
});

/// What of a text is compared as words: read once, compared with many.
#[derive(Debug, Clone, PartialEq)]
pub struct Wording {
    language: Option<Language>,
    /// Hashed character n-grams with their weights, in the order of the hashes; of length 1 together.
    grams: Vec<(u32, f32)>,
    words: BTreeSet<String>,
    /// Error codes, versions, references: letters and digits in one word.
    codes: BTreeSet<String>,
    numbers: BTreeSet<String>,
    /// For each line of opposites, which sides are said.
    sides: Vec<[bool; 2]>,
    named: Named,
}

/// What two wordings have in common, and what parts them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Likeness {
    /// How much of their spelling they share, 0 to 1; 0 where they are in two languages.
    pub spelling: f32,
    /// The same error code or reference: 1 for each, 2 at most.
    pub same_codes: f32,
    /// Content words that both have: a share of those of the shorter text.
    pub same_words: f32,
    /// 1 where both name error codes or references, and not one is the same.
    pub other_codes: f32,
    /// 1 where both name numbers, and not one is the same.
    pub other_numbers: f32,
    /// 1 where one points the opposite way of the other: charged and refunded, before and after.
    pub opposite: f32,
    /// 1 where both name the same kind of trouble: it does not arrive, it comes twice, it is slow.
    pub same_trouble: f32,
    /// 1 where both name kinds of trouble, and not one is the same.
    pub other_trouble: f32,
    /// 1 where one asks for something and the other does not.
    pub wish_beside_trouble: f32,
    /// 1 where both name one of several like things, a form of file or a device, and not one is the same.
    pub other_thing: f32,
}

impl Likeness {
    /// How many values it has.
    pub const COUNT: usize = 10;

    /// The values, in the order of the fields: what weights are fitted for.
    pub const fn values(&self) -> [f32; Self::COUNT] {
        [
            self.spelling,
            self.same_codes,
            self.same_words,
            self.other_codes,
            self.other_numbers,
            self.opposite,
            self.same_trouble,
            self.other_trouble,
            self.wish_beside_trouble,
            self.other_thing,
        ]
    }
}

impl Wording {
    /// Reads a text. Placeholders of the scrubber are no words: who wrote says nothing about what.
    pub fn of(text: &str) -> Self {
        let text = fold(&without_placeholders(text));
        let mut codes = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        let mut all = Vec::new();
        for token in text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '.' | '_' | '/')) {
            let token = token.trim_matches(|c: char| !c.is_alphanumeric());
            if token.is_empty() {
                continue;
            }
            if !token.bytes().any(|byte| byte.is_ascii_digit()) {
                all.extend(
                    token
                        .split(|c: char| !c.is_alphanumeric())
                        .filter(|word| !word.is_empty()),
                );
            } else if token.bytes().filter(u8::is_ascii_alphabetic).count() > 0 && token.len() >= 3 {
                codes.insert(token.chars().filter(|c| c.is_alphanumeric()).take(40).collect());
            } else {
                numbers.insert(token.trim_start_matches('0').chars().take(20).collect());
            }
        }
        let words: BTreeSet<String> = all
            .iter()
            .filter(|word| word.chars().count() >= MIN_WORD_CHARS && !is_everywhere(word))
            .map(|word| (*word).to_owned())
            .collect();
        let sides = OPPOSITES
            .iter()
            .map(|sides| {
                sides.each_ref().map(|side| {
                    side.iter()
                        .any(|beginning| all.iter().any(|word| word.starts_with(beginning)))
                })
            })
            .collect();
        Self {
            language: language::detect(&text),
            grams: grams(&all),
            words,
            codes,
            numbers,
            sides,
            named: Named::of(&text),
        }
    }

    /// What this and another wording have in common, and what parts them. The same either way round.
    pub fn likeness(&self, other: &Self) -> Likeness {
        let same_language = match (self.language, other.language) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        let shared = self.words.intersection(&other.words).count() as f32;
        let shorter = self.words.len().min(other.words.len()).max(2) as f32;
        let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
        Likeness {
            spelling: if same_language {
                dot(&self.grams, &other.grams)
            } else {
                0.0
            },
            same_codes: (self.codes.intersection(&other.codes).count() as f32).min(2.0),
            same_words: shared / shorter,
            other_codes: flag(parted(&self.codes, &other.codes)),
            other_numbers: flag(parted(&self.numbers, &other.numbers)),
            opposite: flag(
                self.sides
                    .iter()
                    .zip(&other.sides)
                    .any(|pair| matches!(pair, ([true, false], [false, true]) | ([false, true], [true, false]))),
            ),
            same_trouble: flag(self.named.same_trouble(other.named)),
            other_trouble: flag(self.named.other_trouble(other.named)),
            wish_beside_trouble: flag(self.named.is_wish_beside_trouble(other.named)),
            other_thing: flag(self.named.other_thing(other.named)),
        }
    }

    /// The words that carry the text, folded, in alphabetical order: what may be shown as a reason.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }
}

/// Codes, numbers and words that both texts have, folded, at most eight, those that tell most first: what a reviewer is
/// shown as the reason.
pub fn shared_words(one: &str, other: &str) -> Vec<String> {
    let (one, other) = (Wording::of(one), Wording::of(other));
    let codes = one.codes.intersection(&other.codes);
    let numbers = one.numbers.intersection(&other.numbers);
    let words = one.words.intersection(&other.words);
    codes
        .chain(numbers)
        .chain(words)
        .filter(|word| !word.is_empty())
        .take(8)
        .cloned()
        .collect()
}

fn parted(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    !one.is_empty() && !other.is_empty() && one.is_disjoint(other)
}

fn is_everywhere(word: &str) -> bool {
    static WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| EVERYWHERE.split_whitespace().collect());
    WORDS.contains(word)
}

/// Three and four characters in a row, within words: what two spellings of one word share.
fn grams(words: &[&str]) -> Vec<(u32, f32)> {
    let mut hashes = Vec::new();
    for word in words.iter().filter(|word| word.len() > 2 && !is_everywhere(word)) {
        let padded: Vec<char> = [' '].into_iter().chain(word.chars().take(40)).chain([' ']).collect();
        hashes.extend([3, 4].into_iter().flat_map(|size| padded.windows(size)).map(hash));
    }
    hashes.sort_unstable();
    let mut grams: Vec<(u32, f32)> = hashes
        .chunk_by(|a, b| a == b)
        .map(|same| (same[0], (same.len() as f32).sqrt()))
        .collect();
    let length = grams
        .iter()
        .map(|(_, weight)| weight * weight)
        .sum::<f32>()
        .sqrt()
        .max(f32::EPSILON);
    grams.iter_mut().for_each(|(_, weight)| *weight /= length);
    grams
}

/// FNV-1a: the same on every machine, and nobody gains by a collision.
fn hash(gram: &[char]) -> u32 {
    gram.iter()
        .fold(0x811c_9dc5, |hash, &c| (hash ^ u32::from(c)).wrapping_mul(0x0100_0193))
}

fn dot(one: &[(u32, f32)], other: &[(u32, f32)]) -> f32 {
    let (mut a, mut b, mut sum) = (0, 0, 0.0);
    while let (Some((gram, weight)), Some((other_gram, other_weight))) = (one.get(a), other.get(b)) {
        match gram.cmp(other_gram) {
            std::cmp::Ordering::Less => a += 1,
            std::cmp::Ordering::Greater => b += 1,
            std::cmp::Ordering::Equal => {
                sum += weight * other_weight;
                (a, b) = (a + 1, b + 1);
            }
        }
    }
    sum
}

fn fold(text: &str) -> String {
    let apart = text
        .nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c));
    apart.flat_map(char::to_lowercase).collect()
}

/// `[NAME_1]` and its like become spaces.
fn without_placeholders(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        kept.push_str(&rest[..open]);
        let inside = &rest[open + 1..];
        let end = inside.find(']').filter(|&end| is_placeholder(&inside[..end]));
        kept.push(if end.is_some() { ' ' } else { '[' });
        rest = end.map_or(inside, |end| &inside[end + 1..]);
    }
    kept.push_str(rest);
    kept
}

fn is_placeholder(inside: &str) -> bool {
    inside.rsplit_once('_').is_some_and(|(label, number)| {
        let is_label = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        is_label && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(one: &str, other: &str) -> Likeness {
        Wording::of(one).likeness(&Wording::of(other))
    }

    #[test]
    fn shared_words_ignore_case_and_accents() {
        assert_eq!(
            shared_words("La EXPORTACIÓN falla", "exportacion a Excel falla"),
            ["exportacion", "falla"]
        );
    }

    #[test]
    fn codes_and_numbers_come_before_words() {
        assert_eq!(
            shared_words("pago fallido, error 504, E-2201", "E-2201 tras el pago, 504"),
            ["e2201", "504", "pago"]
        );
    }

    #[test]
    fn spelling_counts_within_one_language_alone() {
        assert!(likeness("no carga el calendario", "el calendario no cargó").spelling > 0.5);
        assert!(
            likeness("no carga el calendario", "the calendar does not load")
                .spelling
                .abs()
                < f32::EPSILON
        );
    }

    #[test]
    fn opposites_are_told_across_languages_and_either_way_round() {
        for (one, other, opposite) in [
            ("I was charged twice", "me reembolsaron dos veces", 1.0),
            ("raise the limit", "quiero bajar el límite", 1.0),
            ("raise the limit", "quiero aumentar el límite", 0.0),
            ("charged and not refunded", "refunded", 0.0),
            ("the screen is blank", "pantalla en blanco", 0.0),
        ] {
            assert!(
                (likeness(one, other).opposite - opposite).abs() < f32::EPSILON,
                "{one} / {other}"
            );
            assert_eq!(likeness(one, other), likeness(other, one));
        }
    }

    #[test]
    fn only_what_both_name_can_part_them() {
        let parted = likeness("error 504 in E-1", "error 502 in E-2");
        assert!(parted.other_numbers > 0.5 && parted.other_codes > 0.5);
        let silent = likeness("error 504 in E-1", "an error");
        assert!(silent.other_numbers < 0.5 && silent.other_codes < 0.5);
    }

    #[test]
    fn people_are_no_words() {
        assert_eq!(
            Wording::of("[NAME_1] no entra [x]").words().collect::<Vec<_>>(),
            ["entra"]
        );
    }

    #[test]
    fn any_text_can_be_read() {
        for text in [
            "",
            "[",
            "[[]]",
            "é\u{301}\u{301}",
            "----",
            "0",
            "00000",
            "🙂 1-",
            "[NAME_",
            "ß/ſ.ﬁ",
        ] {
            let wording = Wording::of(text);
            let likeness = wording.likeness(&wording);
            assert!(likeness.values().iter().all(|value| value.is_finite()), "{text}");
        }
    }
}
