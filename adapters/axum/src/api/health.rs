//! `/healthz`: the process lives. `/readyz`: it can work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use feedback_core::{
    Hub,
    ports::{Clock, PortError, Queries},
    usecases::WriteProbe,
};
use serde_json::{Value, json};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{clock_skew::ClockSkew, guard::guarded, problem::Chain};

/// A store that takes longer is not ready.
const CHECK_TIME: Duration = Duration::from_secs(2);

/// For how long it is believed what came of a write. Without it, whoever asks for `/readyz` would have the disk synced as
/// often; with it, a disk that fills up or is given room is told this much later.
const BELIEVED: Duration = Duration::from_secs(5);

/// What readiness is judged by. Clones share it.
#[derive(Debug, Clone)]
pub struct Health {
    queries: Arc<dyn Queries>,
    clock: Arc<dyn Clock>,
    stopping: Arc<AtomicBool>,
    writes: Writes,
    clock_skew: ClockSkew,
}

/// What came of the last write, and how to write again.
#[derive(Debug, Clone)]
struct Writes {
    probe: WriteProbe,
    last: Arc<Mutex<Option<Written>>>,
}

/// A write that was tried.
#[derive(Debug, Clone, Copy)]
struct Written {
    at: Instant,
    obstacle: Option<&'static str>,
}

impl Health {
    /// Ready as long as the hub's store answers, and takes what is written to it.
    pub fn new(hub: &Hub) -> Self {
        Self {
            queries: Arc::clone(&hub.queries),
            clock: Arc::clone(&hub.clock),
            stopping: Arc::new(AtomicBool::new(false)),
            writes: Writes {
                probe: hub.write_probe.clone(),
                last: Arc::default(),
            },
            clock_skew: ClockSkew::default(),
        }
    }

    /// The same, which also says what the webhooks' signatures tell of this machine's clock.
    #[must_use]
    pub fn with_clock_skew(mut self, skew: ClockSkew) -> Self {
        self.clock_skew = skew;
        self
    }

    /// Not ready from now on: a host that stops says so before it closes, so that nothing new is sent to it.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    async fn obstacle(&self) -> Option<&'static str> {
        if self.stopping.load(Ordering::SeqCst) {
            return Some("stopping");
        }
        match in_time(self.queries.ops_status(self.clock.now())).await {
            // On a task of its own: who hangs up in the middle of a write must not be the reason for one more.
            None => tokio::spawn(self.writes.clone().obstacle())
                .await
                .unwrap_or(Some("storage")),
            read => read,
        }
    }
}

impl Writes {
    async fn obstacle(self) -> Option<&'static str> {
        let mut last = self.last.lock().await;
        match *last {
            Some(written) if written.at.elapsed() < BELIEVED => written.obstacle,
            _ => {
                let obstacle = in_time(self.probe.write()).await;
                let at = Instant::now();
                *last = Some(Written { at, obstacle });
                obstacle
            }
        }
    }
}

/// What stands in the way, by the word that `/readyz` has for it.
async fn in_time<T>(asked: impl Future<Output = Result<T, PortError>>) -> Option<&'static str> {
    match timeout(CHECK_TIME, asked).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => {
            tracing::warn!(error = %Chain(&error), "not ready: the store fails");
            Some(match error.code() {
                Some("storage_full") => "storage_full",
                _ => "storage",
            })
        }
        Err(_) => {
            tracing::warn!("not ready: the store does not answer in time");
            Some("storage_slow")
        }
    }
}

/// `/healthz` and `/readyz`, open to everybody: they tell nothing but that.
pub fn router(health: Health) -> Router {
    let routes = Router::new()
        .route("/healthz", get(async || Json(json!({ "alive": true }))))
        .route("/readyz", get(ready));
    guarded(routes.with_state(health))
}

async fn ready(State(health): State<Health>) -> (StatusCode, Json<Value>) {
    match health.obstacle().await {
        // The channels whose signatures have no time go on, so this is no reason to be sent nothing at all.
        None if health.clock_skew.is_suspected() => {
            (StatusCode::OK, Json(json!({ "ready": true, "degraded": "clock_skew" })))
        }
        None => (StatusCode::OK, Json(json!({ "ready": true }))),
        Some(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "ready": false, "reason": reason })),
        ),
    }
}
