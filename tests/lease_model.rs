//! The lease protocol, exhaustively: two workers, two jobs, crashes, a reaper, and a worker that wakes up after its lease
//! was taken from it. Every order in which these can happen is tried; the queue of the real stores is checked against
//! the same promises in `feedback_core::testing::model::claims`, where orders are random and the stores real.

use stateright::{Checker, Model, Property};

const WORKERS: usize = 2;
const JOBS: usize = 2;
/// Time goes this far; a lease holds for [`LEASE`] of it.
const LAST_TICK: u8 = 3;
const LEASE: u8 = 1;
/// The process that a job takes with it and that buries it.
const DEADLY: u8 = 3;

/// Whether a transition must name the token of the lease that it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fence {
    Token,
    /// As a queue would be that only looks whether the job is leased at all.
    None,
}

struct Protocol {
    fence: Fence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Status {
    Ready,
    Leased { token: u8, until: u8 },
    Done,
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Job {
    status: Status,
    attempts: u8,
    deaths: u8,
    /// Claims so far: each makes a token of its own.
    claims: u8,
    snoozes: u8,
    completions: u8,
}

/// What a worker believes: the job that it runs, and the token that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Held {
    job: usize,
    token: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    now: u8,
    jobs: [Job; JOBS],
    workers: [Option<Held>; WORKERS],
    /// A settling of somebody whose lease had gone to another was taken.
    zombie_was_heard: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Claim(usize, usize),
    Extend(usize),
    Complete(usize),
    RetryLater(usize),
    Snooze(usize),
    Bury(usize),
    /// The process ends; nobody is told.
    Crash(usize),
    Reap,
    Tick,
}

impl World {
    /// The job of a worker's lease, where the queue takes its word.
    fn heard(&mut self, fence: Fence, worker: usize) -> Option<&mut Job> {
        let held = self.workers[worker]?;
        let Status::Leased { token, .. } = self.jobs[held.job].status else {
            return None;
        };
        if token != held.token {
            if fence == Fence::Token {
                return None;
            }
            self.zombie_was_heard = true;
        }
        Some(&mut self.jobs[held.job])
    }

