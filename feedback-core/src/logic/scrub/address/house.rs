//! Number before name before type, as English does it; British postcodes and post boxes.

use super::{
    super::{Reading, cues::Cues, view::is_letter, words::Word},
    is_number, joins, low,
    unit::{is_unit_value, units},
};

/// "453 MLK Jr St, Unit 20", "Flat 22, 42 Victoria Road", "3622 E 86th Ave Suite 304".
pub(super) fn house_first(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
    let (view, words) = (reading.view, reading.words.all());
    let word = words[index];
    let bytes = low(view, &word);
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let letter = bytes.len() - digits;
    if !(1..=6).contains(&digits)
        || letter > 1
        || matches!(view.before(word.start), b'#' | b'$' | b'-' | b'.' | b'/' | b':' | b'_')
    {
        return None;
    }
    if let Some(end) = via_behind(reading, index) {
        return Some((unit_before(reading, index), end));
    }
    let mut at = index + 1;
    let mut titles = 0;
    while let Some(next) = words.get(at).filter(|_| at <= index + 6) {
        let gap = &view.low[words[at - 1].end..next.start];
        if !(gap.len() <= 2 && gap.iter().all(|&byte| matches!(byte, b' ' | b'.' | b'\'' | b'-'))) || gap.is_empty() {
            return None;
        }
        let bytes = low(view, next);
        let title = view.raw[next.start].is_ascii_uppercase();
        let numbered =
            is_number(bytes) && matches!(&bytes[bytes.len().saturating_sub(2)..], b"st" | b"nd" | b"rd" | b"th");
        if next.cues.has(Cues::STREET)
            && at > index + 1
            && !(bytes == b"st" && words.get(at + 1).is_some_and(|more| more.cues.has(Cues::STREET)))
        {
            let weak = next.cues.has(Cues::WEAK_SUFFIX);
            let delivery = reading.words.distance(view, word.start, Cues::DELIVERY, 8).is_some();
            let named = titles > 0 || reading.lower;
            let typed = !weak || title || (bytes.len() <= 3 && titles > 0) || (reading.lower && bytes.len() <= 2);
            if !(delivery || named && typed) {
                return None;
            }
            let mut end = next.end;
            let mut last = at;
            if let Some(direction) = words.get(at + 1).filter(|more| {
                more.start - end <= 2
                    && matches!(
                        low(view, more),
                        b"n" | b"s"
                            | b"e"
                            | b"w"
                            | b"ne"
                            | b"nw"
                            | b"se"
                            | b"sw"
                            | b"north"
                            | b"south"
                            | b"east"
                            | b"west"
                    )
                    && (view.raw[more.start].is_ascii_uppercase()
                        || reading.lower && view.low[more.start..more.end].len() <= 2 && low(view, more) != b"s")
            }) {
                end = direction.end;
                last += 1;
            }
            return Some((unit_before(reading, index), units(reading, last, end)));
        }
        if next.cues.has(Cues::PROSE)
            || !(is_letter(bytes[0]) || numbered)
            || next.cues.has(Cues::MONEY.or(Cues::ORDER)) && !title
        {
            return None;
        }
        titles += usize::from(title || numbered);
        if !title
            && !numbered
            && !reading.lower
            && !is_title(reading, next)
            && next.end - next.start > 3
            && titles == 0
            && at > index + 2
        {
            return None;
        }
        at += 1;
    }
    None
}

/// "88 Rue de Rivoli", "742 Calle Luna, Apt 2": a type with a capital behind the number, and the street's name; its end.
fn via_behind(reading: &Reading<'_>, index: usize) -> Option<usize> {
    let (view, words) = (reading.view, reading.words.all());
    let (number, via) = (words[index], words.get(index + 1)?);
    let capital = |word: &Word| view.raw[word.start].is_ascii_uppercase();
    let near = |one: &Word, other: &Word| {
        let gap = &view.low[one.end..other.start];
        gap == b" " || gap == b". " || gap == b"'" || gap == b", " && one.start == number.start
    };
    let weak = via.cues.has(Cues::WEAK_VIA) || via.end - via.start < 3;
    if !via.cues.has(Cues::VIA) || weak || !capital(via) || !near(&number, via) {
        return None;
    }
    let mut last = None;
    for (at, next) in words.iter().enumerate().skip(index + 2).take(5) {
        if !near(&words[at - 1], next) {
            break;
        }
        if capital(next) && next.is_letters && !next.cues.has(Cues::CALENDAR) {
            last = Some(at);
        } else if !next.cues.has(Cues::PARTICLE) && !matches!(low(view, next), b"des" | b"d" | b"l") {
            break;
        }
    }
    last.map(|last| units(reading, last, words[last].end))
}

