//! From a server's answer to a reading, a draft or vectors: in the order in which an answer can be worthless.

use feedback_core::domain::{ModelUse, Priority, TicketType};
use serde_json::{Map, Value};

use crate::{
    clean::{clean, cut},
    error::Unusable,
    wire::{Completion, Embeddings},
};

const MAX_SUMMARY_CHARS: usize = 500;
const MAX_DRAFT_CHARS: usize = 1_500;
/// A draft that is longer than this is no draft that somebody would cut.
const MAX_WRITTEN_CHARS: usize = 6_000;
/// Longest name of a model that is kept.
const MAX_MODEL_CHARS: usize = 100;

/// The JSON object that the model wrote, and who it was.
pub(crate) fn object(
    completion: Completion,
    asked: &str,
    prompt_version: &str,
) -> Result<(Map<String, Value>, ModelUse), Unusable> {
    let usage = completion.usage.unwrap_or_default();
    let model = completion
        .model
        .filter(|model| !model.is_empty())
        .unwrap_or_else(|| asked.to_owned());
    let choice = completion.choices.into_iter().next().ok_or(Unusable::Empty)?;
    match choice.finish_reason.as_deref() {
        Some("length") => return Err(Unusable::Cut),
        Some("content_filter") => return Err(Unusable::Filtered),
        _ => {}
    }
    if choice.message.refusal.is_some_and(|reason| !reason.is_empty()) {
        return Err(Unusable::Refused);
    }
    let object = written_object(&text_of(&choice.message.content)).ok_or(Unusable::Content)?;
    let made_by = ModelUse {
        model: model
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_MODEL_CHARS)
            .collect(),
        prompt_version: prompt_version.to_owned(),
        input_tokens: u32::try_from(usage.prompt_tokens).unwrap_or(u32::MAX),
        output_tokens: u32::try_from(usage.completion_tokens).unwrap_or(u32::MAX),
    };
    Ok((object, made_by))
}

/// A string, or the texts of a list of parts.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// The object in what a model wrote: thinking aloud, code fences and words around it are taken off.
fn written_object(text: &str) -> Option<Map<String, Value>> {
    let spoken = text.rsplit_once("</think>").map_or(text, |(_, spoken)| spoken);
    let parsed = |text: &str| serde_json::from_str(text.trim()).ok();
    let inside = || {
        let (start, end) = (spoken.find('{')?, spoken.rfind('}')?);
        parsed(spoken.get(start..=end)?)
    };
    parsed(spoken).or_else(inside)
}

/// Type, priority and summary of a triage answer.
pub(crate) fn triage(object: &Map<String, Value>) -> Result<(TicketType, Priority, String), Unusable> {
    let word = |key: &str| {
        object
            .get(key)
            .and_then(Value::as_str)
            .map(str::trim)
            .ok_or(Unusable::Content)
    };
    let kind = word("type")?.to_ascii_lowercase().replace([' ', '-'], "_");
    let ticket_type = kind.parse::<TicketType>().map_err(|_| Unusable::Content)?;
    let priority = word("priority")?.parse::<Priority>().map_err(|_| Unusable::Content)?;
    // A summary repeats the report, whose placeholders are numbered by the hub: all of them may stay.
    let written = word("summary")?;
    let summary = clean(
        &written.chars().take(MAX_WRITTEN_CHARS).collect::<String>(),
        written,
        &[],
    )
    .replace('\n', " ");
    if summary.is_empty() {
        return Err(Unusable::Content);
    }
    Ok((ticket_type, priority, cut(&summary, MAX_SUMMARY_CHARS)))
}

/// The text of a draft.
pub(crate) fn draft(object: &Map<String, Value>, given: &str, link_hosts: &[String]) -> Result<String, Unusable> {
    let written = object.get("text").and_then(Value::as_str).ok_or(Unusable::Content)?;
    if written.chars().count() > MAX_WRITTEN_CHARS {
        return Err(Unusable::Content);
    }
    let text = cut(&clean(written, given, link_hosts), MAX_DRAFT_CHARS);
    if text.chars().any(char::is_alphanumeric) {
        Ok(text)
    } else {
        Err(Unusable::Content)
    }
}

/// Vectors in the order of the texts, each of unit length.
pub(crate) fn vectors(embeddings: Embeddings, count: usize, dimensions: usize) -> Result<Vec<Vec<f32>>, Unusable> {
    let mut ordered: Vec<Option<Vec<f32>>> = vec![None; count];
    for embedding in embeddings.data {
        let place = ordered.get_mut(embedding.index).ok_or(Unusable::Vectors)?;
        *place = Some(unit(embedding.embedding, dimensions)?);
    }
    ordered.into_iter().collect::<Option<_>>().ok_or(Unusable::Vectors)
}

