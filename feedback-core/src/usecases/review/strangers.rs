//! What a draft says of people whom it is not for. The model may have read it in the engineers' notes, or made it up.

use std::ops::Range;

use crate::logic::scrub::Label;

/// The kinds of what was `found` in the text and is none of the `expected` values: the recipient's own name and addresses,
/// and what they told. Each kind once, in the order of the text.
pub(super) fn strangers_in<'v>(
    text: &str,
    found: &[(Range<usize>, Label)],
    expected: impl IntoIterator<Item = &'v str>,
) -> Vec<Label> {
    let (mut known_words, mut known_numbers) = (Vec::new(), Vec::new());
    for value in expected {
        known_words.extend(words(value));
        known_numbers.push(digits(value));
    }
    let mut kinds = Vec::new();
    for (range, label) in found {
        let value = text.get(range.clone()).unwrap_or_default();
        let number = digits(value);
        // "612 345 678" and "+34612345678" are one telephone.
        let is_known = if number.len() >= 6 && value.chars().all(|c| !c.is_alphabetic()) {
            known_numbers
                .iter()
                .any(|known| known.len() >= 6 && (known.ends_with(&number) || number.ends_with(known.as_str())))
        } else {
            words(value).all(|word| known_words.contains(&word))
        };
        if !is_known && !kinds.contains(label) {
            kinds.push(*label);
        }
    }
    kinds
}

fn words(value: &str) -> impl Iterator<Item = String> + '_ {
    value
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

fn digits(value: &str) -> String {
    value.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::scrub::{KnownPeople, Scrubber};

    fn strangers(text: &str, expected: &[&str]) -> Vec<Label> {
        let found = Scrubber::new().personal_data_in(text, &KnownPeople::new());
        strangers_in(text, &found, expected.iter().copied())
    }

    #[test]
    fn f70_what_is_said_of_others_is_told_from_the_readers_own() {
        let own = ["Ana Ruiz", "ana@example.com", "+34 612 345 678"];
        assert_eq!(strangers("Hola Ana: ya anda la exportación.", &own), []);
        assert_eq!(strangers("Hola Ana, te escribimos a ana@example.com.", &own), []);
        assert_eq!(strangers("Te llamamos al 612345678.", &own), []);
        assert_eq!(
            strangers("Hola Ana: lo pidió Marta Quintero, su tel es 699 888 777.", &own),
            [Label::Name, Label::Phone]
        );
        assert_eq!(
            strangers("Write to bob@example.org or kim@example.org.", &own),
            [Label::Email]
        );
        assert_eq!(strangers("Solved in 4.12.1, order 4500123987.", &own), []);
    }
}