/// "Storgata 14B", "Goethestraße 5": the type is the end of the street's own name.
pub(super) fn joined_type(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
    const ENDS: [&[u8]; 13] = [
        b"strasse", b"strase", b"straat", b"gatan", b"gata", b"gaten", b"vagen", b"veien", b"vej", b"gade", b"gracht",
        b"gasse", b"laan",
    ];
    let (view, words) = (reading.view, reading.words.all());
    let (name, number) = (words[index], words.get(index + 1)?);
    let bytes = low(view, &name);
    let value = low(view, number);
    let named = ENDS
        .iter()
        .any(|end| bytes.len() >= end.len() + 3 && bytes.ends_with(end));
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let house = (1..=4).contains(&digits) && value.len() - digits <= 1 && number.start - name.end == 1;
    (named && house && view.raw[name.start].is_ascii_uppercase() && view.low[name.end] == b' ')
        .then(|| (name.start, units(reading, index + 1, number.end)))
}

/// Start of "Flat 22, " or "7a " before the house number.
fn unit_before(reading: &Reading<'_>, index: usize) -> usize {
    let (view, words) = (reading.view, reading.words.all());
    let start = words[index].start;
    let Some(value) = index.checked_sub(1).map(|value| words[value]) else {
        return start;
    };
    if let Some(start) = building_before(reading, index) {
        return start;
    }
    let near = joins(view, value.end, start) && !view.low[value.end..start].starts_with(b". ");
    if !near || !is_unit_value(low(view, &value)) {
        return start;
    }
    if let Some(unit) = index.checked_sub(2).map(|unit| words[unit])
        && unit.cues.has(Cues::UNIT)
        && joins(view, unit.end, value.start)
    {
        return unit.start;
    }
    let bytes = low(view, &value);
    if bytes.len() >= 2 && is_number(bytes) && bytes[bytes.len() - 1].is_ascii_alphabetic() {
        value.start
    } else {
        start
    }
}

/// Start of "Unit 7, Riverside Court, ": a building with a name between its unit and the number of the street.
fn building_before(reading: &Reading<'_>, index: usize) -> Option<usize> {
    let (view, words) = (reading.view, reading.words.all());
    let gap = |at: usize| &view.low[words[at].end..words[at + 1].start];
    let mut at = index.checked_sub(1)?;
    if gap(at) != b", " {
        return None;
    }
    for _ in 0..3 {
        let word = words[at];
        if !word.is_letters || !view.raw[word.start].is_ascii_uppercase() {
            return None;
        }
        let before = at.checked_sub(1)?;
        match gap(before) {
            b" " => at = before,
            b", " => {
                let unit = words[before.checked_sub(1)?];
                let stands = unit.cues.has(Cues::UNIT)
                    && is_unit_value(low(view, &words[before]))
                    && joins(view, unit.end, words[before].start);
                return stands.then_some(unit.start);
            }
            _ => return None,
        }
    }
    None
}

/// `BS8 1TH`: in capitals, or in a message without any and beside a delivery.
pub(super) fn postcode(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
    let (view, words) = (reading.view, reading.words.all());
    let (out, inward) = (words[index], words.get(index + 1)?);
    let (a, b) = (low(view, &out), low(view, inward));
    let letters = a.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let shaped = (2..=4).contains(&a.len())
        && (1..=2).contains(&letters)
        && a.get(letters).is_some_and(u8::is_ascii_digit)
        && a[letters + 1..].iter().all(u8::is_ascii_alphanumeric)
        && b.len() == 3
        && b[0].is_ascii_digit()
        && b[1..].iter().all(u8::is_ascii_alphabetic)
        && !b[1..]
            .iter()
            .any(|byte| matches!(byte, b'c' | b'i' | b'k' | b'm' | b'o' | b'v'));
    let upper = view.raw[out.start].is_ascii_uppercase() && view.raw[inward.end - 1].is_ascii_uppercase();
    let beside = || {
        reading
            .words
            .distance(view, out.start, Cues::DELIVERY.or(Cues::STREET), 8)
            .is_some()
    };
    (shaped && inward.start - out.end == 1 && (upper || beside())).then_some((out.start, inward.end))
}

/// "P.O. Box 123", "apartado postal 45".
pub(super) fn box_number(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
    let (view, words) = (reading.view, reading.words.all());
    let value = words[index];
    if !is_number(low(view, &value)) || value.end - value.start > 6 {
        return None;
    }
    let back = |steps: usize| index.checked_sub(steps).map(|at| words[at]);
    let name = |steps| back(steps).map(|word| low(view, &word)).unwrap_or_default();
    let start = match (name(3), name(2), name(1)) {
        (b"p", b"o", b"box") => back(3),
        (_, b"po", b"box") | (_, b"apartado", b"postal") | (_, b"casilla", b"postal") => back(2),
        (_, _, b"apdo") => back(1),
        _ => None,
    }?;
    (value.start - start.start <= 24).then_some((start.start, value.end))
}

fn is_title(reading: &Reading<'_>, word: &Word) -> bool {
    reading.view.raw[word.start].is_ascii_uppercase() || reading.lower
}
