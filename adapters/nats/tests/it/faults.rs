use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f21_a_server_that_is_away_delays_no_job_and_gets_its_messages_when_it_is_back() {
    let (server, database, fixtures) = (NatsServer::start(), database(), Fixtures::default());
    server.stop();
    // Not there at the start.
    let host = Host::on(&database, config(&server), &fixtures.clock).await;
    let before = some(&fixtures, 20);
    host.enqueue(&before).await;
    assert_eq!(host.work(20, Duration::from_secs(5)).await, once(&before));
    assert_eq!(host.queue.standing().claimed_by_look, 20);
    server.start_again();
    host.until_linked(true).await;

    // Gone in the middle, with work coming in and nobody who looks at it.
    server.stop();
    host.until_linked(false).await;
    let meanwhile = some(&fixtures, 20);
    host.enqueue(&meanwhile).await;
    let published = host.queue.standing().published;
    server.start_again();
    until(|| host.queue.standing().published == published + 20).await;
    assert_eq!(host.work(20, Duration::from_secs(5)).await, once(&meanwhile));
    assert!(host.queue.standing().claimed_by_message > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f21_a_server_that_goes_while_a_worker_waits_keeps_no_job_longer_than_five_seconds() {
    let (server, database, fixtures) = (NatsServer::start(), database(), Fixtures::default());
    let host = Host::on(&database, config(&server), &fixtures.clock).await;
    host.until_linked(true).await;
    assert_eq!(host.claim(4).await, []);
    server.stop();
    let jobs = some(&fixtures, 8);
    host.enqueue(&jobs).await;
    assert_eq!(host.work(8, Duration::from_secs(5)).await, once(&jobs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f22_a_store_that_was_deleted_loses_no_job_and_doubles_none() {
    let (server, database, fixtures) = (NatsServer::start(), database(), Fixtures::default());
    let host = Host::on(&database, config(&server).with_look_every(NEVER), &fixtures.clock).await;
    host.until_linked(true).await;
    // The one look of this test, while there is nothing to find.
    assert_eq!(host.claim(0).await, []);
    assert_eq!(host.claim(1).await, []);
    let jobs = some(&fixtures, 50);
    host.enqueue(&jobs).await;
    until(|| host.queue.standing().published == 50).await;
    server.stop();
    server.delete_store();
    host.until_linked(false).await;
    server.start_again();
    host.until_linked(true).await;
    // Not half a minute old: they might still be on their way.
    fixtures.clock.advance(Duration::from_secs(29));
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(host.queue.standing().published, 50);
    fixtures.clock.advance(Duration::from_secs(1));
    assert_eq!(host.work(50, Duration::from_secs(20)).await, once(&jobs));
    let standing = host.queue.standing();
    assert_eq!((standing.claimed_by_message, standing.claimed_by_look), (50, 0));
    // One was there before: a host with one free place had asked for one.
    assert!(standing.published >= 99, "{standing:?}");
    assert!(host.claim(4).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f22_a_stream_that_is_deleted_under_a_running_server_is_made_again() {
    let (server, database, fixtures) = (NatsServer::start(), database(), Fixtures::default());
    let host = Host::on(&database, config(&server), &fixtures.clock).await;
    host.until_linked(true).await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let context = async_nats::jetstream::new(client);
    context.delete_stream("feedback_jobs").await.unwrap();
    let jobs = some(&fixtures, 8);
    host.enqueue(&jobs).await;
    assert_eq!(host.work(8, Duration::from_secs(5)).await, once(&jobs));
    let made = async || context.get_stream("feedback_jobs").await.is_ok();
    let again = Instant::now() + Duration::from_secs(10);
    while !made().await {
        assert!(Instant::now() < again, "nobody made the stream again");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f23_ids_that_come_five_times_are_claimed_once() {
    let (server, database, fixtures) = (NatsServer::start(), database(), Fixtures::default());
    let host = Host::on(&database, config(&server).with_look_every(NEVER), &fixtures.clock).await;
    host.until_linked(true).await;
    assert_eq!(host.claim(1).await, []);
    let jobs = some(&fixtures, 20);
    host.enqueue(&jobs).await;
    until(|| host.queue.standing().published == 20).await;
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    for _ in 0..4 {
        for job in &jobs {
            // Without a message id, as after the time in which the server knows them.
            let payload = job.id.as_uuid().to_string();
            let stored = context.publish("feedback_jobs.default", payload.into()).await.unwrap();
            stored.await.unwrap();
        }
    }
    context
        .publish("feedback_jobs.default", "nobody's job".into())
        .await
        .unwrap()
        .await
        .unwrap();
    assert_eq!(host.work(20, Duration::from_secs(20)).await, once(&jobs));
    // All that is left finds nothing, and is dropped.
    assert_eq!(host.work(1, Duration::from_secs(3)).await, BTreeMap::new());
    let standing = host.queue.standing();
    assert_eq!((standing.claimed_by_message, standing.stale_messages), (20, 80));
    assert_eq!(left(&context).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f23_what_a_host_took_and_never_acknowledged_goes_to_another() {
    use futures::StreamExt;

    let (server, database, fixtures) = (NatsServer::start(), database(), Fixtures::default());
    let host = Host::on(&database, config(&server).with_look_every(NEVER), &fixtures.clock).await;
    host.until_linked(true).await;
    let jobs = some(&fixtures, 10);
    host.enqueue(&jobs).await;
    until(|| host.queue.standing().published == 10).await;
    // Somebody takes all messages; half of the jobs are done before the acknowledgements get lost.
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let consumer: async_nats::jetstream::consumer::PullConsumer = context
        .get_stream("feedback_jobs")
        .await
        .unwrap()
        .get_consumer("default")
        .await
        .unwrap();
    let taken = consumer.fetch().max_messages(10).messages().await.unwrap();
    assert_eq!(taken.count().await, 10);
    let half: Vec<JobId> = jobs[..5].iter().map(|job| job.id).collect();
    let now = fixtures.now();
    let request = ClaimRequest {
        queue: Queue::Default,
        limit: 5,
        lease_until: now.plus(Duration::from_secs(30)),
        now,
    };
    let claimed = feedback_core::ports::Outbox::claim_these(&host.rows, &half, request).await;
    for leased in claimed.unwrap() {
        host.rows.complete(&leased.lease, now).await.unwrap();
    }
    // Uses up the one look of this test.
    assert_eq!(host.claim(0).await, []);
    host.clock.set(now.minus(Duration::from_secs(1)));
    assert_eq!(host.claim(1).await, []);
    host.clock.set(now);
    assert_eq!(host.work(5, Duration::from_secs(25)).await, once(&jobs[5..]));
    assert_eq!(host.work(1, Duration::from_secs(3)).await, BTreeMap::new());
    let standing = host.queue.standing();
    assert_eq!((standing.claimed_by_message, standing.stale_messages), (5, 5));
    assert_eq!(left(&context).await, 0);
}

/// Messages that the stream still holds; acknowledgements need a moment to arrive.
async fn left(context: &async_nats::jetstream::Context) -> u64 {
    let mut messages = u64::MAX;
    for _ in 0..50 {
        let stream = context.get_stream("feedback_jobs").await.unwrap();
        messages = stream.cached_info().state.messages;
        if messages == 0 {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    messages
}
