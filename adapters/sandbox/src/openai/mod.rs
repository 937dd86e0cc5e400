//! The AI provider's stand-in: answers that fit the asked schema, by simple and repeatable reading of the words.

use std::{collections::VecDeque, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State as Extract},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use crate::{Provider, RecordedRequest, world::World};

mod chat;
mod compose;
mod concern;
mod embeddings;
mod reading;
mod strict_schema;

/// What was scripted for the next answers.
#[derive(Debug, Default)]
pub(crate) struct State {
    scripted: VecDeque<ScriptedAnswer>,
}

/// An answer that a chat completion gives instead of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptedAnswer {
    /// This content, whether it fits the schema or not.
    Content(String),
    /// A refusal: `content` is null and the reason stands in `refusal`.
    Refusal(String),
    /// This content, cut off: `finish_reason` is `length`.
    Truncated(String),
    /// Nothing: `finish_reason` is `content_filter`.
    Filtered,
    /// `choices` is empty.
    NoChoices,
}

/// What the AI provider was asked.
#[derive(Debug, Clone)]
pub struct OpenAi {
    world: Arc<World>,
}

impl OpenAi {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// Raw requests, in order, also those that were told to fail: nothing unscrubbed may be in them.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.world.arrivals(Provider::OpenAi).lock().to_vec()
    }

    /// Lets the next chat completion that has no answer yet give this one.
    pub fn answer_next(&self, answer: ScriptedAnswer) {
        self.world.openai.lock().scripted.push_back(answer);
    }
}

/// The API.
pub(crate) fn router(world: &Arc<World>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::complete))
        .route("/v1/embeddings", post(embeddings::embed))
        .route("/v1/models", get(list_models))
        .route("/v1/models/{model}", get(show_model))
        .fallback(unknown_route)
        .with_state(Arc::clone(world))
        .layer(axum::middleware::map_response(add_rate_limit_headers))
}

/// A request that is not carried out.
#[derive(Debug)]
struct Refusal {
    status: u16,
    kind: &'static str,
    code: Option<String>,
    param: Option<String>,
    message: String,
}

impl Refusal {
    fn invalid(param: &str, message: impl Into<String>) -> Self {
        let param = (!param.is_empty()).then(|| param.to_owned());
        Self {
            status: 400,
            kind: "invalid_request_error",
            code: None,
            param,
            message: message.into(),
        }
    }

    fn with_code(self, code: &str) -> Self {
        Self {
            code: Some(code.to_owned()),
            ..self
        }
    }
}

type Answer = Result<Value, Refusal>;

fn finish(world: &World, answer: Answer) -> Response {
    let mut response = match answer {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => {
            let body = json!({"error": {
                "message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code,
            }});
            (
                StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST),
                Json(body),
            )
                .into_response()
        }
    };
    if let Ok(id) = HeaderValue::from_str(&format!("req_{}", world.ids.hex(32))) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

fn authorize(world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
    let message = match crate::bearer::token(headers) {
        Some(token) if token == world.config.openai.api_key => return Ok(()),
        Some(_) => {
            "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys."
        }
        None => {
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth."
        }
    };
    Err(Refusal {
        status: 401,
        kind: "invalid_request_error",
        code: Some("invalid_api_key".into()),
        param: None,
        message: message.into(),
    })
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    value.filter(Value::is_object).ok_or_else(|| {
        Refusal::invalid(
            "",
            "We could not parse the JSON body of your request. The OpenAI API expects a JSON payload.",
        )
    })
}

fn only_known_keys(request: &Value, known: &[&str]) -> Result<(), Refusal> {
    let unknown = request
        .as_object()
        .into_iter()
        .flat_map(|map| map.keys())
        .find(|key| !known.contains(&key.as_str()));
    match unknown {
        None => Ok(()),
        Some(key) => Err(Refusal::invalid(key, format!("Unknown parameter: '{key}'.")).with_code("unknown_parameter")),
    }
}

