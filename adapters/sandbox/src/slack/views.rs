//! Forms that the app shows to a person.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, arguments::Arguments};
use crate::world::World;

/// Slack's limit for the title of a form, in characters.
const MAX_TITLE: usize = 24;

/// `views.open`. A trigger is exchanged once.
pub(super) fn open(world: &Arc<World>, arguments: &Arguments) -> Answer {
    let trigger = arguments.required("trigger_id", "invalid_arguments")?;
    let mut view = arguments.structure("view")?.ok_or("invalid_arguments")?;
    if trigger.split('.').count() != 3 {
        return Err("invalid_trigger_id");
    }
    let title = view["title"]["text"].as_str().unwrap_or_default();
    let has_blocks = view["blocks"]
        .as_array()
        .is_some_and(|blocks| !blocks.is_empty() && blocks.len() <= 100);
    if view["type"] != "modal" || title.is_empty() || title.chars().count() > MAX_TITLE || !has_blocks {
        return Err("invalid_arguments");
    }
    let mut state = world.slack.lock();
    if !state.used_triggers.insert(trigger.to_owned()) {
        return Err("exchanged_trigger_id");
    }
    let nth = state.views.len() + 1;
    view["id"] = json!(format!("V{nth:08}"));
    view["hash"] = json!(format!("{nth}.sandbox"));
    view["team_id"] = json!(world.config.slack.team_id);
    state.views.push(view.clone());
    Ok(json!({ "view": view }))
}

/// All forms that were shown, in order.
pub(super) fn shown(world: &World) -> Vec<Value> {
    world.slack.lock().views.clone()
}
