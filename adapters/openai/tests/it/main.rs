//! What leaves, and what servers send that no schema foresees.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use feedback_core::{
    domain::{Language, TicketType},
    logic::{
        infer::infer,
        scrub::{KnownPeople, Scrubber},
    },
    ports::{ChangelogWriter, DraftRequest, Embedder, PortErrorKind, Triage, TriageRequest},
};
use feedback_openai::{OpenAi, OpenAiConfig};
use feedback_sandbox::{Sandbox, SandboxConfig, ScriptedAnswer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

fn install_tls() {
    rustls::crypto::ring::default_provider().install_default().ok();
}

fn request(text: &str) -> TriageRequest {
    let text = Scrubber::new()
        .scrub(text, &KnownPeople::new().with_name("Ana Ruiz"))
        .text;
    TriageRequest {
        inferred: infer(text.as_str()),
        text,
        language: Some(Language::Spanish),
    }
}

fn draft_request() -> DraftRequest {
    let text = request("La factura no abre").text;
    DraftRequest {
        title: text.clone(),
        description: text.clone(),
        resolution_notes: text,
        ticket_type: TicketType::Bug,
        language: Language::Spanish,
    }
}

/// A server that answers every connection with the same bytes, slowly if `pause` is not zero.
async fn server(answer: Vec<u8>, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answer.clone(), pause));
        }
    });
    format!("http://{address}/v1")
}

async fn serve(mut stream: TcpStream, answer: Vec<u8>, pause: Duration) {
    let mut heard = vec![0; 64 * 1024];
    let _ = stream.read(&mut heard).await;
    let piece = if pause.is_zero() { answer.len().max(1) } else { 1 };
    for bytes in answer.chunks(piece) {
        if stream.write_all(bytes).await.is_err() {
            return;
        }
        tokio::time::sleep(pause).await;
    }
    let _ = stream.shutdown().await;
}

fn http(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").into_bytes()
}

fn client(base_url: &str, timeout: Duration) -> OpenAi {
    install_tls();
    OpenAi::new(OpenAiConfig::new("local").with_base_url(base_url).with_timeout(timeout)).unwrap()
}

