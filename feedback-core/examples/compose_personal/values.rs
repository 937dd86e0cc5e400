//! Numbers, addresses, links and keys in the shapes that people write.

use crate::{
    chance::Chance,
    people::{Lists, Person},
    without_accents,
};

const MIXED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const HEX: &str = "0123456789abcdef";

/// Shapes by country.
const PHONES: [(&str, &[&str]); 18] = [
    (
        "AR",
        &[
            "+54 9 11 Dddd-dddd",
            "11 Dddd-dddd",
            "11Ddddddd0",
            "(011) 4ddd-dddd",
            "351-Ddd-dddd",
            "15-Dddd-dddd",
            "+54911Dddddddd",
            "0341 155 Ddd ddd",
            "11.Dddd.dddd",
            "261 Ddddddd",
        ],
    ),
    (
        "MX",
        &[
            "55 Dddd dddd",
            "+52 1 55 Dddd dddd",
            "(81) Dddd-dddd",
            "33-Dddd-dddd",
            "55Dddddddd",
            "222 Ddd dddd",
            "+52 442 Ddd dd dd",
            "044 55 Dddd dddd",
        ],
    ),
    (
        "ES",
        &[
            "6dd ddd ddd",
            "6dd dd dd dd",
            "+34 6dddddddd",
            "91 Ddd dd dd",
            "0034 7dd ddd ddd",
            "6dd-ddd-ddd",
            "9Ddddddddd",
            "+34-6dd-dd-dd-dd",
            "7dddddddd",
        ],
    ),
    (
        "CO",
        &[
            "3dd Ddd dddd",
            "+57 3dd Dddddd",
            "(601) Ddd dddd",
            "3dd-Ddd-dd-dd",
            "3ddDdddddd",
            "+573ddDdddddd",
        ],
    ),
    (
        "CL",
        &[
            "+56 9 Dddd dddd",
            "9 Dddd dddd",
            "9Ddddddd",
            "(2) 2ddd dddd",
            "+569Ddddddd",
            "9-Dddd-dddd",
            "56 9 Dddddddd",
        ],
    ),
    (
        "PE",
        &[
            "9dd ddd ddd",
            "+51 9dd ddd ddd",
            "9dddddddd",
            "(01) Ddd-dddd",
            "51 9ddddddddd",
        ],
    ),
    (
        "US",
        &[
            "(Ddd) Ddd-dddd",
            "Ddd-Ddd-dddd",
            "Ddd.Ddd.dddd",
            "+1 Ddd Ddd dddd",
            "DddDdddddd",
            "1-Ddd-Ddd-dddd",
            "Ddd Ddd dddd x214",
            "+1DddDdddddd",
            "(Ddd)Ddd-dddd",
        ],
    ),
    (
        "GB",
        &[
            "07ddd dddddd",
            "+44 7ddd dddddd",
            "020 7ddd dddd",
            "(0161) Ddd dddd",
            "07ddddddddd",
            "+44 (0)20 7ddd dddd",
            "07ddd ddd ddd",
            "0117 Ddd dddd",
        ],
    ),
    (
        "DE",
        &["+49 151 dddddddd", "+49 (0)30 Dddddd", "0171/Dddddd", "030 Ddddddd"],
    ),
    (
        "BR",
        &[
            "+55 11 9dddd-dddd",
            "(21) 9dddd-dddd",
            "11 9 dddd dddd",
            "+5511 9dddddddd",
        ],
    ),
    ("IN", &["+91 9dddd ddddd", "+91-98dddddddd", "098dd dddddd"]),
    (
        "FR",
        &["06 dd dd dd dd", "+33 6 dd dd dd dd", "+336dddddddd", "06.dd.dd.dd.dd"],
    ),
    ("AU", &["04dd ddd ddd", "+61 4dd ddd ddd", "(02) 9ddd dddd"]),
    ("CA", &["416-Ddd-dddd", "+1 604 Ddd dddd", "(514) Ddd-dddd"]),
    ("PT", &["+351 9dd ddd ddd", "912 ddd ddd", "00351 21 ddd dddd"]),
    ("IT", &["+39 3dd ddd dddd", "3dd ddddddd", "02 dddd dddd"]),
    ("UY", &["099 ddd ddd", "+598 9d ddd ddd", "094ddddd0"]),
    ("EC", &["09d ddd dddd", "+593 9d ddd dddd", "09ddddddd0"]),
];

