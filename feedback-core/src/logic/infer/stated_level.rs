//! A level that the sender states: "P1", "prio 2", "sev 0", "prioridad alta", "low priority".
//!
//! It sets the priority, unless it is denied, asked about, quoted, or about another ticket.

use super::{fold::Folded, word_list::WordList};
use crate::domain::Priority;

/// A level and the tokens that state it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StatedLevel {
    /// The level.
    pub(super) priority: Priority,
    /// Its first token.
    pub(super) first: usize,
    /// The token after its last.
    pub(super) end: usize,
    /// Why it does not count; `None` where it does.
    pub(super) discounted: Option<Discounted>,
}

/// Why a level that was named does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Discounted {
    /// "no es P1"
    Denied,
    /// "¿esto sería P1?"
    Asked,
    /// Between quotation marks.
    Quoted,
    /// "the P1 from yesterday", "P2s"
    AboutAnother,
}

impl Discounted {
    /// The name in evidence.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Asked => "asked",
            Self::Quoted => "quoted",
            Self::AboutAnother => "about_another",
        }
    }
}

/// Words that introduce a level.
const HEADS: [&str; 9] = [
    "prioridad",
    "priority",
    "prio",
    "sev",
    "severity",
    "severidad",
    "gravedad",
    "urgency level",
    "criticidad",
];

/// Every level that the text names, in order.
pub(super) fn named_levels(folded: &Folded) -> Vec<StatedLevel> {
    let mut levels = Vec::new();
    let mut at = 0;
    while at < folded.tokens().len() {
        match level_at(folded, at) {
            Some((priority, end)) => {
                levels.push(StatedLevel {
                    priority,
                    first: at,
                    end,
                    discounted: discounted(folded, at, end),
                });
                at = end;
            }
            None => at += 1,
        }
    }
    discount_denied(&mut levels);
    levels
}

/// "My boss calls it a P0. It is not a P0": a level that is denied once is not meant where it is named before.
fn discount_denied(levels: &mut [StatedLevel]) {
    for at in 1..levels.len() {
        let denied = levels[at];
        if denied.discounted == Some(Discounted::Denied) {
            levels[..at]
                .iter_mut()
                .filter(|level| level.priority == denied.priority && level.discounted.is_none())
                .for_each(|level| level.discounted = Some(Discounted::Denied));
        }
    }
}

/// The level that sets the priority, if one does.
pub(super) fn stated(levels: &[StatedLevel]) -> Option<StatedLevel> {
    levels.iter().copied().find(|level| level.discounted.is_none())
}

/// The level that starts at a token, and the token after it.
fn level_at(folded: &Folded, at: usize) -> Option<(Priority, usize)> {
    let word = folded.word(at);
    if let Some(priority) = compact(word) {
        return Some((priority, at + 1));
    }
    if is_head(word) {
        // "prioridad: alta", "priority is high", "la prioridad es alta", "prioridad del caso: alta"
        let mut next = at + 1;
        while next < at + 4
            && matches!(
                folded.word(next),
                "," | "is" | "es" | "level" | "nivel" | "del" | "caso" | "muy" | "very" | "de"
            )
        {
            next += 1;
        }
        let value = folded.word(next);
        return digit(value)
            .or_else(|| named(value))
            .or_else(|| compact(value))
            .map(|priority| (priority, next + 1));
    }
    // "alta prioridad", "high priority"
    if is_head(folded.word(at + 1))
        && let Some(priority) = named(word)
    {
        return Some((priority, at + 2));
    }
    // "p 1" and "p-1"
    if word == "p"
        && let Some(priority) = digit(folded.word(at + 1))
    {
        return Some((priority, at + 2));
    }
    None
}

fn is_head(word: &str) -> bool {
    matches!(word.as_bytes(), [b'p' | b's' | b'g' | b'u' | b'c', ..]) && HEADS.contains(&word)
}

/// "p1", "prio1", "sev0".
fn compact(word: &str) -> Option<Priority> {
    if !word.ends_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let value = ["prioridad", "priority", "prio", "sev", "p"]
        .into_iter()
        .find_map(|head| word.strip_prefix(head))?;
    digit(value)
}

fn digit(word: &str) -> Option<Priority> {
    match word.as_bytes() {
        [level @ b'0'..=b'5'] => Priority::ALL.get(usize::from(level - b'0')).copied(),
        _ => None,
    }
}

fn named(word: &str) -> Option<Priority> {
    Some(match word {
        "critica" | "critico" | "critical" | "blocker" | "maxima" | "maximo" | "highest" | "bloqueante" | "top" => {
            Priority::P0
        }
        "alta" | "alto" | "high" => Priority::P1,
        "media" | "medio" | "medium" => Priority::P2,
        "normal" => Priority::P3,
        "baja" | "bajo" | "low" => Priority::P4,
        "minima" | "minimo" | "trivial" | "lowest" => Priority::P5,
        _ => return None,
    })
}

