//! Fits how cosines and words become a probability, and measures on the subjects that were held back:
//!
//! `cargo run --release -p feedback-embeddings --example calibrate [--features encoder -- WEIGHTS]`
//!
//! Prints what goes into `logic::matching` of the core and into the embedder's threshold. The same texts give the same
//! figures.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use feedback_core::{
    domain::Scrubbed,
    logic::{
        matching::{CANDIDATES, Likeness, SUGGEST_FROM, Wording, cosine, crowd, distance, probability},
        scrub::{KnownPeople, Scrubber},
    },
    ports::Embedder,
};
use feedback_embeddings::WordTable;

const VALUES: usize = Likeness::COUNT + 2;
/// Codes and opposites are too rare in the texts to be fitted freely: weights stay near these. First those of the cosine
/// and of the crowd.
const PRIOR: [f32; VALUES] = [8.0, -2.0, 1.0, 1.5, 0.5, -1.5, -1.0, -1.0, 0.5, -0.5, -0.5, -1.0];
/// Weights of spelling and of shared words are not fitted: the pairs say one thing in other words on purpose, and reports
/// that a person copies, or long technical ones, share more.
const KEPT: [usize; 2] = [2, 4];
/// Of how many examples' worth that is.
const PRIOR_STRENGTH: f32 = 4.0;
/// Texts of other things between those of the pairs, for each line of the pairs.
const NOISE: usize = 2;
/// Subjects of the files from this one on were written later: what is held back of them is measured on its own.
const LATER: usize = 4;

/// Which subjects.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Fitted,
    Held,
    HeldLater,
}

/// A text as it is in the files, what it is about, and whether it is Spanish.
type Written = (String, Option<(usize, usize)>, bool);

struct Text {
    wording: Wording,
    vector: Vec<f32>,
    /// What it is about, and of which subject; `None` for noise.
    about: Option<(usize, usize)>,
    is_spanish: bool,
}

/// One older text that a newer one may repeat.
struct Pair {
    query: usize,
    cosine: f32,
    crowd: f32,
    likeness: Likeness,
    is_same: bool,
    is_hard: bool,
    is_cross: bool,
    /// Two messages of the noise may well be about one thing: nobody said whether they are.
    is_unknown: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let embedder = embedder(env::args().nth(1))?;
    golden(embedder.as_ref()).await?;
    let fitted_on = stream(embedder.as_ref(), Part::Fitted).await?;
    let held_on = stream(embedder.as_ref(), Part::Held).await?;
    let later_on = stream(embedder.as_ref(), Part::HeldLater).await?;
    let near = |stream: &[Text]| candidates(stream, embedder.threshold());
    let (training, held, later) = (near(&fitted_on), near(&held_on), near(&later_on));
    let alone = fit(&training, &[0.0; VALUES], |pair| {
        let mut values = [0.0; VALUES];
        values[0] = pair.cosine;
        values
    });
    let threshold = -alone.1 / alone.0[0];
    println!(
        "{}: threshold {threshold:.3} (the embedder has {})",
        embedder.model(),
        embedder.threshold()
    );
    let (weights, offset) = fit(&training, &PRIOR, |pair| values(pair, embedder.threshold()));
    println!(
        "OFFSET {offset:.2}  OF_COSINE {:.2}  OF_CROWD {:.2}  OF_WORDING {:.2?}",
        weights[0],
        weights[1],
        &weights[2..]
    );
    let in_use = |pair: &Pair| probability(pair.cosine, embedder.threshold(), pair.crowd, &pair.likeness);
    let fitted = |pair: &Pair| {
        let values = values(pair, embedder.threshold());
        1.0 / (1.0
            + (-(values
                .iter()
                .zip(&weights)
                .map(|(value, weight)| value * weight)
                .sum::<f32>()
                + offset))
                .exp())
    };
    for (name, stream, pairs) in [
        ("fitted on", &fitted_on, &training),
        ("held back", &held_on, &held),
        ("held back later", &later_on, &later),
    ] {
        measure(&format!("{name}, by cosine alone"), stream, pairs, &|pair| {
            pair.cosine + SUGGEST_FROM - threshold
        });
        measure(&format!("{name}, as fitted"), stream, pairs, &fitted);
        measure(&format!("{name}, as in the core"), stream, pairs, &in_use);
    }
    Ok(())
}

#[cfg(not(feature = "encoder"))]
fn embedder(weights: Option<String>) -> Result<Box<dyn Embedder>, Box<dyn Error>> {
    match weights {
        Some(_) => Err("a file of weights needs the feature `encoder`".into()),
        None => Ok(Box::new(WordTable::new())),
    }
}

#[cfg(feature = "encoder")]
fn embedder(weights: Option<String>) -> Result<Box<dyn Embedder>, Box<dyn Error>> {
    Ok(match weights {
        Some(path) => Box::new(feedback_embeddings::Encoder::read(&fs::read(path)?)?),
        None => Box::new(WordTable::new()),
    })
}

