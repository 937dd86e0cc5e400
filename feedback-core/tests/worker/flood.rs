//! Many jobs, and jobs that never end: what is urgent does not wait for them.

use std::{sync::atomic::Ordering, time::Duration};

use feedback_core::{
    domain::{Change, JobPayload, JobStatus, NewJob, NotificationId, Queue, Write},
    ports::{Clock, IdSourceExt, PortErrorKind, Storage},
};
use tokio_util::sync::CancellationToken;

use super::{Act, Bench};

#[tokio::test(start_paused = true)]
async fn f41_a_flood_in_one_queue_keeps_no_other_queue_waiting() {
    let bench = Bench::new(Act::Hang).await;
    for _ in 0..5_000 {
        bench.enqueue().await;
    }
    let stop = CancellationToken::new();
    let worker = bench.worker.clone();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { worker.run(stop).await }
    });
    // Every slot of the flooded queue is taken by a job that never ends.
    while bench.triage.calls.load(Ordering::SeqCst) < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut waits = Vec::new();
    for _ in 0..100 {
        let payload = JobPayload::ReconcileNotification {
            notification: bench.ids.next::<NotificationId>(),
        };
        assert_eq!(payload.queue(), Queue::Critical);
        let job = NewJob::now(bench.ids.next(), payload, bench.clock.now());
        let id = job.id;
        let change = Change::new().with(Write::Enqueue(job));
        bench.store.commit(change).await.expect("queued");
        let begun = tokio::time::Instant::now();
        let is_done = || {
            let jobs = bench.store.jobs();
            jobs.iter().any(|job| job.id == id && job.status == JobStatus::Done)
        };
        while !is_done() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        waits.push(begun.elapsed());
    }
    waits.sort();
    assert!(
        waits[98] <= Duration::from_secs(2),
        "the slowest but one: {:?}",
        waits[98]
    );
    stop.cancel();
    running.await.expect("the worker ends");
}

#[tokio::test(start_paused = true)]
async fn f31_a_hundred_jobs_that_never_return_leave_the_worker_as_it_was() {
    let bench = Bench::new(Act::Hang).await;
    let runs = || bench.triage.calls.load(Ordering::SeqCst);
    for _ in 0..25 {
        for _ in 0..4 {
            bench.enqueue().await;
        }
        bench.worker.run_due().await;
    }
    // Each was stopped at its limit; those that fell due meanwhile took no more than their places either.
    assert!(runs() >= 100, "{} runs", runs());
    let jobs = bench.store.jobs();
    assert!(
        jobs.iter().all(|job| job.status != JobStatus::Leased),
        "no slot is still taken"
    );
    let timeouts = jobs.iter().filter(|job| {
        let error = job.last_error.as_deref().unwrap_or_default();
        error.starts_with("timeout")
    });
    assert_eq!(timeouts.count(), 100);
}

#[tokio::test]
async fn f71_an_ai_whose_budget_is_used_up_is_asked_now_and_then_and_not_once_for_each_ticket() {
    let pause = Duration::from_secs(3600);
    let bench = Bench::new(Act::Fail(PortErrorKind::RateLimited {
        retry_after: Some(pause),
    }))
    .await;
    for _ in 0..1_000 {
        bench.enqueue().await;
    }
    bench.run_hours(12).await;
    let calls = bench.triage.calls.load(Ordering::SeqCst);
    // As many as were on their way when the first answer came, in each hour that the provider asked for.
    assert!(calls <= 12 * 4, "{calls} calls for 1,000 tickets in 12 hours");
    assert!(
        calls >= 6,
        "{calls} calls: nobody looks whether there is a budget again"
    );
    let jobs = bench.store.jobs();
    assert!(
        jobs.iter().all(|job| job.status == JobStatus::Ready),
        "all wait for the next budget"
    );
}
