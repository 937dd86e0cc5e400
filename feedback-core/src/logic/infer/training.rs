//! Makes the model from labelled messages. The same messages in the same order give the same bytes on every machine: one
//! thread, a fixed seed, and no function of the platform's mathematics library.

use super::{
    Reading,
    decide::decide,
    features::{Features, SHAPE_ROWS, Weights},
    model::{Model, OUTPUTS, TYPES},
    stated_level,
};
use crate::domain::{Priority, TicketType};

/// A message and how the rubric labels it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledMessage {
    /// What the reporter wrote.
    pub text: String,
    /// Its type.
    pub ticket_type: TicketType,
    /// Its priority; `None` where nobody labelled it.
    pub priority: Option<Priority>,
}

/// Rows for words in the model of this build, as a power of two: half a megabyte.
pub const SHIPPED_BITS: u32 = 16;
/// Rows for words in a model that lies in a file of its own, where two or three megabytes do not matter.
pub const FILE_BITS: u32 = 18;

const EPOCHS: usize = 12;
const RATE: f32 = 0.35;
const DECAY: f32 = 2e-5;
/// How much of each message the types do not see at each step, so that no single word decides alone. The cuts see all:
/// hiding made them timid, and no better on unseen subjects.
const HIDDEN_PERCENT: usize = 50;
const SEED: u64 = 0x5eed_0f1e_edba_c4b0;

/// A trained model, to measure or to write to a file.
#[derive(Debug, Clone)]
pub struct TrainedModel(Model);

