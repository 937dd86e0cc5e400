//! What the sender wrote now, apart from what the message quotes: only the newest part decides type and priority.

use std::{borrow::Cow, ops::Range};

/// Marks after which the rest of a message is somebody's earlier one, as mail programs write them.
const FORWARD_MARKS: [&str; 10] = [
    "original message",
    "mensaje original",
    "forwarded message",
    "mensaje reenviado",
    "begin forwarded",
    "inicio del mensaje reenviado",
    "forwarded by",
    "reenviado por",
    "replied message",
    "message transféré",
];

/// Lines that mail programs add below every message.
const FOOTERS: [&str; 8] = [
    "sent from my ",
    "enviado desde mi ",
    "enviado desde outlook",
    "get outlook for",
    "obtener outlook para",
    "sent via ",
    "enviado con ",
    "descarga outlook",
];

/// The newest part of a message: without `>` lines, "El … escribió:" and "On … wrote:" headers, forwarded blocks and mail
/// footers. A message that is nothing but a quotation is returned without its `>` marks, since that is all there is to read.
///
/// ```
/// use feedback_core::logic::infer::newest_part;
/// assert_eq!(newest_part("> ¿Pudo entrar?\nSí, gracias"), "Sí, gracias");
/// ```
pub fn newest_part(text: &str) -> Cow<'_, str> {
    let ranges = newest_ranges(text);
    match ranges.as_slice() {
        [] => Cow::Borrowed(""),
        [one] => Cow::Borrowed(text[one.clone()].trim()),
        many => {
            let lines: Vec<&str> = many.iter().map(|range| text[range.clone()].trim_end()).collect();
            Cow::Owned(lines.join("\n").trim().to_owned())
        }
    }
}

/// Where the newest part stands in `text`, as ranges of bytes in order; touching lines are one range.
pub(super) fn newest_ranges(text: &str) -> Vec<Range<usize>> {
    let lines: Vec<Range<usize>> = lines_of(text).collect();
    let mut kept: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = text[lines[at].clone()].trim();
        if line.starts_with('>') || line.starts_with("&gt;") {
            at += 1;
        } else if let Some(length) = header_length(text, &lines[at..]) {
            // With `>` lines below, answers may stand between them; without, all the rest is the earlier message.
            if next_written(text, &lines[at + length..]).is_some_and(|next| next.starts_with('>')) {
                at += length;
            } else {
                break;
            }
        } else if is_forward_mark(line) || is_header_block(text, &lines[at..]) || line == "--" {
            break;
        } else {
            if !is_footer(line) {
                push(&mut kept, lines[at].clone());
            }
            at += 1;
        }
    }
    let has_words = kept.iter().any(|range| {
        text[range.clone()]
            .chars()
            .any(|c| c.is_alphanumeric() || !c.is_ascii())
    });
    if has_words { kept } else { quoted_ranges(text, lines) }
}

/// Everything, without the marks of quotation.
fn quoted_ranges(text: &str, lines: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut kept = Vec::new();
    for line in lines {
        let marks = text[line.clone()]
            .find(|c: char| c != '>' && !c.is_whitespace())
            .unwrap_or(line.len());
        push(&mut kept, line.start + marks..line.end);
    }
    kept
}

fn push(kept: &mut Vec<Range<usize>>, line: Range<usize>) {
    match kept.last_mut() {
        Some(last) if last.end == line.start => last.end = line.end,
        _ => kept.push(line),
    }
}

/// Lines with their line ends.
fn lines_of(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end;
        range
    })
}

/// How many lines (one or two: mail programs wrap) the header of a quotation takes; `None` where there is none.
fn header_length(text: &str, lines: &[Range<usize>]) -> Option<usize> {
    let first = text[lines.first()?.clone()].trim();
    if !opens_header(first) {
        return None;
    }
    if closes_header(first) {
        return Some(1);
    }
    let second = text[lines.get(1)?.clone()].trim();
    (first.len() + second.len() < 300 && closes_header(second)).then_some(2)
}

fn opens_header(line: &str) -> bool {
    ["El ", "On ", "Le ", "Em ", "Am "]
        .iter()
        .any(|start| line.starts_with(start))
        || line.starts_with(|c: char| c.is_ascii_digit())
        || closes_header(line)
}

fn closes_header(line: &str) -> bool {
    let Some(head) = line.strip_suffix(':') else {
        return false;
    };
    let head = head.trim_end();
    line.len() < 300
        && ["escribió", "escribio", "wrote", "escreveu", "ha escrito"]
            .iter()
            .any(|verb| head.ends_with(verb))
}

fn next_written<'a>(text: &'a str, lines: &[Range<usize>]) -> Option<&'a str> {
    lines
        .iter()
        .map(|line| text[line.clone()].trim())
        .find(|line| !line.is_empty())
}

fn is_forward_mark(line: &str) -> bool {
    line.starts_with(['-', '_', '*', 'B', 'I', 'F', 'R']) && line.len() < 120 && {
        let lower = line.to_lowercase();
        FORWARD_MARKS.iter().any(|mark| lower.contains(mark))
    }
}

/// "De: … Enviado: …" and "From: … Sent: …", as Outlook writes them above what it quotes.
fn is_header_block(text: &str, lines: &[Range<usize>]) -> bool {
    let mut fields = lines
        .iter()
        .take(4)
        .map(|line| text[line.clone()].trim_start_matches(['*', ' ']));
    let starts = |line: &str, names: &[&str]| names.iter().any(|name| line.starts_with(name));
    fields.next().is_some_and(|line| starts(line, &["De:", "From:"]))
        && fields.any(|line| starts(line, &["Enviado", "Sent:", "Date:", "Fecha:", "Para:", "To:"]))
}

fn is_footer(line: &str) -> bool {
    line.len() < 80 && {
        let lower = line.to_lowercase();
        FOOTERS.iter().any(|footer| lower.starts_with(footer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_lines_and_their_header_are_not_the_newest_part() {
        let mail = "Sigue igual.\n\nEl mar, 3 feb 2026 a las 10:12, Soporte\n<soporte@example.test> escribió:\n> ya quedó\n> saludos";
        assert_eq!(newest_part(mail), "Sigue igual.");
        assert_eq!(newest_part("Works now\nOn Tue, Ana wrote:\nall down"), "Works now");
    }

    #[test]
    fn answers_between_quoted_lines_are_kept() {
        let mail = "On Tue, Ana wrote:\n> which browser?\nFirefox\n> since when?\nMonday";
        assert_eq!(newest_part(mail), "Firefox\nMonday");
    }

    #[test]
    fn a_forwarded_block_is_context() {
        let mail = "¿Esto es normal?\n---------- Forwarded message ---------\nFrom: X\nEverything is down";
        assert_eq!(newest_part(mail), "¿Esto es normal?");
        assert_eq!(newest_part("See below\nFrom: A\nSent: Monday\nTo: B\nP0"), "See below");
    }

    #[test]
    fn a_message_of_nothing_but_quotes_is_read_as_it_is() {
        assert_eq!(newest_part("> no abre\n> nada"), "no abre\nnada");
    }

    #[test]
    fn mail_footers_are_dropped() {
        assert_eq!(newest_part("No carga\nEnviado desde mi iPhone"), "No carga");
    }

    #[test]
    fn empty_text_has_no_newest_part() {
        assert_eq!(newest_part(""), "");
        assert_eq!(newest_part("\n\n"), "");
    }
}
