//! What of a text goes into its vector: words, pairs of words, character n-grams, and concepts of support in both
//! languages, each with a weight.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use crate::fold::words;

/// A line for each concept: beginnings of words in English and Spanish that mean it.
/// A concept has the name of its first, so that a new line changes no vector of texts without its words.
static CONCEPTS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    include_str!("concepts.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| Some((line.split_whitespace().next()?, line)))
        .flat_map(|(concept, line)| line.split_whitespace().map(move |stem| (stem, concept)))
        .collect()
});

/// Words in nearly every report, folded: they tell no two apart.
const STOP_WORDS: &[&str] = &[
    "a", "about", "ademas", "after", "again", "ahi", "ahora", "al", "algo", "algun", "alguna", "all", "also", "am",
    "an", "and", "any", "aqui", "are", "as", "asi", "at", "aun", "aunque", "ayuda", "be", "because", "been", "bien",
    "buenas", "buenos", "but", "by", "cada", "can", "como", "con", "could", "cual", "cuando", "de", "del", "desde",
    "dia", "dias", "did", "do", "does", "doing", "donde", "dos", "e", "el", "ella", "ellos", "en", "era", "es", "esa",
    "ese", "eso", "esta", "estaba", "estamos", "estan", "estar", "este", "esto", "estos", "estoy", "every", "favor",
    "for", "from", "get", "gracias", "ha", "hace", "hacer", "had", "hago", "han", "has", "hasta", "have", "hay", "he",
    "hello", "help", "hemos", "her", "here", "hey", "hi", "hola", "how", "hoy", "i", "if", "in", "into", "is", "it",
    "its", "just", "la", "las", "le", "les", "like", "lo", "los", "m", "mas", "me", "mi", "mis", "muy", "my", "ni",
    "nos", "now", "o", "of", "on", "only", "or", "os", "our", "out", "over", "para", "pero", "please", "por", "porque",
    "pueda", "pueden", "puedo", "que", "quiero", "re", "s", "same", "se", "ser", "si", "siempre", "sin", "since", "so",
    "sobre", "solo", "some", "soy", "still", "su", "sus", "t", "tambien", "tampoco", "team", "tengo", "thank",
    "thanks", "that", "the", "their", "them", "then", "there", "they", "this", "tiene", "tienen", "to", "today",
    "todo", "todos", "tras", "tu", "tus", "un", "una", "uno", "unos", "up", "us", "ve", "ver", "very", "via", "was",
    "we", "were", "what", "when", "where", "which", "while", "who", "why", "will", "with", "would", "y", "ya", "yet",
    "yo", "you", "your",
];

/// Weight of a concept: two languages share nothing else.
const OF_CONCEPT: f32 = 1.5;
/// Weight of a word, and of one that a concept stands for already.
const OF_WORD: f32 = 1.0;
const OF_KNOWN_WORD: f32 = 0.5;
/// Weight of figures: error codes, order numbers and versions tell reports apart.
const OF_FIGURES: f32 = 1.4;
/// Weight of two words that follow each other.
const OF_PAIR: f32 = 0.35;
/// Weight of all character n-grams of a word together.
const OF_GRAMS: f32 = 0.8;

/// The features of a text by their hash, each with its weight. Empty for a text without words.
pub(crate) fn features(text: &str) -> BTreeMap<u64, f32> {
    let all = words(text);
    let telling: Vec<&str> = all
        .iter()
        .map(String::as_str)
        .filter(|word| STOP_WORDS.binary_search(word).is_err())
        .collect();
    // "Hola, ¿me ayudan?" has nothing else: its words are better than no vector at all.
    let words = if telling.is_empty() {
        all.iter().map(String::as_str).collect()
    } else {
        telling
    };
    let mut counted = BTreeMap::new();
    for word in &words {
        add_word(word, &mut counted);
    }
    for pair in words.windows(2) {
        add(
            &format!("p {} {}", canonical(pair[0]), canonical(pair[1])),
            OF_PAIR,
            &mut counted,
        );
    }
    // Saying a thing five times is not five times as much about it.
    counted
        .into_iter()
        .map(|(feature, (weight, times))| (feature, weight * (times as f32).sqrt()))
        .collect()
}

fn add(name: &str, weight: f32, counted: &mut BTreeMap<u64, (f32, u32)>) {
    let entry = counted.entry(digest(name)).or_insert((weight, 0));
    entry.1 += 1;
}

fn add_word(word: &str, counted: &mut BTreeMap<u64, (f32, u32)>) {
    let concept = concept(word);
    if let Some(concept) = concept {
        add(&format!("c {concept}"), OF_CONCEPT, counted);
    }
    let weight = if word.chars().any(|c| c.is_ascii_digit()) {
        OF_FIGURES
    } else if concept.is_some() {
        OF_KNOWN_WORD
    } else {
        OF_WORD
    };
    add(&format!("w {word}"), weight, counted);
    let padded: Vec<char> = [' '].into_iter().chain(word.chars().take(40)).chain([' ']).collect();
    let grams: Vec<String> = [3, 4]
        .into_iter()
        .flat_map(|size| padded.windows(size))
        .map(|gram| gram.iter().collect())
        .collect();
    let each = OF_GRAMS * weight / (grams.len().max(1) as f32).sqrt();
    for gram in grams {
        add(&format!("g {gram}"), each, counted);
    }
}

/// The concept whose longest beginning the word has. Three letters begin too many words: they count as a whole one, or
/// with one letter more for a plural.
fn concept(word: &str) -> Option<&'static str> {
    let shortest = if word.len() <= 4 { 3 } else { 4 };
    (shortest..=word.len())
        .rev()
        .find_map(|end| CONCEPTS.get(word.get(..end)?).copied())
}

fn canonical(word: &str) -> String {
    concept(word).map_or_else(|| word.to_owned(), |concept| format!("={concept}"))
}

/// FNV-1a with a last mix: fast, and the same on every machine and in every release.
pub(crate) fn digest(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_words_are_in_order() {
        assert!(STOP_WORDS.is_sorted(), "they are searched by halves");
    }

    #[test]
    fn a_concept_is_the_same_in_both_languages() {
        for (spanish, english) in [
            ("facturas", "invoice"),
            ("contrasena", "password"),
            ("descargar", "download"),
            ("lenta", "slow"),
        ] {
            assert!(
                concept(spanish).is_some() && concept(spanish) == concept(english),
                "{spanish} {english}"
            );
        }
        assert_eq!(concept("zarzamora"), None);
    }

    #[test]
    fn no_beginning_stands_for_two_concepts() {
        let stems = include_str!("concepts.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(str::split_whitespace);
        assert_eq!(stems.clone().count(), CONCEPTS.len());
        assert!(stems.clone().all(|stem| {
            stem.len() >= 3
                && stem
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        }));
    }
}
