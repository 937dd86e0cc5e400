//! `kill -9` in the middle of traffic: what was answered 2xx is there exactly once, and what was approved arrives
//! exactly once (on WhatsApp, where nothing can be read back, at most once, and a person is asked about the rest).

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use feedback_adapters::sandbox::{Inbound, Sandbox, SandboxConfig};
use feedback_tests::{
    api::Api,
    host::{Host, free_address},
    wait::until,
};
use reqwest::{Method, StatusCode};
use serde_json::json;

/// How often the host is killed.
const KILLS: usize = 20;

const TOKEN: &str = "crash-test-token-0123456789";
const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";

/// A report that the hub answered 2xx: its channel, and a mark that is in its text and nowhere else.
type Acked = Arc<Mutex<Vec<(&'static str, String)>>>;

#[tokio::test(flavor = "multi_thread")]
async fn f01_killed_twenty_times_nothing_is_lost_and_nothing_comes_twice() {
    let sandbox = Arc::new(Sandbox::start(SandboxConfig::demo()).await.expect("loopback has ports"));
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("crash.db");
    let address = free_address();
    sandbox.connect(&format!("http://{address}"));
    let environment = environment(&sandbox, &database.display().to_string());

    let acked: Acked = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let traffic = tokio::spawn(send_reports(
        Arc::clone(&sandbox),
        Arc::clone(&acked),
        Arc::clone(&stop),
    ));
    let reviewer = tokio::spawn(review(address.to_string(), Arc::clone(&sandbox), Arc::clone(&stop)));

    for kill in 0..KILLS {
        let host = Host::serve(address, TOKEN, &environment).await;
        // Between a tenth of a second and two: in the middle of intakes, pushes, polls, drafts and sends alike.
        tokio::time::sleep(Duration::from_millis(100 + (kill as u64 * 733) % 1900)).await;
        host.kill().await;
    }
    let host = Host::serve(address, TOKEN, &environment).await;
    let api = host.api();
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.store(true, Ordering::SeqCst);
    traffic.await.expect("the reports were sent");
    let approved = reviewer.await.expect("the reviewer went home");

    until("the hub to come to rest", Duration::from_secs(90), || async {
        let status = api.get("/api/ops/status").await;
        (status["quiescent"] == true).then_some(())
    })
    .await;
    assert_eq!(
        api.get("/api/ops/status").await["dead"],
        0,
        "no dead letter: {:?}",
        api.all("/api/dead_letters").await
    );
    each_acked_report_is_one_source(&api, &acked).await;
    each_approval_arrived_once(&api, &sandbox, &approved).await;
}

fn environment(sandbox: &Sandbox, database: &str) -> Vec<(&'static str, String)> {
    let config = sandbox.config();
    vec![
        ("FEEDBACK_DATABASE_URL", format!("sqlite://{database}")),
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
        ("FEEDBACK_NOTION__TOKEN", config.notion.token.clone()),
        ("FEEDBACK_NOTION__DATA_SOURCE_ID", config.notion.data_source_id.clone()),
        ("FEEDBACK_NOTION__BASE_URL", sandbox.notion_base_url()),
        ("FEEDBACK_NOTION__POLL_SECONDS", "1".to_owned()),
        ("FEEDBACK_OPENAI__API_KEY", config.openai.api_key.clone()),
        ("FEEDBACK_OPENAI__BASE_URL", sandbox.openai_base_url()),
        // A killed sender's request is over when its process is: nothing needs half a minute to settle here.
        ("FEEDBACK_DELIVERY__SETTLE_SECONDS", "2".to_owned()),
        ("FEEDBACK_DELIVERY__AMBIGUOUS_AFTER_SECONDS", "6".to_owned()),
        ("FEEDBACK_DELIVERY__RETRY_CAP_SECONDS", "4".to_owned()),
    ]
}

/// People on three channels write until it is enough; each provider repeats its webhook as the real one would.
async fn send_reports(sandbox: Arc<Sandbox>, acked: Acked, stop: Arc<AtomicBool>) {
    let number = AtomicUsize::new(0);
    let mut sending = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let n = number.fetch_add(1, Ordering::SeqCst);
        let mark = format!("marca{n}x");
        let (channel, inbound) = somebody_writes(&sandbox, n, &mark);
        let (sandbox, acked) = (Arc::clone(&sandbox), Arc::clone(&acked));
        sending.push(tokio::spawn(async move {
            if sandbox.deliver(&inbound).await.is_accepted() {
                acked.lock().expect("no panic holds it").push((channel, mark));
            }
        }));
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    for task in sending {
        task.await.expect("a sender does not panic");
    }
}

fn somebody_writes(sandbox: &Sandbox, n: usize, mark: &str) -> (&'static str, Inbound) {
    let people = &sandbox.config().people;
    let person = &people[n % people.len()];
    let text = format!("La exportación falla con el error {mark}");
    match n % 3 {
        0 => (
            "slack",
            sandbox.slack().person_posts(&person.slack_id, "C0SUPPORT", &text).1,
        ),
        1 => (
            "intercom",
            sandbox.intercom().person_writes(&person.intercom_id, &text).1,
        ),
        // A person of their own each time: messages of one person in a burst would be one ticket.
        _ => (
            "whatsapp",
            sandbox
                .whatsapp()
                .person_writes(&format!("54911{:08}", 55_000_000 + n), &person.name, &text)
                .1,
        ),
    }
}

/// A reviewer and engineers who do what is there to do, over a hub that keeps dying. Returns the approved texts by
/// ticket: each is unique, so that it can be counted outside.
async fn review(address: String, sandbox: Arc<Sandbox>, stop: Arc<AtomicBool>) -> BTreeMap<String, String> {
    let api = Api::new(&format!("http://{address}"), TOKEN);
    let mut approved = BTreeMap::new();
    while !stop.load(Ordering::SeqCst) {
        confirm_some(&api).await;
        for page in sandbox.notion().pages() {
            if page.status.as_deref() != Some("Done") {
                // The page is there: moving it cannot fail.
                sandbox
                    .notion()
                    .move_page(&page.id, "Done")
                    .expect("the board has the page");
            }
        }
        approve_some(&api, &mut approved).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    approved
}

async fn confirm_some(api: &Api) {
    let Some((StatusCode::OK, page)) = api
        .try_call(Method::GET, "/api/tickets?status=new&limit=10", None)
        .await
    else {
        return;
    };
    for ticket in page["items"].as_array().into_iter().flatten() {
        let word = json!({"version": ticket["version"], "type": "bug", "priority": "P3"});
        let path = format!("/api/tickets/{}/confirm", ticket["id"].as_str().unwrap_or_default());
        // A kill or a concurrent change may refuse it: the next look comes soon.
        let _ = api.try_call(Method::POST, &path, Some(&word)).await;
    }
}

async fn approve_some(api: &Api, approved: &mut BTreeMap<String, String>) {
    let path = "/api/changelog_entries?status=draft&limit=10";
    let Some((StatusCode::OK, page)) = api.try_call(Method::GET, path, None).await else {
        return;
    };
    for entry in page["items"].as_array().into_iter().flatten() {
        let Some(ticket) = entry["ticket_id"].as_str() else {
            continue;
        };
        let text = format!("Resuelto: respuesta-{}.", ticket.replace('-', ""));
        let edit = json!({"version": entry["version"], "content": text});
        let edited = api
            .try_call(
                Method::PATCH,
                &format!("/api/tickets/{ticket}/update_changelog"),
                Some(&edit),
            )
            .await;
        let Some((StatusCode::OK, edited)) = edited else {
            continue;
        };
        let word = json!({"version": edited["version"]});
        // Whether the answer comes or not, it may be approved from here on.
        approved.insert(ticket.to_owned(), text);
        let _ = api
            .try_call(
                Method::PATCH,
                &format!("/api/tickets/{ticket}/approve_changelog"),
                Some(&word),
            )
            .await;
    }
}

async fn each_acked_report_is_one_source(api: &Api, acked: &Acked) {
    let tickets = api.all("/api/tickets").await;
    let mut sources: BTreeMap<String, usize> = BTreeMap::new();
    for ticket in &tickets {
        let detail = api
            .get(&format!("/api/tickets/{}", ticket["id"].as_str().expect("an id")))
            .await;
        for source in detail["sources"].as_array().expect("a ticket has sources") {
            let text = source["text"].as_str().unwrap_or_default();
            let mark = text.split("error ").nth(1).unwrap_or_default().trim().to_owned();
            *sources.entry(mark).or_default() += 1;
        }
    }
    let acked = acked.lock().expect("no panic holds it");
    assert!(acked.len() > 50, "there was traffic: {}", acked.len());
    let lost: Vec<_> = acked.iter().filter(|(_, mark)| !sources.contains_key(mark)).collect();
    let doubled: Vec<_> = sources.iter().filter(|(_, count)| **count > 1).collect();
    assert!(lost.is_empty(), "answered 2xx and not there: {lost:?}");
    assert!(doubled.is_empty(), "there twice: {doubled:?}");
}

async fn each_approval_arrived_once(api: &Api, sandbox: &Sandbox, approved: &BTreeMap<String, String>) {
    let slack: Vec<_> = sandbox
        .slack()
        .app_messages()
        .into_iter()
        .map(|message| message.text)
        .collect();
    let intercom: Vec<_> = sandbox
        .intercom()
        .conversations()
        .iter()
        .flat_map(|conversation| {
            conversation
                .comments_by_admins()
                .map(|part| part.body.clone())
                .collect::<Vec<_>>()
        })
        .collect();
    let whatsapp: Vec<_> = sandbox
        .whatsapp()
        .messages()
        .iter()
        .map(|message| message.content.body().to_owned())
        .collect();
    let mut arrived = 0;
    for notification in api.all("/api/notifications").await {
        let ticket = notification["ticket_id"].as_str().expect("a ticket");
        let text = approved.get(ticket).expect("only what was approved is a notification");
        let channel = notification["channel"].as_str().expect("a channel");
        let outside = match channel {
            "slack" => &slack,
            "intercom" => &intercom,
            _ => &whatsapp,
        };
        let count = outside.iter().filter(|said| said.contains(text.as_str())).count();
        let status = notification["status"].as_str().expect("a status");
        if channel == "whatsapp" {
            assert!(count <= 1, "WhatsApp: {count} times {notification}");
            assert!(
                count == 1 || status == "ambiguous",
                "WhatsApp: lost without a word: {notification}"
            );
        } else {
            assert_eq!(count, 1, "{channel}: {notification}");
        }
        let known = ["sent", "delivered", "read"].contains(&status) || (channel == "whatsapp" && status == "ambiguous");
        assert!(known, "{channel}: {}", notification);
        arrived += count;
    }
    assert!(arrived >= 10, "deliveries were made: {arrived}");
}
