//! Runs of digits: one classifier decides between card, national id, phone and the host's own numbers.

use super::{
    Label, Reading,
    cues::{Cues, one_slip},
    phone,
    view::{Claims, View, is_alnum},
};

/// Groups of digits with separators between them.
pub(super) struct Run {
    /// Where each group lies.
    pub(super) groups: Vec<(usize, usize)>,
}

/// What one reading of a run looks like to the rules.
pub(super) struct Number<'r> {
    /// The groups.
    pub(super) groups: &'r [(usize, usize)],
    /// All digits.
    pub(super) digits: Vec<u8>,
    /// First byte, with `+` or `(`.
    pub(super) start: usize,
    /// Byte after the last.
    pub(super) end: usize,
}

impl Number<'_> {
    /// Lengths of the groups.
    pub(super) fn shape(&self) -> Vec<usize> {
        self.groups.iter().map(|(start, end)| end - start).collect()
    }

    /// What stands between the groups, if it is the same single character everywhere.
    pub(super) fn separator(&self, view: &View<'_>) -> Option<u8> {
        let mut between = self.groups.windows(2).map(|pair| &view.low[pair[0].1..pair[1].0]);
        let first = between.next().filter(|gap| gap.len() == 1)?[0];
        between.all(|gap| gap == [first]).then_some(first)
    }
}

/// No number has more groups; the limit keeps runs of single digits linear.
const MAX_GROUPS: usize = 16;