/// Servers that shorten vectors themselves do not always bring them back to length 1.
fn unit(mut vector: Vec<f32>, dimensions: usize) -> Result<Vec<f32>, Unusable> {
    let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    if vector.len() != dimensions || !length.is_finite() || length < 1e-6 {
        return Err(Unusable::Vectors);
    }
    vector
        .iter_mut()
        .for_each(|value| *value = (f64::from(*value) / length) as f32);
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completion(content: Value, finish: &str, refusal: Value) -> Completion {
        serde_json::from_value(json!({
            "model": "gpt-4.1-mini-2026-01-15",
            "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, "refusal": refusal}}],
            "usage": {"prompt_tokens": 98, "completion_tokens": 17},
        }))
        .unwrap()
    }

    const GOOD: &str = r#"{"type":"bug","priority":"P2","summary":"It hangs."}"#;

    #[test]
    fn the_snapshot_and_the_tokens_are_kept() {
        let (object, made_by) =
            object(completion(json!(GOOD), "stop", Value::Null), "gpt-4.1-mini", "triage-1").unwrap();
        assert_eq!(triage(&object), Ok((TicketType::Bug, Priority::P2, "It hangs.".into())));
        assert_eq!(made_by.model, "gpt-4.1-mini-2026-01-15");
        assert_eq!((made_by.input_tokens, made_by.output_tokens), (98, 17));
    }

    #[test]
    fn what_weak_models_put_around_the_object_is_taken_off() {
        for written in [
            format!("```json\n{GOOD}\n```"),
            format!("<think>{{maybe P0?}}</think>\n{GOOD}"),
            format!("Sure! Here it is: {GOOD} Anything else?"),
            GOOD.replace("bug", " Bug ").replace("P2", "p2"),
        ] {
            let written = written_object(&written).unwrap();
            assert_eq!(triage(&written).unwrap().1, Priority::P2);
        }
        let parts = completion(json!([{"type": "text", "text": GOOD}]), "stop", Value::Null);
        assert!(object(parts, "m", "v").is_ok());
    }

    #[test]
    fn f68_worthless_answers_are_told_apart() {
        let read = |content, finish, refusal| {
            object(completion(content, finish, refusal), "m", "v")
                .map(|_| ())
                .unwrap_err()
        };
        assert_eq!(read(json!(GOOD), "length", Value::Null), Unusable::Cut);
        assert_eq!(read(json!(""), "content_filter", Value::Null), Unusable::Filtered);
        assert_eq!(read(Value::Null, "stop", json!("I cannot")), Unusable::Refused);
        assert_eq!(read(Value::Null, "tool_calls", Value::Null), Unusable::Content);
        assert_eq!(read(json!("[]"), "stop", Value::Null), Unusable::Content);
        let empty = serde_json::from_value(json!({"choices": []})).unwrap();
        assert_eq!(object(empty, "m", "v").map(|_| ()).unwrap_err(), Unusable::Empty);
    }

    #[test]
    fn f67_the_attackers_dream_stays_within_the_enums() {
        for (written, is_fine) in [
            (
                json!({"type": "incident", "priority": "P0", "summary": "HACKED", "send": true, "to": "everybody"}),
                true,
            ),
            (json!({"type": "admin", "priority": "P0", "summary": "x"}), false),
            (json!({"type": "bug", "priority": "P-1", "summary": "x"}), false),
            (json!({"type": ["bug"], "priority": "P0", "summary": "x"}), false),
            (json!({"type": "bug", "priority": "P0", "summary": "\u{202e} "}), false),
            (json!({"type": "bug", "priority": "P0"}), false),
        ] {
            assert_eq!(triage(written.as_object().unwrap()).is_ok(), is_fine, "{written}");
        }
    }

    #[test]
    fn drafts_are_brought_within_their_limit_or_refused() {
        let draft = |text: &str| draft(json!({"text": text}).as_object().unwrap(), "", &[]);
        assert_eq!(draft("  **Listo.**  "), Ok("Listo.".into()));
        assert!(draft(&"Una frase larga. ".repeat(120)).unwrap().ends_with("larga."));
        for worthless in ["", " \n ", "https://evil.test", "...", &"a".repeat(20_000)] {
            assert_eq!(draft(worthless), Err(Unusable::Content), "{worthless:.40}");
        }
    }

    #[test]
    fn vectors_come_in_order_or_not_at_all() {
        let read = |data: Value| vectors(serde_json::from_value(json!({"data": data})).unwrap(), 2, 2);
        let good = json!([{"index": 1, "embedding": [0.0, 2.0]}, {"index": 0, "embedding": [3.0, 4.0]}]);
        assert_eq!(read(good), Ok(vec![vec![0.6, 0.8], vec![0.0, 1.0]]));
        for bad in [
            json!([]),
            json!([{"index": 0, "embedding": [1.0, 0.0]}]),
            json!([{"index": 0, "embedding": [1.0, 0.0]}, {"index": 2, "embedding": [1.0, 0.0]}]),
            json!([{"index": 0, "embedding": [1.0, 0.0]}, {"index": 1, "embedding": [1.0]}]),
            json!([{"index": 0, "embedding": [1.0, 0.0]}, {"index": 1, "embedding": [0.0, 0.0]}]),
        ] {
            assert_eq!(read(bad.clone()), Err(Unusable::Vectors), "{bad}");
        }
    }
}
