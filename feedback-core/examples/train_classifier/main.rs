//! Makes the model that reads type and priority, from labelled messages, and measures it.
//!
//! The model of the build, from `feedback-core/training`:
//! - without arguments it writes `src/logic/infer/model.bin`;
//! - `--check` writes nothing and fails unless training gives the bytes that are committed;
//! - `--measure` trains on parts of the messages and measures on the rest, which shares no subject with them;
//! - `--held-out` measures the build's model on each file of `training/held-out`, which is no training text. Both take `--errors`.
//!
//! A model of your own, from JSON lines with `text`, `type` and, where there are any, `priority`:
//! - `--train FILE --out MODEL` writes a model for `classify --model MODEL`;
//! - `--train FILE --folds 5` measures what such a model would be worth: each fifth is read by a model of the others.
//!
//! `cargo run --release -p feedback-core --example train_classifier -- --train issues.jsonl --out issues.model`

mod report;

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
        infer::training::{FILE_BITS, LabelledMessage, SHIPPED_BITS, TrainedModel, train},
        language,
    },
};
use report::{Outcome, report};
use serde::Deserialize;

/// A labelled message. Other fields are allowed, and ignored.
#[derive(Deserialize)]
struct Line {
    /// What the message is about; whole subjects are held out to measure.
    #[serde(default)]
    subject: String,
    /// The manner it is written in.
    #[serde(default)]
    style: String,
    /// Its language, in the held-out sets: `en`, `es`, or `mix`.
    lang: Option<String>,
    /// Manners, in the held-out sets.
    #[serde(default)]
    tags: Vec<String>,
    #[serde(rename = "type")]
    ticket_type: TicketType,
    priority: Option<Priority>,
    text: String,
}

const USAGE: &str =
    "arguments: none, --check, --measure [--errors], --held-out [--errors], --train FILE (--out MODEL | --folds N)";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = root.join("src/logic/infer/model.bin");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => {
            let lines = read_folder(&root.join("training"))?;
            fs::write(&model, train(&messages(&lines), SHIPPED_BITS).to_bytes())?;
            println!("trained on {} messages", lines.len());
        }
        ["--check"] => {
            let lines = read_folder(&root.join("training"))?;
            if train(&messages(&lines), SHIPPED_BITS).to_bytes() != fs::read(&model)? {
                eprintln!("training does not give the committed model: run this example without --check, and commit");
                return Ok(ExitCode::FAILURE);
            }
            println!("training {} messages gives the committed model", lines.len());
        }
        ["--measure", rest @ ..] => measure(&read_folder(&root.join("training"))?, rest == ["--errors"]),
        ["--held-out", rest @ ..] => {
            let trained =
                TrainedModel::from_bytes(&fs::read(&model)?).ok_or("model.bin is not a model of this version")?;
            for file in files(&root.join("training/held-out"))? {
                println!("{}", file.file_stem().unwrap_or_default().to_string_lossy());
                held_out(&read_file(&file)?, &trained, rest == ["--errors"]);
            }
        }
        ["--train", file, "--out", out] => {
            let lines = read_file(Path::new(file))?;
            fs::write(out, train(&messages(&lines), FILE_BITS).to_bytes())?;
            println!("trained on {} messages", lines.len());
        }
        ["--train", file, "--folds", folds] => cross_validate(&read_file(Path::new(file))?, folds.parse()?),
        _ => {
            eprintln!("{USAGE}");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// All lines of a folder's files, in the order of their names.
fn read_folder(folder: &Path) -> Result<Vec<Line>, Box<dyn Error>> {
    let mut lines = Vec::new();
    for file in files(folder)? {
        lines.extend(read_file(&file)?);
    }
    Ok(lines)
}

/// A folder's files of messages, in the order of their names.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    Ok(files)
}

fn read_file(file: &Path) -> Result<Vec<Line>, Box<dyn Error>> {
    fs::read_to_string(file)?
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| format!("{}, line {}: {error}", file.display(), at + 1).into())
        })
        .collect()
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

/// Five rounds; each holds out a fifth of the subjects.
fn measure(lines: &[Line], shows_errors: bool) {
    let subjects: BTreeSet<&str> = lines.iter().map(|line| line.subject.as_str()).collect();
    let round_of: BTreeMap<&str, usize> = subjects
        .iter()
        .enumerate()
        .map(|(at, subject)| (*subject, at % 5))
        .collect();
    let rounds: Vec<usize> = lines.iter().map(|line| round_of[line.subject.as_str()]).collect();
    let outcomes = outcomes_of_rounds(lines, &rounds, 5, SHIPPED_BITS);
    report("all", outcomes.iter());
    by_language(&outcomes);
    let styles: BTreeSet<&str> = lines.iter().map(|line| line.style.as_str()).collect();
    for style in styles {
        report(style, outcomes.iter().filter(|outcome| outcome.line.style == style));
    }
    if shows_errors {
        report::errors(&outcomes);
    }
}

/// Messages that no training file holds.
fn held_out(lines: &[Line], model: &TrainedModel, shows_errors: bool) {
    let outcomes: Vec<Outcome<'_>> = lines.iter().map(|line| Outcome::of(line, model)).collect();
    report("all", outcomes.iter());
    by_language(&outcomes);
    let tags: BTreeSet<&str> = lines
        .iter()
        .flat_map(|line| line.tags.iter().map(String::as_str))
        .collect();
    for tag in tags {
        let has_tag = |outcome: &&Outcome<'_>| outcome.line.tags.iter().any(|own| own == tag);
        report(tag, outcomes.iter().filter(has_tag));
    }
    if shows_errors {
        report::errors(&outcomes);
    }
}

/// Each message is read by a model of the others; the messages of a type are dealt out in turn.
fn cross_validate(lines: &[Line], folds: usize) {
    let mut dealt = BTreeMap::new();
    let rounds: Vec<usize> = lines
        .iter()
        .map(|line| {
            let next: &mut usize = dealt.entry(line.ticket_type).or_default();
            *next += 1;
            *next % folds.max(2)
        })
        .collect();
    report(
        "all",
        outcomes_of_rounds(lines, &rounds, folds.max(2), FILE_BITS).iter(),
    );
}

fn outcomes_of_rounds<'l>(lines: &'l [Line], round_of: &[usize], rounds: usize, bits: u32) -> Vec<Outcome<'l>> {
    let mut outcomes = Vec::new();
    for round in 0..rounds {
        let part = |is_held_out: bool| {
            let is_in = move |(_, its_round): &(&Line, &usize)| (**its_round == round) == is_held_out;
            lines.iter().zip(round_of).filter(is_in).map(|(line, _)| line)
        };
        let model = train(&messages(part(false)), bits);
        outcomes.extend(part(true).map(|line| Outcome::of(line, &model)));
    }
    outcomes
}

fn by_language(outcomes: &[Outcome<'_>]) {
    for code in [Language::English, Language::Spanish] {
        let is_in = |outcome: &&Outcome<'_>| match &outcome.line.lang {
            Some(lang) => lang == code.code(),
            None => language::detect(&outcome.line.text) == Some(code),
        };
        report(code.code(), outcomes.iter().filter(is_in));
    }
}