/// The vectors are those of the reference, as far as fewer dimensions and bytes for weights can give them.
async fn golden(embedder: &dyn Embedder) -> Result<(), Box<dyn Error>> {
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(folder().join("tests/golden.json"))?)?;
    let kind = if embedder.model().starts_with("use-encoder") {
        "encoder"
    } else {
        "static"
    };
    for row in rows {
        let text = Scrubber::new()
            .scrub(row["text"].as_str().unwrap_or_default(), &KnownPeople::new())
            .text;
        let vector = embedder.embed(&[text]).await?.swap_remove(0);
        let expected: Vec<f32> = serde_json::from_value(row[kind].clone())?;
        let near = cosine(&vector, &expected);
        println!("{near:.4} {}", row["text"]);
        if near < 0.97 {
            return Err("the vectors are not those of the reference".into());
        }
    }
    Ok(())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The texts of one part, in an order that has nothing to do with what they are about.
async fn stream(embedder: &dyn Embedder, part: Part) -> Result<Vec<Text>, Box<dyn Error>> {
    let mut texts: Vec<Written> = Vec::new();
    let (mut line_number, mut lines, mut subject, mut is_held) = (0, 0, 0, false);
    for file in 1..=8 {
        for line in fs::read_to_string(folder().join(format!("training/pairs_{file}.txt")))?.lines() {
            if line.starts_with('=') {
                (subject, is_held) = (subject + 1, line.starts_with("=="));
            } else if !line.trim().is_empty() {
                line_number += 1;
                let of = match (is_held, file < LATER) {
                    (false, _) => Part::Fitted,
                    (true, true) => Part::Held,
                    (true, false) => Part::HeldLater,
                };
                if of != part {
                    continue;
                }
                lines += 1;
                // One of four is left out: reports of one thing are two or three more often than four.
                let left_out = shuffled(line_number) % 4;
                let all = line.split('|').enumerate().filter(|(at, _)| at % 4 != left_out);
                texts.extend(all.map(|(at, text)| (text.trim().to_owned(), Some((line_number, subject)), at % 2 == 1)));
            }
        }
    }
    texts.extend(
        noise(part != Part::Fitted)?
            .into_iter()
            .take(NOISE * lines)
            .map(|text| (text, None, false)),
    );
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&at| shuffled(at));
    let scrubber = Scrubber::new();
    let scrubbed: Vec<Scrubbed> = order
        .iter()
        .map(|&at| scrubber.scrub(&texts[at].0, &KnownPeople::new()).text)
        .collect();
    let vectors = embedder.embed(&scrubbed).await?;
    let all = order.iter().zip(scrubbed).zip(vectors);
    Ok(all
        .map(|((&at, text), vector)| Text {
            wording: Wording::of(text.as_str()),
            vector,
            about: texts[at].1,
            is_spanish: texts[at].2,
        })
        .collect())
}

/// Messages of the classifier's training text: every second for either part.
fn noise(held: bool) -> Result<Vec<String>, Box<dyn Error>> {
    let mut texts = Vec::new();
    for part in 1..=14 {
        let path = folder().join(format!("../../feedback-core/training/{part:02}.jsonl"));
        for line in fs::read_to_string(path)?.lines() {
            let message: serde_json::Value = serde_json::from_str(line)?;
            texts.extend(message["text"].as_str().map(str::to_owned));
        }
    }
    let mut kept: Vec<(usize, String)> = texts
        .into_iter()
        .enumerate()
        .filter(|(at, _)| (at % 2 == 0) == held)
        .collect();
    kept.sort_by_key(|(at, _)| shuffled(*at));
    Ok(kept.into_iter().map(|(_, text)| text).collect())
}

fn shuffled(number: usize) -> usize {
    let mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) as usize
}

/// For each text the nearest older ones.
fn candidates(texts: &[Text], threshold: f32) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (query, text) in texts.iter().enumerate() {
        let mut near: Vec<(f32, &Text)> = texts[..query]
            .iter()
            .map(|older| (cosine(&text.vector, &older.vector), older))
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        near.truncate(CANDIDATES);
        let crowd = crowd(near.iter().map(|(cosine, _)| *cosine), threshold);
        pairs.extend(near.into_iter().map(|(cosine, older)| Pair {
            query,
            cosine,
            crowd,
            likeness: text.wording.likeness(&older.wording),
            is_same: text.about.is_some() && text.about == older.about,
            is_hard: matches!((text.about, older.about), (Some((a, s)), Some((b, t))) if a != b && s == t),
            is_cross: text.is_spanish != older.is_spanish,
            is_unknown: text.about.is_none() && older.about.is_none(),
        }));
    }
    pairs
}

fn values(pair: &Pair, threshold: f32) -> [f32; VALUES] {
    let mut values = [0.0; VALUES];
    values[0] = distance(pair.cosine, threshold);
    values[1] = pair.crowd;
    values[2..].copy_from_slice(&pair.likeness.values());
    values
}

