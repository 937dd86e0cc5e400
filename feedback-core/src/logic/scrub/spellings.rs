//! Every structured kind in every way that people, keyboards and programs spell it.

use super::{KnownPeople, Scrubber, view::View};

/// A value with the words that announce it, and how its parts may stand apart.
struct Case {
    label: &'static str,
    /// In Spanish and in English; `{}` is the value.
    carriers: [&'static str; 2],
    /// The value in parts, which separators join.
    parts: &'static [&'static str],
    /// What people join the parts with.
    separators: &'static [&'static str],
    /// Capitals carry no meaning.
    any_case: bool,
    /// Other writings of the same value.
    others: &'static [&'static str],
    /// What must not be readable, five letters or digits in a row.
    canaries: &'static [&'static str],
}

const CASES: [Case; 8] = [
    Case {
        label: "EMAIL",
        carriers: ["mi correo: {} gracias", "write to {} please"],
        parts: &["qwvz.kqxj@example.com"],
        separators: &[""],
        any_case: true,
        others: &[
            "qwvz.kqxj arroba example punto com",
            "qwvz punto kqxj arroba example punto com",
            "qwvz.kqxj (arroba) example.com",
            "qwvz.kqxj[at]example.com",
            "qwvz.kqxj (at) example (dot) com",
            "qwvz dot kqxj at example dot com",
            "qwvz.kqxj{@}example.com",
            "qwvz.kqxj%40example.com",
            "qwvz.kqxj&#64;example.com",
            "mailto:qwvz.kqxj@example.com",
            "<mailto:qwvz.kqxj@example.com|qwvz.kqxj@example.com>",
            "qwvz.kqxj arroba gmail",
            "qwvzkqxjarrobagmail.com",
            "qwvz guion bajo kqxj arroba gmail punto com",
            "qwvz_kqxj+soporte@example.com.ar",
        ],
        canaries: &["qwvzkqxj"],
    },
    Case {
        label: "PHONE",
        carriers: ["mi teléfono es {} gracias", "call me at {} please"],
        parts: &["612", "349", "578"],
        separators: &[" ", "-", ".", "", "_", "/", " - ", "  "],
        any_case: true,
        others: &[
            "+34 612 349 578",
            "0034612349578",
            "+34(612)349578",
            "(+34) 612349578",
            "+34-612-34-95-78",
            "612 34 95 78",
            "%2B34612349578",
            "tel:+34612349578",
            "6 1 2 3 4 9 5 7 8",
            "<tel:+34612349578|612 349 578>",
        ],
        canaries: &["612349578"],
    },
    Case {
        label: "CARD",
        carriers: ["la tarjeta {} gracias", "my card {} please"],
        parts: &["4539", "5787", "6362", "1486"],
        separators: &[" ", "-", ".", "", "_", "  ", " - "],
        any_case: true,
        others: &[
            "4 5 3 9 5 7 8 7 6 3 6 2 1 4 8 6",
            "453957 876362 1486",
            "4539%205787%206362%201486",
        ],
        canaries: &["4539578763621486"],
    },
    Case {
        label: "IBAN",
        carriers: ["mi iban es {} gracias", "the IBAN {} please"],
        parts: &["ES91", "2100", "0418", "4502", "0005", "1332"],
        separators: &[" ", "-", "", "."],
        any_case: true,
        others: &[
            "IBAN:ES9121000418450200051332",
            "ES91%202100%200418%204502%200005%201332",
            "DE89 3704 0044 0532 0130 00",
        ],
        canaries: &["21000418450200051332", "370400440532013000"],
    },
    Case {
        label: "NATIONAL_ID",
        carriers: ["mi DNI es {} gracias", "national id {} please"],
        parts: &["45", "506", "674R"],
        separators: &[".", "", " "],
        any_case: true,
        others: &[
            "45506674-R",
            "45.506.674-R",
            "45506674 R",
            "X1234567L",
            "x-1234567-l",
            "529.982.247-25",
            "52998224725",
            "12.345.678-5",
            "12345678-5",
            "20-12345678-6",
            "KOVN880620NZ9",
            "KOVN-880620-NZ9",
            "MUQS520222HJCQVN35",
            "601-28-8040",
            "601 28 8040",
        ],
        canaries: &[
            "45506674",
            "1234567",
            "52998224725",
            "123456785",
            "20123456786",
            "kovn880620nz9",
            "muqs520222hjcqvn35",
            "601288040",
        ],
    },
    Case {
        label: "IP",
        carriers: ["mi ip es {} gracias", "blocked {} please"],
        parts: &["83.44.129.197"],
        separators: &[""],
        any_case: true,
        others: &[
            "83.44.129.197:8080",
            "83.44.129.197/24",
            "http://83.44.129.197/",
            "http://83.44.129.197:443/panel",
            "[83.44.129.197]",
            "::ffff:83.44.129.197",
            "2001:db8:85a3:8d3:1319:8a2e:370:7348",
            "[2001:db8:85a3:8d3:1319:8a2e:370:7348]:443",
            "2001:db8::7348",
            "2001:DB8::7348",
            "ip=83.44.129.197",
            "from 83.44.129.197.",
        ],
        canaries: &["8344129197", "db885a38d313198a2e3707348", "db87348"],
    },
    Case {
        label: "URL_TOKEN",
        carriers: ["entro a {} gracias", "the link {} please"],
        parts: &["https://a.example/reset?token=9f8e7d6c5b4a3f2e"],
        separators: &[""],
        any_case: false,
        others: &[
            "http://a.example/reset?token=9f8e7d6c5b4a3f2e&lang=es",
            "https://a.example/reset?lang=es&token=9f8e7d6c5b4a3f2e",
            "https://a.example/#access_token=9f8e7d6c5b4a3f2e",
            "https://a.example/reset/9f8e7d6c5b4a3f2e",
            "https://a.example/invite/9f8e7d6c5b4a3f2e/",
            "a.example/reset?token=9f8e7d6c5b4a3f2e",
            "www.a.example/verify?code=9f8e7d6c5b4a3f2e",
            "<https://a.example/reset?token=9f8e7d6c5b4a3f2e|aquí>",
            "[aquí](https://a.example/reset?token=9f8e7d6c5b4a3f2e)",
            "https://a.example/reset?TOKEN=9f8e7d6c5b4a3f2e",
            "https://a.example:8443/s?sig=9f8e7d6c5b4a3f2e",
            "url=https://a.example/reset?token=9f8e7d6c5b4a3f2e",
        ],
        canaries: &["9f8e7d6c5b4a3f2e"],
    },
    Case {
        label: "SECRET",
        carriers: ["la clave es {} gracias", "the api key: {} please"],
        parts: &["sk_live_9Hx8fKJh2eZvKYlo2C0q"],
        separators: &[""],
        any_case: false,
        others: &[
            "sk%5Flive%5F9Hx8fKJh2eZvKYlo2C0q",
            "ghp_9Hx8fKJh2eZvKYlo2C0qXw71aB3dE5fG7hI9",
            "xoxb-123456789012-9Hx8fKJh2eZvKYlo2C0q",
            "AKIA9HX8FKJH2EZVKYLO",
            "key=sk_live_9Hx8fKJh2eZvKYlo2C0q",
            "Bearer sk_live_9Hx8fKJh2eZvKYlo2C0q",
            "API_KEY=\"sk_live_9Hx8fKJh2eZvKYlo2C0q\"",
            "-H 'x-api-key: sk_live_9Hx8fKJh2eZvKYlo2C0q'",
            "{\"token\":\"sk_live_9Hx8fKJh2eZvKYlo2C0q\"}",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI5SHg4ZktKaDJlWnYifQ.9Hx8fKJh2eZvKYlo2C0q",
        ],
        canaries: &[
            "9hx8fkjh2ezvkylo2c0q",
            "xw71ab3de5fg7hi9",
            "123456789012",
            "eyjzdwiioii5shg4zktkadjlwnyifq",
        ],
    },
];

