//! The promises of [`JobQueue`], and what [`Write::Enqueue`] says.

use std::{collections::BTreeSet, future::Future, process::ExitCode, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::join_all;

use super::{Check, Fresh, checks, run_checks};
use crate::{
    domain::{
        Change, CommitReceipt, Job, JobId, JobPayload, JobStatus, LeasedJob, MAX_ERROR_BYTES, NewJob, PageRequest,
        Queue, Timestamp, Write,
    },
    ports::{ClaimRequest, JobQueue, PortError, PortErrorKind, Queries, Reaped, SettleError, Storage},
    testing::fixtures::Fixtures,
};

/// A queue, and the rows below it: jobs come in by a change, and dead ones are seen in a list. Stores are both; a queue that
/// stands beside its store says where these are.
#[async_trait]
pub trait QueueUnderTest: JobQueue {
    /// As [`Storage::commit`].
    ///
    /// # Errors
    /// As [`Storage::commit`].
    async fn take_in(&self, change: Change) -> Result<CommitReceipt, PortError>;

    /// The dead jobs, newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn dead_jobs(&self) -> Result<Vec<Job>, PortError>;
}

#[async_trait]
impl<T: JobQueue + Storage + Queries> QueueUnderTest for T {
    async fn take_in(&self, change: Change) -> Result<CommitReceipt, PortError> {
        self.commit(change).await
    }

    async fn dead_jobs(&self) -> Result<Vec<Job>, PortError> {
        let page = self.dead_letters(PageRequest::default()).await?;
        Ok(page.items.into_iter().map(|letter| letter.job).collect())
    }
}

/// Makes queues for the checks.
pub trait JobQueueHarness: Send + Sync + 'static {
    /// The queue under test.
    type Adapter: QueueUnderTest;

    /// An empty queue.
    fn fresh(&self) -> impl Future<Output = Fresh<Self::Adapter>> + Send;
}

/// Runs all checks as a test binary.
pub fn run<H: JobQueueHarness>(harness: H) -> ExitCode {
    run_checks(harness, "job_queue", checks())
}

/// All checks, for a binary that runs several suites.
pub fn checks<H: JobQueueHarness>() -> &'static [Check<H>] {
    checks![
        a_job_is_claimable_as_soon_as_it_is_committed,
        a_job_of_a_refused_change_never_appears,
        a_job_waits_for_its_time_and_in_its_queue,
        due_jobs_come_in_the_order_of_their_time,
        an_attempt_is_counted_when_it_is_claimed,
        sixteen_claimers_get_different_jobs,
        a_leased_job_is_nobody_elses,
        a_foreign_token_changes_nothing,
        f26_a_lease_that_was_taken_back_settles_nothing,
        a_lease_that_lapsed_unnoticed_still_settles,
        a_longer_lease_is_not_taken_back,
        a_done_job_never_comes_back,
        a_failed_job_comes_back_at_its_time,
        a_snoozed_job_gets_its_attempt_back,
        a_failing_job_blocks_nobody,
        a_buried_job_stays_until_a_person_decides,
        a_burial_and_what_it_leaves_behind_are_one_commit,
        a_burial_under_a_lost_lease_leaves_nothing_behind,
        a_revived_job_begins_at_attempt_one,
        a_discarded_job_is_gone_from_the_dead,
        what_is_not_dead_is_neither_revived_nor_discarded,
        a_job_dead_from_birth_runs_only_when_revived,
        f30_the_third_death_buries,
        f30_deaths_with_a_finished_run_between_them_bury_nothing,
        f28_reaper_and_worker_never_both_win,
        f34_a_hostile_error_is_stored_short_and_plain,
        a_waiting_job_with_the_same_key_makes_another_a_no_op,
        a_running_job_with_the_same_key_does_not_count,
        f39_sixteen_writers_of_one_key_queue_one_job,
        a_job_that_comes_back_beside_one_with_its_key_is_kept,
        waiting_ends_with_new_work_and_with_time,
    ]
}

