//! Reads type, priority and language out of a report, with the reasons. Nothing leaves the process for it.
//!
//! Only the newest part of a quoted thread counts; a level that the sender states wins over everything else.

mod decide;
mod features;
mod fold;
mod lexicon;
mod matter;
mod model;
mod newest_part;
mod priority;
mod scope;
mod stated_level;
mod ticket_type;
pub mod training;

pub use newest_part::newest_part;

use self::{
    decide::decide,
    fold::Folded,
    lexicon::{Hit, Topic},
    stated_level::StatedLevel,
    ticket_type::Counts,
};
use super::language;
use crate::domain::{Evidence, Inference};

/// What a report says about its type, priority and language, and what in it says so.
///
/// Spans of the evidence are byte offsets into `text`; the evidence itself holds no words of it.
///
/// ```
/// use feedback_core::{domain::{Priority, TicketType}, logic::infer::infer};
/// let read = infer("Prioridad alta: nadie en la sucursal puede facturar");
/// assert_eq!((read.ticket_type, read.priority), (TicketType::Incident, Priority::P1));
/// ```
pub fn infer(text: &str) -> Inference {
    let reading = Reading::of(text);
    let decision = decide(&reading, model::trained());
    Inference {
        ticket_type: decision.ticket_type,
        priority: decision.priority,
        language: language::detect(&newest_part(text)),
        confidence: decision.confidence,
        evidence: evidence(&reading.folded, &reading.hits, &reading.levels),
    }
}

/// A text with everything that the decision looks at.
#[derive(Debug)]
struct Reading {
    folded: Folded,
    hits: Vec<Hit>,
    levels: Vec<StatedLevel>,
    counts: Counts,
    has_question_mark: bool,
}

impl Reading {
    fn of(text: &str) -> Self {
        let mut folded = fold::fold(text, &newest_part::newest_ranges(text));
        let mut hits = lexicon::hits(&folded);
        if let Some(matter) = matter::without_courtesies(&folded, &hits) {
            folded = fold::fold(text, &matter);
            hits = lexicon::hits(&folded);
        }
        let levels = stated_level::named_levels(&folded);
        let has_question_mark = (0..folded.tokens().len()).any(|at| folded.word(at) == "?");
        Self {
            counts: Counts::of(&hits),
            folded,
            hits,
            levels,
            has_question_mark,
        }
    }
}

fn evidence(folded: &Folded, hits: &[Hit], levels: &[StatedLevel]) -> Vec<Evidence> {
    let level = levels.iter().map(|level| match level.discounted {
        None => Evidence {
            rule: "stated_level".to_owned(),
            span: span(folded, level.first, level.end),
            effect: format!("priority {}", level.priority),
        },
        Some(why) => Evidence {
            rule: format!("{}:stated_level", why.as_str()),
            span: span(folded, level.first, level.end),
            effect: format!("not priority {}", level.priority),
        },
    });
    let phrases = hits.iter().map(|hit| Evidence {
        rule: if hit.is_denied {
            format!("denied:{}", hit.topic.name())
        } else {
            hit.topic.name().to_owned()
        },
        span: span(folded, hit.first, hit.end),
        effect: effect(hit.topic, hit.is_denied).to_owned(),
    });
    level.chain(phrases).collect()
}

/// From the first byte of one token to the last of another, in the text that the sender wrote.
fn span(folded: &Folded, first: usize, end: usize) -> Option<(usize, usize)> {
    let tokens = folded.tokens().get(first..end)?;
    Some((tokens.first()?.source.0, tokens.last()?.source.1))
}

fn effect(topic: Topic, is_denied: bool) -> &'static str {
    match (topic, is_denied) {
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
        (Topic::Calm, _) | (Topic::Urgency, true) => "not urgent",
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
        (_, true) => "denied by the sender",
    }
}