/// Around the value, without changing it.
const WRAPPERS: [&str; 16] = [
    "{}",
    "\"{}\"",
    "'{}'",
    "«{}»",
    "({})",
    "[{}]",
    "<{}>",
    "`{}`",
    "*{}*",
    "**{}**",
    "_{}_",
    "{}.",
    "{}, ok?",
    "\n{}\n",
    "🙂 {} 🙂",
    "\t{}\t",
];

/// The same characters in other code points.
fn disguises(value: &str, any_case: bool) -> Vec<String> {
    let map = |change: &dyn Fn(char) -> String| value.chars().map(change).collect::<String>();
    let shifted = |c: char, digit: u32, upper: u32, lower: u32| {
        let code = match c {
            '0'..='9' if digit > 0 => digit + c as u32 - '0' as u32,
            'A'..='Z' => upper + c as u32 - 'A' as u32,
            'a'..='z' => lower + c as u32 - 'a' as u32,
            _ => c as u32,
        };
        char::from_u32(code).unwrap_or(c).to_string()
    };
    let full_width = |c: char| match c {
        '!'..='~' => char::from_u32(c as u32 + 0xfee0).unwrap_or(c).to_string(),
        ' ' => "\u{3000}".to_owned(),
        _ => c.to_string(),
    };
    let after_each = |mark: &str| map(&|c| format!("{c}{mark}"));
    let mut all = vec![
        value.to_owned(),
        after_each("\u{200b}"),
        after_each("\u{ad}"),
        after_each("\u{2060}"),
        after_each("\u{feff}"),
        format!("\u{202a}{value}\u{202c}"),
        value.replace(' ', "\u{a0}"),
        value.replace(' ', "\u{2009}"),
        value.replace(' ', "\u{202f}"),
        value.replace('-', "\u{2013}"),
        value.replace('-', "\u{2011}"),
        value.replace('-', "\u{2212}"),
        map(&|c| shifted(c, 0x1d7ce, 0x1d400, 0x1d41a)),
        map(&|c| shifted(c, 0x1d7f6, 0x1d670, 0x1d68a)),
        map(&|c| {
            if c.is_ascii_alphabetic() {
                format!("{c}\u{301}")
            } else {
                c.to_string()
            }
        }),
    ];
    if !value.contains('/') {
        all.push(map(&full_width));
        all.push(map(&|c| {
            if c.is_ascii_digit() {
                full_width(c)
            } else {
                c.to_string()
            }
        }));
    }
    if any_case {
        all.extend([value.to_uppercase(), value.to_lowercase()]);
    }
    all
}

