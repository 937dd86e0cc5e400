//! Ours beside a rival: both under criterion, and then the one figure that a noisy machine cannot bend much.
//!
//! Criterion measures one after the other, so a neighbour who wakes up in between spoils the comparison. The ratio here
//! is the median over many pairs of short slices, each pair run back to back.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};

/// How long one slice of a pair runs, at least.
const SLICE: Duration = Duration::from_millis(4);
/// How long all pairs run, about.
const PAIRS: Duration = Duration::from_secs(2);

/// Criterion as all benches here use it: short, since the ratios are what is read.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args()
}

/// One side of a comparison: does the work so many times and tells how long that took.
pub trait Side: FnMut(u64) -> Duration {}

impl<F: FnMut(u64) -> Duration> Side for F {}

/// A side that is nothing but the work.
pub fn timed<T>(mut work: impl FnMut() -> T) -> impl Side {
    move |times| {
        let begin = Instant::now();
        for _ in 0..times {
            black_box(work());
        }
        begin.elapsed()
    }
}

/// Measures `ours` and the rival, and prints how many times the rival's time ours took. `work` is what one repetition of
/// either does.
pub fn compare(c: &mut Criterion, name: &str, work: Throughput, mut ours: impl Side, rival: (&str, impl Side)) {
    let (rival_name, mut rival) = rival;
    let mut is_wanted = false;
    let mut group = c.benchmark_group(name);
    group.throughput(work);
    group.bench_function("ours", |bencher| {
        is_wanted = true;
        bencher.iter_custom(&mut ours);
    });
    group.bench_function(rival_name, |bencher| {
        is_wanted = true;
        bencher.iter_custom(&mut rival);
    });
    group.finish();
    // Not where the name was filtered out or listed, nor under `cargo test`, which only wants to see it run.
    if is_wanted && std::env::args().any(|argument| argument == "--bench") {
        let Spread { low, median, high } = ratio(&mut ours, &mut rival);
        println!("{name:<40} ratio: {median:.2} times the {rival_name} (half of the pairs: {low:.2} to {high:.2})\n");
    }
}

/// The middle of many figures, and between what half of them lie.
struct Spread {
    low: f64,
    median: f64,
    high: f64,
}

fn ratio(ours: &mut impl Side, rival: &mut impl Side) -> Spread {
    let (our_times, rival_times) = (times_in_slice(ours), times_in_slice(rival));
    let begin = Instant::now();
    let mut ratios = Vec::new();
    // At least nine, since one repetition may be slower than a slice.
    while begin.elapsed() < PAIRS || ratios.len() < 9 {
        let per_time = |elapsed: Duration, times: u64| elapsed.as_secs_f64() / times as f64;
        ratios.push(per_time(ours(our_times), our_times) / per_time(rival(rival_times), rival_times));
    }
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[((ratios.len() - 1) as f64 * share).round() as usize];
    Spread {
        low: at(0.25),
        median: at(0.5),
        high: at(0.75),
    }
}

fn times_in_slice(side: &mut impl Side) -> u64 {
    let mut times = 1;
    while side(times) < SLICE {
        times *= 2;
    }
    times
}
