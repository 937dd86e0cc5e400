//! How likely two tickets are about the same thing: how alike their vectors are, and what their words add to that or
//! take from it.
//!
//! Vectors say what a text is about; they hardly tell "charged twice" from "refunded twice", or error 504 from error 502.
//! Words do. What comes out is a probability, so that one threshold holds for every ticket.

mod ranking;
mod troubles;
mod window;
mod words;

pub use self::{
    ranking::{Ranked, Report, Reports},
    window::VectorWindow,
    words::{Likeness, Wording, shared_words},
};

/// At most this many suggestions for one ticket: more is noise to a reviewer.
pub const MAX_SUGGESTIONS: usize = 3;

/// Pairs are suggested from this probability on.
///
/// Where fewer than one of fifty pairs about the same feature, but not the same thing, is suggested (on the subjects of the
/// training pairs that were held back). Low for a probability, since those pairs stand closer together than reports do: of
/// reports as they come, nine of ten suggestions above it are right.
pub const SUGGEST_FROM: f32 = 0.25;

/// So many of the nearest vectors are worth reading their words.
pub const CANDIDATES: usize = 24;

/// So many of the nearest say how crowded it is around a text.
const CROWD: usize = 10;
/// Where fewer are there, each that is missing stands so far off.
const NOBODY: f32 = -0.5;

// Fitted by `cargo run --release -p feedback-embeddings --example calibrate` on the training pairs of that crate.
const OFFSET: f32 = -1.85;
const OF_COSINE: f32 = 7.0;
// Held below what was fitted (-3.4): the windows of most hubs are less crowded than the pairs.
const OF_CROWD: f32 = -2.6;
const OF_WORDING: [f32; Likeness::COUNT] = [1.0, 2.2, 0.5, -2.7, -2.1, -0.4, 0.8, -0.7, -0.3, -1.3];

/// The nearest of a window, each with how likely it is about the same thing as the text that they are nearest to,
/// likeliest first.
///
/// `near` are they with their cosines, `threshold` is the embedder's, `likeness` says what their words and the text's have
/// in common.
pub fn rank<T>(
    near: impl IntoIterator<Item = (T, f32)>,
    threshold: f32,
    likeness: impl Fn(&T) -> Likeness,
) -> Vec<(T, f32)> {
    let near: Vec<(T, f32)> = near.into_iter().collect();
    let crowd = crowd(near.iter().map(|(_, cosine)| *cosine), threshold);
    let mut ranked: Vec<(T, f32)> = near
        .into_iter()
        .map(|(other, cosine)| {
            let likely = probability(cosine, threshold, crowd, &likeness(&other));
            (other, likely)
        })
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

/// How near the nearest of a window stand to a text, nearest first, on the scale of [`distance`].
///
/// Where all of them are near, as around a text of common words, being near says less.
pub fn crowd(nearest: impl IntoIterator<Item = f32>, threshold: f32) -> f32 {
    let nearest = nearest.into_iter().map(|cosine| distance(cosine, threshold));
    let sum: f32 = nearest.chain(std::iter::repeat(NOBODY)).take(CROWD).sum();
    sum / CROWD as f32
}

/// How likely two texts with these vectors and these words are about the same thing, 0 to 1.
///
/// `threshold` is the embedder's: the cosine at which its vectors alone leave it open. Cosines are read by how far they
/// are from it on the way to 1, since models spread theirs differently. `crowd` is what [`crowd`] says of the window.
pub fn probability(cosine: f32, threshold: f32, crowd: f32, likeness: &Likeness) -> f32 {
    let away = distance(cosine, threshold);
    let words: f32 = likeness
        .values()
        .iter()
        .zip(OF_WORDING)
        .map(|(value, weight)| value * weight)
        .sum();
    let log_odds = OFFSET + OF_COSINE * away + OF_CROWD * crowd + words;
    1.0 / (1.0 + (-log_odds).exp())
}

/// How far a cosine is above the threshold (to 1) or below it (negative), as a share of the way from threshold to 1.
pub fn distance(cosine: f32, threshold: f32) -> f32 {
    (cosine - threshold) / (1.0 - threshold).max(0.05)
}

/// Cosine of two vectors of the same model; 0 where lengths differ or one has no content.
pub fn cosine(one: &[f32], other: &[f32]) -> f32 {
    if one.len() != other.len() {
        return 0.0;
    }
    let (dot, a, b) = one
        .iter()
        .zip(other)
        .fold((0.0_f32, 0.0_f32, 0.0_f32), |(dot, a, b), (x, y)| {
            // Not `mul_add`: where the target has no such instruction it is a call, and 20 times as slow.
            (dot + x * y, a + x * x, b + y * y)
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

    fn of(one: &str, other: &str, cosine: f32) -> f32 {
        probability(cosine, 0.5, NOBODY, &Wording::of(one).likeness(&Wording::of(other)))
    }

    #[test]
    fn the_nearer_the_likelier_whatever_the_model_calls_near() {
        let likely = |cosine, threshold| probability(cosine, threshold, NOBODY, &Likeness::default());
        assert!(likely(0.8, 0.5) > likely(0.6, 0.5));
        assert!((likely(0.75, 0.5) - likely(0.95, 0.9)).abs() < 1e-3);
        for cosine in [-1.0, 0.0, 1.0] {
            assert!((0.0..=1.0).contains(&likely(cosine, 0.5)));
        }
    }

    #[test]
    fn the_same_error_code_speaks_for_a_pair_and_another_against_it() {
        let plain = of("the sync stops", "la sincronización se detiene", 0.5);
        assert!(
            of(
                "the sync stops with E-2201",
                "la sincronización se detiene, E-2201",
                0.5
            ) > plain
        );
        assert!(
            of(
                "the sync stops with E-2201",
                "la sincronización se detiene, E-2207",
                0.5
            ) < plain
        );
    }

    #[test]
    fn opposite_directions_speak_against_a_pair() {
        assert!(of("charged twice", "reembolsado dos veces", 0.7) < of("charged twice", "cobrado dos veces", 0.7));
    }

    #[test]
    fn another_kind_of_trouble_speaks_against_a_pair_and_the_same_for_it() {
        let twice = "the invoice arrived twice";
        assert!(of(twice, "la factura llegó dos veces", 0.7) > of(twice, "la factura", 0.7));
        assert!(of(twice, "la factura no llegó", 0.7) < of(twice, "la factura", 0.7));
    }

    #[test]
    fn being_near_says_less_in_a_crowd() {
        let near_first = |cosines: &[f32]| {
            let near = cosines.iter().copied().enumerate();
            rank(near, 0.5, |_| Likeness::default())[0]
        };
        let (alone, crowded) = (near_first(&[0.7]), near_first(&[0.7; 20]));
        assert!(alone.0 == 0 && crowded.0 == 0 && alone.1 > crowded.1);
        assert!(rank(Vec::<((), f32)>::new(), 0.5, |()| Likeness::default()).is_empty());
    }
}