/// Five letters or digits of a canary in a row, whatever stands between them, that can still be read.
fn readable<'c>(canaries: &[&'c str], output: &str) -> Option<&'c str> {
    let view = View::new(output, &[]);
    let left: Vec<u8> = view.low.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    canaries
        .iter()
        .flat_map(|canary| (0..=canary.len() - 5).map(|at| &canary[at..at + 5]))
        .find(|part| left.windows(5).any(|window| window == part.as_bytes()))
}

#[test]
fn f69_every_structured_kind_is_hidden_in_forty_spellings_and_more() {
    let scrubber = Scrubber::new();
    let mut misses = Vec::new();
    for case in &CASES {
        let mut spellings = std::collections::BTreeSet::new();
        for separator in case.separators {
            let value = case.parts.join(separator);
            spellings.extend(disguises(&value, case.any_case));
        }
        for other in case.others {
            // Nobody hides characters inside an escape.
            spellings.extend(
                disguises(other, false)
                    .into_iter()
                    .take(if other.contains('%') { 1 } else { 2 }),
            );
        }
        let plain = case.parts.join(case.separators[0]);
        let wrapped = WRAPPERS.map(|wrapper| wrapper.replace("{}", &plain));
        spellings.extend(wrapped);
        assert!(
            spellings.len() >= 40,
            "{} has {} spellings",
            case.label,
            spellings.len()
        );
        for spelling in &spellings {
            for carrier in case.carriers {
                let text = carrier.replace("{}", spelling);
                let scrub = scrubber.scrub(&text, &KnownPeople::new());
                if let Some(left) = readable(case.canaries, scrub.text.as_str()) {
                    misses.push(format!(
                        "{} {left:?} of {text:?} is left in {:?}",
                        case.label,
                        scrub.text.as_str()
                    ));
                }
                let twice = scrubber.scrub(scrub.text.as_str(), &KnownPeople::new());
                assert_eq!(twice.text, scrub.text, "{text}");
            }
        }
    }
    assert!(misses.is_empty(), "{} misses:\n{}", misses.len(), misses.join("\n"));
}