impl TrainedModel {
    /// The model that the build includes.
    pub fn shipped() -> Option<Self> {
        super::model::trained().cloned().map(Self)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` where it is of another version, cut or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Model::parse(bytes).map(Self)
    }

    /// The file: weights and a checksum.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Type and priority as [`infer`](super::infer) reads them, with this model instead of the build's own.
    pub fn classify(&self, text: &str) -> (TicketType, Priority) {
        let reading = Reading::of(text);
        let decision = decide(&reading, Some(&self.0));
        (decision.ticket_type, decision.priority)
    }
}

struct Sample {
    /// Rows of the whole table with what each counts for.
    rows: Vec<(usize, f32)>,
    ticket_type: usize,
    /// `None` where a stated level sets the priority: the words around it say little then.
    priority: Option<usize>,
}

/// Trains on labelled messages, with `2^bits` rows (10 to 22) for words: [`SHIPPED_BITS`] or [`FILE_BITS`].
pub fn train(messages: &[LabelledMessage], bits: u32) -> TrainedModel {
    let hashed_rows = 1 << bits.clamp(10, 22);
    let samples: Vec<Sample> = messages
        .iter()
        .map(|message| Sample::of(message, hashed_rows))
        .collect();
    let mut descent = Descent::new(&samples, SHAPE_ROWS + hashed_rows);
    let mut order: Vec<usize> = (0..samples.len()).collect();
    let mut random = Random(SEED);
    for epoch in 0..EPOCHS {
        for at in (1..order.len()).rev() {
            order.swap(at, random.below(at + 1));
        }
        for &at in &order {
            descent.step(&samples[at], &mut random);
        }
        if epoch >= EPOCHS / 2 {
            descent.remember();
        }
    }
    let (bias, weights) = descent.average();
    let knows_priorities = samples.iter().any(|sample| sample.priority.is_some());
    TrainedModel(Model::quantize(knows_priorities, bias, &weights))
}

/// Rarer types count for more, by the square root: half of what would make them all equally likely.
fn type_weights(samples: &[Sample]) -> [f32; TYPES] {
    let mut counts = [0_f32; TYPES];
    for sample in samples {
        counts[sample.ticket_type] += 1.0;
    }
    counts.map(|count| (samples.len() as f32 / (TYPES as f32 * count.max(1.0))).sqrt())
}

impl Sample {
    fn of(message: &LabelledMessage, hashed_rows: usize) -> Self {
        let reading = Reading::of(&message.text);
        let features = Features::of(&reading.folded, &reading.hits);
        let Weights {
            shape,
            words,
            pieces,
            classes,
        } = features.weights();
        let is_stated = stated_level::stated(&reading.levels).is_some();
        let of_hashes = |hashes: &[u32], weight: f32| {
            hashes
                .iter()
                .map(|&hash| (SHAPE_ROWS + (hash as usize & (hashed_rows - 1)), weight))
                .collect::<Vec<_>>()
        };
        let mut rows: Vec<(usize, f32)> = features.shape.iter().map(|&row| (usize::from(row), shape)).collect();
        rows.extend(of_hashes(&features.words, words));
        rows.extend(of_hashes(&features.pieces, pieces));
        rows.extend(of_hashes(&features.classes, classes));
        Self {
            rows,
            ticket_type: TicketType::ALL
                .iter()
                .position(|kind| *kind == message.ticket_type)
                .unwrap_or_default(),
            priority: message
                .priority
                .filter(|_| !is_stated)
                .map(|priority| priority as usize),
        }
    }

    /// What each output should say; `None` where this message teaches it nothing.
    fn wanted(&self, output: usize) -> Option<bool> {
        if output < TYPES {
            Some(self.ticket_type == output)
        } else {
            self.priority.map(|priority| priority <= output - TYPES)
        }
    }
}

/// How much more often each row occurs in messages of a type than in others, as a logarithm. What a row counts for is
/// multiplied by it, so that words which say nothing start out small ("naive Bayes features", Wang and Manning, 2012).
/// On 1,500 technical reports it is worth three points of F1. The cuts are left alone: levels lean too little.
fn leanings(samples: &[Sample], rows: usize) -> Vec<[f32; TYPES]> {
    let mut counts = vec![[0_f32; TYPES]; rows];
    let mut whole = [0_f32; TYPES];
    for sample in samples {
        let mut present: Vec<usize> = sample.rows.iter().map(|&(row, _)| row).collect();
        present.sort_unstable();
        present.dedup();
        for &row in &present {
            counts[row][sample.ticket_type] += 1.0;
        }
        whole[sample.ticket_type] += present.len() as f32;
    }
    let leaning = |within: [f32; 2], whole: [f32; 2]| {
        ln((within[0] + 1.0) / (within[1] + 1.0)) - ln((whole[0] + 1.0) / (whole[1] + 1.0))
    };
    let total: f32 = whole.iter().sum();
    let of_row = |row: &[f32; TYPES]| {
        let all: f32 = row.iter().sum();
        std::array::from_fn(|kind| {
            if all < 2.0 {
                // Seen in one message alone, it would only learn that message by heart.
                return 0.0;
            }
            leaning([row[kind], all - row[kind]], [whole[kind], total - whole[kind]])
        })
    };
    counts.iter().map(of_row).collect()
}

/// Gradient descent whose steps shrink where they have been large (AdaGrad), with the mean of the later weights.
struct Descent {
    type_weights: [f32; TYPES],
    leanings: Vec<[f32; TYPES]>,
    bias: [f32; OUTPUTS],
    weights: Vec<[f32; OUTPUTS]>,
    squares: Vec<[f32; OUTPUTS]>,
    bias_squares: [f32; OUTPUTS],
    sum: Vec<[f32; OUTPUTS]>,
    bias_sum: [f32; OUTPUTS],
    remembered: f32,
}

impl Descent {
    fn new(samples: &[Sample], rows: usize) -> Self {
        let zeros = || vec![[0_f32; OUTPUTS]; rows];
        Self {
            type_weights: type_weights(samples),
            leanings: leanings(samples, rows),
            bias: [0.0; OUTPUTS],
            weights: zeros(),
            squares: zeros(),
            bias_squares: [0.0; OUTPUTS],
            sum: zeros(),
            bias_sum: [0.0; OUTPUTS],
            remembered: 0.0,
        }
    }

    fn step(&mut self, sample: &Sample, random: &mut Random) {
        // What a row counts for in the types (nothing, where it is hidden) and in the cuts.
        let rows: Vec<(usize, [f32; 2])> = sample
            .rows
            .iter()
            .map(|&(row, value)| {
                let is_hidden = random.below(100) < HIDDEN_PERCENT;
                let shown = value * 100.0 / (100 - HIDDEN_PERCENT) as f32;
                (row, [if is_hidden { 0.0 } else { shown }, value])
            })
            .collect();
        let mut raw = self.bias;
        for (row, values) in &rows {
            let (weights, leanings) = (&self.weights[*row], &self.leanings[*row]);
            for output in 0..OUTPUTS {
                raw[output] += weights[output] * value(output, values, leanings);
            }
        }
        let mut error = errors(&raw, sample);
        error[..TYPES]
            .iter_mut()
            .for_each(|error| *error *= self.type_weights[sample.ticket_type]);
        for ((bias, squares), error) in self.bias.iter_mut().zip(&mut self.bias_squares).zip(&error) {
            *squares += error * error;
            *bias -= 0.1 * error / (*squares + 1.0).sqrt();
        }
        for (row, values) in &rows {
            let (weights, squares, leanings) = (&mut self.weights[*row], &mut self.squares[*row], &self.leanings[*row]);
            for output in 0..OUTPUTS {
                let gradient = error[output] * value(output, values, leanings) + DECAY * weights[output];
                squares[output] += gradient * gradient;
                weights[output] -= RATE * gradient / (squares[output] + 0.05).sqrt();
            }
        }
    }

    fn remember(&mut self) {
        self.remembered += 1.0;
        for (sum, weights) in self.sum.iter_mut().zip(&self.weights) {
            add(sum, weights);
        }
        add(&mut self.bias_sum, &self.bias);
    }

    fn average(self) -> ([f32; OUTPUTS], Vec<[f32; OUTPUTS]>) {
        let count = self.remembered.max(1.0);
        let weights = self
            .sum
            .iter()
            .zip(&self.leanings)
            .map(|(sum, leanings)| {
                std::array::from_fn(|output| sum[output] / count * value(output, &[1.0, 1.0], leanings))
            })
            .collect();
        (self.bias_sum.map(|sum| sum / count), weights)
    }
}

/// What a row counts for in an output, of what it counts for in types and in cuts.
fn value(output: usize, values: &[f32; 2], leanings: &[f32; TYPES]) -> f32 {
    leanings.get(output).map_or(values[1], |leaning| leaning * values[0])
}

fn add(sum: &mut [f32; OUTPUTS], more: &[f32; OUTPUTS]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// How far each output is from what it should say.
fn errors(raw: &[f32; OUTPUTS], sample: &Sample) -> [f32; OUTPUTS] {
    let mut error = [0_f32; OUTPUTS];
    let largest = raw[..TYPES].iter().copied().fold(f32::MIN, f32::max);
    let shares: [f32; TYPES] = std::array::from_fn(|at| exp(raw[at] - largest));
    let whole: f32 = shares.iter().sum();
    for at in 0..TYPES {
        error[at] = shares[at] / whole - f32::from(at == sample.ticket_type);
    }
    for output in TYPES..OUTPUTS {
        if let Some(wanted) = sample.wanted(output) {
            error[output] = 1.0 / (1.0 + exp(-raw[output])) - f32::from(wanted);
        }
    }
    error
}

/// e^x by squaring a short series: additions and products alone, so the bits are the same everywhere.
fn exp(x: f32) -> f32 {
    let x = f64::from(x.clamp(-30.0, 30.0)) / 1024.0;
    let mut power = 1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x / 24.0)));
    for _ in 0..10 {
        power *= power;
    }
    power as f32
}

/// The logarithm of a positive number: halved into a range near one, then a short series, for the same reason.
fn ln(x: f32) -> f32 {
    let (mut x, mut halvings) = (f64::from(x), 0.0);
    while x > 1.5 {
        x /= 2.0;
        halvings += 1.0;
    }
    while x < 0.75 {
        x *= 2.0;
        halvings -= 1.0;
    }
    let part = (x - 1.0) / (x + 1.0);
    let square = part * part;
    let series = 2.0 * part * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square / 9.0))));
    (series + halvings * std::f64::consts::LN_2) as f32
}

/// Xorshift: an order of the messages that is mixed, and always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_is_close_to_the_exponential() {
        for x in [-20.0_f32, -3.5, -0.1, 0.0, 0.7, 4.0, 12.0] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-4, "{x}");
        }
    }

    #[test]
    fn the_series_is_close_to_the_logarithm() {
        for x in [1e-6_f32, 0.02, 0.75, 1.0, 1.5, 2.0, 37.0, 1e6] {
            assert!((ln(x) - x.ln()).abs() < 1e-4, "{x}");
        }
    }

    fn committed_messages() -> Vec<LabelledMessage> {
        #[derive(serde::Deserialize)]
        struct Line {
            text: String,
            #[serde(rename = "type")]
            ticket_type: TicketType,
            priority: Priority,
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("training");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        files.sort();
        files
            .iter()
            .flat_map(|file| {
                std::fs::read_to_string(file)
                    .unwrap()
                    .lines()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .map(|line| serde_json::from_str(&line).unwrap())
            .map(
                |Line {
                     text,
                     ticket_type,
                     priority,
                 }| LabelledMessage {
                    text,
                    ticket_type,
                    priority: Some(priority),
                },
            )
            .collect()
    }

    #[test]
    fn training_gives_the_committed_model_byte_for_byte() {
        let messages = committed_messages();
        assert!(messages.len() >= 3_000);
        assert!(
            train(&messages, SHIPPED_BITS).to_bytes() == include_bytes!("model.bin"),
            "run the example train_classifier, and commit the model that it writes"
        );
    }
}
