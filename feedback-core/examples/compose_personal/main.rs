//! Writes the marked messages that the scrubber is trained and measured on, from hand-written templates.
//!
//! `cargo run --release -p feedback-core --example compose_personal` writes
//! `training/scrub/{tune,held_out,more,second_tune,second_held_out}.jsonl`.
//! A template belongs to one of them, so that no sentence of the measure was seen before. The same templates and lists
//! give the same bytes.

mod chance;
mod people;
mod values;

use std::{collections::BTreeMap, error::Error, fmt::Write as _, fs, path::Path};

use chance::Chance;
use people::{Lists, Person};
use serde_json::json;

/// A file that is written: its name, which templates fill it, every how many of them, and how often each is filled.
struct Part {
    name: &'static str,
    templates: &'static str,
    turn: Option<usize>,
    filled: usize,
}

const PARTS: [Part; 5] = [
    Part {
        name: "tune.jsonl",
        templates: "templates.txt",
        turn: Some(0),
        filled: 6,
    },
    Part {
        name: "held_out.jsonl",
        templates: "templates.txt",
        turn: Some(1),
        filled: 4,
    },
    Part {
        name: "more.jsonl",
        templates: "more.txt",
        turn: None,
        filled: 6,
    },
    Part {
        name: "second_tune.jsonl",
        templates: "second.txt",
        turn: Some(0),
        filled: 5,
    },
    Part {
        name: "second_held_out.jsonl",
        templates: "second.txt",
        turn: Some(1),
        filled: 5,
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("training/scrub");
    let lists = Lists::read(&fs::read_to_string(folder.join("people.txt"))?);
    for part in PARTS {
        let templates = fs::read_to_string(folder.join(part.templates))?;
        let mut written = String::new();
        for (number, line) in templates.lines().filter(|line| !line.starts_with('#')).enumerate() {
            // Tune and held-out take turns, so that each has all kinds.
            if part.turn.is_some_and(|turn| number % 2 != turn) {
                continue;
            }
            let mut fields = line.split('\t');
            let (Some(language), Some(country), Some(text)) = (fields.next(), fields.next(), fields.next()) else {
                return Err(format!("{} {number} needs a language, a country and a text", part.templates).into());
            };
            let seed = number * 64 + usize::from(part.turn.is_none()) * 1_000_000;
            for copy in 0..part.filled {
                let mut message = Message::new(&lists, language, country, Style::of(number, copy));
                message.fill(&text.replace("\\n", "\n"), Chance::new((seed + copy) as u64));
                writeln!(written, "{}", message.to_json(number, copy))?;
            }
        }
        println!("{}: {} messages", part.name, written.lines().count());
        fs::write(folder.join(part.name), written)?;
    }
    Ok(())
}

/// How a message is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Lower,
    NoAccents,
    LowerNoAccents,
    Upper,
    Slip,
}

impl Style {
    fn of(number: usize, copy: usize) -> Self {
        match (copy, (number / 2) % 6) {
            (0, _) => Self::Plain,
            (1, 0..=3) => Self::LowerNoAccents,
            (1, _) => Self::Lower,
            (2, 0) => Self::Upper,
            (2, 1..=2) => Self::NoAccents,
            (2, _) => Self::Slip,
            (3, _) => Self::Lower,
            (4, 0) => Self::Upper,
            (4, _) => Self::Plain,
            _ => Self::LowerNoAccents,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Lower => "lower",
            Self::NoAccents => "noacc",
            Self::LowerNoAccents => "lower-noacc",
            Self::Upper => "upper",
            Self::Slip => "slip",
        }
    }

    fn apply(self, text: &str) -> String {
        match self {
            Self::Plain | Self::Slip => text.to_owned(),
            Self::Lower => text.to_lowercase(),
            Self::NoAccents => without_accents(text),
            Self::LowerNoAccents => without_accents(&text.to_lowercase()),
            Self::Upper => text.to_uppercase(),
        }
    }
}

fn without_accents(text: &str) -> String {
    const PAIRS: [(&str, &str); 7] = [
        ("áàâäãå", "a"),
        ("éèêë", "e"),
        ("íìîï", "i"),
        ("óòôöõ", "o"),
        ("úùûü", "u"),
        ("ñ", "n"),
        ("ç", "c"),
    ];
    text.chars()
        .flat_map(|c| {
            let small: String = c.to_lowercase().collect();
            let plain = PAIRS
                .iter()
                .find(|(accented, _)| accented.contains(small.as_str()))
                .map_or(c.to_string(), |(_, plain)| {
                    if c.is_uppercase() {
                        plain.to_uppercase()
                    } else {
                        (*plain).to_owned()
                    }
                });
            plain.chars().collect::<Vec<_>>()
        })
        .collect()
}

/// A message while it is filled; offsets are in code points.
struct Message<'l> {
    lists: &'l Lists,
    language: &'l str,
    country: &'l str,
    style: Style,
    text: String,
    spans: Vec<(usize, usize, &'static str)>,
    neutral: Vec<(usize, usize)>,
}

impl<'l> Message<'l> {
    fn new(lists: &'l Lists, language: &'l str, country: &'l str, style: Style) -> Self {
        Self {
            lists,
            language,
            country,
            style,
            text: String::new(),
            spans: Vec::new(),
            neutral: Vec::new(),
        }
    }

