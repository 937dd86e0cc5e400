//! What the machine does to a host: it dies between a commit and its answer, its disk fills up or breaks, it is told to
//! stop. The provider's repeat makes good what was not answered, and nothing is there twice.

use std::{path::Path, time::Duration};

use feedback_adapters::sandbox::{Sandbox, SandboxConfig, SignedRequest};
use feedback_tests::{
    host::{Host, binary, command, free_address},
    strace::{SYNCS, inject, killed_at},
    wait::until,
};
use reqwest::{Method, StatusCode};
use tokio::time::Instant;

const TOKEN: &str = "machine-test-token-0123456789";
const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";

/// What carries an answer to a peer, and nothing else in a host that calls nobody.
const ANSWERS: &str = "sendto,sendmsg,writev";

/// A host that takes WhatsApp's webhooks and calls nobody by itself.
struct Machine {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    client: reqwest::Client,
}

impl Machine {
    async fn new() -> Self {
        // Installed once for the process; a second call only says that it is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        Self {
            sandbox: Sandbox::start(SandboxConfig::demo()).await.expect("loopback has ports"),
            folder: tempfile::tempdir().expect("a folder"),
            client: client
                .timeout(Duration::from_secs(10))
                .build()
                .expect("an HTTP client can be made"),
        }
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let whatsapp = &self.sandbox.config().whatsapp;
        let database = self.folder.path().join("machine.db");
        vec![
            ("FEEDBACK_DATABASE_URL", format!("sqlite://{}", database.display())),
            ("FEEDBACK_SECRET_KEYS", KEYS.to_owned()),
            ("FEEDBACK_WHATSAPP__APP_SECRET", whatsapp.app_secret.clone()),
            ("FEEDBACK_WHATSAPP__VERIFY_TOKEN", whatsapp.verify_token.clone()),
            ("FEEDBACK_WHATSAPP__ACCESS_TOKEN", whatsapp.access_token.clone()),
            ("FEEDBACK_WHATSAPP__PHONE_NUMBER_ID", whatsapp.phone_number_id.clone()),
            ("FEEDBACK_WHATSAPP__BASE_URL", self.sandbox.whatsapp_base_url()),
        ]
    }

    async fn start(&self) -> Host {
        Host::serve(free_address(), TOKEN, &self.environment()).await
    }

    /// A report of somebody, as it would be posted, and posted again.
    fn report(&self, n: usize) -> SignedRequest {
        let number = format!("54911{:08}", 55_000_000 + n);
        let text = format!("La exportación falla con el error marca{n}x");
        let (_, inbound) = self.sandbox.whatsapp().person_writes(&number, "Dana", &text);
        inbound.sign(&self.sandbox.secrets())
    }

    async fn post(&self, host: &Host, request: &SignedRequest) -> Option<reqwest::Response> {
        let mut post = self.client.post(format!("{}{}", host.url, request.path));
        for (name, value) in &request.headers {
            post = post.header(name, value);
        }
        post.body(request.body.clone()).send().await.ok()
    }

    async fn status(&self, host: &Host, request: &SignedRequest) -> Option<StatusCode> {
        self.post(host, request).await.map(|answer| answer.status())
    }
}

async fn tickets(host: &Host) -> usize {
    host.api().all("/api/tickets").await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn f03_a_host_that_dies_between_its_commit_and_its_answer_knows_the_repeat() {
    let machine = Machine::new().await;
    let mut host = machine.start().await;
    let report = machine.report(1);
    let injected = inject(host.pid(), ANSWERS, "signal=KILL:when=1").await;
    assert_eq!(machine.status(&host, &report).await, None, "no answer came");
    host.ended(Duration::from_secs(10)).await;
    injected.lift().await;

    let host = machine.start().await;
    assert_eq!(tickets(&host).await, 1, "the commit stands");
    assert_eq!(machine.status(&host, &report).await, Some(StatusCode::OK));
    assert_eq!(tickets(&host).await, 1, "and the repeat is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn f07_a_migration_that_is_killed_at_any_sync_is_made_by_the_next_start() {
    let whole = tempfile::tempdir().expect("a folder");
    migrate(whole.path()).await;
    let schema = schema(whole.path());
    let (mut kills, mut is_whole) = (0, false);
    for nth in 1..200 {
        let folder = tempfile::tempdir().expect("a folder");
        let mut killed = killed_at(&binary(), SYNCS, nth);
        let status = killed
            .arg("migrate")
            .env("FEEDBACK_DATABASE_URL", url(folder.path()))
            .current_dir(folder.path())
            .output()
            .await
            .expect("strace can be run: tests/run installs it")
            .status;
        if status.success() {
            is_whole = true;
            break;
        }
        kills += 1;
        migrate(folder.path()).await;
        assert_eq!(self::schema(folder.path()), schema, "killed at sync {nth}");
    }
    assert!(is_whole && kills >= 2, "a migration syncs a few times: {kills}");
}

fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("machine.db").display())
}

