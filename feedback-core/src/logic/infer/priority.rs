//! How bad it is, from the type and the phrases: a base level, then one step for urgent or calm words.

use super::{lexicon::Topic, ticket_type::Counts};
use crate::domain::{Priority, TicketType};

/// The priority that the rules read.
pub(super) fn by_rules(ticket_type: TicketType, counts: &Counts) -> Priority {
    let base = base_level(ticket_type, counts);
    let is_urgent = counts.has(Topic::Urgency) && !counts.has(Topic::Calm);
    let is_calm = counts.has(Topic::Calm) || counts.denies(Topic::Urgency) || counts.denies(Topic::Blocked);
    let level = match base {
        0 => 0,
        level if is_urgent => (level - 1).max(1),
        level if is_calm => (level + 1).min(5),
        level => level,
    };
    Priority::ALL[level]
}

fn base_level(ticket_type: TicketType, counts: &Counts) -> usize {
    match ticket_type {
        TicketType::Incident if counts.has(Topic::Partial) || counts.has(Topic::Workaround) => 1,
        TicketType::Incident => 0,
        TicketType::Bug => {
            if counts.has(Topic::Cosmetic) {
                5
            } else if counts.has(Topic::Workaround) {
                3
            } else if counts.has(Topic::Money) || counts.has(Topic::Blocked) || counts.has(Topic::Deadline) {
                1
            } else if counts.has(Topic::Loss) || counts.has(Topic::Partial) {
                2
            } else {
                3
            }
        }
        TicketType::FeatureRequest if counts.has(Topic::Stakes) => 3,
        TicketType::FeatureRequest if counts.has(Topic::Idle) => 5,
        TicketType::FeatureRequest => 4,
        TicketType::Question if counts.has(Topic::Resolved) || counts.has(Topic::Idle) => 5,
        TicketType::Question if counts.has(Topic::Thanks) && !counts.has(Topic::Ask) => 5,
        TicketType::Question => 4,
    }
}
