//! Slack's stand-in: what is stored, what people do, and what a test may ask.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    Json, Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Inbound, RecordedRequest, SandboxFile,
    config::{ChannelAccess, SandboxConfig, SlackChannel},
    files,
    webhooks::{SlackReport, SlashCommand},
    world::World,
};

mod arguments;
mod functions;
mod history;
mod post_message;
mod response_url;
mod users;
mod views;
mod web_api;

pub use self::functions::SlackStepEnd;

/// Everything that this workspace holds.
#[derive(Debug)]
pub(crate) struct State {
    users: BTreeMap<String, SlackUser>,
    channels: BTreeMap<String, SlackChannel>,
    messages: Vec<SlackMessage>,
    response_urls: BTreeMap<String, response_url::ResponseUrl>,
    answers: Vec<SlackAnswer>,
    views: Vec<Value>,
    used_triggers: BTreeSet<String>,
    steps: BTreeMap<String, functions::Step>,
    last_ts_micros: i64,
}

impl State {
    pub(crate) fn new(config: &SandboxConfig) -> Self {
        let users = config.people.iter().map(|person| {
            let user = SlackUser {
                id: person.slack_id.clone(),
                handle: person.slack_handle.clone(),
                real_name: person.name.clone(),
                display_name: String::new(),
                email: Some(person.email.clone()),
                locale: person.locale.clone(),
            };
            (user.id.clone(), user)
        });
        let channels = config
            .slack
            .channels
            .iter()
            .map(|channel| (channel.id.clone(), channel.clone()));
        Self {
            users: users.collect(),
            channels: channels.collect(),
            messages: Vec::new(),
            response_urls: BTreeMap::new(),
            answers: Vec::new(),
            views: Vec::new(),
            used_triggers: BTreeSet::new(),
            steps: BTreeMap::new(),
            last_ts_micros: 0,
        }
    }

    /// A `ts` that no message of this workspace has, with all six digits.
    fn next_ts(&mut self, now: DateTime<Utc>) -> String {
        self.last_ts_micros = now.timestamp_micros().max(self.last_ts_micros + 1);
        format!(
            "{}.{:06}",
            self.last_ts_micros / 1_000_000,
            self.last_ts_micros % 1_000_000
        )
    }

    fn message(&self, channel: &str, ts: &str) -> Option<&SlackMessage> {
        self.messages
            .iter()
            .find(|message| message.channel == channel && message.ts == ts)
    }

    /// The direct message channel with a person, opened if need be. `D` stands in for the person's `U` or `W`.
    fn open_dm(&mut self, user: &str) -> Option<(String, bool)> {
        let user = self.users.get(user)?;
        let id = format!("D{}", user.id.get(1..).unwrap_or_default());
        let was_open = self.channels.contains_key(&id);
        if !was_open {
            self.channels
                .insert(id.clone(), SlackChannel::joined(id.clone(), user.handle.clone()));
        }
        Some((id, was_open))
    }
}

/// A Slack user as the directory knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackUser {
    /// `U…` or `W…`.
    pub id: String,
    /// The handle.
    pub handle: String,
    /// The name in the profile.
    pub real_name: String,
    /// May be empty; clients fall back to `real_name`.
    pub display_name: String,
    /// Strangers and bots have none.
    pub email: Option<String>,
    /// For instance `es-AR`.
    pub locale: String,
}

/// Who made a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "user")]
pub enum SlackAuthor {
    /// A person.
    Person(String),
    /// The app, by `chat.postMessage`.
    App,
    /// The app, in public, through a response URL.
    ResponseUrl,
}

/// A message as it stands in a channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SlackMessage {
    /// When it was posted.
    pub at: DateTime<Utc>,
    /// The channel, `D…` for a direct message.
    pub channel: String,
    /// Its identity in the channel.
    pub ts: String,
    /// The root of its thread, if it is a reply.
    pub thread_ts: Option<String>,
    /// Who made it.
    pub author: SlackAuthor,
    /// The text as stored: `&`, `<` and `>` escaped.
    pub text: String,
    /// The app's own marker.
    pub metadata: Option<Value>,
    /// Whether a reply also shows in the channel.
    pub is_broadcast: bool,
    /// Layout blocks, if any came along.
    pub blocks: Option<Value>,
}

