//! The words of a mail: what the person wrote now, without what they answer, without signature and marks of the program.

use super::clean;
use crate::logic::infer::newest_part;

/// Text beyond this is not looked at.
const MAX_READ_BYTES: usize = 512 * 1024;

/// Text beyond this is not kept; the delivery is, with all of it.
const MAX_KEPT_BYTES: usize = 64 * 1024;

/// What mail programs set before the subject of an answer, and of a forward.
const ANSWERS: [&str; 6] = ["re:", "aw:", "sv:", "ref:", "resp:", "antw:"];
const FORWARDS: [&str; 6] = ["fwd:", "fw:", "rv:", "wg:", "reenv:", "enc:"];

/// The words to keep of a mail. A forward is kept whole: what it forwards is what it reports. So is a first mail that
/// holds nothing but a quotation.
pub(super) fn newest(text: &str, subject: &str, is_reply: bool) -> String {
    let text = text.get(..text.floor_char_boundary(MAX_READ_BYTES)).unwrap_or_default();
    let text = clean(text);
    if is_forward(subject) {
        return kept(&text);
    }
    // A word in front keeps the reader from taking a mail of nothing but a quotation for new.
    let marked = format!("x\n{text}");
    let newest = newest_part(&marked);
    let own = without_rule(newest.strip_prefix('x').unwrap_or_default());
    if own.is_empty() && !is_reply {
        kept(without_rule(&newest_part(&text)))
    } else {
        kept(own)
    }
}

/// The subject without what was set before it by answering and forwarding.
pub(super) fn without_prefixes(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some(shorter) = ANSWERS.iter().chain(&FORWARDS).find_map(|prefix| behind(prefix, rest)) {
        rest = shorter.trim_start();
    }
    rest
}

fn is_forward(subject: &str) -> bool {
    FORWARDS
        .iter()
        .any(|prefix| behind(prefix, subject.trim_start()).is_some())
}

fn behind<'a>(prefix: &str, text: &'a str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// Outlook draws a line above what it quotes.
fn without_rule(text: &str) -> &str {
    let mut text = text.trim();
    while let Some((above, last)) = text.rsplit_once('\n') {
        let last = last.trim();
        if !last.is_empty() && !last.chars().all(|c| matches!(c, '_' | '-' | '─' | '=')) {
            break;
        }
        text = above.trim_end();
    }
    text
}

fn kept(text: &str) -> String {
    text.get(..text.floor_char_boundary(MAX_KEPT_BYTES))
        .unwrap_or_default()
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_reply_says_now_is_kept() {
        for (mail, own) in [
            (
                "Sigue igual.\n\nEl mar, 3 feb 2026, Soporte escribió:\n> ya quedó",
                "Sigue igual.",
            ),
            ("Still broken\r\n\r\n-- \r\nDana O\r\nAcme Inc.", "Still broken"),
            ("No\n\n-----Original Message-----\nFrom: Help\nIt is fixed", "No"),
            (
                "No\n\n________________________________\nFrom: Help\nSent: Monday\nTo: Dana\n\nIt is fixed",
                "No",
            ),
            (
                "No abre\n\nDe: Ayuda\nEnviado: lunes\nPara: Dana\nAsunto: Factura\n\nYa quedó",
                "No abre",
            ),
            ("No abre\n\nDe: Ayuda\nFecha: lunes\nPara: Dana\n\nYa quedó", "No abre"),
            ("👍\n\nOn Monday, Help wrote:\n> done", "👍"),
            ("> which one?\nthe second\n> since when?\nMonday", "the second\nMonday"),
            ("On Monday, Help wrote:\n> done", ""),
            ("", ""),
        ] {
            assert_eq!(newest(mail, "Re: Invoice", true), own, "{mail}");
        }
    }

    #[test]
    fn a_forward_is_kept_whole_and_so_is_a_first_mail_of_quotations() {
        let forward = "FYI\n\n---------- Forwarded message ---------\nFrom: Ana\n\nEverything is down";
        assert_eq!(newest(forward, "Fwd: down", false), forward);
        assert_eq!(newest(forward, "RV: down", true), forward);
        assert_eq!(newest("> everything is down", "down", false), "everything is down");
    }

    #[test]
    fn answering_and_forwarding_leave_no_mark_on_the_title() {
        for (subject, title) in [
            ("Re: RV: FW: Invoice 7", "Invoice 7"),
            ("re:Invoice", "Invoice"),
            ("Report: Invoice", "Report: Invoice"),
            ("Re:", ""),
            ("Ré: x", "Ré: x"),
        ] {
            assert_eq!(without_prefixes(subject), title);
        }
    }

    #[test]
    fn a_text_without_end_is_cut_at_a_character() {
        let kept = newest(&"ñ".repeat(600_000), "", false);
        assert!(kept.len() <= MAX_KEPT_BYTES && kept.chars().all(|c| c == 'ñ'));
    }
}
