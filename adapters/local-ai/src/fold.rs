//! Words made comparable: lower case, without accents.

/// The words of a text, folded. Placeholders of the scrubber are no words: who wrote says nothing about what.
pub(crate) fn words(text: &str) -> Vec<String> {
    without_placeholders(text)
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '\u{300}'..='\u{36f}'))
        .map(fold)
        .filter(|word| !word.is_empty())
        .collect()
}

/// One word in lower case, without the accents of Spanish and its neighbours.
pub(crate) fn fold(word: &str) -> String {
    word.chars()
        .flat_map(char::to_lowercase)
        .filter_map(without_accent)
        .collect()
}

fn without_accent(c: char) -> Option<char> {
    Some(match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        // Combining accents, where a keyboard sends the letter and its accent apart.
        '\u{300}'..='\u{36f}' => return None,
        other => other,
    })
}

/// `[NAME_1]` and its like become spaces.
fn without_placeholders(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        kept.push_str(&rest[..open]);
        let length = placeholder_length(&rest[open..]);
        kept.push(if length > 0 { ' ' } else { '[' });
        rest = &rest[open + length.max(1)..];
    }
    kept.push_str(rest);
    kept
}

/// Bytes of the placeholder at the start of `text`, 0 where there is none.
pub(crate) fn placeholder_length(text: &str) -> usize {
    let Some(close) = text.find(']') else { return 0 };
    let Some((label, number)) = text.get(1..close).and_then(|inside| inside.rsplit_once('_')) else {
        return 0;
    };
    let is_label = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if text.starts_with('[') && is_label && is_number {
        close + 1
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_placeholders_are_none() {
        assert_eq!(
            words("¡La SESIÓN de [NAME_1] caducó! [x] [URL_TOKEN_12]Ñandú"),
            ["la", "sesion", "de", "caduco", "x", "nandu"]
        );
        assert_eq!(words("co\u{301}digo"), ["codigo"]);
        assert!(words("[EMAIL_1] 👍").is_empty());
    }

    #[test]
    fn only_the_scrubbers_form_is_a_placeholder() {
        for (text, length) in [
            ("[NAME_1] x", 8),
            ("[NAME_1", 0),
            ("[name_1]", 0),
            ("[_1]", 0),
            ("[A_]", 0),
            ("[", 0),
            ("[é_1]", 0),
        ] {
            assert_eq!(placeholder_length(text), length, "{text}");
        }
    }
}