pub(crate) fn phone(country: &str, chance: &mut Chance) -> String {
    let shapes = PHONES
        .iter()
        .find(|(code, _)| *code == country)
        .map_or(PHONES[chance.below(PHONES.len())].1, |(_, shapes)| shapes);
    let shape = *chance.of(shapes);
    chance.shape(shape)
}

fn plain(name: &str) -> String {
    without_accents(&name.to_lowercase())
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

pub(crate) fn login(person: &Person, chance: &mut Chance) -> String {
    let (given, surname) = (plain(&person.given), plain(&person.surname));
    match chance.below(9) {
        0 => format!("{given}_{}", chance.digits(2)),
        1 => format!("{given}.{surname}"),
        2 => format!("{}{surname}", &given[..given.len().min(1)]),
        3 => format!("{given}{}", chance.shape("19dd")),
        4 => format!("{surname}-{given}"),
        5 => format!(
            "{}_{given}{}",
            chance.of(&["el", "la", "the", "soy", "its", "xx"]),
            chance.digits(1)
        ),
        6 => format!("{given}_{surname}"),
        7 => format!(
            "{}{}{}",
            chance.of(&["gamer", "tigre", "luna", "rocker", "kitty", "shadow"]),
            chance.of(&["_", ".", "-", ""]),
            chance.digits(3)
        ),
        _ => format!("{}.{surname}{}", &given[..given.len().min(1)], chance.digits(2)),
    }
}

pub(crate) fn initial_login(person: &Person) -> String {
    let given = plain(&person.given);
    format!("{}.{}", &given[..given.len().min(1)], plain(&person.surname))
}

const HOSTS: &[&str] = &[
    "gmail.com",
    "hotmail.com",
    "yahoo.com.ar",
    "outlook.es",
    "icloud.com",
    "example.org",
    "globex.com",
    "clinicavida.cl",
    "edu.upc.es",
    "correo.gob.mx",
    "proton.me",
    "northwind.co.uk",
    "live.com.mx",
    "acme.io",
];

pub(crate) fn email(person: &Person, chance: &mut Chance) -> String {
    let local = match chance.below(3) {
        0 => format!("{}.{}", plain(&person.given), plain(&person.surname)),
        1 => format!(
            "{}{}+{}",
            plain(&person.given),
            chance.digits(2),
            chance.of(&["news", "soporte", "shop"])
        ),
        _ => login(person, chance),
    };
    let address = format!("{local}@{}", chance.of(HOSTS));
    match chance.below(8) {
        0 => address.to_uppercase(),
        1 => address.replace('@', "%40"),
        _ => address,
    }
}

pub(crate) fn spelled_email(person: &Person, language: &str, chance: &mut Chance) -> String {
    let (given, surname) = (plain(&person.given), plain(&person.surname));
    let (provider, top) = *chance.of(&[
        ("gmail", "com"),
        ("hotmail", "com"),
        ("yahoo", "es"),
        ("outlook", "com"),
        ("icloud", "com"),
    ]);
    if language == "en" {
        match chance.below(5) {
            0 => format!("{given} at {provider} dot {top}"),
            1 => format!("{given} dot {surname} at {provider} dot {top}"),
            2 => format!("{given}{} (at) {provider} (dot) {top}", chance.digits(2)),
            3 => format!("{given} underscore {surname} at {provider} dot {top}"),
            _ => format!("{given}.{surname} [at] {provider}.{top}"),
        }
    } else {
        match chance.below(6) {
            0 => format!("{given} arroba {provider} punto {top}"),
            1 => format!("{given} punto {surname} arroba {provider} punto {top}"),
            2 => format!("{given}{} arroba {provider}.{top}", chance.digits(2)),
            3 => format!("{given} guion bajo {surname} arroba {provider} punto {top}"),
            4 => format!("{given}.{surname}(arroba){provider}.{top}"),
            _ => format!("{given}{surname}arroba{provider}.{top}"),
        }
    }
}

pub(crate) fn card(chance: &mut Chance) -> String {
    let (prefix, length) = *chance.of(&[
        ("4", 16),
        ("51", 16),
        ("55", 16),
        ("2221", 16),
        ("37", 15),
        ("6011", 16),
        ("36", 14),
    ]);
    let mut digits = format!("{prefix}{}", chance.digits(length - 1 - prefix.len()));
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (u32::from(digit - b'0'), at % 2) {
            (digit, 1) => digit,
            (digit, _) if digit > 4 => digit * 2 - 9,
            (digit, _) => digit * 2,
        })
        .sum();
    digits.push(char::from(b'0' + ((10 - sum % 10) % 10) as u8));
    let separator = *chance.of(&["", " ", "-", ".", " "]);
    let groups: &[usize] = match length {
        15 => &[4, 6, 5],
        14 => &[4, 6, 4],
        _ => &[4, 4, 4, 4],
    };
    grouped(&digits, groups, separator)
}

