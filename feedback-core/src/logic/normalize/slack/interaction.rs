//! Slack's interactions: a filled modal of ours and the shortcut "make a ticket of this" are reports; buttons and menus
//! are not.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    super::{
        Answer, FORM_CALLBACK, InboundMessage, Intake, MessageRole, Normalized, WantedForm,
        form::{Form, field_of, value_text},
        wire::{self, Loose},
    },
    FOREIGN_TEAM, SlackRules,
    event::{Context, Event},
    is_channel_id, message, person,
};
use crate::domain::{Channel, ExternalId, ThreadRef};

/// Reads the JSON of a `payload` field.
pub(super) fn normalize(payload: &str, rules: &SlackRules) -> Normalized {
    let Some(text) = wire::open(payload.as_bytes()) else {
        return Normalized::of(Intake::Unparsed("Slack interaction is nested too deeply"));
    };
    let interaction = wire::read::<Interaction<'_>>(&text.text);
    let item = match &interaction {
        Some(interaction) => interaction.item(rules),
        None => Intake::Unparsed("Slack interaction has an unknown shape"),
    };
    let form = match (&interaction, &item) {
        (Some(interaction), Intake::Ignored(reason)) if *reason == ASKS_FOR_A_FORM => interaction.wanted_form(),
        _ => None,
    };
    Normalized {
        answer: form.map_or(Answer::Empty, Answer::Form),
        lossy: text.lossy,
        items: vec![item],
    }
}

/// A shortcut of the app, without a message.
const ASKS_FOR_A_FORM: &str = "a shortcut that asks for a form";

#[derive(Deserialize)]
struct Interaction<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow, default)]
    callback_id: Loose<'a>,
    #[serde(borrow, default)]
    trigger_id: Loose<'a>,
    #[serde(borrow, default)]
    api_app_id: Loose<'a>,
    #[serde(borrow, default)]
    team: Option<Named<'a>>,
    #[serde(borrow, default)]
    user: Option<User<'a>>,
    #[serde(borrow, default)]
    channel: Option<Named<'a>>,
    #[serde(borrow, default)]
    message: Option<Box<Event<'a>>>,
    #[serde(borrow, default)]
    view: Option<View<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
}

#[derive(Deserialize)]
struct User<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    team_id: Loose<'a>,
}

#[derive(Deserialize)]
struct View<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    hash: Loose<'a>,
    #[serde(borrow, default)]
    callback_id: Loose<'a>,
    #[serde(borrow, default)]
    team_id: Loose<'a>,
    #[serde(borrow, default)]
    private_metadata: Loose<'a>,
    #[serde(default)]
    state: Option<State>,
}

/// Answers by block and action, whose ids are the operator's own.
#[derive(Deserialize)]
struct State {
    #[serde(default)]
    values: Map<String, Value>,
}

