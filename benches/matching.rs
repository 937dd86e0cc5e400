//! What does it cost to find the reports that a new one may repeat, among 10,000 of its window, beside the same scan over
//! plain floats? And what does it cost to make a vector of a report?

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use feedback_adapters::embeddings::WordTable;
use feedback_benches::{
    compare::{self, compare, timed},
    messages::MESSAGES,
};
use feedback_core::{
    domain::{Scrubbed, TicketId, Timestamp},
    logic::{
        matching::{CANDIDATES, VectorWindow, Wording, cosine},
        scrub::{KnownPeople, Scrubber},
    },
    ports::Embedder,
};
use uuid::Uuid;

const REPORTS: u128 = 10_000;
const DIMENSIONS: usize = 128;
/// Scans that the percentiles are of.
const SCANS: usize = 2_000;

/// Pseudo-random, the same in every run, of length 1.
fn vector(number: u128) -> Vec<f32> {
    let mut state = number as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut values: Vec<f32> = (0..DIMENSIONS)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1_u32 << 24) as f32) - 0.5
        })
        .collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value /= length);
    values
}

/// What most programs do: a list of lists, every cosine, and then sorting.
fn naive(window: &[(TicketId, Vec<f32>)], query: &[f32]) -> Vec<(TicketId, f32)> {
    let mut scored: Vec<_> = window.iter().map(|(id, values)| (*id, cosine(query, values))).collect();
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    scored.truncate(CANDIDATES);
    scored
}

fn percentiles(name: &str, mut scan: impl FnMut(usize)) {
    let mut times: Vec<Duration> = (0..SCANS)
        .map(|at| {
            let begin = Instant::now();
            scan(at);
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!("{name}: p50 {:?}, p99 {:?}", times[SCANS / 2], times[SCANS * 99 / 100]);
}

fn nearest(c: &mut Criterion) {
    let mut window = VectorWindow::new(DIMENSIONS);
    let mut floats = Vec::new();
    for number in 0..REPORTS {
        let id = TicketId::from_uuid(Uuid::from_u128(number));
        window.put(id, Timestamp::UNIX_EPOCH, &vector(number));
        floats.push((id, vector(number)));
    }
    let queries: Vec<Vec<f32>> = (0..64).map(|number| vector(1_000_000 + number)).collect();
    if std::env::args().any(|argument| argument == "--bench") {
        percentiles("nearest of 10,000, ours", |at| {
            std::hint::black_box(window.nearest(&queries[at % 64], Timestamp::UNIX_EPOCH, CANDIDATES));
        });
        percentiles("nearest of 10,000, floats", |at| {
            std::hint::black_box(naive(&floats, &queries[at % 64]));
        });
    }
    let (mut ours, mut theirs) = (0, 0);
    compare(
        c,
        "matching/nearest of 10,000",
        Throughput::Elements(1),
        timed(|| {
            ours += 1;
            window.nearest(&queries[ours % 64], Timestamp::UNIX_EPOCH, CANDIDATES)
        }),
        (
            "floats",
            timed(|| {
                theirs += 1;
                naive(&floats, &queries[theirs % 64])
            }),
        ),
    );
}

fn embed(c: &mut Criterion) {
    let embedder = WordTable::new();
    let scrubber = Scrubber::new();
    let texts: Vec<Scrubbed> = MESSAGES
        .iter()
        .map(|text| scrubber.scrub(text, &KnownPeople::new()).text)
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (mut ours, mut theirs) = (0, 0);
    compare(
        c,
        "matching/a report as a vector",
        Throughput::Elements(1),
        timed(|| {
            ours += 1;
            let text = std::slice::from_ref(&texts[ours % texts.len()]);
            runtime.block_on(embedder.embed(text))
        }),
        (
            "its letters as bytes",
            timed(|| {
                theirs += 1;
                texts[theirs % texts.len()].as_str().to_lowercase()
            }),
        ),
    );
    let mut read = 0;
    c.bench_function("matching/a report's wording", |bencher| {
        bencher.iter(|| {
            read += 1;
            Wording::of(texts[read % texts.len()].as_str())
        });
    });
}

criterion_group! {
    name = benches;
    config = compare::criterion();
    targets = nearest, embed
}
criterion_main!(benches);
