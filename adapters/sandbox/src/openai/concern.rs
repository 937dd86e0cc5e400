//! What a report is about and how bad it is, as far as phrases of both languages tell. A model would do better; this is to be
//! right often enough that a demonstration makes sense.

/// What a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    Incident,
    Bug,
    Feature,
    Question,
}

const LEAK: &str = "hacke|hacked|robaron la cuenta|took over my account|data leak|filtra|other customers'|another customer's|\
    de otros clientes|de otro cliente|de otra empresa|sin contrasena se ve|breach";
const OUTAGE: &str = "se cayo|caido|caida|todo caido|no anda nada|outage|is down|are down|all down|everything is down|\
    data loss|perdimos los|perdimos todos|aparece sin|se borraron todos|sin sistema";
const MANY: &str = "nadie|nobody|no one|none of|ningun|ninguna|a todos|todos los|todas las|las tres|las dos|all of our|all our|\
    every branch|every store|everyone|both our|whole company|toda la empresa|all users|all customers|all sites|ninguno";
/// That it is so for all says that it fails, whatever the verb.
const NONE: &str = "none of our|none of the|nobody can|no one can|nadie puede|nadie logra|ninguno de|ninguna de";
const FAILURE: &str = "no puedo|no se puede|no podemos|no pueden|no consigo|no logro|no puede|error|falla|fallo|no funciona|no anda|\
    no carga|no me deja|se cierra|se cuelga|no abre|no llega|no imprime|no guarda|no cobra|dejo de|dejaron de|sale mal|salen mal|\
    no baja|no hace nada|dos veces|en blanco|cortad|tarda|vencida|crash|broken|bug|fails|failed|wrong|doesn't|does not|can't|cannot|\
    not working|stopped|twice|duplicad|off by|cuts off|missing|freezes|hangs|stuck|not syncing|won't|unable";
const WISH: &str = "estaria buen|estaria bien|estaria genial|me gustaria|nos gustaria|podrian agregar|podrian anadir|podrian sumar|\
    seria genial|seria buen|seria util|seria posible|seria tener|would be great|would be nice|would be so|would be handy|would love|\
    could you add|feature request|nice to have|please add|ojala|sugerencia|suggestion|wish|vendria bien|agreguen|pongan un";
const HOW: &str = "como |donde|cuando|cuanto|cual|puedo |se puede|hay forma|how |where|when |which|can i|can one|do i need|\
    is there a way|what |consulta|una pregunta";
const OVER: &str = "ya quedo|ya funciona|ya anda|ya se arreglo|ya pude|works now|working again|all good|all sorted|fixed itself|\
    is solved|solucionado";
const THANKS: &str = "gracias|thank|cheers";
const MONEY: &str = "me cobraron|cobraron dos|doble cobro|cobrado doble|no me llego el pago|charged twice|double charge|charged me|\
    was charged|de mas|refund|reembolso|debito";
const BLOCKS: &str = "no puedo trabajar|no podemos trabajar|bloquead|blocked|no podemos facturar|cola de gente|queue|parado|\
    can't work|cannot work|cierre es hoy|vence hoy|due today";
const PARTIAL: &str = "algunos|algunas|some of|a veces|intermit|sometimes|half of|la mitad|lento|slow";
const HARD: &str = "error|no me deja|se cierra|crash|no consigo|no puedo|cannot|can't|stopped|fails|no funciona|no anda|dos veces|twice|\
    no hace nada|en blanco";
const LOOKS: &str = "typo|ortografia|color|colour|alinead|aligned|tipografia|icono|icon ";
const SLIGHT: &str = "molest|annoying|minor|detalle|no es grave|nuisance";
const STAKES: &str =
    "perdemos clientes|se nos van|lose customers|losing customers|contract|contrato|insurer|by law|la ley|exige";
const CALM: &str = "no es urgente|sin apuro|cuando puedan|no rush|not urgent|no hurry|whenever you";
const URGENT: &str = "urgente|nos urge|urgent|asap|lo antes posible|ya mismo|right away";

/// Type and severity (0 the worst, 5 the least) of a text.
pub(super) fn concern(text: &str) -> (Concern, usize) {
    let folded = folded(text);
    let has = |phrases: &str| phrases.split('|').any(|phrase| begins_a_word(&folded, phrase));
    let concern = kind(&folded, &has);
    (
        concern,
        stated(&folded).unwrap_or_else(|| moved(level(concern, &has), &has)),
    )
}

