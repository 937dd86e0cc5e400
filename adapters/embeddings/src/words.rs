//! A vector for each of the words that reports are made of; that of a text is their sum.

use std::{borrow::Cow, fmt, sync::LazyLock};

use async_trait::async_trait;
use feedback_core::{
    domain::Scrubbed,
    ports::{Embedder, PortError},
};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::reader::{Reader, UnusableWeights};

/// Changes whenever the same text may give another vector: the table, how words are found, what stands in for a word.
/// The threshold is part of it, so that a stored vector says how it is to be read.
const MODEL: &str = "use-words-3@0.57";
/// Fitted beside the weights in the core's `logic::matching`, by `examples/calibrate.rs`.
const THRESHOLD: f32 = 0.57;

/// A word that is not in the table is read as those that begin with the same letters: at least so many, and at least
/// half of the word, with at most so many letters behind them.
const MIN_SHARED: usize = 3;
const MAX_BEHIND: usize = 4;
/// How far from its place in the alphabet such words are looked for.
const NEIGHBOURS: usize = 8;
/// Longer words are cut: there is no such word.
const MAX_WORD_CHARS: usize = 40;

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // `the_table_in_the_crate_can_be_read` reads the same bytes.
    Table::read(include_bytes!("words.bin")).expect("the table that is part of the crate can be read")
});

/// The word table: 128 values for a text, in microseconds, without a file and without any network.
///
/// Distilled from the Universal Sentence Encoder (see `tools/distil.py`), so that an English and a Spanish report of the
/// same thing lie close. Words are looked up without case and accents.
#[derive(Clone, Copy, Default)]
pub struct WordTable {
    // Room for settings without breaking those who build one.
    _private: (),
}

impl WordTable {
    /// The table that is part of this crate.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for WordTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WordTable")
            .field("model", &MODEL)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Embedder for WordTable {
    fn model(&self) -> &str {
        MODEL
    }

    fn dimensions(&self) -> usize {
        dimensions()
    }

    fn threshold(&self) -> f32 {
        THRESHOLD
    }

    async fn embed(&self, texts: &[Scrubbed]) -> Result<Vec<Vec<f32>>, PortError> {
        Ok(texts.iter().map(|text| TABLE.vector(text.as_str())).collect())
    }
}

/// What the table says of a text.
#[cfg(feature = "encoder")]
pub(crate) fn vector(text: &str) -> Vec<f32> {
    TABLE.vector(text)
}

/// How many values that is.
pub(crate) fn dimensions() -> usize {
    TABLE.mean.len()
}

/// Words in alphabetical order, each with a row of numbers of four bits.
#[derive(Debug)]
struct Table {
    /// All words, one behind the other, and where each ends.
    letters: String,
    ends: Vec<usize>,
    /// What one step of a row's numbers is worth. How much a word says is part of it: little for a frequent one.
    scales: Vec<f32>,
    /// Two numbers a byte, 1 to 15 for -7 to 7.
    codes: Cow<'static, [u8]>,
    /// The mean of all texts: what every report has says nothing.
    mean: Vec<f32>,
}

impl Table {
    fn read(bytes: &'static [u8]) -> Result<Self, UnusableWeights> {
        let mut reader = Reader::over(bytes, b"FHWORDS1")?;
        let count = reader.size(1 << 20)?;
        let dimensions = reader.size(4096)?;
        let mean = reader.floats(dimensions)?;
        let (mut letters, mut ends, mut start) = (String::new(), Vec::with_capacity(count), 0);
        for _ in 0..count {
            let shared = usize::from(reader.byte()?);
            let fresh = usize::from(reader.byte()?);
            let fresh = std::str::from_utf8(reader.bytes(fresh)?).map_err(|_| UnusableWeights("a word is no text"))?;
            let before = letters.get(start..start + shared).map(str::to_owned);
            start = letters.len();
            letters.push_str(&before.ok_or(UnusableWeights("a word repeats what is not there"))?);
            letters.push_str(fresh);
            ends.push(letters.len());
        }
        let (halves, _) = reader.bytes(count * 2)?.as_chunks::<2>();
        // The upper half of a number of four bytes.
        let scales = halves
            .iter()
            .map(|&[low, high]| f32::from_le_bytes([0, 0, low, high]))
            .collect();
        let codes = Cow::Borrowed(reader.bytes(count * dimensions / 2)?);
        reader.finish()?;
        Ok(Self {
            letters,
            ends,
            scales,
            codes,
            mean,
        })
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let mut sum = vec![0.0_f32; self.mean.len()];
        for word in words(text) {
            self.add(&word, &mut sum);
        }
        if !unit(&mut sum) {
            // Nothing of it is known. Letters keep a direction of their own; without letters there is none.
            return own_direction(text, self.mean.len());
        }
        sum.iter_mut().zip(&self.mean).for_each(|(value, mean)| *value -= mean);
        unit(&mut sum);
        sum
    }

    fn word(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.letters[start..self.ends[at]]
    }

    fn add(&self, word: &str, sum: &mut [f32]) {
        match self.place(word) {
            Ok(at) => self.add_row(at, 1.0, sum),
            Err(_) if word.bytes().any(|byte| byte.is_ascii_digit()) => {}
            Err(place) => self.add_alike(word, place, sum),
        }
    }