async fn migrate(folder: &Path) {
    let mut command = command();
    command
        .arg("migrate")
        .env("FEEDBACK_DATABASE_URL", url(folder))
        .current_dir(folder);
    let output = command.output().await.expect("the host binary can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Everything that the schema says, and what the engine says of the file.
fn schema(folder: &Path) -> (Vec<String>, String) {
    let database = rusqlite::Connection::open(folder.join("machine.db")).expect("nobody holds it");
    let mut statement = database
        .prepare("SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY type, name")
        .expect("it has a schema");
    let rows = statement.query_map([], |row| row.get(0)).expect("it can be read");
    let rows = rows.collect::<Result<_, _>>().expect("it can be read");
    let check = database.query_row("PRAGMA integrity_check", [], |row| row.get(0));
    (rows, check.expect("it can be checked"))
}

#[tokio::test(flavor = "multi_thread")]
async fn f09_a_full_disk_is_503_reads_go_on_and_room_is_enough_to_go_on() {
    let machine = Machine::new().await;
    let host = machine.start().await;
    let (before, during) = (machine.report(1), machine.report(2));
    assert_eq!(machine.status(&host, &before).await, Some(StatusCode::OK));

    let injected = inject(host.pid(), "pwrite64,ftruncate,fallocate", "error=ENOSPC").await;
    let refused = machine.post(&host, &during).await.expect("it answers");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "30");
    assert_eq!(tickets(&host).await, 1, "reads go on");
    // What the last write came to is believed for a while.
    until(
        "the host to say that its disk is full",
        Duration::from_secs(10),
        || async {
            let (status, said) = host.api().call(Method::GET, "/readyz", None).await;
            (status == StatusCode::SERVICE_UNAVAILABLE && said["reason"] == "storage_full").then_some(())
        },
    )
    .await;
    injected.lift().await;

    until("the disk to have room", Duration::from_secs(10), || async {
        (machine.status(&host, &during).await == Some(StatusCode::OK)).then_some(())
    })
    .await;
    assert_eq!(tickets(&host).await, 2, "the same process takes the repeat");
    until("the host to be ready again", Duration::from_secs(10), || async {
        host.is_ready().await.then_some(())
    })
    .await;
    host.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_a_failed_sync_is_never_acknowledged_and_ends_the_process_with_74() {
    let machine = Machine::new().await;
    let mut host = machine.start().await;
    let (before, during) = (machine.report(1), machine.report(2));
    assert_eq!(machine.status(&host, &before).await, Some(StatusCode::OK));
    let injected = inject(host.pid(), SYNCS, "error=EIO").await;
    let answer = machine.status(&host, &during).await;
    assert_ne!(answer, Some(StatusCode::OK), "what is not on the disk is not taken");
    // A second beside what strace and a busy machine take.
    assert_eq!(host.ended(Duration::from_secs(5)).await.code(), Some(74));
    injected.lift().await;

    let host = machine.start().await;
    for report in [&before, &during] {
        assert_eq!(machine.status(&host, report).await, Some(StatusCode::OK));
    }
    assert_eq!(tickets(&host).await, 2);
    host.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f25_a_stop_under_load_ends_with_0_loses_nothing_and_costs_no_attempt() {
    let machine = Machine::new().await;
    let mut host = machine.start().await;
    let begun = Instant::now();
    let mut acked = 0;
    let mut asked = false;
    for n in 0.. {
        match machine.status(&host, &machine.report(n)).await {
            Some(StatusCode::OK) => acked += 1,
            // Stopped: it says so, or nobody listens any more.
            answer => {
                assert!(asked, "{answer:?} before it was told to stop");
                break;
            }
        }
        if n == 30 {
            host.signal("TERM").await;
            asked = true;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not stop");
    }
    assert_eq!(host.ended(Duration::from_secs(25)).await.code(), Some(0));
    let path = machine.folder.path().join("machine.db");
    let database = rusqlite::Connection::open(path).expect("nobody holds it");
    let count = |sql: &str| {
        database
            .query_row(sql, [], |row| row.get::<_, u32>(0))
            .expect("it can be read")
    };
    assert_eq!(
        count("SELECT count(*) FROM jobs WHERE status = 'leased'"),
        0,
        "leases were given back"
    );
    assert_eq!(
        count("SELECT count(*) FROM jobs WHERE status = 'ready' AND attempts > 0"),
        0
    );
    drop(database);
    let host = machine.start().await;
    assert!(tickets(&host).await >= acked, "{acked} were taken");
    host.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f25_a_second_signal_ends_a_host_at_once() {
    let machine = Machine::new().await;
    let mut host = machine.start().await;
    // A request that is still on its way keeps the first signal waiting.
    let address = host.url.trim_start_matches("http://").to_owned();
    let mut half = tokio::net::TcpStream::connect(&address).await.expect("it listens");
    let request = "POST /webhooks/whatsapp HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na";
    tokio::io::AsyncWriteExt::write_all(&mut half, request.as_bytes())
        .await
        .expect("it reads");
    tokio::time::sleep(Duration::from_millis(200)).await;
    host.signal("TERM").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(host.has_ended(), None, "it waits for the request");
    host.signal("TERM").await;
    assert_eq!(host.ended(Duration::from_secs(3)).await.code(), Some(130));
    drop(half);
    let host = machine.start().await;
    let (status, _) = host.api().call(Method::GET, "/readyz", None).await;
    assert_eq!(status, StatusCode::OK);
    host.kill().await;
}