/// A logistic regression, drawn towards `prior`.
fn fit(pairs: &[Pair], prior: &[f32; VALUES], values: impl Fn(&Pair) -> [f32; VALUES]) -> ([f32; VALUES], f32) {
    let examples: Vec<_> = pairs
        .iter()
        .filter(|pair| !pair.is_unknown)
        .map(|pair| (values(pair), pair.is_same))
        .collect();
    let (mut weights, mut offset) = (*prior, 0.0_f32);
    let (mut speed, mut offset_speed) = ([0.0_f32; VALUES], 0.0_f32);
    let strength = PRIOR_STRENGTH / examples.len() as f32;
    for _ in 0..6_000 {
        let mut slope = [0.0_f32; VALUES];
        let mut offset_slope = 0.0;
        for (values, is_same) in &examples {
            let log_odds: f32 = values.iter().zip(&weights).map(|(value, weight)| value * weight).sum();
            let wrong = 1.0 / (1.0 + (-(log_odds + offset)).exp()) - if *is_same { 1.0 } else { 0.0 };
            slope
                .iter_mut()
                .zip(values)
                .for_each(|(slope, value)| *slope += wrong * value);
            offset_slope += wrong;
        }
        let each = 1.0 / examples.len() as f32;
        for at in 0..VALUES {
            if KEPT.contains(&at) {
                continue;
            }
            let pull = if prior[at] == 0.0 {
                0.0
            } else {
                strength * (weights[at] - prior[at])
            };
            speed[at] = 0.95_f32.mul_add(speed[at], -(slope[at] * each + pull));
            weights[at] += 2.0 * speed[at];
        }
        offset_speed = 0.95_f32.mul_add(offset_speed, -offset_slope * each);
        offset += 2.0 * offset_speed;
    }
    (weights, offset)
}

fn measure(name: &str, texts: &[Text], pairs: &[Pair], score: &dyn Fn(&Pair) -> f32) {
    let mut scored: Vec<(f32, &Pair)> = pairs.iter().map(|pair| (score(pair), pair)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let all_same = |is_cross: bool| {
        let pair = |(at, text): (usize, &Text)| {
            let older = texts[..at]
                .iter()
                .filter(|older| older.about.is_some() && older.about == text.about);
            older
                .filter(|older| (older.is_spanish != text.is_spanish) == is_cross)
                .count()
        };
        texts.iter().enumerate().map(pair).sum::<usize>() as f32
    };
    let (same, cross) = (all_same(false), all_same(true));
    let mut found = [0.0_f32; 2];
    let mut seen = vec![0_usize; texts.len()];
    let (mut hits, mut precision_sum) = (0.0_f32, 0.0_f32);
    let (mut known, mut known_precision_sum) = (0.0_f32, 0.0_f32);
    for (rank, (_, pair)) in scored.iter().enumerate() {
        seen[pair.query] += 1;
        known += if pair.is_unknown { 0.0 } else { 1.0 };
        if pair.is_same {
            hits += 1.0;
            precision_sum += hits / (rank + 1) as f32;
            known_precision_sum += hits / known;
            if seen[pair.query] <= 5 {
                found[usize::from(pair.is_cross)] += 1.0;
            }
        }
    }
    let hard_pairs = texts
        .iter()
        .enumerate()
        .filter_map(|(at, text)| text.about.map(|(about, subject)| (at, about, subject)))
        .map(|(at, about, subject)| {
            let same_subject = |older: &&Text| matches!(older.about, Some((a, s)) if a != about && s == subject);
            texts[..at].iter().filter(same_subject).count()
        })
        .sum::<usize>() as f32;
    for from in [0.1, 0.2, 0.3, 0.4] {
        let above = || scored.iter().filter(|(score, _)| *score >= from);
        let (right, hard) = (
            above().filter(|(_, pair)| pair.is_same).count(),
            above().filter(|(_, pair)| pair.is_hard).count(),
        );
        println!(
            "  at {from}: precision {:.3} recall {:.3} hard negatives {:.4}",
            right as f32 / (above().count() as f32).max(1.0),
            right as f32 / (same + cross),
            hard as f32 / hard_pairs.max(1.0)
        );
    }
    let above = || scored.iter().filter(|(score, _)| *score >= SUGGEST_FROM);
    let (right, hard) = (
        above().filter(|(_, pair)| pair.is_same).count(),
        above().filter(|(_, pair)| pair.is_hard).count(),
    );
    println!(
        "{name}: {} texts, {} pairs  recall@5 same {:.3} cross {:.3}  average precision {:.3} ({:.3} without pairs of noise)  at {SUGGEST_FROM}: precision {:.3} recall {:.3} hard negatives {:.4} of {hard_pairs}",
        texts.len(),
        same + cross,
        found[0] / same,
        found[1] / cross,
        precision_sum / (same + cross),
        known_precision_sum / (same + cross),
        right as f32 / (above().count() as f32).max(1.0),
        right as f32 / (same + cross),
        hard as f32 / hard_pairs.max(1.0),
    );
}
