//! `classify` and `scrub`: the rules on a team's own messages, as JSON lines, without network and database.

use std::{
    fs,
    io::{self, BufRead, Write},
    path::PathBuf,
};

use anyhow::Context;
use feedback_core::logic::{
    infer::{infer, training::TrainedModel},
    scrub::{KnownPeople, Scrubber},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// One message. Other fields are allowed, and ignored.
#[derive(Deserialize)]
struct Message {
    id: Value,
    text: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ClassifyArguments {
    /// A model of your own labels, made by the example train_classifier, instead of the one that this program holds.
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

pub(crate) fn classify(arguments: ClassifyArguments) -> anyhow::Result<()> {
    let own = arguments.model.map(read_model).transpose()?;
    each_line(|message| {
        let (ticket_type, priority) = own.as_ref().map_or_else(
            || {
                let inference = infer(&message.text);
                (inference.ticket_type, inference.priority)
            },
            |model| model.classify(&message.text),
        );
        json!({"id": message.id, "type": ticket_type, "priority": priority})
    })
}

fn read_model(file: PathBuf) -> anyhow::Result<TrainedModel> {
    let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    TrainedModel::from_bytes(&bytes)
        .with_context(|| format!("{} is no model of this version: train it again", file.display()))
}

pub(crate) fn scrub() -> anyhow::Result<()> {
    let scrubber = Scrubber::new();
    each_line(|message| {
        let scrub = scrubber.scrub(&message.text, &KnownPeople::new());
        let spans: Vec<_> = scrub
            .spans_in_chars(&message.text)
            .iter()
            .map(|span| json!({"start": span.start, "end": span.end, "label": span.label}))
            .collect();
        json!({"id": message.id, "redacted": scrub.text, "spans": spans})
    })
}

fn each_line(answer: impl Fn(Message) -> Value) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (index, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let message = serde_json::from_str(&line)
            .with_context(|| format!("line {}: expected a JSON object with \"id\" and \"text\"", index + 1))?;
        writeln!(out, "{}", answer(message))?;
    }
    out.flush()?;
    Ok(())
}
