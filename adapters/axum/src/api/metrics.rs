//! `GET /api/metrics/summary`: what came in over a period, and how fast it went through.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{Json, extract::State};
use feedback_core::{
    domain::{ReporterId, Timestamp},
    ports::{MetricsSummary, StepTimes},
    usecases::ShowError,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Api, call::Asked, tickets::list::ReporterBody};
use crate::problem::{Problem, ProblemBody};

const HOUR: Duration = Duration::from_secs(60 * 60);

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricsPeriod {
    /// `24h` (the default), `7d` or `30d`, up to now.
    period: Option<String>,
}

/// Counts of a period; what counts nothing is left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MetricsSummary)]
pub(crate) struct MetricsBody {
    /// `24h`, `7d` or `30d`.
    period: &'static str,
    /// First moment of the period.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// First moment after it.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// Tickets recorded.
    total: u64,
    by_channel: BTreeMap<&'static str, u64>,
    by_type: BTreeMap<&'static str, u64>,
    by_priority: BTreeMap<&'static str, u64>,
    /// By the status that they have now.
    by_status: BTreeMap<&'static str, u64>,
    /// By day in UTC.
    by_day: BTreeMap<String, u64>,
    /// People with most tickets, at most ten.
    top_reporters: Vec<TopReporterBody>,
    /// Notifications made in the period, by status.
    notifications: BTreeMap<&'static str, u64>,
    time_to_step: StepTimesBody,
}

/// A person and how many tickets they wrote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TopReporter)]
struct TopReporterBody {
    reporter: ReporterBody,
    tickets: u64,
}

/// Medians in seconds; null where nothing made the step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StepTimes)]
struct StepTimesBody {
    /// From recorded to confirmed by a person.
    confirmed_seconds: Option<f64>,
    /// From recorded to resolved.
    resolved_seconds: Option<f64>,
    /// From drafted to approved.
    approved_seconds: Option<f64>,
    /// From approved to sent.
    sent_seconds: Option<f64>,
}

impl From<StepTimes> for StepTimesBody {
    fn from(steps: StepTimes) -> Self {
        let seconds = |step: Option<Duration>| step.map(|step| step.as_secs_f64());
        Self {
            confirmed_seconds: seconds(steps.to_confirmed),
            resolved_seconds: seconds(steps.to_resolved),
            approved_seconds: seconds(steps.to_approved),
            sent_seconds: seconds(steps.to_sent),
        }
    }
}

/// What came in over a period, and how fast it went through.
#[utoipa::path(
    get, path = "/metrics/summary", operation_id = "metricsSummary", tag = "operations", params(MetricsPeriod),
    responses(
        (status = 200, body = MetricsBody, description = "The counts"),
        (status = "default", body = ProblemBody, content_type = "application/problem+json", description = "Refused"),
    )
)]
pub(crate) async fn summary(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<MetricsPeriod>,
) -> Result<Json<MetricsBody>, Problem> {
    let (period, length) = match asked.period.as_deref() {
        None | Some("24h") => ("24h", 24 * HOUR),
        Some("7d") => ("7d", 7 * 24 * HOUR),
        Some("30d") => ("30d", 30 * 24 * HOUR),
        Some(_) => return Err(Problem::invalid_field("period", "expected 24h, 7d or 30d")),
    };
    // Periods are half-open, and what happened this very moment counts.
    let to = api.hub.clock.now().plus(Duration::from_micros(1));
    let from = to.minus(length);
    let metrics = api
        .hub
        .queries
        .metrics(from, to)
        .await
        .map_err(|error| Problem::port(&error))?;
    let top_reporters = named(&api, &metrics.top_reporters).await?;
    Ok(Json(body(period, (from, to), metrics, top_reporters)))
}

fn body(
    period: &'static str,
    (from, to): (Timestamp, Timestamp),
    metrics: MetricsSummary,
    top_reporters: Vec<TopReporterBody>,
) -> MetricsBody {
    MetricsBody {
        period,
        from,
        to,
        total: metrics.received,
        by_channel: metrics
            .by_channel
            .into_iter()
            .map(|(channel, count)| (channel.as_str(), count))
            .collect(),
        by_type: metrics
            .by_type
            .into_iter()
            .map(|(kind, count)| (kind.as_str(), count))
            .collect(),
        by_priority: metrics
            .by_priority
            .into_iter()
            .map(|(level, count)| (level.as_str(), count))
            .collect(),
        by_status: metrics
            .by_status
            .into_iter()
            .map(|(status, count)| (status.as_str(), count))
            .collect(),
        by_day: metrics
            .by_day
            .into_iter()
            .map(|(day, count)| (date(day), count))
            .collect(),
        top_reporters,
        notifications: metrics
            .notifications
            .into_iter()
            .map(|(status, count)| (status.as_str(), count))
            .collect(),
        time_to_step: metrics.steps.into(),
    }
}

async fn named(api: &Api, counted: &[(ReporterId, u64)]) -> Result<Vec<TopReporterBody>, Problem> {
    let mut named = Vec::with_capacity(counted.len());
    for &(id, tickets) in counted {
        let found = api.hub.show.find_reporter(id).await;
        let found = found.map_err(|ShowError::Storage(error)| Problem::port(&error))?;
        if let Some(reporter) = found {
            named.push(TopReporterBody {
                reporter: ReporterBody::of(&api.hub.show, &reporter)?,
                tickets,
            });
        }
    }
    Ok(named)
}

/// The day of a moment, as RFC 3339 begins.
fn date(moment: Timestamp) -> String {
    moment.to_string().split('T').next().unwrap_or_default().to_owned()
}
