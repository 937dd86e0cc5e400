//! Workers that claim, extend, settle, hang and die against one store at the same time, with a clock of the test's own;
//! afterwards the log of what they were told is held against the promises of [`JobQueue`].

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{Campaign, random::Random};
use crate::{
    domain::{Change, JobId, Lease, LeaseToken, LeasedJob, Queue, Timestamp, Write},
    ports::{ClaimRequest, Clock, JobQueue, Queries, SettleError, Storage},
    testing::{conformance::custody::CustodyHarness, fixtures::Fixtures},
};

const WORKERS: u64 = 6;
const TURNS: u64 = 60;
const JOBS: u64 = 14;
/// How long a lease holds, in the test's time.
const LEASE: Duration = Duration::from_secs(10);
/// Processes that a job may take with it before it is buried.
const DEADLY: u64 = 3;

/// How a lease ended, as its holder was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Completed,
    Retried,
    Snoozed,
    Buried,
}

/// What was done, with the moments before the call and after the answer in the order of the whole run.
#[derive(Debug, Clone)]
struct Entry {
    asked: u64,
    answered: u64,
    /// The latest time that anybody had seen when the answer came.
    now: Timestamp,
    lease: Lease,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Claimed { attempts: u32 },
    Extended(Timestamp),
    Ended(End),
    Lost,
}

struct Run<S> {
    store: Arc<S>,
    fixtures: Fixtures,
    order: AtomicU64,
    log: Mutex<Vec<Entry>>,
}

/// Runs a campaign of concurrent histories.
///
/// # Panics
/// If two leases of a job live at once, a dead lease's word is taken, an attempt is not counted, or work is left over.
pub async fn run<H: CustodyHarness>(harness: &H, campaign: Campaign) {
    for number in 0..campaign.histories {
        let seed = campaign.seed.wrapping_mul(1_000_003).wrapping_add(number);
        let fresh = harness.fresh().await;
        if let Err(broken) = history(Arc::clone(&fresh.adapter), seed).await {
            panic!("history {number} of seed {}: {broken}", campaign.seed);
        }
    }
}

async fn history<S: Storage + Queries + JobQueue>(store: Arc<S>, seed: u64) -> Result<(), String> {
    let fixtures = Fixtures::new(seed);
    let mut random = Random::new(seed);
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        let job = fixtures
            .job()
            .at(fixtures.now().plus(Duration::from_secs(random.below(20))));
        jobs.push(job.id);
        let change = Change::new().with(Write::Enqueue(job));
        store.commit(change).await.map_err(|error| error.to_string())?;
    }
    let run = Arc::new(Run {
        store,
        fixtures,
        order: AtomicU64::new(0),
        log: Mutex::new(Vec::new()),
    });
    // Tasks, so that a runtime of several threads runs them at the same time.
    let workers = (0..WORKERS).map(|worker| {
        let (run, random) = (Arc::clone(&run), Random::new(seed ^ ((worker + 1) << 32)));
        tokio::spawn(async move { run.work(random).await })
    });
    for outcome in futures::future::join_all(workers).await {
        outcome.map_err(|panic| panic.to_string())??;
    }
    run.drain().await?;
    let log = run.log.lock().unwrap_or_else(PoisonError::into_inner).clone();
    check(&log, &jobs)?;
    let status = run
        .store
        .ops_status(run.fixtures.now())
        .await
        .map_err(|error| error.to_string())?;
    let buried = log
        .iter()
        .filter(|entry| entry.what == What::Ended(End::Buried))
        .count() as u64;
    let done = log
        .iter()
        .filter(|entry| entry.what == What::Ended(End::Completed))
        .count() as u64;
    if !status.is_quiescent() || done + status.dead != JOBS || status.dead < buried {
        return Err(format!("{done} done, {buried} buried of {JOBS}, and then {status:?}"));
    }
    Ok(())
}

impl<S: JobQueue> Run<S> {
    fn tick(&self) -> u64 {
        self.order.fetch_add(1, Ordering::SeqCst)
    }

