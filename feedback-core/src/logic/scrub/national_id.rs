//! Numbers that a state gave to a person and that hold letters or a check digit: DNI, NIE, RUT, CURP, RFC, passports.
//! Those of digits alone are told from phones in [`number`](super::number).

use super::{
    Label, Reading,
    cues::Cues,
    view::{Claims, View, is_alnum},
    words::Word,
};

/// The letter of a Spanish DNI or NIE is `LETTERS[number % 23]`.
const LETTERS: &[u8; 23] = b"trwagmyfpdxbnjzsqvhlcke";

/// Mexico's placeholders for "the public" and "a foreigner": nobody's.
const NOBODY: &[&[u8]] = &[b"xaxx010101000", b"xexx010101000"];

/// Marks ids that begin in `word`.
pub(super) fn find(reading: &Reading<'_>, word: &Word, claims: &mut Claims) {
    let view = reading.view;
    let low = &view.low[word.start..word.end];
    let cue = |limit| {
        reading
            .words
            .distance(view, word.start, Cues::NATIONAL, limit)
            .is_some()
    };
    // "KOVN 880620 NZ9", "X-1234567-L": letters alone begin an id only where digits follow.
    let leads = low.len() <= 5 && !matches!(view.byte(word.end), b'\n') && view.byte(word.end + 1).is_ascii_digit();
    if word.is_letters && !leads
        || view.before(word.start) == b'/'
        || view.before(word.start) == b':' && word.start > 1 && view.byte(word.start - 2).is_ascii_digit()
        || view.before(word.start) == b'_' && word.start > 1 && is_alnum(view.byte(word.start - 2))
    {
        return;
    }
    if low[0].is_ascii_digit() {
        // "lote 20260412-B": one letter in 23 fits by chance.
        if reading.words.distance(view, word.start, Cues::ORDER, 2).is_some() && !cue(4) {
            return;
        }
        let cue = || cue(4);
        if let Some(end) = dni(view, word.start, cue).or_else(|| rut(view, word.start, cue)) {
            claims.hide(word.start, end, Label::NationalId);
        }
        return;
    }
    if NOBODY.contains(&low) {
        return claims.keep(word.start, word.end);
    }
    if is_curp(low) || is_rfc(low) {
        return claims.hide(word.start, word.end, Label::NationalId);
    }
    if let Some(end) = insurance_number(view, word.start)
        && reading.words.cues().has(Cues::NATIONAL)
        && reading.words.distance(view, word.start, Cues::ORDER, 1).is_none()
    {
        return claims.hide(word.start, end, Label::NationalId);
    }
    if let Some(end) = rfc_in_parts(view, word.start).or_else(|| nie(view, word.start, || cue(4))) {
        return claims.hide(word.start, end, Label::NationalId);
    }
    let digits = low.iter().filter(|byte| byte.is_ascii_digit()).count();
    if (6..=13).contains(&low.len())
        && digits >= 5
        && cue(3)
        && reading.words.distance(view, word.start, Cues::ORDER, 1).is_none()
    {
        claims.hide(word.start, word.end, Label::NationalId);
    }
}

/// Reads `count` digits from `at` over dots, spaces and dashes between groups; gives the end and the number.
fn digits(view: &View<'_>, mut at: usize, count: usize) -> Option<(usize, u64)> {
    let (mut number, mut read) = (0_u64, 0);
    while read < count {
        let byte = view.byte(at);
        if byte.is_ascii_digit() {
            number = number * 10 + u64::from(byte - b'0');
            read += 1;
        } else if !(read > 0 && matches!(byte, b'.' | b' ' | b'-') && view.byte(at + 1).is_ascii_digit()) {
            return None;
        }
        at += 1;
    }
    Some((at, number))
}

/// `12345678Z`, `12.345.678-Z`.
fn dni(view: &View<'_>, start: usize, cue: impl Fn() -> bool) -> Option<usize> {
    let (mut at, number) = digits(view, start, 8).filter(|&(end, _)| !view.byte(end).is_ascii_digit())?;
    let spaced = view.byte(at) == b' ';
    if matches!(view.byte(at), b'-' | b' ' | b'.') {
        at += 1;
    }
    let letter = view.byte(at);
    let ends = letter.is_ascii_alphabetic() && !is_alnum(view.byte(at + 1));
    let right = letter == LETTERS[(number % 23) as usize];
    // "12345678 y": a lonely small letter is a word.
    let sure = if spaced {
        view.raw[at.min(view.len() - 1)].is_ascii_uppercase() && (right || cue())
    } else {
        right || cue()
    };
    (ends && sure).then_some(at + 1)
}

/// `X1234567L`, `Y-1234567-X`.
fn nie(view: &View<'_>, start: usize, cue: impl Fn() -> bool) -> Option<usize> {
    let first = match view.byte(start) {
        b'x' => 0,
        b'y' => 1,
        b'z' => 2,
        _ => return None,
    };
    let from = start + 1 + usize::from(matches!(view.byte(start + 1), b'-' | b' '));
    let (mut at, number) = digits(view, from, 7)?;
    at += usize::from(matches!(view.byte(at), b'-' | b' '));
    let right = view.byte(at) == LETTERS[((first * 10_000_000 + number) % 23) as usize];
    (view.byte(at).is_ascii_alphabetic() && !is_alnum(view.byte(at + 1)) && (right || cue())).then_some(at + 1)
}

