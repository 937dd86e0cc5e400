//! `POST /v{N}.0/{phone_number_id}/messages`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::json;

use super::{
    WhatsAppContent, WhatsAppMessage, WhatsAppState, WindowRefusal, entrance::enter, errors::Refusal,
    outgoing::Outgoing, receipts,
};
use crate::world::World;

pub(super) async fn send(
    State(world): State<Arc<World>>,
    Path((version, phone_number_id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let sent = enter(&world, &version, &phone_number_id, &headers).and_then(|()| {
        let request = serde_json::from_slice(&body).map_err(|_| Refusal::new(100, "The request body is not JSON"))?;
        let outgoing = Outgoing::read(&request, &world.whatsapp.lock().templates)?;
        carry_out(&world, outgoing)
    });
    sent.unwrap_or_else(|refusal| refusal.answer(&world))
}

fn carry_out(world: &Arc<World>, outgoing: Outgoing) -> Result<Response, Refusal> {
    match outgoing {
        Outgoing::MarkRead { message_id } => mark_read(world, &message_id),
        Outgoing::Message {
            input,
            to,
            content,
            callback_data,
            quoted,
        } => {
            let failure = foreseen_failure(world, &to, &content)?;
            let now = world.clock.now();
            let message = WhatsAppMessage {
                at: now,
                wamid: world.ids.wamid(),
                to,
                content,
                callback_data,
                quoted,
                history: vec![(WhatsAppState::Accepted, now)],
                error_code: None,
            };
            let answer = json!({
                "messaging_product": "whatsapp",
                "contacts": [{"input": input, "wa_id": message.to}],
                "messages": [{"id": message.wamid, "message_status": "accepted"}],
            });
            world.whatsapp.lock().messages.push(message.clone());
            receipts::follow_up(world, message, failure);
            Ok(Json(answer).into_response())
        }
    }
}

/// The code with which an accepted message will fail, if it will.
fn foreseen_failure(world: &World, to: &str, content: &WhatsAppContent) -> Result<Option<i64>, Refusal> {
    let mut state = world.whatsapp.lock();
    let business = &world.config.whatsapp.display_phone_number;
    if to == business {
        return Err(Refusal::new(131_021, "Sender and recipient phone number is same."));
    }
    let is_free_text = matches!(content, WhatsAppContent::Text { .. });
    if is_free_text && !state.is_window_open(to, world.clock.now()) {
        let details = "Message failed to send because more than 24 hours have passed since the customer last replied to this number.";
        return match state.window_refusal {
            WindowRefusal::Synchronous => Err(Refusal::new(131_047, details)),
            WindowRefusal::FailedStatus => Ok(Some(131_047)),
        };
    }
    if state.unreachable.contains(to) {
        return Ok(Some(131_026));
    }
    Ok(state.coming_failures.pop_front())
}

fn mark_read(world: &World, message_id: &str) -> Result<Response, Refusal> {
    let mut state = world.whatsapp.lock();
    let inbound = state.inbound.iter_mut().find(|inbound| inbound.wamid == message_id);
    let inbound = inbound.ok_or_else(|| Refusal::new(131_009, "message_id does not exist"))?;
    inbound.is_read = true;
    Ok(Json(json!({"success": true})).into_response())
}