    fn note(&self, asked: u64, lease: Lease, what: What) {
        let entry = Entry {
            asked,
            answered: self.tick(),
            now: self.fixtures.clock.now(),
            lease,
            what,
        };
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    async fn claim(&self, limit: usize) -> Result<Vec<LeasedJob>, String> {
        let (asked, now) = (self.tick(), self.fixtures.clock.now());
        let request = ClaimRequest {
            queue: Queue::Default,
            limit,
            lease_until: now.plus(LEASE),
            now,
        };
        let claimed = self.store.claim(request).await.map_err(|error| error.to_string())?;
        for leased in &claimed {
            let attempts = leased.job.attempts;
            self.note(asked, leased.lease, What::Claimed { attempts });
        }
        Ok(claimed)
    }

    async fn end(&self, lease: Lease, end: End, later: Duration) -> Result<(), String> {
        let (asked, now) = (self.tick(), self.fixtures.clock.now());
        let outcome = match end {
            End::Completed => self.store.complete(&lease, now).await,
            End::Retried => self.store.retry_later(&lease, now.plus(later), "x", now).await,
            End::Snoozed => self.store.snooze(&lease, now.plus(later), "y", now).await,
            End::Buried => self.store.bury(&lease, "z", now).await,
        };
        match outcome {
            Ok(()) => self.note(asked, lease, What::Ended(end)),
            Err(SettleError::LeaseLost) => self.note(asked, lease, What::Lost),
            Err(error) => return Err(error.to_string()),
        }
        Ok(())
    }

    /// One worker, which also is the reaper now and then, and the one who lets time pass.
    async fn work(&self, mut random: Random) -> Result<(), String> {
        let mut held: Vec<Lease> = Vec::new();
        for _ in 0..TURNS {
            self.fixtures.clock.advance(Duration::from_millis(random.below(900)));
            match random.below(12) {
                0..=3 => {
                    let claimed = self.claim(1 + random.below(3) as usize).await?;
                    held.extend(claimed.iter().map(|leased| leased.lease));
                }
                4 => {
                    self.store
                        .reap(self.fixtures.clock.now())
                        .await
                        .map_err(|error| error.to_string())?;
                }
                // The process dies: it forgets what it held.
                5 if random.below(3) == 0 => held.clear(),
                6 | 7 if !held.is_empty() => {
                    let lease = held[random.below(held.len() as u64) as usize];
                    let (asked, until) = (self.tick(), self.fixtures.clock.now().plus(LEASE));
                    match self.store.extend(&lease, until).await {
                        Ok(()) => self.note(asked, lease, What::Extended(until)),
                        Err(SettleError::LeaseLost) => self.note(asked, lease, What::Lost),
                        Err(error) => return Err(error.to_string()),
                    }
                }
                _ if !held.is_empty() => {
                    let at = random.below(held.len() as u64) as usize;
                    // Kept now and then: a zombie that settles twice.
                    let lease = if random.below(5) == 0 {
                        held[at]
                    } else {
                        held.swap_remove(at)
                    };
                    let end = match random.below(10) {
                        0 => End::Buried,
                        1 | 2 => End::Snoozed,
                        3..=5 => End::Retried,
                        _ => End::Completed,
                    };
                    self.end(lease, end, Duration::from_secs(random.below(5))).await?;
                }
                _ => {}
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Everybody is gone; one worker who does all that is left. Every job comes to it within this many rounds.
    async fn drain(&self) -> Result<(), String> {
        for _ in 0..DEADLY + 2 {
            let now = self.fixtures.clock.advance(LEASE + Duration::from_secs(60));
            self.store.reap(now).await.map_err(|error| error.to_string())?;
            for leased in self.claim(JOBS as usize).await? {
                self.end(leased.lease, End::Completed, Duration::ZERO).await?;
            }
        }
        Ok(())
    }
}

/// Holds the log against the promises, job by job.
fn check(log: &[Entry], jobs: &[JobId]) -> Result<(), String> {
    for job in jobs {
        let entries: Vec<&Entry> = log.iter().filter(|entry| entry.lease.job == *job).collect();
        let mut leases: BTreeMap<LeaseToken, Vec<&Entry>> = BTreeMap::new();
        for entry in entries {
            leases.entry(entry.lease.token).or_default().push(entry);
        }
        let mut leases: Vec<Told<'_>> = leases.into_values().filter_map(Told::of).collect();
        // In the order in which the store gave them, which is not that of the answers: a thread may stand still between the two.
        // Attempts rise by one with each claim; of those with the same number all but the last were given back.
        leases.sort_by_key(|told| (told.attempts, !told.was_given_back(), told.claim.answered));
        check_job(&leases).map_err(|broken| format!("job {job}: {broken}\n{leases:#?}"))?;
    }
    Ok(())
}

/// What was told of one lease.
#[derive(Debug)]
struct Told<'a> {
    claim: &'a Entry,
    attempts: u32,
    until: Timestamp,
    ends: Vec<(&'a Entry, End)>,
}

impl<'a> Told<'a> {
    fn was_given_back(&self) -> bool {
        matches!(self.ends.first(), Some((_, End::Snoozed)))
    }

    fn of(entries: Vec<&'a Entry>) -> Option<Self> {
        let claimed = |entry: &&'a Entry| match entry.what {
            What::Claimed { attempts } => Some((*entry, attempts)),
            _ => None,
        };
        let (claim, attempts) = entries.iter().find_map(claimed)?;
        // An extension that was taken came before the lease was taken away, whenever its answer arrived.
        let extended = entries.iter().filter_map(|entry| match entry.what {
            What::Extended(until) => Some(until),
            _ => None,
        });
        let ends = entries.iter().filter_map(|entry| match entry.what {
            What::Ended(end) => Some((*entry, end)),
            _ => None,
        });
        Some(Self {
            claim,
            attempts,
            until: extended.fold(claim.lease.until, Timestamp::max),
            ends: ends.collect(),
        })
    }
}

fn check_job(leases: &[Told<'_>]) -> Result<(), String> {
    let mut given_back = 0;
    for (number, lease) in leases.iter().enumerate() {
        if lease.ends.len() > 1 {
            return Err("a lease ended twice".to_owned());
        }
        let end = lease.ends.first();
        if let Some(next) = leases.get(number + 1) {
            match end {
                // It went to the next one after its time, by the latest clock that anybody had seen.
                None if next.claim.now < lease.until => return Err("two leases lived at once".to_owned()),
                Some((_, End::Completed | End::Buried)) => return Err("a job ran again after its end".to_owned()),
                Some((entry, _)) if entry.asked > next.claim.answered => {
                    return Err("a dead lease's word was taken".to_owned());
                }
                _ => {}
            }
        }
        // The first claim is attempt one, each claim is one more, and a snooze gives one back.
        let expected = number as u32 + 1 - given_back;
        if lease.attempts != expected {
            return Err(format!(
                "claim {number} says attempt {} instead of {expected}",
                lease.attempts
            ));
        }
        given_back += u32::from(matches!(end, Some((_, End::Snoozed))));
    }
    let mut in_a_row = 0;
    for lease in leases {
        in_a_row = if lease.ends.is_empty() { in_a_row + 1 } else { 0 };
        if in_a_row > DEADLY {
            return Err("a job took a fourth process with it".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::FromUuid;

    fn lease(token: u128, until: i64) -> Lease {
        Lease {
            job: FromUuid::wrap(uuid::Uuid::from_u128(1)),
            token: FromUuid::wrap(uuid::Uuid::from_u128(token)),
            until: Timestamp::from_unix_seconds(until).unwrap(),
        }
    }

    fn entry(order: u64, now: i64, lease: Lease, what: What) -> Entry {
        Entry {
            asked: 2 * order,
            answered: 2 * order + 1,
            now: Timestamp::from_unix_seconds(now).unwrap(),
            lease,
            what,
        }
    }

    fn verdict(log: &[Entry]) -> Result<(), String> {
        check(log, &[lease(1, 0).job]).map_err(|broken| broken.lines().next().unwrap_or_default().to_owned())
    }

    const FIRST: What = What::Claimed { attempts: 1 };
    const SECOND: What = What::Claimed { attempts: 2 };

    #[test]
    fn a_lease_that_lapsed_may_be_followed_by_another() {
        let (one, two) = (lease(1, 10), lease(2, 30));
        let log = [
            entry(0, 0, one, FIRST),
            entry(1, 10, two, SECOND),
            entry(2, 11, one, What::Lost),
            entry(3, 12, two, What::Ended(End::Completed)),
        ];
        assert_eq!(verdict(&log), Ok(()));
    }

    #[test]
    fn each_broken_promise_is_seen() {
        let (one, two) = (lease(1, 10), lease(2, 30));
        let done = What::Ended(End::Completed);
        let until = Timestamp::from_unix_seconds(20).unwrap();
        let broken: [(&str, Vec<Entry>); 6] = [
            (
                "two leases lived at once",
                vec![entry(0, 0, one, FIRST), entry(1, 9, two, SECOND)],
            ),
            (
                "two leases lived at once",
                vec![
                    entry(0, 0, one, FIRST),
                    entry(1, 9, one, What::Extended(until)),
                    entry(2, 12, two, SECOND),
                ],
            ),
            (
                "a job ran again after its end",
                vec![
                    entry(0, 0, one, FIRST),
                    entry(1, 10, two, SECOND),
                    entry(2, 11, one, done),
                ],
            ),
            (
                "a dead lease's word was taken",
                vec![
                    entry(0, 0, one, FIRST),
                    entry(1, 10, two, SECOND),
                    entry(2, 11, one, What::Ended(End::Retried)),
                ],
            ),
            (
                "claim 1 says attempt 1 instead of 2",
                vec![entry(0, 0, one, FIRST), entry(1, 10, two, FIRST)],
            ),
            (
                "a lease ended twice",
                vec![entry(0, 0, one, FIRST), entry(1, 1, one, done), entry(2, 2, one, done)],
            ),
        ];
        for (expected, log) in broken {
            let found = verdict(&log).unwrap_err();
            assert!(found.ends_with(expected), "{found} instead of {expected}");
        }
    }

    #[test]
    fn a_fourth_death_in_a_row_is_seen() {
        let log: Vec<Entry> = (0..4_u32)
            .map(|number| {
                let lapses = i64::from(number) * 10 + 10;
                let what = What::Claimed { attempts: number + 1 };
                entry(
                    u64::from(number),
                    lapses - 10,
                    lease(u128::from(number) + 1, lapses),
                    what,
                )
            })
            .collect();
        assert_eq!(verdict(&log[..3]), Ok(()));
        assert!(
            verdict(&log)
                .unwrap_err()
                .ends_with("a job took a fourth process with it")
        );
    }
}
