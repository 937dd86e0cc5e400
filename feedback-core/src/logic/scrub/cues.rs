//! Words that say what stands beside them: "tel" before a number, "soy" before a name. Data in `data/cues.txt`.

use std::sync::LazyLock;

use super::digest::{ByDigest, digest};

/// What kinds of cue a word is, as bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cues(u64);

impl Cues {
    pub(super) const PHONE: Self = Self(1);
    pub(super) const ORDER: Self = Self(1 << 1);
    pub(super) const NATIONAL: Self = Self(1 << 2);
    pub(super) const CARD: Self = Self(1 << 3);
    pub(super) const IBAN: Self = Self(1 << 4);
    pub(super) const IP: Self = Self(1 << 5);
    pub(super) const VERSION: Self = Self(1 << 6);
    pub(super) const PASSWORD: Self = Self(1 << 7);
    pub(super) const KEY: Self = Self(1 << 8);
    pub(super) const USER: Self = Self(1 << 9);
    pub(super) const MONEY: Self = Self(1 << 10);
    pub(super) const IS_ME: Self = Self(1 << 11);
    pub(super) const TITLE: Self = Self(1 << 12);
    pub(super) const GREET: Self = Self(1 << 13);
    pub(super) const SIGNOFF: Self = Self(1 << 14);
    pub(super) const SPEECH: Self = Self(1 << 15);
    pub(super) const RELATION: Self = Self(1 << 16);
    pub(super) const MET: Self = Self(1 << 17);
    pub(super) const PLACE: Self = Self(1 << 18);
    pub(super) const ORG: Self = Self(1 << 19);
    pub(super) const VIA: Self = Self(1 << 20);
    pub(super) const STREET: Self = Self(1 << 21);
    pub(super) const UNIT: Self = Self(1 << 22);
    pub(super) const DELIVERY: Self = Self(1 << 23);
    pub(super) const PARTICLE: Self = Self(1 << 24);
    pub(super) const CALENDAR: Self = Self(1 << 25);

    pub(super) const ACTS: Self = Self(1 << 26);
    pub(super) const TALKED: Self = Self(1 << 27);
    pub(super) const NEGATED: Self = Self(1 << 28);
    pub(super) const OURS: Self = Self(1 << 29);
    pub(super) const TOWN: Self = Self(1 << 30);
    pub(super) const WEAK_VIA: Self = Self(1 << 31);
    pub(super) const WEAK_SUFFIX: Self = Self(1 << 32);
    pub(super) const PROSE: Self = Self(1 << 33);
    pub(super) const BRIDGE: Self = Self(1 << 34);
    pub(super) const PARTY: Self = Self(1 << 35);
    pub(super) const GROUP: Self = Self(1 << 36);
    pub(super) const NAME_OF: Self = Self(1 << 37);
    /// What is named after somebody, or by a brand: devices, dishes, films, theorems.
    pub(super) const THING: Self = Self(1 << 38);