fn grouped(text: &str, groups: &[usize], separator: &str) -> String {
    let mut at = 0;
    let parts: Vec<&str> = groups
        .iter()
        .map(|&length| {
            at += length;
            &text[at - length..at]
        })
        .collect();
    parts.join(separator)
}

pub(crate) fn iban(chance: &mut Chance) -> String {
    let (country, body) = *chance.of(&[
        ("ES", "dddddddddddddddddddd"),
        ("GB", "LLLLdddddddddddddd"),
        ("DE", "dddddddddddddddddd"),
        ("PT", "ddddddddddddddddddddd"),
        ("FR", "ddddddddddddddddddddddd"),
        ("NL", "LLLLdddddddddd"),
    ]);
    let body: String = body
        .chars()
        .map(|c| {
            if c == 'L' {
                chance.letters("ABCDEFGHKLMN", 1)
            } else {
                chance.digits(1)
            }
        })
        .collect();
    let rest = format!("{body}{country}00").bytes().fold(0_u32, |rest, byte| {
        if byte.is_ascii_digit() {
            (rest * 10 + u32::from(byte - b'0')) % 97
        } else {
            (rest * 100 + u32::from(byte - b'A') + 10) % 97
        }
    });
    let account = format!("{country}{:02}{body}", 98 - rest);
    match chance.below(3) {
        0 => account,
        draw => account
            .as_bytes()
            .chunks(4)
            .map(|chunk| String::from_utf8_lossy(chunk).into_owned())
            .collect::<Vec<_>>()
            .join(if draw == 1 { " " } else { "-" }),
    }
}

pub(crate) fn national_id(kind: &str, chance: &mut Chance) -> String {
    match kind {
        "DNI_AR" => match chance.below(3) {
            0 => chance.shape("Dd.ddd.ddd"),
            1 => chance.shape("Dd ddd ddd"),
            _ => chance.shape("Dddddddd"),
        },
        "CUIT" => {
            let body = format!("{}{}", chance.of(&["20", "27", "23", "30"]), chance.digits(8));
            let sum: u32 = body
                .bytes()
                .zip([5, 4, 3, 2, 7, 6, 5, 4, 3, 2])
                .map(|(digit, factor)| u32::from(digit - b'0') * factor)
                .sum();
            let check = (11 - sum % 11) % 11 % 10;
            match chance.below(2) {
                0 => format!("{}-{}-{check}", &body[..2], &body[2..]),
                _ => format!("{body}{check}"),
            }
        }
        "DNI_ES" => {
            let digits = chance.shape("Dddddddd");
            let letter = check_letter(digits.parse().unwrap_or(0));
            match chance.below(4) {
                0 => format!("{digits}-{letter}"),
                1 => format!("{}.{}.{}-{letter}", &digits[..2], &digits[2..5], &digits[5..]),
                2 => format!("{digits} {letter}"),
                _ => format!("{digits}{letter}"),
            }
        }
        "NIE" => {
            let first = chance.below(3);
            let digits = chance.digits(7);
            let letter = check_letter(first as u32 * 10_000_000 + digits.parse::<u32>().unwrap_or(0));
            let dash = *chance.of(&["", "-"]);
            format!("{}{dash}{digits}{dash}{letter}", ["X", "Y", "Z"][first])
        }
        "CURP" => format!(
            "{}{}{}{}{}",
            chance.letters("ABCDEFGHLMNPRS", 4),
            date(chance),
            chance.of(&["H", "M"]),
            chance.letters("BCDFGHJKLMNPRSTZ", 5),
            chance.shape("0d")
        ),
        "RFC" => {
            let (name, day, tail) = (
                chance.letters("ABCDEGLMNOPRSTV", 4),
                date(chance),
                chance.letters(CAPITALS, 3),
            );
            match chance.below(3) {
                0 => format!("{name}-{day}-{tail}"),
                _ => format!("{name}{day}{tail}"),
            }
        }
        "RUT" => {
            let number = 5_000_000 + chance.below(20_000_000);
            let (mut sum, mut factor, mut rest) = (0, 2, number);
            while rest > 0 {
                sum += rest % 10 * factor;
                factor = if factor == 7 { 2 } else { factor + 1 };
                rest /= 10;
            }
            let check = match 11 - sum % 11 {
                11 => "0".to_owned(),
                10 => "K".to_owned(),
                digit => digit.to_string(),
            };
            match chance.below(2) {
                0 => format!(
                    "{}.{:03}.{:03}-{check}",
                    number / 1_000_000,
                    number / 1000 % 1000,
                    number % 1000
                ),
                _ => format!("{number}-{check}"),
            }
        }
        "CC" => match chance.below(3) {
            0 => chance.shape("1.0dd.ddd.ddd"),
            1 => chance.shape("Dd.ddd.ddd"),
            _ => chance.shape("1ddddddddd"),
        },
        "CPF" => {
            let mut digits: Vec<u32> = (0..9).map(|_| chance.below(10) as u32).collect();
            for count in [9, 10] {
                let sum: u32 = digits
                    .iter()
                    .zip((2..=count + 1).rev())
                    .map(|(digit, factor)| digit * factor)
                    .sum();
                digits.push(sum * 10 % 11 % 10);
            }
            let text: String = digits.iter().map(ToString::to_string).collect();
            match chance.below(2) {
                0 => text,
                _ => format!("{}.{}.{}-{}", &text[..3], &text[3..6], &text[6..9], &text[9..]),
            }
        }
        _ => match chance.below(3) {
            0 => chance.shape("5Dd Dd dddd"),
            1 => chance.shape("4DdDddddd"),
            _ => chance.shape("3Dd-Dd-dddd"),
        },
    }
}

