//! Reads messages as JSONL (`id`, `text`) and writes what the rules and the model read in them (`id`, `type`,
//! `priority`), so that a team can measure on messages of its own:
//!
//! `cargo run --release -p feedback-core --example classify < messages.jsonl > predictions.jsonl`
//!
//! `-- --model FILE` reads with a model that `train_classifier` made of a team's own labels.

use std::{
    error::Error,
    fs,
    io::{self, BufRead, Write},
};

use feedback_core::logic::infer::{infer, training::TrainedModel};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Message {
    id: String,
    text: String,
}

#[derive(Serialize)]
struct Prediction<'m> {
    id: &'m str,
    #[serde(rename = "type")]
    ticket_type: &'static str,
    priority: &'static str,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let own = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => None,
        ["--model", file] => Some(TrainedModel::from_bytes(&fs::read(file)?).ok_or("not a model of this version")?),
        _ => return Err("arguments: none, or --model FILE".into()),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let message: Message = serde_json::from_str(&line)?;
        let (ticket_type, priority) = own.as_ref().map_or_else(
            || {
                let read = infer(&message.text);
                (read.ticket_type, read.priority)
            },
            |model| model.classify(&message.text),
        );
        let prediction = Prediction {
            id: &message.id,
            ticket_type: ticket_type.as_str(),
            priority: priority.as_str(),
        };
        serde_json::to_writer(&mut out, &prediction)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
