//! Which of an engineer's sentences a customer can read, and texts without markup and links.

use crate::{
    fold::{fold, placeholder_length},
    sentences::{one_line, sentences},
};

/// Words that say how something was done and not what changed, folded.
const JARGON: &[&str] = &[
    "api",
    "apis",
    "async",
    "backend",
    "base64",
    "bd",
    "branch",
    "bug",
    "build",
    "cache",
    "cached",
    "caching",
    "callback",
    "ci",
    "cluster",
    "codigo",
    "commit",
    "commits",
    "config",
    "container",
    "controller",
    "cors",
    "cpu",
    "cron",
    "csrf",
    "css",
    "database",
    "db",
    "deadlock",
    "deploy",
    "deployed",
    "deployment",
    "deployments",
    "desplegado",
    "desplegamos",
    "despliegue",
    "devops",
    "dns",
    "docker",
    "dto",
    "endpoint",
    "endpoints",
    "env",
    "etl",
    "excepcion",
    "exception",
    "flag",
    "framework",
    "frontend",
    "git",
    "github",
    "gitlab",
    "gpu",
    "graphql",
    "handler",
    "hash",
    "heap",
    "hotfix",
    "html",
    "http",
    "https",
    "indice",
    "ip",
    "jira",
    "job",
    "jobs",
    "json",
    "jwt",
    "k8s",
    "kafka",
    "kubernetes",
    "lambda",
    "latencia",
    "latency",
    "linter",
    "lock",
    "log",
    "logs",
    "merge",
    "mergeado",
    "merged",
    "middleware",
    "migration",
    "mock",
    "mutex",
    "nginx",
    "nil",
    "npm",
    "null",
    "oauth",
    "orm",
    "parser",
    "patch",
    "payload",
    "pipeline",
    "pod",
    "pods",
    "postgres",
    "pr",
    "proxy",
    "python",
    "queries",
    "query",
    "queue",
    "ram",
    "redis",
    "refactor",
    "refactored",
    "refactorizado",
    "regex",
    "regresion",
    "regression",
    "release",
    "repo",
    "repro",
    "rest",
    "revert",
    "reverted",
    "rollback",
    "rust",
    "s3",
    "sandbox",
    "schema",
    "script",
    "sdk",
    "sql",
    "ssl",
    "stack",
    "stacktrace",
    "staging",
    "struct",
    "test",
    "tests",
    "thread",
    "threads",
    "timeout",
    "tls",
    "token",
    "trace",
    "ui",
    "unit",
    "url",
    "utf",
    "uuid",
    "var",
    "variable",
    "webhook",
    "webhooks",
    "worker",
    "workers",
    "xml",
    "yaml",
];

/// Words with a capital inside that everybody knows.
const KNOWN_CAPITALS: &[&str] = &[
    "WhatsApp",
    "iPhone",
    "iPad",
    "iOS",
    "macOS",
    "YouTube",
    "LinkedIn",
    "PayPal",
    "PowerPoint",
    "McDonald",
];

/// What engineers put before a note.
const LABELS: &[&str] = &[
    "fix",
    "fixed",
    "solution",
    "resolution",
    "result",
    "note",
    "notes",
    "root cause",
    "cause",
    "done",
    "arreglo",
    "solucion",
    "resolucion",
    "resultado",
    "nota",
    "notas",
    "causa",
    "causa raiz",
    "hecho",
];

/// The sentences of engineers' notes that a customer can read, at most so many, without their labels and markup.
pub(crate) fn readable_sentences(notes: &str, most: usize) -> Vec<String> {
    sentences(notes)
        .into_iter()
        .map(|range| &notes[range])
        .filter(|sentence| !is_technical(sentence))
        .map(|sentence| without_markup(without_label(sentence)))
        .filter(|sentence| sentence.split_whitespace().count() >= 3)
        .take(most)
        .collect()
}

/// Whether only an engineer can read the sentence.
fn is_technical(sentence: &str) -> bool {
    sentence.contains('`') || sentence.split_whitespace().any(is_technical_word)
}

