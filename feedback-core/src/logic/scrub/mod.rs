//! Personal data out, numbered placeholders in: the one maker of [`Scrubbed`].
//!
//! A message is folded to one plain byte a character (see `view`), each finder marks what it knows, and what is marked is
//! replaced. The scrubber hides when in doubt about a person and keeps when in doubt about a number of the host's own
//! (orders, errors, versions). It reads no clock and draws no random number: the same text gives the same answer.
//!
//! ```
//! use feedback_core::logic::scrub::{KnownPeople, Scrubber};
//!
//! let scrubber = Scrubber::new();
//! let scrub = scrubber.scrub("Soy Ana, escríbeme a ana@example.com", &KnownPeople::new().with_name("Ana Ruiz"));
//! assert_eq!(scrub.text.as_str(), "Soy [NAME_1], escríbeme a [EMAIL_1]");
//! assert_eq!(scrub.placeholders.restore("Hola [NAME_1]:"), "Hola Ana:");
//! ```

mod address;
mod allow;
mod cues;
mod digest;
mod email;
mod gazetteer;
mod iban;
mod ip;
mod known;
pub mod measure;
mod name;
mod national_id;
mod number;
mod phone;
mod placeholders;
mod secret;
mod text;
pub mod training;
mod url;
mod username;
mod view;
mod words;

#[cfg(test)]
mod hard_places;
#[cfg(test)]
mod spellings;
#[cfg(test)]
mod tests;

use std::{fmt, ops::Range, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::domain::Scrubbed;

use self::{
    allow::Allowed,
    cues::Cues,
    placeholders::reserved_in,
    view::{Claims, Seen, View},
    words::Words,
};
pub use self::{
    known::KnownPeople,
    placeholders::{Placeholders, UnknownPlaceholder},
};

/// How often the text is read again after something was hidden. Two reads settle every message of the samples; the
/// limit keeps the time linear on texts made to defeat it.
const MAX_READS: usize = 8;

/// What kind of personal data a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Label {
    /// A person's name.
    Name,
    /// An email address, also one that is spelled out.
    Email,
    /// A telephone number.
    Phone,
    /// A payment card's number.
    Card,
    /// A bank account.
    Iban,
    /// A number that a state gave to a person.
    NationalId,
    /// Street, number and unit.
    Address,
    /// An internet address of a machine.
    Ip,
    /// The part of a link that opens something.
    UrlToken,
    /// A key, a token, a password.
    Secret,
    /// A handle or a login.
    Username,
}

impl Label {
    /// All labels, in the order of their codes.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Email,
        Self::Phone,
        Self::Card,
        Self::Iban,
        Self::NationalId,
        Self::Address,
        Self::Ip,
        Self::UrlToken,
        Self::Secret,
        Self::Username,
    ];

    /// The word inside the placeholder.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::Card => "CARD",
            Self::Iban => "IBAN",
            Self::NationalId => "NATIONAL_ID",
            Self::Address => "ADDRESS",
            Self::Ip => "IP",
            Self::UrlToken => "URL_TOKEN",
            Self::Secret => "SECRET",
            Self::Username => "USERNAME",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where something was hidden, in the text as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// What it was.
    pub label: Label,
    /// The number of its placeholder: `[NAME_2]` has 2.
    pub number: u32,
}

/// The outcome of scrubbing one text.
///
/// `Debug` shows the scrubbed text and where the spans lie, never what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrub {
    /// The text with placeholders.
    pub text: Scrubbed,
    /// What was hidden, in the order of the original text; they do not overlap.
    pub spans: Vec<Span>,
    /// The way back. Seal it before storing it.
    pub placeholders: Placeholders,
}

impl Scrub {
    /// The spans with offsets in code points instead of bytes, for callers that count characters. `original` is the
    /// text that was scrubbed.
    pub fn spans_in_chars(&self, original: &str) -> Vec<Span> {
        spans_in_chars(original, &self.spans)
    }
}

