//! Streets with their numbers and units, in the grammars of Spain, Latin America, the United States and Britain. The
//! city and the postal code behind a street stay, but for a British postcode: it names a handful of houses.

mod house;
mod street;
mod unit;

use super::{
    Label, Reading,
    cues::Cues,
    view::{Claims, ORDINAL, View},
    words::Word,
};

/// Marks addresses.
pub(super) fn find(reading: &Reading<'_>, claims: &mut Claims) {
    let words = reading.words.all();
    let delivers = reading.words.cues().has(Cues::DELIVERY);
    let mut claimed = 0;
    for (index, word) in words.iter().enumerate() {
        if word.start < claimed || !claims.is_free(word.start, word.end) {
            continue;
        }
        let mut found = None;
        if word.cues.has(Cues::VIA) {
            found = street::via(reading, index);
        }
        if found.is_none() && !word.is_letters {
            found = house::house_first(reading, index)
                .or_else(|| house::postcode(reading, index))
                .or_else(|| house::box_number(reading, index));
        }
        if found.is_none() && word.is_letters {
            found = house::joined_type(reading, index);
        }
        if found.is_none() && delivers {
            found = street::after_delivery(reading, index);
        }
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

/// What may stand between two words of an address: a space, a comma and a space, a number sign.
fn joins(view: &View<'_>, from: usize, to: usize) -> bool {
    to - from <= 4
        && view.low[from..to]
            .iter()
            .all(|&byte| matches!(byte, b' ' | b',' | b'.' | b'#' | b'-' | b'/' | b'\'' | ORDINAL | b':'))
}

/// Words that no street's name holds end it: the sentence has gone on.
fn word_fits(word: &Word, bytes: &[u8]) -> bool {
    matches!(bytes, b"no" | b"y") || !word.cues.has(Cues::PROSE)
}
