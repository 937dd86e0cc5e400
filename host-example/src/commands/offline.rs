//! `classify` and `scrub`: the rules on a team's own messages, as JSON lines, without network and database.

use std::io::{self, BufRead, Write};

use anyhow::Context;
use feedback_core::logic::{
    infer::infer,
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

pub(crate) fn classify() -> anyhow::Result<()> {
    each_line(|message| {
        let inference = infer(&message.text);
        json!({"id": message.id, "type": inference.ticket_type, "priority": inference.priority})
    })
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
