//! Floors, doors, towers: what follows the number of a house.

use super::{
    super::{Reading, cues::Cues, view::ORDINAL, words::Word},
    is_number, joins, low,
};

/// Extends an address that ends in word `index` at `end` over floor, door, tower and the like.
pub(super) fn units(reading: &Reading<'_>, index: usize, mut end: usize) -> usize {
    let (view, words) = (reading.view, reading.words.all());
    let mut at = index + 1;
    let mut taken = 0;
    while taken < 6 {
        let Some(next) = words.get(at) else { break };
        let gap = &view.low[end..next.start];
        if !joins(view, end, next.start) || gap.contains(&b':') || gap.starts_with(b". ") && !next.cues.has(Cues::UNIT)
        {
            break;
        }
        let bytes = low(view, next);
        let comma = gap.contains(&b',');
        let value = words.get(at + 1).filter(|value| {
            value.start - next.end <= 3
                && joins(view, next.end, value.start)
                && !view.low[next.end..value.start].contains(&b',')
                && is_unit_value(low(view, value))
        });
        // "3º" and "3.º".
        let dot = usize::from(view.byte(next.end) == b'.');
        let ordinal = is_number(bytes) && bytes.len() <= 3 && view.byte(next.end + dot) == ORDINAL;
        if ordinal {
            end = next.end + dot + 1;
            at += 1;
            let door = words.get(at).filter(|door| {
                let short = door.end - door.start <= 2
                    || matches!(
                        low(view, door),
                        b"izq" | b"izda" | b"dcha" | b"der" | b"izquierda" | b"derecha" | b"centro" | b"ext" | b"int"
                    );
                door.start - end <= 2
                    && short
                    && !matches!(
                        low(view, door),
                        b"y" | b"de" | b"en" | b"el" | b"la" | b"a" | b"o" | b"se" | b"no" | b"me"
                    )
                    || door.start == end
            });
            if let Some(door) = door {
                end = door.end;
                at += 1;
            }
        } else if next.cues.has(Cues::UNIT) && value.is_some() {
            let Some(value) = value else { break };
            end = value.end;
            at += 2;
            if view.byte(end) == ORDINAL {
                end += 1;
            }
            if let Some(door) = words
                .get(at)
                .filter(|door| door.start - end <= 2 && is_door(reading, door))
            {
                end = door.end;
                at += 1;
            }
        } else if matches!(
            bytes,
            b"bajo"
                | b"bis"
                | b"norte"
                | b"sur"
                | b"oriente"
                | b"poniente"
                | b"atico"
                | b"entresuelo"
                | b"pb"
                | b"izq"
                | b"dcha"
                | b"izda"
        ) && !comma
            || matches!(bytes, b"bajo" | b"atico" | b"pb" | b"entresuelo" | b"principal")
        {
            end = next.end;
            at += 1;
            if let Some(door) = words
                .get(at)
                .filter(|door| door.start - end == 1 && is_door(reading, door))
            {
                end = door.end;
                at += 1;
            }
        } else if (gap == b"-" || gap == b" - " || gap == b"/")
            && (is_number(bytes) && bytes.len() <= 4 || bytes.len() == 1)
            || bytes.len() <= 4
                && bytes.len() >= 2
                && is_number(bytes)
                && bytes[bytes.len() - 1].is_ascii_alphabetic()
                && is_unit_value(bytes)
                && !bytes.ends_with(b"m")
                && !bytes.ends_with(b"h")
            || taken == 0 && gap == b" " && is_door(reading, next)
            || taken == 0
                && gap == b" "
                && is_number(bytes)
                && matches!(
                    low(view, &words[index]),
                    b"road" | b"rd" | b"highway" | b"hwy" | b"route"
                )
            || gap.contains(&b'#') && is_number(bytes)
        {
            end = next.end;
            at += 1;
        } else {
            break;
        }
        taken += 1;
    }
    end
}

/// "4b", "201", "c", "1-a": what stands behind "apt".
pub(super) fn is_unit_value(bytes: &[u8]) -> bool {
    (bytes.len() <= 5 && is_number(bytes))
        || bytes.len() == 1
        || (bytes.len() <= 4
            && bytes.len() >= 2
            && bytes[0].is_ascii_alphabetic()
            && bytes[1..].iter().all(u8::is_ascii_digit))
}

/// A single capital letter, as in "12 B".
fn is_door(reading: &Reading<'_>, word: &Word) -> bool {
    word.end - word.start == 1
        && reading.view.raw[word.start].is_ascii_uppercase()
        && !matches!(reading.view.low[word.start], b'y' | b'i')
}
