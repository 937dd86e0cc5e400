//! Bank accounts: IBAN with length and checksum, and the Mexican CLABE and Argentine CBU after their cue.

use super::{
    Label, Reading,
    cues::Cues,
    view::{Claims, View, is_alnum},
    words::Word,
};

/// Countries and the length of their accounts.
const LENGTHS: &[(&[u8; 2], usize)] = &[
    (b"ad", 24),
    (b"ae", 23),
    (b"al", 28),
    (b"at", 20),
    (b"az", 28),
    (b"ba", 20),
    (b"be", 16),
    (b"bg", 22),
    (b"bh", 22),
    (b"br", 29),
    (b"by", 28),
    (b"ch", 21),
    (b"cr", 22),
    (b"cy", 28),
    (b"cz", 24),
    (b"de", 22),
    (b"dk", 18),
    (b"do", 28),
    (b"ee", 20),
    (b"eg", 29),
    (b"es", 24),
    (b"fi", 18),
    (b"fo", 18),
    (b"fr", 27),
    (b"gb", 22),
    (b"ge", 22),
    (b"gi", 23),
    (b"gl", 18),
    (b"gr", 27),
    (b"gt", 28),
    (b"hr", 21),
    (b"hu", 28),
    (b"ie", 22),
    (b"il", 23),
    (b"iq", 23),
    (b"is", 26),
    (b"it", 27),
    (b"jo", 30),
    (b"kw", 30),
    (b"kz", 20),
    (b"lb", 28),
    (b"lc", 32),
    (b"li", 21),
    (b"lt", 20),
    (b"lu", 20),
    (b"lv", 21),
    (b"mc", 27),
    (b"md", 24),
    (b"me", 22),
    (b"mk", 19),
    (b"mr", 27),
    (b"mt", 31),
    (b"mu", 30),
    (b"nl", 18),
    (b"no", 15),
    (b"pk", 24),
    (b"pl", 28),
    (b"ps", 29),
    (b"pt", 25),
    (b"qa", 29),
    (b"ro", 24),
    (b"rs", 22),
    (b"sa", 24),
    (b"sc", 31),
    (b"se", 24),
    (b"si", 19),
    (b"sk", 24),
    (b"sm", 27),
    (b"st", 25),
    (b"sv", 28),
    (b"tl", 23),
    (b"tn", 24),
    (b"tr", 26),
    (b"ua", 29),
    (b"va", 22),
    (b"vg", 24),
    (b"xk", 20),
];

/// Marks accounts that begin in `word`.
pub(super) fn find(reading: &Reading<'_>, word: &Word, claims: &mut Claims) {
    let view = reading.view;
    let low = &view.low[word.start..word.end];
    let [a, b, c, d, ..] = low else { return };
    if !(a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit()) {
        return;
    }
    let cue = || reading.words.distance(view, word.start, Cues::IBAN, 3).is_some();
    let length = LENGTHS
        .iter()
        .find(|(country, _)| country[..] == [*a, *b])
        .map(|&(_, length)| length);
    if let Some((end, account)) = length.and_then(|length| collect(view, word.start, length)) {
        let digits = account.iter().filter(|byte| byte.is_ascii_digit()).count();
        if modulo_97(&account) == 1 || cue() || digits * 10 >= account.len() * 6 {
            claims.hide(word.start, end, Label::Iban);
            return;
        }
    }
    // A slip of the finger changes the length; after "iban" it is one all the same.
    if low.len() >= 14 && low.len() <= 36 && cue() {
        claims.hide(word.start, word.end, Label::Iban);
    } else if cue() {
        let (mut end, mut count) = (word.start, 0);
        while count < 34 {
            if is_alnum(view.byte(end)) {
                count += 1;
            } else if !(matches!(view.byte(end), b' ' | b'-') && group_goes_on(view, end + 1)) {
                break;
            }
            end += 1;
        }
        if count >= 14 {
            claims.hide(word.start, end, Label::Iban);
        }
    }
}

/// A group of at most four with a digit in it.
fn group_goes_on(view: &View<'_>, at: usize) -> bool {
    let length = (at..at + 5).take_while(|&at| is_alnum(view.byte(at))).count();
    (1..=4).contains(&length) && (at..at + length).any(|at| view.byte(at).is_ascii_digit())
}

/// Exactly `length` letters and digits from `start`, over single spaces, dashes and dots; nothing may be glued behind.
fn collect(view: &View<'_>, start: usize, length: usize) -> Option<(usize, Vec<u8>)> {
    let mut account = Vec::with_capacity(length);
    let mut at = start;
    while account.len() < length {
        let byte = view.byte(at);
        if byte.is_ascii_alphanumeric() {
            account.push(byte);
        } else if !(matches!(byte, b' ' | b'-' | b'.') && view.byte(at + 1).is_ascii_alphanumeric()) {
            return None;
        }
        at += 1;
    }
    (!is_alnum(view.byte(at))).then_some((at, account))
}

/// ISO 7064 mod 97-10, over the account with its first four characters moved to the end.
fn modulo_97(account: &[u8]) -> u32 {
    account[4..].iter().chain(&account[..4]).fold(0, |rest, &byte| {
        if byte.is_ascii_digit() {
            (rest * 10 + u32::from(byte - b'0')) % 97
        } else {
            (rest * 100 + u32::from(byte - b'a') + 10) % 97
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples_have_their_checksum() {
        for account in [
            "gb82west12345698765432",
            "de89370400440532013000",
            "es9121000418450200051332",
        ] {
            assert_eq!(modulo_97(account.as_bytes()), 1, "{account}");
        }
        assert_ne!(modulo_97(b"gb82west12345698765433"), 1);
    }
}
