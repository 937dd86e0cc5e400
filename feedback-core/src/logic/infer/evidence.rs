//! Says why: stated levels, phrases and single words that decided, by place and weight and without quoting the reporter.

use super::{
    Reading,
    decide::Decision,
    features::{phrase_row, word_row},
    fold::Folded,
    lexicon::{Hit, Topic},
    model::{Model, OUTPUTS, TYPES},
    stated_level::StatedLevel,
};
use crate::domain::{Evidence, TicketType};

/// Single words that are named beside the phrases.
const MOST_WORDS: usize = 3;
/// A word that speaks less than this for the type decided nothing.
const LEAST_WEIGHT: f32 = 0.2;

/// What decided, in the order of weight: a level that counts stands first.
pub(super) fn evidence(reading: &Reading, decision: &Decision, model: Option<&Model>) -> Vec<Evidence> {
    let mut weighed: Vec<(f32, Evidence)> = Vec::new();
    weighed.extend(reading.levels.iter().map(|level| of_level(&reading.folded, level)));
    for hit in &reading.hits {
        let weight = model.map_or(1.0, |model| weight_of(model, hit, decision.ticket_type));
        weighed.push((weight, of_phrase(&reading.folded, hit)));
    }
    if let Some(model) = model {
        weighed.extend(of_words(reading, decision.ticket_type, model));
    }
    weighed.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    weighed.into_iter().map(|(_, evidence)| evidence).collect()
}

fn of_level(folded: &Folded, level: &StatedLevel) -> (f32, Evidence) {
    let span = span(folded, level.first, level.end);
    match level.discounted {
        None => (
            f32::MAX,
            Evidence {
                rule: "stated_level".to_owned(),
                span,
                effect: format!("priority {}", level.priority),
            },
        ),
        Some(why) => (
            1.0,
            Evidence {
                rule: format!("{}:stated_level", why.as_str()),
                span,
                effect: format!("not priority {}", level.priority),
            },
        ),
    }
}

fn of_phrase(folded: &Folded, hit: &Hit) -> Evidence {
    Evidence {
        rule: if hit.is_denied {
            format!("denied:{}", hit.topic.name())
        } else {
            hit.topic.name().to_owned()
        },
        span: span(folded, hit.first, hit.end),
        effect: effect(hit.topic, hit.is_denied).to_owned(),
    }
}

/// How loudly a phrase speaks for the type that was decided, or for any level.
fn weight_of(model: &Model, hit: &Hit, ticket_type: TicketType) -> f32 {
    let row = phrase_row(hit.topic, hit.is_denied);
    (TYPES..OUTPUTS)
        .map(|output| model.shape_weight(row, output).abs() / 2.0)
        .fold(model.shape_weight(row, output_of(ticket_type)).abs(), f32::max)
}

/// The words that speak loudest for the type, outside of the phrases.
fn of_words(reading: &Reading, ticket_type: TicketType, model: &Model) -> Vec<(f32, Evidence)> {
    let folded = &reading.folded;
    let decided = output_of(ticket_type);
    let mut words: Vec<(f32, usize)> = (0..folded.tokens().len())
        .filter(|&at| folded.word(at).len() > 2 && !reading.hits.iter().any(|hit| hit.first <= at && at < hit.end))
        .map(|at| (model.hashed_weight(word_row(folded.word(at)), decided), at))
        .filter(|&(weight, _)| weight >= LEAST_WEIGHT)
        .collect();
    words.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    words.truncate(MOST_WORDS);
    let named = |at: usize| Evidence {
        rule: "word".to_owned(),
        span: span(folded, at, at + 1),
        effect: format!("type {ticket_type}"),
    };
    words.into_iter().map(|(weight, at)| (weight, named(at))).collect()
}

fn output_of(ticket_type: TicketType) -> usize {
    TicketType::ALL
        .iter()
        .position(|kind| *kind == ticket_type)
        .unwrap_or_default()
}

/// From the first byte of one token to the last of another, in the text that the sender wrote.
fn span(folded: &Folded, first: usize, end: usize) -> Option<(usize, usize)> {
    let tokens = folded.tokens().get(first..end)?;
    Some((tokens.first()?.source.0, tokens.last()?.source.1))
}

fn effect(topic: Topic, is_denied: bool) -> &'static str {
    match (topic, is_denied) {
        (Topic::Calm, _) | (Topic::Urgency, true) => "not urgent",
        (_, true) => "denied by the sender",
        (Topic::Scope, false) => "many people are hit",
        (Topic::Crowd, false) => "people or places are named",
        (Topic::Outage, false) => "type incident",
        (Topic::Leak, false) => "type incident, priority P0",
        (Topic::Loss, false) => "data is lost",
        (Topic::Money, false) => "money is concerned",
        (Topic::Wish | Topic::Lack, false) => "type feature_request",
        (Topic::Ask, false) => "type question",
        (Topic::Failure, false) => "type bug",
        (Topic::Thanks | Topic::Idle, false) => "priority P5",
        (Topic::Resolved, false) => "it is over",
        (Topic::Urgency, false) => "one level more urgent",
        (Topic::Workaround, false) => "there is a way around",
        (Topic::Cosmetic, false) => "looks only",
        (Topic::Blocked, false) => "work is blocked",
        (Topic::Deadline, false) => "a date stands in the way",
        (Topic::Stakes, false) => "business is at stake",
        (Topic::Danger, false) => "people may come to harm",
        (Topic::Person, false) => "one person is hit",
        (Topic::Partial, false) => "some are hit, or now and then",
        (Topic::Courtesy, false) => "how letters begin and end",
        (Topic::Praise, false) => "praise, or its opposite",
    }
}
