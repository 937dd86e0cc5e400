//! Rules and model together: a stated level wins, then the model speaks; without a model the rules do.

use super::{
    Reading,
    features::Features,
    lexicon::Topic,
    model::{Model, Scores},
    priority, stated_level, ticket_type,
};
use crate::domain::{Priority, TicketType};

/// What was read, and how surely.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decision {
    /// The type.
    pub(super) ticket_type: TicketType,
    /// The priority.
    pub(super) priority: Priority,
    /// 0 to 1.
    pub(super) confidence: f32,
}

/// From this chance of "P1 or worse" on, a report is urgent: a missed emergency costs more than a look too many.
const URGENT_FROM: f32 = 0.2;

/// Decides on a text. Of several points the most urgent speaks for all, where it is worse than the whole sounds.
pub(super) fn decide(reading: &Reading, model: Option<&Model>) -> Decision {
    let whole = decide_alone(reading, model);
    if stated_level::stated(&reading.levels).is_some() || model.is_some_and(|model| !model.knows_priorities) {
        return whole;
    }
    reading
        .points
        .iter()
        .map(|point| decide_alone(point, model))
        .fold(
            whole,
            |worst, point| if point.priority < worst.priority { point } else { worst },
        )
}

fn decide_alone(reading: &Reading, model: Option<&Model>) -> Decision {
    let stated = stated_level::stated(&reading.levels).map(|level| level.priority);
    let Some(model) = model.filter(|_| !is_left_to_rules(reading)) else {
        let ticket_type = ticket_type::by_rules(&reading.counts, reading.has_question_mark);
        let priority = stated.unwrap_or_else(|| priority::by_rules(ticket_type, &reading.counts));
        return Decision {
            ticket_type,
            priority,
            confidence: 0.4,
        };
    };
    let scores = model.scores(&Features::of(&reading.folded, &reading.hits));
    let (best, share) = best_type(&scores);
    let priority = stated.unwrap_or_else(|| {
        if model.knows_priorities {
            priority_of(&scores, best)
        } else {
            priority::by_rules(best, &reading.counts)
        }
    });
    let sureness = if stated.is_some() || !model.knows_priorities {
        1.0
    } else {
        level_sureness(&scores, priority)
    };
    Decision {
        ticket_type: best,
        priority,
        confidence: (share * sureness).sqrt().clamp(0.0, 1.0),
    }
}

/// Nothing to weigh: no word at all, or two or three that say plainly that something fails ("no funciona").
fn is_left_to_rules(reading: &Reading) -> bool {
    let tokens = reading.folded.tokens().len();
    tokens <= 1 || (tokens <= 4 && reading.counts.has(Topic::Failure) && !reading.has_question_mark)
}

fn best_type(scores: &Scores) -> (TicketType, f32) {
    let mut best = (TicketType::Question, 0.0);
    for (kind, &share) in TicketType::ALL.into_iter().zip(&scores.types) {
        if share > best.1 {
            best = (kind, share);
        }
    }
    best
}

/// The expected level, rounded: it is never far off, where the likeliest level may be.
fn priority_of(scores: &Scores, ticket_type: TicketType) -> Priority {
    let expected: f32 = scores.at_least.iter().map(|chance| 1.0 - chance).sum();
    let level = (expected.round() as usize).min(5);
    let is_urgent = scores.at_least[1] >= URGENT_FROM;
    let level = if is_urgent { level.min(1) } else { level.max(2) };
    // What the rubric's base levels allow: a wish or a question is never an emergency, one person's defect never an outage.
    let (worst, mildest) = match ticket_type {
        TicketType::Incident => (0, 3),
        TicketType::Bug => (1, 5),
        TicketType::FeatureRequest | TicketType::Question => (2, 5),
    };
    Priority::ALL[level.clamp(worst, mildest)]
}

/// The chance that the level is at most one off.
fn level_sureness(scores: &Scores, priority: Priority) -> f32 {
    let level = priority as usize;
    let up_to = |level: usize| scores.at_least.get(level).copied().unwrap_or(1.0);
    let above = if level >= 2 { up_to(level - 2) } else { 0.0 };
    (up_to(level + 1) - above).clamp(0.0, 1.0)
}
