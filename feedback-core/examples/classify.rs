//! Reads messages as JSONL (`id`, `text`) and writes what the rules and the model read in them (`id`, `type`,
//! `priority`), so that a team can measure on messages of its own:
//!
//! `cargo run --release -p feedback-core --example classify < messages.jsonl > predictions.jsonl`

use std::{
    error::Error,
    io::{self, BufRead, Write},
};

use feedback_core::logic::infer::infer;
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
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let message: Message = serde_json::from_str(&line)?;
        let read = infer(&message.text);
        let prediction = Prediction {
            id: &message.id,
            ticket_type: read.ticket_type.as_str(),
            priority: read.priority.as_str(),
        };
        serde_json::to_writer(&mut out, &prediction)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
