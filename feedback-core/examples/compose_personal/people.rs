//! Who appears in the messages.

use std::collections::BTreeMap;

use crate::chance::Chance;

/// The lists of `people.txt`.
pub(crate) struct Lists(BTreeMap<String, Vec<String>>);

/// One invented person.
pub(crate) struct Person {
    pub(crate) given: String,
    pub(crate) surname: String,
    pub(crate) full: String,
}

impl Lists {
    pub(crate) fn read(text: &str) -> Self {
        Self(
            text.lines()
                .filter(|line| !line.starts_with('#'))
                .filter_map(|line| line.split_once(": "))
                .map(|(kind, names)| (kind.to_owned(), names.split(", ").map(str::to_owned).collect()))
                .collect(),
        )
    }

    /// One entry of a list that `people.txt` has.
    pub(crate) fn any(&self, kind: &str, chance: &mut Chance) -> &str {
        let name: &String = chance.of(&self.0[kind]);
        name
    }

    /// Somebody who writes in this language, or whom somebody writes about.
    pub(crate) fn person(&self, language: &str, chance: &mut Chance) -> Person {
        let spanish = language == "es" || language == "mix" && chance.below(2) == 0;
        let draw = chance.below(20);
        let (given, surname) = match (spanish, draw) {
            (true, 0..=7) => ("given.es", "surname.es"),
            (true, 8..=14) => ("given.accents", "surname.accents"),
            (true, 15) => ("given.br", "surname.accents"),
            (true, 16) => ("given.en", "surname.es"),
            (false, 0..=8) => ("given.en", "surname.en"),
            (false, 9..=11) => ("given.plain", "surname.plain"),
            (false, 12) => ("given.es", "surname.es"),
            (false, 13) => ("given.accents", "surname.accents"),
            _ => ("given.world", "surname.world"),
        };
        let first = self.any(given, chance).to_owned();
        let last = self.any(surname, chance).to_owned();
        let full = match (spanish, chance.below(12)) {
            (true, 0..=3) => format!("{first} {last} {}", self.any(surname, chance)),
            (true, 4) => format!("{first} {} {last}", self.any(given, chance)),
            (true, 5) => format!(
                "{first} {} {last} {}",
                self.any(given, chance),
                self.any(surname, chance)
            ),
            (false, 0) => format!("{first} {}. {last}", (b'A' + chance.below(26) as u8) as char),
            (false, 1) => format!("{first} {last}-{}", self.any("surname.en", chance)),
            (false, 2) => format!("{first} {} {last}", self.any(given, chance)),
            _ => format!("{first} {last}"),
        };
        Person {
            given: first,
            surname: last,
            full,
        }
    }
}
