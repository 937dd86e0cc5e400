//! `similar`: which of a team's own reports repeat an older one, as JSON lines, without network and database.

use std::{
    collections::HashMap,
    io::{self, BufRead, Write},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use feedback_adapters::{embeddings::WordTable, local_ai::LocalAi};
use feedback_core::{
    domain::{Scrubbed, TicketId, Timestamp},
    logic::{
        matching::{Report, Reports},
        scrub::{KnownPeople, Scrubber},
    },
    ports::Embedder,
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::encoder;

/// So many candidates are written for a report.
const WRITTEN: usize = 20;
/// Reports that are embedded in one call.
const BATCH: usize = 256;

/// How reports are compared.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What makes vectors of texts.
    #[arg(long, value_enum, default_value = "static")]
    embedder: Choice,
    /// The encoder's weights, a file that `adapters/embeddings/tools/distil.py` makes.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Reports that are older than this are not compared.
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    window_days: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// The word table that is part of the program.
    Static,
    /// The whole encoder, with `--weights`.
    Encoder,
    /// Hashed words and letters.
    Ngrams,
}

/// One report. Other fields are allowed, and ignored.
#[derive(Deserialize)]
struct Line {
    id: Value,
    created_at: Timestamp,
    text: String,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let embedder = embedder(&arguments)?;
    let mut lines = Vec::new();
    for (index, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        if !line.trim().is_empty() {
            let expected = "expected a JSON object with \"id\", \"created_at\" and \"text\"";
            let line: Line = serde_json::from_str(&line).with_context(|| format!("line {}: {expected}", index + 1))?;
            lines.push(line);
        }
    }
    // Whatever the order of the lines: a report repeats one that came before it.
    lines.sort_by_key(|line| line.created_at);
    let window = Duration::from_secs(u64::from(arguments.window_days) * 24 * 3600);
    let mut reports = Reports::new(embedder.dimensions(), embedder.threshold(), window);
    let mut given: HashMap<TicketId, Value> = HashMap::new();
    let scrubber = Scrubber::new();
    let mut out = io::BufWriter::new(io::stdout().lock());
    for batch in lines.chunks(BATCH) {
        let texts: Vec<Scrubbed> = batch
            .iter()
            .map(|line| scrubber.scrub(&line.text, &KnownPeople::new()).text)
            .collect();
        let vectors = embedder.embed(&texts).await?;
        for ((line, text), vector) in batch.iter().zip(&texts).zip(&vectors) {
            let id = TicketId::from_uuid(Uuid::from_u128(given.len() as u128));
            let ranked = reports.rank(Report {
                id,
                created_at: line.created_at,
                text: text.as_str(),
                vector,
            });
            let candidates: Vec<Value> = ranked
                .iter()
                .take(WRITTEN)
                .filter_map(|(id, score)| Some(json!({"id": given.get(id)?, "score": score})))
                .collect();
            writeln!(out, "{}", json!({"query": line.id, "candidates": candidates}))?;
            given.insert(id, line.id.clone());
        }
    }
    out.flush()?;
    Ok(())
}

fn embedder(arguments: &Arguments) -> anyhow::Result<Box<dyn Embedder>> {
    match (arguments.embedder, &arguments.weights) {
        (Choice::Static, None) => Ok(Box::new(WordTable::new())),
        (Choice::Ngrams, None) => Ok(Box::new(LocalAi::new())),
        (Choice::Encoder, Some(path)) => encoder::open(path),
        (Choice::Encoder, None) => bail!("the encoder needs --weights FILE"),
        (_, Some(_)) => bail!("--weights is for --embedder encoder"),
    }
}