fn check_letter(number: u32) -> char {
    char::from(b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize])
}

fn date(chance: &mut Chance) -> String {
    format!(
        "{:02}{:02}{:02}",
        50 + chance.below(50),
        1 + chance.below(12),
        1 + chance.below(28)
    )
}

pub(crate) fn ip(chance: &mut Chance) -> String {
    match chance.below(5) {
        0 => format!("2001:db8:{}::{}", chance.letters(HEX, 4), chance.letters(HEX, 3)),
        _ => format!(
            "{}.{}.{}.{}",
            11 + chance.below(180),
            chance.below(256),
            chance.below(256),
            1 + chance.below(254)
        ),
    }
}

pub(crate) fn key(chance: &mut Chance) -> String {
    match chance.below(9) {
        0 => format!("sk_live_{}", chance.letters(MIXED, 24)),
        1 => format!("ghp_{}", chance.letters(MIXED, 36)),
        2 => format!("AKIA{}", chance.letters(CAPITALS, 16)),
        3 => format!("xoxb-{}-{}", chance.digits(12), chance.letters(MIXED, 24)),
        4 => chance.letters(HEX, 40),
        5 => format!(
            "eyJhbGciOiJIUzI1NiJ9.{}.{}",
            chance.letters(MIXED, 40),
            chance.letters(MIXED, 43)
        ),
        6 => format!("AIza{}", chance.letters(MIXED, 35)),
        7 => format!("glpat-{}", chance.letters(MIXED, 20)),
        _ => chance.letters(MIXED, 32),
    }
}

pub(crate) fn password(chance: &mut Chance) -> String {
    let word = *chance.of(&[
        "Perro", "Luna", "Verano", "Soporte", "hunter", "Qwerty", "Boca", "Dragon", "tequila", "Sunshine",
    ]);
    match chance.below(6) {
        0 => format!("{word}{}!", chance.shape("20dd")),
        1 => format!("{word}#{}", chance.digits(2)),
        2 => format!("{}{}", word.replace('o', "0"), chance.digits(3)),
        3 => format!("{}.{}", word, chance.digits(2)),
        4 => format!("{}${}", chance.letters(MIXED, 4), chance.letters(MIXED, 5)),
        _ => format!("{word}_{}", chance.digits(4)),
    }
}

