//! A folder, and a bucket of a server on loopback that speaks enough of S3 and checks what it is sent.

#![expect(clippy::unwrap_used, reason = "what does not unwrap is a failed test")]

use std::{
    collections::BTreeMap,
    future::Future,
    process::ExitCode,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use feedback_core::testing::conformance::{
    Fresh,
    blob_store::{self, BlobStoreHarness},
    trials,
};
use feedback_object_store::{ObjectBlobs, ObjectStoreConfig};
use libtest_mimic::Arguments;
use sha2::{Digest, Sha256};

struct Folder(tempfile::TempDir, Mutex<u32>);

impl Folder {
    fn config(&self, number: u32) -> ObjectStoreConfig {
        ObjectStoreConfig::new(format!("file://{}/{number}", self.0.path().display()))
    }
}

impl BlobStoreHarness for Folder {
    type Store = ObjectBlobs;

    async fn fresh(&self) -> Fresh<ObjectBlobs> {
        let number = {
            let mut number = self.1.lock().unwrap();
            *number += 1;
            *number
        };
        let config = self.config(number);
        Fresh::new(ObjectBlobs::open(&config).unwrap()).with_guard(config)
    }

    async fn reopened(&self, fresh: &Fresh<ObjectBlobs>) -> Arc<ObjectBlobs> {
        // The store shows its own address, and nothing else of it is kept.
        let shown = format!("{:?}", fresh.adapter);
        let url = shown
            .trim_start_matches("ObjectBlobs(")
            .trim_end_matches(')')
            .to_owned();
        Arc::new(ObjectBlobs::open(&ObjectStoreConfig::new(url)).unwrap())
    }
}

struct Bucket {
    opened: Mutex<BTreeMap<String, ObjectStoreConfig>>,
}

impl BlobStoreHarness for Bucket {
    type Store = ObjectBlobs;

    async fn fresh(&self) -> Fresh<ObjectBlobs> {
        let server = StandIn::start().await;
        let name = format!("s3://files-{}/hub/a", server.port);
        let config = ObjectStoreConfig::new(&name)
            .with_endpoint(format!("http://127.0.0.1:{}", server.port))
            .with_region("eu-test-1")
            .with_keys("AKIATEST", "a-secret-of-the-test".to_owned());
        self.opened.lock().unwrap().insert(name, config.clone());
        Fresh::new(ObjectBlobs::open(&config).unwrap()).with_guard(server)
    }

    fn reopened(&self, fresh: &Fresh<ObjectBlobs>) -> impl Future<Output = Arc<ObjectBlobs>> + Send {
        let shown = format!("{:?}", fresh.adapter);
        let name = shown.trim_start_matches("ObjectBlobs(").trim_end_matches(')');
        let config = self.opened.lock().unwrap()[name].clone();
        async move { Arc::new(ObjectBlobs::open(&config).unwrap()) }
    }
}

/// Enough of S3: objects by path, and no request without a signature of our key over the body that came.
struct StandIn {
    port: u16,
    serving: tokio::task::JoinHandle<()>,
}

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

impl StandIn {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(answer).with_state(Objects::default());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, serving }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(objects): State<Objects>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.unwrap();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let signed = header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKIATEST/")
        && header("authorization").contains("/eu-test-1/s3/aws4_request");
    if !signed {
        return StatusCode::FORBIDDEN.into_response();
    }
    if parts.method == Method::PUT && header("x-amz-content-sha256") != hex::encode(Sha256::digest(&body)) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let path = parts.uri.path().to_owned();
    if !path.starts_with("/files-") || !path.contains("/hub/a/") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let mut objects = objects.lock().unwrap();
    match parts.method {
        Method::PUT => {
            let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..16]));
            objects.insert(path, body.to_vec());
            ([("etag", tag)], "").into_response()
        }
        Method::DELETE => {
            objects.remove(&path);
            StatusCode::NO_CONTENT.into_response()
        }
        Method::GET => match objects.get(&path) {
            Some(bytes) => {
                let headers = [
                    ("etag", "\"e\"".to_owned()),
                    ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT".to_owned()),
                ];
                (headers, Body::from(bytes.clone())).into_response()
            }
            None => {
                let words =
                    "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>";
                (StatusCode::NOT_FOUND, words).into_response()
            }
        },
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().ok();
    let folder = Folder(tempfile::tempdir().unwrap(), Mutex::new(0));
    let bucket = Bucket {
        opened: Mutex::default(),
    };
    let mut all = trials(folder, "folder", blob_store::checks());
    all.extend(trials(bucket, "s3", blob_store::checks()));
    libtest_mimic::run(&Arguments::from_args(), all).exit_code()
}
