//! Reading JSON whose types wobble: numbers where strings were promised, nulls, absent fields, broken Unicode.

use std::{borrow::Cow, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use crate::domain::Timestamp;

/// A body as text that JSON can be read from.
pub(super) struct Text<'a> {
    /// The text, proper Unicode.
    pub(super) text: Cow<'a, str>,
    /// True where something had to be replaced by U+FFFD.
    pub(super) lossy: bool,
}

/// Deepest nesting that is read. Typed reading skips what it does not know without counting, so the count comes first.
const MAX_DEPTH: usize = 128;

/// Makes a body readable: without byte order mark, with U+FFFD for bytes and escapes that are no Unicode.
/// `None` where it is nested too deeply to be a provider's.
pub(super) fn open(body: &[u8]) -> Option<Text<'_>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if is_too_deep(body) {
        return None;
    }
    // The lossy reader is several times slower, and needed for almost no body.
    let text = std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    let is_replaced = matches!(text, Cow::Owned(_));
    Some(match without_lone_surrogates(&text) {
        Some(repaired) => Text {
            text: Cow::Owned(repaired),
            lossy: true,
        },
        None => Text {
            text,
            lossy: is_replaced,
        },
    })
}

fn is_too_deep(body: &[u8]) -> bool {
    // Most bodies have fewer brackets than the limit, and counting them is many times faster than following strings.
    // Counted in bytes of at most 255 each, by a sum that cannot overflow and need not be checked, which the compiler
    // turns into vector instructions.
    let count = |chunk: &[u8]| {
        chunk
            .iter()
            .fold(0_u8, |sum, byte| sum.wrapping_add(u8::from(byte | 0x20 == b'{')))
    };
    let brackets: usize = body.chunks(255).map(|chunk| usize::from(count(chunk))).sum();
    if brackets <= MAX_DEPTH {
        return false;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(body, at),
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Where a string that begins at `at` has ended: behind its quotation mark, or behind the body.
fn end_of_string(body: &[u8], mut at: usize) -> usize {
    loop {
        // Eight bytes at a time: most of a body is text.
        while let Some(Ok(eight)) = body.get(at..at + 8).map(<[u8; 8]>::try_from) {
            let eight = u64::from_le_bytes(eight);
            let found = bytes_equal(eight, b'"') | bytes_equal(eight, b'\\');
            if found != 0 {
                at += found.trailing_zeros() as usize / 8;
                break;
            }
            at += 8;
        }
        match body.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return at,
        }
    }
}

/// The lowest set bit is in the first of eight bytes that equals `byte`; zero where none does.
fn bytes_equal(eight: u64, byte: u8) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let zero_where_equal = eight ^ (ONES * u64::from(byte));
    zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & (ONES << 7)
}

/// The text with `\ufffd` for every escaped half of a surrogate pair that stands alone; `None` where there is none.
fn without_lone_surrogates(text: &str) -> Option<String> {
    // Meta escapes every letter with an accent; only what begins with a `d` can be half of a pair.
    if !text.contains("\\ud") && !text.contains("\\uD") {
        return None;
    }
    let bytes = text.as_bytes();
    let mut lone = Vec::new();
    let mut at = 0;
    // Past an escape that is none, `at` may stand inside a character; such a body is no JSON and needs no repair.
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        at += found;
        match unit_at(bytes, at) {
            Some(0xD800..=0xDBFF) if matches!(unit_at(bytes, at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            Some(0xD800..=0xDFFF) => {
                lone.push(at);
                at += 6;
            }
            // Another escape: its second byte may be a backslash, and is not the start of one.
            _ => at += 2,
        }
    }
    if lone.is_empty() {
        return None;
    }
    let mut repaired = text.to_owned();
    for at in lone {
        // The six bytes are `\uXXXX`, so both ends are character boundaries.
        repaired.replace_range(at..at + 6, "\\ufffd");
    }
    Some(repaired)
}

/// The UTF-16 unit of a `\uXXXX` escape.
fn unit_at(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0_u16, |unit, &digit| {
        let value = char::from(digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(value).ok()?)
    })
}

/// A scalar as text: a string, or a number in its digits. Anything else reads as absent, so that a field that nobody
/// needs cannot spoil a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Loose<'a>(Option<Cow<'a, str>>);

