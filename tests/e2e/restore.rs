//! A backup is put back: what was sent after it was made is not sent again, who was erased stays erased, and what
//! providers repeat is known.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use feedback_adapters::sandbox::{Fault, Inbound, Provider, Sandbox, SandboxConfig};
use feedback_tests::{
    api::Api,
    host::{Host, command, free_address},
    wait::until,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const TOKEN: &str = "restore-test-token-0123456789";
const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";
const WORDS: &str = "Resuelto: la exportación ya funciona.";

struct World {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        Self {
            sandbox: Sandbox::start(SandboxConfig::demo()).await.expect("loopback has ports"),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let config = self.sandbox.config();
        vec![
            (
                "FEEDBACK_DATABASE_URL",
                format!("sqlite://{}", self.database().display()),
            ),
            ("FEEDBACK_SECRET_KEYS", KEYS.to_owned()),
            (
                "FEEDBACK_INTERCOM__CLIENT_SECRET",
                config.intercom.client_secret.clone(),
            ),
            ("FEEDBACK_INTERCOM__ACCESS_TOKEN", config.intercom.access_token.clone()),
            ("FEEDBACK_INTERCOM__ADMIN_ID", config.intercom.admin_id.clone()),
            ("FEEDBACK_INTERCOM__BASE_URL", self.sandbox.intercom_base_url()),
            ("FEEDBACK_DELIVERY__RETRY_CAP_SECONDS", "1".to_owned()),
            ("FEEDBACK_DELIVERY__SETTLE_SECONDS", "2".to_owned()),
        ]
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("restore.db")
    }

    async fn serve(&self) -> Host {
        let host = Host::serve(free_address(), TOKEN, &self.environment()).await;
        self.sandbox.connect(&host.url);
        host
    }

    async fn run(&self, arguments: &[&str]) -> String {
        let mut command = command();
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .envs(self.environment());
        let output = command.output().await.expect("the host binary can be run");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    fn report(&self, person: usize, text: &str) -> Inbound {
        let person = &self.sandbox.config().people[person].intercom_id;
        self.sandbox.intercom().person_writes(person, text).1
    }

    /// How often a customer has the words.
    fn seen(&self) -> usize {
        let conversations = self.sandbox.intercom().conversations();
        let comments = conversations
            .iter()
            .flat_map(|conversation| conversation.comments_by_admins());
        comments.filter(|part| part.body.contains("ya funciona")).count()
    }
}

/// The file alone, as it is left by a host that was stopped in order.
fn copy(from: &Path, to: &Path) {
    for end in ["", "-wal", "-shm"] {
        let name = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        let _ = std::fs::remove_file(name(to));
        if name(from).exists() {
            std::fs::copy(name(from), name(to)).expect("it can be copied");
        }
    }
}

async fn stop(mut host: Host) {
    host.signal("TERM").await;
    assert_eq!(host.ended(Duration::from_secs(25)).await.code(), Some(0));
}

async fn approved(api: &Api, ticket: &str) {
    let path = format!("/api/tickets/{ticket}");
    let drafted = api
        .call(Method::POST, &format!("{path}/generate_changelog"), Some(&json!({})))
        .await;
    assert!(drafted.0.is_success(), "{}", drafted.1);
    let edit = json!({"version": drafted.1["version"], "content": WORDS});
    let (status, edited) = api
        .call(Method::PATCH, &format!("{path}/update_changelog"), Some(&edit))
        .await;
    assert_eq!(status, StatusCode::OK, "{edited}");
    let word = json!({"version": edited["version"]});
    let (status, said) = api
        .call(Method::PATCH, &format!("{path}/approve_changelog"), Some(&word))
        .await;
    assert_eq!(status, StatusCode::OK, "{said}");
}

async fn notification(api: &Api) -> Value {
    let all = api.all("/api/notifications").await;
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

async fn tickets(api: &Api) -> Vec<Value> {
    api.all("/api/tickets").await
}

#[tokio::test(flavor = "multi_thread")]
async fn f24_a_restored_backup_sends_nothing_again_brings_nobody_back_and_knows_repeats() {
    let world = World::start().await;
    let host = world.serve().await;
    let api = host.api();
    let reported = world.report(0, "La exportación falla desde ayer");
    assert!(world.sandbox.deliver(&reported).await.is_accepted());
    let ticket = tickets(&api).await[0]["id"].as_str().expect("an id").to_owned();
    let gone = json!({"description": "The import hangs", "reporter": {"external_user_id": "ana"}});
    let (_, gone) = api.call(Method::POST, "/api/tickets", Some(&gone)).await;

    // While the provider is away an answer is approved, and the backup is made.
    world
        .sandbox
        .faults()
        .always(Provider::Intercom, Fault::Status(503, String::new()));
    approved(&api, &ticket).await;
    stop(host).await;
    let backup = world.folder.path().join("backup.db");
    copy(&world.database(), &backup);

    // Life goes on: the answer goes out, another report comes in, and a person asks to be erased.
    world.sandbox.faults().clear(Provider::Intercom);
    let host = world.serve().await;
    let api = host.api();
    until("the answer to arrive", Duration::from_secs(30), || async {
        (world.seen() == 1).then_some(())
    })
    .await;
    let later = world.report(1, "La importación es lenta");
    assert!(world.sandbox.deliver(&later).await.is_accepted());
    assert_eq!(tickets(&api).await.len(), 3);
    stop(host).await;
    world
        .run(&["erase", gone["reporter"]["id"].as_str().expect("an id")])
        .await;

    copy(&backup, &world.database());
    let fence = feedback_core::ports::Clock::now(&feedback_adapters::system::SystemClock);
    let said = world.run(&["restore", "--fence", &fence.to_string()]).await;
    assert!(
        said.contains("1 people erased again; 1 deliveries are ambiguous"),
        "{said}"
    );

    let host = world.serve().await;
    let api = host.api();
    assert_eq!(notification(&api).await["status"], "ambiguous");
    let path = format!("/api/tickets/{}", gone["id"].as_str().expect("an id"));
    assert_eq!(api.get(&path).await["title"], "[erased]");
    // Providers repeat: what the backup knows is known, and what it forgot is recorded, once.
    for inbound in [&reported, &later, &reported, &later] {
        assert!(world.sandbox.deliver(inbound).await.is_accepted());
    }
    assert_eq!(tickets(&api).await.len(), 3);
    until("the hub to come to rest", Duration::from_secs(60), || async {
        (api.get("/api/ops/status").await["quiescent"] == true).then_some(())
    })
    .await;
    assert_eq!(world.seen(), 1, "nothing was sent again");
    assert_eq!(
        notification(&api).await["status"],
        "ambiguous",
        "a person says what became of it"
    );
    host.kill().await;
}
