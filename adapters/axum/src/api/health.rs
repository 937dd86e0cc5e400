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
    ports::{Clock, Queries},
};
use serde_json::{Value, json};

use crate::{guard::guarded, problem::Chain};

/// A store that takes longer is not ready.
const CHECK_TIME: Duration = Duration::from_secs(2);

/// What readiness is judged by. Clones share it.
#[derive(Debug, Clone)]
pub struct Health {
    queries: Arc<dyn Queries>,
    clock: Arc<dyn Clock>,
    stopping: Arc<AtomicBool>,
}

impl Health {
    /// Ready as long as the hub's store answers.
    pub fn new(hub: &Hub) -> Self {
        Self {
            queries: Arc::clone(&hub.queries),
            clock: Arc::clone(&hub.clock),
            stopping: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Not ready from now on: a host that stops says so before it closes, so that nothing new is sent to it.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    async fn obstacle(&self) -> Option<&'static str> {
        if self.stopping.load(Ordering::SeqCst) {
            return Some("stopping");
        }
        match tokio::time::timeout(CHECK_TIME, self.queries.ops_status(self.clock.now())).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => {
                tracing::warn!(error = %Chain(&error), "not ready: the store fails");
                Some("storage")
            }
            Err(_) => {
                tracing::warn!("not ready: the store does not answer in time");
                Some("storage_slow")
            }
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
        None => (StatusCode::OK, Json(json!({ "ready": true }))),
        Some(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "ready": false, "reason": reason })),
        ),
    }
}
