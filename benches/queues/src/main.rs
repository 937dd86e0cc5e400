#![doc = include_str!("../README.md")]

mod apalis_queue;
mod bare;
mod graphile;
mod ours;

use std::{
    error::Error,
    time::{Duration, Instant},
};

use feedback_test_servers::postgres::{Database, PrivateServer, Sync};
use futures::future::BoxFuture;

/// Jobs that are made or worked off at the same time.
pub(crate) const AT_ONCE: usize = 16;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + std::marker::Sync>>;

/// A queue under measurement.
pub(crate) trait Contender {
    /// How the report calls it.
    fn name(&self) -> &'static str;
    /// Makes durable jobs, each in a call of its own, [`AT_ONCE`] at a time.
    fn enqueue(&self, jobs: usize) -> BoxFuture<'_, Outcome<()>>;
    /// Claims and completes all of them, [`AT_ONCE`] in flight.
    fn work_off(&self, jobs: usize) -> BoxFuture<'_, Outcome<()>>;
}

/// One side, and what it took in each round.
struct Side {
    contender: Box<dyn Contender>,
    /// Kept for as long as it is used.
    _database: Database,
    enqueued: Vec<Duration>,
    worked_off: Vec<Duration>,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut asked = std::env::args().skip(1).map(|word| word.parse::<usize>());
    let rounds = asked.next().transpose()?.unwrap_or(5).max(1);
    let jobs = asked.next().transpose()?.unwrap_or(4_000).max(AT_ONCE);

    let server = tokio::task::spawn_blocking(|| PrivateServer::start_with(Sync::On)).await?;
    let mut sides = Vec::new();
    for number in 0..5 {
        let database = server.database();
        let url = database.url();
        let contender: Box<dyn Contender> = match number {
            0 => Box::new(ours::Hub::open(&url).await?),
            1 => Box::new(graphile::Graphile::open(&url, graphile::Mode::Plain).await?),
            2 => Box::new(graphile::Graphile::open(&url, graphile::Mode::Batched).await?),
            3 => Box::new(apalis_queue::Apalis::open(&url).await?),
            _ => Box::new(bare::Bare::open(&url).await?),
        };
        sides.push(Side {
            contender,
            _database: database,
            enqueued: Vec::new(),
            worked_off: Vec::new(),
        });
    }
    for round in 0..=rounds {
        for side in &mut sides {
            let begin = Instant::now();
            side.contender.enqueue(jobs).await?;
            let enqueued = begin.elapsed();
            let begin = Instant::now();
            side.contender.work_off(jobs).await?;
            let worked_off = begin.elapsed();
            // The first round warms plans and pools up.
            if round > 0 {
                side.enqueued.push(enqueued);
                side.worked_off.push(worked_off);
            }
        }
    }

    println!("{jobs} jobs, median of {rounds} rounds; times the hub's rate in brackets");
    println!("{:<34} {:>20} {:>20}", "", "enqueue, jobs/s", "work off, jobs/s");
    let rates = |side: &mut Side| [rate(&mut side.enqueued, jobs), rate(&mut side.worked_off, jobs)];
    let ours = sides.first_mut().map(rates).unwrap_or_default();
    for side in &mut sides {
        let [enqueue, work_off] = rates(side);
        println!(
            "{:<34} {:>12.0} ({:>4.2}) {:>12.0} ({:>4.2})",
            side.contender.name(),
            enqueue,
            enqueue / ours[0],
            work_off,
            work_off / ours[1],
        );
    }
    Ok(())
}

/// Jobs a second, by the median.
fn rate(times: &mut [Duration], jobs: usize) -> f64 {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    jobs as f64 / median.as_secs_f64().max(f64::MIN_POSITIVE)
}
