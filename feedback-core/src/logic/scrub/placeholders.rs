//! The way back from `[NAME_1]` to the name. It stays inside the hub: sealed in storage, opened to restore a draft.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::{self, Write as _},
    hash::{BuildHasher, RandomState},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::Label;

/// What each placeholder of a ticket stands for.
///
/// Serializes to seal it; `Debug` shows how many there are and no value; values are wiped from memory when dropped.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Placeholders {
    values: BTreeMap<(Label, u32), String>,
    /// Placeholders that a person typed: they stand for themselves and no value may take their number.
    reserved: BTreeSet<(Label, u32)>,
    /// Digest of label and value to the numbers that have it, so that a long text is not searched for each value.
    index: HashMap<u64, Vec<u32>>,
    hasher: RandomState,
}

impl Placeholders {
    /// Replaces every placeholder that stands for something by what it stands for; others stay as they are.
    pub fn restore(&self, text: &str) -> String {
        let mut restored = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(open) = text[at..].find('[').map(|open| at + open) {
            restored.push_str(&text[at..open]);
            match parse(&text[open..]) {
                Some((key, len)) if self.values.contains_key(&key) => {
                    restored.push_str(&self.values[&key]);
                    at = open + len;
                }
                _ => {
                    restored.push('[');
                    at = open + 1;
                }
            }
        }
        restored.push_str(&text[at..]);
        restored
    }

    /// What one placeholder, written with its brackets, stands for.
    pub fn get(&self, placeholder: &str) -> Option<&str> {
        let (key, len) = parse(placeholder)?;
        (len == placeholder.len())
            .then(|| self.values.get(&key).map(String::as_str))
            .flatten()
    }

    /// True where nothing was hidden.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many values are hidden.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The placeholders and what they stand for, in the order of label and number: to look for leaks in what a model
    /// wrote. Never log them.
    pub fn scrubbed_values(&self) -> impl Iterator<Item = (String, Label, &str)> {
        self.values.iter().map(|(&(label, number), value)| {
            let mut placeholder = String::new();
            write(&mut placeholder, label, number);
            (placeholder, label, value.as_str())
        })
    }

    /// Remembers placeholders that stand in a text as it came.
    pub(super) fn reserve(&mut self, typed: Vec<(Label, u32)>) {
        for key in typed {
            if !self.values.contains_key(&key) {
                self.reserved.insert(key);
            }
        }
    }

    /// The number of this value, a new one if it has none.
    pub(super) fn number_for(&mut self, label: Label, value: &str) -> u32 {
        let digest = self.hasher.hash_one((label, value));
        let same = self.index.get(&digest).into_iter().flatten().copied();
        if let Some(number) = same
            .into_iter()
            .find(|&number| self.values.get(&(label, number)).is_some_and(|v| v == value))
        {
            return number;
        }
        let last = self
            .values
            .range((label, 0)..=(label, u32::MAX))
            .next_back()
            .map_or(0, |(&(_, number), _)| number);
        let mut number = last.saturating_add(1);
        while self.reserved.contains(&(label, number)) && number < u32::MAX {
            number += 1;
        }
        self.values.insert((label, number), value.to_owned());
        self.index.entry(digest).or_default().push(number);
        number
    }
}

impl PartialEq for Placeholders {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values && self.reserved == other.reserved
    }
}

impl Eq for Placeholders {}

impl fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Placeholders({} hidden)", self.values.len())
    }
}

impl Drop for Placeholders {
    fn drop(&mut self) {
        self.values.values_mut().for_each(Zeroize::zeroize);
    }
}

/// A stored map names something that is no placeholder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stored placeholder map holds a key that is no placeholder")]
pub struct UnknownPlaceholder;

/// The stored form: readable keys, so that a version with more labels can read it.
#[derive(Serialize, Deserialize)]
struct Stored {
    values: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reserved: Vec<String>,
}