impl<'a> Loose<'a> {
    /// The text; empty where there is none.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The text where there is one and it is not empty.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    /// Like [`get`](Self::get), owned and free of U+0000.
    pub(super) fn owned(&self) -> Option<String> {
        self.get().map(clean)
    }

    /// The text as whole seconds since 1970.
    pub(super) fn seconds(&self) -> Option<Timestamp> {
        Timestamp::from_unix_seconds(self.get()?.parse().ok()?)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor).map(Self)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// True for JSON's `true` alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<bool>::deserialize(deserializer)?.unwrap_or_default()))
    }
}

/// A value that is an object, read in passing: like [`read`], it refuses the lists that derived readers would take.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Reads one object. Derived readers take a list for an object too, field by field; no provider means that.
pub(super) fn read<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    if !json.trim_ascii_start().starts_with('{') {
        return None;
    }
    serde_json::from_str(json).ok()
}

/// The items of a list, each to be read by itself; null is an empty list.
pub(super) type Items<'a> = Vec<&'a RawValue>;

/// For lists that providers send as null when they are empty.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Text as the hub keeps it: U+0000 is replaced, since PostgreSQL keeps no such character and both storages must agree;
/// line ends are `\n`; no white space around it.
pub(super) fn clean(text: &str) -> String {
    let text = text.trim();
    // Over bytes, since both are ASCII, and in chunks without an early end, which the compiler turns into vector
    // instructions: this runs on every text.
    let is_odd = |chunk: &[u8]| chunk.iter().fold(false, |odd, byte| odd | matches!(byte, 0 | b'\r'));
    if !text.as_bytes().chunks(64).any(is_odd) {
        return text.to_owned();
    }
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample<'a> {
        #[serde(borrow, default)]
        id: Loose<'a>,
    }

    fn id_of(json: &[u8]) -> Option<(String, bool)> {
        let text = open(json)?;
        let sample: Sample<'_> = serde_json::from_str(&text.text).ok()?;
        Some((sample.id.as_str().to_owned(), text.lossy))
    }

    #[test]
    fn ids_may_be_strings_numbers_or_nothing() {
        for (json, id) in [
            (r#"{"id":"7"}"#, "7"),
            (r#"{"id":7}"#, "7"),
            (r#"{"id":-7}"#, "-7"),
            (r#"{"id":18446744073709551615}"#, "18446744073709551615"),
            (r#"{"id":null}"#, ""),
            (r#"{"id":{"a":[1,{}]}}"#, ""),
            (r#"{"id":[["x"]]}"#, ""),
            (r#"{"id":true}"#, ""),
            (r#"{}"#, ""),
        ] {
            assert_eq!(id_of(json.as_bytes()), Some((id.to_owned(), false)), "{json}");
        }
    }

    #[test]
    fn broken_unicode_is_replaced_and_said() {
        for (json, id) in [
            (&b"{\"id\":\"a\xffb\"}"[..], "a\u{fffd}b"),
            (br#"{"id":"a\ud83db"}"#, "a\u{fffd}b"),
            (br#"{"id":"\udc00"}"#, "\u{fffd}"),
            (br#"{"id":"\ud83d\ud83d\ude00"}"#, "\u{fffd}😀"),
        ] {
            assert_eq!(id_of(json), Some((id.to_owned(), true)));
        }
        assert_eq!(
            id_of(br#"{"id":"\ud83d\ude00\\ud83d"}"#),
            Some(("😀\\ud83d".to_owned(), false))
        );
        assert_eq!(id_of(b"\xef\xbb\xbf{\"id\":1}"), Some(("1".to_owned(), false)));
    }

    #[test]
    fn nesting_is_limited_where_nobody_looks_too_and_brackets_in_text_do_not_count() {
        let nested = |depth: usize| format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(id_of(nested(127).as_bytes()).is_some());
        assert!(id_of(nested(128).as_bytes()).is_none());
        assert!(id_of(nested(100_000).as_bytes()).is_none());
        let quoted = format!(r#"{{"id":"\"{}"}}"#, "[{".repeat(500));
        assert!(id_of(quoted.as_bytes()).is_some());
    }

    #[test]
    fn a_known_key_that_comes_twice_is_an_error() {
        assert_eq!(id_of(br#"{"id":1,"id":2}"#), None);
    }

    #[test]
    fn kept_text_has_no_nul_and_one_kind_of_line_end() {
        assert_eq!(clean(" a\0b\r\nc\rd\n"), "a\u{fffd}b\nc\nd");
    }
}
