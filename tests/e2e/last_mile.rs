//! `kill -9` at each point of a delivery, on each of the five channels: what was approved arrives once, or a person is asked.
//!
//! The host runs its real adapters against the sandbox; a proxy in between holds the bytes where it is to die.

use std::time::Duration;

use feedback_adapters::sandbox::{Sandbox, SandboxConfig};
use feedback_tests::{
    api::Api,
    host::{Host, free_address},
    proxy::{Hold, Proxy},
    wait::until,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const TOKEN: &str = "last-mile-test-token-0123456789";
const KEYS: &str = "k1:pKYY9yyKZ4Y4Y0zqJ2V8d1cF0T0d3nQ8o2m6e1bWc5I=";
const CHANNELS: [&str; 5] = ["slack", "intercom", "whatsapp", "email", "in_app"];

/// Where in a delivery the host dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// The approval was answered; the attempt may not be on record yet.
    BeforeIntent,
    /// The attempt is on record, and nobody answers the connection.
    AfterIntent,
    /// Connected; the request is held on its way.
    Connected,
    /// The request had its effect, and its answer is held.
    BytesSent,
    /// Four bytes of the answer have come.
    AnswerStarted,
    /// The answer has come.
    AnswerRead,
    /// It is recorded.
    Recorded,
}

impl Point {
    const ALL: [Self; 7] = [
        Self::BeforeIntent,
        Self::AfterIntent,
        Self::Connected,
        Self::BytesSent,
        Self::AnswerStarted,
        Self::AnswerRead,
        Self::Recorded,
    ];

    const fn hold(self) -> Hold {
        match self {
            Self::BeforeIntent | Self::AnswerRead | Self::Recorded => Hold::Nothing,
            Self::AfterIntent | Self::Connected => Hold::Requests,
            Self::BytesSent => Hold::Answers,
            Self::AnswerStarted => Hold::AnswersAfterTheirBeginning,
        }
    }
}

