//! The promises of [`Outbox`], beyond those of a job queue.

use std::{collections::BTreeSet, future::Future, process::ExitCode, sync::Arc, time::Duration};

use futures::future::join_all;

use super::{Check, Fresh, checks, run_checks};
use crate::{
    domain::{Change, JobId, JobPayload, LeasedJob, NewJob, Queue, Write},
    ports::{ClaimRequest, JobQueue, Outbox, Publication, PublishRequest, SettleError, Storage},
    testing::fixtures::Fixtures,
};

/// Makes outboxes for the checks. Jobs come in by [`Storage::commit`], so that both are behind one adapter.
pub trait OutboxHarness: Send + Sync + 'static {
    /// The outbox under test.
    type Adapter: Outbox + Storage;

    /// An empty one.
    fn fresh(&self) -> impl Future<Output = Fresh<Self::Adapter>> + Send;
}

/// Runs all checks as a test binary.
pub fn run<H: OutboxHarness>(harness: H) -> ExitCode {
    run_checks(harness, "outbox", checks())
}

/// All checks, for a binary that runs several suites.
pub fn checks<H: OutboxHarness>() -> &'static [Check<H>] {
    checks![
        named_jobs_are_claimed_and_no_others,
        a_named_job_is_claimed_as_any_other,
        f23_sixteen_claimers_of_the_same_ids_get_different_jobs,
        a_due_job_is_published_once_until_it_is_time_again,
        what_cannot_be_claimed_is_not_published,
        each_queue_has_its_own_room_and_its_oldest_come_first,
        a_job_that_waits_again_was_never_published,
        sixteen_relays_take_different_jobs,
        waiting_ends_with_new_work_and_with_time,
    ]
}

const LEASE: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_secs(30);

async fn enqueue(queue: &impl Storage, jobs: impl IntoIterator<Item = NewJob>) {
    let change = jobs.into_iter().map(Write::Enqueue).fold(Change::new(), Change::with);
    queue.commit(change).await.expect("jobs can be queued");
}

fn any(fixtures: &Fixtures, limit: usize) -> ClaimRequest {
    let now = fixtures.now();
    ClaimRequest {
        queue: Queue::Default,
        limit,
        lease_until: now.plus(LEASE),
        now,
    }
}

async fn claim(queue: &impl Outbox, fixtures: &Fixtures, ids: &[JobId]) -> Vec<LeasedJob> {
    let claimed = queue.claim_these(ids, any(fixtures, 99)).await;
    claimed.expect("jobs can be claimed")
}

async fn take_of(queue: &impl Outbox, fixtures: &Fixtures, queues: &[Queue], limit: usize) -> Vec<Publication> {
    let request = PublishRequest {
        queues: queues.to_vec(),
        limit,
        published_before: fixtures.now().minus(AGAIN),
        now: fixtures.now(),
    };
    queue.take_unpublished(request).await.expect("jobs can be taken")
}

async fn take(queue: &impl Outbox, fixtures: &Fixtures) -> Vec<JobId> {
    let taken = take_of(queue, fixtures, &Queue::ALL, 99).await;
    taken.iter().map(|publication| publication.job).collect()
}

fn ids_of(leased: &[LeasedJob]) -> Vec<JobId> {
    leased.iter().map(|leased| leased.job.id).collect()
}

async fn named_jobs_are_claimed_and_no_others<H: OutboxHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let (named, other) = (fixtures.job(), fixtures.job());
    let later = fixtures.job().at(fixtures.now().plus(Duration::from_micros(1)));
    let elsewhere = NewJob::now(fixtures.id(), JobPayload::PollTracker, fixtures.now());
    enqueue(queue, [named.clone(), other.clone(), later.clone(), elsewhere.clone()]).await;
    let unknown = fixtures.job();
    let ids = [later.id, elsewhere.id, unknown.id, named.id, named.id];
    assert_eq!(ids_of(&claim(queue, &fixtures, &ids).await), [named.id]);
    assert_eq!(claim(queue, &fixtures, &[named.id]).await, [], "it is leased");
    assert_eq!(claim(queue, &fixtures, &[]).await, []);
    let rest = queue.claim(any(&fixtures, 9)).await.expect("jobs can be claimed");
    assert_eq!(ids_of(&rest), [other.id]);
}