/// Marks cards, ids and phones.
pub(super) fn find(reading: &Reading<'_>, claims: &mut Claims) {
    let view = reading.view;
    let mut at = 0;
    let mut last = None;
    while at < view.len() {
        if !view.low[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let run = run_at(view, at, claims);
        let end = run.groups.last().map_or(at + 1, |group| group.1).max(at + 1);
        let (start, first) = (run.groups.first().map_or(at, |group| group.0), claims.count());
        classify(reading, &run, claims);
        if claims.count() == first
            && let Some((phone, digits)) = last
            && phone::follows_phone(view, phone, start, end, digits)
        {
            // "912 345 678 o 1468513687": what stands beside a phone and is as long is one.
            claims.hide(start, end, Label::Phone);
        }
        if let Some(end) = claims.last_is(Label::Phone, first) {
            last = Some((
                end,
                view.low[start..end].iter().filter(|byte| byte.is_ascii_digit()).count(),
            ));
        }
        at = end;
    }
}

/// The run that starts with the digits at `at`; groups may be apart by up to three separators on one line.
fn run_at(view: &View<'_>, mut at: usize, claims: &Claims) -> Run {
    let mut groups = Vec::new();
    loop {
        let start = at;
        while view.byte(at).is_ascii_digit() && claims.is_free(at, at + 1) {
            at += 1;
        }
        if at == start {
            break;
        }
        groups.push((start, at));
        let gap = (at..at + 4)
            .take_while(|&at| {
                matches!(
                    view.byte(at),
                    b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'+' | b'_' | 0x03
                )
            })
            .count();
        if gap == 0 || gap > 3 || !view.byte(at + gap).is_ascii_digit() || view.low[at..at + gap].contains(&b'+') {
            break;
        }
        at += gap;
    }
    Run { groups }
}

fn classify(reading: &Reading<'_>, run: &Run, claims: &mut Claims) {
    let mut from = 0;
    while from < run.groups.len() {
        let longest = (from + MAX_GROUPS).min(run.groups.len());
        let hit = (from + 1..=longest).rev().find_map(|to| {
            let groups = &run.groups[from..to];
            // Accounts are the longest; nothing is shorter than six.
            let digits: usize = groups.iter().map(|(start, end)| end - start).sum();
            if groups.len() > 4 && !(6..=22).contains(&digits) {
                return None;
            }
            let number = number(reading.view, groups);
            verdict(reading, &number).map(|verdict| (to, number.start, number.end, verdict))
        });
        match hit {
            Some((to, start, end, Some(label))) => {
                let end = if label == Label::Phone {
                    phone::extension(reading.view, end)
                } else {
                    end
                };
                claims.hide(start, end, label);
                from = to;
            }
            Some((to, _, _, None)) => from = to,
            None => from += 1,
        }
    }
}

fn number<'r>(view: &View<'_>, groups: &'r [(usize, usize)]) -> Number<'r> {
    let mut start = groups[0].0;
    let end = groups[groups.len() - 1].1;
    if view.before(start) == b'(' {
        start -= 1;
    }
    if view.before(start) == b'+' {
        start -= 1;
        if view.before(start) == b'(' {
            start -= 1;
        }
    }
    let digits = groups
        .iter()
        .flat_map(|&(from, to)| view.low[from..to].iter().copied())
        .collect();
    Number {
        groups,
        digits,
        start,
        end,
    }
}

/// `Some(None)` is a number that stays, `None` is no reading of these groups.
#[expect(clippy::option_option, reason = "three answers: hide as, keep, look at fewer groups")]
fn verdict(reading: &Reading<'_>, number: &Number<'_>) -> Option<Option<Label>> {
    let view = reading.view;
    if is_part_of_a_code(reading, number) {
        return (number.groups.len() == 1).then_some(None);
    }
    if is_date(view, number)
        || is_amount(reading, number)
        || is_in_a_listing(view, number)
        || is_decimal(reading, number)
        || LIMITS.contains(&&number.digits[..])
    {
        return Some(None);
    }
    if is_card(reading, number) {
        return Some(Some(Label::Card));
    }
    if is_national(reading, number) {
        return Some(Some(Label::NationalId));
    }
    if is_account(reading, number) {
        return Some(Some(Label::Iban));
    }
    phone::is_phone(reading, number).then_some(Some(Label::Phone))
}

/// `A383836`, `ORD-2026-90540`, `23573-B`, `v2.3`: letters or a tag are glued to it.
fn is_part_of_a_code(reading: &Reading<'_>, number: &Number<'_>) -> bool {
    let view = reading.view;
    let before = view.before(number.start);
    let far = if number.start >= 2 {
        view.byte(number.start - 2)
    } else {
        0
    };
    // "tel612345678", "rut-12345678": a cue may be glued.
    let cue = phone::glued_cue(view, number.start);
    // "_612 345 678_" is in italics.
    let tagged = is_alnum(before)
        || before == b'#'
        || before == b'_' && is_alnum(far)
        || (matches!(before, b'-' | b'/' | b'.' | b':')
            && is_alnum(far)
            && !(before == b':' && far.is_ascii_alphabetic()));
    // "height=776463417", "tx=…": a variable's value, unless its name speaks of phones.
    let sign = view.low[..number.start]
        .iter()
        .rev()
        .take(3)
        .find(|byte| !matches!(byte, b' ' | b'-'));
    let assigned = sign == Some(&b'=')
        && reading
            .words
            .distance(
                view,
                number.start,
                Cues::PHONE.or(Cues::NATIONAL).or(Cues::CARD).or(Cues::IBAN),
                2,
            )
            .is_none();
    let after = view.byte(number.end);
    let next = view.byte(number.end + 1);
    let tail = is_alnum(after)
        || after == b'_' && is_alnum(next)
        || (matches!(after, b'-' | b'/') && is_alnum(next))
        || (after == b'.' && next.is_ascii_digit())
        || after == b'%';
    ((tagged || assigned) && !cue) || tail
}

/// Part of a listing: bytes in hexadecimal around it, or a log's time right before.
fn is_in_a_listing(view: &View<'_>, number: &Number<'_>) -> bool {
    let hexadecimal = |at: usize| {
        let pair = [view.byte(at), view.byte(at + 1)];
        pair.iter().all(u8::is_ascii_hexdigit)
            && pair.iter().any(u8::is_ascii_alphabetic)
            && !is_alnum(view.byte(at + 2))
            && !is_alnum(view.before(at))
    };
    let pairs = number.groups.len() >= 3 && number.groups.iter().all(|(start, end)| end - start == 2);
    let dump = pairs
        && (hexadecimal(number.end + 1)
            || number.start >= 3 && hexadecimal(number.start - 3)
            || number.digits.starts_with(b"0000"));
    // "14:00:51.294 12836 12836"
    let time = number.start >= 10
        && view.low[number.start - 1] == b' '
        && view.low[number.start - 4..number.start - 1]
            .iter()
            .all(u8::is_ascii_digit)
        && matches!(view.low[number.start - 5], b'.' | b',')
        && view.low[number.start - 8] == b':';
    dump || time
}

/// `60.79175629`, `0.0078125`, `1,234,567.891`: what two groups with one dot between them are, if no phone was announced.
fn is_decimal(reading: &Reading<'_>, number: &Number<'_>) -> bool {
    let view = reading.view;
    let shape = number.shape();
    matches!(shape[..], [1..=5, 4..=15])
        && number.separator(view) == Some(b'.')
        && reading.words.distance(view, number.start, Cues::PHONE, 3).is_none()
}

/// The largest and smallest numbers of machines: no phone, wherever they stand.
const LIMITS: &[&[u8]] = &[
    b"2147483647",
    b"2147483648",
    b"4294967295",
    b"4294967296",
    b"9223372036854775807",
];

fn value(digits: &[u8]) -> u32 {
    digits.iter().fold(0_u32, |value, &digit| {
        value.saturating_mul(10).saturating_add(u32::from(digit - b'0'))
    })
}

/// `2025-06-23`, `5/25/2026`, `22.11.2026`.
fn is_date(view: &View<'_>, number: &Number<'_>) -> bool {
    if number.groups.len() != 3 {
        return false;
    }
    let mut groups = [0; 3];
    let mut shape = [0; 3];
    for (at, &(start, end)) in number.groups.iter().enumerate() {
        groups[at] = value(&view.low[start..end]);
        shape[at] = end - start;
    }
    let Some(b'-' | b'/' | b'.' | b' ') = number.separator(view) else {
        return false;
    };
    let day = |value: u32| (1..=31).contains(&value);
    let year = |value: u32, length: usize| length == 2 || (1900..=2100).contains(&value);
    match (groups, shape) {
        ([y, m, d], [4, 1 | 2, 1 | 2]) => year(y, 4) && day(m) && day(d),
        ([d, m, y], [1 | 2, 1 | 2, length @ (2 | 4)]) => {
            number.separator(view) != Some(b' ') && day(d) && day(m) && (d <= 12 || m <= 12) && year(y, length)
        }
        _ => false,
    }
}

/// A currency sign before it, or a currency or unit behind it.
fn is_amount(reading: &Reading<'_>, number: &Number<'_>) -> bool {
    let view = reading.view;
    let before = view.low[..number.start]
        .iter()
        .rev()
        .take(2)
        .copied()
        .find(|&byte| byte != b' ');
    let signed =
        matches!(before, Some(b'$')) || (before == Some(super::view::SYMBOL) && is_currency(reading, number.start));
    if signed {
        return true;
    }
    number.digits.len() <= 9
        && number.groups.len() <= 4
        && reading
            .words
            .after(number.end)
            .next()
            .is_some_and(|word| word.cues.has(Cues::MONEY) && word.start - number.end <= 1)
}

fn is_currency(reading: &Reading<'_>, start: usize) -> bool {
    let view = reading.view;
    let mut at = start;
    while at > 0 && view.low[at - 1] == b' ' {
        at -= 1;
    }
    let (from, to) = view.original(at.saturating_sub(1), at);
    matches!(view.text.get(from..to), Some("€" | "£" | "¥" | "₡" | "₲"))
}

/// Luhn and an issuer's first digits; without the checksum a cue and the shape.
fn is_card(reading: &Reading<'_>, number: &Number<'_>) -> bool {
    let view = reading.view;
    let length = number.digits.len();
    if !(13..=19).contains(&length)
        || number.groups.iter().any(|(start, end)| end - start < 2) && number.groups.len() < length
    {
        return false;
    }
    let issuer = match number.digits[..] {
        [b'4', ..] => matches!(length, 13 | 16 | 19),
        [b'5', b'1'..=b'5', ..] | [b'2', b'2'..=b'7', ..] => length == 16,
        [b'3', b'4' | b'7', ..] => length == 15,
        [b'3', b'0' | b'6' | b'8', ..] => length == 14 || length == 16,
        [b'6', ..] | [b'5', ..] | [b'3', b'5', ..] => (15..=19).contains(&length),
        _ => false,
    };
    let grouped = matches!(
        number.shape()[..],
        [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4] | [4, 4, 4, 4, 3]
    );
    let card = reading.words.distance(view, number.start, Cues::CARD, 5);
    let order = reading.words.distance(view, number.start, Cues::ORDER, 3);
    let cue = card.is_some_and(|card| order.is_none_or(|order| card <= order));
    if luhn(&number.digits) && issuer {
        return cue || grouped || (number.groups.len() == 1 && order.is_none());
    }
    if cue {
        issuer || grouped
    } else {
        grouped && issuer && order.is_none()
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, &digit)| match (u32::from(digit - b'0'), at % 2) {
            (digit, 0) => digit,
            (digit, _) if digit > 4 => digit * 2 - 9,
            (digit, _) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// SSN, CUIT, CPF by shape and checksum; others after their cue.
fn is_national(reading: &Reading<'_>, number: &Number<'_>) -> bool {
    let view = reading.view;
    let shape = number.shape();
    let separator = number.separator(view);
    let length = number.digits.len();
    if view.byte(number.start) == b'+' || view.byte(number.start) == b'(' {
        return false;
    }
    let id = reading.words.distance(view, number.start, Cues::NATIONAL, 6);
    let nearer = |other: Option<usize>| id.is_some_and(|id| other.is_none_or(|other| id <= other));
    let cue = (6..=13).contains(&length)
        && nearer(reading.words.distance(view, number.start, Cues::PHONE, 6))
        && nearer(order_distance(reading, number.start, 2));
    let order = || order_distance(reading, number.start, 2).is_some();
    match shape[..] {
        [3, 2, 4] if matches!(separator, Some(b'-' | b' ' | b'.')) => {
            let area = value(&number.digits[..3]);
            cue || (separator == Some(b'-') && area != 0 && area != 666 && !order())
        }
        [2, 8, 1] if separator == Some(b'-') => cue || cuit(&number.digits),
        [3, 3, 3, 2] | [9, 2] => {
            cue || (cpf(&number.digits) && !order()) || (shape.len() == 4 && separator.is_none() && !order())
        }
        [11] => {
            cue || ((cpf(&number.digits) || cuit(&number.digits))
                && reading.words.distance(view, number.start, Cues::NATIONAL, 6).is_some())
        }
        _ => {
            // The dots of an id are those of a number: groups of three but for the first.
            let even = shape.len() == 1
                || (shape[0] <= 3 && shape[1..].iter().all(|&group| group == 3))
                || (6..=11).contains(&length) && shape.iter().all(|&group| group >= 2);
            cue && even
        }
    }
}

/// As [`Words::distance`](super::words::Words::distance) for orders, but for the word "id": it may be a person's.
fn order_distance(reading: &Reading<'_>, at: usize, limit: usize) -> Option<usize> {
    let distance = reading.words.distance(reading.view, at, Cues::ORDER, limit)?;
    let is_id = reading
        .words
        .before(at)
        .take(limit)
        .find(|word| word.cues.has(Cues::ORDER))
        .is_some_and(|word| matches!(&reading.view.low[word.start..word.end], b"id" | b"ids"));
    (!is_id).then_some(distance)
}

/// Argentina's modulo 11 over the first ten digits.
fn cuit(digits: &[u8]) -> bool {
    if digits.len() != 11 || !matches!(value(&digits[..2]), 20 | 23 | 24 | 25 | 26 | 27 | 30 | 33 | 34) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .zip([5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1])
        .map(|(&digit, factor)| u32::from(digit - b'0') * factor)
        .sum();
    sum.is_multiple_of(11)
}

/// Brazil's two check digits.
fn cpf(digits: &[u8]) -> bool {
    let check = |count: usize| {
        let sum: u32 = digits[..count]
            .iter()
            .zip((2..=count as u32 + 1).rev())
            .map(|(&digit, factor)| u32::from(digit - b'0') * factor)
            .sum();
        b'0' + (sum * 10 % 11 % 10) as u8
    };
    digits.len() == 11
        && digits.iter().any(|&digit| digit != digits[0])
        && check(9) == digits[9]
        && check(10) == digits[10]
}

/// CLABE (18) and CBU (22) after their names.
fn is_account(reading: &Reading<'_>, number: &Number<'_>) -> bool {
    matches!(number.digits.len(), 18 | 20 | 22)
        && reading.words.before(number.start).take(4).any(|word| {
            let low = &reading.view.low[word.start..word.end];
            // "calbe", "clave": a hurried hand, where the length is Mexico's.
            matches!(low, b"clabe" | b"cbu" | b"cvu" | b"cci" | b"interbancaria" | b"iban")
                || number.digits.len() == 18 && (4..=6).contains(&low.len()) && one_slip(low, b"clabe")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_as_published() {
        assert!(luhn(b"4111111111111111") && luhn(b"378282246310005") && !luhn(b"4111111111111112"));
        assert!(cuit(b"20123456786") && !cuit(b"20123456787") && !cuit(b"99"));
        assert!(cpf(b"52998224725") && !cpf(b"52998224724") && !cpf(b"11111111111"));
    }
}
