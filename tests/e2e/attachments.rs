//! Files of messages, from a webhook to the ticket's page, through the real binary.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use feedback_adapters::sandbox::{Sandbox, SandboxConfig, SandboxFile};
use feedback_tests::{
    host::{Host, free_address},
    wait::until,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";
const TOKEN: &str = "a-token-of-the-attachments-test";
const LONG: Duration = Duration::from_secs(30);

struct Bench {
    sandbox: Sandbox,
    host: Host,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
}

async fn bench() -> Bench {
    let sandbox = Sandbox::start(SandboxConfig::demo())
        .await
        .expect("loopback can be bound");
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("hub.db");
    let config = sandbox.config();
    let environment = [
        ("FEEDBACK_DATABASE_URL", format!("sqlite://{}", database.display())),
        ("FEEDBACK_SECRET_KEYS", KEYS.to_owned()),
        ("FEEDBACK_SLACK__SIGNING_SECRET", config.slack.signing_secret.clone()),
        ("FEEDBACK_SLACK__BOT_TOKEN", config.slack.bot_token.clone()),
        ("FEEDBACK_SLACK__BASE_URL", sandbox.slack_base_url()),
        (
            "FEEDBACK_INTERCOM__CLIENT_SECRET",
            config.intercom.client_secret.clone(),
        ),
        ("FEEDBACK_INTERCOM__ACCESS_TOKEN", config.intercom.access_token.clone()),
        ("FEEDBACK_INTERCOM__ADMIN_ID", config.intercom.admin_id.clone()),
        ("FEEDBACK_INTERCOM__BASE_URL", sandbox.intercom_base_url()),
        ("FEEDBACK_WHATSAPP__APP_SECRET", config.whatsapp.app_secret.clone()),
        ("FEEDBACK_WHATSAPP__VERIFY_TOKEN", config.whatsapp.verify_token.clone()),
        ("FEEDBACK_WHATSAPP__ACCESS_TOKEN", config.whatsapp.access_token.clone()),
        (
            "FEEDBACK_WHATSAPP__PHONE_NUMBER_ID",
            config.whatsapp.phone_number_id.clone(),
        ),
        ("FEEDBACK_WHATSAPP__BASE_URL", sandbox.whatsapp_base_url()),
    ];
    let host = Host::serve(free_address(), TOKEN, &environment).await;
    sandbox.connect(&host.url);
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    Bench {
        sandbox,
        host,
        client,
        _folder: folder,
    }
}

impl Bench {
    /// The one file of the newest ticket, once the hub is through with it.
    async fn settled_file(&self, tickets: usize) -> (Value, Value) {
        let api = self.host.api();
        until("the file is settled", LONG, || async {
            let rows = api.all("/api/tickets").await;
            if rows.len() < tickets {
                return None;
            }
            let id = rows.first()?["id"].as_str()?.to_owned();
            let ticket = api.get(&format!("/api/tickets/{id}")).await;
            let file = ticket["attachments"].get(0)?.clone();
            (file["status"] != "announced").then_some((ticket, file))
        })
        .await
    }

    async fn download(&self, file: &Value) -> reqwest::Response {
        let path = file["download"].as_str().expect("a stored file has an address");
        let request = self.client.get(format!("{}{path}", self.host.url)).bearer_auth(TOKEN);
        request.send().await.expect("the host answers")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_each_channel_is_on_its_ticket() {
    let bench = bench().await;
    let person = bench.sandbox.config().people[0].clone();
    let picture = SandboxFile::screenshot;
    let inbounds = [
        bench
            .sandbox
            .slack()
            .person_posts_file(&person.slack_id, "C0SUPPORT", "La exportación falla, miren", picture())
            .1,
        bench
            .sandbox
            .intercom()
            .person_uploads(&person.intercom_id, "No puedo entrar a mi cuenta", picture())
            .1,
        bench
            .sandbox
            .whatsapp()
            .person_sends_picture("5491155509901", "Ana", "Me sale este cartel", picture())
            .1,
    ];
    for (number, inbound) in inbounds.iter().enumerate() {
        bench.sandbox.deliver(inbound).await;
        let (ticket, file) = bench.settled_file(number + 1).await;
        let channel = ticket["channel"].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            (&file["status"], &file["content_type"]),
            (&json!("stored"), &json!("image/png")),
            "{ticket}"
        );
        let answer = bench.download(&file).await;
        let disposition = answer.headers()["content-disposition"]
            .to_str()
            .expect("ASCII")
            .to_owned();
        assert!(
            disposition.starts_with("attachment; filename="),
            "{channel}: {disposition}"
        );
        assert_eq!(answer.bytes().await.expect("a body"), picture().bytes, "{channel}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_shows_a_picture_on_its_ticket_page() {
    let host = Host::demo(&["--seed", "11", "--no-autopilot"]).await;
    let api = host.api();
    let number = until("a ticket with a stored picture", LONG, || async {
        for row in api.all("/api/tickets").await {
            let ticket = api.get(&format!("/api/tickets/{}", row["id"].as_str()?)).await;
            if ticket["attachments"]
                .get(0)
                .is_some_and(|file| file["status"] == "stored")
            {
                return ticket["number"].as_u64();
            }
        }
        None
    })
    .await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    // The button of the page behind the link.
    let link = host.sign_in.as_deref().expect("a demo prints a link");
    let secret = link.split("link=").nth(1).expect("the link has its secret");
    let signed_in = client
        .post(format!("{}/sign-in", host.url))
        .header("origin", &host.url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("link={secret}"))
        .send()
        .await
        .expect("the host answers");
    let cookie = signed_in.headers()["set-cookie"].to_str().expect("ASCII");
    let cookie = cookie.split(';').next().expect("a cookie has a value").to_owned();
    let get = |path: String| {
        client
            .get(format!("{}{path}", host.url))
            .header("cookie", &cookie)
            .send()
    };
    let page = get(format!("/tickets/{number}"))
        .await
        .expect("the page")
        .text()
        .await
        .expect("text");
    let (_, rest) = page
        .split_once("href=\"/attachments/")
        .expect("the page links to the file");
    let id = rest.split('"').next().expect("the link ends");
    assert!(page.contains("error.png"), "the file has its name");
    let file = get(format!("/attachments/{id}")).await.expect("the file");
    assert_eq!(file.headers()["content-type"], "image/png");
    assert_eq!(file.bytes().await.expect("a body"), SandboxFile::screenshot().bytes);
    let stranger = client.get(format!("{}/attachments/{id}", host.url)).send().await;
    assert!(stranger.expect("an answer").status().is_redirection());
}

/// Counts who connects, and answers nobody.
async fn canary() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let hits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&hits);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, hits)
}

#[tokio::test(flavor = "multi_thread")]
async fn f84_files_that_lead_elsewhere_are_refused_and_their_tickets_stand() {
    let bench = bench().await;
    let (port, hits) = canary().await;
    let slack = bench.sandbox.slack_base_url();
    let own = slack.trim_start_matches("http://").trim_end_matches("/api");
    let addresses = [
        format!("http://127.0.0.1:{port}/x"),
        format!("https://127.0.0.1:{port}/x"),
        format!("http://localhost:{port}/x"),
        format!("http://2130706433:{port}/x"),
        format!("http://0177.0.0.1:{port}/x"),
        format!("http://0x7f.1:{port}/x"),
        format!("http://[::ffff:127.0.0.1]:{port}/x"),
        format!("http://{own}@127.0.0.1:{port}/x"),
        format!("http://files.slack.com:{port}/x"),
        format!("http://127.0.0.1.nip.io:{port}/x"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://evil.example/files-pri/T1-F1/x.png".to_owned(),
        "file:///etc/passwd".to_owned(),
    ];
    for (number, address) in addresses.iter().enumerate() {
        let files = [json!({
            "id": format!("F{number}"), "name": "x.png", "mimetype": "image/png", "size": 10, "mode": "hosted",
            "url_private": address, "url_private_download": address,
        })];
        let text = format!("Informe {number}: la exportación falla");
        let slack = bench.sandbox.slack();
        let inbound = slack
            .person_announces_files("U0LUCIAFERN", "C0SUPPORT", &text, &files)
            .1;
        bench.sandbox.deliver(&inbound).await;
        let (ticket, file) = bench.settled_file(number + 1).await;
        assert_eq!(
            (&file["status"], &file["reason"], &file["download"]),
            (&json!("refused"), &json!("foreign_address"), &Value::Null),
            "{address}: {ticket}"
        );
    }
    assert_eq!(hits.load(Ordering::SeqCst), 0, "somebody called the canary");
}
