//! How alike two tickets are: the cosine of their vectors, and the words that they share.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

/// At most this many suggestions for one ticket: more is noise to a reviewer.
pub const MAX_SUGGESTIONS: usize = 3;

/// Shared words are evidence from this length on: shorter ones are articles and prepositions.
const MIN_WORD_CHARS: usize = 4;

/// Cosine of two vectors of the same model; 0 where lengths differ or one has no content.
pub fn cosine(one: &[f32], other: &[f32]) -> f32 {
    if one.len() != other.len() {
        return 0.0;
    }
    let (dot, a, b) = one
        .iter()
        .zip(other)
        .fold((0.0_f32, 0.0_f32, 0.0_f32), |(dot, a, b), (x, y)| {
            (x.mul_add(*y, dot), x.mul_add(*x, a), y.mul_add(*y, b))
        });
    let length = (a * b).sqrt();
    if length > f32::EPSILON { dot / length } else { 0.0 }
}

/// The best of `scored` at or above `threshold`, best first, at most [`MAX_SUGGESTIONS`].
pub fn best<T>(scored: impl IntoIterator<Item = (T, f32)>, threshold: f32) -> Vec<(T, f32)> {
    let mut best: Vec<_> = scored.into_iter().filter(|(_, score)| *score >= threshold).collect();
    best.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    best.truncate(MAX_SUGGESTIONS);
    best
}

/// Words that both texts have, folded, at most eight: what a reviewer is shown as the reason.
pub fn shared_words(one: &str, other: &str) -> Vec<String> {
    let (one, other) = (words(one), words(other));
    one.intersection(&other).take(8).cloned().collect()
}

fn words(text: &str) -> BTreeSet<String> {
    let folded: String = text
        .nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .collect();
    folded
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() >= MIN_WORD_CHARS)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_is_one_for_the_same_direction_and_zero_for_what_cannot_be_compared() {
        assert!((cosine(&[3.0, 4.0], &[6.0, 8.0]) - 1.0).abs() < 1e-6);
        assert!(cosine(&[0.0, 0.0], &[1.0, 0.0]).abs() < 1e-6);
        assert!(cosine(&[1.0], &[1.0, 0.0]).abs() < 1e-6);
    }

    #[test]
    fn only_the_three_best_above_the_threshold_are_suggested() {
        let scored = [
            ("a", 0.9),
            ("b", 0.2),
            ("c", 0.95),
            ("d", 0.91),
            ("e", 0.92),
            ("f", f32::NAN),
        ];
        assert_eq!(
            best(scored, 0.5).into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
            ["c", "e", "d"]
        );
    }

    #[test]
    fn shared_words_ignore_case_and_accents() {
        assert_eq!(
            shared_words("La EXPORTACIÓN falla", "exportacion a Excel falla"),
            ["exportacion", "falla"]
        );
    }
}
