use base64::{Engine, engine::general_purpose::STANDARD};
use feedback_sandbox::{Sandbox, ScriptedAnswer};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{client, read, request, sandbox};

async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/{path}", sandbox.openai_base_url());
    read(
        request(Method::POST, url, &sandbox.config().openai.api_key)
            .json(body)
            .send()
            .await
            .unwrap(),
    )
    .await
}

fn triage(text: &str) -> Value {
    json!({
        "model": "gpt-4o-mini", "temperature": 0, "max_completion_tokens": 400, "store": false,
        "messages": [{"role": "system", "content": "Classify the ticket."}, {"role": "user", "content": text}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "triage", "strict": true, "schema": {
            "type": "object", "additionalProperties": false, "required": ["type", "priority", "summary"],
            "properties": {
                "type": {"type": "string", "enum": ["bug", "feature_request", "question", "incident"]},
                "priority": {"type": "string", "enum": ["P0", "P1", "P2", "P3", "P4", "P5"]},
                "summary": {"type": "string"},
            },
        }}},
    })
}

fn content(answer: &Value) -> Value {
    serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_triage_fits_its_schema_and_repeats_itself() {
    let sandbox = sandbox().await;
    let asked = triage("Los pagos están caídos, ningún cliente puede pagar");
    let (status, answer) = post(&sandbox, "chat/completions", &asked).await;
    assert_eq!(status, 200);
    assert_eq!(content(&answer)["type"], "incident");
    assert_eq!(content(&answer)["priority"], "P0");
    assert!(content(&answer)["summary"].as_str().unwrap().starts_with("La persona"));
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert!(answer["choices"][0]["message"]["refusal"].is_null());
    assert!(answer["model"].as_str().unwrap().starts_with("gpt-4o-mini-"));
    let usage = &answer["usage"];
    let total = usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"], total);
    let again = post(&sandbox, "chat/completions", &asked).await.1;
    assert_eq!(content(&again), content(&answer));
    let requests = sandbox.openai().requests();
    assert_eq!(requests.len(), 2);
    assert!(String::from_utf8_lossy(&requests[0].body).contains("caídos"));
}

#[tokio::test]
async fn scripted_answers_come_once_each() {
    let sandbox = sandbox().await;
    let openai = sandbox.openai();
    openai.answer_next(ScriptedAnswer::Refusal("I can't help with that.".into()));
    openai.answer_next(ScriptedAnswer::Truncated("{\"type\":\"bu".into()));
    openai.answer_next(ScriptedAnswer::NoChoices);
    openai.answer_next(ScriptedAnswer::Filtered);
    openai.answer_next(ScriptedAnswer::Content("not json".into()));
    let asked = triage("hola, no funciona");
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(post(&sandbox, "chat/completions", &asked).await.1);
    }
    assert_eq!(
        answers[0]["choices"][0]["message"]["refusal"],
        "I can't help with that."
    );
    assert!(answers[0]["choices"][0]["message"]["content"].is_null());
    assert_eq!(answers[1]["choices"][0]["finish_reason"], "length");
    assert_eq!(answers[2]["choices"], json!([]));
    assert_eq!(answers[3]["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(answers[4]["choices"][0]["message"]["content"], "not json");
    assert_eq!(content(&answers[5])["type"], "bug");
}

#[tokio::test]
async fn wrong_requests_are_refused_in_openais_shape() {
    let sandbox = sandbox().await;
    let with = |name: &str, value: Value| {
        let mut body = triage("x");
        body[name] = value;
        body
    };
    let cases = [
        (with("model", json!("gpt-99")), 404, json!("model_not_found")),
        (with("messages", json!([])), 400, json!("empty_array")),
        (
            with("messages", json!([{"role": "robot", "content": "x"}])),
            400,
            json!("invalid_value"),
        ),
        (with("fuel", json!(1)), 400, json!("unknown_parameter")),
        (
            with("response_format", json!({"type": "json_object"})),
            400,
            Value::Null,
        ),
        (
            with(
                "response_format",
                json!({"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}),
            ),
            400,
            Value::Null,
        ),
        (with("max_completion_tokens", json!(0)), 400, Value::Null),
        (
            json!({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "x"}], "max_tokens": 5}),
            400,
            json!("unsupported_parameter"),
        ),
        (
            json!({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "x"}], "temperature": 0}),
            400,
            json!("unsupported_value"),
        ),
        (
            json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "x".repeat(600_000)}]}),
            400,
            json!("context_length_exceeded"),
        ),
    ];
    for (body, status, code) in cases {
        let (got, answer) = post(&sandbox, "chat/completions", &body).await;
        assert_eq!(
            (got, &answer["error"]["code"]),
            (status, &code),
            "{}",
            answer["error"]["message"]
        );
        assert!(answer["error"]["message"].is_string() && answer["error"]["type"].is_string());
    }
    let url = format!("{}/chat/completions", sandbox.openai_base_url());
    let response = client()
        .post(url)
        .bearer_auth("sk-wrong")
        .json(&triage("x"))
        .send()
        .await
        .unwrap();
    assert!(response.headers().contains_key("x-request-id"));
    assert!(response.headers().contains_key("x-ratelimit-reset-tokens"));
    let (status, answer) = read(response).await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("invalid_api_key")));
}

#[tokio::test]
async fn a_tight_token_limit_cuts_the_answer() {
    let sandbox = sandbox().await;
    let mut body = triage("La impresora no funciona");
    body["max_completion_tokens"] = json!(5);
    let (_, answer) = post(&sandbox, "chat/completions", &body).await;
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    assert_eq!(answer["usage"]["completion_tokens"], 5);
}

#[tokio::test]
async fn embeddings_are_ordered_unit_vectors_of_the_asked_size() {
    let sandbox = sandbox().await;
    let body =
        json!({"model": "text-embedding-3-small", "input": ["no exporta", "el export no anda"], "dimensions": 64});
    let (status, answer) = post(&sandbox, "embeddings", &body).await;
    assert_eq!(status, 200);
    for (index, item) in answer["data"].as_array().unwrap().iter().enumerate() {
        assert_eq!(item["index"], index);
        let vector: Vec<f64> = item["embedding"]
            .as_array()
            .unwrap()
            .iter()
            .map(|value| value.as_f64().unwrap())
            .collect();
        assert_eq!(vector.len(), 64);
        assert!((vector.iter().map(|value| value * value).sum::<f64>() - 1.0).abs() < 1e-3);
    }
    let mut packed = body.clone();
    packed["encoding_format"] = json!("base64");
    let (_, packed) = post(&sandbox, "embeddings", &packed).await;
    let bytes = STANDARD
        .decode(packed["data"][0]["embedding"].as_str().unwrap())
        .unwrap();
    assert_eq!(bytes.len(), 64 * 4);
    let first = f32::from_le_bytes(bytes[..4].try_into().unwrap());
    assert_eq!(f64::from(first), answer["data"][0]["embedding"][0].as_f64().unwrap());

    for (name, value) in [
        ("dimensions", json!(5_000)),
        ("input", json!([""])),
        ("input", json!(vec!["a"; 2_049])),
    ] {
        let mut wrong = body.clone();
        wrong[name] = value;
        assert_eq!(post(&sandbox, "embeddings", &wrong).await.0, 400);
    }
    let fixed = json!({"model": "text-embedding-ada-002", "input": "a", "dimensions": 10});
    assert_eq!(post(&sandbox, "embeddings", &fixed).await.0, 400);
}