const LEASE: Duration = Duration::from_secs(30);

async fn enqueue<Q: QueueUnderTest>(queue: &Arc<Q>, jobs: impl IntoIterator<Item = NewJob>) {
    let change = jobs.into_iter().map(Write::Enqueue).fold(Change::new(), Change::with);
    queue.take_in(change).await.expect("jobs can be queued");
}

async fn claim(queue: &impl JobQueue, fixtures: &Fixtures, limit: usize) -> Vec<LeasedJob> {
    let now = fixtures.now();
    let request = ClaimRequest {
        queue: Queue::Default,
        limit,
        lease_until: now.plus(LEASE),
        now,
    };
    queue.claim(request).await.expect("jobs can be claimed")
}

async fn claim_one(queue: &impl JobQueue, fixtures: &Fixtures) -> LeasedJob {
    let mut claimed = claim(queue, fixtures, 1).await;
    assert_eq!(claimed.len(), 1, "one job is due");
    claimed.remove(0)
}

async fn nothing_is_due(queue: &impl JobQueue, fixtures: &Fixtures) {
    assert_eq!(claim(queue, fixtures, 10).await, []);
}

/// The dead jobs, newest first.
async fn dead<Q: QueueUnderTest>(queue: &Arc<Q>) -> Vec<Job> {
    queue.dead_jobs().await.expect("dead jobs can be listed")
}

fn is_lost(outcome: Result<(), SettleError>) -> bool {
    matches!(outcome, Err(SettleError::LeaseLost))
}

async fn a_job_is_claimable_as_soon_as_it_is_committed<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let job = fixtures.job().unique("triage:1");
    enqueue(queue, [job.clone()]).await;
    let claimed = claim_one(queue, &fixtures).await;
    let expected = Job {
        id: job.id,
        queue: job.payload.queue(),
        kind: job.payload.kind(),
        payload: serde_json::to_string(&job.payload).expect("payloads have a JSON form"),
        unique_key: job.unique_key,
        status: JobStatus::Leased,
        attempts: 1,
        deaths: 0,
        run_at: job.run_at,
        last_error: None,
        created_at: job.created_at,
        updated_at: fixtures.now(),
    };
    assert_eq!(claimed.job, expected);
    assert_eq!(
        (claimed.lease.job, claimed.lease.until),
        (job.id, fixtures.now().plus(LEASE))
    );
}

async fn a_job_of_a_refused_change_never_appears<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let orphan = Write::AppendEvent(fixtures.intake().event);
    let change = Change::new().with(Write::Enqueue(fixtures.job())).with(orphan);
    assert_eq!(
        queue.take_in(change).await.expect_err("the event has no ticket").kind(),
        PortErrorKind::NotFound
    );
    nothing_is_due(queue, &fixtures).await;
}

async fn a_job_waits_for_its_time_and_in_its_queue<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let later = fixtures.job().at(fixtures.now().plus(Duration::from_micros(1)));
    let elsewhere = NewJob::now(fixtures.id(), JobPayload::PollTracker, fixtures.now());
    enqueue(queue, [later.clone(), elsewhere.clone()]).await;
    nothing_is_due(queue, &fixtures).await;
    fixtures.clock.advance(Duration::from_micros(1));
    assert_eq!(claim_one(queue, &fixtures).await.job.id, later.id);
    let now = fixtures.now();
    let low = ClaimRequest {
        queue: Queue::Low,
        limit: 9,
        lease_until: now.plus(LEASE),
        now,
    };
    let claimed = queue.claim(low).await.expect("jobs can be claimed");
    assert_eq!(
        claimed.iter().map(|leased| leased.job.id).collect::<Vec<_>>(),
        [elsewhere.id]
    );
}

