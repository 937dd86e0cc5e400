//! What kind of report it is, from the phrases it holds.

use super::lexicon::{Hit, Topic};
use crate::domain::TicketType;

/// How many phrases of each topic stand and are denied, by [`Topic`].
#[derive(Debug, Default)]
pub(super) struct Counts {
    stands: [u8; Topic::ALL.len()],
    denied: [u8; Topic::ALL.len()],
}

impl Counts {
    /// Counts the hits.
    pub(super) fn of(hits: &[Hit]) -> Self {
        let mut counts = Self::default();
        for hit in hits {
            let list = if hit.is_denied {
                &mut counts.denied
            } else {
                &mut counts.stands
            };
            list[hit.topic as usize] = list[hit.topic as usize].saturating_add(1);
        }
        counts
    }

    /// Whether a phrase of the topic stands.
    pub(super) fn has(&self, topic: Topic) -> bool {
        self.stands[topic as usize] > 0
    }

    /// Whether a phrase of the topic is denied.
    pub(super) fn denies(&self, topic: Topic) -> bool {
        self.denied[topic as usize] > 0
    }
}

/// The type that the rules read.
pub(super) fn by_rules(counts: &Counts, has_question_mark: bool) -> TicketType {
    let fails = counts.has(Topic::Failure) || counts.has(Topic::Outage) || counts.has(Topic::Blocked);
    if counts.has(Topic::Resolved) && !counts.has(Topic::Leak) {
        TicketType::Question
    } else if counts.has(Topic::Leak) || (counts.has(Topic::Scope) && (fails || counts.has(Topic::Loss))) {
        TicketType::Incident
    } else if counts.has(Topic::Wish) && (!fails || counts.has(Topic::Lack)) {
        TicketType::FeatureRequest
    } else if fails || counts.has(Topic::Loss) || counts.has(Topic::Cosmetic) {
        TicketType::Bug
    } else if has_question_mark || counts.has(Topic::Ask) || counts.has(Topic::Thanks) {
        TicketType::Question
    } else {
        TicketType::Bug
    }
}
