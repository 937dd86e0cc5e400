//! The client: one request out, one answer or one classified failure back.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use feedback_core::ports::{PortError, PortErrorKind};
use reqwest::{Request, Response, redirect::Policy};
use rustls::crypto::CryptoProvider;
use tracing::{Span, field};

use crate::{Answer, Call, ConfigError, HttpClientConfig, redacted};

/// How long an unused connection is kept. Short: the longer it lies idle, the likelier the provider closes it just as a
/// message leaves on it, and such a message is `Unknown`.
const KEEP_IDLE: Duration = Duration::from_secs(15);

/// The HTTP client of one adapter. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: reqwest::Client,
    max_answer_bytes: usize,
}

impl HttpClient {
    /// Makes a client. No I/O.
    ///
    /// # Errors
    /// [`ConfigError::NoTlsProvider`] where the host installed none; [`ConfigError::Client`] where the parts do not fit.
    pub fn new(config: HttpClientConfig) -> Result<Self, ConfigError> {
        // reqwest would panic.
        if CryptoProvider::get_default().is_none() {
            return Err(ConfigError::NoTlsProvider);
        }
        let client = reqwest::Client::builder()
            .connect_timeout(config.connect_timeout)
            .timeout(config.timeout)
            .user_agent(config.user_agent)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            // "The client repeats nothing" includes reqwest's own repeat of requests that a server says it did not process.
            .retry(reqwest::retry::never())
            .pool_idle_timeout(KEEP_IDLE)
            .build()
            .map_err(ConfigError::Client)?;
        Ok(Self {
            client,
            max_answer_bytes: config.max_answer_bytes,
        })
    }

    /// Sends one request, once, and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// `NotSent`: the request surely did not leave (name resolution, connect, TLS, a request that cannot be built).
    /// `Unknown`: bytes may have left and no whole answer came (time limit, closed connection, an answer that is too long).
    #[tracing::instrument(
        name = "http.call",
        skip_all,
        fields(operation = call.operation, method = %call.method, url = redacted(&call.url), status = field::Empty)
    )]
    pub async fn call(&self, call: Call) -> Result<Answer, PortError> {
        let operation = call.operation;
        let begun = Instant::now();
        let result = self.exchange(call).await;
        let outcome = match &result {
            Ok(answer) => {
                Span::current().record("status", answer.status().as_u16());
                class(answer)
            }
            Err(error) if error.kind() == PortErrorKind::NotSent => "not_sent",
            Err(_) => "unknown",
        };
        metrics::histogram!("feedback_provider_call_seconds", "operation" => operation, "outcome" => outcome)
            .record(begun.elapsed());
        result
    }

    async fn exchange(&self, call: Call) -> Result<Answer, PortError> {
        let operation = call.operation;
        let request = request_of(call)?;
        let response = self
            .client
            .execute(request)
            .await
            .map_err(|error| failure(operation, error))?;
        self.read(operation, response).await
    }

    /// Reads the body in pieces, so that a long one is dropped when it passes the limit and not when it is in memory.
    async fn read(&self, operation: &'static str, mut response: Response) -> Result<Answer, PortError> {
        let too_large = || PortError::new(PortErrorKind::Unknown, operation).with_code("response_too_large");
        let limit = self.max_answer_bytes;
        if response
            .content_length()
            .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit))
        {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(|error| failure(operation, error))? {
            if body.len() + piece.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer::new(
            response.status(),
            std::mem::take(response.headers_mut()),
            body.freeze(),
        ))
    }
}

fn request_of(call: Call) -> Result<Request, PortError> {
    let mut request = Request::new(call.method, call.url);
    *request.headers_mut() = call.headers;
    *request.timeout_mut() = call.timeout;
    match call.body {
        None => {}
        Some(Ok(body)) => *request.body_mut() = Some(body.into()),
        Some(Err(error)) => {
            let error = PortError::new(PortErrorKind::NotSent, call.operation)
                .with_code("invalid_request")
                .with_source(error);
            return Err(error);
        }
    }
    Ok(request)
}

/// Whether the request may have reached the provider. In doubt it may: `NotSent` is a promise.
pub(crate) fn failure(operation: &'static str, error: reqwest::Error) -> PortError {
    let (kind, code) = if error.is_builder() {
        (PortErrorKind::NotSent, "invalid_request")
    } else if error.is_dns() {
        (PortErrorKind::NotSent, "dns")
    } else if error.is_connect() {
        // Covers TLS: reqwest connects through it.
        (
            PortErrorKind::NotSent,
            if error.is_timeout() {
                "connect_timeout"
            } else {
                "connect"
            },
        )
    } else if error.is_timeout() {
        (PortErrorKind::Unknown, "timeout")
    } else {
        (PortErrorKind::Unknown, "connection_lost")
    };
    PortError::new(kind, operation)
        .with_code(code)
        .with_source(error.without_url())
}

