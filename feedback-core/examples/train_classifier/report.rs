//! What a model read, beside what the labels say.

use feedback_core::{
    domain::{Priority, TicketType},
    logic::infer::training::TrainedModel,
};

use super::Line;

/// One message with what it is and what was read.
pub(crate) struct Outcome<'l> {
    pub(crate) line: &'l Line,
    ticket_type: TicketType,
    priority: Priority,
}

impl<'l> Outcome<'l> {
    pub(crate) fn of(line: &'l Line, model: &TrainedModel) -> Self {
        let (ticket_type, priority) = model.classify(&line.text);
        Self {
            line,
            ticket_type,
            priority,
        }
    }

    fn is_far_off(&self) -> bool {
        self.ticket_type != self.line.ticket_type || self.distance().is_some_and(|distance| distance > 1)
    }

    /// Between the label and what was read; `None` without a label.
    fn distance(&self) -> Option<usize> {
        Some((self.priority as usize).abs_diff(self.line.priority? as usize))
    }
}

/// A line of figures.
pub(crate) fn report<'o>(name: &str, outcomes: impl Iterator<Item = &'o Outcome<'o>>) {
    let outcomes: Vec<&Outcome<'_>> = outcomes.collect();
    let count = |test: &dyn Fn(&Outcome<'_>) -> bool| outcomes.iter().filter(|outcome| test(outcome)).count();
    // A mean over the types that the labels hold: a set without incidents has no F1 of them.
    let f1: Vec<(TicketType, f64)> = TicketType::ALL
        .into_iter()
        .filter(|kind| outcomes.iter().any(|outcome| outcome.line.ticket_type == *kind))
        .map(|kind| {
            let right = count(&|outcome| outcome.ticket_type == kind && outcome.line.ticket_type == kind);
            let named = count(&|outcome| outcome.ticket_type == kind);
            let real = count(&|outcome| outcome.line.ticket_type == kind);
            (kind, share(2 * right, named + real))
        })
        .collect();
    let mean = f1.iter().map(|(_, f1)| f1).sum::<f64>() / f1.len().max(1) as f64;
    let kinds: Vec<String> = f1.iter().map(|(kind, f1)| format!("{kind} {f1:.2}")).collect();
    print!(
        "{name:10} n {:4}  type macro-F1 {mean:.3} ({})",
        outcomes.len(),
        kinds.join(", ")
    );
    report_priorities(&outcomes);
}

fn report_priorities(outcomes: &[&Outcome<'_>]) {
    let labelled: Vec<(Priority, Priority)> = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome.line.priority?, outcome.priority)))
        .collect();
    if labelled.is_empty() {
        return println!();
    }
    let count =
        |test: &dyn Fn(Priority, Priority) -> bool| labelled.iter().filter(|(real, read)| test(*real, *read)).count();
    println!(
        "  kappa {:.3}  within one {:.3}  urgent recall {:.3}  false alarms {:.3}",
        weighted_kappa(&labelled),
        share(
            count(&|real, read| (real as usize).abs_diff(read as usize) <= 1),
            labelled.len()
        ),
        share(
            count(&|real, read| real.is_urgent() && read.is_urgent()),
            count(&|real, _| real.is_urgent())
        ),
        share(
            count(&|real, read| real >= Priority::P3 && read.is_urgent()),
            count(&|real, _| real >= Priority::P3)
        ),
    );
}

/// What was read wrongly, to find what the training text lacks.
pub(crate) fn errors(outcomes: &[Outcome<'_>]) {
    for outcome in outcomes.iter().filter(|outcome| outcome.is_far_off()) {
        let line = outcome.line;
        let level = line.priority.map_or("", |priority| priority.as_str());
        println!(
            "{} {level} read as {} {}: {}",
            line.ticket_type, outcome.ticket_type, outcome.priority, line.text
        );
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Cohen's kappa with quadratic weights.
fn weighted_kappa(labelled: &[(Priority, Priority)]) -> f64 {
    let square = |a: Priority, b: Priority| (a as usize).abs_diff(b as usize).pow(2) as f64;
    let observed: f64 = labelled.iter().map(|(real, read)| square(*real, *read)).sum();
    let tally = |of: &dyn Fn(&(Priority, Priority)) -> Priority| {
        Priority::ALL.map(|priority| labelled.iter().filter(|both| of(both) == priority).count() as f64)
    };
    let (real, read) = (tally(&|both| both.0), tally(&|both| both.1));
    let mut expected = 0.0;
    for (a, &left) in Priority::ALL.iter().zip(&real) {
        for (b, &right) in Priority::ALL.iter().zip(&read) {
            expected += left * right * square(*a, *b);
        }
    }
    1.0 - observed * labelled.len() as f64 / expected.max(f64::MIN_POSITIVE)
}
