//! How a reply to "it is resolved" is read: thanks, still broken, a question, or another matter altogether.
//!
//! A wrong "thanks" loses a report, so thanks must be all that there is; when in doubt a reply is a question, which a
//! person sees.

use super::infer::{infer, newest_part};
use crate::domain::{Evidence, TicketType};

/// What a reply to a resolution message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReplyKind {
    /// It works, or a courtesy: nothing to do.
    Thanks,
    /// The same thing still fails, or fails again.
    StillBroken,
    /// The reporter wants to know something.
    Question,
    /// Another matter: a ticket of its own.
    NewTopic,
}

impl ReplyKind {
    /// The name on the timeline.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Thanks => "thanks",
            Self::StillBroken => "still_broken",
            Self::Question => "question",
            Self::NewTopic => "new_topic",
        }
    }
}

/// A reply as it was read, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplyReading {
    /// What it is.
    pub kind: ReplyKind,
    /// What decided.
    pub evidence: Vec<Evidence>,
}

/// Phrases that say that it is as it was, or came back. Lower case, without accents, in the order of both languages.
const STILL_BROKEN: &str = "sigue igual, sigue sin, siguen sin, sigo sin, seguimos sin, sigue fallando, sigue pasando, sigue ocurriendo, \
    sigue el problema, sigue el error, sigue roto, sigue saliendo, sigue apareciendo, sigue mal, sigue dando, sigo \
    con, seguimos con, seguimos igual, sigo igual, todavia no, todavia falla, aun no, aun falla, tampoco funciona, \
    no funciono, no quedo, no se arreglo, no se soluciono, no se resolvio, no esta resuelto, no esta solucionado, \
    no esta arreglado, volvio a fallar, volvio a pasar, volvio el error, volvio el problema, vuelve a fallar, \
    vuelve a pasar, otra vez lo mismo, otra vez falla, de nuevo lo mismo, lo mismo de antes, esta igual, \
    exactamente igual, no cambio nada, persiste, continua el, nada que, still broken, still not, still isn't, \
    still isnt, still doesn't, still doesnt, still can't, still cant, still won't, still wont, still fail, still \
    happen, still get, still see, still the same, still hav, still an issue, same problem, same issue, same error, \
    not fixed, isn't fixed, isnt fixed, didn't work, didnt work, it's back again, happening again, happened again, \
    no change";

/// Phrases that open another matter.
const NEW_TOPIC: &str = "otra cosa, otro tema, otro asunto, otro problema, otra consulta, otra duda, otra pregunta, aparte, cambiando \
    de tema, por otro lado, por otra parte, ademas quiero, de paso, aprovecho, ya que estamos, ya que estoy, \
    tambien queria, tambien quiero, nueva solicitud, algo distinto, algo diferente, another thing, another issue, \
    another question, different issue, different thing, something else, separate issue, separate question, \
    separately, unrelated, on another note, one more thing, new issue, while i have you";

/// Phrases that say that it works.
const WORKS: &str = "ya funciona, ya quedo, ya esta, ya pude, ya puedo, ya anda, ya abre, ya entro, ya entre, ya me deja, ya carga, \
    ya me llego, ya llego, ya sale, ya jala, ya se ve, ya aparece, quedo perfecto, quedo bien, quedo listo, \
    funciona bien, funciona perfecto, funciona ahora, funciono, resuelto, solucionado, arreglado, todo bien, todo \
    perfecto, todo ok, todo en orden, perfecto, genial, excelente, buenisimo, works now, working now, works fine, \
    works great, works again, working again, it works, that works, that worked, that did it, all good, all set, \
    sorted, fixed, resolved, solved, perfect, great, awesome, brilliant, confirmed";

/// Phrases of courtesy.
const COURTESY: &str = "gracias, agradec, muy amable, saludos, bendiciones, dios le pague, un abrazo, ok, vale, listo, dale, recibido, \
    thank, thx, cheers, appreciate, much obliged, kudos, ty, 👍, 🙏, ❤, 🙌, 😊";

/// Reads a reply, in Spanish or English. Only its newest part counts, and spans are offsets into the whole of `text`.
///
/// ```
/// use feedback_core::logic::reply::{ReplyKind, read_reply};
/// assert_eq!(read_reply("Sigue igual, gracias").kind, ReplyKind::StillBroken);
/// assert_eq!(read_reply("Works now, thanks!").kind, ReplyKind::Thanks);
/// ```
pub fn read_reply(text: &str) -> ReplyReading {
    let newest = newest_part(text);
    let plain = plain(&newest);
    let inference = infer(text);
    let mut evidence = inference.evidence;
    let kind = if let Some(phrase) = first_of(&plain, NEW_TOPIC).filter(|_| says_more_than_courtesy(&plain)) {
        note(&mut evidence, "new_topic", phrase, text);
        ReplyKind::NewTopic
    } else if let Some(phrase) = first_standing(&plain, STILL_BROKEN) {
        note(&mut evidence, "still_broken", phrase, text);
        ReplyKind::StillBroken
    } else if let Some(phrase) = first_standing(&plain, WORKS) {
        note(&mut evidence, "works", phrase, text);
        // "Ya funciona, pero ahora no imprime": what comes after the turn decides.
        match after_turn(&plain) {
            Some(rest) => kind_of_rest(rest, ReplyKind::NewTopic),
            None if plain.contains('?') => ReplyKind::Question,
            None => ReplyKind::Thanks,
        }
    } else if first_of(&plain, COURTESY).is_some()
        && words(&plain) <= 12
        && !plain.contains('?')
        && is_idle(inference.ticket_type)
    {
        note(
            &mut evidence,
            "courtesy",
            first_of(&plain, COURTESY).unwrap_or_default(),
            text,
        );
        ReplyKind::Thanks
    } else {
        by_type(inference.ticket_type)
    };
    ReplyReading { kind, evidence }
}

