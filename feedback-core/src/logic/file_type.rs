//! What a file is, by its bytes: a provider's content type and a file's name are claims of whoever sent it.
//!
//! Files that people attach to reports are kept under the type that was read here. What a browser could run (HTML, SVG, any
//! XML) and what nobody here knows is kept as bytes without a type. Programs are not kept: nobody reports a fault with one, and
//! a reviewer who opens it by mistake runs it.

/// The type of bytes that are kept and never shown as anything.
pub const OPAQUE: &str = "application/octet-stream";

/// What may be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileVerdict {
    /// Kept, under this content type.
    Keep(&'static str),
    /// Not kept, and why: a code for people.
    Refuse(&'static str),
}

/// Endings of names that a desktop runs when the file is opened, whatever is inside. Java archives and Android packages are
/// ZIP files, scripts are text: only the name tells.
const PROGRAM_ENDINGS: [&str; 32] = [
    "apk", "app", "appimage", "bat", "cmd", "com", "command", "cpl", "deb", "dll", "dmg", "exe", "hta", "jar", "js",
    "jse", "lnk", "msi", "msp", "pif", "pkg", "ps1", "reg", "rpm", "scf", "scr", "sh", "url", "vbe", "vbs", "wsf",
    "xll",
];

/// Beginnings of programs.
const PROGRAMS: [&[u8]; 13] = [
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    // Mach-O for several machines, and compiled Java.
    b"\xca\xfe\xba\xbe",
    b"\0asm",
    b"dex\n",
    b"#!",
    // A Windows shortcut: it names a program and its arguments.
    b"L\0\0\0\x01\x14\x02\0",
    b"!<arch>\n",
    b"\xed\xab\xee\xdb",
];

/// Types that are known by their first bytes.
const BEGINNINGS: [(&[u8], &str); 22] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    // Word, Excel and PowerPoint before 2007, and Outlook's mails.
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"\0\0\x01\xba", "video/mpeg"),
    (b"\0\0\x01\xb3", "video/mpeg"),
];

/// Judges a file by its bytes, and by its name where the bytes do not tell.
pub fn judge(bytes: &[u8], name: Option<&str>) -> FileVerdict {
    if bytes.is_empty() {
        return FileVerdict::Refuse("empty");
    }
    // AMR begins like a script.
    let is_sound = bytes.starts_with(b"#!AMR");
    if !is_sound && PROGRAMS.iter().any(|beginning| bytes.starts_with(beginning)) || name.is_some_and(runs_by_name) {
        return FileVerdict::Refuse("program");
    }
    FileVerdict::Keep(known(bytes).unwrap_or_else(|| text_or_opaque(bytes, name)))
}

fn known(bytes: &[u8]) -> Option<&'static str> {
    let starts = |(beginning, _): &&(&[u8], &str)| bytes.starts_with(beginning);
    if let Some((_, kind)) = BEGINNINGS.iter().find(starts) {
        return Some(match *kind {
            "application/zip" => office(bytes),
            kind => kind,
        });
    }
    match (bytes.get(..4)?, bytes.get(4..8)?, bytes.get(8..12)?) {
        (b"RIFF", _, b"WEBP") => Some("image/webp"),
        (b"RIFF", _, b"WAVE") => Some("audio/wav"),
        (b"RIFF", _, b"AVI ") => Some("video/x-msvideo"),
        (_, b"ftyp", brand) => Some(match brand {
            b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" => "image/heic",
            b"avif" | b"avis" => "image/avif",
            b"M4A " | b"M4B " => "audio/mp4",
            b"qt  " => "video/quicktime",
            [b'3', b'g', ..] => "video/3gpp",
            _ => "video/mp4",
        }),
        // Frames of MPEG audio: eleven bits set, and a layer that exists.
        ([0xff, second, ..], ..) if second & 0xe0 == 0xe0 && second & 0x06 != 0 => Some("audio/mpeg"),
        ([0xff, 0xf1 | 0xf9, ..], ..) => Some("audio/aac"),
        _ => None,
    }
}

/// Office files are ZIP files whose first entries have these names. Names stand in the clear.
fn office(bytes: &[u8]) -> &'static str {
    let head = &bytes[..bytes.len().min(4096)];
    let has = |name: &[u8]| head.windows(name.len()).any(|window| window == name);
    let rows: [(&[u8], &str); 6] = [
        (
            b"word/",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (
            b"xl/",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (
            b"ppt/",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ),
        (
            b"mimetypeapplication/vnd.oasis.opendocument.text",
            "application/vnd.oasis.opendocument.text",
        ),
        (
            b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
            "application/vnd.oasis.opendocument.spreadsheet",
        ),
        (
            b"mimetypeapplication/vnd.oasis.opendocument.presentation",
            "application/vnd.oasis.opendocument.presentation",
        ),
    ];
    rows.iter()
        .find(|(name, _)| has(name))
        .map_or("application/zip", |(_, kind)| kind)
}

/// Text is what has no control characters of other formats in it. Markup is text that a browser acts on: it stays opaque, by
/// its look anywhere near its beginning, since browsers forgive what stands before it.
fn text_or_opaque(bytes: &[u8], name: Option<&str>) -> &'static str {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return OPAQUE;
    };
    let is_binary = text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{1b}' | '\u{c}'));
    if is_binary || is_markup(text) {
        return OPAQUE;
    }
    match name.and_then(ending).as_deref() {
        Some("csv") => "text/csv",
        Some("json" | "har") => "application/json",
        _ => "text/plain",
    }
}