/// What the app answered through a response URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SlackAnswer {
    /// When.
    pub at: DateTime<Utc>,
    /// The channel that the command was typed in.
    pub channel: String,
    /// Who typed the command, and alone sees an ephemeral answer.
    pub user: String,
    /// `ephemeral` or `in_channel`.
    pub response_type: String,
    /// The text.
    pub text: String,
}

/// What people and the app did on Slack.
#[derive(Debug, Clone)]
pub struct Slack {
    world: Arc<World>,
}

impl Slack {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// All messages of all channels, in the order in which they were posted.
    pub fn messages(&self) -> Vec<SlackMessage> {
        self.world.slack.lock().messages.clone()
    }

    /// What the app posted, in order: a message that was sent twice is here twice.
    pub fn app_messages(&self) -> Vec<SlackMessage> {
        self.messages()
            .into_iter()
            .filter(|message| message.author == SlackAuthor::App)
            .collect()
    }

    /// A thread, its root first.
    pub fn thread(&self, channel: &str, root_ts: &str) -> Vec<SlackMessage> {
        let in_thread = |message: &SlackMessage| {
            message.channel == channel && (message.ts == root_ts || message.thread_ts.as_deref() == Some(root_ts))
        };
        self.messages().into_iter().filter(in_thread).collect()
    }

    /// What the app answered to slash commands.
    pub fn answers(&self) -> Vec<SlackAnswer> {
        self.world.slack.lock().answers.clone()
    }

    /// The forms that the app showed to people, in order, as `views.open` has them.
    pub fn views(&self) -> Vec<Value> {
        views::shown(&self.world)
    }

