//! Type before name before number, as Spanish does it, and places that only the words around them give away.

use super::{
    super::{Reading, cues::Cues, view::ORDINAL, words::Word},
    house::house_first,
    is_number, joins, low,
    unit::units,
    word_fits,
};

/// "Calle Mayor 12, 3º B", "Cra 7 # 71-21", "Av. 9 de Julio 1234 piso 3".
pub(super) fn via(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
    let (view, words) = (reading.view, reading.words.all());
    let word = words[index];
    if !word.cues.has(Cues::VIA) {
        return None;
    }
    let name = low(view, &word);
    let marked = matches!(view.byte(word.end), b'.' | b'/' | ORDINAL);
    if name == b"c" && !marked {
        return None;
    }
    let weak = word.cues.has(Cues::WEAK_VIA) && !marked;
    let delivery = || reading.words.distance(view, word.start, Cues::DELIVERY, 4).is_some();
    let mut letters = 0;
    let mut titles = 0;
    let mut at = index + 1;
    while let Some(next) = words
        .get(at)
        .filter(|next| at <= index + 8 && joins(view, words[at - 1].end, next.start))
    {
        let bytes = low(view, next);
        let gap = &view.low[words[at - 1].end..next.start];
        if is_number(bytes) {
            let goes_on =
                words.get(at + 1).is_some_and(|of| low(view, of) == b"de") && letters == 0 && !matches!(gap, b", ");
            if goes_on {
                // "9 de Julio", "5 de Mayo": the number is part of the name.
                letters += 1;
                at += 1;
                continue;
            }
            let crossing = crossing(reading, at);
            if name == b"c" && letters > 0 && words[at - 1].end - words[at - 1].start == 1
                || bytes.len() > 6
                || view.byte(next.end) == b'.' && (1..=3).all(|digit| view.byte(next.end + digit).is_ascii_digit())
            {
                return None;
            }
            if letters == 0 && crossing.is_none() {
                return None;
            }
            let mut last = crossing.unwrap_or(at);
            if low(view, &words[at - 1]) == b"km"
                && view.byte(next.end) == b'.'
                && view.byte(next.end + 1).is_ascii_digit()
            {
                // "km 9.5"
                last = at + 1;
            }
            if letters > 0 && weak && titles == 0 && !delivery() && !reading.lower && crossing.is_none() {
                return None;
            }
            return Some((word.start, units(reading, last, words[last].end)));
        }
        if bytes == b"s" && view.low[next.end..].starts_with(b"/n") {
            return (letters > 0).then(|| (word.start, units(reading, at + 1, next.end + 2)));
        }
        if !word_fits(next, bytes) && view.byte(next.end) != b'\''
            || gap.contains(&b',') && !next.cues.has(Cues::UNIT)
            || gap.starts_with(b". ") && at > index + 1
        {
            break;
        }
        if !matches!(bytes, b"no" | b"num" | b"nro" | b"numero" | b"n" | b"al") {
            letters += 1;
            titles += usize::from(view.raw[next.start].is_ascii_uppercase());
        }
        at += 1;
    }
    // A street without a number still leads to a door when somebody lives there.
    (titles > 0 && letters <= 5 && !weak && delivery()).then(|| (word.start, words[at - 1].end))
}

/// Colombian "7 # 71-21", "45 no 12 - 34", "8a bis #5-20": index of the last number.
fn crossing(reading: &Reading<'_>, index: usize) -> Option<usize> {
    let (view, words) = (reading.view, reading.words.all());
    let mut sign = false;
    for at in index + 1..index + 5 {
        let next = words.get(at)?;
        let gap = &view.low[words[at - 1].end..next.start];
        if !joins(view, words[at - 1].end, next.start) || gap.contains(&b',') {
            return None;
        }
        sign |= gap.contains(&b'#') || gap.contains(&b'-');
        let bytes = low(view, next);
        if is_number(bytes) {
            let last = words.get(at + 1).filter(|last| {
                is_number(low(view, last))
                    && view.low[next.end..last.start]
                        .iter()
                        .all(|byte| matches!(byte, b' ' | b'-'))
                    && last.start - next.end <= 3
            });
            return (sign || last.is_some()).then(|| at + usize::from(last.is_some()));
        }
        match bytes {
            b"no" | b"n" | b"nro" | b"num" | b"numero" => sign = true,
            b"bis" | b"sur" | b"norte" | b"este" | b"oeste" | b"a" | b"b" | b"c" | b"d" | b"e" | b"f" | b"con" => {}
            _ => return None,
        }
    }
    None
}