fn is_technical_word(word: &str) -> bool {
    if placeholder_length(word) > 0 {
        return false;
    }
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let has_code_marks = ["::", "->", "=>", "()", "</", "{", "}", "==", "&&", "\\", "<", ">"]
        .iter()
        .any(|mark| word.contains(mark));
    let is_link = bare.contains("://") || bare.starts_with("www.");
    let is_path = bare.matches('/').count() >= 2 || (bare.contains('/') && bare.contains('.'));
    let is_snake = bare.contains('_');
    let is_reference = word
        .trim_start_matches('(')
        .strip_prefix('#')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let folded = fold(bare);
    has_code_marks
        || is_link
        || is_path
        || is_snake
        || is_reference
        || is_camel(bare)
        || is_file(bare)
        || is_digest(bare)
        || folded
            .split(|c: char| !c.is_alphanumeric())
            .any(|part| JARGON.binary_search(&part).is_ok())
}

/// `userId`, `OrderService`: a capital behind a small letter.
fn is_camel(word: &str) -> bool {
    let letters = word.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let has_hump = letters
        .chars()
        .zip(letters.chars().skip(1))
        .any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    has_hump && !KNOWN_CAPITALS.contains(&letters)
}

/// `money.rs`, `config.yml`: a name of small letters, a dot, a short ending.
fn is_file(word: &str) -> bool {
    const ENDINGS: [&str; 16] = [
        "rs", "js", "ts", "tsx", "jsx", "py", "rb", "go", "java", "php", "sql", "json", "yml", "yaml", "toml", "sh",
    ];
    word.rsplit_once('.')
        .is_some_and(|(name, ending)| !name.is_empty() && ENDINGS.contains(&ending))
}

/// Seven hex digits or more, letters and figures mixed: a commit.
fn is_digest(word: &str) -> bool {
    word.len() >= 7
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn without_label(sentence: &str) -> &str {
    let trimmed = sentence.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '[' && c != '¿' && c != '¡');
    match trimmed.split_once(':') {
        Some((label, rest)) if LABELS.contains(&fold(label.trim()).as_str()) => rest.trim_start(),
        _ => trimmed,
    }
}

/// One line without links, tags, and the marks of Markdown and Slack.
pub(crate) fn without_markup(text: &str) -> String {
    let without_tags: String = {
        let mut kept = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('<') {
            kept.push_str(&rest[..open]);
            // A tag is short and has no space before its name: "a < b" is none.
            let is_tag =
                rest[open + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '@' | '#'));
            let end = if is_tag {
                rest[open..].find('>').filter(|&end| end <= 200)
            } else {
                None
            };
            rest = end.map_or(&rest[open + 1..], |end| &rest[open + end + 1..]);
        }
        kept.push_str(rest);
        kept
    };
    let words = without_tags
        .split_whitespace()
        .filter(|word| !word.contains("://") && !word.starts_with("www."));
    let joined = words.collect::<Vec<_>>().join(" ").replace("](", "] (");
    let cleaned: String = joined
        .chars()
        .filter(|c| !matches!(c, '`' | '*' | '<' | '>' | '~' | '|'))
        .collect();
    one_line(cleaned.trim_start_matches(['#', '-', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_jargon_is_in_order() {
        assert!(JARGON.is_sorted(), "it is searched by halves");
    }

    #[test]
    fn sentences_for_engineers_are_left_out() {
        for technical in [
            "The NPE came from OrderService.",
            "Fixed in `money.rs`.",
            "See https://git.example.test/pr/7 for more.",
            "We added an index on tickets(created_at).",
            "Reverted 3f9a2bc on main.",
            "Merged PR #812 yesterday evening.",
            "Cambié user_id por otro campo.",
            "El endpoint devolvía un valor vacío.",
            "Se hizo deploy a las cinco.",
        ] {
            assert!(readable_sentences(technical, 9).is_empty(), "{technical}");
        }
    }

    #[test]
    fn sentences_for_everybody_stay_without_label_and_markup() {
        for (note, expected) in [
            (
                "**Fix:** totals are rounded as on the invoice",
                "totals are rounded as on the invoice",
            ),
            (
                "- Los mensajes de WhatsApp llegan otra vez.",
                "Los mensajes de WhatsApp llegan otra vez.",
            ),
            ("Solución: ahora [NAME_1] puede entrar.", "ahora [NAME_1] puede entrar."),
        ] {
            assert_eq!(readable_sentences(note, 9), [expected], "{note}");
        }
    }

    #[test]
    fn nothing_of_markup_is_left() {
        assert_eq!(
            without_markup("# **Hola** <b>[NAME_1]</b> <!channel> http://x.test y 1 < 2"),
            "Hola [NAME_1] y 1 2"
        );
        assert_eq!(without_markup("mira [esto](nada)"), "mira [esto] (nada)");
    }
}
