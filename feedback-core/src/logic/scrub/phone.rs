//! Telephone numbers: any grouping after a cue, and the shapes that people write without one.

use super::{
    Reading,
    cues::Cues,
    number::Number,
    view::{View, is_alnum},
    words::Word,
};

/// Whether these groups are a telephone number.
pub(super) fn is_phone(reading: &Reading<'_>, number: &Number<'_>) -> bool {
    let view = reading.view;
    let length = number.digits.len();
    if !(6..=15).contains(&length) || number.groups.len() > 7 && !is_spelled(&number.shape()) {
        return false;
    }
    let plus = view.low[number.start..number.groups[0].0].contains(&b'+');
    let shape = number.shape();
    if plus {
        return length >= 8 && well_grouped(&shape);
    }
    let ordered = reading.words.distance(view, number.start, Cues::ORDER, 2).is_some();
    if number.digits.starts_with(b"00") && !ordered && (11..=15).contains(&length) && number.digits[2] != b'0' {
        return well_grouped(&shape);
    }
    let phone = cue_distance(reading, number.start);
    let order = reading
        .words
        .distance(view, number.start, Cues::ORDER.or(Cues::NATIONAL), 4);
    let follows = length >= 9
        && reading.words.after(number.end).take(4).any(|word| {
            matches!(
                &view.low[word.start..word.end],
                b"whatsapp" | b"cel" | b"celular" | b"mobile" | b"cell" | b"movil" | b"telefono" | b"phone"
            )
        });
    let caller = reading
        .words
        .before(number.start)
        .take(4)
        .any(|word| matches!(&view.low[word.start..word.end], b"caller"));
    let cue = caller
        || is_my_number(reading, number.start)
        || match (phone, order) {
            (Some(phone), Some(order)) => phone <= order,
            (phone, order) => phone.is_some() || (follows && order.is_none()),
        };
    if cue {
        // A short number needs the cue close by: "call 911 after 6 tries" has none.
        return well_grouped(&shape)
            && (length >= 8
                || phone.is_some_and(|phone| phone <= 3) && length >= 7
                || length >= 6 && shape.len() > 1 && phone == Some(1));
    }
    let written = &view.low[number.start..number.end];
    let parenthesis = written.contains(&b'(');
    // "9445.0/(9445.0", "1.64.0 (106400": two numbers.
    let closed = written.contains(&b')') || written[0] == b'(' && view.byte(number.end) == b')';
    if parenthesis && !closed {
        return false;
    }
    // "the SMS code goes to 404.423.6733": a shape that only phones have outweighs a word further off.
    let trunk =
        number.digits[0] == b'0' && matches!(shape[..], [5, 6] | [5, 3, 3] | [4, 3, 4] | [4, 7] | [3, 4, 4] | [11]);
    let near_order = order.is_some_and(|order| order <= if shape[..] == [3, 3, 4] || trunk { 1 } else { 3 });
    if near_order && !parenthesis {
        return false;
    }
    let speaks_of_phones = reading.words.cues().has(Cues::PHONE);
    spoken_for(view, number, &shape, parenthesis, speaks_of_phones)
}

/// End of a phone with its extension: "598 966 7924 x214", "ext. 20", "int 4", "anexo 12".
pub(super) fn extension(view: &View<'_>, end: usize) -> usize {
    const WORDS: [&[u8]; 6] = [b"x", b"ext", b"extension", b"anexo", b"int", b"interno"];
    let mut at = end;
    while at < end + 3 && matches!(view.byte(at), b' ' | b',' | b'(') {
        at += 1;
    }
    let word = at;
    while at < word + 10 && view.byte(at).is_ascii_alphabetic() {
        at += 1;
    }
    if !WORDS.contains(&&view.low[word..at]) {
        return end;
    }
    while at < end + 16 && matches!(view.byte(at), b' ' | b'.' | b':') {
        at += 1;
    }
    let digits = (at..at + 6).take_while(|&at| view.byte(at).is_ascii_digit()).count();
    if (1..=5).contains(&digits) && !is_alnum(view.byte(at + digits)) {
        at + digits
    } else {
        end
    }
}

/// A number joined to a phone by "o", "and", a comma or a slash, and about as long.
pub(super) fn follows_phone(view: &View<'_>, phone: usize, start: usize, end: usize, digits: usize) -> bool {
    let joined = view.low.get(phone..start).is_some_and(|gap| {
        matches!(
            gap,
            b" o " | b" or " | b" and " | b" y " | b" / " | b"/" | b", " | b" al " | b" a " | b" u "
        )
    });
    let length = view.low[start..end].iter().filter(|byte| byte.is_ascii_digit()).count();
    joined && length >= 7 && length.abs_diff(digits) <= 3 && !is_alnum(view.byte(end)) && view.byte(end) != b'-'
}

