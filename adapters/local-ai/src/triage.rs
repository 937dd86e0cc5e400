//! Type and priority as the core's rules read them, and the sentences that made them say so.

use std::ops::Range;

use async_trait::async_trait;
use feedback_core::{
    domain::Evidence,
    logic::infer::{infer, newest_part},
    ports::{PortError, Triage, TriageReading, TriageRequest},
};

use crate::{
    LocalAi, made_by,
    sentences::{cut, one_line, sentences},
};

/// Changes with the rules that pick sentences; the rules that read type and priority are the core's.
const RULES: &str = "local-rules-1";
const MAX_SUMMARY_CHARS: usize = 500;
/// A sentence or two: more is not a summary.
const MAX_SENTENCES: usize = 2;

#[async_trait]
impl Triage for LocalAi {
    async fn read(&self, request: &TriageRequest) -> Result<TriageReading, PortError> {
        let newest = newest_part(request.text.as_str());
        let inferred = infer(&newest);
        Ok(TriageReading {
            ticket_type: inferred.ticket_type,
            priority: inferred.priority,
            summary: summary(&newest, &inferred.evidence),
            made_by: made_by(RULES),
        })
    }
}

/// The sentences with the most reasons in them, in the order of the text.
fn summary(text: &str, evidence: &[Evidence]) -> String {
    let sentences = sentences(text);
    let mut best: Vec<(usize, usize)> = sentences
        .iter()
        .enumerate()
        .map(|(at, range)| (weight(text, range, evidence), at))
        .collect();
    // Of equal weight the earlier one: people begin with what matters to them.
    best.sort_by_key(|&(weight, at)| (std::cmp::Reverse(weight), at));
    let strongest = best.first().map_or(0, |&(weight, _)| weight);
    let mut chosen: Vec<usize> = best
        .into_iter()
        .filter(|&(weight, _)| 2 * weight >= strongest)
        .take(MAX_SENTENCES)
        .map(|(_, at)| at)
        .collect();
    chosen.sort_unstable();
    let picked: Vec<String> = chosen
        .into_iter()
        .map(|at| one_line(&text[sentences[at].clone()]))
        .collect();
    cut(&picked.join(" "), MAX_SUMMARY_CHARS)
}

/// Twice for each reason that stands in the sentence, once for being long enough to say something.
fn weight(text: &str, sentence: &Range<usize>, evidence: &[Evidence]) -> usize {
    let reasons = evidence
        .iter()
        .filter(|reason| !matches!(reason.rule.as_str(), "thanks" | "praise" | "idle"))
        .filter(|reason| {
            reason
                .span
                .is_some_and(|(start, end)| start >= sentence.start && end <= sentence.end)
        })
        .count();
    let says_something = text[sentence.clone()].split_whitespace().count() >= 4;
    2 * reasons + usize::from(says_something)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary_of(text: &str) -> String {
        summary(text, &infer(text).evidence)
    }

    #[test]
    fn the_summary_is_what_is_wrong_and_not_the_greeting() {
        assert_eq!(
            summary_of("Hola equipo. Espero que estén bien. No puedo descargar la factura, me da error. Gracias."),
            "No puedo descargar la factura, me da error."
        );
        assert_eq!(
            summary_of("Hi! The report page crashes and nobody can print.\nThanks"),
            "The report page crashes and nobody can print."
        );
    }

    #[test]
    fn a_text_without_reasons_still_has_a_summary() {
        assert_eq!(summary_of("Hola"), "Hola");
        assert_eq!(summary_of(""), "");
    }

    #[test]
    fn a_long_summary_is_cut() {
        let summary = summary_of(&"no funciona nada de nada ".repeat(100));
        assert!(summary.chars().count() <= MAX_SUMMARY_CHARS && summary.ends_with('…'));
    }
}