fn is_markup(text: &str) -> bool {
    const TAGS: [&str; 14] = [
        "<!doctype",
        "<?xml",
        "<html",
        "<head",
        "<body",
        "<script",
        "<svg",
        "<iframe",
        "<object",
        "<embed",
        "<math",
        "<style",
        "<table",
        "<!--",
    ];
    let head: String = text.chars().take(1024).collect::<String>().to_ascii_lowercase();
    TAGS.iter().any(|tag| head.contains(tag))
}

fn runs_by_name(name: &str) -> bool {
    // Windows ignores dots and spaces at the end of a name.
    ending(name.trim_end_matches([' ', '.'])).is_some_and(|ending| PROGRAM_ENDINGS.contains(&ending.as_str()))
}

fn ending(name: &str) -> Option<String> {
    name.rsplit_once('.')
        .map(|(_, ending)| ending.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_that_people_attach_are_known_by_their_bytes() {
        let rows: [(&[u8], Option<&str>, &str); 24] = [
            (b"\x89PNG\r\n\x1a\nrest", None, "image/png"),
            (b"\xff\xd8\xff\xe0JFIF", Some("virus.html"), "image/jpeg"),
            (b"GIF89a....", None, "image/gif"),
            (b"RIFF\0\0\0\0WEBPVP8 ", None, "image/webp"),
            (b"RIFF\0\0\0\0WAVEfmt ", None, "audio/wav"),
            (b"\0\0\0\x18ftypheic\0\0", None, "image/heic"),
            (b"\0\0\0\x18ftypisom\0\0", None, "video/mp4"),
            (b"\0\0\0\x18ftypM4A \0\0", None, "audio/mp4"),
            (b"\0\0\0\x18ftyp3gp5\0\0", None, "video/3gpp"),
            (b"%PDF-1.7\n", None, "application/pdf"),
            (b"PK\x03\x04....a.txt", None, "application/zip"),
            (
                b"PK\x03\x04....[Content_Types].xml....word/document.xml",
                None,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            (
                b"PK\x03\x04....[Content_Types].xml....xl/workbook.xml",
                Some("book.zip"),
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            (b"OggS\0\x02rest", None, "audio/ogg"),
            (b"ID3\x04rest", None, "audio/mpeg"),
            (b"\xff\xfb\x90\x64rest....", None, "audio/mpeg"),
            (b"\xff\xf1\x50\x80rest....", None, "audio/aac"),
            (b"#!AMR\nrest", None, "audio/amr"),
            (b"\x1aE\xdf\xa3rest", None, "video/webm"),
            ("número;importe\n7;20 €\n".as_bytes(), Some("facturas.CSV"), "text/csv"),
            (b"{\"log\":{}}", Some("x.har"), "application/json"),
            (b"ERROR at line 3 <unknown>\n\tat main", Some("log.txt"), "text/plain"),
            (b"plain", None, "text/plain"),
            (b"\x00\x01\x02\x03 something unknown", None, OPAQUE),
        ];
        for (bytes, name, kind) in rows {
            assert_eq!(
                judge(bytes, name),
                FileVerdict::Keep(kind),
                "{:?} {name:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn what_a_browser_could_run_is_kept_as_bytes_alone() {
        for text in [
            "<!DOCTYPE html><p>hi",
            "<html><script>alert(1)</script>",
            "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            "<?xml version='1.0'?><x/>",
            "\n\n   words first <SCRIPT>alert(1)</SCRIPT>",
            "\u{feff}<html>",
            "GIF is not here <iframe src=x>",
        ] {
            for name in [None, Some("notes.txt"), Some("picture.png")] {
                assert_eq!(judge(text.as_bytes(), name), FileVerdict::Keep(OPAQUE), "{text}");
            }
        }
    }

    #[test]
    fn programs_are_refused_by_their_bytes_whatever_they_are_called_and_by_name_whatever_they_hold() {
        let rows: [&[u8]; 9] = [
            b"MZ\x90\0\x03",
            b"\x7fELF\x02\x01",
            b"\xcf\xfa\xed\xfe\x07",
            b"\xca\xfe\xba\xbe\0\0",
            b"\0asm\x01\0\0\0",
            b"#!/bin/sh\nrm -rf /",
            b"L\0\0\0\x01\x14\x02\0\0",
            b"dex\n035\0",
            b"!<arch>\ndebian-binary",
        ];
        for bytes in rows {
            assert_eq!(
                judge(bytes, Some("invoice.pdf")),
                FileVerdict::Refuse("program"),
                "{bytes:?}"
            );
        }
        for name in [
            "a.exe",
            "a.PDF.Js",
            "a.jar",
            "a.bat. .",
            "factura.pdf.lnk",
            "x.ps1 ",
            "y.msi",
        ] {
            assert_eq!(
                judge(b"PK\x03\x04....", Some(name)),
                FileVerdict::Refuse("program"),
                "{name}"
            );
        }
        assert_eq!(judge(b"", Some("a.png")), FileVerdict::Refuse("empty"));
    }

    proptest! {
        #[test]
        fn any_bytes_and_any_name_get_a_verdict(bytes in proptest::collection::vec(any::<u8>(), 0..64), name in "\\PC{0,20}") {
            judge(&bytes, Some(&name));
        }
    }
}
