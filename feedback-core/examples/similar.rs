//! Reads messages as JSONL (`id`, `created_at`, `text`) and writes for each which older ones it may repeat (`query`,
//! `candidates`), likeliest first, so that a team can measure on messages of its own:
//!
//! `cargo run --release -p feedback-core --example similar < messages.jsonl > similar.jsonl`
//!
//! With the word table of `feedback-embeddings`; `host-example similar` takes the encoder too.

use std::{
    error::Error,
    io::{self, BufRead, Write},
    time::Duration,
};

use feedback_core::{
    domain::{TicketId, Timestamp},
    logic::{
        matching::{Report, Reports},
        scrub::{KnownPeople, Scrubber},
    },
    ports::Embedder,
};
use feedback_embeddings::WordTable;
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let embedder = WordTable::new();
    let mut messages: Vec<(Timestamp, Value)> = Vec::new();
    for line in io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?)?;
        messages.push((serde_json::from_value(message["created_at"].clone())?, message));
    }
    messages.sort_by_key(|(created_at, _)| *created_at);
    let window = Duration::from_secs(14 * 24 * 3600);
    let mut reports = Reports::new(embedder.dimensions(), embedder.threshold(), window);
    let scrubber = Scrubber::new();
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (at, (created_at, message)) in messages.iter().enumerate() {
        let text = scrubber
            .scrub(message["text"].as_str().unwrap_or_default(), &KnownPeople::new())
            .text;
        let vector = embedder.embed(std::slice::from_ref(&text)).await?.swap_remove(0);
        let ranked = reports.rank(Report {
            // Any id that leads back to the message.
            id: TicketId::from_uuid(Uuid::from_u128(at as u128)),
            created_at: *created_at,
            text: text.as_str(),
            vector: &vector,
        });
        let place = |id: TicketId| usize::try_from(id.as_uuid().as_u128()).ok();
        let older = |id: TicketId| Some(&messages.get(place(id)?)?.1["id"]);
        let candidates: Vec<Value> = ranked
            .into_iter()
            .take(20)
            .map(|(id, score)| json!({"id": older(id), "score": score}))
            .collect();
        writeln!(out, "{}", json!({"query": message["id"], "candidates": candidates}))?;
    }
    Ok(out.flush()?)
}
