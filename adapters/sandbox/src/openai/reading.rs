//! What a conversation is about, as far as a few words tell. It knows nothing of who asks.

use serde_json::Value;

use super::concern::{Concern, concern};

/// A text's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Spanish,
    English,
}

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) title: String,
    pub(super) language: Language,
    pub(super) concern: Concern,
    /// 0 is the worst, 5 the least.
    pub(super) severity: usize,
}

impl Reading {
    pub(super) fn of(messages: &[(String, String)]) -> Self {
        let all = |role: &str| -> String {
            let texts: Vec<&str> = messages
                .iter()
                .filter(|(known, _)| known == role)
                .map(|(_, text)| text.as_str())
                .collect();
            texts.join("\n")
        };
        let users = all("user");
        let text = if users.trim().is_empty() { all("system") } else { users };
        let lower = text.to_lowercase();
        let (concern, severity) = concern(&text);
        Self {
            title: title_of(&text),
            language: language_of(&lower),
            concern,
            severity,
        }
    }
}

/// The title: a labelled line or JSON field, else the first line that reads like words.
fn title_of(text: &str) -> String {
    let labelled = text.lines().find_map(|line| {
        let line = line.trim().trim_start_matches(['-', '*', '#', '>', ' ']);
        let (label, rest) = line.split_once(':')?;
        let label = label.trim().trim_matches(['"', '*', '{', ' ']).to_lowercase();
        let is_label = matches!(label.as_str(), "title" | "título" | "titulo" | "subject" | "asunto");
        let rest = rest.trim().trim_matches(['"', ',', '*', ' ']);
        (is_label && !rest.is_empty()).then(|| rest.to_owned())
    });
    let title = from_json(text).or(labelled).or_else(|| {
        let is_prose = |line: &&str| {
            line.split_whitespace().count() >= 3 && !line.starts_with(['<', '{', '[', '`', '=']) && !line.ends_with(':')
        };
        text.lines().map(str::trim).find(is_prose).map(ToOwned::to_owned)
    });
    let title = title.unwrap_or_else(|| text.trim().to_owned());
    let first_sentence = title
        .split_inclusive(['.', '!', '?', '\n'])
        .find(|part| part.trim().len() > 3)
        .unwrap_or(&title);
    let title: String = first_sentence.trim().trim_end_matches('.').chars().take(120).collect();
    title
}

fn from_json(text: &str) -> Option<String> {
    let start = text.find('{')?;
    let end = text.rfind('}')?;
    let value: Value = serde_json::from_str(text.get(start..=end)?).ok()?;
    ["title", "subject", "description", "text"]
        .iter()
        .find_map(|key| value[key].as_str().map(ToOwned::to_owned))
}

const SPANISH: [&str; 24] = [
    "el", "la", "los", "las", "que", "de", "no", "una", "un", "por", "para", "con", "me", "se", "es", "está", "hola",
    "cuando", "desde", "pero", "muy", "puedo", "cómo", "gracias",
];
const ENGLISH: [&str; 24] = [
    "the", "is", "are", "and", "to", "of", "it", "we", "you", "my", "our", "not", "when", "with", "hi", "hello",
    "cannot", "can't", "please", "thanks", "would", "how", "since", "from",
];

fn language_of(lower: &str) -> Language {
    for named in [
        "language: es",
        "idioma: es",
        "\"language\":\"es",
        "\"language\": \"es",
        "in spanish",
        "en español",
    ] {
        if lower.contains(named) {
            return Language::Spanish;
        }
    }
    for named in [
        "language: en",
        "idioma: en",
        "\"language\":\"en",
        "\"language\": \"en",
        "in english",
        "en inglés",
    ] {
        if lower.contains(named) {
            return Language::English;
        }
    }
    let count = |known: &[&str]| words(lower).filter(|word| known.contains(word)).count();
    let signs = lower
        .chars()
        .filter(|character| "¿¡ñáéíóú".contains(*character))
        .count();
    if count(&SPANISH) + signs > count(&ENGLISH) {
        Language::Spanish
    } else {
        Language::English
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '\'')
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Reading {
        Reading::of(&[
            ("system".into(), "Classify the ticket.".into()),
            ("user".into(), text.into()),
        ])
    }

    #[test]
    fn a_few_words_decide() {
        let cases = [
            (
                "Hola, la app se cierra cuando abro el inventario",
                Language::Spanish,
                Concern::Bug,
            ),
            (
                "The checkout is down, nobody can pay",
                Language::English,
                Concern::Incident,
            ),
            (
                "Me gustaría poder exportar a Excel",
                Language::Spanish,
                Concern::Feature,
            ),
            ("How do I change my password?", Language::English, Concern::Question),
        ];
        for (text, language, concern) in cases {
            let reading = read(text);
            assert_eq!((reading.language, reading.concern), (language, concern), "{text}");
        }
    }

    #[test]
    fn the_title_is_found_however_it_is_wrapped() {
        assert_eq!(read("Title: Printer jam\nBody: it jams").title, "Printer jam");
        assert_eq!(
            read("<<<ab12\nNo se imprime la factura. Gracias\nab12>>>").title,
            "No se imprime la factura"
        );
        assert_eq!(read(r#"{"title": "Doble cobro", "body": "x"}"#).title, "Doble cobro");
    }

    #[test]
    fn a_named_language_beats_a_guess() {
        assert_eq!(read("Language: es\nTitle: Printer jam").language, Language::Spanish);
    }
}
