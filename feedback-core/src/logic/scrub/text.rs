//! Questions about single tokens that several finders ask.

use super::gazetteer;

/// Looks drawn by chance: a digest, a key, base64. Words, slugs and dates do not.
pub(super) fn is_random(raw: &[u8]) -> bool {
    let digits = raw.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = raw.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if raw.len() < 8 || digits < 2 || letters < 2 {
        // Without digits: capitals and small letters change too often for a word.
        let turns = raw
            .windows(2)
            .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
            .count();
        return raw.len() >= 16 && letters * 10 >= raw.len() * 8 && turns * 5 >= raw.len();
    }
    if raw.len() >= 16 && raw.iter().all(u8::is_ascii_hexdigit) {
        return true;
    }
    // How often the kind of character changes: "report2024final" twice, "x7Kq9Zt" at nearly each step.
    let kind = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let turns = raw
        .windows(2)
        .filter(|pair| kind(pair[0]) != kind(pair[1]) && kind(pair[0]) != 3 && kind(pair[1]) != 3)
        .count();
    turns >= 4 && turns * 7 >= raw.len()
}

/// Two words or more made one, as programmers do: `KeyboardEvent.code`, `OrderContextDictionary`, `Pooling_layers`. Most of
/// its letters belong to words of a dictionary.
pub(super) fn is_identifier(raw: &[u8]) -> bool {
    let (mut letters, mut known, mut words) = (0, 0, 0);
    let mut at = 0;
    while at < raw.len() {
        let start = at;
        while at < raw.len() && raw[at].is_ascii_uppercase() {
            at += 1;
        }
        // "XMLParser": the last capital opens the next word.
        if at - start > 1 && raw.get(at).is_some_and(u8::is_ascii_lowercase) {
            at -= 1;
        } else {
            while at < raw.len() && raw[at].is_ascii_lowercase() {
                at += 1;
            }
        }
        if at == start {
            at += 1;
            continue;
        }
        letters += at - start;
        let word = raw[start..at].to_ascii_lowercase();
        if word.len() >= 2 && gazetteer::class(&word).ordinary() > 0 {
            known += word.len();
            words += 1;
        }
    }
    words >= 2 && known * 10 >= letters * 6
}

/// `8-4-4-4-12` hexadecimal digits.
pub(super) fn is_uuid(low: &[u8]) -> bool {
    low.len() == 36
        && low.iter().enumerate().all(|(at, &byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `ERR-7731`, `INC0043339`, `A-1120`: a short tag and a number.
pub(super) fn is_code(low: &[u8]) -> bool {
    let tag = low.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let rest = low[tag..]
        .strip_prefix(b"-")
        .or_else(|| low[tag..].strip_prefix(b"_"))
        .unwrap_or(&low[tag..]);
    (1..=6).contains(&tag)
        && rest.len() >= 2
        && rest
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
}

/// `v2.3`, `10.8.6.4-rc1`.
pub(super) fn is_version(low: &[u8]) -> bool {
    let rest = low.strip_prefix(b"v").unwrap_or(low);
    let core = rest
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
        .count();
    core >= 1
        && rest[..core].first().is_some_and(u8::is_ascii_digit)
        && (core == rest.len() && rest.contains(&b'.') || rest.get(core) == Some(&b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_told_from_words() {
        for random in [
            "82f8979c1bc73714e320f4ee1310a0c4",
            "xdCgUDs7Pgjs6bIQlffEm6YQ1ZC3In",
            "hQxKpLmZaWsEdCrFvTgB",
        ] {
            assert!(is_random(random.as_bytes()), "{random}");
        }
        for word in [
            "how-to-export-invoices",
            "report2024final",
            "ConfigurationManager",
            "2026-01-05",
            "user_settings_page",
        ] {
            assert!(!is_random(word.as_bytes()), "{word}");
        }
        for identifier in [
            "KeyboardEvent.code",
            "OrderContextDictionary",
            "XMLDocumentReader",
            "Payment_layers.Pooling_max/1",
        ] {
            assert!(is_identifier(identifier.as_bytes()), "{identifier}");
        }
        for key in [
            "xdCgUDs7Pgjs6bIQlffEm6YQ1ZC3In",
            "hQxKpLmZaWsEdCrFvTgB",
            "password",
            "Tr0ub4dor&3",
        ] {
            assert!(!is_identifier(key.as_bytes()), "{key}");
        }
        assert!(is_code(b"err-7731") && is_code(b"inc0043339") && !is_code(b"juan77x"));
        assert!(is_version(b"v2.3") && is_version(b"10.8.6.4-rc1") && !is_version(b"4x"));
    }
}
