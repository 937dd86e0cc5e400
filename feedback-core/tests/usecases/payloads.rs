//! Provider payloads as small as they may be.

use serde_json::json;

pub(crate) fn slack(ts: &str, user: &str, text: &str) -> String {
    json!({
        "type": "event_callback", "team_id": "T0ACME", "api_app_id": "A0HELP", "event_id": format!("Ev{ts}"),
        "event": {"type": "message", "channel": "C0SUPPORT", "channel_type": "channel", "user": user, "text": text, "ts": ts},
    })
    .to_string()
}

pub(crate) fn slack_reply(ts: &str, root: &str, user: &str, text: &str) -> String {
    json!({
        "type": "event_callback", "team_id": "T0ACME", "api_app_id": "A0HELP", "event_id": format!("Ev{ts}"),
        "event": {"type": "message", "channel": "C0SUPPORT", "channel_type": "channel", "user": user, "text": text,
            "ts": ts, "thread_ts": root},
    })
    .to_string()
}

pub(crate) fn intercom(conversation: &str, contact: &str, email: &str, text: &str) -> String {
    json!({
        "type": "notification_event", "app_id": "wkspdemo", "id": format!("notif_{conversation}"),
        "topic": "conversation.user.created", "created_at": 1_767_225_600,
        "data": {"type": "notification_event_data", "item": {"type": "conversation", "id": conversation,
            "created_at": 1_767_225_600,
            "source": {"type": "conversation", "id": format!("s{conversation}"), "body": format!("<p>{text}</p>"),
                "author": {"type": "user", "id": contact, "name": "Dana Ortiz", "email": email}, "attachments": []},
            "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": contact}]},
            "conversation_parts": {"type": "conversation_part.list", "conversation_parts": []}}},
    })
    .to_string()
}

/// A run of our step in somebody's workflow, whose outputs are `(name, type)`.
pub(crate) fn workflow_step(execution: &str, details: &str, outputs: &[(&str, &str)]) -> String {
    let outputs = outputs
        .iter()
        .map(|(name, kind)| json!({"type": kind, "name": name, "is_required": true}));
    json!({
        "type": "event_callback", "team_id": "T0ACME", "api_app_id": "A0HELP", "event_id": format!("Ev{execution}"),
        "event": {"type": "function_executed", "event_ts": "1767225700.000200",
            "function": {"id": "Fn01", "callback_id": "open_ticket", "title": "Open ticket", "type": "app",
                "input_parameters": [{"type": "slack#/types/user_id", "name": "requester", "is_required": true}],
                "output_parameters": outputs.collect::<Vec<_>>()},
            "inputs": {"details": details, "requester": "U0DANA"}, "function_execution_id": execution,
            "workflow_execution_id": "Wx01", "bot_access_token": "xwfp-demo"},
    })
    .to_string()
}

/// Messages of WhatsApp as (wamid, unix seconds, text), in one delivery.
pub(crate) fn whatsapp(from: &str, messages: &[(&str, i64, &str)]) -> String {
    let messages: Vec<_> = messages
        .iter()
        .map(|(id, at, text)| {
            json!({"from": from, "id": id, "timestamp": at.to_string(), "type": "text", "text": {"body": text}})
        })
        .collect();
    whatsapp_value(&json!({
        "contacts": [{"profile": {"name": "Dana Ortiz"}, "wa_id": from}],
        "messages": messages,
    }))
}

pub(crate) fn whatsapp_status(wamid: &str, status: &str, callback: Option<&str>) -> String {
    let mut report = json!({"id": wamid, "status": status, "timestamp": "1767225700", "recipient_id": "5491155550101"});
    if let Some(callback) = callback {
        report["biz_opaque_callback_data"] = callback.into();
    }
    whatsapp_value(&json!({"statuses": [report]}))
}

pub(crate) fn whatsapp_failed(wamid: &str, code: u32) -> String {
    whatsapp_value(&json!({"statuses": [{
        "id": wamid, "status": "failed", "timestamp": "1767225700", "recipient_id": "5491155550101",
        "errors": [{"code": code, "title": "It failed", "message": "It failed"}],
    }]}))
}

