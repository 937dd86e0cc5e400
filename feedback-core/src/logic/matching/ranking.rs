//! A whole stream of reports ranked in memory, without storage: how a team measures on its own reports.

use std::{collections::HashMap, time::Duration};

use super::{CANDIDATES, Likeness, VectorWindow, Wording, rank};
use crate::domain::{TicketId, Timestamp};

/// One report of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Report<'t> {
    /// Its id.
    pub id: TicketId,
    /// When it came.
    pub created_at: Timestamp,
    /// Its text, scrubbed as the hub's are.
    pub text: &'t str,
    /// What the embedder made of the text.
    pub vector: &'t [f32],
}

/// An older report and how likely it is about the same thing, 0 to 1.
pub type Ranked = (TicketId, f32);

/// The reports so far.
#[derive(Debug)]
pub struct Reports {
    vectors: VectorWindow,
    wordings: HashMap<TicketId, Wording>,
    window: Duration,
    threshold: f32,
}

impl Reports {
    /// None so far; `dimensions` and `threshold` are the embedder's, and older reports than `window` are not compared.
    pub fn new(dimensions: usize, threshold: f32, window: Duration) -> Self {
        Self {
            vectors: VectorWindow::new(dimensions),
            wordings: HashMap::new(),
            window,
            threshold,
        }
    }

    /// The older reports that this one may repeat, likeliest first; then it is one of the older ones itself. Reports are
    /// to come in the order of their time.
    pub fn rank(&mut self, report: Report<'_>) -> Vec<Ranked> {
        let since = report.created_at.minus(self.window);
        let wording = Wording::of(report.text);
        let near = self.vectors.nearest(report.vector, since, CANDIDATES);
        let ranked = rank(near, self.threshold, |id| {
            // Both are put at once.
            self.wordings
                .get(id)
                .map_or_else(Likeness::default, |other| wording.likeness(other))
        });
        self.vectors.put(report.id, report.created_at, report.vector);
        self.wordings.insert(report.id, wording);
        ranked
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_report_is_compared_with_those_before_it_and_within_the_window() {
        let mut reports = Reports::new(2, 0.5, Duration::from_secs(100));
        let start = Timestamp::from_unix_micros(1_790_000_000_000_000).unwrap();
        let id = |number| TicketId::from_uuid(Uuid::from_u128(number));
        let mut rank = |number, seconds, vector: [f32; 2]| {
            let report = Report {
                id: id(number),
                created_at: start.plus(Duration::from_secs(seconds)),
                text: "a report",
                vector: &vector,
            };
            reports.rank(report).into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert!(rank(1, 0, [1.0, 0.0]).is_empty());
        assert_eq!(rank(2, 50, [0.0, 1.0]), [id(1)]);
        assert_eq!(rank(3, 90, [0.1, 0.9]), [id(2), id(1)]);
        assert_eq!(rank(4, 120, [1.0, 0.1]), [id(3), id(2)]);
    }
}