    /// Raw requests, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world.arrivals(crate::Provider::Slack).lock().to_vec()
    }

    /// Adds a user to the directory, or changes one.
    pub fn put_user(&self, user: SlackUser) {
        self.world.slack.lock().users.insert(user.id.clone(), user);
    }

    /// Adds a channel, or changes what the app is in it.
    pub fn put_channel(&self, channel: SlackChannel) {
        self.world.slack.lock().channels.insert(channel.id.clone(), channel);
    }

    /// A person writes in a channel. The message stands there at once; deliver the result to tell the hub.
    pub fn person_posts(&self, user: &str, channel: &str, text: &str) -> (SlackReport, Inbound) {
        self.post_as(user, channel, text, None)
    }

    /// A person answers in a thread.
    pub fn person_replies(&self, user: &str, channel: &str, thread_ts: &str, text: &str) -> (SlackReport, Inbound) {
        self.post_as(user, channel, text, Some(thread_ts.to_owned()))
    }

    /// A person writes in a channel and attaches a file. Slack tells its address; the file itself wants the app's token.
    pub fn person_posts_file(
        &self,
        user: &str,
        channel: &str,
        text: &str,
        file: SandboxFile,
    ) -> (SlackReport, Inbound) {
        let world = &self.world;
        let (report, _) = self.post_as(user, channel, text, None);
        let id = world.ids.slack("F");
        let address = format!("{}/files-pri/{id}/{}", world.slack_hooks_url(), file.name);
        let shape = json!({
            "id": id, "name": file.name, "title": file.name, "mimetype": file.content_type, "size": file.bytes.len(),
            "mode": "hosted", "is_external": false, "user": user, "url_private": address, "url_private_download": address,
        });
        world.files.lock().put(id, file);
        let inbound = Inbound(report.webhook_with_files(&[shape]));
        (report, inbound)
    }

    /// A person's message that says of its files what the caller wants, also what Slack never would.
    pub fn person_announces_files(
        &self,
        user: &str,
        channel: &str,
        text: &str,
        files: &[Value],
    ) -> (SlackReport, Inbound) {
        let (report, _) = self.post_as(user, channel, text, None);
        let inbound = Inbound(report.webhook_with_files(files));
        (report, inbound)
    }

    fn post_as(&self, user: &str, channel: &str, text: &str, thread_ts: Option<String>) -> (SlackReport, Inbound) {
        let world = &self.world;
        let account = &world.config.slack;
        let now = world.clock.now();
        let mut state = world.slack.lock();
        let report = SlackReport {
            team_id: account.team_id.clone(),
            app_id: account.app_id.clone(),
            bot_user_id: account.bot_user_id.clone(),
            event_id: world.ids.slack("Ev"),
            channel: channel.to_owned(),
            user: user.to_owned(),
            text: text.to_owned(),
            ts: state.next_ts(now),
            thread_ts,
            client_msg_id: world.ids.uuid().to_string(),
        };
        state.messages.push(SlackMessage {
            at: now,
            channel: report.channel.clone(),
            ts: report.ts.clone(),
            thread_ts: report.thread_ts.clone(),
            author: SlackAuthor::Person(report.user.clone()),
            text: crate::webhooks::slack::escape(text),
            metadata: None,
            is_broadcast: false,
            blocks: None,
        });
        let inbound = Inbound(report.webhook());
        (report, inbound)
    }

    /// A person types a slash command. Nothing shows in the channel; the answer may come through the response URL.
    pub fn person_commands(&self, user: &str, channel: &str, command: &str, text: &str) -> (SlashCommand, Inbound) {
        let world = &self.world;
        let account = &world.config.slack;
        let now = world.clock.now();
        let token = world.ids.hex(24);
        let path = format!("/commands/{}/{}/{token}", account.team_id, world.ids.digits(12));
        let mut state = world.slack.lock();
        let command = SlashCommand {
            team_id: account.team_id.clone(),
            app_id: account.app_id.clone(),
            channel_id: channel.to_owned(),
            channel_name: state
                .channels
                .get(channel)
                .map_or_else(|| "directmessage".to_owned(), |channel| channel.name.clone()),
            user_id: user.to_owned(),
            user_name: state
                .users
                .get(user)
                .map(|user| user.handle.clone())
                .unwrap_or_default(),
            command: command.to_owned(),
            text: text.to_owned(),
            response_url: format!("{}{path}", world.slack_hooks_url()),
            trigger_id: format!(
                "{}.{}.{}",
                world.ids.digits(12),
                world.ids.digits(11),
                world.ids.hex(32)
            ),
        };
        state
            .response_urls
            .insert(token, response_url::ResponseUrl::new(now, channel, user));
        let inbound = Inbound(command.webhook());
        (command, inbound)
    }

    /// A person fills in the form of a workflow whose next step is a custom one of our app, declared with these inputs and
    /// outputs as `(name, type)`. The workflow waits until [`ended_steps`](Self::ended_steps) has it.
    pub fn workflow_runs(
        &self,
        callback_id: &str,
        inputs: &Value,
        input_types: &[(&str, &str)],
        output_types: &[(&str, &str)],
    ) -> (String, Inbound) {
        functions::run(&self.world, callback_id, inputs, input_types, output_types)
    }

    /// How each run of a step of ours ended, in order of its id.
    pub fn ended_steps(&self) -> Vec<(String, SlackStepEnd)> {
        functions::ended(&self.world)
    }

    pub(crate) fn channels(&self) -> Vec<SlackChannel> {
        self.world.slack.lock().channels.values().cloned().collect()
    }

    pub(crate) fn user_name(&self, id: &str) -> String {
        self.world
            .slack
            .lock()
            .users
            .get(id)
            .map_or_else(|| id.to_owned(), |user| user.real_name.clone())
    }
}

/// The Web API and the response URLs.
pub(crate) fn router(world: &Arc<World>) -> Router {
    Router::new()
        .route("/api/{method}", any(web_api::call))
        .route("/files-pri/{id}/{name}", get(files::of_slack))
        .route("/commands/{team}/{number}/{token}", post(response_url::answer))
        .with_state(Arc::clone(world))
}

/// Errors are HTTP 200 with `ok: false`.
pub(crate) fn error(code: &str) -> Response {
    let mut body = json!({"ok": false, "error": code});
    if code == "missing_scope" {
        body["needed"] = json!("users:read.email");
        body["provided"] = json!("chat:write,users:read,channels:history");
    }
    Json(body).into_response()
}

/// The one error that has a status of its own.
pub(crate) fn rate_limited(retry_after_secs: u64) -> Response {
    let headers = [("Retry-After", retry_after_secs.to_string())];
    (
        StatusCode::TOO_MANY_REQUESTS,
        headers,
        Json(json!({"ok": false, "error": "ratelimited"})),
    )
        .into_response()
}

/// What a method gives: the fields beside `ok`, or an error code.
type Answer = Result<Value, &'static str>;

/// Why the app may not write to a channel.
fn refusal(channel: &SlackChannel) -> Option<&'static str> {
    match channel.access {
        ChannelAccess::Member => None,
        ChannelAccess::NotMember => Some("not_in_channel"),
        ChannelAccess::Archived => Some("is_archived"),
    }
}
