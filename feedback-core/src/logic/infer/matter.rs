//! What a letter is about, apart from how it begins and ends: greetings, who writes, thanks in advance.
//!
//! In a short chat message every word counts. In a letter, courtesies outweigh the one sentence that matters.

use std::ops::Range;

use super::{
    fold::Folded,
    lexicon::{Hit, Topic},
};

/// From so many sentences on a message is read as a letter.
const LETTER_SENTENCES: usize = 3;
/// Within so many tokens the colon or comma of a salutation stands.
const SALUTATION_TOKENS: usize = 6;

/// Where the sentences stand, in the text that was folded, that are more than courtesy; `None` where the message is short,
/// or all of it is courtesy, or nothing of it.
pub(super) fn without_courtesies(folded: &Folded, hits: &[Hit]) -> Option<Vec<Range<usize>>> {
    let sentences = sentences(folded, hits);
    if sentences.len() < LETTER_SENTENCES {
        return None;
    }
    let kept: Vec<Range<usize>> = sentences
        .iter()
        .filter(|sentence| !is_courtesy(folded, hits, sentence))
        .filter_map(|sentence| {
            let tokens = folded.tokens().get((*sentence).clone())?;
            Some(tokens.first()?.source.0..tokens.last()?.source.1)
        })
        .collect();
    (!kept.is_empty() && kept.len() < sentences.len()).then_some(kept)
}

/// Runs of tokens that end in a mark. The salutation ends at its colon or comma: "Estimados: ayer alguien entró…" is not
/// all courtesy.
fn sentences(folded: &Folded, hits: &[Hit]) -> Vec<Range<usize>> {
    let greets = hits
        .first()
        .is_some_and(|hit| hit.first == 0 && hit.topic == Topic::Courtesy);
    let salutation = (0..SALUTATION_TOKENS).find(|&at| greets && folded.word(at) == ",");
    let mut sentences = Vec::new();
    let mut start = 0;
    for at in 0..folded.tokens().len() {
        if matches!(folded.word(at), "." | "?") || salutation == Some(at) {
            sentences.push(start..at + 1);
            start = at + 1;
        }
    }
    if start < folded.tokens().len() {
        sentences.push(start..folded.tokens().len());
    }
    sentences
}

/// Whether a sentence greets or thanks and says nothing else; a signature of a word or two is one too.
fn is_courtesy(folded: &Folded, hits: &[Hit], sentence: &Range<usize>) -> bool {
    let within = || {
        hits.iter()
            .filter(|hit| sentence.contains(&hit.first) && !hit.is_denied)
    };
    if within().any(|hit| is_matter(hit.topic)) || folded.word(sentence.end - 1) == "?" {
        return false;
    }
    let is_signature = sentence.len() <= 3 && sentence.end == folded.tokens().len() && within().count() == 0;
    is_signature || within().any(|hit| matches!(hit.topic, Topic::Courtesy | Topic::Thanks))
}

/// Topics that are more than courtesy.
const fn is_matter(topic: Topic) -> bool {
    !matches!(
        topic,
        Topic::Courtesy
            | Topic::Thanks
            | Topic::Praise
            | Topic::Crowd
            | Topic::Person
            | Topic::Deadline
            | Topic::Danger
            | Topic::Money
    )
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fold::fold, lexicon},
        *,
    };

    fn matter(text: &str) -> Option<String> {
        let folded = fold(text, std::slice::from_ref(&(0..text.len())));
        let kept = without_courtesies(&folded, &lexicon::hits(&folded))?;
        Some(kept.into_iter().map(|range| &text[range]).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_letter_is_read_without_its_courtesies() {
        let letter = "Dear all. I hope you are well. The rota prints the wrong heading. Kind regards. Pauline";
        assert_eq!(matter(letter).as_deref(), Some("The rota prints the wrong heading."));
    }

    #[test]
    fn what_follows_a_salutation_is_no_courtesy() {
        let letter = "Estimado equipo: anoche una persona ajena movió fondos. Pedimos ayuda. Saludos cordiales. Inés";
        assert!(matter(letter).is_some_and(|kept| kept.starts_with("anoche una persona ajena")));
    }

    #[test]
    fn thanks_alone_and_short_messages_are_read_whole() {
        assert_eq!(matter("Mil gracias. Un abrazo. Saludos."), None);
        assert_eq!(matter("Hola. No abre."), None);
    }
}
