//! A draft out of the report and the engineers' notes: a greeting, what was reported, what changed, and a way back.

use async_trait::async_trait;
use feedback_core::{
    domain::{Language, TicketType},
    logic::language::detect,
    ports::{ChangelogWriter, Draft, DraftRequest, PortError},
};

use crate::{
    LocalAi,
    features::digest,
    made_by,
    plain::{readable_sentences, without_markup},
    sentences::cut,
};

const RULES: &str = "local-extracts-1";
const MAX_QUOTE_CHARS: usize = 160;
const MAX_NOTES_CHARS: usize = 700;
/// More of the notes is more than a customer reads.
const MAX_NOTE_SENTENCES: usize = 4;

#[async_trait]
impl ChangelogWriter for LocalAi {
    async fn draft(&self, request: &DraftRequest) -> Result<Draft, PortError> {
        Ok(Draft {
            text: text(request),
            made_by: made_by(RULES),
        })
    }
}

/// Sentences that say one thing in several ways: the same request always gets the same one, different reports of one
/// person do not all sound alike.
struct Phrases {
    greeting: &'static [&'static str],
    /// With `{}` for what was reported.
    reported: &'static [&'static str],
    /// What the state of the matter is.
    outcome: &'static [&'static str],
    /// With `{}` for the notes.
    notes: &'static [&'static str],
    /// In place of notes that a customer cannot read, or that nobody wrote.
    without_notes: &'static [&'static str],
    closing: &'static [&'static str],
}