/// `spans` of `original` with offsets in code points. Spans must be in order, as [`Scrub`] gives them.
pub fn spans_in_chars(original: &str, spans: &[Span]) -> Vec<Span> {
    let mut chars = original
        .char_indices()
        .map(|(at, _)| at)
        .chain([original.len()])
        .enumerate();
    let mut index_of = |byte: usize| chars.by_ref().find(|&(_, at)| at >= byte).map_or(0, |(index, _)| index);
    let mut last = (0, 0);
    spans
        .iter()
        .map(|span| {
            // Touching spans ask for the same byte twice, and the iterator has gone past it.
            let start = if span.start == last.0 {
                last.1
            } else {
                index_of(span.start)
            };
            let end = if span.end == span.start {
                start
            } else {
                index_of(span.end)
            };
            last = (span.end, end);
            Span { start, end, ..*span }
        })
        .collect()
}

/// Finds personal data in messages in English, Spanish and both at once. Cheap to clone, made once for a host.
#[derive(Clone)]
pub struct Scrubber {
    allowed: Arc<Allowed>,
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrubber")
            .field("allowed", &self.allowed.len())
            .finish()
    }
}

impl Default for Scrubber {
    fn default() -> Self {
        Self::new()
    }
}

impl Scrubber {
    /// With the words that every support desk knows: products, codes, calendar, cities, brands.
    pub fn new() -> Self {
        Self {
            allowed: Arc::new(Allowed::built_in()),
        }
    }

    /// Keeps these words and phrases too: the host's own products, teams and features. Case and accents do not matter.
    /// They win over weak evidence (a word that could be a name), not over a checksum or a reporter's own name.
    #[must_use]
    pub fn with_allowed<I>(mut self, words: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let allowed = Arc::make_mut(&mut self.allowed);
        for word in words {
            allowed.add(word.as_ref());
        }
        self
    }

    /// Scrubs one text with a numbering of its own.
    pub fn scrub(&self, text: &str, known: &KnownPeople) -> Scrub {
        let mut placeholders = Placeholders::default();
        let (text, spans) = self.scrub_with(text, known, &mut placeholders);
        Scrub {
            text,
            spans,
            placeholders,
        }
    }

    /// Where a text holds personal data, in order, in bytes: to look at what a model wrote. Placeholders are none, nothing
    /// is replaced and nothing remembered.
    ///
    /// ```
    /// use feedback_core::logic::scrub::{KnownPeople, Label, Scrubber};
    ///
    /// let found = Scrubber::new().personal_data_in("Hola [NAME_1], llama al 612 345 678", &KnownPeople::new());
    /// assert_eq!(found, [(24..35, Label::Phone)]);
    /// ```
    pub fn personal_data_in(&self, text: &str, known: &KnownPeople) -> Vec<(Range<usize>, Label)> {
        self.find(text, known)
            .into_iter()
            .map(|found| (found.start..found.end, found.label))
            .collect()
    }

    /// Scrubs one more text of the same ticket: what `placeholders` knows keeps its number, names and addresses found
    /// before are hidden here too, and what is new is added.
    pub fn scrub_with(
        &self,
        text: &str,
        known: &KnownPeople,
        placeholders: &mut Placeholders,
    ) -> (Scrubbed, Vec<Span>) {
        placeholders.reserve(reserved_in(text));
        let found = self.find(text, &known.and_found_before(placeholders));
        let mut scrubbed = String::with_capacity(text.len());
        let mut at = 0;
        let mut spans = Vec::with_capacity(found.len());
        for Found { start, end, label } in found {
            let number = placeholders.number_for(label, &text[start..end]);
            scrubbed.push_str(&text[at..start]);
            placeholders::write(&mut scrubbed, label, number);
            spans.push(Span {
                start,
                end,
                label,
                number,
            });
            at = end;
        }
        scrubbed.push_str(&text[at..]);
        (Scrubbed::from_scrubber(scrubbed), spans)
    }