/// A phone's own shape, with no word to help.
fn spoken_for(
    view: &View<'_>,
    number: &Number<'_>,
    shape: &[usize],
    parenthesis: bool,
    speaks_of_phones: bool,
) -> bool {
    let digits = &number.digits[..];
    let first = digits[0];
    match *shape {
        [3, 3, 4] | [1, 3, 3, 4] => shape.len() == 3 || first == b'1',
        [3, 7] => parenthesis || number.separator(view) == Some(b' '),
        [3, 3, 3] | [3, 2, 2, 2] | [2, 3, 2, 2] | [3, 6] => {
            // With dots it may be millions, unless the message speaks of calls.
            let dotted = number.separator(view) == Some(b'.');
            matches!(first, b'6'..=b'9') && (!dotted || first != b'8' && speaks_of_phones) || parenthesis
        }
        [1, 4, 4] | [1, 8] => matches!(first, b'2' | b'9'),
        [2, 4, 4] | [2, 8] | [3, 4, 4] | [2, 2, 4, 4] | [3, 8] => digits.len() >= 10,
        [4, 4, 4] => [b"52", b"54", b"34", b"57", b"56"]
            .iter()
            .any(|country| digits.starts_with(*country)),
        [5, 6]
        | [4, 3, 4]
        | [5, 3, 3]
        | [4, 3, 3]
        | [3, 4, 3]
        | [4, 7]
        | [4, 6]
        | [5, 5]
        | [3, 3, 2, 2]
        | [2, 2, 2, 2, 2]
        | [4, 2, 4] => {
            first == b'0' || parenthesis || (digits.len() == 10 && matches!(number.separator(view), Some(b' ' | b'-')))
        }
        [2, 3, 4] | [1, 3, 4] | [2, 3, 3, 4] | [1, 2, 3, 4] | [4, 5, 4] | [2, 4, 3, 4] => {
            parenthesis || digits.len() >= 10
        }
        [4, 3, 3, 3] | [3, 2, 4, 4] | [5, 3, 3, 3] => first == b'0' || parenthesis,
        [9] => matches!(first, b'6' | b'7' | b'9'),
        [10] => matches!(first, b'2'..=b'9'),
        [11] => digits.starts_with(b"07") || digits.starts_with(b"01") || digits.starts_with(b"02"),
        _ => parenthesis && (8..=13).contains(&digits.len()) && well_grouped(shape),
    }
}

/// No group is as long as an order number beside others, and no thousands: `1.234.567`.
fn well_grouped(shape: &[usize]) -> bool {
    shape.len() == 1
        || is_spelled(shape)
        || shape.iter().all(|&group| group <= 10) && shape.iter().filter(|&&group| group == 1).count() <= 2
}

/// "my number is", "mi número:", "their new number was": a number that somebody has.
fn is_my_number(reading: &Reading<'_>, at: usize) -> bool {
    let text = |word: &Word| &reading.view.low[word.start..word.end];
    let mut before = reading
        .words
        .before(at)
        .filter(|word| !matches!(text(word), b"is" | b"es" | b"was" | b"era" | b"new" | b"nuevo" | b"s"));
    let number = before
        .next()
        .is_some_and(|word| at - word.end <= 12 && matches!(text(word), b"number" | b"numero" | b"num" | b"nro"));
    number
        && before.next().is_some_and(|word| {
            matches!(
                text(word),
                b"my" | b"mi" | b"his" | b"her" | b"su" | b"their" | b"our" | b"nuestro" | b"tu"
            )
        })
}

/// One by one: "6 1 2 3 4 5 6 7 8", "+34 6 1 2 3 4 5 6 7 8".
fn is_spelled(shape: &[usize]) -> bool {
    shape.len() >= 9 && shape[0] <= 3 && shape[1..].iter().all(|&group| group == 1)
}

/// Distance of a cue before the number, glued cues included.
fn cue_distance(reading: &Reading<'_>, at: usize) -> Option<usize> {
    if glued_cue(reading.view, at) {
        return Some(1);
    }
    reading.words.distance(reading.view, at, Cues::PHONE, 6)
}

/// "tel612345678", "cel:55…": the letters right before are a cue.
pub(super) fn glued_cue(view: &View<'_>, at: usize) -> bool {
    let end = at - usize::from(matches!(view.before(at), b'-' | b'.' | b':'));
    let mut start = end;
    while start > 0 && end - start < 12 && view.low[start - 1].is_ascii_alphabetic() {
        start -= 1;
    }
    start < end && (start == 0 || !is_alnum(view.low[start - 1])) && {
        let cues = Cues::of(&view.low[start..end]);
        cues.has(Cues::PHONE.or(Cues::NATIONAL)) && !cues.has(Cues::ORDER)
    }
}
