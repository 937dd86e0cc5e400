//! What kind of trouble a report names, and which of several like things: "did not arrive" and "arrived twice" are two
//! problems of one feature, as are the export to PDF and that to CSV.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// The last line of `troubles.txt`: a wish or a question, no trouble.
const WISH: &str = "wish";

static KINDS: LazyLock<Kinds> = LazyLock::new(Kinds::read);

/// For each name of a particular thing, the line it stands in.
static THINGS: LazyLock<Vec<(&str, u32)>> = LazyLock::new(|| {
    let lines = include_str!("kinds_of_things.txt")
        .lines()
        .filter(|line| !line.starts_with('#'));
    let mut things: Vec<(&str, u32)> = lines
        .zip(0..)
        .flat_map(|(line, number)| line.split_whitespace().map(move |name| (name, number)))
        .collect();
    things.sort_unstable();
    things
});

struct Kinds {
    phrases: AhoCorasick,
    /// The kind of each phrase, as one bit.
    bits: Vec<u32>,
    wish: u32,
}

impl Kinds {
    fn read() -> Self {
        let (mut phrases, mut bits, mut wish) = (Vec::new(), Vec::new(), 0);
        let lines = include_str!("troubles.txt")
            .lines()
            .filter(|line| !line.starts_with('#'));
        for (line, number) in lines.zip(0_u32..) {
            let (name, said) = line.split_once(": ").unwrap_or_default();
            for phrase in said.split('|').filter(|phrase| !phrase.trim().is_empty()) {
                phrases.push(format!(" {}", phrase.trim_start()));
                bits.push(1 << number);
            }
            if name == WISH {
                wish = 1 << number;
            }
        }
        Self {
            // The phrases are part of the program: `the_lists_are_read_whole` builds the same.
            phrases: AhoCorasick::new(phrases).expect("a list of some hundred phrases"),
            bits,
            wish,
        }
    }
}

/// The kinds of trouble and the particular things that a text names, each as a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Named {
    troubles: u32,
    things: u32,
}

impl Named {
    /// What a folded text names.
    pub(super) fn of(folded: &str) -> Self {
        let spaced = spaced(folded);
        let troubles = KINDS
            .phrases
            .find_overlapping_iter(&spaced)
            .fold(0, |bits, found| bits | KINDS.bits[found.pattern().as_usize()]);
        let things = spaced.split_whitespace().fold(0, |bits, word| {
            match THINGS.binary_search_by(|(name, _)| (*name).cmp(word)) {
                Ok(at) => bits | 1 << THINGS[at].1,
                Err(_) => bits,
            }
        });
        Self { troubles, things }
    }

    /// Both name a kind of trouble, and one is the same.
    pub(super) fn same_trouble(self, other: Self) -> bool {
        self.troubles & other.troubles != 0
    }

    /// Both name kinds of trouble, and not one is the same.
    pub(super) fn other_trouble(self, other: Self) -> bool {
        parted(self.troubles, other.troubles)
    }

    /// One asks for something, and the other does not.
    pub(super) fn is_wish_beside_trouble(self, other: Self) -> bool {
        (self.troubles ^ other.troubles) & KINDS.wish != 0
    }

    /// Both name a particular thing, and not one is the same.
    pub(super) fn other_thing(self, other: Self) -> bool {
        parted(self.things, other.things)
    }
}

const fn parted(one: u32, other: u32) -> bool {
    one != 0 && other != 0 && one & other == 0
}

/// The words of a text with one blank around each, without apostrophes.
fn spaced(folded: &str) -> String {
    let mut spaced = String::with_capacity(folded.len() + 2);
    spaced.push(' ');
    for c in folded.chars().filter(|c| !matches!(c, '\'' | '’')) {
        if c.is_alphanumeric() {
            spaced.push(c);
        } else if !spaced.ends_with(' ') {
            spaced.push(' ');
        }
    }
    if !spaced.ends_with(' ') {
        spaced.push(' ');
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_read_whole() {
        assert_eq!(KINDS.wish.trailing_zeros(), 15);
        assert_eq!(KINDS.bits.len(), KINDS.phrases.patterns_len());
        assert!(THINGS.iter().all(|(_, line)| *line < u32::BITS));
        for (name, line) in THINGS.iter() {
            assert_eq!(Named::of(name).things, 1 << line, "{name}");
        }
    }

    #[test]
    fn the_same_trouble_is_known_across_languages_and_another_one_as_well() {
        let named = Named::of;
        for (one, other, is_same, is_other) in [
            ("the invoice didn't arrive", "no me llego la factura", true, false),
            ("the invoice didn't arrive", "la factura llego dos veces", false, true),
            ("it's slow", "esta lentisimo", true, false),
            ("the lenses arrived", "los lentes", false, false),
            ("buenas tardes", "it arrived late", false, false),
        ] {
            let (one, other) = (named(one), named(other));
            assert_eq!(
                (one.same_trouble(other), one.other_trouble(other)),
                (is_same, is_other),
                "{one:?} {other:?}"
            );
            assert_eq!(one.other_trouble(other), other.other_trouble(one));
        }
        assert!(named("how do i export").is_wish_beside_trouble(named("no se exporta")));
        assert!(!named("how do i export").is_wish_beside_trouble(named("como puedo exportar")));
    }

    #[test]
    fn another_form_of_file_is_another_thing() {
        assert!(Named::of("the PDF is empty".to_lowercase().as_str()).other_thing(Named::of("el csv sale vacio")));
        assert!(!Named::of("the pdf and the csv").other_thing(Named::of("el csv sale vacio")));
        assert!(!Named::of("the file").other_thing(Named::of("el csv sale vacio")));
    }
}