    /// Reads until nothing new is found. Hiding changes what stands beside the rest, so that a second reading may find
    /// more; reading to the end here is what makes a scrubbed text stay as it is when it is scrubbed again.
    fn find(&self, text: &str, known: &KnownPeople) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let mut view = View::new(text, &[]);
        let mut words = Words::new(&view);
        for _ in 0..MAX_READS {
            let hidden = self.read(&view, &words, known);
            if hidden.is_empty() {
                break;
            }
            found.extend(hidden.iter().map(|&(start, end, label)| {
                let (start, end) = view.original(start, end);
                Found { start, end, label }
            }));
            found.sort_unstable_by_key(|span| span.start);
            // Nearly always the rest stays as it was read; folding and cutting it again would be half of the work.
            let next = view
                .with_hidden(&hidden)
                .and_then(|view| words.with_hidden(&view, &hidden).map(|words| (view, words)));
            (view, words) = next.unwrap_or_else(|| {
                let view = View::new(text, &found);
                let words = Words::new(&view);
                (view, words)
            });
        }
        found
    }

    /// One reading: every finder in the order of trust. What one claims, the next cannot have.
    fn read(&self, view: &View<'_>, words: &Words, known: &KnownPeople) -> Vec<(usize, usize, Label)> {
        let reading = self.reading(view, words);
        let mut claims = self.all_but_names(&reading, known);
        known::find_names(view, known, &mut claims);
        name::find(&reading, &mut claims);
        claims.into_hidden(view)
    }

    fn reading<'r>(&'r self, view: &'r View<'r>, words: &'r Words) -> Reading<'r> {
        Reading {
            view,
            lower: is_without_capitals(view, words),
            words,
            allowed: &self.allowed,
        }
    }

    /// Every finder but that of names; those that would find nothing are not asked.
    fn all_but_names(&self, reading: &Reading<'_>, known: &KnownPeople) -> Claims {
        let (view, words) = (reading.view, reading.words);
        let cues = words.cues();
        let digits = view.has_seen(Seen::DIGIT);
        let mut claims = Claims::new(view);
        known::find_addresses(view, known, &mut claims);
        if view.has_seen(Seen::SLASH) {
            url::find(reading, &mut claims);
        }
        email::find(reading, &mut claims);
        if digits || words.longest() >= 12 || cues.has(Cues::PASSWORD.or(Cues::KEY)) || view.has_seen(Seen::DASH) {
            secret::find(reading, &mut claims);
        }
        if digits {
            for word in words.all() {
                if claims.is_free(word.start, word.end) {
                    iban::find(reading, word, &mut claims);
                    national_id::find(reading, word, &mut claims);
                }
            }
        }
        if digits && view.has_seen(Seen::DOT) || view.has_seen(Seen::COLON) {
            ip::find(reading, &mut claims);
        }
        if digits || cues.has(Cues::VIA.or(Cues::DELIVERY)) {
            address::find(reading, &mut claims);
        }
        if digits {
            number::find(reading, &mut claims);
        }
        username::find(reading, &mut claims);
        claims
    }
}

/// What every finder of one reading looks at.
struct Reading<'r> {
    view: &'r View<'r>,
    words: &'r Words,
    allowed: &'r Allowed,
    /// The message is written without capitals, or in capitals alone: they tell nothing about names.
    lower: bool,
}

/// Sentences begin with small letters and few words inside have a capital; or there are no small letters at all.
fn is_without_capitals(view: &View<'_>, words: &Words) -> bool {
    let (mut small, mut title, mut opening) = (0_usize, 0_usize, 0_usize);
    let mut end = 0;
    for (index, word) in words.all().iter().enumerate() {
        let opens = index == 0
            || view.low[end..word.start]
                .iter()
                .any(|byte| matches!(byte, b'.' | b'!' | b'?' | b'\n'));
        end = word.end;
        match &view.raw[word.start..word.end] {
            [first, second, ..] if first.is_ascii_uppercase() && second.is_ascii_lowercase() => {
                title += 1;
                opening += usize::from(opens);
            }
            [first, _, ..] if first.is_ascii_lowercase() => small += 1,
            _ => {}
        }
    }
    title == 0 || (opening == 0 && title * 4 < small)
}

/// Something to hide, in bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) label: Label,
}