    const NAMES: [(&'static str, Self); 39] = [
        ("PHONE", Self::PHONE),
        ("ORDER", Self::ORDER),
        ("NATIONAL", Self::NATIONAL),
        ("CARD", Self::CARD),
        ("IBAN", Self::IBAN),
        ("IP", Self::IP),
        ("VERSION", Self::VERSION),
        ("PASSWORD", Self::PASSWORD),
        ("KEY", Self::KEY),
        ("USER", Self::USER),
        ("MONEY", Self::MONEY),
        ("ISME", Self::IS_ME),
        ("TITLE", Self::TITLE),
        ("GREET", Self::GREET),
        ("SIGNOFF", Self::SIGNOFF),
        ("SPEECH", Self::SPEECH),
        ("RELATION", Self::RELATION),
        ("MET", Self::MET),
        ("PLACE", Self::PLACE),
        ("ORG", Self::ORG),
        ("VIA", Self::VIA),
        ("STREET", Self::STREET),
        ("UNIT", Self::UNIT),
        ("DELIVERY", Self::DELIVERY),
        ("PARTICLE", Self::PARTICLE),
        ("CALENDAR", Self::CALENDAR),
        ("ACTS", Self::ACTS),
        ("TALKED", Self::TALKED),
        ("NEGATED", Self::NEGATED),
        ("OURS", Self::OURS),
        ("TOWN", Self::TOWN),
        ("WEAKVIA", Self::WEAK_VIA),
        ("WEAKSUFFIX", Self::WEAK_SUFFIX),
        ("PROSE", Self::PROSE),
        ("BRIDGE", Self::BRIDGE),
        ("PARTY", Self::PARTY),
        ("GROUP", Self::GROUP),
        ("THENAME", Self::NAME_OF),
        ("THING", Self::THING),
    ];

    /// The cues of a folded word.
    pub(super) fn of(word: &[u8]) -> Self {
        Self::of_digest(digest(word))
    }

    /// The cues of the word with this digest.
    pub(super) fn of_digest(digest: u64) -> Self {
        CUES.get(digest).copied().unwrap_or_default()
    }

    /// The cues of a folded word that is one slip of the finger away from an important one: "nombbre", "pasword".
    pub(super) fn of_misspelt(word: &[u8]) -> Self {
        if word.len() < 4 || word.len() > 12 {
            return Self::default();
        }
        MISSPELT
            .iter()
            .find(|meant| one_slip(word, meant))
            .map_or_else(Self::default, |meant| Self::of(meant))
    }

    /// True where the word is a cue of any of these kinds.
    pub(super) const fn has(self, kinds: Self) -> bool {
        self.0 & kinds.0 != 0
    }

    /// One bit a kind.
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Either kind.
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Cues worth finding in a hurried message.
const MISSPELT: &[&[u8]] = &[
    b"nombre",
    b"usuario",
    b"username",
    b"telefono",
    b"celular",
    b"password",
    b"contrasena",
    b"cliente",
    b"customer",
    b"titular",
    b"direccion",
    b"address",
    b"domicilio",
    b"cedula",
    b"phone",
    b"whatsapp",
    b"passport",
    b"pasaporte",
    b"tarjeta",
    b"regards",
    b"saludos",
    b"gracias",
    b"thanks",
    b"apellido",
    b"contact",
    b"user",
    b"entro",
    b"ingreso",
    b"esposa",
    b"esposo",
    b"hermana",
    b"hermano",
    b"clave",
    b"token",
    b"atentamente",
    b"sincerely",
    b"holder",
    b"licenciado",
    b"hello",
    b"dear",
    b"estimado",
    b"estimada",
    b"buenas",
    b"wrote",
    b"escribio",
];

/// One letter more, one less, another, or two exchanged.
pub(super) fn one_slip(word: &[u8], meant: &[u8]) -> bool {
    let same = word.iter().zip(meant).take_while(|(a, b)| a == b).count();
    let (rest, wanted) = (&word[same..], &meant[same..]);
    match (rest.len() as isize) - (wanted.len() as isize) {
        1 => &rest[1..] == wanted,
        -1 => rest == &wanted[1..],
        0 if rest.is_empty() => true,
        0 => {
            rest[1..] == wanted[1..]
                || (rest.len() > 1 && rest[0] == wanted[1] && rest[1] == wanted[0] && rest[2..] == wanted[2..])
        }
        _ => false,
    }
}

static CUES: LazyLock<ByDigest<Cues>> = LazyLock::new(|| {
    let mut cues: ByDigest<Cues> = ByDigest::default();
    for line in include_str!("data/cues.txt").lines() {
        let mut words = line.split_ascii_whitespace();
        let kind = words
            .next()
            .and_then(|name| Cues::NAMES.iter().find(|(known, _)| *known == name));
        if let Some(&(_, kind)) = kind {
            for word in words {
                let entry = cues.entry(digest(word.as_bytes()));
                *entry = entry.or(kind);
            }
        }
    }
    cues
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_has_a_known_kind() {
        for line in include_str!("data/cues.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            let kind = line.split(' ').next().unwrap_or_default();
            assert!(Cues::NAMES.iter().any(|(name, _)| *name == kind), "{kind}");
        }
        assert!(Cues::of(b"telefono").has(Cues::PHONE));
        assert!(Cues::of(b"gracias").has(Cues::GREET) && Cues::of(b"gracias").has(Cues::SIGNOFF));
        assert_eq!(Cues::of(b"zzz"), Cues::default());
        for slip in ["nombbre", "nobmre", "nombe", "nomvre"] {
            assert_eq!(Cues::of_misspelt(slip.as_bytes()), Cues::of(b"nombre"), "{slip}");
        }
        assert_eq!(Cues::of_misspelt(b"sombrero"), Cues::default());
    }
}
