//! Streets with their numbers and units, in the grammars of Spain, Latin America, the United States and Britain. The
//! city and the postal code behind a street stay, but for a British postcode: it names a handful of houses.

use super::{
    Label, Reading,
    cues::Cues,
    view::{Claims, ORDINAL, View, is_letter},
    words::Word,
};

/// Words that no street name holds: the sentence has gone on.
const NOT_IN_A_NAME: &[&[u8]] = &[
    b"que",
    b"esta",
    b"es",
    b"no",
    b"con",
    b"para",
    b"por",
    b"se",
    b"me",
    b"mi",
    b"su",
    b"un",
    b"una",
    b"desde",
    b"hasta",
    b"tiene",
    b"hay",
    b"is",
    b"was",
    b"that",
    b"this",
    b"with",
    b"for",
    b"from",
    b"i",
    b"you",
    b"we",
    b"my",
    b"and",
    b"or",
    b"to",
    b"it",
    b"are",
    b"has",
    b"have",
    b"but",
    b"in",
    b"on",
    b"at",
    b"minutes",
    b"hours",
    b"days",
    b"times",
    b"pm",
    b"am",
    b"users",
    b"items",
    b"pero",
    b"y",
    b"o",
    b"a",
    b"por",
    b"porque",
    b"cuando",
    b"cada",
    b"email",
    b"phone",
    b"order",
    b"pedido",
    b"telefono",
    b"of",
    b"per",
    b"more",
    b"than",
];

/// Suffixes that are ordinary words too: they need a capital or a delivery in sight.
const WEAK_SUFFIXES: &[&[u8]] = &[
    b"way", b"drive", b"place", b"close", b"row", b"rise", b"hill", b"park", b"court", b"square", b"path", b"green",
    b"walk", b"loop", b"trail", b"gardens", b"circle", b"view", b"cove", b"pike", b"alley", b"pl", b"st", b"str",
    b"dr", b"ter", b"ct", b"cir", b"ln", b"sq", b"way", b"express",
];

/// Via types that are ordinary words or too short to stand without a dot.
const WEAK_VIAS: &[&[u8]] = &[
    b"c",
    b"via",
    b"camino",
    b"cuesta",
    b"paseo",
    b"plaza",
    b"ronda",
    b"circuito",
    b"retorno",
    b"diagonal",
    b"prol",
    b"cl",
    b"cr",
    b"kr",
    b"tv",
    b"dg",
    b"jr",
    b"ave",
    b"av",
    b"alameda",
    b"corredor",
    b"carretera",
    b"bv",
    b"priv",
    b"transversal",
    b"vereda",
];

/// Marks addresses.
pub(super) fn find(reading: &Reading<'_>, claims: &mut Claims) {
    let words = reading.words.all();
    let mut claimed = 0;
    for index in 0..words.len() {
        let word = words[index];
        if word.start < claimed || !claims.is_free(word.start, word.end) {
            continue;
        }
        let found = via(reading, index)
            .or_else(|| house_first(reading, index))
            .or_else(|| postcode(reading, index))
            .or_else(|| box_number(reading, index))
            .or_else(|| after_delivery(reading, index));
        if let Some((start, end)) = found {
            claims.hide(start, end, Label::Address);
            claimed = end;
        }
    }
}

fn low<'v>(view: &'v View<'_>, word: &Word) -> &'v [u8] {
    &view.low[word.start..word.end]
}

fn is_number(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_digit)
}

fn is_title(reading: &Reading<'_>, word: &Word) -> bool {
    reading.view.raw[word.start].is_ascii_uppercase() || reading.lower
}

/// What may stand between two words of an address: a space, a comma and a space, a number sign.
fn joins(view: &View<'_>, from: usize, to: usize) -> bool {
    to - from <= 4
        && view.low[from..to]
            .iter()
            .all(|&byte| matches!(byte, b' ' | b',' | b'.' | b'#' | b'-' | b'/' | b'\'' | ORDINAL | b':'))
}