async fn a_named_job_is_claimed_as_any_other<H: OutboxHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let start = fixtures.now();
    let jobs = [2, 0, 1].map(|seconds| fixtures.job().at(start.plus(Duration::from_secs(seconds))));
    enqueue(queue, jobs.clone()).await;
    fixtures.clock.advance(Duration::from_secs(2));
    let ids = jobs.map(|job| job.id);
    let two = queue.claim_these(&ids, any(&fixtures, 2)).await;
    let two = two.expect("jobs can be claimed");
    assert_eq!(ids_of(&two), [ids[1], ids[2]], "the oldest first, as many as asked for");
    assert_eq!(
        (two[0].job.attempts, two[0].lease.until),
        (1, fixtures.now().plus(LEASE))
    );
    let (lease, now) = (two[0].lease, fixtures.now());
    queue.complete(&lease, now).await.expect("the lease holds");
    let again = queue.complete(&lease, now).await;
    assert!(matches!(again, Err(SettleError::LeaseLost)), "it is fenced");
    assert_eq!(claim(queue, &fixtures, &[lease.job]).await, [], "it is done");
}

async fn f23_sixteen_claimers_of_the_same_ids_get_different_jobs<H: OutboxHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let fixtures = Fixtures::default();
    let jobs: Vec<NewJob> = (0..32).map(|_| fixtures.job()).collect();
    enqueue(&fresh.adapter, jobs.clone()).await;
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    let claimers = (0..16).map(|_| {
        let (queue, fixtures, ids) = (Arc::clone(&fresh.adapter), fixtures.clone(), ids.clone());
        tokio::spawn(async move { ids_of(&claim(&queue, &fixtures, &ids).await) })
    });
    let claimed = join_all(claimers).await;
    let mut claimed: Vec<JobId> = claimed.into_iter().flat_map(|mine| mine.expect("no panic")).collect();
    // What another claimer held at that moment was passed over by all.
    claimed.extend(ids_of(&claim(&fresh.adapter, &fixtures, &ids).await));
    assert_eq!(claimed.len(), ids.len(), "each once");
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>(), ids.iter().collect());
}

async fn a_due_job_is_published_once_until_it_is_time_again<H: OutboxHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let job = fixtures.job();
    enqueue(queue, [job.clone()]).await;
    let first = Publication {
        job: job.id,
        queue: Queue::Default,
        attempts: 0,
        published_at: fixtures.now(),
    };
    assert_eq!(take_of(queue, &fixtures, &Queue::ALL, 9).await, [first]);
    fixtures.clock.advance(AGAIN - Duration::from_micros(1));
    assert_eq!(take(queue, &fixtures).await, []);
    fixtures.clock.advance(Duration::from_micros(1));
    assert_eq!(
        take(queue, &fixtures).await,
        [job.id],
        "its publication may have been lost"
    );
    assert_eq!(take(queue, &fixtures).await, []);
    assert_eq!(
        ids_of(&queue.claim(any(&fixtures, 9)).await.expect("jobs can be claimed")),
        [job.id],
        "whoever looks by himself finds it all the same"
    );
}

async fn what_cannot_be_claimed_is_not_published<H: OutboxHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let later = fixtures.job().at(fixtures.now().plus(Duration::from_secs(1)));
    let leased = fixtures.job();
    enqueue(queue, [later.clone(), leased.clone(), fixtures.job().dead("x")]).await;
    assert_eq!(claim(queue, &fixtures, &[leased.id]).await.len(), 1);
    assert_eq!(take(queue, &fixtures).await, []);
    fixtures.clock.advance(Duration::from_secs(1));
    assert_eq!(take(queue, &fixtures).await, [later.id]);
}