fn class(answer: &Answer) -> &'static str {
    match answer.status().as_u16() {
        200..=299 => "ok",
        429 => "rate_limited",
        500..=599 => "server_error",
        _ => "refused",
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use reqwest::Url;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        sync::mpsc,
    };

    use super::*;
    use crate::Bearer;

    fn client(config: HttpClientConfig) -> HttpClient {
        rustls::crypto::ring::default_provider().install_default().ok();
        HttpClient::new(config).unwrap()
    }

    /// A server that answers every connection with the same bytes and then closes it; it passes on what it read.
    async fn server(answer: Option<Vec<u8>>) -> (Url, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/things/424242?who=ana", listener.local_addr().unwrap());
        let (heard, hears) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), heard.clone()));
            }
        });
        (url.parse().unwrap(), hears)
    }

    async fn serve(mut stream: TcpStream, answer: Option<Vec<u8>>, heard: mpsc::UnboundedSender<String>) {
        let mut buffer = vec![0; 64 * 1024];
        let read = stream.read(&mut buffer).await.unwrap();
        heard.send(String::from_utf8_lossy(&buffer[..read]).into_owned()).ok();
        match answer {
            Some(bytes) => {
                stream.write_all(&bytes).await.ok();
            }
            None => std::future::pending().await,
        }
    }

    fn text(status: &str, headers: &str, body: &str) -> Option<Vec<u8>> {
        Some(
            format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
                body.len()
            )
            .into_bytes(),
        )
    }

    async fn fails(url: Url, config: HttpClientConfig) -> PortError {
        let token = Bearer::new(&"xoxb-secret".into()).unwrap();
        let call = Call::post("slack.send", url)
            .bearer(&token)
            .json(&serde_json::json!({"text": "Hola Ana"}));
        let error = client(config).call(call).await.unwrap_err();
        let shown = chain(&error);
        for hidden in ["secret", "Ana", "ana", "424242"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
        error
    }

    fn chain(error: &PortError) -> String {
        let (mut shown, mut next) = (format!("{error} {error:?}"), error.source());
        while let Some(source) = next {
            shown.push_str(&format!(" {source} {source:?}"));
            next = source.source();
        }
        shown
    }

    #[tokio::test]
    async fn an_answer_of_any_status_is_no_error_and_the_request_is_what_was_asked() {
        let (url, mut heard) = server(text("418 Teapot", "retry-after: 3\r\n", r#"{"a":1}"#)).await;
        let token = Bearer::new(&"xoxb-secret".into()).unwrap();
        let call = Call::post("slack.send", url)
            .query("b", "ñ")
            .bearer(&token)
            .header("accept", "application/json");
        let answer = client(HttpClientConfig::default())
            .call(call.json(&[1, 2]))
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 418);
        assert_eq!(answer.retry_after(), Some(Duration::from_secs(3)));
        assert_eq!(answer.json::<serde_json::Value>().unwrap(), serde_json::json!({"a": 1}));
        let request = heard.recv().await.unwrap();
        for expected in [
            "POST /v1/things/424242?who=ana&b=%C3%B1 HTTP/1.1\r\n",
            "authorization: Bearer xoxb-secret\r\n",
            "content-type: application/json; charset=utf-8\r\n",
            "accept: application/json\r\n",
            "user-agent: feedback-hub/0.1.0\r\n",
            "\r\n\r\n[1,2]",
        ] {
            assert!(request.contains(expected), "{expected} in {request}");
        }
    }

    #[tokio::test]
    async fn nobody_listening_is_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/things/424242?who=ana", listener.local_addr().unwrap());
        drop(listener);
        let error = fails(url.parse().unwrap(), HttpClientConfig::default()).await;
        assert_eq!((error.kind(), error.code()), (PortErrorKind::NotSent, Some("connect")));
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_not_sent() {
        let url = "http://no-such-host.invalid/things/424242?who=ana".parse().unwrap();
        assert_eq!(
            fails(url, HttpClientConfig::default()).await.kind(),
            PortErrorKind::NotSent
        );
    }

    #[tokio::test]
    async fn a_failed_tls_handshake_is_not_sent() {
        let (url, mut heard) = server(Some(b"this is no TLS".to_vec())).await;
        let url: Url = url.as_str().replace("http://", "https://").parse().unwrap();
        let error = fails(url, HttpClientConfig::default()).await;
        assert_eq!((error.kind(), error.code()), (PortErrorKind::NotSent, Some("connect")));
        assert!(!heard.recv().await.unwrap().contains("POST"));
    }

    #[tokio::test]
    async fn silence_after_the_request_is_unknown_within_the_time_limit() {
        let (url, _heard) = server(None).await;
        let begun = Instant::now();
        let error = fails(
            url,
            HttpClientConfig::default().with_timeout(Duration::from_millis(100)),
        )
        .await;
        assert_eq!((error.kind(), error.code()), (PortErrorKind::Unknown, Some("timeout")));
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_call_may_have_a_time_limit_of_its_own() {
        let (url, _heard) = server(None).await;
        let call = Call::get("slack.read", url).timeout(Duration::from_millis(100));
        let error = client(HttpClientConfig::default()).call(call).await.unwrap_err();
        assert_eq!(error.code(), Some("timeout"));
    }

    #[tokio::test]
    async fn a_connection_that_ends_without_a_whole_answer_is_unknown() {
        for bytes in ["", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"o"] {
            let (url, _heard) = server(Some(bytes.into())).await;
            let error = fails(url, HttpClientConfig::default()).await;
            assert_eq!(
                (error.kind(), error.code()),
                (PortErrorKind::Unknown, Some("connection_lost")),
                "{bytes}"
            );
        }
    }

    #[tokio::test]
    async fn f54_an_answer_over_the_limit_is_dropped_announced_or_not() {
        let long = "x".repeat(2_000);
        let unannounced = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{long}").into_bytes();
        for bytes in [text("200 OK", "", &long), Some(unannounced)] {
            let (url, _heard) = server(bytes).await;
            let error = fails(url, HttpClientConfig::default().with_max_answer_bytes(1_000)).await;
            assert_eq!(
                (error.kind(), error.code()),
                (PortErrorKind::Unknown, Some("response_too_large"))
            );
        }
    }

    #[tokio::test]
    async fn f84_a_redirect_is_an_answer_and_not_followed() {
        let (url, mut heard) = server(text("302 Found", "location: http://127.0.0.1:1/\r\n", "")).await;
        let answer = client(HttpClientConfig::default())
            .call(Call::get("slack.read", url))
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 302);
        heard.recv().await.unwrap();
        assert!(heard.try_recv().is_err());
    }
}
