//! How well the scrubber does on marked messages: those that were held out, or files of your own in the same form.
//!
//! `cargo run --release -p feedback-core --example measure_scrub [FILE.jsonl ...]`

use std::{error::Error, fs, path::PathBuf};

use feedback_core::logic::scrub::{Scrubber, measure::Measure, training::parse};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        files.push(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("training/scrub/held_out.jsonl"));
    }
    let scrubber = Scrubber::new();
    for file in files {
        let mut messages = Vec::new();
        for line in fs::read_to_string(&file)?.lines() {
            messages.push(parse(line)?);
        }
        println!("{}: {} messages", file.display(), messages.len());
        println!("{}", Measure::of(&scrubber, &messages));
    }
    Ok(())
}