async fn due_jobs_come_in_the_order_of_their_time<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let start = fixtures.now();
    let jobs = [4, 1, 3, 0, 2].map(|seconds| fixtures.job().at(start.plus(Duration::from_secs(seconds))));
    enqueue(queue, jobs).await;
    fixtures.clock.advance(Duration::from_secs(9));
    let mut times: Vec<Timestamp> = claim(queue, &fixtures, 2)
        .await
        .iter()
        .map(|leased| leased.job.run_at)
        .collect();
    times.extend(claim(queue, &fixtures, 9).await.iter().map(|leased| leased.job.run_at));
    assert_eq!(
        times,
        [0, 1, 2, 3, 4].map(|seconds| start.plus(Duration::from_secs(seconds)))
    );
    assert!(claim(queue, &fixtures, 0).await.is_empty());
}

async fn an_attempt_is_counted_when_it_is_claimed<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    for attempt in 1..4 {
        let claimed = claim_one(queue, &fixtures).await;
        assert_eq!(claimed.job.attempts, attempt);
        queue
            .retry_later(&claimed.lease, fixtures.now(), "refused", fixtures.now())
            .await
            .expect("the lease holds");
    }
}

async fn sixteen_claimers_get_different_jobs<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let fixtures = Fixtures::default();
    let jobs: Vec<NewJob> = (0..64).map(|_| fixtures.job()).collect();
    enqueue(&fresh.adapter, jobs.clone()).await;
    let claimers = (0..16).map(|_| {
        let (queue, fixtures) = (Arc::clone(&fresh.adapter), fixtures.clone());
        tokio::spawn(async move {
            let mut mine: Vec<JobId> = Vec::new();
            loop {
                let claimed = claim(&queue, &fixtures, 3).await;
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.iter().map(|leased| leased.job.id));
            }
        })
    });
    let claimed: Vec<JobId> = join_all(claimers)
        .await
        .into_iter()
        .flat_map(|mine| mine.expect("no claimer panics"))
        .collect();
    assert_eq!(claimed.len(), jobs.len(), "a job was claimed twice, or never");
    assert_eq!(
        claimed.into_iter().collect::<BTreeSet<_>>(),
        jobs.iter().map(|job| job.id).collect()
    );
}

async fn a_leased_job_is_nobody_elses<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job(), fixtures.job()]).await;
    let (first, second) = (claim_one(queue, &fixtures).await, claim_one(queue, &fixtures).await);
    assert_ne!(first.job.id, second.job.id);
    assert_ne!(first.lease.token, second.lease.token);
    // Lapsed, but not yet taken back: it is still leased.
    fixtures.clock.advance(LEASE * 2);
    nothing_is_due(queue, &fixtures).await;
}

async fn a_foreign_token_changes_nothing<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    let held = claim_one(queue, &fixtures).await;
    let mut foreign = held.lease;
    foreign.token = fixtures.id();
    let mut elsewhere = held.lease;
    elsewhere.job = fixtures.id();
    let now = fixtures.now();
    for lease in [foreign, elsewhere] {
        assert!(is_lost(queue.extend(&lease, now.plus(LEASE * 9)).await));
        assert!(is_lost(queue.complete(&lease, now).await));
        assert!(is_lost(queue.retry_later(&lease, now, "x", now).await));
        assert!(is_lost(queue.snooze(&lease, now, "x", now).await));
        assert!(is_lost(queue.bury(&lease, "x", now).await));
    }
    assert!(dead(queue).await.is_empty());
    queue
        .complete(&held.lease, now)
        .await
        .expect("the true lease still holds");
}

async fn f26_a_lease_that_was_taken_back_settles_nothing<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    let zombie = claim_one(queue, &fixtures).await;
    let now = fixtures.clock.advance(LEASE);
    assert_eq!(
        queue.reap(now).await.expect("the reaper runs"),
        Reaped { released: 1, buried: 0 }
    );
    let second = claim_one(queue, &fixtures).await;
    assert_eq!(
        (second.job.id, second.job.attempts, second.job.deaths),
        (zombie.job.id, 2, 1)
    );
    assert!(is_lost(queue.complete(&zombie.lease, now).await));
    assert!(is_lost(queue.extend(&zombie.lease, now.plus(LEASE)).await));
    assert!(is_lost(queue.bury(&zombie.lease, "late", now).await));
    queue
        .complete(&second.lease, now)
        .await
        .expect("the second worker's result stands");
    assert!(
        is_lost(queue.complete(&second.lease, now).await),
        "a done job has no lease"
    );
}

