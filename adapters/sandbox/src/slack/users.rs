//! Who is who.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, SlackUser, arguments::Arguments};
use crate::{config::EmailScope, world::World};

pub(super) fn auth_test(world: &World) -> Value {
    let account = &world.config.slack;
    json!({
        "url": "https://sandbox.slack.example/", "team": "Sandbox", "user": "feedback", "team_id": account.team_id,
        "user_id": account.bot_user_id, "bot_id": account.bot_id, "is_enterprise_install": false,
    })
}

pub(super) fn bot_info(world: &World, arguments: &Arguments) -> Answer {
    let account = &world.config.slack;
    if arguments.text("bot")? != Some(account.bot_id.as_str()) {
        return Err("bot_not_found");
    }
    Ok(json!({"bot": {
        "id": account.bot_id, "deleted": false, "name": "Feedback", "app_id": account.app_id, "user_id": account.bot_user_id,
    }}))
}

/// `files.info`: what a message about a file of another workspace leaves out.
pub(super) fn file_info(world: &World, arguments: &Arguments) -> Answer {
    let id = arguments.required("file", "file_not_found")?;
    let files = world.files.lock();
    let file = files.get(id).ok_or("file_not_found")?;
    let address = format!("{}/files-pri/{id}/{}", world.slack_hooks_url(), file.name);
    Ok(json!({"file": {
        "id": id, "name": file.name, "mimetype": file.content_type, "size": file.bytes.len(), "mode": "hosted",
        "url_private": address, "url_private_download": address,
    }}))
}

/// `users.info`. Without the scope the email is absent, and nothing says so.
pub(super) fn info(world: &Arc<World>, arguments: &Arguments) -> Answer {
    let id = arguments.required("user", "user_not_found")?;
    if id == world.config.slack.bot_user_id {
        return Ok(json!({"user": {
            "id": id, "team_id": world.config.slack.team_id, "name": "feedback", "deleted": false, "is_bot": true,
            "is_app_user": false, "real_name": "Feedback", "profile": {"real_name": "Feedback", "display_name": ""},
        }}));
    }
    let state = world.slack.lock();
    let user = state.users.get(id).ok_or("user_not_found")?;
    Ok(json!({"user": shape(world, user)}))
}

/// `users.lookupByEmail`, which needs the scope.
pub(super) fn lookup_by_email(world: &Arc<World>, arguments: &Arguments) -> Answer {
    if world.config.slack.email_scope == EmailScope::Missing {
        return Err("missing_scope");
    }
    let email = arguments.required("email", "users_not_found")?;
    let state = world.slack.lock();
    let matches = |user: &&SlackUser| {
        user.email
            .as_deref()
            .is_some_and(|known| known.eq_ignore_ascii_case(email))
    };
    let user = state.users.values().find(matches).ok_or("users_not_found")?;
    Ok(json!({"user": shape(world, user)}))
}

/// `conversations.open` with one person.
pub(super) fn open_conversation(world: &Arc<World>, arguments: &Arguments) -> Answer {
    let users = arguments.required("users", "users_list_not_supplied")?;
    if users.contains(',') {
        return Err("too_many_users");
    }
    let (id, was_open) = world.slack.lock().open_dm(users).ok_or("user_not_found")?;
    let mut fields = json!({"channel": {"id": id}});
    if was_open {
        fields["no_op"] = json!(true);
        fields["already_open"] = json!(true);
    }
    Ok(fields)
}

fn shape(world: &World, user: &SlackUser) -> Value {
    let mut shape = json!({
        "id": user.id,
        "team_id": world.config.slack.team_id,
        "name": user.handle,
        "deleted": false,
        "real_name": user.real_name,
        "tz": "America/Argentina/Buenos_Aires",
        "is_bot": false,
        "is_app_user": false,
        "is_restricted": false,
        "is_ultra_restricted": false,
        "updated": 1_767_225_600,
        "locale": user.locale,
        "profile": {
            "real_name": user.real_name, "real_name_normalized": user.real_name, "display_name": user.display_name,
            "display_name_normalized": user.display_name, "image_72": "https://avatars.slack.example/72.png",
            "team": world.config.slack.team_id, "phone": "", "title": "",
        },
    });
    if world.config.slack.email_scope == EmailScope::Granted
        && let Some(email) = &user.email
    {
        shape["profile"]["email"] = json!(email);
    }
    shape
}