fn discounted(folded: &Folded, first: usize, end: usize) -> Option<Discounted> {
    if is_other_after(folded.word(end)) || (first > 0 && is_other_before(folded.word(first - 1))) {
        return Some(Discounted::AboutAnother);
    }
    // "the P1 from yesterday", "el P2 de la semana pasada", "el P1 del lunes": a level with an article and an origin.
    let has_article = first > 0
        && matches!(
            folded.word(first - 1),
            "the" | "el" | "del" | "al" | "that" | "ese" | "aquel"
        );
    if has_article && compact(folded.word(first)).is_some() {
        return Some(Discounted::AboutAnother);
    }
    if is_denied(folded, first) {
        return Some(Discounted::Denied);
    }
    let quotes_before = (0..first).filter(|&at| folded.word(at) == "\"").count();
    if quotes_before % 2 == 1 && (end..folded.tokens().len()).any(|at| folded.word(at) == "\"") {
        return Some(Discounted::Quoted);
    }
    if is_asked(folded, first, end) {
        return Some(Discounted::Asked);
    }
    None
}

fn is_denied(folded: &Folded, first: usize) -> bool {
    (1..=4.min(first))
        .map(|back| folded.word(first - back))
        .take_while(|word| {
            !matches!(
                *word,
                "." | "," | "?" | "but" | "pero" | "sino" | "its" | "more" | "mas"
            )
        })
        .any(is_denial)
}

/// The clause of the level ends in a question mark, and the level does not stand before the clause as a heading.
fn is_asked(folded: &Folded, first: usize, end: usize) -> bool {
    let starts_sentence = first == 0 || matches!(folded.word(first - 1), "." | "?");
    let is_heading = starts_sentence && matches!(folded.word(end), "," | "." | "");
    // "P1 please: which certificate do we need?"
    let has_reason = first == 0
        && matches!(
            folded.word(end),
            "please" | "porfavor" | "por" | "porque" | "because" | "for" | "para" | "since" | "ya"
        )
        && (end..folded.tokens().len())
            .map(|at| folded.word(at))
            .find(|word| matches!(*word, "," | "." | "?"))
            .is_some_and(|word| word != "?")
        && !(end..folded.tokens().len()).any(|at| compact(folded.word(at)).is_some());
    if is_heading || has_reason {
        return false;
    }
    (end..folded.tokens().len())
        .map(|at| folded.word(at))
        .find(|word| matches!(*word, "." | "?"))
        == Some("?")
}

/// Words that say that a level is meant of something else: a place, a product, a list, an earlier ticket.
fn is_other_before(word: &str) -> bool {
    static WORDS: WordList = WordList::new(
        "all another any aula bay between by cada caja camara camera column columna cualquier define definir door \
        entre estacionamiento every filter filtrar filtro flag form formulario gate had hubo impresora las last \
        level los model modelo nivel nuestro nuestros of ordenar other otra otro our parking piso plan planta \
        por port previous printer puerta room sala separate sort tuvimos yesterdays zona zone",
    );
    WORDS.has(word)
}

fn is_other_after(word: &str) -> bool {
    static WORDS: WordList = WordList::new(
        "alertas alerts anterior ayer badge boarding canal cases casos channel clientes cola column columna \
        customers etiqueta filter filtro flag issues item items label lane last list lista mail mode modo orders \
        pasada pasado previa previo queue response sla soporte support tag ticket tickets yesterday",
    );
    WORDS.has(word)
}

/// Denials that stand close before a level.
fn is_denial(word: &str) -> bool {
    static WORDS: WordList = WordList::new(
        "arent cant doesnt dont hardly isnt lejos never ni no nor not nunca sin tampoco than wasnt wouldnt",
    );
    WORDS.has(word)
}

#[cfg(test)]
mod tests {
    use super::{super::fold::fold, *};

    fn read(text: &str) -> Option<Priority> {
        stated(&named_levels(&fold(text, std::slice::from_ref(&(0..text.len()))))).map(|level| level.priority)
    }

    #[test]
    fn levels_are_read_in_both_languages() {
        for (text, level) in [
            ("P1: no timbra", Priority::P1),
            ("prio 2, exports hang", Priority::P2),
            ("sev-0 everyone out", Priority::P0),
            ("Sev 3 please", Priority::P3),
            ("Prioridad alta. No abre", Priority::P1),
            ("Prioridad: crítica", Priority::P0),
            ("Marked as low priority", Priority::P4),
            ("es de prioridad mínima", Priority::P5),
            ("lo marco como P4", Priority::P4),
            ("The priority is medium", Priority::P2),
            ("Severidad máxima, no pasa nada", Priority::P0),
            ("P2 because the auditor asks: where are the logs kept?", Priority::P2),
            ("P1 por favor: ¿qué firma lleva el anexo?", Priority::P1),
        ] {
            assert_eq!(read(text), Some(level), "{text}");
        }
    }

    #[test]
    fn levels_that_are_denied_asked_quoted_or_of_others_do_not_count() {
        for text in [
            "no es P1 pero molesta",
            "I would not call it a P1",
            "¿esto sería P1?",
            "What response time do we promise for P2s?",
            "¿Quién decide si algo es P1, soporte o producto?",
            "the P1 from yesterday is still open",
            "Filter by high priority",
            "el cartel dice \"prioridad alta\" en rojo",
            "tráfico medio y alta demanda",
            "Sales call this a P1. It isn't a P1, the label is crooked.",
            "P1 for this, or is P2 enough?",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn after_a_denied_level_the_meant_one_counts() {
        assert_eq!(read("No es P1, es P3"), Some(Priority::P3));
        assert_eq!(read("not a P0, more like P2"), Some(Priority::P2));
    }
}
