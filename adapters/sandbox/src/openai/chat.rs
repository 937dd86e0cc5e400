//! `POST /v1/chat/completions`.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Answer, Refusal, ScriptedAnswer, authorize, compose, finish, model_of, only_known_keys, parse, reading::Reading,
    strict_schema,
};
use crate::world::World;

const KNOWN: [&str; 33] = [
    "model",
    "messages",
    "temperature",
    "top_p",
    "n",
    "stream",
    "stream_options",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "response_format",
    "seed",
    "service_tier",
    "store",
    "metadata",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning_effort",
    "verbosity",
    "modalities",
    "audio",
    "prediction",
    "web_search_options",
    "prompt_cache_retention",
];

/// What the largest request may hold.
const CONTEXT_TOKENS: usize = 128_000;

pub(super) async fn complete(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = authorize(&world, &headers).and_then(|()| run(&world, &body));
    finish(&world, answer)
}

fn run(world: &World, body: &[u8]) -> Answer {
    let request = parse(body)?;
    only_known_keys(&request, &KNOWN)?;
    let model = model_of(&request)?;
    if model.starts_with("text-embedding") {
        return Err(Refusal {
            status: 404,
            ..Refusal::invalid(
                "model",
                "This is not a chat model and thus not supported in the v1/chat/completions endpoint.",
            )
        });
    }
    let limit = check_parameters(&request, model)?;
    let messages = read_messages(&request["messages"])?;
    let prompt_tokens = messages.iter().map(|(_, text)| tokens(text) + 4).sum::<usize>() + 3;
    if prompt_tokens > CONTEXT_TOKENS {
        let message = format!(
            "This model's maximum context length is {CONTEXT_TOKENS} tokens. However, your messages resulted in {prompt_tokens} tokens."
        );
        return Err(Refusal::invalid("messages", message).with_code("context_length_exceeded"));
    }
    let format = Format::read(&request["response_format"], &messages)?;
    let scripted = world.openai.lock().scripted.pop_front();
    let reading = Reading::of(&messages);
    let own = || match &format {
        Format::Text => compose::sentence(&reading),
        Format::Object => json!({"summary": compose::sentence(&reading)}).to_string(),
        Format::Schema(schema) => compose::answer(schema, &reading).to_string(),
    };
    let (content, refusal, mut finish_reason) = match scripted {
        None => (Some(own()), None, "stop"),
        Some(ScriptedAnswer::Content(content)) => (Some(content), None, "stop"),
        Some(ScriptedAnswer::Refusal(reason)) => (None, Some(reason), "stop"),
        Some(ScriptedAnswer::Truncated(content)) => (Some(content), None, "length"),
        Some(ScriptedAnswer::Filtered) => (Some(String::new()), None, "content_filter"),
        Some(ScriptedAnswer::NoChoices) => {
            let mut body = frame(world, model, (prompt_tokens, 0));
            body["choices"] = json!([]);
            return Ok(body);
        }
    };
    // Four characters make a token here; a tight limit cuts the answer as the real one would.
    let content = content.map(|content| match limit {
        Some(limit) if tokens(&content) > limit => {
            finish_reason = "length";
            content.chars().take(limit * 4).collect()
        }
        _ => content,
    });
    let completion_tokens = tokens(content.as_deref().or(refusal.as_deref()).unwrap_or_default());
    let mut body = frame(world, model, (prompt_tokens, completion_tokens));
    body["choices"] = json!([{
        "index": 0,
        "message": {"role": "assistant", "content": content, "refusal": refusal, "annotations": []},
        "finish_reason": finish_reason,
        "logprobs": null,
    }]);
    Ok(body)
}

fn frame(world: &World, model: &str, (prompt_tokens, completion_tokens): (usize, usize)) -> Value {
    json!({
        "id": format!("chatcmpl-{}", world.ids.hex(29)),
        "object": "chat.completion",
        "created": world.clock.now().timestamp(),
        "model": format!("{model}-2026-01-15"),
        "service_tier": "default",
        "system_fingerprint": null,
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
            },
        },
    })
}

pub(super) fn tokens(text: &str) -> usize {
    text.chars().count().div_ceil(4)
}

