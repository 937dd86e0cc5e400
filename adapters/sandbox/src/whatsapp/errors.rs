//! The Graph API's errors: the code decides, the status only follows.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::world::World;

/// Status and title of a code.
fn meaning(code: i64) -> (u16, &'static str) {
    match code {
        0 => (401, "AuthException"),
        190 => (401, "Access token has expired"),
        3 => (403, "API Method"),
        10 | 200..=299 => (403, "Permission denied"),
        4 => (429, "API Too Many Calls"),
        80_007 => (429, "Rate limit issues"),
        130_429 => (429, "Rate limit hit"),
        131_056 => (429, "(Business Account, Consumer Account) pair rate limit hit"),
        131_048 => (429, "Spam rate limit hit"),
        131_064 => (429, "Messaging limit reached"),
        1 => (500, "API Unknown"),
        2 => (503, "API Service"),
        131_000 => (500, "Something went wrong"),
        131_016 | 133_004 => (503, "Service unavailable"),
        131_057 => (503, "Account in maintenance mode"),
        132_001 => (404, "Template name does not exist in the translation"),
        33 => (400, "Parameter value is not valid"),
        100 => (400, "Invalid parameter"),
        368 => (403, "Temporarily blocked for policies violations"),
        131_031 => (403, "Business Account locked"),
        131_042 => (403, "Business eligibility payment issue"),
        131_008 => (400, "Required parameter is missing"),
        131_009 => (400, "Parameter value is not valid"),
        131_021 => (400, "Recipient cannot be sender"),
        131_026 => (400, "Message undeliverable"),
        131_030 => (400, "Recipient phone number not in allowed list"),
        131_045 => (400, "Message failed to send due to phone number registration error"),
        131_047 => (400, "Re-engagement message"),
        131_049 => (
            400,
            "This message was not delivered to maintain healthy ecosystem engagement",
        ),
        131_050 => (400, "User has stopped receiving marketing messages"),
        131_051 => (400, "Unsupported message type"),
        132_000 => (400, "Number of parameters does not match the expected number of params"),
        132_005 => (400, "Translated text too long"),
        132_007 => (400, "Template format character policy violated"),
        132_012 => (400, "Parameter format does not match format in the created template"),
        132_015 => (400, "Template is paused"),
        132_016 => (400, "Template is disabled"),
        133_010 => (400, "Phone number not registered"),
        _ => (400, "Unknown error"),
    }
}

/// The title of a code, as statuses carry it.
pub(super) fn title(code: i64) -> &'static str {
    meaning(code).1
}

/// An error by its code.
pub(crate) fn error(world: &World, code: &str) -> Response {
    refuse(world, code.parse().unwrap_or(131_000), "")
}

/// An error by its code, with details.
pub(super) fn refuse(world: &World, code: i64, details: &str) -> Response {
    let (status, title) = meaning(code);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut error = json!({
        "message": format!("(#{code}) {title}"),
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details},
        "fbtrace_id": format!("A{}", world.ids.hex(22)),
    });
    match code {
        190 => error["error_subcode"] = json!(463),
        33 => error["error_subcode"] = json!(0),
        _ => {}
    }
    (status, Json(json!({"error": error}))).into_response()
}

/// Code 100 with subcode 33 is how the Graph API says that an object does not exist.
pub(super) fn unknown_object(world: &World, id: &str) -> Response {
    let error = json!({
        "message": format!("Unsupported post request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation."),
        "type": "GraphMethodException",
        "code": 100,
        "error_subcode": 33,
        "fbtrace_id": format!("A{}", world.ids.hex(22)),
    });
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}

/// Anything but sending.
pub(super) async fn unknown_path(State(world): State<Arc<World>>) -> Response {
    let error = json!({
        "message": "Unknown path components", "type": "OAuthException", "code": 2500, "fbtrace_id": format!("A{}", world.ids.hex(22)),
    });
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}
