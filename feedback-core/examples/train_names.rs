//! Makes the model that gives the scrubber a second opinion on names, from the messages in `feedback-core/training/scrub`.
//!
//! - `cargo run --release -p feedback-core --example train_names` writes `src/logic/scrub/name/model.bin`;
//! - with `--check` it writes nothing and fails unless training gives the bytes that are committed.

use std::{error::Error, fs, path::Path, process::ExitCode};

use feedback_core::logic::scrub::training::{FILES, parse, train};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut messages = Vec::new();
    for file in FILES {
        for line in fs::read_to_string(root.join("training/scrub").join(file))?.lines() {
            messages.push(parse(line)?);
        }
    }
    let bytes = train(&messages);
    let model = root.join("src/logic/scrub/name/model.bin");
    if std::env::args().nth(1).as_deref() == Some("--check") {
        if bytes != fs::read(&model)? {
            eprintln!("training does not give the committed model: run this example without --check, and commit");
            return Ok(ExitCode::FAILURE);
        }
        println!("training {} messages gives the committed model", messages.len());
    } else {
        fs::write(&model, bytes)?;
        println!("trained on {} messages", messages.len());
    }
    Ok(ExitCode::SUCCESS)
}
