//! A workflow's custom step of our app: a form whose answers are inputs.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    super::{
        InboundMessage, Intake, MessageRole,
        form::{Field, Form, field_of, value_text},
        wire::{Loose, nullable},
    },
    event::{Context, Event},
    is_channel_id, is_user_id, moment, person,
};
use crate::domain::{Channel, ExternalId, StepOutput, StepOutputKind, ThreadRef, WaitingStep};

#[derive(Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow, default)]
    id: Loose<'a>,
    #[serde(borrow, default)]
    callback_id: Loose<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    input_parameters: Vec<Parameter<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    output_parameters: Vec<Parameter<'a>>,
}

/// Why a step makes no ticket that holds nothing to read.
const WORDLESS: &str = "a form without words";

/// Outputs of a step that mean the ticket's number.
const NUMBER_OUTPUTS: [&str; 2] = ["ticket_number", "ticket"];

#[derive(Deserialize)]
struct Parameter<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Loose<'a>,
    #[serde(borrow, default)]
    name: Loose<'a>,
}

/// Reads `function_executed`: the report, or why it is none, and the step that waits to hear of it.
pub(super) fn items(event: &Event<'_>, context: &Context<'_>) -> Vec<Intake> {
    let item = item(event, context);
    // What cannot be read is kept for a replay, and the step waits for that.
    let is_over = matches!(item, Intake::Message(_) | Intake::Ignored(WORDLESS));
    match (is_over, waiting(event)) {
        (true, Some(step)) => vec![item, Intake::Step(Box::new(step))],
        _ => vec![item],
    }
}

fn waiting(event: &Event<'_>) -> Option<WaitingStep> {
    let outputs = &event.function.as_ref()?.output_parameters;
    let wants = outputs
        .iter()
        .filter(|output| NUMBER_OUTPUTS.contains(&output.name.as_str()))
        .map(|output| StepOutput {
            name: output.name.as_str().to_owned(),
            kind: match output.kind.as_str() {
                "number" | "integer" => StepOutputKind::Number,
                _ => StepOutputKind::Text,
            },
        });
    Some(WaitingStep {
        channel: Channel::Slack,
        execution: ExternalId::parse(event.function_execution_id.as_str()).ok()?,
        wants: wants.collect(),
    })
}

/// There is no message: the execution is the id, and an input may name person and channel.
fn item(event: &Event<'_>, context: &Context<'_>) -> Intake {
    let Some(function) = &event.function else {
        return Intake::Unparsed("Slack workflow step names no function");
    };
    if !context.rules.allows_callback(function.callback_id.as_str()) {
        return Intake::Ignored("a workflow step that is not configured");
    }
    let Ok(external_id) = ExternalId::parse(event.function_execution_id.as_str()) else {
        return Intake::Unparsed("Slack workflow step has no usable id");
    };
    let Some(inputs) = event
        .inputs
        .and_then(|raw| serde_json::from_str::<Map<String, Value>>(raw.get()).ok())
    else {
        return Intake::Unparsed("Slack workflow step has no inputs");
    };
    let mut form = Form::default();
    let mut user = None;
    let mut channel = None;
    for (name, value) in &inputs {
        let text = value_text(value);
        let kind = function
            .input_parameters
            .iter()
            .find(|parameter| parameter.name.as_str() == name);
        let kind = kind.map_or("", |parameter| parameter.kind.as_str());
        let is_reporter = field_of(name) == Some(Field::Reporter);
        if is_user_id(&text) && (kind.ends_with("user_id") || is_reporter) {
            // A step may name several people; the one called reporter is.
            if user.is_none() || is_reporter {
                user = Some(text);
            }
        } else if kind.ends_with("channel_id") && is_channel_id(&text) {
            channel = Some(text);
        } else {
            form.put(name, &text);
        }
    }
    let mut author = person(user.as_deref().or(function.id.get()).unwrap_or_default());
    author.email = form.email.take();
    let (stated, text) = form.into_parts();
    if text.is_empty() {
        return Intake::Ignored(WORDLESS);
    }
    if author.external_user_id.is_empty() {
        return Intake::Unparsed("Slack workflow step names neither person nor function");
    }
    Intake::Message(Box::new(InboundMessage {
        channel: Channel::Slack,
        external_id,
        thread: ThreadRef::Slack {
            team: context.team.to_owned(),
            // A person's id opens the direct message with them.
            channel: channel.or(user).unwrap_or_default(),
            thread_ts: None,
        },
        role: MessageRole::Report,
        author,
        text,
        stated,
        files: Vec::new(),
        quotes: None,
        sent_at: moment(event.event_ts.as_str()),
    }))
}
