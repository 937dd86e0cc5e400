//! How common a word is as a given name, as a surname, and as an ordinary word. Data in `data/names.txt`.

use std::sync::LazyLock;

use super::digest::digest;

/// Where a word stands in the lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Class(u8);

impl Class {
    /// A word that is no name.
    const RARE_WORD: Self = Self(1 << 4);

    /// 0 is no given name, 3 a very common one.
    pub(super) const fn given(self) -> u8 {
        self.0 & 3
    }

    /// 0 is no surname, 3 a very common one.
    pub(super) const fn surname(self) -> u8 {
        (self.0 >> 2) & 3
    }

    /// 0 is no ordinary word, 1 a rare one, 2 an everyday one.
    pub(super) const fn ordinary(self) -> u8 {
        (self.0 >> 4) & 3
    }

    /// True for any name.
    pub(super) const fn is_name(self) -> bool {
        self.0 & 15 != 0
    }
}

/// An open-addressed table of word digests: 24 bits of digest and the class. A wrong match is about one in 10 million
/// look-ups; half the size of the words, and one place in memory to look at.
struct Table {
    slots: Vec<u32>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table {
        slots: vec![0; 1 << 19],
    };
    for line in include_str!("data/names.txt").lines() {
        let (code, words) = line.split_at_checked(3).unwrap_or(("", ""));
        let &[given, surname, ordinary] = code.as_bytes() else {
            continue;
        };
        let class = (given & 3) | ((surname & 3) << 2) | ((ordinary & 3) << 4) | 0x40;
        for word in words.split_ascii_whitespace() {
            table.insert(digest(word.as_bytes()), class);
        }
    }
    // Short forms of names are in no census; some are ordinary words too and keep that mark.
    for word in include_str!("data/nicknames.txt").split_ascii_whitespace() {
        let digest = digest(word.as_bytes());
        match table.position(digest) {
            Some(at) if table.slots[at] & 3 < 2 => table.slots[at] = (table.slots[at] & !3) | 2,
            Some(_) => {}
            None => table.insert(digest, 0x42),
        }
    }
    // Names that the censuses behind the table hardly know: of India, China, Nigeria, Norway, the Basques and others.
    for line in include_str!("data/world.txt").lines() {
        let mut words = line.split_ascii_whitespace();
        let shift = match words.next() {
            Some("given") => 0,
            Some("surname") => 2,
            _ => continue,
        };
        for word in words {
            let digest = digest(word.as_bytes());
            match table.position(digest) {
                Some(at) if table.slots[at] >> shift & 3 < 2 => {
                    table.slots[at] = (table.slots[at] & !(3 << shift)) | 2 << shift;
                }
                Some(_) => {}
                None => {
                    let ordinary = if is_in_a_dictionary(digest) {
                        Class::RARE_WORD.0
                    } else {
                        0
                    };
                    table.insert(digest, 0x40 | 2 << shift | ordinary);
                }
            }
        }
    }
    table
});

impl Table {
    fn insert(&mut self, digest: u64, class: u8) {
        let mut at = self.slot(digest);
        while self.slots[at] != 0 {
            at = (at + 1) % self.slots.len();
        }
        self.slots[at] = entry(digest, class);
    }

    fn find(&self, digest: u64) -> Option<u8> {
        self.position(digest).map(|at| (self.slots[at] & 0xff) as u8)
    }

    fn position(&self, digest: u64) -> Option<usize> {
        let mut at = self.slot(digest);
        while self.slots[at] != 0 {
            if self.slots[at] >> 8 == entry(digest, 0) >> 8 {
                return Some(at);
            }
            at = (at + 1) % self.slots.len();
        }
        None
    }

    fn slot(&self, digest: u64) -> usize {
        (digest as usize) % self.slots.len()
    }
}

fn entry(digest: u64, class: u8) -> u32 {
    ((digest >> 40) as u32) << 8 | u32::from(class)
}

/// The class of a folded word.
pub(super) fn class(word: &[u8]) -> Class {
    class_of(word.len(), digest(word))
}

/// The class of a folded word of this length that has this digest.
pub(super) fn class_of(length: usize, digest: u64) -> Class {
    if !(2..=15).contains(&length) {
        return Class::default();
    }
    match TABLE.find(digest) {
        Some(class) => Class(class & 0x3f),
        None if length > 2 && is_in_a_dictionary(digest) => Class::RARE_WORD,
        None => Class::default(),
    }
}

/// A Bloom filter of what the dictionaries of both languages have and the table has not: conjugations, plurals, rare
/// words. One word in 50 that is in none passes for one.
static WORDS: &[u8; 1 << 20] = include_bytes!("data/words.bin");

fn is_in_a_dictionary(digest: u64) -> bool {
    [0, 17, 34].iter().all(|shift| {
        let at = (digest >> shift) as usize % (WORDS.len() * 8);
        WORDS[at / 8] >> (at % 8) & 1 == 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ordinary_words_are_told_apart() {
        assert_eq!((class(b"maria").given(), class(b"maria").ordinary()), (3, 0));
        assert_eq!(class(b"garcia").surname(), 3);
        assert_eq!(class(b"will").ordinary(), 2);
        assert!(!class(b"invoice").is_name());
        assert_eq!(class(b"facturaremos"), Class::RARE_WORD);
        assert_eq!(class(b"xqzzvw"), Class::default());
        assert!(class(b"oluwatobi").given() >= 2 && class(b"kowalczyk").surname() >= 2);
        assert_eq!(class(b""), Class::default());
    }
}
