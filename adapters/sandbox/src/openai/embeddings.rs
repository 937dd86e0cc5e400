//! `POST /v1/embeddings`: hashed words and letter groups, so that like texts get like vectors, always the same.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, Refusal, authorize, chat::tokens, finish, model_of, only_known_keys, parse};
use crate::world::World;

const INPUT_LIMIT: usize = 2_048;
const TOKENS_PER_INPUT: usize = 8_192;
const TOKENS_PER_REQUEST: usize = 300_000;

pub(super) async fn embed(State(world): State<Arc<World>>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = authorize(&world, &headers).and_then(|()| run(&body));
    finish(&world, answer)
}

fn run(body: &[u8]) -> Answer {
    let request = parse(body)?;
    only_known_keys(&request, &["model", "input", "encoding_format", "dimensions", "user"])?;
    let model = model_of(&request)?;
    let most = match model {
        "text-embedding-3-small" | "text-embedding-ada-002" => 1_536,
        "text-embedding-3-large" => 3_072,
        _ => {
            return Err(Refusal::invalid(
                "model",
                "You are not allowed to generate embeddings from this model",
            ));
        }
    };
    let dimensions = read_dimensions(&request, model, most)?;
    let inputs = read_inputs(&request["input"])?;
    let encode = match request["encoding_format"].as_str() {
        None | Some("float") => |vector: &[f32]| json!(vector),
        Some("base64") => |vector: &[f32]| {
            let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
            json!(STANDARD.encode(bytes))
        },
        Some(_) => {
            return Err(Refusal::invalid(
                "encoding_format",
                "Invalid value for 'encoding_format'.",
            ));
        }
    };
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": encode(&vector(text, dimensions))}))
        .collect();
    let used: usize = inputs.iter().map(|text| tokens(text)).sum();
    Ok(json!({"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": used, "total_tokens": used}}))
}

fn read_dimensions(request: &Value, model: &str, most: usize) -> Result<usize, Refusal> {
    match &request["dimensions"] {
        Value::Null => Ok(most),
        _ if model == "text-embedding-ada-002" => Err(Refusal::invalid(
            "dimensions",
            "This model does not support specifying dimensions.",
        )),
        value => value
            .as_u64()
            .and_then(|value| usize::try_from(value).ok())
            .filter(|value| (1..=most).contains(value))
            .ok_or_else(|| {
                Refusal::invalid(
                    "dimensions",
                    format!("Invalid value for 'dimensions': must be between 1 and {most}."),
                )
            }),
    }
}

fn read_inputs(input: &Value) -> Result<Vec<String>, Refusal> {
    let invalid = || Refusal::invalid("input", "'$.input' is invalid. Please check the API reference.");
    let texts = match input {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(ToOwned::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(invalid)?,
        _ => return Err(invalid()),
    };
    if texts.is_empty() || texts.len() > INPUT_LIMIT || texts.iter().any(String::is_empty) {
        return Err(invalid());
    }
    if texts.iter().any(|text| tokens(text) > TOKENS_PER_INPUT) {
        return Err(
            Refusal::invalid("input", "This model's maximum context length is 8192 tokens.")
                .with_code("context_length_exceeded"),
        );
    }
    if texts.iter().map(|text| tokens(text)).sum::<usize>() > TOKENS_PER_REQUEST {
        return Err(
            Refusal::invalid("input", "Requested too many tokens: at most 300000 per request.")
                .with_code("max_tokens_per_request"),
        );
    }
    Ok(texts)
}

/// A unit vector. Words weigh more than letter groups; each falls into two places with its own signs.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    let lower = text.to_lowercase();
    for word in lower
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        add(&mut vector, word, 1.0);
        let letters: Vec<char> = format!("^{word}$").chars().collect();
        for group in letters.windows(3) {
            add(&mut vector, &group.iter().collect::<String>(), 0.4);
        }
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length == 0.0 {
        // No letters at all: any direction is as good as another, and zero is not a unit vector.
        vector[0] = 1.0;
        return vector;
    }
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

fn add(vector: &mut [f32], feature: &str, weight: f32) {
    let digest = Sha256::digest(feature.as_bytes());
    for part in digest[..18].chunks_exact(9) {
        let mut place = [0_u8; 8];
        place.copy_from_slice(&part[..8]);
        let sign = if part[8] & 1 == 0 { 1.0 } else { -1.0 };
        let place = u64::from_le_bytes(place) % vector.len() as u64;
        if let Some(value) = usize::try_from(place).ok().and_then(|place| vector.get_mut(place)) {
            *value += sign * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(one: &[f32], other: &[f32]) -> f32 {
        one.iter().zip(other).map(|(one, other)| one * other).sum()
    }

    #[test]
    fn vectors_are_unit_length_and_repeatable() {
        for dimensions in [1, 8, 256, 1_536] {
            let one = vector("El botón de exportar no hace nada", dimensions);
            assert_eq!(one.len(), dimensions);
            assert!((dot(&one, &one) - 1.0).abs() < 1e-4);
            assert_eq!(one, vector("El botón de exportar no hace nada", dimensions));
        }
        assert!((dot(&vector("…", 8), &vector("…", 8)) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn like_texts_are_closer_than_unlike_ones() {
        let asked = vector("no puedo exportar el reporte de ventas", 512);
        let alike = vector("el reporte de ventas no se exporta", 512);
        let other = vector("quiero cambiar la foto de mi perfil", 512);
        assert!(dot(&asked, &alike) > dot(&asked, &other) + 0.2);
    }

    #[test]
    fn bad_inputs_are_refused() {
        for input in [
            json!(""),
            json!([]),
            json!(["a", ""]),
            json!([1, 2]),
            json!(null),
            json!("x".repeat(40_000)),
        ] {
            assert!(read_inputs(&input).is_err());
        }
    }
}
