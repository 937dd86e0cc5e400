//! `kill -9` in the middle of traffic: what was answered 2xx is there exactly once, and what was approved arrives
//! exactly once (on WhatsApp, where nothing can be read back, at most once, and a person is asked about the rest).
//!
//! `FEEDBACK_CRASH_CYCLES` makes a long campaign of each; `FEEDBACK_CRASH_SEED` has it kill at other moments.

mod fleet;
mod tally;
mod traffic;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use feedback_adapters::sandbox::{Sandbox, SandboxConfig};
use feedback_test_servers::{nats::NatsServer, postgres};
use feedback_tests::{api::Api, wait::until};
use reqwest::Method;

use self::{
    fleet::Fleet,
    tally::Tally,
    traffic::{Traffic, review, send_reports},
};

/// For each life of a host.
const REPORTS_PER_LIFE: usize = 4;

/// A report in this time.
const PAUSE: Duration = Duration::from_millis(150);

#[tokio::test(flavor = "multi_thread")]
async fn f01_a_host_on_sqlite_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("crash.db").display());
    let campaign = Campaign::start(1, &[("FEEDBACK_DATABASE_URL", url)]).await;
    campaign.run("SQLite", number("FEEDBACK_CRASH_CYCLES", 40)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f02_two_hosts_on_one_postgres_that_are_killed_in_turn_lose_and_double_nothing() {
    let database = postgres::shared().database();
    let campaign = Campaign::start(2, &on_server(&database)).await;
    campaign
        .run("PostgreSQL, two hosts", number("FEEDBACK_CRASH_CYCLES", 10))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f22_two_hosts_over_jetstream_that_are_killed_and_whose_stream_is_deleted_lose_and_double_nothing() {
    let (database, stream) = (postgres::shared().database(), NatsServer::start());
    let mut store = on_server(&database).to_vec();
    store.push(("FEEDBACK_QUEUE_URL", stream.url()));
    let mut campaign = Campaign::start(2, &store).await;
    campaign.stream = Some(stream);
    campaign
        .run(
            "JetStream over PostgreSQL, two hosts",
            number("FEEDBACK_CRASH_CYCLES", 5),
        )
        .await;
}

/// What hosts on a server keep beside it goes into a folder of its own.
fn on_server(database: &postgres::Database) -> [(&'static str, String); 3] {
    let folder = std::env::temp_dir().join(database.name());
    [
        ("FEEDBACK_DATABASE_URL", database.url()),
        ("FEEDBACK_BLOB_URL", format!("file://{}", folder.display())),
        (
            "FEEDBACK_ERASURE_LOG",
            folder.with_extension("jsonl").display().to_string(),
        ),
    ]
}

/// Traffic over hosts that die.
struct Campaign {
    sandbox: Arc<Sandbox>,
    fleet: Fleet,
    random: Random,
    /// What carries jobs between the hosts, to be robbed of its store three times.
    stream: Option<NatsServer>,
}

impl Campaign {
    async fn start(hosts: usize, store: &[(&'static str, String)]) -> Self {
        let sandbox = Arc::new(Sandbox::start(SandboxConfig::demo()).await.expect("loopback has ports"));
        Self {
            fleet: Fleet::new(hosts, &sandbox, store),
            sandbox,
            random: Random(number("FEEDBACK_CRASH_SEED", 1) as u64),
            stream: None,
        }
    }

    async fn run(mut self, store: &str, kills: usize) {
        let begun = Instant::now();
        let traffic = Arc::new(Traffic::default());
        let (urls, apis) = (self.fleet.urls(), self.fleet.apis());
        let sending = tokio::spawn(send_reports(
            Arc::clone(&self.sandbox),
            Arc::clone(&traffic),
            urls,
            PAUSE,
        ));
        let reviewing = tokio::spawn(review(Arc::clone(&self.sandbox), Arc::clone(&traffic), apis.clone()));
        for index in 0..self.fleet.len() {
            self.fleet.spawn(index);
            self.fleet.ready(index).await;
        }
        let quarter = (kills / 4).max(1);
        for kill in 1..=kills {
            traffic.allow(REPORTS_PER_LIFE);
            self.kill_one().await;
            if kill % quarter == 0 && kill / quarter <= 3 {
                self.lose_stream().await;
            }
        }
        for index in 0..self.fleet.len() {
            self.fleet.ready(index).await;
        }
        // What was under way when the last of them died shall have people who answer it.
        tokio::time::sleep(Duration::from_secs(2)).await;
        traffic.stop();
        sending.await.expect("the reports were sent");
        reviewing.await.expect("the reviewer went home");
        let revived = come_to_rest(&apis[0]).await;
        let ledger = std::mem::take(&mut *traffic.ledger());
        let tally = Tally::of(&apis[0], &self.sandbox, &ledger).await;
        self.jobs_came_over_the_stream(&apis).await;
        let slowest = self.fleet.slowest_start;
        for index in 0..self.fleet.len() {
            self.fleet.kill(index).await;
        }
        let chains = self.fleet.command("verify").await;
        println!(
            "{store}: {kills} kills in {:?}; {} reports sent, {} answered 2xx, {} there; {} messages to customers, {} asked about; \
             {revived} jobs revived after three deaths; slowest start {slowest:?}; {} lost, {} duplicated, {} unexpected",
            begun.elapsed(),
            ledger.sent.len(),
            ledger.acked.len(),
            tally.reports,
            tally.deliveries,
            tally.asked,
            tally.lost.len(),
            tally.duplicated.len(),
            tally.unexpected.len(),
        );
        assert!(tally.lost.is_empty(), "lost: {:#?}", tally.lost);
        assert!(tally.duplicated.is_empty(), "there twice: {:#?}", tally.duplicated);
        assert!(
            tally.unexpected.is_empty(),
            "nobody sent or approved: {:#?}",
            tally.unexpected
        );
        assert_eq!(chains, Ok(()), "the timelines are whole");
        assert!(ledger.acked.len() > kills && tally.deliveries > 0, "there was traffic");
    }

    /// Kills what carries the jobs, and starts it with nothing that it stored.
    async fn lose_stream(&mut self) {
        if let Some(stream) = &self.stream {
            stream.stop();
            tokio::time::sleep(Duration::from_millis(self.random.below(1_500))).await;
            stream.delete_store();
            stream.start_again();
        }
    }

    /// Without this, a campaign over the database alone would pass for one over the stream.
    async fn jobs_came_over_the_stream(&self, apis: &[Api]) {
        if self.stream.is_none() {
            return;
        }
        let mut claimed = 0;
        for api in apis {
            let metrics = api.text("/metrics").await;
            let ways = metrics
                .lines()
                .filter(|line| line.starts_with("feedback_queue_jobs_total"));
            claimed += ways.filter(|line| line.contains("claimed")).count();
        }
        assert!(claimed > 0, "no host claimed a job because of a message");
    }

    /// Lets a host live for a while, kills it, and starts it again: mostly when it was ready, now and then while it starts.
    /// Every eighth time all hosts at once.
    async fn kill_one(&mut self) {
        let chosen = self.random.below(self.fleet.len() as u64) as usize;
        // Longer lives now and then: a way from the report to the answer takes seconds.
        let life = match self.random.below(6) {
            0 => self.random.below(400),
            1 => 500 + self.random.below(2_500),
            _ => 100 + self.random.below(1_000),
        };
        if life >= 100 {
            self.fleet.ready(chosen).await;
        }
        tokio::time::sleep(Duration::from_millis(life)).await;
        let all = self.random.below(8) == 0;
        for index in (0..self.fleet.len()).filter(|index| all || *index == chosen) {
            self.fleet.kill(index).await;
            self.fleet.spawn(index);
        }
    }
}

/// Waits until nothing is left to do. A job that three processes in a row died with is a dead letter, and is tried again as
/// its operator would; any other dead letter is a failure. How many were revived.
async fn come_to_rest(api: &Api) -> usize {
    let mut revived = 0;
    loop {
        until("the hub to come to rest", Duration::from_secs(120), || async {
            let (_, status) = api.try_call(Method::GET, "/api/ops/status", None).await?;
            (status["quiescent"] == true).then_some(())
        })
        .await;
        let dead = api.all("/api/dead_letters").await;
        if dead.is_empty() {
            return revived;
        }
        for letter in dead {
            let why = letter["last_error"].as_str().unwrap_or_default();
            assert!(why.starts_with("crash_loop"), "a dead letter: {letter}");
            let path = format!("/api/dead_letters/{}/retry", letter["id"].as_str().unwrap_or_default());
            let (status, said) = api.call(Method::POST, &path, None).await;
            assert!(status.is_success(), "{said}");
            revived += 1;
        }
    }
}

/// The same moments for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a campaign is to be is said where it is started"
)]
fn number(key: &str, default: usize) -> usize {
    std::env::var(key)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}