/// Reasoning models take other parameters than the rest. Gives the token limit.
fn check_parameters(request: &Value, model: &str) -> Result<Option<usize>, Refusal> {
    let is_reasoning = model.starts_with("gpt-5") || model.starts_with('o');
    if request["stream"] == true {
        return Err(Refusal::invalid("stream", "The sandbox does not stream.").with_code("unsupported_value"));
    }
    if request["n"].as_u64().is_some_and(|n| n != 1) {
        return Err(Refusal::invalid("n", "The sandbox gives one choice.").with_code("unsupported_value"));
    }
    if is_reasoning && !request["max_tokens"].is_null() {
        let message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        return Err(Refusal::invalid("max_tokens", message).with_code("unsupported_parameter"));
    }
    match &request["temperature"] {
        Value::Null => {}
        Value::Number(value) => {
            let value = value.as_f64().unwrap_or(f64::NAN);
            if !(0.0..=2.0).contains(&value) {
                return Err(Refusal::invalid(
                    "temperature",
                    "Invalid 'temperature': expected a value between 0 and 2.",
                ));
            }
            if is_reasoning && value != 1.0 {
                let message = "Unsupported value: 'temperature' does not support this value with this model. Only the default (1) value is supported.";
                return Err(Refusal::invalid("temperature", message).with_code("unsupported_value"));
            }
        }
        _ => {
            return Err(Refusal::invalid(
                "temperature",
                "Invalid type for 'temperature': expected a decimal.",
            ));
        }
    }
    let mut limit = None;
    for name in ["max_tokens", "max_completion_tokens"] {
        match &request[name] {
            Value::Null => {}
            value => {
                let value = value
                    .as_u64()
                    .filter(|value| *value > 0)
                    .and_then(|value| usize::try_from(value).ok());
                limit = Some(value.ok_or_else(|| {
                    Refusal::invalid(name, format!("Invalid '{name}': expected an integer above 0."))
                })?);
            }
        }
    }
    Ok(limit)
}

/// Roles and texts. Content is a string or a list of text parts.
fn read_messages(messages: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let Some(messages) = messages.as_array().filter(|messages| !messages.is_empty()) else {
        let message = "Invalid 'messages': expected a non-empty array.";
        return Err(Refusal::invalid("messages", message).with_code("empty_array"));
    };
    messages
        .iter()
        .enumerate()
        .map(|(index, message)| read_message(index, message))
        .collect()
}

fn read_message(index: usize, message: &Value) -> Result<(String, String), Refusal> {
    let role = message["role"].as_str().unwrap_or_default();
    if !matches!(role, "system" | "developer" | "user" | "assistant") {
        let path = format!("messages[{index}].role");
        return Err(Refusal::invalid(&path, format!("Invalid value for '{path}'.")).with_code("invalid_value"));
    }
    let text = match &message["content"] {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => parts
            .iter()
            .map(|part| part["text"].as_str().filter(|_| part["type"] == "text"))
            .collect::<Option<Vec<_>>>()
            .map(|texts| texts.join("\n")),
        _ => None,
    };
    let path = format!("messages[{index}].content");
    let text =
        text.ok_or_else(|| Refusal::invalid(&path, format!("Invalid type for '{path}'.")).with_code("invalid_type"))?;
    Ok((role.to_owned(), text))
}

/// What the answer has to look like.
enum Format {
    Text,
    Object,
    Schema(Value),
}

impl Format {
    fn read(format: &Value, messages: &[(String, String)]) -> Result<Self, Refusal> {
        match format["type"].as_str() {
            None if format.is_null() => Ok(Self::Text),
            Some("text") => Ok(Self::Text),
            Some("json_object") if messages.iter().any(|(_, text)| text.to_lowercase().contains("json")) => {
                Ok(Self::Object)
            }
            Some("json_object") => Err(Refusal::invalid(
                "messages",
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            )),
            Some("json_schema") => {
                let named = &format["json_schema"];
                strict_schema::check(named).map_err(|message| Refusal::invalid("response_format", message))?;
                Ok(Self::Schema(named["schema"].clone()))
            }
            _ => Err(
                Refusal::invalid("response_format.type", "Invalid value for 'response_format.type'.")
                    .with_code("invalid_value"),
            ),
        }
    }
}
