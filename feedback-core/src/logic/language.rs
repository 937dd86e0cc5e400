//! Which of the hub's two languages a short chat text is in.
//!
//! Everyday words decide, since they are in every sentence; letters that only Spanish has decide where there are no such
//! words. Words that both languages write alike (`no`, `me`, `error`) say nothing. Quoted threads are cut before.

use std::{collections::HashMap, sync::LazyLock};

use crate::domain::Language;

/// Words of English support chat that Spanish does not have.
const ENGLISH: &str = "\
    a about after again all already also am an and any anyone are as asap at back be because been before but by \
    can cannot cant card charged check click could day did didnt do does doesnt doing dont down email every failed \
    fails for from get getting give good got had has have hello help here hey hi how i if im in into is isnt issue \
    it its ive just keep keeps know last let like log login made make many morning my need never new nobody not \
    nothing now of on once one only or order our out page password please pls plz problem see send sent she should \
    since so some someone still stuck team than thank thanks that thats the their them then there they thing this \
    thx time to today told tomorrow too tried try trying u until up us use user users using very want was wasnt we \
    week were what when where which while who why will with without wont work working works would wrong yes \
    yesterday you your export invoice update screen button broken feature add loading slow crash crashes";

/// Words of Spanish support chat that English does not have.
const SPANISH: &str = "\
    abre abrir acceder acceso ahora al algo alguien algun alguna anda antes aparece app aqui asi aun aunque ayer \
    ayuda bien boton buen buena buenas bueno buenos cada cambiar carga cargar clave cliente clientes cobraron \
    cobro como con contrasena correo creo cual cuando cuanto cuenta da dar de deja dejo del desde despues dia dias \
    dice dicen donde dos el ella ellos en entra entrar entre era eres es esa ese eso esta estaba estamos estan \
    estar este esto estos estoy factura facturas falla favor fue funciona funcionan gracias ha hace hacer hasta \
    hay haya he hola hoy igual intento ir la las le les lo los mal manana mas mi mis mismo mucho muy nada nadie \
    necesito ni ninguna ninguno nos nosotros nuestra nuestro nueva nuevo nunca otra otro pagina pago pagos \
    pantalla para parece pedido pero poder podria podrian porfa por porque problema pude puede pueden puedo pues q \
    que queda quede quien quiero quisiera sale salio saludos se sea segun ser si sido siempre sigue sin sobre solo \
    son soy su sus tambien tampoco tan tarde tardes tarjeta tengo tenemos tiene tienen todavia todo todos trabajo \
    tras tu un una uno urgente usuario usuarios va vez vos xfa xq y ya yo anadir agregar descargar exportar \
    informe cobrado llega llego mensaje mensajes";

/// Each everyday word and its language; none where both lists have it.
static WORDS: LazyLock<HashMap<&'static str, Option<Language>>> = LazyLock::new(|| {
    let mut words: HashMap<&'static str, Option<Language>> = HashMap::new();
    for (list, language) in [(ENGLISH, Language::English), (SPANISH, Language::Spanish)] {
        for word in list.split_ascii_whitespace() {
            words
                .entry(word)
                .and_modify(|both| *both = None)
                .or_insert(Some(language));
        }
    }
    words
});

/// Endings that only words of one language have.
const ENGLISH_ENDINGS: &[&str] = &["ing", "tion", "ness", "ment", "ould", "ight", "ck", "ly"];
const SPANISH_ENDINGS: &[&str] = &[
    "cion", "ando", "iendo", "mente", "idad", "aron", "ieron", "amos", "ado", "ada",
];

/// The language of a text, `None` where nothing tells (numbers, codes, one word that both have) or both weigh the same.
///
/// ```
/// use feedback_core::{domain::Language, logic::language::detect};
///
/// assert_eq!(detect("no me deja entrar a la app"), Some(Language::Spanish));
/// assert_eq!(detect("the export keeps failing"), Some(Language::English));
/// assert_eq!(detect("ERR-4031"), None);
/// ```
pub fn detect(text: &str) -> Option<Language> {
    let mut english = 0_u64;
    let mut spanish = 0_u64;
    let mut folded = String::with_capacity(48);
    for word in text.split(|c: char| !c.is_alphabetic() && !matches!(c, '\'' | '’')) {
        if word.is_empty() {
            continue;
        }
        fold_into(&mut folded, word);
        match WORDS.get(folded.as_str()).copied().flatten() {
            Some(Language::English) => english += 4,
            Some(Language::Spanish) => spanish += 4,
            None => {
                english += ending(&folded, ENGLISH_ENDINGS);
                spanish += ending(&folded, SPANISH_ENDINGS);
            }
        }
        if word
            .chars()
            .any(|c| matches!(c, 'ñ' | 'Ñ' | 'á' | 'é' | 'í' | 'ó' | 'ú' | 'Á' | 'É' | 'Í' | 'Ó' | 'Ú'))
        {
            spanish += 2;
        }
    }
    spanish += 3 * text.chars().filter(|c| matches!(c, '¿' | '¡')).count() as u64;
    match english.cmp(&spanish) {
        std::cmp::Ordering::Greater => Some(Language::English),
        std::cmp::Ordering::Less => Some(Language::Spanish),
        std::cmp::Ordering::Equal => None,
    }
}

/// 1 for a word of five letters and more with one of these endings.
fn ending(word: &str, endings: &[&str]) -> u64 {
    u64::from(word.len() >= 5 && endings.iter().any(|ending| word.ends_with(ending)))
}

/// Lower case, without accents and apostrophes: `don't` is `dont`, `Cómo` is `como`. Endless words are cut: no word of
/// the lists is longer.
fn fold_into(folded: &mut String, word: &str) {
    folded.clear();
    folded.extend(word.chars().take(40).filter_map(|c| match c {
        'á' | 'Á' | 'à' => Some('a'),
        'é' | 'É' | 'è' => Some('e'),
        'í' | 'Í' => Some('i'),
        'ó' | 'Ó' => Some('o'),
        'ú' | 'Ú' | 'ü' | 'Ü' => Some('u'),
        'ñ' | 'Ñ' => Some('n'),
        '\'' | '’' => None,
        _ => Some(c.to_ascii_lowercase()),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_chat_is_told_apart() {
        for (text, language) in [
            ("hola", Some(Language::Spanish)),
            ("no anda", Some(Language::Spanish)),
            ("¿Error?", Some(Language::Spanish)),
            ("It doesn’t load", Some(Language::English)),
            ("pls fix asap", Some(Language::English)),
            ("no funciona el login", Some(Language::Spanish)),
            ("no me llego la factura, please check", Some(Language::Spanish)),
            ("QUIERO CANCELAR MI CUENTA", Some(Language::Spanish)),
            ("500", None),
            ("", None),
            ("🙂🙂", None),
        ] {
            assert_eq!(detect(text), language, "{text}");
        }
    }

    #[test]
    fn a_mixed_text_has_the_language_of_most_of_its_words() {
        assert_eq!(
            detect("I cannot open the factura that you sent me"),
            Some(Language::English)
        );
        assert_eq!(
            detect("no puedo abrir el dashboard desde ayer"),
            Some(Language::Spanish)
        );
    }
}