    fn fill(&mut self, template: &str, mut chance: Chance) {
        let mut people: BTreeMap<String, Person> = BTreeMap::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let close = open + rest[open..].find('}').unwrap_or(rest.len() - open - 1);
            self.plain(&rest[..open], &mut chance);
            self.slot(&rest[open + 1..close], &mut chance, &mut people);
            rest = &rest[close + 1..];
        }
        self.plain(rest, &mut chance);
    }

    /// Words of the template, in the style of the message.
    fn plain(&mut self, text: &str, chance: &mut Chance) {
        let mut text = self.style.apply(text);
        if self.style == Style::Slip && chance.below(2) == 0 {
            text = slipped(&text, chance);
        }
        self.text.push_str(&text);
    }

    fn slot(&mut self, slot: &str, chance: &mut Chance, people: &mut BTreeMap<String, Person>) {
        let (kind, of) = slot.split_once(':').unwrap_or((slot, self.country));
        if let "F" | "G" | "L" | "N" = &kind[..1]
            && kind.len() <= 2
        {
            let key = if kind.len() == 2 {
                kind[1..].to_owned()
            } else {
                format!("new {}", people.len())
            };
            let person = people
                .entry(key)
                .or_insert_with(|| self.lists.person(self.language, chance));
            let name = match &kind[..1] {
                "F" => person.full.clone(),
                "G" => person.given.clone(),
                "L" => person.surname.clone(),
                _ => self.lists.any("nick", chance).to_owned(),
            };
            return self.mark(&self.style.apply(&name), "NAME");
        }
        match kind {
            "p" => self.mark(&values::phone(of, chance), "PHONE"),
            "e" => {
                let person = self.lists.person(self.language, chance);
                self.mark(&values::email(&person, chance), "EMAIL");
            }
            "eo" => {
                let person = self.lists.person(self.language, chance);
                self.mark(&values::spelled_email(&person, self.language, chance), "EMAIL");
            }
            "card" => self.mark(&values::card(chance), "CARD"),
            "iban" => self.mark(&self.style.apply(&values::iban(chance)), "IBAN"),
            "cbu" => self.mark(&chance.digits(22), "IBAN"),
            "clabe" => self.mark(&chance.digits(18), "IBAN"),
            "id" => self.mark(&self.style.apply(&values::national_id(of, chance)), "NATIONAL_ID"),
            "ip" => self.mark(&values::ip(chance), "IP"),
            "key" => self.mark(&values::key(chance), "SECRET"),
            "pw" => self.mark(&values::password(chance), "SECRET"),
            "user" => {
                let person = self.lists.person(self.language, chance);
                self.mark(&values::login(&person, chance), "USERNAME");
            }
            "im" => {
                let person = self.lists.person("en", chance);
                self.mark(&values::initial_login(&person), "USERNAME");
            }
            "at" => {
                let person = self.lists.person(self.language, chance);
                self.mark(&format!("@{}", values::login(&person, chance)), "USERNAME");
            }
            "addr" => {
                let (address, town) = values::address(of, self.lists, chance);
                self.mark(&self.style.apply(&address), "ADDRESS");
                self.neutral(&self.style.apply(&town));
            }
            "url" | "hook" => {
                let (link, token) = if kind == "url" {
                    values::link(chance)
                } else {
                    values::hook(chance)
                };
                self.neutral(&link);
                self.mark(&token, "URL_TOKEN");
            }
            _ => {
                let text = values::harmless(kind, self.lists, chance);
                self.text.push_str(&self.style.apply(&text));
            }
        }
    }

    fn mark(&mut self, value: &str, label: &'static str) {
        let start = self.text.chars().count();
        self.text.push_str(value);
        self.spans.push((start, start + value.chars().count(), label));
    }

    fn neutral(&mut self, value: &str) {
        let start = self.text.chars().count();
        self.text.push_str(value);
        if !value.is_empty() {
            self.neutral.push((start, start + value.chars().count()));
        }
    }

    fn to_json(&self, number: usize, copy: usize) -> serde_json::Value {
        let language = self.language.trim_start_matches("neg_");
        json!({
            "id": format!("{number}-{copy}"),
            "lang": language,
            "country": self.country,
            "text": self.text,
            "spans": self.spans.iter().map(|(start, end, label)| json!({"start": start, "end": end, "label": label})).collect::<Vec<_>>(),
            "neutral": self.neutral.iter().map(|(start, end)| json!({"start": start, "end": end})).collect::<Vec<_>>(),
            "tpl": number.to_string(),
            "style": self.style.name(),
            "neg": self.spans.is_empty(),
        })
    }
}

/// One slip of the finger: two letters inside a word exchanged, or one left out.
fn slipped(text: &str, chance: &mut Chance) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let places: Vec<usize> = (1..chars.len().saturating_sub(2))
        .filter(|&at| chars[at - 1..at + 3].iter().all(|c| c.is_alphabetic()))
        .collect();
    if let Some(&at) = places.get(chance.below(places.len().max(1))) {
        if chance.below(2) == 0 {
            chars.swap(at, at + 1);
        } else {
            chars.remove(at);
        }
    }
    chars.into_iter().collect()
}
