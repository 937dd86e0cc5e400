//! Phrases by what they speak of: one automaton over all lists, and which of its matches the sender denies.
//!
//! The lists stand in `lexicon.txt`, since they are data that people extend without reading code.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{
    fold::{Folded, fold},
    scope,
    word_list::WordList,
};

/// What a phrase speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
pub(super) enum Topic {
    /// Many people, sites or customers.
    Scope,
    /// People or places of an organisation, without a quantity.
    Crowd,
    /// Something does not run at all.
    Outage,
    /// Strangers see or take what is not theirs.
    Leak,
    /// Data is lost.
    Loss,
    /// Charges, payments, invoices.
    Money,
    /// Somebody wants something new.
    Wish,
    /// Something does not exist today.
    Lack,
    /// Somebody wants to know.
    Ask,
    /// Something behaves wrongly.
    Failure,
    /// Thanks and greetings.
    Thanks,
    /// It is over.
    Resolved,
    /// There is time.
    Calm,
    /// There is no time.
    Urgency,
    /// There is another way to work.
    Workaround,
    /// Looks and spelling.
    Cosmetic,
    /// Work stands still.
    Blocked,
    /// A date stands in the way.
    Deadline,
    /// Business, contract or law is at stake.
    Stakes,
    /// People can come to harm.
    Danger,
    /// One person or record.
    Person,
    /// Some of them, or now and then.
    Partial,
    /// Praise, which with a failure is meant the other way.
    Praise,
    /// Said to be of no weight.
    Idle,
    /// How letters begin and end.
    Courtesy,
}

impl Topic {
    /// All topics, in the order of their numbers.
    pub(super) const ALL: [Self; 25] = [
        Self::Scope,
        Self::Crowd,
        Self::Outage,
        Self::Leak,
        Self::Loss,
        Self::Money,
        Self::Wish,
        Self::Lack,
        Self::Ask,
        Self::Failure,
        Self::Thanks,
        Self::Resolved,
        Self::Calm,
        Self::Urgency,
        Self::Workaround,
        Self::Cosmetic,
        Self::Blocked,
        Self::Deadline,
        Self::Stakes,
        Self::Danger,
        Self::Person,
        Self::Partial,
        Self::Praise,
        Self::Idle,
        Self::Courtesy,
    ];

    /// Its section in `lexicon.txt`, and its name in evidence.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Crowd => "crowd",
            Self::Outage => "outage",
            Self::Leak => "leak",
            Self::Loss => "loss",
            Self::Money => "money",
            Self::Wish => "wish",
            Self::Lack => "lack",
            Self::Ask => "ask",
            Self::Failure => "failure",
            Self::Thanks => "thanks",
            Self::Resolved => "resolved",
            Self::Calm => "calm",
            Self::Urgency => "urgency",
            Self::Workaround => "workaround",
            Self::Cosmetic => "cosmetic",
            Self::Blocked => "blocked",
            Self::Deadline => "deadline",
            Self::Stakes => "stakes",
            Self::Danger => "danger",
            Self::Person => "person",
            Self::Partial => "partial",
            Self::Praise => "praise",
            Self::Idle => "idle",
            Self::Courtesy => "courtesy",
        }
    }
}

/// A phrase found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// What it speaks of.
    pub(super) topic: Topic,
    /// Its first token.
    pub(super) first: usize,
    /// The token after its last.
    pub(super) end: usize,
    /// The sender says that it is not so.
    pub(super) is_denied: bool,
}

struct Lexicon {
    automaton: AhoCorasick,
    entries: Vec<Entry>,
}

struct Entry {
    topic: Topic,
    is_prefix: bool,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(include_str!("lexicon.txt")));

/// How many tokens before a phrase a denial may stand.
const DENIAL_WINDOW: usize = 3;

/// Every phrase of the lists in the text, in order. Of matches of one topic that overlap, the longest stays.
pub(super) fn hits(folded: &Folded) -> Vec<Hit> {
    let text = folded.text();
    let mut found: Vec<Hit> = Vec::new();
    for matched in LEXICON.automaton.find_overlapping_iter(text) {
        let entry = &LEXICON.entries[matched.pattern().as_usize()];
        // Patterns start with the space before their first word, and end with one unless they are prefixes.
        let Some(first) = folded.token_at(matched.start() + 1) else {
            continue;
        };
        let last_byte = if entry.is_prefix {
            matched.end()
        } else {
            matched.end() - 1
        };
        let end = folded.tokens().partition_point(|token| token.start < last_byte);
        found.push(Hit {
            topic: entry.topic,
            first,
            end,
            is_denied: false,
        });
    }
    found.extend(scope::quantities(folded));
    found.sort_unstable_by_key(|hit| (hit.topic, hit.first, usize::MAX - hit.end));
    let mut covered = (Topic::Scope, 0);
    found.retain(|hit| {
        let is_inside = covered.0 == hit.topic && hit.end <= covered.1;
        if !is_inside {
            covered = (hit.topic, hit.end);
        }
        !is_inside
    });
    found.sort_unstable_by_key(|hit| (hit.first, hit.end, hit.topic));
    mark_denied(folded, &mut found);
    found
}

