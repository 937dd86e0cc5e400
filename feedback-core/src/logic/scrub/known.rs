//! People whom the hub knows already: the reporter, the reviewers. Their names and addresses are hidden wherever they
//! return, with no other evidence needed.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use super::{
    Label, Placeholders,
    view::{Claims, View, is_alnum},
};

/// Names and addresses to hide wherever they stand. Nobody by default; `Debug` shows nobody.
#[derive(Clone, Default)]
pub struct KnownPeople {
    /// Folded words of names, in the order in which they were given.
    names: Vec<Vec<Box<[u8]>>>,
    /// Folded addresses and handles.
    addresses: Vec<(Box<[u8]>, Label)>,
}

impl KnownPeople {
    /// Nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hides this name, and each part of it that has three letters or more.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        self.add_name(name);
        self
    }

    /// Hides this email address, telephone number or handle, whatever separators stand between its digits.
    #[must_use]
    pub fn with_address(mut self, address: &str) -> Self {
        let digits = address.chars().filter(char::is_ascii_digit).count();
        let label = match () {
            () if address.trim().chars().skip(1).any(|c| c == '@') => Label::Email,
            () if digits >= 6 && !address.contains(|c: char| c.is_ascii_alphabetic()) => Label::Phone,
            () => Label::Username,
        };
        self.add_address(address, label);
        self
    }

    fn add_address(&mut self, address: &str, label: Label) {
        let view = View::new(address.trim(), &[]);
        let folded: Vec<u8> = match label {
            Label::Phone => view.low.iter().copied().filter(u8::is_ascii_digit).collect(),
            Label::Username => view.low.iter().copied().skip_while(|&byte| byte == b'@').collect(),
            _ => view.low,
        };
        if folded.len() >= if label == Label::Phone { 6 } else { 3 } {
            self.addresses.push((folded.into(), label));
        }
    }

    fn add_name(&mut self, name: &str) {
        let view = View::new(name, &[]);
        let words: Vec<Box<[u8]>> = view
            .low
            .split(|&byte| !is_alnum(byte))
            .filter(|word| !word.is_empty())
            .map(Into::into)
            .collect();
        if !words.is_empty() {
            self.names.push(words);
        }
    }

    /// These people and everyone whom an earlier text of the ticket named.
    pub(super) fn and_found_before(&self, placeholders: &Placeholders) -> Self {
        let mut all = self.clone();
        for (_, label, value) in placeholders.scrubbed_values() {
            match label {
                Label::Name => all.add_name(value),
                _ => all.add_address(value, label),
            }
        }
        all
    }
}

impl fmt::Debug for KnownPeople {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownPeople(..)")
    }
}

/// Parts of names that are ordinary words: they are hidden beside another part of the name only.
const PARTICLES: &[&[u8]] = &[
    b"de", b"del", b"la", b"las", b"los", b"el", b"y", b"san", b"santa", b"van", b"von", b"der", b"den", b"da", b"do",
    b"dos", b"das", b"di", b"du", b"le", b"the", b"and", b"jr", b"sr", b"mr", b"mrs", b"ms", b"dr",
];

pub(super) fn is_particle(word: &[u8]) -> bool {
    PARTICLES.contains(&word)
}

/// Marks the names of known people.
pub(super) fn find_names(view: &View<'_>, known: &KnownPeople, claims: &mut Claims) {
    if known.names.is_empty() {
        return;
    }
    let mut parts: HashMap<&[u8], bool> = HashMap::new();
    for name in &known.names {
        for word in name {
            let whole = word.len() >= 3 && !is_particle(word);
            let stands_alone = parts.entry(word).or_insert(false);
            *stands_alone = *stands_alone || whole || name.len() == 1;
        }
    }
    let words: Vec<(usize, usize)> = words(view);
    let mut at = 0;
    while at < words.len() {
        let mut end = at;
        let mut alone = false;
        while end < words.len() && (end == at || gap_is_short(view, words[end - 1].1, words[end].0)) {
            match parts.get(&view.low[words[end].0..words[end].1]) {
                Some(&stands_alone) => alone |= stands_alone,
                None => break,
            }
            end += 1;
        }
        if alone {
            while end > at + 1 && is_particle(&view.low[words[end - 1].0..words[end - 1].1]) {
                end -= 1;
            }
            let mut from = at;
            while from + 1 < end && is_particle(&view.low[words[from].0..words[from].1]) {
                from += 1;
            }
            claims.hide(words[from].0, words[end - 1].1, Label::Name);
        }
        at = end.max(at + 1);
    }
}

/// Marks the addresses and handles of known people.
pub(super) fn find_addresses(view: &View<'_>, known: &KnownPeople, claims: &mut Claims) {
    if known.addresses.is_empty() {
        return;
    }
    // Grouped by length, so that the time does not grow with the number of addresses.
    let mut phones: BTreeMap<usize, HashSet<&[u8]>> = BTreeMap::new();
    let mut others: BTreeMap<usize, HashMap<&[u8], Label>> = BTreeMap::new();
    for (address, label) in &known.addresses {
        if *label == Label::Phone {
            // Country codes come and go: the last nine digits tell a subscriber apart everywhere.
            let tail = &address[address.len().saturating_sub(9)..];
            phones.entry(tail.len()).or_default().insert(tail);
        } else {
            others.entry(address.len()).or_default().insert(address, *label);
        }
    }
    let digits: Vec<usize> = (0..view.len()).filter(|&at| view.low[at].is_ascii_digit()).collect();
    let digit_bytes: Vec<u8> = digits.iter().map(|&at| view.low[at]).collect();
    for (&length, tails) in phones.iter().rev() {
        for (at, window) in digit_bytes.windows(length).enumerate() {
            let (start, end) = (digits[at], digits[at + length - 1] + 1);
            if end - start <= length * 3 && tails.contains(window) {
                claims.hide(phone_start(view, start), end, Label::Phone);
            }
        }
    }
    for (&length, addresses) in others.iter().rev() {
        for (start, window) in view.low.windows(length).enumerate() {
            if is_alnum(view.before(start)) || is_alnum(view.byte(start + length)) {
                continue;
            }
            if let Some(&label) = addresses.get(window) {
                claims.hide(start, start + length, label);
            }
        }
    }
}

/// Takes in the country code before the digits that matched.
fn phone_start(view: &View<'_>, start: usize) -> usize {
    let mut from = start;
    while from > 0
        && start - from < 8
        && (view.low[from - 1].is_ascii_digit()
            || matches!(view.low[from - 1], b' ' | b'-' | b'.' | b'(' | b')')
                && from >= 2
                && matches!(view.low[from - 2], b'0'..=b'9' | b')'))
    {
        from -= 1;
    }
    if from > 0 && view.low[from - 1] == b'+' {
        from - 1
    } else {
        start
    }
}

/// The runs of letters and digits.
fn words(view: &View<'_>) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut at = 0;
    while at < view.len() {
        if !is_alnum(view.low[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < view.len() && is_alnum(view.low[at]) {
            at += 1;
        }
        words.push((start, at));
    }
    words
}

fn gap_is_short(view: &View<'_>, from: usize, to: usize) -> bool {
    to - from <= 2
        && view.low[from..to]
            .iter()
            .all(|&byte| matches!(byte, b' ' | b'.' | b'-' | b'\''))
}