async fn each_queue_has_its_own_room_and_its_oldest_come_first<H: OutboxHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let start = fixtures.now();
    let jobs = [1, 2, 0].map(|seconds| fixtures.job().at(start.plus(Duration::from_secs(seconds))));
    let low = NewJob::now(fixtures.id(), JobPayload::PollTracker, start);
    enqueue(queue, jobs.clone().into_iter().chain([low.clone()])).await;
    fixtures.clock.advance(Duration::from_secs(2));
    let oldest = take_of(queue, &fixtures, &[Queue::Default], 2).await;
    let oldest: BTreeSet<JobId> = oldest.iter().map(|publication| publication.job).collect();
    assert_eq!(oldest, BTreeSet::from([jobs[2].id, jobs[0].id]));
    let both = take_of(queue, &fixtures, &[Queue::Low, Queue::Default], 2).await;
    let both: BTreeSet<(JobId, Queue)> = both.iter().map(|taken| (taken.job, taken.queue)).collect();
    assert_eq!(
        both,
        BTreeSet::from([(jobs[1].id, Queue::Default), (low.id, Queue::Low)])
    );
}

async fn a_job_that_waits_again_was_never_published<H: OutboxHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let (queue, fixtures) = (&fresh.adapter, Fixtures::default());
    let job = fixtures.job();
    enqueue(queue, [job.clone()]).await;
    let now = fixtures.now();
    for way in ["retried", "given back", "taken back", "revived"] {
        assert_eq!(take(queue, &fixtures).await, [job.id], "{way}: published once");
        assert_eq!(take(queue, &fixtures).await, [], "{way}: and once only");
        let mut request = any(&fixtures, 9);
        request.lease_until = now;
        let claimed = queue
            .claim_these(&[job.id], request)
            .await
            .expect("jobs can be claimed");
        let lease = claimed[0].lease;
        match way {
            "retried" => queue.retry_later(&lease, now, "x", now).await.expect("the lease holds"),
            "given back" => queue.snooze(&lease, now, "x", now).await.expect("the lease holds"),
            "taken back" => assert_eq!(queue.reap(now).await.expect("jobs can be taken back").released, 1),
            _ => {
                queue.bury(&lease, "x", now).await.expect("the lease holds");
                assert_eq!(take(queue, &fixtures).await, [], "dead");
                assert!(queue.revive(job.id, now).await.expect("jobs can be revived"));
            }
        }
    }
    assert_eq!(take(queue, &fixtures).await, [job.id]);
}

async fn sixteen_relays_take_different_jobs<H: OutboxHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let fixtures = Fixtures::default();
    enqueue(&fresh.adapter, (0..64).map(|_| fixtures.job())).await;
    let relays = (0..16).map(|_| {
        let (queue, fixtures) = (Arc::clone(&fresh.adapter), fixtures.clone());
        tokio::spawn(async move { take_of(&queue, &fixtures, &[Queue::Default], 8).await })
    });
    let taken = join_all(relays).await;
    let mut taken: Vec<JobId> = taken
        .into_iter()
        .flat_map(|mine| mine.expect("no panic"))
        .map(|publication| publication.job)
        .collect();
    // What another relay held at that moment was passed over.
    taken.extend(take(&fresh.adapter, &fixtures).await);
    assert_eq!(taken.len(), 64, "each once");
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), 64);
}

async fn waiting_ends_with_new_work_and_with_time<H: OutboxHarness>(harness: &H) {
    let fresh = harness.fresh().await;
    let fixtures = Fixtures::default();
    let waiter = Arc::clone(&fresh.adapter);
    let waiting = tokio::spawn(async move { waiter.wait_for_unpublished(Duration::from_secs(60)).await });
    tokio::task::yield_now().await;
    enqueue(&fresh.adapter, [fixtures.job()]).await;
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .expect("new work ends it")
        .expect("no panic");
    tokio::time::timeout(Duration::from_secs(20), async {
        // The first may find the news of the commit above.
        for _ in 0..2 {
            fresh.adapter.wait_for_unpublished(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("time ends it");
}
