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

/// A request that is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: i64,
    subcode: Option<i64>,
    status: u16,
    kind: &'static str,
    message: String,
    details: Option<String>,
}

impl Refusal {
    /// By its code, with the status and the title that belong to it.
    pub(super) fn new(code: i64, details: impl Into<String>) -> Self {
        let (status, title) = meaning(code);
        Self {
            code,
            subcode: (code == 190).then_some(463),
            status,
            kind: "OAuthException",
            message: format!("(#{code}) {title}"),
            details: Some(details.into()),
        }
    }

    /// Code 100 with subcode 33 is how the Graph API says that an object does not exist.
    pub(super) fn unknown_object(id: &str) -> Self {
        Self {
            subcode: Some(33),
            kind: "GraphMethodException",
            message: format!(
                "Unsupported post request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or \
                 does not support this operation."
            ),
            details: None,
            ..Self::new(100, "")
        }
    }

    /// Anything but what is played here.
    pub(super) fn unknown_path() -> Self {
        Self {
            message: "Unknown path components".to_owned(),
            details: None,
            ..Self::new(2_500, "")
        }
    }

    pub(super) fn answer(self, world: &World) -> Response {
        let mut error = json!({
            "message": self.message, "type": self.kind, "code": self.code, "fbtrace_id": format!("A{}", world.ids.hex(22)),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = json!(subcode);
        }
        if let Some(details) = self.details {
            error["error_data"] = json!({"messaging_product": "whatsapp", "details": details});
        }
        (
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST),
            Json(json!({"error": error})),
        )
            .into_response()
    }
}

/// An error by its code.
pub(crate) fn error(world: &World, code: &str) -> Response {
    Refusal::new(code.parse().unwrap_or(131_000), "").answer(world)
}

/// Every other path.
pub(super) async fn unknown_path(State(world): State<Arc<World>>) -> Response {
    Refusal::unknown_path().answer(&world)
}
