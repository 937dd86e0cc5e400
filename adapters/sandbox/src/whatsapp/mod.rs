//! WhatsApp's stand-in: what is stored, what people do, and what a test may ask.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use axum::{
    Router,
    routing::{get, post},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;

use crate::{
    Inbound, Provider, RecordedRequest, SandboxFile,
    config::{SandboxConfig, Template},
    files,
    webhooks::{BusinessNumber, WhatsAppReport, whatsapp::messages as messages_webhook},
    world::World,
};

mod entrance;
mod errors;
mod number;
mod outgoing;
mod receipts;
mod send;
mod templates;

pub(crate) use errors::error;
pub use number::canonical_wa_id;

/// How long free text may follow a person's message.
const WINDOW: TimeDelta = TimeDelta::hours(24);

/// Everything that this business number knows.
#[derive(Debug)]
pub(crate) struct State {
    messages: Vec<WhatsAppMessage>,
    inbound: Vec<WhatsAppInbound>,
    last_inbound: BTreeMap<String, DateTime<Utc>>,
    unreachable: BTreeSet<String>,
    templates: Vec<Template>,
    window_refusal: WindowRefusal,
    receipts: Receipts,
    coming_failures: VecDeque<i64>,
}

impl State {
    pub(crate) fn new(config: &SandboxConfig) -> Self {
        Self {
            messages: Vec::new(),
            inbound: Vec::new(),
            last_inbound: BTreeMap::new(),
            unreachable: BTreeSet::new(),
            templates: config.whatsapp.templates.clone(),
            window_refusal: WindowRefusal::FailedStatus,
            receipts: Receipts::All,
            coming_failures: VecDeque::new(),
        }
    }

    fn is_window_open(&self, person: &str, now: DateTime<Utc>) -> bool {
        self.last_inbound.get(person).is_some_and(|last| now - *last < WINDOW)
    }
}

/// How free text outside the 24 hours is refused. The real API is seen to do both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowRefusal {
    /// The request answers 131047.
    Synchronous,
    /// The message is accepted, and a `failed` status with 131047 follows.
    FailedStatus,
}

/// Which statuses follow an accepted message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipts {
    /// `sent`, `delivered`, `read`.
    All,
    /// `sent`, `delivered`: the person has read receipts off.
    UpToDelivered,
    /// `read`, `delivered`, `sent`: the network turned them around.
    Reversed,
    /// Each of them twice.
    Repeated,
    /// None at all.
    None,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WhatsAppState {
    /// The API took it.
    Accepted,
    /// One tick.
    Sent,
    /// Two ticks.
    Delivered,
    /// Two blue ticks.
    Read,
    /// It never arrived.
    Failed,
}

impl WhatsAppState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

/// What the hub sent: words of its own, or a template with its gaps filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum WhatsAppContent {
    /// Free text.
    Text {
        /// The text.
        body: String,
    },
    /// A template.
    Template {
        /// Its name.
        name: String,
        /// Its language.
        language: String,
        /// What filled the gaps.
        parameters: Vec<String>,
        /// What the person reads.
        body: String,
    },
}

impl WhatsAppContent {
    /// What the person reads.
    pub fn body(&self) -> &str {
        match self {
            Self::Text { body } | Self::Template { body, .. } => body,
        }
    }
}

/// A message that the hub sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WhatsAppMessage {
    /// When it was accepted.
    pub at: DateTime<Utc>,
    /// `wamid.…`.
    pub wamid: String,
    /// The person, in WhatsApp's own spelling of the number.
    pub to: String,
    /// What was sent.
    pub content: WhatsAppContent,
    /// The hub's own tag.
    pub callback_data: Option<String>,
    /// The message that it quotes.
    pub quoted: Option<String>,
    /// What became of it, in the order in which it happened.
    pub history: Vec<(WhatsAppState, DateTime<Utc>)>,
    /// Why it failed.
    pub error_code: Option<i64>,
}

impl WhatsAppMessage {
    /// The highest state so far; failed beats them all.
    pub fn state(&self) -> WhatsAppState {
        self.history
            .iter()
            .map(|(state, _)| *state)
            .max()
            .unwrap_or(WhatsAppState::Accepted)
    }
}

/// A message that a person sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WhatsAppInbound {
    /// When.
    pub at: DateTime<Utc>,
    /// `wamid.…`.
    pub wamid: String,
    /// The person's number.
    pub from: String,
    /// The name in the profile.
    pub profile_name: String,
    /// The text.
    pub text: String,
    /// Whether the hub marked it as read.
    pub is_read: bool,
}

/// What people and the app did on WhatsApp.
#[derive(Debug, Clone)]
pub struct WhatsApp {
    world: Arc<World>,
}