const MODELS: [&str; 14] = [
    "gpt-4o-mini",
    "gpt-4o",
    "gpt-4.1-nano",
    "gpt-4.1-mini",
    "gpt-4.1",
    "gpt-5-nano",
    "gpt-5-mini",
    "gpt-5",
    "gpt-5.4-mini",
    "gpt-5.4",
    "o4-mini",
    "text-embedding-3-small",
    "text-embedding-3-large",
    "text-embedding-ada-002",
];

/// The model that a request names, without the date of a snapshot.
fn model_of(request: &Value) -> Result<&'static str, Refusal> {
    let Some(name) = request["model"].as_str() else {
        return Err(Refusal::invalid("model", "you must provide a model parameter"));
    };
    let is_snapshot_of = |model: &&&str| {
        name == **model
            || name
                .strip_prefix(**model)
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|date| date.len() == 10 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
    };
    MODELS
        .iter()
        .find(is_snapshot_of)
        .copied()
        .ok_or_else(|| unknown_model(name))
}

fn unknown_model(name: &str) -> Refusal {
    Refusal {
        status: 404,
        kind: "invalid_request_error",
        code: Some("model_not_found".into()),
        param: None,
        message: format!("The model `{name}` does not exist or you do not have access to it."),
    }
}

fn model_shape(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "system"})
}

async fn list_models(Extract(world): Extract<Arc<World>>, headers: HeaderMap) -> Response {
    let answer = authorize(&world, &headers).map(|()| {
        let data: Vec<Value> = MODELS.iter().map(|name| model_shape(name)).collect();
        json!({"object": "list", "data": data})
    });
    finish(&world, answer)
}

async fn show_model(Extract(world): Extract<Arc<World>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let answer = authorize(&world, &headers).and_then(|()| {
        if MODELS.contains(&name.as_str()) {
            Ok(model_shape(&name))
        } else {
            Err(unknown_model(&name))
        }
    });
    finish(&world, answer)
}

async fn unknown_route(Extract(world): Extract<Arc<World>>) -> Response {
    let refusal = Refusal {
        status: 404,
        ..Refusal::invalid("", "Invalid URL")
    };
    finish(&world, Err(refusal))
}

/// Every answer tells the budget.
async fn add_rate_limit_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-ratelimit-limit-tokens", "200000"),
        ("x-ratelimit-remaining-tokens", "199000"),
        ("x-ratelimit-reset-tokens", "300ms"),
        ("openai-processing-ms", "12"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// An error by its code.
pub(crate) fn error(world: &World, code: &str) -> Response {
    let (status, kind, message) = match code {
        "invalid_api_key" | "mismatched_organization" => (401, "invalid_request_error", "Incorrect API key provided."),
        "unsupported_country_region_territory" => {
            (403, "request_forbidden", "Country, region, or territory not supported")
        }
        "model_not_found" => (
            404,
            "invalid_request_error",
            "The model does not exist or you do not have access to it.",
        ),
        "rate_limit_exceeded" => (429, "requests", "Rate limit reached for requests"),
        "insufficient_quota" => (
            429,
            "insufficient_quota",
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        "billing_hard_limit_reached" => (429, "insufficient_quota", "Billing hard limit has been reached"),
        "server_error" => (
            500,
            "server_error",
            "The server had an error while processing your request. Sorry about that!",
        ),
        "overloaded" => (
            503,
            "server_error",
            "That model is currently overloaded with other requests.",
        ),
        "context_length_exceeded" => (
            400,
            "invalid_request_error",
            "This model's maximum context length was exceeded. Please reduce the length of the messages.",
        ),
        _ => (400, "invalid_request_error", "Invalid request"),
    };
    finish(
        world,
        Err(Refusal {
            status,
            kind,
            code: Some(code.to_owned()),
            param: None,
            message: message.into(),
        }),
    )
}

/// 429 with both forms of the pause.
pub(crate) fn rate_limited(world: &World, retry_after_secs: u64) -> Response {
    let mut response = error(world, "rate_limit_exceeded");
    let headers = response.headers_mut();
    headers.insert("retry-after", HeaderValue::from(retry_after_secs));
    headers.insert(
        "retry-after-ms",
        HeaderValue::from(retry_after_secs.saturating_mul(1_000)),
    );
    response
}