/// "vivo en Los Leones 220", "dirección: Los Aromos 1234 depto 5", "I live at 12 Broadway": no type, but somebody lives there.
pub(super) fn after_delivery(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
    let (view, words) = (reading.view, reading.words.all());
    let first = words[index];
    let cue = words[..index]
        .iter()
        .rev()
        .take(3)
        .find(|word| word.cues.has(Cues::DELIVERY))?;
    if first.cues.has(Cues::BRIDGE)
        || first.cues.has(Cues::VIA)
        || first.cues.has(Cues::PARTICLE)
            && !view.raw[first.start].is_ascii_uppercase()
            && !matches!(low(view, &first), b"san" | b"santa" | b"los" | b"las")
    {
        return None;
    }
    let bridge = &view.low[cue.end..first.start];
    let passes = words[..index]
        .iter()
        .rev()
        .take_while(|word| word.start >= cue.end)
        .all(|word| word.cues.has(Cues::BRIDGE));
    if !passes || bridge.len() > 14 || bridge.contains(&b'\n') {
        return None;
    }
    let home = matches!(
        low(view, cue),
        b"direccion"
            | b"address"
            | b"domicilio"
            | b"vivo"
            | b"vive"
            | b"vivimos"
            | b"live"
            | b"lives"
            | b"living"
            | b"resido"
            | b"ubicado"
            | b"ubicada"
            | b"located"
    );
    let capital = |word: &Word| view.raw[word.start].is_ascii_uppercase();
    if is_number(low(view, &first)) {
        let next = words.get(index + 1)?;
        let fits = home
            && first.end - first.start <= 5
            && next.start - first.end == 1
            && capital(next)
            && !next.cues.has(Cues::CALENDAR.or(Cues::MONEY).or(Cues::UNIT));
        let last = words
            .get(index + 2)
            .filter(|last| last.start - next.end == 1 && capital(last));
        return fits.then(|| (first.start, last.map_or(next.end, |last| last.end)));
    }
    let sent = reading.lower && bridge.windows(3).any(|to| matches!(to, b" a " | b" to" | b" en"));
    if first.cues.has(Cues::PROSE)
        || !(capital(&first) || reading.lower && home || sent)
        || first.cues.has(Cues::CALENDAR)
    {
        return None;
    }
    let mut at = index + 1;
    while let Some(next) = words.get(at).filter(|_| at <= index + 4) {
        let gap = &view.low[words[at - 1].end..next.start];
        if gap.len() > 3
            || !gap
                .iter()
                .all(|&byte| matches!(byte, b' ' | b',' | b'#' | b'.' | b'\'' | ORDINAL))
        {
            return None;
        }
        let bytes = low(view, next);
        if bytes.iter().all(u8::is_ascii_digit) {
            // "deliver to Olga, 56 Queen Street": the number begins an address of its own.
            let own = gap.contains(&b',') && house_first(reading, at).is_some();
            // Without capitals and without a home, only a house's number ends a street: "mandar a 3 usuarios" has none.
            let sure = !sent || home || capital(&first) || bytes.len() >= 2 && ends_address(reading, at);
            return (bytes.len() <= 5 && !own && sure).then(|| (first.start, units(reading, at, next.end)));
        }
        if bytes == b"al" && words.get(at + 1).is_some_and(|last| is_number(low(view, last))) {
            at += 1;
            continue;
        }
        if !word_fits(next, bytes)
            || !(capital(next) || reading.lower || next.cues.has(Cues::PARTICLE) || next.cues.has(Cues::UNIT))
        {
            return None;
        }
        at += 1;
    }
    None
}

/// Nothing is counted by this number: a comma, a unit, the end of the line or of the sentence follows.
fn ends_address(reading: &Reading<'_>, index: usize) -> bool {
    let (view, words) = (reading.view, reading.words.all());
    let next = words.get(index + 1);
    matches!(view.byte(words[index].end), b',' | b'.' | b'\n' | 0)
        || next.is_some_and(|next| next.cues.has(Cues::UNIT) || matches!(low(view, next), b"y" | b"and" | b"por"))
}