impl Interaction<'_> {
    fn item(&self, rules: &SlackRules) -> Intake {
        if !self.team().is_empty() && !rules.is_ours(self.team()) {
            return FOREIGN_TEAM;
        }
        match self.kind.as_str() {
            "view_submission" => self.submission(rules),
            "message_action" => self.shortcut(rules),
            "block_actions" | "interactive_message" => Intake::Ignored("a button or menu"),
            "shortcut" if !rules.allows_callback(self.callback_id.as_str()) => {
                Intake::Ignored("a shortcut that is not configured")
            }
            "shortcut" => Intake::Ignored(ASKS_FOR_A_FORM),
            "view_closed" => Intake::Ignored("a form that was closed without sending"),
            "block_suggestion" | "dialog_suggestion" => Intake::Ignored("a menu asks for its options"),
            "dialog_submission" | "dialog_cancellation" | "workflow_step_edit" => {
                Intake::Ignored("of a form that Slack has retired")
            }
            _ => Intake::Unparsed("Slack interaction is of an unknown kind"),
        }
    }

    fn team(&self) -> &str {
        let team = self.team.as_ref().and_then(|team| team.id.get());
        team.or_else(|| self.user.as_ref()?.team_id.get())
            .or_else(|| self.view.as_ref()?.team_id.get())
            .unwrap_or_default()
    }

    /// Slack's leave to show who used the shortcut a form.
    fn wanted_form(&self) -> Option<WantedForm> {
        Some(WantedForm {
            trigger: self.trigger_id.get()?.to_owned(),
            user: self.user.as_ref()?.id.get()?.to_owned(),
            place: None,
        })
    }

    /// A modal of ours, filled in.
    fn submission(&self, rules: &SlackRules) -> Intake {
        let (Some(view), Some(user)) = (&self.view, self.user.as_ref().and_then(|user| user.id.get())) else {
            return Intake::Unparsed("Slack submission names no view or person");
        };
        if view.callback_id.as_str() != FORM_CALLBACK && !rules.allows_callback(view.callback_id.as_str()) {
            return Intake::Ignored("a form that is not configured");
        }
        let (Some(id), team) = (view.id.get(), self.team()) else {
            return Intake::Unparsed("Slack submission has no usable id");
        };
        // The hash is the view's version: an updated view that is sent again is another report.
        let Ok(external_id) = ExternalId::parse(format!("{id}:{}", view.hash.as_str())) else {
            return Intake::Unparsed("Slack submission has no usable id");
        };
        if team.is_empty() {
            return Intake::Unparsed("Slack submission names no workspace");
        }
        let mut form = Form::default();
        for (block, actions) in view.state.iter().flat_map(|state| &state.values) {
            for (action, answer) in actions.as_object().into_iter().flatten() {
                // Block Kit makes up ids that nobody chose; then the other of the two names the field.
                let label = if field_of(action).is_some() { action } else { block };
                form.put(label, &answer_text(answer));
            }
        }
        let email = form.email.take();
        let (stated, text) = form.into_parts();
        if text.is_empty() {
            return Intake::Ignored("a form without words");
        }
        // Our modals carry the channel in which they were opened, so that the answer can go there.
        let opened_in = view.private_metadata.get().filter(|metadata| is_channel_id(metadata));
        let mut author = person(user);
        author.email = email;
        Intake::Message(Box::new(InboundMessage {
            channel: Channel::Slack,
            external_id,
            thread: ThreadRef::Slack {
                team: team.to_owned(),
                channel: opened_in.unwrap_or(user).to_owned(),
                thread_ts: None,
            },
            role: MessageRole::Report,
            author,
            text,
            stated,
            files: Vec::new(),
            quotes: None,
            sent_at: None,
        }))
    }

    /// "Make a ticket of this": the report is the message, and its author reports.
    fn shortcut(&self, rules: &SlackRules) -> Intake {
        if !rules.allows_callback(self.callback_id.as_str()) {
            return Intake::Ignored("a shortcut that is not configured");
        }
        let (Some(message), Some(channel), Some(actor)) = (&self.message, &self.channel, &self.user) else {
            return Intake::Unparsed("Slack shortcut names no message, channel or person");
        };
        let context = Context {
            team: self.team(),
            app: self.api_app_id.as_str(),
            own_users: rules.own_user_ids.iter().map(String::as_str).collect(),
            rules,
        };
        if context.is_own(message) {
            return Intake::Ignored("our own message");
        }
        // A bot's post has no author to answer; then whoever asks for the ticket stands for it.
        let author = if message.bot_id.get().is_some() {
            actor.id.get()
        } else {
            message.user.get().or(actor.id.get())
        };
        let Some(author) = author else {
            return Intake::Unparsed("Slack shortcut names no person");
        };
        match message::written(message, channel.id.as_str(), &context, MessageRole::Report) {
            Intake::Message(mut report) => {
                report.author = person(author);
                Intake::Message(report)
            }
            other => other,
        }
    }
}

/// An element's answer: its words, its chosen option, or its date.
fn answer_text(answer: &Value) -> String {
    let Some(answer) = answer.as_object() else {
        return String::new();
    };
    for key in [
        "value",
        "selected_date",
        "selected_time",
        "selected_user",
        "selected_conversation",
        "selected_channel",
    ] {
        if let Some(text) = answer.get(key).and_then(Value::as_str) {
            return text.to_owned();
        }
    }
    if let Some(rich) = answer.get("rich_text_value").filter(|value| !value.is_null()) {
        return super::blocks::to_text(&rich.to_string());
    }
    for key in ["selected_option", "selected_options", "selected_users"] {
        if let Some(chosen) = answer.get(key).filter(|value| !value.is_null()) {
            return option_text(chosen);
        }
    }
    String::new()
}

/// The words that the person saw, or the value behind them.
fn option_text(chosen: &Value) -> String {
    match chosen {
        Value::Array(options) => options.iter().map(option_text).collect::<Vec<_>>().join(", "),
        Value::Object(option) => {
            let shown = option.get("text").map(value_text).filter(|text| !text.is_empty());
            shown
                .or_else(|| option.get("value").map(value_text))
                .unwrap_or_default()
        }
        other => value_text(other),
    }
}