/// "Calle Mayor 12, 3º B", "Cra 7 # 71-21", "Av. 9 de Julio 1234 piso 3".
fn via(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
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
    let weak = WEAK_VIAS.contains(&name) && !marked;
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
                || view.low[next.end..].starts_with(b".") && view.byte(next.end + 1).is_ascii_digit()
            {
                return None;
            }
            if letters == 0 && crossing.is_none() {
                return None;
            }
            let last = crossing.unwrap_or(at);
            if letters > 0 && weak && titles == 0 && !delivery() && !reading.lower && crossing.is_none() {
                return None;
            }
            return Some((word.start, units(reading, last, words[last].end)));
        }
        if bytes == b"s" && view.low[next.end..].starts_with(b"/n") {
            return (letters > 0).then(|| (word.start, units(reading, at + 1, next.end + 2)));
        }
        if !word_fits(bytes) && view.byte(next.end) != b'\''
            || gap.contains(&b',') && !next.cues.has(Cues::UNIT)
            || gap.starts_with(b". ") && at > index + 1
        {
            break;
        }
        if !matches!(bytes, b"no" | b"num" | b"nro" | b"numero" | b"n") {
            letters += 1;
            titles += usize::from(view.raw[next.start].is_ascii_uppercase());
        }
        at += 1;
    }
    // A street without a number still leads to a door when somebody lives there.
    (titles > 0 && letters <= 5 && !weak && delivery()).then(|| (word.start, words[at - 1].end))
}

fn word_fits(bytes: &[u8]) -> bool {
    matches!(bytes, b"no" | b"y") || !NOT_IN_A_NAME.contains(&bytes)
}

/// Colombian "7 # 71-21", "45 no 12 - 34", "8a bis #5-20": index of the last number.
fn crossing(reading: &Reading<'_>, index: usize) -> Option<usize> {
    let (view, words) = (reading.view, reading.words.all());
    let mut at = index + 1;
    let mut sign = false;
    for _ in 0..4 {
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
        at += 1;
    }
    None
}

/// Extends an address that ends in word `index` at `end` over floor, door, tower and the like.
fn units(reading: &Reading<'_>, index: usize, mut end: usize) -> usize {
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
        let ordinal = is_number(bytes) && bytes.len() <= 3 && view.byte(next.end) == ORDINAL;
        if ordinal {
            end = next.end + 1;
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
fn is_unit_value(bytes: &[u8]) -> bool {
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

/// "453 MLK Jr St, Unit 20", "Flat 22, 42 Victoria Road", "3622 E 86th Ave Suite 304".
fn house_first(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
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
            let weak = WEAK_SUFFIXES.contains(&bytes);
            let delivery = reading.words.distance(view, word.start, Cues::DELIVERY, 8).is_some();
            if titles == 0 && !reading.lower && !delivery
                || weak && !title && !delivery && !(bytes.len() <= 3 && titles > 0 || reading.lower && bytes.len() <= 2)
            {
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
        if NOT_IN_A_NAME.contains(&bytes)
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

/// Start of "Flat 22, " or "7a " before the house number.
fn unit_before(reading: &Reading<'_>, index: usize) -> usize {
    let (view, words) = (reading.view, reading.words.all());
    let start = words[index].start;
    let Some(value) = index.checked_sub(1).map(|value| words[value]) else {
        return start;
    };
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

/// `BS8 1TH`: in capitals, or in a message without any and beside a delivery.
fn postcode(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
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
fn box_number(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
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

/// "vivo en Los Leones 220", "dirección: Los Aromos 1234 depto 5", "I live at 12 Broadway": no type, but somebody lives there.
fn after_delivery(reading: &Reading<'_>, index: usize) -> Option<(usize, usize)> {
    let (view, words) = (reading.view, reading.words.all());
    let first = words[index];
    let cue = words[..index]
        .iter()
        .rev()
        .take(3)
        .find(|word| word.cues.has(Cues::DELIVERY))?;
    let bridge = &view.low[cue.end..first.start];
    let passes = words[..index]
        .iter()
        .rev()
        .take_while(|word| word.start >= cue.end)
        .all(|word| {
            matches!(
                low(view, word),
                b"en"
                    | b"a"
                    | b"at"
                    | b"is"
                    | b"es"
                    | b"to"
                    | b"nueva"
                    | b"new"
                    | b"mi"
                    | b"my"
                    | b"la"
                    | b"actual"
                    | b"on"
            )
        });
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
    if NOT_IN_A_NAME.contains(&low(view, &first))
        || !capital(&first) && !(reading.lower && home)
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
            return (bytes.len() <= 5).then(|| (first.start, units(reading, at, next.end)));
        }
        if NOT_IN_A_NAME.contains(&bytes) && !matches!(bytes, b"no" | b"y")
            || !(capital(next) || reading.lower || next.cues.has(Cues::PARTICLE) || next.cues.has(Cues::UNIT))
        {
            return None;
        }
        at += 1;
    }
    None
}