async fn a_lease_that_lapsed_unnoticed_still_settles<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    let held = claim_one(queue, &fixtures).await;
    let now = fixtures.clock.advance(LEASE * 2);
    queue
        .complete(&held.lease, now)
        .await
        .expect("nobody took the job back");
}

async fn a_longer_lease_is_not_taken_back<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    let held = claim_one(queue, &fixtures).await;
    let just_before = fixtures.clock.advance(LEASE - Duration::from_micros(1));
    assert_eq!(
        queue.reap(just_before).await.expect("the reaper runs"),
        Reaped::default()
    );
    queue
        .extend(&held.lease, just_before.plus(LEASE))
        .await
        .expect("the lease holds");
    let now = fixtures.clock.advance(LEASE / 2);
    assert_eq!(queue.reap(now).await.expect("the reaper runs"), Reaped::default());
    queue.complete(&held.lease, now).await.expect("the lease holds");
}

async fn a_done_job_never_comes_back<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    let held = claim_one(queue, &fixtures).await;
    queue
        .complete(&held.lease, fixtures.now())
        .await
        .expect("the lease holds");
    let now = fixtures.clock.advance(LEASE * 100);
    assert_eq!(queue.reap(now).await.expect("the reaper runs"), Reaped::default());
    nothing_is_due(queue, &fixtures).await;
}

async fn a_failed_job_comes_back_at_its_time<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    let held = claim_one(queue, &fixtures).await;
    let again = fixtures.now().plus(Duration::from_secs(5));
    queue
        .retry_later(&held.lease, again, "tracker refused", fixtures.now())
        .await
        .expect("the lease holds");
    nothing_is_due(queue, &fixtures).await;
    fixtures.clock.advance(Duration::from_secs(5));
    let back = claim_one(queue, &fixtures).await.job;
    assert_eq!(
        (back.run_at, back.last_error.as_deref(), back.attempts),
        (again, Some("tracker refused"), 2)
    );
}

async fn a_snoozed_job_gets_its_attempt_back<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    for _ in 0..3 {
        let held = claim_one(queue, &fixtures).await;
        assert_eq!((held.job.attempts, held.job.deaths), (1, 0));
        let again = fixtures.now().plus(Duration::from_secs(60));
        queue
            .snooze(&held.lease, again, "provider is down", fixtures.now())
            .await
            .expect("the lease holds");
        nothing_is_due(queue, &fixtures).await;
        fixtures.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(
        claim_one(queue, &fixtures).await.job.last_error.as_deref(),
        Some("provider is down")
    );
}

async fn a_failing_job_blocks_nobody<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let (poison, behind) = (fixtures.job(), fixtures.job().at(fixtures.now()));
    enqueue(queue, [poison.clone(), behind.clone()]).await;
    let held = claim_one(queue, &fixtures).await;
    assert_eq!(held.job.id, poison.id);
    let again = fixtures.now().plus(Duration::from_secs(1));
    queue
        .retry_later(&held.lease, again, "poison", fixtures.now())
        .await
        .expect("the lease holds");
    assert_eq!(claim_one(queue, &fixtures).await.job.id, behind.id);
}

async fn a_buried_job_stays_until_a_person_decides<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    let held = claim_one(queue, &fixtures).await;
    queue
        .bury(&held.lease, "refused for good", fixtures.now())
        .await
        .expect("the lease holds");
    let now = fixtures.clock.advance(Duration::from_secs(365 * 24 * 3600));
    assert_eq!(queue.reap(now).await.expect("the reaper runs"), Reaped::default());
    nothing_is_due(queue, &fixtures).await;
    let mut expected = held.job;
    (expected.status, expected.last_error) = (JobStatus::Dead, Some("refused for good".into()));
    assert_eq!(dead(queue).await, [expected]);
}

