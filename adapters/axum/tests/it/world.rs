//! A hub over fakes behind its routers, and requests to it.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use feedback_axum::{
    api::{self, Api},
    health::{self, Health},
    webhooks::{self, EmailEndpoint, IntercomEndpoint, SlackEndpoint, Webhooks, WhatsAppEndpoint},
};
use feedback_core::{
    Hub, HubSettings, Ports,
    domain::{Channel, UserId},
    ports::{ChannelSender, Clock, Storage},
    testing::{
        FixedClock,
        hub::fake_ports,
        memory::{MemoryBlobs, MemoryStore, ScriptedConversations, ScriptedFiles, ScriptedSender, ai::ScriptedWriter},
    },
};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde_json::Value;
use sha2::Sha256;
use tower::ServiceExt;

pub(crate) const SLACK_SECRET: &str = "slack-demo-secret";
pub(crate) const INTERCOM_SECRET: &str = "intercom-demo-secret";
pub(crate) const META_SECRET: &str = "meta-demo-secret";
pub(crate) const EMAIL_SECRET: &str = "email-demo-secret";
pub(crate) const VERIFY_TOKEN: &str = "vt-demo";

/// A hub, its fakes, and a server with all routers.
pub(crate) struct World {
    pub(crate) hub: Arc<Hub>,
    pub(crate) store: MemoryStore,
    pub(crate) clock: FixedClock,
    pub(crate) writer: Arc<ScriptedWriter>,
    pub(crate) files: Arc<ScriptedFiles>,
    pub(crate) conversations: Arc<ScriptedConversations>,
    pub(crate) user: UserId,
    pub(crate) token: String,
    pub(crate) app: Router,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    pub(crate) fn content_type(&self) -> &str {
        self.headers
            .get(header::CONTENT_TYPE)
            .map_or("", |kind| kind.to_str().unwrap())
    }

    /// The fields that a 422 complains of.
    pub(crate) fn wrong_fields(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = MemoryStore::new();
        Self::over(store.clone(), Arc::new(store), |_| {}).await
    }

    /// A world whose hub writes through `storage`, which leads to `store`, and whose webhooks a test sets up.
    pub(crate) async fn over(
        store: MemoryStore,
        storage: Arc<dyn Storage>,
        set_up: impl FnOnce(&mut Webhooks),
    ) -> Self {
        Self::made(store, storage, HubSettings::default(), set_up).await
    }

    /// A world whose operator decided something.
    pub(crate) async fn with_settings(decide: impl FnOnce(&mut HubSettings)) -> Self {
        let (store, mut settings) = (MemoryStore::new(), HubSettings::default());
        decide(&mut settings);
        Self::made(store.clone(), Arc::new(store), settings, |_| {}).await
    }

