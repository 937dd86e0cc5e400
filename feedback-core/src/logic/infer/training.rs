//! Makes the model from labelled messages. The same messages in the same order give the same bytes on every machine: one
//! thread, a fixed seed, and no function of the platform's mathematics library.

use super::{
    Reading,
    decide::decide,
    features::{Features, HASHED_ROWS, SHAPE_ROWS, Weights},
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
    /// Its priority.
    pub priority: Priority,
}

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
    /// The file that the build includes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// Type and priority as [`infer`](super::infer) reads them with this model.
    pub fn classify(&self, text: &str) -> (TicketType, Priority) {
        let reading = Reading::of(text);
        let decision = decide(&reading, Some(&self.0));
        (decision.ticket_type, decision.priority)
    }
}

struct Sample {
    features: Features,
    weights: Weights,
    ticket_type: usize,
    /// `None` where a stated level sets the priority: the words around it say little then.
    priority: Option<usize>,
}

/// Trains on labelled messages.
pub fn train(messages: &[LabelledMessage]) -> TrainedModel {
    let samples: Vec<Sample> = messages.iter().map(Sample::of).collect();
    let mut descent = Descent::new(type_weights(&samples));
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
    TrainedModel(Model::quantize(bias, &weights))
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
    fn of(message: &LabelledMessage) -> Self {
        let reading = Reading::of(&message.text);
        let features = Features::of(&reading.folded, &reading.hits);
        let is_stated = stated_level::stated(&reading.levels).is_some();
        Self {
            weights: features.weights(),
            features,
            ticket_type: TicketType::ALL
                .iter()
                .position(|kind| *kind == message.ticket_type)
                .unwrap_or_default(),
            priority: (!is_stated).then_some(message.priority as usize),
        }
    }

    /// Rows of the whole table with what each counts for.
    fn rows(&self) -> impl Iterator<Item = (usize, f32)> + '_ {
        let of = |rows: &'_ [u16], base: usize, weight: f32| {
            rows.iter()
                .map(move |&row| (base + usize::from(row), weight))
                .collect::<Vec<_>>()
        };
        [
            of(&self.features.shape, 0, self.weights.shape),
            of(&self.features.words, SHAPE_ROWS, self.weights.words),
            of(&self.features.pieces, SHAPE_ROWS, self.weights.pieces),
        ]
        .into_iter()
        .flatten()
    }
}

/// Gradient descent whose steps shrink where they have been large (AdaGrad), with the mean of the later weights.
struct Descent {
    type_weights: [f32; TYPES],
    bias: [f32; OUTPUTS],
    weights: Vec<[f32; OUTPUTS]>,
    squares: Vec<[f32; OUTPUTS]>,
    bias_squares: [f32; OUTPUTS],
    sum: Vec<[f32; OUTPUTS]>,
    bias_sum: [f32; OUTPUTS],
    remembered: f32,
}

impl Descent {
    fn new(type_weights: [f32; TYPES]) -> Self {
        let zeros = || vec![[0_f32; OUTPUTS]; SHAPE_ROWS + HASHED_ROWS];
        Self {
            type_weights,
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
            .rows()
            .map(|(row, value)| {
                let is_hidden = random.below(100) < HIDDEN_PERCENT;
                let shown = value * 100.0 / (100 - HIDDEN_PERCENT) as f32;
                (row, [if is_hidden { 0.0 } else { shown }, value])
            })
            .collect();
        let mut raw = self.bias;
        for (row, values) in &rows {
            for (output, (raw, weight)) in raw.iter_mut().zip(&self.weights[*row]).enumerate() {
                *raw += weight * values[usize::from(output >= TYPES)];
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
            let (weights, squares) = (&mut self.weights[*row], &mut self.squares[*row]);
            for output in 0..OUTPUTS {
                let gradient = error[output] * values[usize::from(output >= TYPES)] + DECAY * weights[output];
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
        (
            self.bias_sum.map(|sum| sum / count),
            self.sum.into_iter().map(|row| row.map(|sum| sum / count)).collect(),
        )
    }
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
    if let Some(priority) = sample.priority {
        for cut in 0..OUTPUTS - TYPES {
            error[TYPES + cut] = 1.0 / (1.0 + exp(-raw[TYPES + cut])) - f32::from(priority <= cut);
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
                    priority,
                },
            )
            .collect()
    }

    #[test]
    fn training_gives_the_committed_model_byte_for_byte() {
        let messages = committed_messages();
        assert!(messages.len() >= 3_000);
        assert!(
            train(&messages).to_bytes() == include_bytes!("model.bin"),
            "run the example train_classifier, and commit the model that it writes"
        );
    }
}