impl WhatsApp {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// What the hub sent and the API accepted, in order: a message that was sent twice is here twice.
    pub fn messages(&self) -> Vec<WhatsAppMessage> {
        self.world.whatsapp.lock().messages.clone()
    }

    /// What people sent, in order.
    pub fn inbound(&self) -> Vec<WhatsAppInbound> {
        self.world.whatsapp.lock().inbound.clone()
    }

    /// Raw requests, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world.arrivals(Provider::WhatsApp).lock().to_vec()
    }

    /// A person writes. Their window opens now; deliver the result to tell the hub.
    pub fn person_writes(&self, from: &str, profile_name: &str, text: &str) -> (WhatsAppReport, Inbound) {
        let world = &self.world;
        let now = world.clock.now();
        let report = WhatsAppReport {
            wamid: world.ids.wamid(),
            from: from.to_owned(),
            profile_name: profile_name.to_owned(),
            user_id: None,
            text: text.to_owned(),
            at: now,
            quoted: None,
        };
        self.register(&report);
        let inbound = Inbound(messages_webhook(&self.number(), std::slice::from_ref(&report)));
        (report, inbound)
    }

    /// A person sends a picture, with or without words. The app asks for its address, and then for the picture.
    pub fn person_sends_picture(
        &self,
        from: &str,
        profile_name: &str,
        caption: &str,
        file: SandboxFile,
    ) -> (WhatsAppReport, Inbound) {
        let world = &self.world;
        let (report, _) = self.person_writes(from, profile_name, caption);
        let id = world.ids.digits(15);
        let media = json!({
            "id": id, "mime_type": file.content_type, "sha256": file.sha256(), "caption": caption,
        });
        world.files.lock().put(id, file);
        let inbound = Inbound(crate::webhooks::whatsapp::picture(&self.number(), &report, &media));
        (report, inbound)
    }

    /// Takes a message that was built elsewhere into the chat, and opens its author's window from its own time.
    pub fn register(&self, report: &WhatsAppReport) {
        let mut state = self.world.whatsapp.lock();
        let last = state
            .last_inbound
            .entry(canonical_wa_id(&report.from))
            .or_insert(report.at);
        *last = report.at.max(*last);
        state.inbound.push(WhatsAppInbound {
            at: report.at,
            wamid: report.wamid.clone(),
            from: report.from.clone(),
            profile_name: report.profile_name.clone(),
            text: report.text.clone(),
            is_read: false,
        });
    }

    /// Says when a person last wrote, to open or close their window.
    pub fn set_last_inbound(&self, person: &str, at: DateTime<Utc>) {
        self.world
            .whatsapp
            .lock()
            .last_inbound
            .insert(canonical_wa_id(person), at);
    }

    /// Chooses how free text outside the window is refused. [`WindowRefusal::FailedStatus`] at start.
    pub fn set_window_refusal(&self, refusal: WindowRefusal) {
        self.world.whatsapp.lock().window_refusal = refusal;
    }

    /// Chooses which statuses follow. [`Receipts::All`] at start.
    pub fn set_receipts(&self, receipts: Receipts) {
        self.world.whatsapp.lock().receipts = receipts;
    }

    /// Lets the next `count` accepted messages end as `failed` with this code, after `sent`.
    pub fn fail_next_deliveries(&self, count: usize, code: i64) {
        self.world
            .whatsapp
            .lock()
            .coming_failures
            .extend(std::iter::repeat_n(code, count));
    }

    /// From now on, messages to this person end as `failed` with 131026.
    pub fn set_unreachable(&self, person: &str) {
        self.world.whatsapp.lock().unreachable.insert(canonical_wa_id(person));
    }

    /// Adds a template, or changes one.
    pub fn put_template(&self, template: Template) {
        let mut state = self.world.whatsapp.lock();
        state
            .templates
            .retain(|known| (&known.name, &known.language) != (&template.name, &template.language));
        state.templates.push(template);
    }

    /// The number that webhooks name.
    pub fn number(&self) -> BusinessNumber {
        number_of(&self.world)
    }
}

fn number_of(world: &World) -> BusinessNumber {
    let account = &world.config.whatsapp;
    BusinessNumber {
        business_account_id: account.business_account_id.clone(),
        phone_number_id: account.phone_number_id.clone(),
        display_phone_number: account.display_phone_number.clone(),
    }
}

/// The part of the Graph API that sends.
pub(crate) fn router(world: &Arc<World>) -> Router {
    Router::new()
        .route("/{version}/{phone_number_id}", get(number::show))
        .route("/whatsapp_business/attachments/{id}", get(files::of_whatsapp))
        .route("/{version}/{phone_number_id}/messages", post(send::send))
        .route("/{version}/{account}/message_templates", get(templates::list))
        .fallback(errors::unknown_path)
        .with_state(Arc::clone(world))
}