fn text(request: &DraftRequest) -> String {
    let phrases = phrases(request.language, request.ticket_type);
    let seed = digest(&format!(
        "{}\n{}\n{}",
        request.title, request.description, request.resolution_notes
    ));
    let pick =
        |of: &[&'static str], turn: u32| of[usize::try_from(seed.rotate_left(turn) % of.len() as u64).unwrap_or(0)];
    let mut paragraphs = vec![pick(phrases.greeting, 0).to_owned()];
    let quote = quote(request);
    if !quote.is_empty() {
        paragraphs.push(pick(phrases.reported, 13).replacen("{}", &quote, 1));
    }
    let notes = notes(request);
    let explained = if notes.is_empty() {
        pick(phrases.without_notes, 29).to_owned()
    } else {
        pick(phrases.notes, 29).replacen("{}", &notes, 1)
    };
    paragraphs.push(format!("{} {explained}", pick(phrases.outcome, 41)));
    paragraphs.push(pick(phrases.closing, 53).to_owned());
    paragraphs.join("\n\n")
}

/// What was reported, short: the title, or the beginning of the report where there is none.
fn quote(request: &DraftRequest) -> String {
    let title = without_markup(request.title.as_str());
    let words = if title.is_empty() {
        without_markup(request.description.as_str())
    } else {
        title
    };
    let quoted = cut(&words, MAX_QUOTE_CHARS);
    quoted
        .trim_end_matches(['.', ' '])
        .replace(['"', '“', '”', '«', '»'], "'")
}

/// What of the notes the reporter can read. Nothing here translates: notes in the other language are left out.
fn notes(request: &DraftRequest) -> String {
    let notes = request.resolution_notes.as_str();
    if detect(notes).is_some_and(|language| language != request.language) {
        return String::new();
    }
    let sentences: Vec<String> = readable_sentences(notes, MAX_NOTE_SENTENCES)
        .iter()
        .map(|sentence| sentence_case(sentence))
        .collect();
    cut(&sentences.join(" "), MAX_NOTES_CHARS)
}

/// A capital in front and a mark at the end: notes are written in a hurry.
fn sentence_case(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let mut cased: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(chars)
        .collect();
    if !cased.ends_with(['.', '!', '?', '…']) {
        cased = cased.trim_end_matches([',', ';', ':']).to_owned();
        cased.push('.');
    }
    cased
}

fn phrases(language: Language, ticket_type: TicketType) -> Phrases {
    match language {
        Language::Spanish => spanish(ticket_type),
        Language::English => english(ticket_type),
    }
}

fn spanish(ticket_type: TicketType) -> Phrases {
    let fixed: &[&str] = &[
        "Si algo sigue sin ir bien, responde a este mensaje y lo miramos.",
        "Si te vuelve a pasar, cuéntanoslo por aquí y lo revisamos.",
        "¿Sigue fallando? Responde a este mensaje y seguimos con ello.",
    ];
    Phrases {
        greeting: match ticket_type {
            TicketType::FeatureRequest => &[
                "Hola, gracias por tu idea.",
                "Hola, gracias por proponérnoslo.",
                "Hola, gracias por ayudarnos a mejorar.",
            ],
            TicketType::Question => &[
                "Hola, gracias por tu consulta.",
                "Hola, gracias por escribirnos.",
                "Hola, gracias por preguntarnos.",
            ],
            TicketType::Incident => &[
                "Hola, gracias por avisarnos y por tu paciencia.",
                "Hola, gracias por el aviso. Sentimos las molestias.",
                "Hola, sentimos lo ocurrido y te agradecemos el aviso.",
            ],
            TicketType::Bug => &[
                "Hola, gracias por avisarnos.",
                "Hola, gracias por contárnoslo.",
                "Hola, te agradecemos que nos avisaras.",
            ],
        },
        reported: match ticket_type {
            TicketType::FeatureRequest => &["Nos pediste: «{}».", "Esto es lo que nos propusiste: «{}»."],
            TicketType::Question => &["Nos preguntaste: «{}».", "Esta era tu consulta: «{}»."],
            TicketType::Bug | TicketType::Incident => &[
                "Nos contaste: «{}».",
                "Esto es lo que nos dijiste: «{}».",
                "Nos avisaste de lo siguiente: «{}».",
            ],
        },
        outcome: match ticket_type {
            TicketType::FeatureRequest => &["Ya está disponible.", "Ya lo tienes.", "Ya forma parte del producto."],
            TicketType::Question => &["Lo hemos revisado.", "Ya tenemos una respuesta."],
            TicketType::Incident => &[
                "El problema está resuelto y todo vuelve a funcionar.",
                "Ya está solucionado.",
                "El servicio vuelve a funcionar con normalidad.",
            ],
            TicketType::Bug => &[
                "Ya está corregido.",
                "Ya lo hemos arreglado.",
                "El problema está resuelto.",
            ],
        },
        notes: match ticket_type {
            TicketType::Question => &["{}", "Esto es lo que te podemos decir: {}"],
            TicketType::FeatureRequest => &["Qué es nuevo: {}", "En concreto: {}"],
            TicketType::Bug | TicketType::Incident => {
                &["Esto es lo que cambió: {}", "Qué hicimos: {}", "En pocas palabras: {}"]
            }
        },
        without_notes: match ticket_type {
            TicketType::FeatureRequest => &[
                "Puedes usarlo desde ahora.",
                "No tienes que hacer nada para empezar a usarlo.",
            ],
            TicketType::Question => &[
                "Nuestro equipo atendió tu consulta.",
                "Nuestro equipo dio tu consulta por resuelta.",
            ],
            TicketType::Bug | TicketType::Incident => &[
                "Nuestro equipo encontró la causa y la corrigió.",
                "No tienes que hacer nada más.",
            ],
        },
        closing: match ticket_type {
            TicketType::FeatureRequest => &[
                "Si le falta algo, responde a este mensaje: nos ayuda mucho.",
                "Cuéntanos por aquí qué te parece.",
            ],
            TicketType::Question => &[
                "Si te queda alguna duda, responde a este mensaje.",
                "Para cualquier otra duda, escríbenos por aquí.",
            ],
            TicketType::Bug | TicketType::Incident => fixed,
        },
    }
}

fn english(ticket_type: TicketType) -> Phrases {
    let fixed: &[&str] = &[
        "If anything is still not right, reply to this message and we will look at it.",
        "If it happens again, tell us here and we will check.",
        "Still seeing it? Reply to this message and we will go on with it.",
    ];
    Phrases {
        greeting: match ticket_type {
            TicketType::FeatureRequest => &[
                "Hi, thank you for your idea.",
                "Hi, thanks for suggesting this.",
                "Hi, thank you for helping us improve.",
            ],
            TicketType::Question => &[
                "Hi, thank you for your question.",
                "Hi, thanks for writing to us.",
                "Hi, thanks for asking.",
            ],
            TicketType::Incident => &[
                "Hi, thank you for telling us, and for your patience.",
                "Hi, thanks for the warning. We are sorry for the trouble.",
                "Hi, we are sorry about what happened, and thank you for telling us.",
            ],
            TicketType::Bug => &[
                "Hi, thank you for telling us.",
                "Hi, thanks for letting us know.",
                "Hi, we are glad that you told us.",
            ],
        },
        reported: match ticket_type {
            TicketType::FeatureRequest => &["You asked for: “{}”.", "This is what you suggested: “{}”."],
            TicketType::Question => &["You asked: “{}”.", "This was your question: “{}”."],
            TicketType::Bug | TicketType::Incident => &[
                "You wrote: “{}”.",
                "This is what you told us: “{}”.",
                "You reported the following: “{}”.",
            ],
        },
        outcome: match ticket_type {
            TicketType::FeatureRequest => &[
                "It is available now.",
                "You have it now.",
                "It is part of the product now.",
            ],
            TicketType::Question => &["We have looked into it.", "We have an answer now."],
            TicketType::Incident => &[
                "The problem is solved and everything works again.",
                "It is solved now.",
                "The service is back to normal.",
            ],
            TicketType::Bug => &["It is fixed now.", "We have fixed it.", "The problem is solved."],
        },
        notes: match ticket_type {
            TicketType::Question => &["{}", "This is what we can tell you: {}"],
            TicketType::FeatureRequest => &["What is new: {}", "In detail: {}"],
            TicketType::Bug | TicketType::Incident => &["This is what changed: {}", "What we did: {}", "In short: {}"],
        },
        without_notes: match ticket_type {
            TicketType::FeatureRequest => &[
                "You can use it from now on.",
                "There is nothing that you need to do to start using it.",
            ],
            TicketType::Question => &[
                "Our team has taken care of your question.",
                "Our team considers your question answered.",
            ],
            TicketType::Bug | TicketType::Incident => &[
                "Our team found the cause and corrected it.",
                "There is nothing else that you need to do.",
            ],
        },
        closing: match ticket_type {
            TicketType::FeatureRequest => &[
                "If something is missing, reply to this message: it helps us a lot.",
                "Tell us here what you think of it.",
            ],
            TicketType::Question => &[
                "If anything is still unclear, reply to this message.",
                "For any other question, write to us here.",
            ],
            TicketType::Bug | TicketType::Incident => fixed,
        },
    }
}

#[cfg(test)]
mod tests {
    use feedback_core::{
        domain::Scrubbed,
        logic::scrub::{KnownPeople, Scrubber},
    };

    use super::*;

    fn scrubbed(text: &str) -> Scrubbed {
        Scrubber::new().scrub(text, &KnownPeople::new()).text
    }

    fn draft(title: &str, notes: &str, ticket_type: TicketType, language: Language) -> String {
        text(&DraftRequest {
            title: scrubbed(title),
            description: scrubbed(title),
            resolution_notes: scrubbed(notes),
            ticket_type,
            language,
        })
    }

    #[test]
    fn a_draft_says_what_was_reported_and_what_changed() {
        let spanish = draft(
            "La factura sale con el total mal.",
            "Causa: el redondeo\nahora el total se redondea como en la factura",
            TicketType::Bug,
            Language::Spanish,
        );
        assert!(spanish.starts_with("Hola"), "{spanish}");
        assert!(spanish.contains("«La factura sale con el total mal»"), "{spanish}");
        assert!(
            spanish.contains("Ahora el total se redondea como en la factura."),
            "{spanish}"
        );
        let english = draft(
            "The total is wrong.",
            "Totals are rounded as on the invoice now.",
            TicketType::Bug,
            Language::English,
        );
        assert!(
            english.contains("“The total is wrong”") && english.contains("Totals are rounded as on the invoice now."),
            "{english}"
        );
    }

    #[test]
    fn what_only_an_engineer_understands_is_not_in_a_draft() {
        let english = draft(
            "Exports hang",
            "Deadlock in the export worker. Merged PR #12.\nExports finish in a few seconds again.",
            TicketType::Bug,
            Language::English,
        );
        assert!(english.contains("Exports finish in a few seconds again."), "{english}");
        assert!(!english.contains("Deadlock") && !english.contains("#12"), "{english}");
    }

    #[test]
    fn notes_in_the_other_language_are_left_out() {
        let spanish = draft(
            "No puedo entrar",
            "People can sign in again with their old password.",
            TicketType::Bug,
            Language::Spanish,
        );
        assert!(
            !spanish.contains("People") && spanish.split("\n\n").count() == 4,
            "{spanish}"
        );
    }

    #[test]
    fn the_same_request_gets_the_same_words_and_others_get_others() {
        let of = |title: &str| draft(title, "", TicketType::Bug, Language::Spanish);
        assert_eq!(of("No abre"), of("No abre"));
        let greetings: std::collections::HashSet<String> = (0..40)
            .map(|n| {
                of(&format!("No abre {n}"))
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        assert_eq!(greetings.len(), 3, "every phrase is reached");
    }
}