    async fn made(
        store: MemoryStore,
        storage: Arc<dyn Storage>,
        settings: HubSettings,
        set_up: impl FnOnce(&mut Webhooks),
    ) -> Self {
        let clock = FixedClock::default();
        let writer = Arc::new(ScriptedWriter::default());
        let conversations = Arc::new(ScriptedConversations::default());
        let (blobs, files) = (MemoryBlobs::new(), Arc::new(ScriptedFiles::new(Channel::Slack)));
        let sender = |channel| Arc::new(ScriptedSender::new(channel)) as Arc<dyn ChannelSender>;
        let ports = Ports {
            storage,
            writer: Arc::clone(&writer) as _,
            senders: [Channel::Slack, Channel::Intercom, Channel::WhatsApp]
                .map(sender)
                .to_vec(),
            blobs: Arc::new(blobs.clone()),
            files: vec![Arc::clone(&files) as _],
            conversations: vec![Arc::clone(&conversations) as _],
            ..fake_ports(Arc::new(store.clone()), &clock, 1)
        };
        let hub = Arc::new(Hub::new(ports, settings));
        let user = hub.access.add_user("Rita Reviewer").await.unwrap().id;
        let (_, token) = hub.access.add_token("tests", user).await.unwrap();
        let mut webhooks = Webhooks::new(&hub);
        webhooks.slack = Some(SlackEndpoint {
            signing_secrets: vec![SLACK_SECRET.into()],
        });
        webhooks.intercom = Some(IntercomEndpoint {
            client_secrets: vec![INTERCOM_SECRET.into()],
        });
        webhooks.whatsapp = Some(WhatsAppEndpoint {
            app_secrets: vec![META_SECRET.into()],
            verify_token: VERIFY_TOKEN.into(),
        });
        webhooks.email = Some(EmailEndpoint {
            secrets: vec!["the-next-email-secret".into(), EMAIL_SECRET.into()],
        });
        set_up(&mut webhooks);
        let mut api = Api::new(Arc::clone(&hub));
        api.render_metrics = Some(Arc::new(|| "feedback_intake_total 1\n".to_owned()));
        // As a host does it: its own routes and fallback first.
        let app = Router::new()
            .fallback(async || (StatusCode::NOT_FOUND, "the host knows no such page"))
            .merge(webhooks::router(webhooks))
            .merge(health::router(Health::new(&hub)))
            .merge(api::router(api));
        Self {
            hub,
            store,
            clock,
            writer,
            files,
            conversations,
            user,
            token: token.expose_secret().to_owned(),
            app,
        }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let (parts, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Calls the API with the token, a JSON body, and further headers.
    pub(crate) async fn call_with(&self, method: Method, path: &str, body: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call_with(Method::GET, path, "", &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call_with(Method::POST, path, &body.to_string(), &[]).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.call_with(Method::PATCH, path, &body.to_string(), &[]).await
    }

    /// Reports something in-app and gives the ticket.
    pub(crate) async fn ticket(&self, description: &str) -> Value {
        let reporter = serde_json::json!({"external_user_id": "u-1", "name": "Ana Pérez", "email": "ana@example.test"});
        let body = serde_json::json!({"description": description, "reporter": reporter});
        let reply = self.post("/api/tickets", &body).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
        reply.json()
    }

    /// A ticket with an open draft: the ticket's path, and the draft.
    pub(crate) async fn drafted(&self, description: &str) -> (String, Value) {
        let ticket = self.ticket(description).await;
        let path = format!("/api/tickets/{}", ticket["id"].as_str().unwrap());
        let draft = self
            .post(&format!("{path}/generate_changelog"), &serde_json::json!({}))
            .await;
        assert_eq!(draft.status, StatusCode::CREATED, "{}", draft.text);
        (path, draft.json())
    }

    /// A signed request of Slack's.
    pub(crate) fn slack(&self, content_type: &str, body: impl Into<Vec<u8>>) -> Request<Body> {
        let body = body.into();
        let at = self.clock.now().unix_seconds().to_string();
        Request::post("/webhooks/slack")
            .header(header::CONTENT_TYPE, content_type)
            .header("x-slack-signature", slack_signature(SLACK_SECRET, &at, &body))
            .header("x-slack-request-timestamp", at)
            .body(Body::from(body))
            .unwrap()
    }

    /// A top-level message in a Slack channel.
    pub(crate) fn slack_message(&self, ts: &str, text: &str) -> Request<Body> {
        self.slack("application/json", slack_message_body(ts, text))
    }

    /// A text on WhatsApp.
    pub(crate) fn whatsapp_message(&self, from: &str, wamid: &str, at: i64, text: &str) -> Request<Body> {
        let message = serde_json::json!({
            "from": from, "id": wamid, "timestamp": at.to_string(), "type": "text", "text": {"body": text},
        });
        let value = serde_json::json!({"metadata": {"phone_number_id": "PN-1"}, "messages": [message]});
        let change = serde_json::json!({"field": "messages", "value": value});
        let body = serde_json::json!({
            "object": "whatsapp_business_account", "entry": [{"id": "WABA-1", "changes": [change]}],
        })
        .to_string();
        Request::post("/webhooks/whatsapp")
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-hub-signature-256", sha256_signature(META_SECRET, body.as_bytes()))
            .body(Body::from(body))
            .unwrap()
    }

    /// A mail as a forwarder's webhook has it.
    pub(crate) fn email_message(&self, body: &str) -> Request<Body> {
        let at = self.clock.now().unix_seconds().to_string();
        Request::post("/webhooks/email")
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-feedback-timestamp", &at)
            .header(
                "x-feedback-signature",
                email_signature(EMAIL_SECRET, &at, body.as_bytes()),
            )
            .body(Body::from(body.to_owned()))
            .unwrap()
    }
}

pub(crate) fn slack_message_body(ts: &str, text: &str) -> String {
    serde_json::json!({
        "type": "event_callback", "team_id": "T0DEMO", "event_id": format!("Ev{ts}"),
        "event": {"type": "message", "channel": "C0DEMO", "user": "U0DANA", "text": text, "ts": ts},
    })
    .to_string()
}

pub(crate) fn slack_signature(secret: &str, at: &str, body: &[u8]) -> String {
    format!("v0={}", hex::encode(code(secret, &[b"v0:", at.as_bytes(), b":", body])))
}

/// A header `sha256=…`, as Meta signs and as Intercom may.
pub(crate) fn sha256_signature(secret: &str, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(code(secret, &[body])))
}

/// A header `sha256=…` over version, time and body, as a forwarder of mails signs.
pub(crate) fn email_signature(secret: &str, at: &str, body: &[u8]) -> String {
    format!(
        "sha256={}",
        hex::encode(code(secret, &[b"v1:", at.as_bytes(), b":", body]))
    )
}

fn code(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
