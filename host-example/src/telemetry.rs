//! Logs to standard error, metrics to a page. Libraries only emit; this is where they are read.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use tracing_subscriber::EnvFilter;

/// How logs look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogStyle {
    /// One JSON object a line, for machines.
    Json,
    /// For a person at a terminal.
    Plain,
}

/// Renders all metrics as Prometheus text.
pub(crate) type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// Begins logging. `RUST_LOG` overrides what is logged.
pub(crate) fn start_logs(style: LogStyle, default_level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // A second subscriber can only be one of a test harness; its logs are as good.
    let _ = match style {
        LogStyle::Json => builder.json().try_init(),
        LogStyle::Plain => builder.with_target(false).try_init(),
    };
}

/// Begins counting.
pub(crate) fn start_metrics() -> anyhow::Result<RenderMetrics> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    Ok(Arc::new(move || handle.render()))
}
