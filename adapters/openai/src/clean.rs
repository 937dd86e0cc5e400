//! What a model wrote, made harmless: no markup, no links, no addresses, no mentions, no invented placeholders.

use url::{Host, Url};

/// Endings of names that chat clients turn into links by themselves.
const LINKED_ENDINGS: [&str; 34] = [
    "com", "net", "org", "io", "co", "app", "dev", "es", "mx", "ar", "cl", "pe", "uy", "br", "us", "uk", "eu", "info",
    "biz", "xyz", "ru", "cn", "me", "ly", "gl", "link", "site", "online", "shop", "top", "cloud", "ai", "tv", "page",
];

/// The text as a person may read it. Paragraphs stay; `given` is all that the request held.
pub(crate) fn clean(text: &str, given: &str, link_hosts: &[String]) -> String {
    let paragraphs: Vec<String> = text.lines().map(|line| clean_line(line, given, link_hosts)).collect();
    let joined = paragraphs.join("\n");
    // At most one empty line between paragraphs.
    let mut cleaned = joined.trim().to_owned();
    while cleaned.contains("\n\n\n") {
        cleaned = cleaned.replace("\n\n\n", "\n\n");
    }
    cleaned
}

fn clean_line(line: &str, given: &str, link_hosts: &[String]) -> String {
    let plain: String = line
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| {
            !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '`' | '*' | '~')
        })
        .collect();
    // The text of a Markdown link stays, its target becomes a word of its own and is judged like any other.
    let spaced = without_tags(&plain).replace("![", "[").replace("](", "] (");
    let words: Vec<&str> = spaced
        .split(' ')
        .filter(|word| !word.is_empty() && may_stay(word, link_hosts))
        .collect();
    let joined = words.join(" ");
    only_given_placeholders(joined.trim_start_matches(['#', '>', ' ']), given)
}

/// `<b>`, `</p>`, `<!channel>`, `<@U1>`, `<https://x|y>`; "a < b" is none.
fn without_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        kept.push_str(&rest[..open]);
        let begins_tag = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '@' | '#' | '?');
        let tag = rest[open + 1..]
            .starts_with(begins_tag)
            .then(|| rest[open..].find('>'))
            .flatten();
        match tag {
            Some(end) => rest = &rest[open + end + 1..],
            None => {
                kept.push(' ');
                rest = &rest[open + 1..];
            }
        }
    }
    kept.push_str(rest);
    kept.replace('>', " ")
}

/// Whether a word is neither a link, nor an address, nor a call to everybody.
fn may_stay(word: &str, link_hosts: &[String]) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '@');
    if word.contains("://") {
        return parsed_host(bare).is_some_and(|host| is_allowed(&host, link_hosts));
    }
    if bare.is_empty() {
        // Where a link was taken out its brackets and commas are left alone; dashes, quotes and emoji are text.
        return !word
            .chars()
            .all(|c| c.is_ascii_punctuation() && !matches!(c, '-' | '&' | '+' | '=' | '/'));
    }
    !bare.contains('@') && !is_hidden_link(bare) && host_of(bare).is_none_or(|host| is_allowed(&host, link_hosts))
}

/// Links without slashes, none of which belongs into a draft.
fn is_hidden_link(word: &str) -> bool {
    let scheme = word.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| matches!(scheme.as_str(), "mailto" | "tel" | "sms" | "javascript" | "data"))
}

/// The host of a bare name that a client would show as a link: `evil.com/login`, `www.evil.test`, `10.0.0.1`.
fn host_of(word: &str) -> Option<String> {
    let name = word.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let (front, ending) = name.rsplit_once('.')?;
    let is_name = !front.is_empty()
        && front
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_'));
    let is_linked = LINKED_ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) || word.starts_with("www.");
    let has_path = word.len() > name.len() && ending.len() >= 2 && ending.chars().all(char::is_alphabetic);
    let is_address = name.split('.').count() == 4 && name.split('.').all(|part| part.parse::<u8>().is_ok());
    (is_name && (is_linked || has_path || is_address)).then(|| name.to_ascii_lowercase())
}

