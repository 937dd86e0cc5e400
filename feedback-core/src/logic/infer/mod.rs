//! Reads type, priority and language out of a report, with the reasons. Nothing leaves the process for it.
//!
//! Only the newest part of a quoted thread counts; a level that the sender states wins over everything else.

mod decide;
mod evidence;
mod features;
mod fold;
mod lexicon;
mod matter;
mod model;
mod newest_part;
mod points;
mod priority;
mod scope;
mod stated_level;
mod ticket_type;
pub mod training;
mod word_classes;
mod word_list;

pub use newest_part::newest_part;

use std::ops::Range;

use self::{
    decide::decide, evidence::evidence, fold::Folded, lexicon::Hit, stated_level::StatedLevel, ticket_type::Counts,
};
use super::language;
use crate::domain::Inference;

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
    let model = model::trained();
    let decision = decide(&reading, model);
    Inference {
        ticket_type: decision.ticket_type,
        priority: decision.priority,
        language: language::detect(&newest_part(text)),
        confidence: decision.confidence,
        evidence: evidence(&reading, &decision, model),
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
    /// The same of each point, where the sender counts several.
    points: Vec<Reading>,
}

impl Reading {
    fn of(text: &str) -> Self {
        let mut reading = Self::of_parts(text, &newest_part::newest_ranges(text));
        reading.points = points::points(&reading.folded)
            .iter()
            .map(|point| Self::of_parts(text, std::slice::from_ref(point)))
            .collect();
        reading
    }

    fn of_parts(text: &str, parts: &[Range<usize>]) -> Self {
        let mut folded = fold::fold(text, parts);
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
            points: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Language, Priority, TicketType};

    fn read(text: &str) -> (TicketType, Priority) {
        let read = infer(text);
        (read.ticket_type, read.priority)
    }

    #[test]
    fn the_four_types_are_read_in_both_languages() {
        for (text, kind) in [
            ("Nadie en ninguna sucursal puede cobrar", TicketType::Incident),
            ("All our stores lost the card terminals", TicketType::Incident),
            ("me sale error al guardar la ficha", TicketType::Bug),
            ("The app crashes when I open the calendar", TicketType::Bug),
            (
                "Estaría bueno poder exportar a Excel, hoy no se puede",
                TicketType::FeatureRequest,
            ),
            ("It would be great to have a dark mode", TicketType::FeatureRequest),
            ("¿Cómo cambio mi contraseña?", TicketType::Question),
            ("What are your opening hours?", TicketType::Question),
        ] {
            assert_eq!(infer(text).ticket_type, kind, "{text}");
        }
    }

    #[test]
    fn a_stated_level_wins_over_what_is_described() {
        assert_eq!(infer("P4: nobody in the company can log in").priority, Priority::P4);
        assert_eq!(infer("Prioridad baja. Se cayó todo").priority, Priority::P4);
    }

    #[test]
    fn what_is_quoted_decides_nothing() {
        let (kind, priority) = read("> P0! everything is down for all customers\nThanks, got it!");
        assert_eq!(kind, TicketType::Question);
        assert_eq!(priority, Priority::P5);
    }

    #[test]
    fn outages_and_leaks_are_urgent() {
        assert!(
            read("Se cayó el sistema en todas las tiendas, nadie puede vender")
                .1
                .is_urgent()
        );
        assert!(read("I can see other customers' invoices in my account").1.is_urgent());
        assert!(!read("Gracias por todo!").1.is_urgent());
    }

    #[test]
    fn evidence_points_into_the_text_as_it_was_given() {
        let text = "> ¿anda?\nPrioridad alta: mañana no podrá facturar 😭 y no es un bug";
        let read = infer(text);
        assert_eq!(read.language, Some(Language::Spanish));
        assert_eq!(read.evidence[0].rule, "stated_level");
        assert_eq!(
            read.evidence[0].span.map(|(start, end)| &text[start..end]),
            Some("Prioridad alta")
        );
        assert!(read.evidence.iter().any(|reason| reason.rule == "denied:failure"));
        for reason in read.evidence {
            let (start, end) = reason.span.expect("every reason here has a place");
            assert!(text.get(start..end).is_some(), "{reason:?}");
        }
    }

    #[test]
    fn any_text_is_read() {
        for text in [
            "",
            " ",
            "?",
            "\n\n",
            "...",
            "🙏",
            "\u{301}",
            ">",
            "p",
            "P",
            "prio",
            "日本語のテキスト",
            "a\u{200d}b",
            "ẞİŉ",
        ] {
            let read = infer(text);
            assert!((0.0..=1.0).contains(&read.confidence), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn spans_are_always_within_the_text(text in "(?s)([a-zA-ZñáéíóúÑ0-9 .,?!:>\"'\n🙏]|no |P1|prioridad alta|wrote:\n|escribió:\n|.){0,80}") {
            for reason in infer(&text).evidence {
                if let Some((start, end)) = reason.span {
                    proptest::prop_assert!(text.get(start..end).is_some());
                }
            }
        }
    }
}
