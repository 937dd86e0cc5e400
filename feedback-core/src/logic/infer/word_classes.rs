//! Which words mean alike, across both languages: "cobraron" and "billed" are of one class, so that what the model learned
//! of one holds for the other. `classes.bin` is made by `tools/word_classes.py` of the embeddings' crate, which says how.

/// Magic word, the wider class of each class, where each bucket ends, then three bytes a word.
static FILE: &[u8] = include_bytes!("classes.bin");

const MAGIC: &[u8; 8] = b"FHclass1";
const CLASSES: usize = 1024;
const BUCKETS: usize = 4096;
const WIDER: usize = MAGIC.len();
const ENDS: usize = WIDER + CLASSES;
const ENTRIES: usize = ENDS + 2 * BUCKETS;

/// A word's class, and the wider one of some eight that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WordClass {
    /// One of 1,024.
    pub(super) own: u16,
    /// One of 128.
    pub(super) wider: u8,
}

/// The class of the word with this hash; `None` where it is of no class.
pub(super) fn class_of(hash: u32) -> Option<WordClass> {
    let spread = hash.wrapping_mul(0x9e37_79b1);
    let bucket = (spread >> 20) as usize;
    let mark = (spread >> 6) & 0x3fff;
    let start = if bucket == 0 { 0 } else { end_of(bucket - 1)? };
    let words = FILE.get(ENTRIES + 3 * start..ENTRIES + 3 * end_of(bucket)?)?;
    words.as_chunks::<3>().0.iter().find_map(|&[low, middle, high]| {
        let entry = u32::from_le_bytes([low, middle, high, 0]);
        let own = (entry & 0x3ff) as u16;
        (entry >> 10 == mark).then(|| WordClass {
            own,
            wider: FILE[WIDER + usize::from(own)],
        })
    })
}

fn end_of(bucket: usize) -> Option<usize> {
    let bytes = FILE.get(ENDS + 2 * bucket..ENDS + 2 * bucket + 2)?;
    Some(usize::from(u16::from_le_bytes([bytes[0], bytes[1]])))
}

#[cfg(test)]
mod tests {
    use super::{super::features::word_hash, *};

    fn class(word: &str) -> Option<WordClass> {
        class_of(word_hash(word))
    }

    #[test]
    fn words_that_mean_alike_are_of_one_class_in_both_languages() {
        assert_eq!(class("facturas"), class("invoices"));
        assert!(class("gracias").is_some());
        assert_ne!(class("gracias"), class("invoices"));
    }

    #[test]
    fn a_word_that_nobody_knows_is_of_no_class() {
        assert_eq!(class("qzxwvkj"), None);
    }

    #[test]
    fn the_file_holds_what_it_says() {
        assert!(FILE.starts_with(MAGIC));
        assert_eq!(end_of(BUCKETS - 1).map(|words| ENTRIES + 3 * words), Some(FILE.len()));
        assert!(FILE.len() + include_bytes!("model.bin").len() <= 700_000);
    }
}