fn mark_denied(folded: &Folded, hits: &mut [Hit]) {
    for index in 0..hits.len() {
        let hit = hits[index];
        // A list of its own says that nothing is wrong or that there is time: denying it is rare and means little.
        if matches!(hit.topic, Topic::Calm | Topic::Thanks | Topic::Lack | Topic::Courtesy) {
            continue;
        }
        hits[index].is_denied = is_denied(folded, hits, hit);
    }
}

fn is_denied(folded: &Folded, hits: &[Hit], hit: Hit) -> bool {
    for back in 1..=DENIAL_WINDOW.min(hit.first) {
        let at = hit.first - back;
        let word = folded.word(at);
        if is_denial(word) {
            // "no abre, error": the denial belongs to the phrase that holds it.
            return !hits
                .iter()
                .any(|other| *other != hit && other.first <= at && at < other.end && other.topic != Topic::Calm);
        }
        if !is_bridge(word) {
            return false;
        }
    }
    false
}

impl Lexicon {
    fn read(source: &str) -> Self {
        let mut patterns: Vec<String> = Vec::new();
        let mut entries = Vec::new();
        let mut topic = None;
        for line in source
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                topic = Topic::ALL.into_iter().find(|topic| topic.name() == name);
                continue;
            }
            let Some(topic) = topic else { continue };
            for phrase in line.split(',').map(str::trim).filter(|phrase| !phrase.is_empty()) {
                let is_prefix = phrase.ends_with('*');
                let phrase = phrase.trim_end_matches('*');
                let folded = fold(phrase, std::slice::from_ref(&(0..phrase.len())));
                let words = folded.text().trim_end_matches([' ', '.']);
                patterns.push(if is_prefix {
                    words.to_owned()
                } else {
                    format!("{words} ")
                });
                entries.push(Entry { topic, is_prefix });
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&patterns)
            .expect("a few thousand short patterns are far below the automaton's limits");
        Self { automaton, entries }
    }
}

/// Words that deny what follows them, folded.
fn is_denial(word: &str) -> bool {
    static WORDS: WordList = WordList::new(
        "aint arent cero didnt doesnt dont hardly isnt jamas nada nadie neither never ni ningun ninguna ninguno \
        no nobody nobodys noone nor not nothing nothings nunca sin tampoco wasnt without wouldnt zero",
    );
    WORDS.has(word)
}

/// Words that may stand between a denial and what it denies. Any other word ends the denial's reach, so that
/// "no imprime, da error" denies no error.
fn is_bridge(word: &str) -> bool {
    static WORDS: WordList = WordList::new(
        "a al algun alguna an any anything are at be been being bug call como complaint complaints considero crea \
        creo de debe del diria e el en error es esta estan este exactly feature feel fue fui ha haber habido had \
        has have having hay hubo is it just kind la like llamaria lo locked looks los me mean muy ni nor o of \
        one ones or parece por problem problema queja really reclamo say se sea seem seen ser so son sort super \
        tal tan tenemos tener tengo that the think this tipo un una was way were",
    );
    WORDS.has(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Topic, bool)> {
        hits(&fold(text, std::slice::from_ref(&(0..text.len()))))
            .into_iter()
            .map(|hit| (hit.topic, hit.is_denied))
            .collect()
    }

    #[test]
    fn every_topic_has_phrases() {
        for topic in Topic::ALL.into_iter().filter(|topic| *topic != Topic::Crowd) {
            assert!(
                LEXICON.entries.iter().any(|entry| entry.topic == topic),
                "{}",
                topic.name()
            );
        }
    }

    #[test]
    fn a_denied_phrase_says_so() {
        assert!(found("no es un bug").contains(&(Topic::Failure, true)));
        assert!(found("This is not an outage").contains(&(Topic::Outage, true)));
        assert!(found("es un bug").contains(&(Topic::Failure, false)));
    }

    #[test]
    fn a_denial_inside_another_phrase_denies_nothing_else() {
        assert!(found("no abre error 500").contains(&(Topic::Outage, false)));
        assert!(found("no imprime da error").contains(&(Topic::Failure, false)));
    }

    #[test]
    fn phrases_match_whole_words_unless_they_are_prefixes() {
        assert!(!found("un debugger").iter().any(|(topic, _)| *topic == Topic::Failure));
        assert!(found("hackearon la cuenta").contains(&(Topic::Leak, false)));
    }
}