fn parsed_host(word: &str) -> Option<String> {
    let url = Url::parse(word).ok()?;
    if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() {
        return None;
    }
    match url.host()? {
        Host::Domain(name) => Some(name.to_ascii_lowercase()),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

fn is_allowed(host: &str, link_hosts: &[String]) -> bool {
    let is_within =
        |allowed: &str| host == allowed || host.strip_suffix(allowed).is_some_and(|front| front.ends_with('.'));
    link_hosts.iter().any(|allowed| is_within(allowed))
}

/// `[NAME_1]` stays where the request had it; other brackets become round, so that nothing is filled in later.
fn only_given_placeholders(text: &str, given: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['[', ']']) {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        match placeholder(rest) {
            Some(found) => {
                kept.push_str(if given.contains(found) { found } else { "" });
                rest = &rest[found.len()..];
            }
            None => {
                // Apart from a placeholder before it, so that the two are no link of Markdown.
                kept.push_str(if rest.starts_with('[') { " (" } else { ")" });
                rest = &rest[1..];
            }
        }
    }
    kept.push_str(rest);
    kept.replace("()", "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The placeholder that the text begins with.
fn placeholder(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?.split(']').next()?;
    let (label, number) = inside.rsplit_once('_')?;
    let is_label = !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if is_label && is_number {
        text.get(..inside.len() + 2)
    } else {
        None
    }
}

/// At most `max` characters, cut behind a sentence where one ends in the second half, else between words.
pub(crate) fn cut(text: &str, max: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(max) else {
        return text.to_owned();
    };
    let kept = &text[..end];
    let sentence = kept
        .rfind(['.', '!', '?', '…'])
        .map(|at| at + kept[at..].chars().next().map_or(1, char::len_utf8));
    if let Some(sentence) = sentence.filter(|&sentence| sentence > end / 2) {
        return kept[..sentence].to_owned();
    }
    let room = kept.char_indices().next_back().map_or(0, |(at, _)| at);
    let word = kept[..room].rfind(char::is_whitespace).unwrap_or(room);
    let mut shown = &kept[..word];
    if let Some(open) = shown.rfind('[').filter(|&open| !shown[open..].contains(']')) {
        shown = &shown[..open];
    }
    format!("{}…", shown.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn f70_links_addresses_and_mentions_go() {
        for (written, expected) in [
            ("Mira https://evil.test/x?y=1 ahora.", "Mira ahora."),
            ("See [our page](https://evil.test) now", "See (our page) now"),
            ("![x](http://evil.test/pixel.png) hola", "(x) hola"),
            ("Entra en evil.com/login hoy", "Entra en hoy"),
            ("evil.com:8080/x y 10:30", "y 10:30"),
            ("Entra en EVIL.COM, por favor", "Entra en por favor"),
            ("llama a <tel:+34600> <!channel> <@U123> ya", "llama a ya"),
            ("escribe a soporte@evil.test o @here", "escribe a o"),
            ("javascript:alert(1) mailto:a", ""),
            ("<script>alert(1)</script> **Listo** `x`", "alert(1) Listo x"),
            ("# Título\n\n\n\n> cita", "Título\n\ncita"),
            ("a \u{202e}b\u{7}", "a b"),
            ("http://127.0.0.1/ y 10.0.0.1 y http://[::1]/", "y y"),
            (
                "1 < 2 y v2.3 y p. ej. Node.js, 10:30",
                "1 2 y v2.3 y p. ej. Node.js, 10:30",
            ),
        ] {
            assert_eq!(clean(written, "", &[]), expected, "{written}");
        }
    }

    #[test]
    fn links_of_an_allowed_host_stay() {
        let hosts = ["help.example.test".to_owned()];
        for (link, stays) in [
            ("https://help.example.test/a", true),
            ("https://es.help.example.test/a", true),
            ("https://help.example.test.evil.test/a", false),
            ("https://nothelp.example.test/a", false),
            ("https://help.example.test@evil.test/a", false),
            ("ftp://help.example.test/a", false),
        ] {
            assert_eq!(clean(link, "", &hosts) == link, stays, "{link}");
        }
    }

    #[test]
    fn only_placeholders_of_the_request_stay() {
        assert_eq!(
            clean("Hola [NAME_1] y [NAME_2]:", "soy [NAME_1]", &[]),
            "Hola [NAME_1] y :"
        );
        assert_eq!(clean("toca [Guardar] [x", "", &[]), "toca (Guardar) (x");
        assert_eq!(clean("[NAME_1][x](y)", "[NAME_1]", &[]), "[NAME_1] (x) (y)");
    }

    #[test]
    fn a_cut_is_behind_a_sentence() {
        assert_eq!(cut("Uno dos. Tres cuatro", 12), "Uno dos.");
        assert_eq!(cut("palabra otra tercera", 15), "palabra otra…");
        assert_eq!(cut("corto", 5), "corto");
    }

    proptest! {
        #[test]
        fn whatever_a_model_writes_is_clean_afterwards(written in "(\\PC|[<>\\[\\]()*`@:/.\n]|https://|evil\\.com|\\[NAME_1\\]|<!channel>){0,120}") {
            let text = clean(&written, "[NAME_1]", &[]);
            for mark in ["<", ">", "`", "**", "](", "://", "@"] {
                prop_assert!(!text.contains(mark), "{mark} in {text:?}");
            }
            prop_assert!(!text.replace("[NAME_1]", "").contains('['), "{text:?}");
        }

        #[test]
        fn a_cut_keeps_its_limit(text in "\\PC{0,80}", max in 1..60_usize) {
            prop_assert!(cut(&text, max).chars().count() <= max);
        }
    }
}
