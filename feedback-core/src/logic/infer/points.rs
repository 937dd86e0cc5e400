//! Several matters in one message: each is read alone, and the most urgent one speaks for the message.
//!
//! Only where the sender counts them ("first … second", "1) … 2) …", "two things: …"). Elsewhere the sentences of a message
//! are about one matter, and read apart they would say less, not more.

use std::ops::Range;

use super::fold::Folded;

/// A longer text is a report or a log: what is numbered there are steps and lines.
const MOST_TOKENS: usize = 100;
/// A point of fewer tokens says too little to speak for the message.
const LEAST_TOKENS: usize = 4;

/// Where the points stand in the text that was folded; none where the sender counts none.
pub(super) fn points(folded: &Folded) -> Vec<Range<usize>> {
    let tokens = folded.tokens().len();
    if tokens > MOST_TOKENS || (0..tokens).any(|at| is_about_steps(folded.word(at))) {
        return Vec::new();
    }
    let starts: Vec<usize> = (0..tokens).filter(|&at| opens_point(folded, at)).collect();
    let marks: Vec<usize> = if starts.len() > 1 {
        starts
    } else if announces_points(folded) {
        (0..tokens)
            .filter(|&at| at == 0 || ends_sentence(folded, at - 1))
            .collect()
    } else {
        return Vec::new();
    };
    let ends = marks.iter().skip(1).copied().chain([tokens]);
    marks
        .iter()
        .copied()
        .zip(ends)
        .filter(|(start, end)| end - start >= LEAST_TOKENS)
        .filter_map(|(start, end)| {
            let tokens = folded.tokens().get(start..end)?;
            Some(tokens.first()?.source.0..tokens.last()?.source.1)
        })
        .collect()
}

fn ends_sentence(folded: &Folded, at: usize) -> bool {
    matches!(folded.word(at), "." | "?")
}

/// Numbers behind these count what was done, not what is the matter.
fn is_about_steps(word: &str) -> bool {
    matches!(
        word,
        "steps" | "step" | "pasos" | "paso" | "reproduce" | "reproducir" | "expected" | "esperado"
    )
}

/// "First, …", "Segundo, …", "2) …", "3. …": a word or number that counts, at the beginning of a clause.
fn opens_point(folded: &Folded, at: usize) -> bool {
    let is_ordinal = matches!(
        folded.word(at),
        "first"
            | "firstly"
            | "second"
            | "secondly"
            | "third"
            | "thirdly"
            | "lastly"
            | "finally"
            | "primero"
            | "segundo"
            | "tercero"
            | "ultimo"
    );
    let is_number = matches!(folded.word(at), "1" | "2" | "3" | "4" | "5");
    if is_ordinal {
        let begins = at == 0 || matches!(folded.word(at - 1), "." | "?" | "," | "y" | "and");
        return begins && matches!(folded.word(at + 1), "," | "the" | "of");
    }
    is_number && matches!(folded.word(at + 1), "," | ".")
}

/// "Two things: …", "Les paso dos cosas: …", "tres temas …": in the first clauses of the message.
fn announces_points(folded: &Folded) -> bool {
    (0..folded.tokens().len().min(12)).any(|at| {
        matches!(
            folded.word(at),
            "two"
                | "three"
                | "four"
                | "couple"
                | "several"
                | "few"
                | "dos"
                | "tres"
                | "cuatro"
                | "par"
                | "varias"
                | "varios"
        ) && (at + 1..at + 4).any(|noun| {
            matches!(
                folded.word(noun),
                "things"
                    | "points"
                    | "items"
                    | "issues"
                    | "topics"
                    | "cosas"
                    | "cositas"
                    | "temas"
                    | "puntos"
                    | "asuntos"
            ) && matches!(folded.word(noun + 1), "," | ".")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{super::fold::fold, *};

    fn read(text: &str) -> Vec<&str> {
        points(&fold(text, std::slice::from_ref(&(0..text.len()))))
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn counted_points_are_told_apart() {
        assert_eq!(
            read("Hi! 1) love the new theme 2) the printer eats every label"),
            ["1) love the new theme", "2) the printer eats every label"]
        );
        assert_eq!(
            read("Primero, gracias por el curso. Segundo, no entra ningún pago."),
            ["Primero, gracias por el curso.", "Segundo, no entra ningún pago."]
        );
        assert_eq!(read("Two things: is it open on Monday? The till is dead.").len(), 2);
    }

    #[test]
    fn sentences_that_nobody_counts_stay_together() {
        assert!(read("The till is dead. I tried twice. We write on paper.").is_empty());
        assert!(read("On the first floor two things fell down").is_empty());
        assert!(read("Versión 1, la primera").is_empty());
        assert!(read("Steps: 1. open the gallery 2. swipe twice quickly").is_empty());
    }
}