/// `13.699.999-0`, `9876543-k`: Chile's modulo 11.
fn rut(view: &View<'_>, start: usize, cue: impl Fn() -> bool) -> Option<usize> {
    [8, 7].into_iter().find_map(|count| {
        let (at, number) = digits(view, start, count)?;
        let dash = usize::from(view.byte(at) == b'-');
        let check = view.byte(at + dash);
        let ends = (check.is_ascii_digit() || check == b'k')
            && !is_alnum(view.byte(at + dash + 1))
            && view.byte(at + dash + 1) != b'-';
        let plain = (start..at).all(|at| view.low[at] != b'-' && view.low[at] != b' ');
        let right = check == rut_check(number);
        (ends
            && plain
            && if dash == 1 {
                right || cue()
            } else {
                cue() && (right || check == b'k')
            })
        .then_some(at + dash + 1)
    })
}

fn rut_check(mut number: u64) -> u8 {
    let (mut sum, mut factor) = (0, 2);
    while number > 0 {
        sum += number % 10 * factor;
        factor = if factor == 7 { 2 } else { factor + 1 };
        number /= 10;
    }
    match 11 - sum % 11 {
        11 => b'0',
        10 => b'k',
        digit => b'0' + digit as u8,
    }
}

/// Britain's `AB 12 34 56 C`: two letters that it uses, six digits, a letter to D. Part numbers look like it, so that the
/// message has to speak of ids.
fn insurance_number(view: &View<'_>, start: usize) -> Option<usize> {
    let used = |at: usize| {
        let byte = view.byte(at);
        byte.is_ascii_alphabetic() && !matches!(byte, b'd' | b'f' | b'i' | b'q' | b'u' | b'v')
    };
    if !used(start) || !used(start + 1) || view.byte(start + 1) == b'o' {
        return None;
    }
    let gap = |at: usize| usize::from(matches!(view.byte(at), b' ' | b'-'));
    let from = start + 2 + gap(start + 2);
    let (at, _) = digits(view, from, 6)?;
    let last = at + gap(at);
    (matches!(view.byte(last), b'a'..=b'd') && !is_alnum(view.byte(last + 1))).then_some(last + 1)
}

fn is_curp(low: &[u8]) -> bool {
    low.len() == 18
        && low[..4].iter().all(u8::is_ascii_alphabetic)
        && low[4..10].iter().all(u8::is_ascii_digit)
        && matches!(low[10], b'h' | b'm' | b'x')
        && low[11..16].iter().all(u8::is_ascii_alphabetic)
        && low[17].is_ascii_digit()
}

/// Three or four letters, a date, three characters.
fn is_rfc(low: &[u8]) -> bool {
    let letters = low.len().wrapping_sub(9);
    matches!(letters, 3 | 4)
        && low[..letters].iter().all(u8::is_ascii_alphabetic)
        && is_date(&low[letters..letters + 6])
}

fn is_date(digits: &[u8]) -> bool {
    let two = |at: usize| u32::from(digits[at].wrapping_sub(b'0')) * 10 + u32::from(digits[at + 1].wrapping_sub(b'0'));
    digits.iter().all(u8::is_ascii_digit) && (1..=12).contains(&two(2)) && (1..=31).contains(&two(4))
}

/// `KOVN-880620-NZ9`, `KOVN 880620 NZ9`.
fn rfc_in_parts(view: &View<'_>, start: usize) -> Option<usize> {
    let mut letters = 0;
    while view.byte(start + letters).is_ascii_alphabetic() && letters < 5 {
        letters += 1;
    }
    let separator = view.byte(start + letters);
    let date = start + letters + 1;
    let tail = date + 7;
    let shaped = matches!(letters, 3 | 4)
        && matches!(separator, b'-' | b' ')
        && tail + 3 <= view.len()
        && is_date(&view.low[date..date + 6])
        && view.byte(date + 6) == separator
        && (tail..tail + 3).all(|at| view.byte(at).is_ascii_alphanumeric())
        && !is_alnum(view.byte(tail + 3));
    shaped.then_some(tail + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_computed_as_published() {
        assert_eq!(LETTERS[12_345_678 % 23], b'z');
        assert_eq!(rut_check(12_345_678), b'5');
        assert_eq!(rut_check(30_686_957), b'4');
        let insured = |text: &str| insurance_number(&View::new(text, &[]), 0);
        assert_eq!(insured("AB123456C"), Some(9));
        assert_eq!(insured("AB 12 34 56 C."), Some(13));
        assert_eq!(
            insured("DQ123456C").or(insured("AB123456X")).or(insured("AB12345C")),
            None
        );
        assert!(is_curp(b"muqs520222hjcqvn35") && !is_curp(b"muqs520222hjcqvn3x"));
        assert!(is_rfc(b"kovn880620nz9") && !is_rfc(b"kovn881320nz9") && !is_rfc(b"a"));
    }
}
