//! Makes the model that gives a second opinion on names, from marked messages. The same messages in the same order give
//! the same bytes on every machine: one thread, no fractions, no function of the platform.

use serde::Deserialize;

use super::{
    Found, KnownPeople, Label, Scrubber,
    name::{
        Finder, Rules,
        tagger::{ROWS, features},
    },
    view::View,
    words::Words,
};

/// A message and where the names in it lie, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedMessage {
    /// What somebody wrote.
    pub text: String,
    /// Start, end and kind of what a scrubber should hide, in order.
    pub spans: Vec<(usize, usize, Label)>,
    /// What may be hidden or not, in order: the rest of a link, a city behind a street.
    pub neutral: Vec<(usize, usize)>,
    /// `es`, `en`, `mix`; nothing where it is not said.
    pub language: String,
    /// Not everything is marked: words that the rules take for names teach nothing.
    pub is_partly_marked: bool,
}

/// The files of `training/scrub` that the committed model is trained on, in this order.
pub const FILES: [&str; 4] = ["more.jsonl", "tune.jsonl", "second_tune.jsonl", "plain.jsonl"];

const EPOCHS: usize = 10;
/// How surely a word has to be on the right side before it teaches nothing any more.
const MARGIN: i64 = 600;
/// A name missed counts for more than a word lost.
const MISSED: i64 = 2;

/// Reads a line of the marked messages: `{"text", "spans": [{"start", "end", "label"}]}`, offsets in code points. A line
/// without spans is only partly marked.
///
/// # Errors
/// The line is not such an object.
pub fn parse(line: &str) -> Result<MarkedMessage, serde_json::Error> {
    #[derive(Deserialize)]
    struct Line {
        text: String,
        spans: Option<Vec<Place>>,
        #[serde(default)]
        neutral: Vec<Part>,
        #[serde(default)]
        lang: String,
    }
    #[derive(Deserialize)]
    struct Part {
        start: usize,
        end: usize,
    }
    #[derive(Deserialize)]
    struct Place {
        start: usize,
        end: usize,
        label: Label,
    }
    let line: Line = serde_json::from_str(line)?;
    let bytes: Vec<usize> = line.text.char_indices().map(|(at, _)| at).collect();
    let byte = |index: usize| bytes.get(index).copied().unwrap_or(line.text.len());
    Ok(MarkedMessage {
        is_partly_marked: line.spans.is_none(),
        spans: line
            .spans
            .into_iter()
            .flatten()
            .map(|place| (byte(place.start), byte(place.end), place.label))
            .collect(),
        neutral: line
            .neutral
            .into_iter()
            .map(|part| (byte(part.start), byte(part.end)))
            .collect(),
        language: line.lang,
        text: line.text,
    })
}

/// One word with its features.
struct Sample {
    rows: Vec<u32>,
    is_name: bool,
}

/// Trains on marked messages: an averaged perceptron with a margin, its weights scaled to bytes.
pub fn train(messages: &[MarkedMessage]) -> Vec<u8> {
    let scrubber = Scrubber::new();
    let mut samples = Vec::new();
    for message in messages {
        read(&scrubber, message, &mut samples);
    }
    let (mut weights, mut sums) = (vec![0_i64; ROWS], vec![0_i64; ROWS]);
    let mut step = 0_i64;
    for epoch in 0..EPOCHS {
        for turn in 0..samples.len() {
            // A stride that shares no factor with most lengths: another order in each epoch, without chance.
            let sample = &samples[(turn * 7919 + epoch * 104_729) % samples.len()];
            step += 1;
            let score: i64 = sample.rows.iter().map(|&row| weights[row as usize]).sum();
            let change = match sample.is_name {
                true if score < MARGIN => 10 * MISSED,
                false if score > -MARGIN => -10,
                _ => continue,
            };
            for &row in &sample.rows {
                weights[row as usize] += change;
                sums[row as usize] += change * step;
            }
        }
    }
    // The average over all steps is `weight - sum / step`; the largest weight becomes 127, rare ones are cut off.
    let averages: Vec<i64> = weights
        .iter()
        .zip(&sums)
        .map(|(weight, sum)| weight * 16 - sum * 16 / step.max(1))
        .collect();
    let mut sizes: Vec<i64> = averages
        .iter()
        .map(|average| average.abs())
        .filter(|&size| size > 0)
        .collect();
    sizes.sort_unstable();
    let largest = sizes.get(sizes.len() * 999 / 1000).copied().unwrap_or(1).max(1);
    averages
        .iter()
        .map(|average| ((average * 127 / largest).clamp(-127, 127) as i8).cast_unsigned())
        .collect()
}

/// The words of a message that may be names, once as it stands and once as it is read when the rest is hidden.
fn read(scrubber: &Scrubber, message: &MarkedMessage, samples: &mut Vec<Sample>) {
    let hidden = |keep: &dyn Fn(usize) -> bool| -> Vec<Found> {
        message
            .spans
            .iter()
            .enumerate()
            .filter(|(at, _)| !keep(*at))
            .map(|(_, &(start, end, label))| Found { start, end, label })
            .collect()
    };
    read_one(scrubber, message, &[], samples);
    if !message.spans.is_empty() {
        read_one(scrubber, message, &hidden(&|_| false), samples);
    }
    if message.spans.len() > 1 {
        read_one(scrubber, message, &hidden(&|at| at % 2 == 0), samples);
    }
}

fn read_one(scrubber: &Scrubber, message: &MarkedMessage, found: &[Found], samples: &mut Vec<Sample>) {
    let view = View::new(&message.text, found);
    let words = Words::new(&view);
    let reading = scrubber.reading(&view, &words);
    let claims = scrubber.all_but_names(&reading, &KnownPeople::new());
    let finder = Finder::new(&reading, &claims);
    let rules = Rules::read(&finder);
    let _ = finder.decide(&rules, |opinion, index, after_name| {
        let word = finder.traits[index].word;
        let (start, end) = view.original(word.start, word.end);
        let is_name = message
            .spans
            .iter()
            .any(|&(from, to, label)| label == Label::Name && from < end && start < to);
        if message.is_partly_marked && opinion.hidden[index] {
            return false;
        }
        let mut rows = Vec::with_capacity(40);
        features(&finder, opinion, index, after_name, |row| rows.push(row as u32));
        samples.push(Sample { rows, is_name });
        is_name
    });
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn training_gives_the_committed_model_byte_for_byte() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("training/scrub");
        let messages: Vec<MarkedMessage> = FILES
            .iter()
            .flat_map(|file| {
                let text = fs::read_to_string(folder.join(file)).unwrap();
                text.lines().map(|line| parse(line).unwrap()).collect::<Vec<_>>()
            })
            .collect();
        assert!(messages.len() > 5_000);
        assert!(
            train(&messages) == include_bytes!("name/model.bin"),
            "run the example train_names, and commit the model that it writes"
        );
    }
}
