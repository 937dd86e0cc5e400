use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_host_brings_another_hears_of() {
    let (server, database, fixtures) = (NatsServer::start(), database(), Fixtures::default());
    let config = config(&server).with_look_every(NEVER);
    let one = Host::on(&database, config.clone(), &fixtures.clock).await;
    let other = Host::on(&database, config, &fixtures.clock).await;
    one.until_linked(true).await;
    other.until_linked(true).await;
    let jobs = some(&fixtures, 30);
    assert_eq!(other.claim(1).await, []);
    one.enqueue(&jobs).await;
    assert_eq!(other.work(30, Duration::from_secs(20)).await, once(&jobs));
    let (one, other) = (one.queue.standing(), other.queue.standing());
    assert_eq!((one.published, one.claimed_by_message), (30, 0));
    assert_eq!(
        (other.published, other.claimed_by_message, other.claimed_by_look),
        (0, 30, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_hosts_share_the_work_and_none_does_anothers() {
    let (server, database, fixtures) = (NatsServer::start(), database(), Fixtures::default());
    let mut hosts = Vec::new();
    for _ in 0..3 {
        let host = Host::on(&database, config(&server), &fixtures.clock).await;
        host.until_linked(true).await;
        hosts.push(Arc::new(host));
    }
    let jobs = some(&fixtures, 300);
    let work = hosts.iter().map(|host| {
        let host = Arc::clone(host);
        tokio::spawn(async move { host.work(usize::MAX, Duration::from_secs(6)).await })
    });
    let work: Vec<_> = work.collect();
    for some in jobs.chunks(10) {
        hosts[0].enqueue(some).await;
    }
    let mut all: BTreeMap<JobId, usize> = BTreeMap::new();
    let mut shares = Vec::new();
    for done in work {
        let done = done.await.unwrap();
        shares.push(done.len());
        for (job, times) in done {
            *all.entry(job).or_default() += times;
        }
    }
    assert_eq!(all, once(&jobs));
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_published_when_its_time_has_come_and_after_each_failure() {
    let (server, database, fixtures) = (NatsServer::start(), database(), Fixtures::default());
    let host = Host::on(&database, config(&server).with_look_every(NEVER), &fixtures.clock).await;
    host.until_linked(true).await;
    assert_eq!(host.claim(1).await, []);
    let start = fixtures.now();
    let later = Duration::from_secs(60);
    let job = fixtures.job().at(start.plus(later));
    host.enqueue(std::slice::from_ref(&job)).await;
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(host.queue.standing().published, 0);
    for attempt in 1..4 {
        let now = fixtures.clock.advance(later);
        until(|| host.queue.standing().published == attempt).await;
        let mut claimed = host.claim(1).await;
        while claimed.is_empty() {
            host.queue.wait_for_work(Duration::from_millis(100)).await;
            claimed = host.claim(1).await;
        }
        assert_eq!(claimed[0].job.id, job.id);
        let lease = claimed[0].lease;
        host.queue.retry_later(&lease, now.plus(later), "x", now).await.unwrap();
    }
    assert_eq!(host.queue.standing().claimed_by_message, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_stays_in_the_database() {
    let (server, database, fixtures) = (NatsServer::start(), database(), Fixtures::default());
    let config = config(&server).with_look_every(NEVER).with_room(16);
    let host = Host::on(&database, config, &fixtures.clock).await;
    host.until_linked(true).await;
    assert_eq!(host.claim(1).await, []);
    let jobs = some(&fixtures, 200);
    host.enqueue(&jobs).await;
    until(|| host.queue.standing().published >= 16).await;
    sleep(Duration::from_millis(500)).await;
    assert!(
        host.queue.standing().published <= 32,
        "one more batch than there is room for at most"
    );
    assert_eq!(host.work(200, Duration::from_secs(30)).await, once(&jobs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_without_the_password() {
    let server = NatsServer::start_with_login("hub", "right-password/1");
    let right = server.url().replace("right-password/1", "right-password%2F1");
    Nats::check(&NatsConfig::new(right.as_str().into())).await.unwrap();
    let wrong = right.replace("right-", "wrong-");
    let error = Nats::check(&NatsConfig::new(wrong.into())).await.unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(told.to_lowercase().contains("auth"), "{told}");
    assert!(!told.contains("password"), "{told}");
}