struct World {
    sandbox: Sandbox,
    proxies: [Proxy; 4],
    environment: Vec<(&'static str, String)>,
    address: std::net::SocketAddr,
    _folder: tempfile::TempDir,
}

impl World {
    async fn start(on_ambiguous: &str) -> Self {
        let sandbox = Sandbox::start(SandboxConfig::demo()).await.expect("loopback has ports");
        let at = |url: &str| {
            let rest = url.split("://").nth(1).unwrap_or_default();
            rest.split('/').next().unwrap_or_default().to_owned()
        };
        let http = b"HTTP/1.1";
        let proxies = [
            Proxy::start(&at(&sandbox.slack_base_url()), http).await,
            Proxy::start(&at(&sandbox.intercom_base_url()), http).await,
            Proxy::start(&at(&sandbox.whatsapp_base_url()), http).await,
            Proxy::start(&at(&sandbox.smtp_url()), b"250 2.0.0 taken").await,
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let address = free_address();
        sandbox.connect(&format!("http://{address}"));
        let environment = environment(&sandbox, &proxies, &folder, on_ambiguous);
        Self {
            sandbox,
            proxies,
            environment,
            address,
            _folder: folder,
        }
    }

    async fn serve(&self) -> Host {
        self.serve_that_waits(5).await
    }

    /// A host that gives a blind provider so many seconds to report.
    async fn serve_that_waits(&self, seconds: u64) -> Host {
        let mut environment = self.environment.clone();
        environment.push(("FEEDBACK_DELIVERY__AMBIGUOUS_AFTER_SECONDS", seconds.to_string()));
        Host::serve(self.address, TOKEN, &environment).await
    }

    fn hold(&self, hold: Hold) {
        for proxy in &self.proxies {
            proxy.hold(hold);
        }
    }

    /// How often people outside have these words.
    async fn seen(&self, api: Option<&Api>, channel: &str, words: &str) -> usize {
        let texts: Vec<String> = match channel {
            "slack" => self
                .sandbox
                .slack()
                .app_messages()
                .into_iter()
                .map(|message| message.text)
                .collect(),
            "intercom" => {
                let conversations = self.sandbox.intercom().conversations();
                let said = conversations
                    .iter()
                    .flat_map(|conversation| conversation.comments_by_admins());
                said.map(|part| part.body.clone()).collect()
            }
            "whatsapp" => {
                let messages = self.sandbox.whatsapp().messages();
                messages
                    .iter()
                    .map(|message| message.content.body().to_owned())
                    .collect()
            }
            "email" => self.sandbox.email().sent().into_iter().map(|mail| mail.text).collect(),
            _ => match api {
                Some(api) => in_inboxes(api).await,
                None => Vec::new(),
            },
        };
        texts.iter().filter(|text| text.contains(words)).count()
    }
}

/// What all people have in the inbox inside the product.
async fn in_inboxes(api: &Api) -> Vec<String> {
    let mut texts = Vec::new();
    for notification in api.all("/api/notifications?channel=in_app").await {
        let reporter = notification["reporter_id"].as_str().expect("a reporter");
        let inbox = api.all(&format!("/api/reporters/{reporter}/inbox")).await;
        let id = &notification["id"];
        let mine = inbox.iter().filter(|message| message["id"] == *id);
        texts.extend(mine.filter_map(|message| message["content"].as_str().map(str::to_owned)));
    }
    texts
}

fn environment(
    sandbox: &Sandbox,
    [slack, intercom, whatsapp, email]: &[Proxy; 4],
    folder: &tempfile::TempDir,
    on_ambiguous: &str,
) -> Vec<(&'static str, String)> {
    let config = sandbox.config();
    let http = |proxy: &Proxy, path: &str| format!("http://{}{path}", proxy.address());
    vec![
        (
            "FEEDBACK_DATABASE_URL",
            format!("sqlite://{}", folder.path().join("last-mile.db").display()),
        ),
        ("FEEDBACK_SECRET_KEYS", KEYS.to_owned()),
        ("FEEDBACK_SLACK__SIGNING_SECRET", config.slack.signing_secret.clone()),
        ("FEEDBACK_SLACK__BOT_TOKEN", config.slack.bot_token.clone()),
        ("FEEDBACK_SLACK__BASE_URL", http(slack, "/api")),
        (
            "FEEDBACK_INTERCOM__CLIENT_SECRET",
            config.intercom.client_secret.clone(),
        ),
        ("FEEDBACK_INTERCOM__ACCESS_TOKEN", config.intercom.access_token.clone()),
        ("FEEDBACK_INTERCOM__ADMIN_ID", config.intercom.admin_id.clone()),
        ("FEEDBACK_INTERCOM__BASE_URL", http(intercom, "")),
        ("FEEDBACK_WHATSAPP__APP_SECRET", config.whatsapp.app_secret.clone()),
        ("FEEDBACK_WHATSAPP__VERIFY_TOKEN", config.whatsapp.verify_token.clone()),
        ("FEEDBACK_WHATSAPP__ACCESS_TOKEN", config.whatsapp.access_token.clone()),
        (
            "FEEDBACK_WHATSAPP__PHONE_NUMBER_ID",
            config.whatsapp.phone_number_id.clone(),
        ),
        ("FEEDBACK_WHATSAPP__BASE_URL", http(whatsapp, "")),
        ("FEEDBACK_EMAIL__WEBHOOK_SECRET", config.email.webhook_secret.clone()),
        ("FEEDBACK_SMTP__URL", format!("smtp://{}", email.address())),
        ("FEEDBACK_SMTP__FROM", config.email.address.clone()),
        // A killed sender's request is over when its process is: nothing needs half a minute to settle here.
        ("FEEDBACK_DELIVERY__SETTLE_SECONDS", "2".to_owned()),
        ("FEEDBACK_DELIVERY__RETRY_CAP_SECONDS", "2".to_owned()),
        ("FEEDBACK_DELIVERY__ON_AMBIGUOUS", on_ambiguous.to_owned()),
    ]
}

/// Somebody reports on each channel; a reviewer has a draft of their own words for each. Tickets by channel.
async fn drafted(world: &World, api: &Api, round: usize) -> Vec<(&'static str, String, String)> {
    let people = &world.sandbox.config().people;
    let person = &people[round % people.len()];
    let mark = |channel: &str| format!("marca-{round}-{channel}");
    let text = |channel: &str| format!("La exportación se corta en la página: {}", mark(channel));
    let inbound = [
        world
            .sandbox
            .slack()
            .person_posts(&person.slack_id, "C0SUPPORT", &text("slack"))
            .1,
        world
            .sandbox
            .intercom()
            .person_writes(&person.intercom_id, &text("intercom"))
            .1,
        world
            .sandbox
            .whatsapp()
            .person_writes(
                &format!("54911{:08}", 56_000_000 + round),
                &person.name,
                &text("whatsapp"),
            )
            .1,
        world
            .sandbox
            .email()
            .person_writes(&person.email, &person.name, &mark("email"), &text("email"))
            .1,
    ];
    for inbound in &inbound {
        assert!(world.sandbox.deliver(inbound).await.is_accepted());
    }
    let report = json!({"description": text("in_app"), "reporter": {"external_user_id": format!("user-{round}")}});
    let (status, _) = api.call(Method::POST, "/api/tickets", Some(&report)).await;
    assert_eq!(status, StatusCode::CREATED);
    let mut drafted = Vec::new();
    for channel in CHANNELS {
        let ticket = ticket_of(api, channel, &mark(channel)).await;
        let words = format!("Resuelto: respuesta-{round}-{channel}-fin.");
        let path = format!("/api/tickets/{ticket}");
        let (status, entry) = api
            .call(Method::POST, &format!("{path}/generate_changelog"), Some(&json!({})))
            .await;
        assert!(status.is_success(), "{channel}: {entry}");
        let edit = json!({"version": entry["version"], "content": words});
        let (status, _) = api
            .call(Method::PATCH, &format!("{path}/update_changelog"), Some(&edit))
            .await;
        assert_eq!(status, StatusCode::OK, "{channel}");
        drafted.push((channel, ticket, words));
    }
    drafted
}

async fn ticket_of(api: &Api, channel: &str, mark: &str) -> String {
    until("the ticket", Duration::from_secs(20), || async {
        let page = api.get(&format!("/api/tickets?channel={channel}&limit=5")).await;
        for ticket in page["items"].as_array()? {
            let id = ticket["id"].as_str()?;
            let detail = api.get(&format!("/api/tickets/{id}")).await;
            if detail.to_string().contains(mark) {
                return Some(id.to_owned());
            }
        }
        None
    })
    .await
}

async fn approve(api: &Api, ticket: &str) {
    let path = format!("/api/tickets/{ticket}");
    let entry = api.get(&format!("{path}/changelog")).await;
    let word = json!({"version": entry["version"]});
    let (status, body) = api
        .call(Method::PATCH, &format!("{path}/approve_changelog"), Some(&word))
        .await;
    assert_eq!(status, StatusCode::OK, "{body}");
}

async fn notification_of(api: &Api, ticket: &str) -> Value {
    let page = api.get(&format!("/api/notifications?ticket_id={ticket}")).await;
    let items = page["items"].as_array().expect("a list");
    assert_eq!(items.len(), 1, "one notification for {ticket}");
    items[0].clone()
}

/// Waits until every delivery of the round has come to this point.
async fn reach(world: &World, api: &Api, point: Point, round: &[(&'static str, String, String)]) {
    let outside = &round[..4];
    until(&format!("{point:?}"), Duration::from_secs(30), || async {
        for (index, (channel, ticket, words)) in outside.iter().enumerate() {
            let proxy = &world.proxies[index];
            let is_there = match point {
                Point::BeforeIntent => true,
                Point::AfterIntent => notification_of(api, ticket).await["status"] == "sending",
                Point::Connected => proxy.connected() > 0,
                Point::BytesSent => world.seen(None, channel, words).await > 0,
                Point::AnswerStarted | Point::AnswerRead => {
                    proxy.begun() > 0 && world.seen(None, channel, words).await > 0
                }
                Point::Recorded => ["sent", "delivered", "read"].contains(
                    &notification_of(api, ticket).await["status"]
                        .as_str()
                        .unwrap_or_default(),
                ),
            };
            if !is_there {
                return None;
            }
        }
        Some(())
    })
    .await;
}

async fn at_rest(api: &Api) {
    until("the hub to come to rest", Duration::from_secs(60), || async {
        let status = api.get("/api/ops/status").await;
        (status["quiescent"] == true).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f04_f05_f06_killed_at_each_point_of_a_delivery_nothing_comes_twice_and_nothing_is_lost_in_silence() {
    let world = World::start("ask").await;
    for (round, point) in Point::ALL.into_iter().enumerate() {
        world.hold(Hold::Nothing);
        let host = world.serve().await;
        let api = host.api();
        let drafts = drafted(&world, &api, round).await;
        at_rest(&api).await;
        world.hold(point.hold());
        for (_, ticket, _) in &drafts {
            approve(&api, ticket).await;
        }
        reach(&world, &api, point, &drafts).await;
        host.kill().await;

        world.hold(Hold::Nothing);
        let host = world.serve().await;
        let api = host.api();
        at_rest(&api).await;
        for (channel, ticket, words) in &drafts {
            let seen = world.seen(Some(&api), channel, words).await;
            let status = notification_of(&api, ticket).await["status"].clone();
            let what = format!("{point:?} {channel}: seen {seen} times, {status}");
            let has_arrived = ["sent", "delivered", "read"].contains(&status.as_str().unwrap_or_default());
            let is_blind = ["whatsapp", "email"].contains(channel);
            assert!(seen <= 1, "{what}");
            if is_blind {
                assert!(seen == 1 && has_arrived || status == "ambiguous", "{what}");
            } else {
                assert!(seen == 1 && has_arrived, "{what}");
            }
        }
        assert_eq!(api.get("/api/ops/status").await["dead"], 0, "{point:?}");
        host.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f05_where_the_operator_chose_to_try_again_a_blind_channel_has_one_duplicate_at_most() {
    let world = World::start("retry_once").await;
    for (round, point) in [Point::Connected, Point::BytesSent].into_iter().enumerate() {
        world.hold(Hold::Nothing);
        // This one dies with its first try under way, or soon after: the repeat is the next one's, however slow the machine is.
        let host = world.serve_that_waits(30).await;
        let api = host.api();
        let drafts = drafted(&world, &api, round).await;
        at_rest(&api).await;
        world.hold(point.hold());
        for (_, ticket, _) in &drafts {
            approve(&api, ticket).await;
        }
        reach(&world, &api, point, &drafts).await;
        host.kill().await;

        world.hold(Hold::Nothing);
        let host = world.serve().await;
        let api = host.api();
        at_rest(&api).await;
        for (channel, ticket, words) in &drafts {
            let seen = world.seen(Some(&api), channel, words).await;
            let status = notification_of(&api, ticket).await["status"].clone();
            let has_arrived = ["sent", "delivered", "read"].contains(&status.as_str().unwrap_or_default());
            let what = format!("{point:?} {channel}: seen {seen} times, {status}");
            assert!(has_arrived, "{what}");
            // The first try had its effect where its bytes were sent, and the repeat has: one duplicate, of a mail always, on
            // WhatsApp unless its status report was faster. Where the first one never left the proxy, none.
            let allowed = match (point, *channel) {
                (Point::BytesSent, "email") => 2..=2,
                (Point::BytesSent, "whatsapp") => 1..=2,
                _ => 1..=1,
            };
            assert!(allowed.contains(&seen), "{what}");
        }
        host.kill().await;
    }
}