fn whatsapp_value(parts: &serde_json::Value) -> String {
    let mut value = parts.clone();
    value["messaging_product"] = "whatsapp".into();
    value["metadata"] = json!({"display_phone_number": "15550100000", "phone_number_id": "PN-1"});
    json!({"object": "whatsapp_business_account",
        "entry": [{"id": "WABA-1", "changes": [{"field": "messages", "value": value}]}]})
    .to_string()
}

/// One message of WhatsApp.
pub(crate) fn whatsapp_message(from: &str, id: &str, at: i64, text: &str) -> serde_json::Value {
    json!({"from": from, "id": id, "timestamp": at.to_string(), "type": "text", "text": {"body": text}})
}

/// WhatsApp's news that a person has another number.
pub(crate) fn whatsapp_number_changed(from: &str, to: &str) -> serde_json::Value {
    json!({"from": from, "id": format!("wamid.system.{to}"), "timestamp": "1767225510", "type": "system",
        "system": {"type": "user_changed_number", "body": format!("User A changed from {from} to {to}"), "wa_id": to}})
}

/// One status report of WhatsApp.
pub(crate) fn report(wamid: &str, status: &str, marker: Option<&str>, code: Option<u32>) -> serde_json::Value {
    let mut report = json!({"id": wamid, "status": status, "timestamp": "1767225700", "recipient_id": "5491155550101"});
    if let Some(marker) = marker {
        report["biz_opaque_callback_data"] = marker.into();
    }
    if let Some(code) = code {
        report["errors"] = json!([{"code": code, "title": "It failed", "message": "It failed"}]);
    }
    report
}

/// Reports of WhatsApp in one delivery.
pub(crate) fn whatsapp_reports(reports: &[serde_json::Value]) -> String {
    whatsapp_value(&json!({"statuses": reports}))
}

/// Reports and messages of WhatsApp in one delivery; messages name no contact.
pub(crate) fn whatsapp_mixed(messages: &[serde_json::Value], reports: &[serde_json::Value]) -> String {
    whatsapp_value(&json!({"messages": messages, "statuses": reports}))
}

/// A slash command, as its form.
pub(crate) fn command(trigger: &str, channel: &str, text: &str) -> String {
    format!(
        "command=%2Ffeedback&team_id=T0ACME&channel_id={channel}&user_id=U0DANA&trigger_id={trigger}&text={}",
        text.replace(' ', "+")
    )
}

/// An emoji on a message.
pub(crate) fn reaction(ts: &str, emoji: &str, by: &str) -> String {
    json!({
        "type": "event_callback", "team_id": "T0ACME", "api_app_id": "A0HELP", "event_id": format!("EvR{ts}{by}"),
        "event": {"type": "reaction_added", "user": by, "reaction": emoji, "item_user": "U0DANA", "event_ts": "1767225601.000300",
            "item": {"type": "message", "channel": "C0SUPPORT", "ts": ts}},
    })
    .to_string()
}

/// One message of WhatsApp that quotes another.
pub(crate) fn whatsapp_quoting(from: &str, id: &str, at: i64, text: &str, quoted: &str) -> String {
    let mut message = whatsapp_message(from, id, at, text);
    message["context"] = json!({"from": "15550100000", "id": quoted});
    whatsapp_mixed(&[message], &[])
}

/// Messages of WhatsApp to another of our numbers.
pub(crate) fn whatsapp_to(number: &str, messages: &[serde_json::Value]) -> String {
    whatsapp_mixed(messages, &[]).replace("PN-1", number)
}

/// What a person told WhatsApp about marketing.
pub(crate) fn whatsapp_preference(from: &str, value: &str) -> String {
    whatsapp_value(
        &json!({"user_preferences": [{"wa_id": from, "category": "marketing_messages", "value": value,
        "detail": "User requested to stop marketing messages", "timestamp": 1_767_225_600}]}),
    )
    .replace("\"field\":\"messages\"", "\"field\":\"user_preferences\"")
}