fn burial(leased: &LeasedJob, error: &str, at: Timestamp) -> Write {
    Write::BuryJob {
        lease: leased.lease,
        error: error.to_owned(),
        at,
    }
}

async fn a_burial_and_what_it_leaves_behind_are_one_commit<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let (job, behind) = (fixtures.job(), fixtures.job().at(fixtures.now().plus(LEASE)));
    enqueue(queue, [job.clone()]).await;
    let held = claim_one(queue, &fixtures).await;
    // What does not fit takes the burial with it.
    let orphan = Write::AppendEvent(fixtures.intake().event);
    let change = Change::new()
        .with(burial(&held, "refused for good", fixtures.now()))
        .with(orphan);
    let error = queue.take_in(change).await.expect_err("the event has no ticket");
    assert_eq!(error.kind(), PortErrorKind::NotFound);
    assert_eq!(dead(queue).await, []);
    let later = fixtures.now().plus(Duration::from_secs(1));
    let change = Change::new()
        .with(Write::Enqueue(behind.clone()))
        .with(burial(&held, "refused for good", later));
    queue.take_in(change).await.expect("the lease holds");
    let letters = dead(queue).await;
    assert_eq!((letters.len(), letters[0].id, letters[0].attempts), (1, job.id, 1));
    assert_eq!(letters[0].last_error.as_deref(), Some("refused for good"));
    assert_eq!((letters[0].status, letters[0].updated_at), (JobStatus::Dead, later));
    let reaped = queue.reap(later.plus(LEASE * 2)).await.expect("the reaper runs");
    assert_eq!(reaped, Reaped::default(), "nobody holds it");
    let due = ClaimRequest {
        queue: Queue::Default,
        limit: 10,
        lease_until: later.plus(LEASE * 3),
        now: later.plus(LEASE * 2),
    };
    let due = queue.claim(due).await.expect("jobs can be claimed");
    assert_eq!(due.iter().map(|leased| leased.job.id).collect::<Vec<_>>(), [behind.id]);
}

async fn a_burial_under_a_lost_lease_leaves_nothing_behind<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    let zombie = claim_one(queue, &fixtures).await;
    queue.reap(fixtures.now().plus(LEASE)).await.expect("the reaper runs");
    let behind = fixtures.job().at(fixtures.now().plus(LEASE));
    let change = Change::new()
        .with(Write::Enqueue(behind))
        .with(burial(&zombie, "late", fixtures.now()));
    let error = queue.take_in(change).await.expect_err("the lease is lost");
    assert_eq!(error.kind(), PortErrorKind::Conflict);
    assert_eq!(dead(queue).await, []);
    let again = claim(queue, &fixtures, 10).await;
    assert_eq!(again.len(), 1, "the job is somebody else's to end");
    assert_eq!(again[0].job.id, zombie.job.id);
}

async fn a_revived_job_begins_at_attempt_one<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    for _ in 0..2 {
        let held = claim_one(queue, &fixtures).await;
        queue
            .retry_later(&held.lease, fixtures.now(), "x", fixtures.now())
            .await
            .expect("the lease holds");
    }
    let held = claim_one(queue, &fixtures).await;
    queue
        .bury(&held.lease, "x", fixtures.now())
        .await
        .expect("the lease holds");
    let now = fixtures.clock.advance(Duration::from_secs(60));
    assert!(queue.revive(held.job.id, now).await.expect("a person may revive"));
    assert!(
        !queue.revive(held.job.id, now).await.expect("a person may revive"),
        "it is not dead any more"
    );
    let again = claim_one(queue, &fixtures).await;
    assert_eq!(
        (again.job.id, again.job.attempts, again.job.run_at),
        (held.job.id, 1, now)
    );
}

