//! Custom steps of our app in people's workflows: a run begins with an event, and waits until the app ends it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, arguments::Arguments};
use crate::{
    Inbound,
    webhooks::slack::{App, envelope},
    world::World,
};

/// A run of a step.
#[derive(Debug)]
pub(super) struct Step {
    /// Declared outputs: names and types. All of them are required.
    outputs: Vec<(String, String)>,
    end: Option<SlackStepEnd>,
}

/// How the app ended a run of its step.
#[derive(Debug, Clone, PartialEq)]
pub enum SlackStepEnd {
    /// With these outputs.
    Success(Value),
    /// With these words.
    Error(String),
}

pub(super) fn run(
    world: &Arc<World>,
    callback_id: &str,
    inputs: &Value,
    input_types: &[(&str, &str)],
    output_types: &[(&str, &str)],
) -> (String, Inbound) {
    let account = &world.config.slack;
    let execution = world.ids.slack("Fx");
    let parameters = |types: &[(&str, &str)]| -> Vec<Value> {
        let parameter = |(name, kind): &(&str, &str)| json!({"type": kind, "name": name, "is_required": true});
        types.iter().map(parameter).collect()
    };
    let mut state = world.slack.lock();
    let ts = state.next_ts(world.clock.now());
    let event = json!({
        "type": "function_executed",
        "function": {
            "id": world.ids.slack("Fn"), "callback_id": callback_id, "title": callback_id, "type": "app",
            "app_id": account.app_id, "input_parameters": parameters(input_types),
            "output_parameters": parameters(output_types),
        },
        "inputs": inputs,
        "function_execution_id": execution,
        "workflow_execution_id": world.ids.slack("Wx"),
        "event_ts": ts,
        "bot_access_token": "xwfp-sandbox",
    });
    let owned = |(name, kind): &(&str, &str)| ((*name).to_owned(), (*kind).to_owned());
    let run = Step {
        outputs: output_types.iter().map(owned).collect(),
        end: None,
    };
    state.steps.insert(execution.clone(), run);
    let app = App {
        team_id: &account.team_id,
        app_id: &account.app_id,
        bot_user_id: &account.bot_user_id,
    };
    let webhook = envelope(app, &world.ids.slack("Ev"), world.clock.now().timestamp(), event);
    (execution, Inbound(webhook))
}

pub(super) fn ended(world: &World) -> Vec<(String, SlackStepEnd)> {
    let state = world.slack.lock();
    let ended = state
        .steps
        .iter()
        .filter_map(|(id, step)| Some((id.clone(), step.end.clone()?)));
    ended.collect()
}

/// `functions.completeSuccess`: the outputs have to be those that the step declares.
pub(super) fn complete_success(world: &Arc<World>, arguments: &Arguments) -> Answer {
    let outputs = arguments
        .structure("outputs")?
        .filter(Value::is_object)
        .ok_or("invalid_arguments")?;
    end(world, arguments, |step| {
        let fits = |(name, kind): &(String, String)| match kind.as_str() {
            "number" | "integer" => outputs[name].is_number(),
            "boolean" => outputs[name].is_boolean(),
            _ => outputs[name].is_string(),
        };
        let knows = |name: &String| step.outputs.iter().any(|(known, _)| known == name);
        let all_known = outputs.as_object().is_some_and(|given| given.keys().all(knows));
        if step.outputs.iter().all(fits) && all_known {
            Ok(SlackStepEnd::Success(outputs.clone()))
        } else {
            Err("parameter_validation_failed")
        }
    })
}

/// `functions.completeError`.
pub(super) fn complete_error(world: &Arc<World>, arguments: &Arguments) -> Answer {
    let words = arguments.required("error", "invalid_arguments")?.to_owned();
    end(world, arguments, |_| Ok(SlackStepEnd::Error(words.clone())))
}

fn end(world: &World, arguments: &Arguments, how: impl Fn(&Step) -> Result<SlackStepEnd, &'static str>) -> Answer {
    let execution = arguments.required("function_execution_id", "invalid_arguments")?;
    let mut state = world.slack.lock();
    let step = state.steps.get_mut(execution).ok_or("function_execution_not_found")?;
    if step.end.is_some() {
        return Err("execution_not_in_running_state");
    }
    step.end = Some(how(step)?);
    Ok(json!({}))
}