/// A complaint in answer to "it is resolved" says that it is not; a wish is another matter.
const fn by_type(ticket_type: TicketType) -> ReplyKind {
    match ticket_type {
        TicketType::Incident | TicketType::Bug => ReplyKind::StillBroken,
        TicketType::FeatureRequest => ReplyKind::NewTopic,
        TicketType::Question => ReplyKind::Question,
    }
}

fn is_idle(ticket_type: TicketType) -> bool {
    matches!(ticket_type, TicketType::Question)
}

fn kind_of_rest(rest: &str, fails: ReplyKind) -> ReplyKind {
    match infer(rest).ticket_type {
        _ if first_of(rest, COURTESY).is_some() && words(rest) <= 4 => ReplyKind::Thanks,
        TicketType::Incident | TicketType::Bug => fails,
        TicketType::FeatureRequest => ReplyKind::NewTopic,
        TicketType::Question => ReplyKind::Question,
    }
}

/// Lower case, without accents, apostrophes as typed on a phone.
fn plain(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'á' | 'à' => 'a',
            'é' | 'è' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            '’' => '\'',
            other => other,
        })
        .collect()
}

/// The first phrase that stands in the text as words of its own, or starts one.
fn first_of<'p>(plain: &str, phrases: &'p str) -> Option<&'p str> {
    phrases.split(", ").find(|phrase| position(plain, phrase).is_some())
}

/// As [`first_of`], but a phrase right behind a denial ("ya no sigue igual", "not fixed") does not stand.
fn first_standing<'p>(plain: &str, phrases: &'p str) -> Option<&'p str> {
    phrases.split(", ").find(|phrase| {
        position(plain, phrase).is_some_and(|at| {
            let before = plain[..at].trim_end();
            !["no", "not", "isn't", "isnt", "nunca", "never", "nada", "ni"]
                .iter()
                .any(|denial| {
                    before
                        .strip_suffix(denial)
                        .is_some_and(|rest| rest.is_empty() || rest.ends_with(|c: char| !c.is_alphanumeric()))
                })
        })
    })
}

fn position(plain: &str, phrase: &str) -> Option<usize> {
    plain
        .match_indices(phrase)
        .map(|(at, _)| at)
        .find(|&at| !plain[..at].ends_with(char::is_alphanumeric))
}

fn after_turn(plain: &str) -> Option<&str> {
    [
        " pero ",
        " aunque ",
        " sin embargo ",
        " but ",
        " however ",
        " although ",
        " except ",
    ]
    .iter()
    .filter_map(|turn| plain.find(turn).map(|at| &plain[at + turn.len()..]))
    .next()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn says_more_than_courtesy(plain: &str) -> bool {
    words(plain) > 3
}

/// Puts what decided first. The phrase is ours, not the reporter's; its place is only known where folding kept the bytes.
fn note(evidence: &mut Vec<Evidence>, rule: &str, phrase: &str, text: &str) {
    let lower = text.to_lowercase();
    let span = (lower.len() == text.len())
        .then(|| lower.find(phrase))
        .flatten()
        .map(|at| (at, at + phrase.len()))
        .filter(|&(start, end)| text.is_char_boundary(start) && text.is_char_boundary(end));
    evidence.insert(
        0,
        Evidence {
            rule: format!("reply:{rule}"),
            span,
            effect: rule.replace('_', " "),
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_in_both_languages() {
        for (text, kind) in [
            ("Gracias, ya quedó!", ReplyKind::Thanks),
            ("perfecto, mil gracias 🙏", ReplyKind::Thanks),
            ("Works now, thank you", ReplyKind::Thanks),
            ("thx 👍", ReplyKind::Thanks),
            ("Sigue igual", ReplyKind::StillBroken),
            ("Gracias pero todavía no me deja entrar", ReplyKind::StillBroken),
            ("It's still not loading", ReplyKind::StillBroken),
            ("not fixed", ReplyKind::StillBroken),
            ("No funciona", ReplyKind::StillBroken),
            ("¿Cuándo se publica?", ReplyKind::Question),
            ("How do I update the app?", ReplyKind::Question),
            ("Gracias. Otra cosa: ¿se puede exportar a Excel?", ReplyKind::NewTopic),
            (
                "Thanks! Unrelated, but the logo is missing from invoices",
                ReplyKind::NewTopic,
            ),
        ] {
            assert_eq!(read_reply(text).kind, kind, "{text}");
        }
    }

    #[test]
    fn what_the_reply_quotes_does_not_count() {
        assert_eq!(
            read_reply("Gracias!\n> sigue igual, no abre nada").kind,
            ReplyKind::Thanks
        );
    }
}
