//! `GET /api/ops/status`: what the queue is doing.

use std::sync::Arc;

use axum::{Json, extract::State};
use feedback_core::{
    domain::Timestamp,
    logic::breaker::Standing,
    ports::{OpsStatus, ProviderHealth},
};
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
    /// How the providers are doing, as far as this process has seen.
    providers: Vec<ProviderBody>,
}

/// How a provider is doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderHealth)]
struct ProviderBody {
    /// A channel, `tracker`, `ai`, or a part of one that fails by itself.
    provider: String,
    /// `up`, `recovering`, `probing`, or why calls are held back: `down`, `unauthorized`, `rate_limited`.
    state: &'static str,
    /// When calls go out again, while they are held back.
    #[schema(value_type = Option<String>, format = DateTime)]
    held_until: Option<Timestamp>,
    /// When its present run of failures began; null while it answers.
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// Its last failure.
    last_error: Option<String>,
}

impl From<ProviderHealth> for ProviderBody {
    fn from(health: ProviderHealth) -> Self {
        let (state, held_until) = match health.standing {
            Standing::Up => ("up", None),
            Standing::Recovering => ("recovering", None),
            Standing::Probing => ("probing", None),
            Standing::Held { because, until } => (because.as_str(), Some(until)),
        };
        Self {
            provider: health.provider,
            state,
            held_until,
            failing_since: health.failing_since,
            last_error: health.last_error,
        }
    }
}

impl OpsBody {
    fn of(status: OpsStatus, providers: Vec<ProviderHealth>) -> Self {
        Self {
            ready: true,
            jobs_due: status.jobs_due,
            jobs_running: status.jobs_running,
            jobs_scheduled: status.jobs_scheduled,
            dead: status.dead,
            quiescent: status.is_quiescent(),
            schema_version: status.schema_version,
            providers: providers.into_iter().map(ProviderBody::from).collect(),
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
    Ok(Json(OpsBody::of(status, api.hub.guards.health())))
}
