//! `GET /api/ops/status`: what the queue is doing.

use std::sync::Arc;

use axum::{Json, extract::State};
use feedback_core::ports::OpsStatus;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use crate::problem::{Problem, ProblemBody};

/// What the queue is doing; periodic work aside.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpsStatus)]
pub(crate) struct OpsBody {
    /// Whether the store answers.
    ready: bool,
    /// Jobs whose time has come.
    jobs_due: u64,
    /// Jobs that somebody runs.
    jobs_running: u64,
    /// Jobs whose time is yet to come.
    jobs_scheduled: u64,
    /// Dead letters.
    dead: u64,
    /// True when nothing is due, running or waiting for another try.
    quiescent: bool,
    /// Version of the database schema.
    schema_version: u32,
}

impl From<OpsStatus> for OpsBody {
    fn from(status: OpsStatus) -> Self {
        Self {
            ready: true,
            jobs_due: status.jobs_due,
            jobs_running: status.jobs_running,
            jobs_scheduled: status.jobs_scheduled,
            dead: status.dead,
            quiescent: status.is_quiescent(),
            schema_version: status.schema_version,
        }
    }
}

/// What the queue is doing now.
#[utoipa::path(
    get, path = "/ops/status", operation_id = "opsStatus", tag = "operations",
    responses(
        (status = 200, body = OpsBody, description = "The counts"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn status(State(api): State<Arc<Api>>) -> Result<Json<OpsBody>, Problem> {
    let status = api
        .hub
        .queries
        .ops_status(api.hub.clock.now())
        .await
        .map_err(|error| Problem::port(&error))?;
    Ok(Json(status.into()))
}