async fn a_discarded_job_is_gone_from_the_dead<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let job = fixtures.job().dead("unparsed");
    enqueue(queue, [job.clone()]).await;
    assert!(
        queue
            .discard(job.id, fixtures.now())
            .await
            .expect("a person may discard")
    );
    assert!(dead(queue).await.is_empty());
    for again in [
        queue.discard(job.id, fixtures.now()).await,
        queue.revive(job.id, fixtures.now()).await,
    ] {
        assert!(!again.expect("a person may ask"));
    }
    nothing_is_due(queue, &fixtures).await;
}

async fn what_is_not_dead_is_neither_revived_nor_discarded<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let job = fixtures.job();
    enqueue(queue, [job.clone()]).await;
    for id in [job.id, fixtures.id()] {
        assert!(!queue.revive(id, fixtures.now()).await.expect("a person may ask"));
        assert!(!queue.discard(id, fixtures.now()).await.expect("a person may ask"));
    }
    let held = claim_one(queue, &fixtures).await;
    assert!(!queue.discard(job.id, fixtures.now()).await.expect("a person may ask"));
    queue
        .complete(&held.lease, fixtures.now())
        .await
        .expect("the lease holds");
    assert!(!queue.revive(job.id, fixtures.now()).await.expect("a person may ask"));
}

async fn a_job_dead_from_birth_runs_only_when_revived<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let job = fixtures.job().dead("unknown event type").unique("k");
    enqueue(queue, [job.clone()]).await;
    nothing_is_due(queue, &fixtures).await;
    let letters = dead(queue).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].attempts, letters[0].last_error.as_deref()),
        (0, Some("unknown event type"))
    );
    assert!(queue.revive(job.id, fixtures.now()).await.expect("a person may revive"));
    assert_eq!(claim_one(queue, &fixtures).await.job.id, job.id);
}

async fn f30_the_third_death_buries<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    for death in 1..=3 {
        claim_one(queue, &fixtures).await;
        let now = fixtures.clock.advance(LEASE);
        let expected = if death < 3 {
            Reaped { released: 1, buried: 0 }
        } else {
            Reaped { released: 0, buried: 1 }
        };
        assert_eq!(queue.reap(now).await.expect("the reaper runs"), expected);
    }
    nothing_is_due(queue, &fixtures).await;
    let letters = dead(queue).await;
    assert_eq!(
        (letters[0].deaths, letters[0].attempts, letters[0].last_error.as_deref()),
        (3, 3, Some("crash_loop"))
    );
}

async fn f30_deaths_with_a_finished_run_between_them_bury_nothing<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    for _ in 0..4 {
        claim_one(queue, &fixtures).await;
        let now = fixtures.clock.advance(LEASE);
        let reaped = queue.reap(now).await.expect("the reaper runs");
        assert_eq!(reaped, Reaped { released: 1, buried: 0 });
        let periodic = claim_one(queue, &fixtures).await;
        let again = queue.snooze(&periodic.lease, now, "periodic", now).await;
        again.expect("the lease holds");
    }
}

async fn f28_reaper_and_worker_never_both_win<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let fixtures = Fixtures::default();
    for _ in 0..20 {
        enqueue(&fresh.adapter, [fixtures.job()]).await;
        let held = claim_one(&fresh.adapter, &fixtures).await;
        let now = fixtures.clock.advance(LEASE);
        let (worker, reaper) = (Arc::clone(&fresh.adapter), Arc::clone(&fresh.adapter));
        let done = tokio::spawn(async move { worker.complete(&held.lease, now).await });
        let reaped = tokio::spawn(async move { reaper.reap(now).await });
        let done = done.await.expect("no panic").is_ok();
        let reaped = reaped.await.expect("no panic").expect("the reaper runs");
        assert_eq!(u64::from(!done), reaped.released, "done: {done}, {reaped:?}");
        for back in claim(&fresh.adapter, &fixtures, 9).await {
            fresh.adapter.complete(&back.lease, now).await.expect("the lease holds");
        }
    }
}

