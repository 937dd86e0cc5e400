//! Words by which a person asks not to be written to, or to be written to again.
//!
//! Only a message that is nothing else counts: "please stop the double charge" is a report. The words are those that
//! carriers and WhatsApp businesses agree on in English and Spanish; a provider's own opt-out is another matter and
//! comes as its own event.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// What a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContactWish {
    /// Not to be written to.
    OptOut,
    /// To be written to again.
    OptIn,
}

/// Whole messages, folded: lower case, without accents, punctuation and doubled spaces.
const OPT_OUT: &[&str] = &[
    "alto",
    "baja",
    "basta",
    "cancelar suscripcion",
    "cancelar",
    "dar de baja",
    "darme de baja",
    "dejen de escribirme",
    "deja de escribirme",
    "dejar de recibir mensajes",
    "desuscribir",
    "desuscribirme",
    "do not contact me",
    "dont contact me",
    "dont message me",
    "dont write to me",
    "end",
    "no contactar",
    "no me contacten",
    "no me contacten mas",
    "no me escriban",
    "no me escriban mas",
    "no me escribas mas",
    "no me manden mas mensajes",
    "no mas mensajes",
    "no quiero mas mensajes",
    "no quiero recibir mas mensajes",
    "no quiero recibir mensajes",
    "opt out",
    "optout",
    "parar",
    "please stop",
    "please stop messaging me",
    "please unsubscribe",
    "please unsubscribe me",
    "quit",
    "quiero darme de baja",
    "salir",
    "stop",
    "stop all",
    "stop contacting me",
    "stop messaging me",
    "stop please",
    "stop texting me",
    "stop writing to me",
    "stopall",
    "unsubscribe",
    "unsubscribe me",
];

const OPT_IN: &[&str] = &[
    "alta",
    "darme de alta",
    "opt in",
    "optin",
    "quiero recibir mensajes",
    "start",
    "subscribe",
    "suscribir",
    "suscribirme",
    "unstop",
];

/// Longer messages say something else. The longest phrase above has 33 letters.
const MAX_BYTES: usize = 120;

/// Pure: what a message asks for, if it asks for that alone.
///
/// ```
/// use feedback_core::logic::opt_out::{contact_wish, ContactWish};
/// assert_eq!(contact_wish("¡BAJA!"), Some(ContactWish::OptOut));
/// assert_eq!(contact_wish("please stop the double charge"), None);
/// ```
pub fn contact_wish(text: &str) -> Option<ContactWish> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let folded = folded(text);
    if OPT_OUT.contains(&folded.as_str()) {
        Some(ContactWish::OptOut)
    } else if OPT_IN.contains(&folded.as_str()) {
        Some(ContactWish::OptIn)
    } else {
        None
    }
}

fn folded(text: &str) -> String {
    let plain = text
        .nfkd()
        .filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '’'));
    let spaced: String = plain.map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    spaced.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_alone_is_a_wish_however_it_is_written() {
        for text in [
            "BAJA",
            "baja.",
            " Baja ",
            "STOP!",
            "Ｓtop",
            "\"STOP\"",
            "Don't contact me",
            "don’t message me",
            "No me escriban más.",
        ] {
            assert_eq!(contact_wish(text), Some(ContactWish::OptOut), "{text}");
        }
        for text in ["ALTA", "start", "Unstop"] {
            assert_eq!(contact_wish(text), Some(ContactWish::OptIn), "{text}");
        }
    }

    #[test]
    fn the_word_within_a_report_is_none() {
        for text in [
            "la app se da de baja sola",
            "quiero dar de baja un usuario y no me deja",
            "the stop button does nothing",
            "cancelar el pedido 1042",
            "cannot unsubscribe from the newsletter",
            "",
            "🙂",
        ] {
            assert_eq!(contact_wish(text), None, "{text}");
        }
    }

    #[test]
    fn phrases_are_folded_as_messages_are() {
        for phrase in OPT_OUT.iter().chain(OPT_IN) {
            assert_eq!(folded(phrase), *phrase);
        }
    }
}
