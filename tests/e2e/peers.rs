//! Two hosts on one PostgreSQL database: what one was doing when it died, the other does.

use std::time::{Duration, Instant};

use feedback_adapters::sandbox::{Fault, Provider, Sandbox, SandboxConfig};
use feedback_test_servers::postgres;
use feedback_tests::{
    host::{Host, free_address},
    wait::until,
};

const TOKEN: &str = "peers-test-token-0123456789";
const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";

/// What the test's hosts are given in place of 30 s.
const LEASE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn f02_the_jobs_of_a_killed_host_run_on_its_peer_when_their_leases_have_lapsed() {
    let sandbox = Sandbox::start(SandboxConfig::demo()).await.expect("loopback has ports");
    let database = postgres::shared().database();
    let folder = tempfile::tempdir().expect("a folder");
    let config = sandbox.config();
    let environment = [
        ("FEEDBACK_DATABASE_URL", database.url()),
        ("FEEDBACK_BLOB_URL", format!("file://{}", folder.path().display())),
        (
            "FEEDBACK_ERASURE_LOG",
            folder.path().join("erasures").display().to_string(),
        ),
        ("FEEDBACK_SECRET_KEYS", KEYS.to_owned()),
        (
            "FEEDBACK_INTERCOM__CLIENT_SECRET",
            config.intercom.client_secret.clone(),
        ),
        ("FEEDBACK_INTERCOM__ACCESS_TOKEN", config.intercom.access_token.clone()),
        ("FEEDBACK_INTERCOM__ADMIN_ID", config.intercom.admin_id.clone()),
        ("FEEDBACK_INTERCOM__BASE_URL", sandbox.intercom_base_url()),
        ("FEEDBACK_OPENAI__API_KEY", config.openai.api_key.clone()),
        ("FEEDBACK_OPENAI__BASE_URL", sandbox.openai_base_url()),
        ("FEEDBACK_WORKER__LEASE_SECONDS", LEASE.as_secs().to_string()),
    ];
    let first = Host::serve(free_address(), TOKEN, &environment).await;
    sandbox.connect(&first.url);
    // The first host asks AI about the report, and no answer comes as long as it lives.
    sandbox.faults().always(Provider::OpenAi, Fault::Hang);
    let person = &config.people[0].intercom_id;
    let (_, inbound) = sandbox
        .intercom()
        .person_writes(person, "La exportación falla desde ayer");
    assert!(sandbox.deliver(&inbound).await.is_accepted());
    let job = |columns: &str| {
        database.run(&format!(
            "SELECT {columns} FROM feedback.jobs WHERE kind = 'triage_ticket'"
        ))
    };
    until("the job to be held", Duration::from_secs(10), || async {
        (job("status") == "leased" && !sandbox.requests(Provider::OpenAi).is_empty()).then_some(())
    })
    .await;
    let second = Host::serve(free_address(), TOKEN, &environment).await;
    // Longer than a lease: heartbeats hold the job for the host that lives.
    tokio::time::sleep(LEASE + LEASE / 2).await;
    assert_eq!(job("status || ' ' || attempts || ' ' || deaths"), "leased 1 0");

    sandbox.faults().clear(Provider::OpenAi);
    first.kill().await;
    let killed = Instant::now();
    until("the peer to do the job", Duration::from_secs(45), || async {
        (job("status") == "done").then_some(())
    })
    .await;
    let waited = killed.elapsed();
    assert_eq!(
        job("count(*) || ' ' || max(attempts)"),
        "1 2",
        "one job, and the death counted"
    );
    let bound = LEASE + LEASE / 6 + Duration::from_secs(10);
    assert!(
        waited < bound,
        "{waited:?}: a lease, a look of the reaper, and the work itself"
    );
    let enriched = "SELECT count(*) FROM feedback.ticket_events WHERE kind = 'enriched'";
    assert_eq!(database.run(enriched), "1", "it was completed once");
    second.kill().await;
}