impl From<Placeholders> for Stored {
    fn from(placeholders: Placeholders) -> Self {
        let name = |&(label, number): &(Label, u32)| {
            let mut name = String::new();
            write(&mut name, label, number);
            name
        };
        Self {
            values: placeholders
                .values
                .iter()
                .map(|(key, value)| (name(key), value.clone()))
                .collect(),
            reserved: placeholders.reserved.iter().map(name).collect(),
        }
    }
}

impl TryFrom<Stored> for Placeholders {
    type Error = UnknownPlaceholder;

    fn try_from(stored: Stored) -> Result<Self, UnknownPlaceholder> {
        let key = |name: &str| {
            parse(name)
                .filter(|&(_, len)| len == name.len())
                .map(|(key, _)| key)
                .ok_or(UnknownPlaceholder)
        };
        let mut placeholders = Self::default();
        for (name, value) in stored.values {
            let (label, number) = key(&name)?;
            let digest = placeholders.hasher.hash_one((label, value.as_str()));
            placeholders.index.entry(digest).or_default().push(number);
            placeholders.values.insert((label, number), value);
        }
        for name in stored.reserved {
            placeholders.reserved.insert(key(&name)?);
        }
        Ok(placeholders)
    }
}

/// Appends the placeholder to `text`.
pub(super) fn write(text: &mut String, label: Label, number: u32) {
    // Writing to a string cannot fail.
    let _ = write!(text, "[{label}_{number}]");
}

/// The placeholder at the start of `text` and its length in bytes.
pub(super) fn parse(text: &str) -> Option<((Label, u32), usize)> {
    let rest = text.strip_prefix('[')?;
    Label::ALL.into_iter().find_map(|label| {
        let digits = rest.strip_prefix(label.as_str())?.strip_prefix('_')?;
        let len = digits.bytes().take_while(u8::is_ascii_digit).count();
        if len == 0 || len > 9 || digits.starts_with('0') || digits.as_bytes().get(len) != Some(&b']') {
            return None;
        }
        Some((
            (label, digits[..len].parse().ok()?),
            1 + label.as_str().len() + 1 + len + 1,
        ))
    })
}

/// The placeholders that stand in a text as it came.
pub(super) fn reserved_in(text: &str) -> Vec<(Label, u32)> {
    text.match_indices('[')
        .filter_map(|(at, _)| parse(&text[at..]).map(|(key, _)| key))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_keeps_its_number_and_a_typed_placeholder_takes_one() {
        let mut placeholders = Placeholders::default();
        placeholders.reserve(reserved_in("I typed [NAME_1] and [PHONE_01] and [NAME_x]"));
        assert_eq!(placeholders.number_for(Label::Name, "Ana"), 2);
        assert_eq!(placeholders.number_for(Label::Name, "Luis"), 3);
        assert_eq!(placeholders.number_for(Label::Name, "Ana"), 2);
        assert_eq!(placeholders.number_for(Label::Phone, "Ana"), 1);
        assert_eq!(
            placeholders.restore("[NAME_1] [NAME_2] [[NAME_3]] [PHONE_1"),
            "[NAME_1] Ana [Luis] [PHONE_1"
        );
        assert_eq!(placeholders.get("[NAME_3]"), Some("Luis"));
        assert_eq!(placeholders.get("[NAME_3] "), None);
    }

    #[test]
    fn it_is_stored_whole_and_shows_nothing() {
        let mut placeholders = Placeholders::default();
        placeholders.reserve(reserved_in("[EMAIL_1]"));
        placeholders.number_for(Label::Email, "a@b.example");
        let json = serde_json::to_string(&placeholders).unwrap();
        let mut read: Placeholders = serde_json::from_str(&json).unwrap();
        assert_eq!(read, placeholders);
        assert_eq!(read.number_for(Label::Email, "a@b.example"), 2);
        assert_eq!(format!("{read:?}"), "Placeholders(1 hidden)");
        assert!(serde_json::from_str::<Placeholders>(r#"{"values":{"[FOO_1]":"x"}}"#).is_err());
    }
}
