//! Makes the model that reads type and priority, from the labelled messages in `feedback-core/training`.
//!
//! - `cargo run --release -p feedback-core --example train_classifier` writes `src/logic/infer/model.bin`;
//! - with `--check` it writes nothing and fails unless training gives the bytes that are committed;
//! - with `--measure` it trains on parts of the messages and measures on the rest, which shares no subject with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use feedback_core::{
    domain::{Language, Priority, TicketType},
    logic::{
        infer::training::{LabelledMessage, train},
        language,
    },
};
use serde::Deserialize;

/// A line of the training files.
#[derive(Deserialize)]
struct Line {
    /// What the message is about; whole subjects are held out to measure.
    subject: String,
    /// The manner it is written in.
    style: String,
    #[serde(rename = "type")]
    ticket_type: TicketType,
    priority: Priority,
    text: String,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lines = read_lines(&root.join("training"))?;
    let model = root.join("src/logic/infer/model.bin");
    match std::env::args().nth(1).as_deref() {
        Some("--measure") => measure(&lines),
        Some("--check") => {
            if train(&messages(&lines)).to_bytes() != fs::read(&model)? {
                eprintln!("training does not give the committed model: run this example without --check, and commit");
                return Ok(ExitCode::FAILURE);
            }
            println!("training {} messages gives the committed model", lines.len());
        }
        Some(other) => {
            eprintln!("unknown argument {other}: --measure, --check, or none");
            return Ok(ExitCode::FAILURE);
        }
        None => {
            fs::write(&model, train(&messages(&lines)).to_bytes())?;
            println!("trained on {} messages", lines.len());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// All lines, in the order of file names.
fn read_lines(folder: &Path) -> Result<Vec<Line>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        for line in fs::read_to_string(file)?.lines() {
            lines.push(serde_json::from_str(line)?);
        }
    }
    Ok(lines)
}

fn messages<'l>(lines: impl IntoIterator<Item = &'l Line>) -> Vec<LabelledMessage> {
    lines
        .into_iter()
        .map(|line| LabelledMessage {
            text: line.text.clone(),
            ticket_type: line.ticket_type,
            priority: line.priority,
        })
        .collect()
}

/// One message with what it is and what was read.
struct Outcome<'l> {
    line: &'l Line,
    ticket_type: TicketType,
    priority: Priority,
}

/// Five rounds; each holds out a fifth of the subjects.
fn measure(lines: &[Line]) {
    let subjects: Vec<&str> = lines
        .iter()
        .map(|line| line.subject.as_str())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let round_of: BTreeMap<&str, usize> = subjects
        .iter()
        .enumerate()
        .map(|(at, subject)| (*subject, at % 5))
        .collect();
    let mut outcomes = Vec::new();
    for round in 0..5 {
        let (held_out, kept): (Vec<&Line>, Vec<&Line>) =
            lines.iter().partition(|line| round_of[line.subject.as_str()] == round);
        let model = train(&messages(kept));
        outcomes.extend(held_out.into_iter().map(|line| {
            let (ticket_type, priority) = model.classify(&line.text);
            Outcome {
                line,
                ticket_type,
                priority,
            }
        }));
    }
    report("all", outcomes.iter());
    for code in [Language::English, Language::Spanish] {
        report(
            code.code(),
            outcomes
                .iter()
                .filter(|outcome| language::detect(&outcome.line.text) == Some(code)),
        );
    }
    let styles: BTreeSet<&str> = lines.iter().map(|line| line.style.as_str()).collect();
    for style in styles {
        report(style, outcomes.iter().filter(|outcome| outcome.line.style == style));
    }
    if std::env::args().nth(2).as_deref() == Some("--errors") {
        for outcome in outcomes.iter().filter(|outcome| outcome.is_far_off()) {
            let line = outcome.line;
            println!(
                "{} {} read as {} {}: {}",
                line.ticket_type, line.priority, outcome.ticket_type, outcome.priority, line.text
            );
        }
    }
}

impl Outcome<'_> {
    fn is_far_off(&self) -> bool {
        self.ticket_type != self.line.ticket_type || self.distance() > 1
    }

    fn distance(&self) -> usize {
        (self.priority as usize).abs_diff(self.line.priority as usize)
    }
}

fn report<'o>(name: &str, outcomes: impl Iterator<Item = &'o Outcome<'o>>) {
    let outcomes: Vec<&Outcome<'_>> = outcomes.collect();
    let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
    let count = |test: &dyn Fn(&Outcome<'_>) -> bool| outcomes.iter().filter(|outcome| test(outcome)).count();
    let f1 = TicketType::ALL.map(|kind| {
        let right = count(&|outcome| outcome.ticket_type == kind && outcome.line.ticket_type == kind);
        let named = count(&|outcome| outcome.ticket_type == kind);
        let real = count(&|outcome| outcome.line.ticket_type == kind);
        share(2 * right, named + real)
    });
    let urgent = count(&|outcome| outcome.line.priority.is_urgent());
    let calm = count(&|outcome| outcome.line.priority >= Priority::P3);
    println!(
        "{name:10} n {:4}  type macro-F1 {:.3} ({})  kappa {:.3}  within one {:.3}  urgent recall {:.3}  false alarms {:.3}",
        outcomes.len(),
        f1.iter().sum::<f64>() / 4.0,
        TicketType::ALL
            .iter()
            .zip(f1)
            .map(|(kind, f1)| format!("{kind} {f1:.2}"))
            .collect::<Vec<_>>()
            .join(", "),
        weighted_kappa(&outcomes),
        share(count(&|outcome| outcome.distance() <= 1), outcomes.len()),
        share(
            count(&|outcome| outcome.line.priority.is_urgent() && outcome.priority.is_urgent()),
            urgent
        ),
        share(
            count(&|outcome| outcome.line.priority >= Priority::P3 && outcome.priority.is_urgent()),
            calm
        ),
    );
}

/// Cohen's kappa with quadratic weights.
fn weighted_kappa(outcomes: &[&Outcome<'_>]) -> f64 {
    let square = |a: Priority, b: Priority| (a as usize).abs_diff(b as usize).pow(2) as f64;
    let observed: f64 = outcomes
        .iter()
        .map(|outcome| square(outcome.line.priority, outcome.priority))
        .sum();
    let tally = |level: &dyn Fn(&Outcome<'_>) -> Priority| {
        Priority::ALL.map(|priority| outcomes.iter().filter(|outcome| level(outcome) == priority).count() as f64)
    };
    let (real, named) = (
        tally(&|outcome| outcome.line.priority),
        tally(&|outcome| outcome.priority),
    );
    let mut expected = 0.0;
    for (a, &left) in Priority::ALL.iter().zip(&real) {
        for (b, &right) in Priority::ALL.iter().zip(&named) {
            expected += left * right * square(*a, *b);
        }
    }
    1.0 - observed * outcomes.len() as f64 / expected.max(f64::MIN_POSITIVE)
}
