//! Scrubs messages, one JSON object a line: `{"id", "text"}` in, `{"id", "redacted", "spans"}` out.
//!
//! Offsets are in code points. For measuring the scrubber against marked messages:
//! `cargo run --release -p feedback-core --example scrub < messages.jsonl > found.jsonl`

use std::io::{self, BufRead, Write};

use feedback_core::logic::scrub::{KnownPeople, Scrubber};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let scrubber = Scrubber::new();
    let nobody = KnownPeople::new();
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let message: Value = serde_json::from_str(&line)?;
        let text = message["text"].as_str().unwrap_or_default();
        let scrub = scrubber.scrub(text, &nobody);
        let spans: Vec<Value> = scrub
            .spans_in_chars(text)
            .iter()
            .map(|span| json!({"start": span.start, "end": span.end, "label": span.label}))
            .collect();
        writeln!(
            out,
            "{}",
            json!({"id": message["id"], "redacted": scrub.text, "spans": spans})
        )?;
    }
    out.flush()
}