async fn f34_a_hostile_error_is_stored_short_and_plain<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job()]).await;
    let hostile = format!("\u{0}\u{1b}[31m\u{202e}\n{}", "é".repeat(MAX_ERROR_BYTES));
    let held = claim_one(queue, &fixtures).await;
    queue
        .retry_later(&held.lease, fixtures.now(), &hostile, fixtures.now())
        .await
        .expect("the lease holds");
    let held = claim_one(queue, &fixtures).await;
    queue
        .bury(&held.lease, &hostile, fixtures.now())
        .await
        .expect("the lease holds");
    for stored in [held.job.last_error, dead(queue).await[0].last_error.clone()] {
        let stored = stored.expect("the error is kept");
        assert!(stored.len() <= MAX_ERROR_BYTES && !stored.chars().any(char::is_control));
    }
}

async fn a_waiting_job_with_the_same_key_makes_another_a_no_op<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let (first, second) = (fixtures.job().unique("push:1"), fixtures.job().unique("push:1"));
    let other = fixtures.job().unique("push:2");
    enqueue(
        queue,
        [first.clone(), second, other.clone(), fixtures.job(), fixtures.job()],
    )
    .await;
    let claimed: BTreeSet<JobId> = claim(queue, &fixtures, 9)
        .await
        .iter()
        .map(|leased| leased.job.id)
        .collect();
    assert_eq!(claimed.len(), 4);
    assert!(claimed.contains(&first.id) && claimed.contains(&other.id));
}

async fn a_running_job_with_the_same_key_does_not_count<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job().unique("push:1")]).await;
    let running = claim_one(queue, &fixtures).await;
    let next = fixtures.job().unique("push:1");
    enqueue(queue, [next.clone()]).await;
    assert_eq!(claim_one(queue, &fixtures).await.job.id, next.id);
    queue
        .complete(&running.lease, fixtures.now())
        .await
        .expect("the lease holds");
}

async fn f39_sixteen_writers_of_one_key_queue_one_job<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let fixtures = Fixtures::default();
    let writers = (0..16).map(|_| {
        let (queue, job) = (Arc::clone(&fresh.adapter), fixtures.job().unique("poll"));
        tokio::spawn(async move { enqueue(&queue, [job]).await })
    });
    for written in join_all(writers).await {
        written.expect("a no-op is no error");
    }
    assert_eq!(claim(&fresh.adapter, &fixtures, 99).await.len(), 1);
}

async fn a_job_that_comes_back_beside_one_with_its_key_is_kept<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    enqueue(queue, [fixtures.job().unique("push:1")]).await;
    let running = claim_one(queue, &fixtures).await;
    let next = fixtures.job().unique("push:1");
    enqueue(queue, [next.clone()]).await;
    queue
        .retry_later(&running.lease, fixtures.now(), "x", fixtures.now())
        .await
        .expect("the lease holds");
    let claimed: BTreeSet<JobId> = claim(queue, &fixtures, 9)
        .await
        .iter()
        .map(|leased| leased.job.id)
        .collect();
    assert_eq!(claimed, BTreeSet::from([running.job.id, next.id]));
}

async fn waiting_ends_with_new_work_and_with_time<H: JobQueueHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let fixtures = Fixtures::default();
    let waiter = Arc::clone(&fresh.adapter);
    let waiting = tokio::spawn(async move { waiter.wait_for_work(Duration::from_secs(60)).await });
    tokio::task::yield_now().await;
    enqueue(&fresh.adapter, [fixtures.job()]).await;
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect("new work ends it")
        .expect("no panic");
    tokio::time::timeout(Duration::from_secs(20), async {
        // The first may find the news of the commit above.
        for _ in 0..2 {
            fresh.adapter.wait_for_work(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("time ends it");
}