pub(crate) fn link(chance: &mut Chance) -> (String, String) {
    let link = *chance.of(&[
        "https://app.example.com/reset?token=",
        "https://portal.globex.com/invite/",
        "https://acme.example/login?lang=es&session=",
        "https://files.example.org/d/report.pdf?X-Amz-Signature=",
        "https://my.northwind.co/verify-email?code=",
        "https://example.com/magic-link/",
        "https://clinicavida.cl/pacientes/compartir/",
        "http://intranet.local/sso/callback#access_token=",
    ]);
    let token = match chance.below(3) {
        0 => chance.letters(HEX, 32),
        1 => chance.letters(MIXED, 24),
        _ => format!(
            "eyJhbGciOiJIUzI1NiJ9.{}.{}",
            chance.letters(MIXED, 30),
            chance.letters(MIXED, 43)
        ),
    };
    (link.to_owned(), token)
}

pub(crate) fn hook(chance: &mut Chance) -> (String, String) {
    match chance.below(4) {
        0 => (
            "https://hooks.slack.com/services/".to_owned(),
            format!(
                "T{}/B{}/{}",
                chance.letters(CAPITALS, 8),
                chance.letters(CAPITALS, 8),
                chance.letters(MIXED, 24)
            ),
        ),
        1 => (
            format!("https://hooks.zapier.com/hooks/catch/{}/", chance.digits(7)),
            chance.letters("abcdefghjkmnpqrstuvwxyz0123456789", 7),
        ),
        2 => (
            format!("https://discord.com/api/webhooks/{}/", chance.digits(18)),
            chance.letters(MIXED, 60),
        ),
        _ => (
            "https://hook.eu1.make.com/".to_owned(),
            chance.letters("abcdefghjkmnpqrstuvwxyz0123456789", 32),
        ),
    }
}

/// Street, number and unit, and what may stand behind it.
pub(crate) fn address(country: &str, lists: &Lists, chance: &mut Chance) -> (String, String) {
    let es = lists.any("street.es", chance).to_owned();
    let en = lists.any("street.en", chance).to_owned();
    let number = 10 + chance.below(4990);
    let small = 1 + chance.below(130);
    let (floor, door) = (1 + chance.below(9), *chance.of(&["A", "B", "C", "D"]));
    let city = lists.any("city", chance).to_owned();
    let address = match (country, chance.below(6)) {
        ("AR", 0) => format!("{es} {number}"),
        ("AR", 1) => format!("Av. {es} {number} piso {floor} depto {door}"),
        ("AR", 2) => format!("{es} {number} {floor}°{door}"),
        ("AR", 3) => format!("calle {es} nro {number}"),
        ("AR", 4) => format!("Bv. {es} {number}, PB {floor}"),
        ("AR", _) => format!("{es} al {number}"),
        ("MX", 0) => format!("Calle {es} {small} Int. {floor}"),
        ("MX", 1) => format!("Av. {es} No. {small}-{door}"),
        ("MX", 2) => format!("{es} #{small}"),
        ("MX", 3) => format!("Privada {es} {small}"),
        ("MX", 4) => format!("Blvd. {es} {number}, local {floor}"),
        ("MX", _) => format!("Calz. {es} {number} edif. {door} depto {small}"),
        ("CO", 0) => format!("Cra {small} # {}-{}", small / 2 + 1, small % 90 + 3),
        ("CO", 1) => format!("Calle {small} No. {}-{} apto {floor}02", small / 2 + 5, small % 80 + 9),
        ("CO", 2) => format!("Cl. {small} #{}-{:02} of {floor}01", small / 3 + 1, small % 60 + 7),
        ("CO", 3) => format!(
            "carrera {small}{} n {} {}",
            door.to_lowercase(),
            small / 2 + 10,
            small % 70 + 11
        ),
        ("CO", 4) => format!(
            "Transversal {small} # {}-{} torre {floor} apto {small}",
            small / 2 + 1,
            small % 50 + 12
        ),
        ("CO", _) => format!("Diagonal {small} sur #{}-{}", small / 2 + 1, small % 50 + 12),
        ("CL" | "PE", 0) => format!("{es} {number}, depto {small}"),
        ("CL" | "PE", 1) => format!("Av. {es} {number} dpto. {floor}03"),
        ("CL" | "PE", 2) => format!("Pasaje {es} {small}"),
        ("CL" | "PE", 3) => format!("Camino {es} {number} casa {floor}"),
        ("CL" | "PE", 4) => format!("{es} {number}"),
        ("CL" | "PE", _) => format!("Jr. {es} {number}"),
        ("US", 0) => format!("{number} {en} St Apt {floor}{door}"),
        ("US", 1) => format!("{number} {en} Ave"),
        ("US", 2) => format!("{number} N {en} Blvd, Suite {small}"),
        ("US", 3) => format!("{small} {en} Lane"),
        ("US", 4) => format!("PO Box {number}"),
        ("US", _) => format!("{number} E {}th St #{floor}{door}", 4 + chance.below(7)),
        ("GB", 0) => format!("{small} {en} Road"),
        ("GB", 1) => format!("Flat {floor}, {small} {en} Street"),
        ("GB", 2) => format!("{small}a {en} Close"),
        ("GB", 3) => format!("{small} {en} Gardens, BS{floor} {floor}TH"),
        ("GB", 4) => format!("{small} {en} Terrace"),
        ("GB", _) => format!("{small} {en} Way, LS{floor}{floor} {floor}AB"),
        (_, 0) => format!("C/ {es} {small}, {floor}º {door}"),
        (_, 1) => format!("calle {es}, {small}, bajo izq"),
        (_, 2) => format!("Avda. {es} {small} esc {floor} {floor}º{door}"),
        (_, 3) => format!("Pza. {es} nº {small}"),
        (_, 4) => format!("Paseo {es} {small}, ático"),
        (_, _) => format!("calle {es} número {small}"),
    };
    let town = match chance.below(3) {
        0 => format!(", {city}"),
        _ => String::new(),
    };
    (address, town)
}