#[tokio::test]
async fn f68_junk_is_a_classified_failure_and_never_a_reading() {
    let json = "application/json";
    let huge = format!(
        r#"{{"choices":[{{"message":{{"content":"{}"}}}}]}}"#,
        "a".repeat(5 * 1024 * 1024)
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let tools = r#"{"choices":[{"finish_reason":"tool_calls","message":{"content":null,"tool_calls":[{"function":{"name":"send"}}]}}]}"#;
    let nan =
        r#"{"choices":[{"message":{"content":"{\"type\":\"bug\",\"priority\":NaN}"}}],"usage":{"prompt_tokens":-1}}"#;
    for (name, answer, kind) in [
        ("empty body", http("200 OK", json, ""), PortErrorKind::Rejected),
        ("huge", http("200 OK", json, &huge), PortErrorKind::Rejected),
        ("deep", http("200 OK", json, &deep), PortErrorKind::Rejected),
        ("no JSON", http("200 OK", json, "{oops"), PortErrorKind::Rejected),
        (
            "HTML",
            http("200 OK", "text/html", "<html>login</html>"),
            PortErrorKind::Rejected,
        ),
        ("tool call", http("200 OK", json, tools), PortErrorKind::Rejected),
        ("numbers", http("200 OK", json, nan), PortErrorKind::Rejected),
        (
            "edge",
            http("502 Bad Gateway", "text/html", "<html>502</html>"),
            PortErrorKind::Unavailable,
        ),
        (
            "vLLM",
            http("401 Unauthorized", json, r#"{"error":"Unauthorized"}"#),
            PortErrorKind::Unauthorized,
        ),
        (
            "no model",
            http("404 Not Found", json, r#"{"error":{"message":"m","code":404}}"#),
            PortErrorKind::Unauthorized,
        ),
        ("nothing", Vec::new(), PortErrorKind::Unknown),
    ] {
        let openai = client(&server(answer, Duration::ZERO).await, Duration::from_secs(10));
        assert_eq!(
            openai.read(&request("La factura no abre")).await.unwrap_err().kind(),
            kind,
            "{name}"
        );
        assert_eq!(openai.draft(&draft_request()).await.unwrap_err().kind(), kind, "{name}");
        assert_eq!(
            openai.embed(&[request("La factura").text]).await.unwrap_err().kind(),
            kind,
            "{name}"
        );
    }
}

#[tokio::test]
async fn f68_a_byte_at_a_time_ends_at_the_time_limit() {
    let answer = http("200 OK", "application/json", &"x".repeat(1_000));
    let openai = client(
        &server(answer, Duration::from_millis(40)).await,
        Duration::from_millis(500),
    );
    let begun = Instant::now();
    let error = openai.read(&request("La factura no abre")).await.unwrap_err();
    assert_eq!(error.kind(), PortErrorKind::Unknown);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_is_not_there_was_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let openai = client(&format!("http://{address}/v1"), Duration::from_secs(5));
    assert_eq!(
        openai.read(&request("x")).await.unwrap_err().kind(),
        PortErrorKind::NotSent
    );
}

async fn over_sandbox() -> (Sandbox, OpenAi) {
    install_tls();
    let sandbox = Sandbox::start(SandboxConfig::demo()).await.unwrap();
    let config = OpenAiConfig::new("gpt-4.1-mini")
        .with_api_key(sandbox.config().openai.api_key.clone())
        .with_base_url(sandbox.openai_base_url());
    let openai = OpenAi::new(config).unwrap();
    (sandbox, openai)
}

#[tokio::test]
async fn f69_nothing_unscrubbed_is_in_any_request() {
    let (sandbox, openai) = over_sandbox().await;
    openai
        .read(&request("Soy Ana Ruiz, ana.ruiz@example.com, y la factura no abre"))
        .await
        .unwrap();
    let sent = format!("{:?}", sandbox.openai().requests());
    assert!(sent.contains("factura"), "the request is recorded");
    for canary in ["Ruiz", "ana.ruiz", "example.com"] {
        assert!(!sent.contains(canary), "{canary} left");
    }
}

#[tokio::test]
async fn a_cut_answer_is_asked_for_once_more_and_no_further() {
    let (sandbox, openai) = over_sandbox().await;
    sandbox
        .openai()
        .answer_next(ScriptedAnswer::Truncated("{\"type\":".into()));
    openai.read(&request("La factura no abre")).await.unwrap();
    assert_eq!(sandbox.openai().requests().len(), 2);
    for _ in 0..2 {
        sandbox.openai().answer_next(ScriptedAnswer::NoChoices);
    }
    assert_eq!(
        openai.read(&request("La factura no abre")).await.unwrap_err().code(),
        Some("no_choices")
    );
    assert_eq!(sandbox.openai().requests().len(), 4);
}

#[tokio::test]
async fn withheld_content_and_refusals_are_not_asked_for_again() {
    let (sandbox, openai) = over_sandbox().await;
    sandbox.openai().answer_next(ScriptedAnswer::Filtered);
    sandbox.openai().answer_next(ScriptedAnswer::Refusal("no".into()));
    assert_eq!(
        openai.read(&request("x y z")).await.unwrap_err().code(),
        Some("content_filter")
    );
    assert_eq!(
        openai.read(&request("x y z")).await.unwrap_err().code(),
        Some("refusal")
    );
    assert_eq!(sandbox.openai().requests().len(), 2);
}

#[tokio::test]
async fn f70_a_draft_keeps_no_link_that_nobody_allowed() {
    let (sandbox, openai) = over_sandbox().await;
    let written = r#"{"text":"Listo, [NAME_9]. Entra en https://evil.test/x o [aquí](http://evil.test) <!channel>."}"#;
    sandbox.openai().answer_next(ScriptedAnswer::Content(written.into()));
    let text = openai.draft(&draft_request()).await.unwrap().text;
    assert!(text.starts_with("Listo"), "{text}");
    for harm in ["evil", "NAME_9", "channel", "["] {
        assert!(!text.contains(harm), "{harm} in {text}");
    }
}