    fn live_holders(&self, job: usize) -> usize {
        let Status::Leased { token, until } = self.jobs[job].status else {
            return 0;
        };
        let lives = |held: &&Held| held.job == job && held.token == token && self.now < until;
        self.workers.iter().flatten().filter(lives).count()
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let job = Job {
            status: Status::Ready,
            attempts: 0,
            deaths: 0,
            claims: 0,
            snoozes: 0,
            completions: 0,
        };
        vec![World {
            now: 0,
            jobs: [job.clone(), job],
            workers: [None; WORKERS],
            zombie_was_heard: false,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        for worker in 0..WORKERS {
            match world.workers[worker] {
                None => steps.extend((0..JOBS).map(|job| Step::Claim(worker, job))),
                Some(_) => steps.extend([
                    Step::Extend(worker),
                    Step::Complete(worker),
                    Step::RetryLater(worker),
                    Step::Snooze(worker),
                    Step::Bury(worker),
                    Step::Crash(worker),
                ]),
            }
        }
        steps.push(Step::Reap);
        if world.now < LAST_TICK {
            steps.push(Step::Tick);
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        match step {
            Step::Claim(worker, index) => {
                let job = &mut world.jobs[index];
                if job.status != Status::Ready {
                    return None;
                }
                job.claims += 1;
                job.attempts += 1;
                let (token, until) = (job.claims, world.now + LEASE);
                job.status = Status::Leased { token, until };
                world.workers[worker] = Some(Held { job: index, token });
            }
            Step::Extend(worker) => {
                let until = world.now + LEASE;
                if let Some(job) = world.heard(self.fence, worker)
                    && let Status::Leased { token, .. } = job.status
                {
                    job.status = Status::Leased { token, until };
                }
            }
            Step::Complete(worker) => {
                if let Some(job) = world.heard(self.fence, worker) {
                    (job.status, job.completions) = (Status::Done, job.completions + 1);
                }
                world.workers[worker] = None;
            }
            Step::RetryLater(worker) => {
                if let Some(job) = world.heard(self.fence, worker) {
                    (job.status, job.deaths) = (Status::Ready, 0);
                }
                world.workers[worker] = None;
            }
            Step::Snooze(worker) => {
                if let Some(job) = world.heard(self.fence, worker) {
                    (job.status, job.deaths) = (Status::Ready, 0);
                    job.attempts = job.attempts.saturating_sub(1);
                    job.snoozes += 1;
                }
                world.workers[worker] = None;
            }
            Step::Bury(worker) => {
                if let Some(job) = world.heard(self.fence, worker) {
                    job.status = Status::Dead;
                }
                world.workers[worker] = None;
            }
            Step::Crash(worker) => world.workers[worker] = None,
            Step::Reap => {
                for job in &mut world.jobs {
                    if let Status::Leased { until, .. } = job.status
                        && until <= world.now
                    {
                        job.deaths += 1;
                        job.status = if job.deaths >= DEADLY {
                            Status::Dead
                        } else {
                            Status::Ready
                        };
                    }
                }
            }
            Step::Tick => world.now += 1,
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("a job has at most one live lease", |_, world: &World| {
                (0..JOBS).all(|job| world.live_holders(job) <= 1)
            }),
            Property::always("a dead lease's word is never taken", |_, world: &World| {
                !world.zombie_was_heard
            }),
            Property::always("a job is completed once at most", |_, world: &World| {
                world.jobs.iter().all(|job| job.completions <= 1)
            }),
            Property::always("what is done or dead stays so", |_, world: &World| {
                world
                    .jobs
                    .iter()
                    .all(|job| (job.completions == 1) == (job.status == Status::Done))
            }),
            Property::always(
                "each claim is an attempt, and a snooze gives one back",
                |_, world: &World| world.jobs.iter().all(|job| job.attempts + job.snoozes == job.claims),
            ),
            Property::always("the third death in a row buries", |_, world: &World| {
                world
                    .jobs
                    .iter()
                    .all(|job| job.deaths < DEADLY || job.status == Status::Dead)
            }),
            // What can happen at all, so that nothing above holds for want of trying.
            Property::sometimes("both jobs are done", |_, world: &World| {
                world.jobs.iter().all(|job| job.status == Status::Done)
            }),
            Property::sometimes("a job is buried by crashes", |_, world: &World| {
                world
                    .jobs
                    .iter()
                    .any(|job| job.deaths == DEADLY && job.status == Status::Dead)
            }),
            Property::sometimes(
                "a job that was taken from its worker is done by another",
                |_, world: &World| {
                    let job = &world.jobs[0];
                    job.status == Status::Done
                        && job.deaths > 0
                        && world.workers.iter().flatten().any(|held| held.job == 0)
                },
            ),
            Property::always("no lease reaches further than its term", |_, world: &World| {
                world.jobs.iter().all(|job| match job.status {
                    Status::Leased { until, .. } => until <= world.now + LEASE,
                    Status::Ready | Status::Done | Status::Dead => true,
                })
            }),
        ]
    }

    /// Claims bound the rest: without a limit, retries within one tick go on for ever.
    fn within_boundary(&self, world: &World) -> bool {
        world.jobs.iter().all(|job| job.claims <= DEADLY)
    }
}

#[test]
fn the_fenced_protocol_keeps_its_promises_in_every_order() {
    let checker = Protocol { fence: Fence::Token }.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    assert!(
        checker.is_done() && checker.unique_state_count() > 50_000,
        "{}",
        checker.unique_state_count()
    );
}

#[test]
fn without_the_fence_a_zombie_is_heard() {
    let checker = Protocol { fence: Fence::None }.checker().spawn_bfs().join();
    let path = checker.assert_any_discovery("a dead lease's word is never taken");
    let steps = path.into_actions();
    let takes_back = steps.iter().position(|step| *step == Step::Reap);
    let claimed_again = steps.iter().rposition(|step| matches!(step, Step::Claim(..)));
    assert!(
        takes_back < claimed_again,
        "taken back, claimed by another, and then settled by the first: {steps:?}"
    );
}