    /// The mean of those that share the longest beginning: `descargaron` is read as `descarga`, `descargar`...
    fn add_alike(&self, word: &str, place: usize, sum: &mut [f32]) {
        let near = place.saturating_sub(NEIGHBOURS)..(place + NEIGHBOURS).min(self.ends.len());
        let shared: Vec<(usize, usize)> = near
            .map(|at| (at, self.word(at)))
            .map(|(at, key)| (at, key, shared_bytes(key, word)))
            .filter(|(_, key, shared)| {
                *shared >= MIN_SHARED && 2 * shared >= word.chars().count() && key.len() - shared <= MAX_BEHIND
            })
            .map(|(at, _, shared)| (at, shared))
            .collect();
        let Some(longest) = shared.iter().map(|(_, shared)| *shared).max() else {
            return;
        };
        let alike = || shared.iter().filter(|(_, shared)| *shared == longest);
        let each = 1.0 / alike().count() as f32;
        alike().for_each(|(at, _)| self.add_row(*at, each, sum));
    }

    fn add_row(&self, at: usize, times: f32, sum: &mut [f32]) {
        let width = self.mean.len() / 2;
        let scale = self.scales[at] * times;
        for (pair, &code) in sum
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .zip(&self.codes[at * width..][..width])
        {
            pair[0] += (f32::from(code & 15) - 8.0) * scale;
            pair[1] += (f32::from(code >> 4) - 8.0) * scale;
        }
    }

    /// Where a word is, or would be.
    fn place(&self, word: &str) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.word(middle).cmp(word) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }
}

/// The words of a text in lower case, without accents. Placeholders of the scrubber are no words.
fn words(text: &str) -> Vec<String> {
    let folded: String = without_placeholders(text)
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect();
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(MAX_WORD_CHARS).collect())
        .collect()
}

fn shared_bytes(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count()
}

/// Brings a vector to length 1; false for one without any.
pub(crate) fn unit(vector: &mut [f32]) -> bool {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    let has_direction = length > 1e-6;
    if has_direction {
        vector.iter_mut().for_each(|value| *value /= length);
    }
    has_direction
}

/// For words that no table has: the same letters give the same vector, and no others are near it.
pub(crate) fn own_direction(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0; dimensions];
    let letters = || text.chars().filter(|c| c.is_alphanumeric());
    if letters().next().is_none() || dimensions == 0 {
        return vector;
    }
    let mut state = letters().fold(0xcbf2_9ce4_8422_2325_u64, |hash, c| {
        (hash ^ u64::from(u32::from(c))).wrapping_mul(0x0100_0000_01b3)
    });
    for value in &mut vector {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *value = (state >> 40) as f32 / (1_u32 << 23) as f32 - 1.0;
    }
    unit(&mut vector);
    vector
}

/// `[NAME_1]` and its like become spaces: who wrote says nothing about what.
pub(crate) fn without_placeholders(text: &str) -> String {
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

    fn cosine(one: &str, other: &str) -> f32 {
        TABLE
            .vector(one)
            .iter()
            .zip(TABLE.vector(other))
            .map(|(a, b)| a * b)
            .sum()
    }

    #[test]
    fn the_table_in_the_crate_can_be_read() {
        let bytes: &'static [u8] = include_bytes!("words.bin");
        assert!(bytes.len() <= 2_500_000, "every program that embeds the hub carries it");
        let table = Table::read(bytes).unwrap();
        assert!(table.ends.len() > 20_000);
        assert!(
            (1..table.ends.len()).all(|at| table.word(at - 1) < table.word(at)),
            "it is searched by halves"
        );
        assert_eq!(table.place("factura").map(|at| table.word(at)), Ok("factura"));
    }

    #[test]
    fn a_damaged_table_is_refused() {
        let bytes: &'static [u8] = include_bytes!("words.bin");
        for part in [
            &bytes[..0],
            &bytes[1..],
            &bytes[..9],
            &bytes[..5_000],
            &bytes[..bytes.len() - 1],
        ] {
            assert!(Table::read(part).is_err());
        }
    }

    #[test]
    fn two_languages_that_say_the_same_lie_closer_than_one_that_says_another_thing() {
        for (one, same, other) in [
            (
                "I cannot download my invoice",
                "No puedo descargar la factura",
                "I cannot reset my password",
            ),
            (
                "App crashes when I open the calendar",
                "La app se cierra al abrir el calendario",
                "App language is wrong",
            ),
            ("me cobraron dos veces", "I was charged twice", "no me llega el correo"),
        ] {
            assert!(cosine(one, same) > cosine(one, other) + 0.2, "{one}");
        }
    }

    #[test]
    fn case_accents_and_people_change_nothing() {
        assert!(cosine("La SESIÓN expiró, soy [NAME_1]", "la sesion expiro, soy [NAME_2]") > 0.999);
    }

    #[test]
    fn a_form_that_is_not_in_the_table_is_read_as_those_that_begin_alike() {
        assert!(TABLE.place("descargariamos").is_err());
        assert!(cosine("descargaríamos", "descargar") > 0.5);
    }

    #[test]
    fn the_reference_gives_the_same_vectors() {
        let golden: serde_json::Value = serde_json::from_str(include_str!("../tests/golden.json")).unwrap();
        for row in golden.as_array().unwrap() {
            let vector = TABLE.vector(row["text"].as_str().unwrap());
            let expected = row["static"].as_array().unwrap();
            assert_eq!(vector.len(), expected.len());
            for (value, expected) in vector.iter().zip(expected) {
                let apart = f64::from(*value) - expected.as_f64().unwrap();
                assert!(apart.abs() < 1e-3, "{row}: another vector needs another name");
            }
        }
    }

    #[test]
    fn any_text_has_a_vector_of_length_one_or_none() {
        for (text, length) in [
            ("", 0.0),
            ("👍🏽 …", 0.0),
            ("日本", 1.0),
            ("12345", 1.0),
            ("zzzxq", 1.0),
            ("hola", 1.0),
        ] {
            let vector = TABLE.vector(text);
            let found = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            assert!((found - length).abs() < 1e-3, "{text}: {found}");
        }
    }
}
