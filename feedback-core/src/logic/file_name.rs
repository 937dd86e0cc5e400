//! A file's name as its sender had it, made fit for a header and a disk that is not ours.

use std::fmt::Write;

/// Longest name that is given out, in bytes: what file systems take, with room for a browser's " (1)".
const MAX_BYTES: usize = 200;

/// The name without folders, control characters and what changes the direction of reading; `None` where nothing is left.
///
/// ```
/// # use feedback_core::logic::file_name::safe_name;
/// assert_eq!(safe_name("..\\..\\boot\r\n.ini").as_deref(), Some("boot.ini"));
/// assert_eq!(safe_name("../"), None);
/// ```
pub fn safe_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    // What Windows does not take in a name.
    let is_special = |c: char| matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*');
    let cleaned: String = last
        .chars()
        .filter(|c| !is_hidden(*c))
        .map(|c| if is_special(c) { '_' } else { c })
        .collect();
    let trimmed = cleaned.trim().trim_matches('.').trim();
    (!trimmed.is_empty()).then(|| shortened(trimmed))
}

/// Cut in the middle, so that the ending that tells what a file is stays.
fn shortened(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let ending = match name.rfind('.') {
        Some(dot) if name.len() - dot <= 16 => &name[dot..],
        _ => "",
    };
    let room = MAX_BYTES - ending.len();
    let end = (0..=room).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
    format!("{}{ending}", &name[..end])
}

/// The `Content-Disposition` of a download (RFC 6266): the name twice, in ASCII for old programs and as UTF-8 (RFC 8187).
///
/// ```
/// # use feedback_core::logic::file_name::content_disposition;
/// assert_eq!(
///     content_disposition(Some("año.png")),
///     "attachment; filename=\"a_o.png\"; filename*=UTF-8''a%C3%B1o.png",
/// );
/// ```
pub fn content_disposition(name: Option<&str>) -> String {
    let name = name.and_then(safe_name).unwrap_or_else(|| "file".to_owned());
    let plain: String = name
        .chars()
        .map(|c| match c {
            // A percent sign would be decoded by some programs.
            '"' | '\\' | '%' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let mut header = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        // attr-char of RFC 8187.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            header.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(header, "%{byte:02X}");
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_lose_folders_line_ends_and_reading_direction() {
        let rows = [
            ("error.png", Some("error.png")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\ana\\x.png", Some("x.png")),
            ("a\r\nSet-Cookie: x=1.png", Some("aSet-Cookie_ x=1.png")),
            ("gpj.\u{202e}exe", Some("gpj.exe")),
            ("  .hidden  ", Some("hidden")),
            ("a\"b.png", Some("a_b.png")),
            ("x\0y", Some("xy")),
            ("..", None),
            ("", None),
            ("/", None),
            ("\u{feff}", None),
        ];
        for (name, safe) in rows {
            assert_eq!(safe_name(name).as_deref(), safe, "{name:?}");
        }
        let long = safe_name(&format!("{}.png", "ñ".repeat(4096))).unwrap();
        assert!(long.len() <= MAX_BYTES && long.ends_with(".png"), "{long}");
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            content_disposition(Some("a\"; filename=\"evil.exe")),
            "attachment; filename=\"a_; filename=_evil.exe\"; filename*=UTF-8''a_%3B%20filename%3D_evil.exe"
        );
        assert_eq!(content_disposition(Some("../")), content_disposition(None));
    }

    proptest! {
        #[test]
        fn every_header_is_one_line_of_ascii_and_bounded(name in "\\PC{0,400}|[\\x00-\\x7f]{0,60}") {
            let header = content_disposition(Some(&name));
            prop_assert!(header.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", header);
            prop_assert!(header.len() < 1024);
            prop_assert_eq!(header.matches('"').count(), 2);
        }
    }
}