/// What a thing is called after somebody: a surname, a given name, both, or a word that only looks like one.
fn brand(lists: &Lists, chance: &mut Chance) -> String {
    let language = if chance.below(2) == 0 { "es" } else { "en" };
    let person = lists.person(language, chance);
    match chance.below(8) {
        0..=2 => person.surname,
        3..=4 => person.given,
        5 => format!("{} {}", person.given, person.surname),
        _ => {
            const STARTS: [&str; 12] = [
                "Bel", "Kor", "Zan", "Mar", "Tel", "Vol", "Sam", "Or", "Lum", "Fen", "Ac", "Ny",
            ];
            const ENDS: [&str; 12] = [
                "ia", "ex", "ora", "ita", "ix", "on", "ello", "ard", "elle", "ano", "is", "eo",
            ];
            format!("{}{}", chance.of(&STARTS), chance.of(&ENDS))
        }
    }
}

/// What belongs to nobody.
pub(crate) fn harmless(kind: &str, lists: &Lists, chance: &mut Chance) -> String {
    let shape = |chance: &mut Chance, shapes: &[&str]| {
        let shape = *chance.of(shapes);
        chance.shape(shape)
    };
    match kind {
        "brand" => brand(lists, chance),
        "ord" => shape(
            chance,
            &[
                "A-45Ddddd",
                "112-9ddDddd-77ddd01",
                "#55Dddd",
                "MX-00Dddd",
                "PED-2026-Dddd",
                "45001Ddddd",
                "INC00Ddddd",
                "F-0Dddd",
                "CAS-Dddd",
            ],
        ),
        "ver" => shape(chance, &["v4.d.D", "2026.D.d", "10.D.d.D", "v7.d.0-rcD", "3.1D"]),
        "err" => shape(
            chance,
            &[
                "ERR-4ddD",
                "error 50D",
                "HTTP 40D",
                "0x8007000D",
                "ORA-0094D",
                "ECONNREFUSED",
                "E1dD",
                "PGRST1dd",
            ],
        ),
        "amt" => shape(
            chance,
            &[
                "$4dd",
                "€5D,90",
                "$ 12.5dd",
                "USD 1dD",
                "£3D.99",
                "1dd.000 pesos",
                "S/ 8D",
                "45D euros",
            ],
        ),
        "date" => shape(chance, &["2026-0D-1d", "1d/0D/2026", "0D.1d.2026"]),
        "time" => shape(chance, &["1d:2d", "9:4Dam", "1D:0d hs"]),
        "n" => shape(chance, &["500", "404", "429", "503"]),
        "prod" => lists.any("product", chance).to_owned(),
        "org" => lists.any("org", chance).to_owned(),
        "city" => lists.any("city", chance).to_owned(),
        other => panic!("no slot is called {other}"),
    }
}