fn kind(folded: &str, has: &dyn Fn(&str) -> bool) -> Concern {
    let asks = folded.split_inclusive(['?', '.', '!', '\n']).any(|sentence| {
        sentence.trim_end().ends_with('?') && HOW.split('|').any(|phrase| begins_a_word(sentence, phrase))
    });
    let fails = has(FAILURE);
    if has(OVER) {
        Concern::Question
    } else if has(LEAK) || has(OUTAGE) || (!asks && (has(NONE) || has(MANY) && fails)) {
        Concern::Incident
    } else if has(WISH) {
        Concern::Feature
    } else if asks {
        Concern::Question
    } else if fails {
        Concern::Bug
    } else if folded.contains('?') || has(HOW) || has(THANKS) {
        Concern::Question
    } else {
        // People who neither ask nor wish tell what is wrong, in words that no list has.
        Concern::Bug
    }
}

fn level(concern: Concern, has: &dyn Fn(&str) -> bool) -> usize {
    match concern {
        Concern::Incident => usize::from(has(PARTIAL)),
        Concern::Bug if has(MONEY) || has(BLOCKS) => 1,
        Concern::Bug if has(LOOKS) => 5,
        Concern::Bug if has(SLIGHT) => 4,
        Concern::Bug if has(HARD) => 2,
        Concern::Bug => 3,
        Concern::Feature if has(STAKES) => 3,
        Concern::Question if has(OVER) || has(THANKS) && !has(HOW) => 5,
        Concern::Feature | Concern::Question => 4,
    }
}

/// One step for words of urgency or calm.
fn moved(level: usize, has: &dyn Fn(&str) -> bool) -> usize {
    if level == 0 {
        0
    } else if has(CALM) {
        (level + 1).min(5)
    } else if has(URGENT) {
        (level - 1).max(1)
    } else {
        level
    }
}

/// "P2": the first level that the text names.
fn stated(folded: &str) -> Option<usize> {
    folded
        .split(|character: char| !character.is_alphanumeric())
        .find_map(|word| match word.as_bytes() {
            [b'p', digit @ b'0'..=b'5'] => Some(usize::from(digit - b'0')),
            _ => None,
        })
}

/// A phrase where a word begins: "show" does not ask "how".
fn begins_a_word(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase)
        .any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

/// Lower case, and no accents: half of those who write leave them out.
fn folded(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|letter| match letter {
            'á' => 'a',
            'é' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            '’' => '\'',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reports_of_the_story_are_read_as_what_they_are() {
        let reports: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../simulator/reports.json")).expect("the story is JSON");
        let name = |concern: Concern| match concern {
            Concern::Incident => "incident",
            Concern::Bug => "bug",
            Concern::Feature => "feature_request",
            Concern::Question => "question",
        };
        let wrong: Vec<String> = reports
            .iter()
            .filter_map(|report| {
                let (text, kind) = (report["text"].as_str()?, report["kind"].as_str()?);
                let read = name(concern(text).0);
                (read != kind).then(|| format!("{kind} read as {read}: {text}"))
            })
            .collect();
        assert!(wrong.len() * 10 <= reports.len(), "{wrong:#?}");
    }

    #[test]
    fn a_defect_in_words_of_its_own_is_no_question() {
        assert_eq!(concern("El mapa me ubica en otra ciudad"), (Concern::Bug, 3));
        assert_eq!(concern("Names come out backwards on the badge"), (Concern::Bug, 3));
    }

    #[test]
    fn a_phrase_within_another_word_says_nothing() {
        assert_eq!(concern("All of them show yesterday's orders"), (Concern::Bug, 3));
        assert_eq!(
            concern("None of our tablets are syncing. All five show old orders"),
            (Concern::Incident, 0)
        );
    }

    #[test]
    fn levels_follow_what_is_at_stake_and_what_is_said() {
        for (text, expected) in [
            ("Se cayó el sistema, nadie puede cobrar", (Concern::Incident, 0)),
            ("I was charged twice for my plan", (Concern::Bug, 1)),
            ("There is a typo in the footer", (Concern::Bug, 5)),
            ("P2: el mapa gira solo", (Concern::Bug, 2)),
            ("No me deja entrar. No es urgente", (Concern::Bug, 3)),
            ("¿Cómo cambio mi clave?", (Concern::Question, 4)),
            ("Muchas gracias!", (Concern::Question, 5)),
            ("Please add a dark theme", (Concern::Feature, 4)),
        ] {
            assert_eq!(concern(text), expected, "{text}");
        }
    }
}
