//! Every provider behind a circuit breaker: one gate for a connection, which lets calls through, holds them back while the
//! provider is down or asked for a pause, and learns from what became of them.
//!
//! The gates live in one process: each host finds an outage out by itself.

mod guarded;

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(crate) use self::guarded::Guarded;
use super::{Clock, IdSource, PortError, PortErrorKind};
use crate::{
    domain::Timestamp,
    logic::breaker::{Breaker, BreakerSettings, CallOutcome, HeldBecause, Pass, Standing, Turned},
};

/// All gates of a hub, by the name of what is behind them.
#[derive(Debug, Clone)]
pub struct Guards {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    settings: BreakerSettings,
    gates: Arc<Mutex<BTreeMap<String, Arc<Gate>>>>,
}

/// How a provider is doing, as far as this process has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderHealth {
    /// What is behind the gate: a channel's name, `tracker`, `ai`.
    pub provider: String,
    /// Whether calls go out.
    pub standing: Standing,
    /// When its present run of failures began; `None` while it answers.
    pub failing_since: Option<Timestamp>,
    /// Its last failure: kind, code and words, without customer text.
    pub last_error: Option<String>,
}

impl Guards {
    /// Gates that are all open.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, settings: BreakerSettings) -> Self {
        Self {
            clock,
            ids,
            settings,
            gates: Arc::default(),
        }
    }

    /// The gate of a provider; the same for the same name.
    pub fn gate(&self, provider: impl Into<String>) -> Arc<Gate> {
        let provider = provider.into();
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(provider.clone()).or_insert_with(|| {
            Arc::new(Gate {
                provider,
                clock: Arc::clone(&self.clock),
                ids: Arc::clone(&self.ids),
                inner: Mutex::new(Inner {
                    breaker: Breaker::new(self.settings),
                    last_error: None,
                }),
            })
        });
        Arc::clone(gate)
    }

    /// How each provider is doing, by name.
    pub fn health(&self) -> Vec<ProviderHealth> {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.values().map(|gate| gate.health()).collect()
    }
}

/// The way to one provider.
pub struct Gate {
    provider: String,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    inner: Mutex<Inner>,
}

struct Inner {
    breaker: Breaker,
    last_error: Option<String>,
}

impl Gate {
    /// The right to make one call.
    ///
    /// # Errors
    /// [`PortErrorKind::Paused`] while calls are held back; nothing was sent.
    pub fn enter(self: &Arc<Self>, operation: &'static str) -> Result<Turn, PortError> {
        let (now, entropy) = (self.clock.now(), self.entropy());
        let mut inner = self.inner();
        match inner.breaker.admit(now, entropy) {
            Ok(pass) => Ok(Turn {
                gate: Arc::clone(self),
                pass: Some(pass),
            }),
            Err(resume_after) => {
                let error = PortError::new(PortErrorKind::Paused { resume_after }, operation).with_code("held_back");
                Err(match inner.breaker.failing_since() {
                    Some(since) => error.with_outage_since(since),
                    None => error,
                })
            }
        }
    }

    /// Makes a call, if it may go out, and learns from what becomes of it.
    ///
    /// # Errors
    /// Those of the call, and [`PortErrorKind::Paused`].
    pub async fn call<T>(
        self: &Arc<Self>,
        operation: &'static str,
        call: impl Future<Output = Result<T, PortError>> + Send,
    ) -> Result<T, PortError> {
        let turn = self.enter(operation)?;
        turn.settle(call.await)
    }

    fn health(&self) -> ProviderHealth {
        let inner = self.inner();
        ProviderHealth {
            provider: self.provider.clone(),
            standing: inner.breaker.standing(),
            failing_since: inner.breaker.failing_since(),
            last_error: inner.last_error.clone(),
        }
    }

    fn settle<T>(&self, pass: Pass, result: Result<T, PortError>) -> Result<T, PortError> {
        let (now, entropy) = (self.clock.now(), self.entropy());
        let mut inner = self.inner();
        let outcome = result.as_ref().err().map_or(CallOutcome::Answered, outcome_of);
        let turned = inner.breaker.record(pass, outcome, now, entropy);
        if let Err(error) = &result
            && outcome != CallOutcome::Answered
        {
            inner.last_error = Some(error.to_string());
        }
        if let Some(turned) = turned {
            self.tell(turned, inner.last_error.as_deref().unwrap_or_default());
        }
        let (standing, since) = (inner.breaker.standing(), inner.breaker.failing_since());
        drop(inner);
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) if outcome == CallOutcome::Answered => return Err(error),
            Err(error) => error,
        };
        let error = match since {
            Some(since) => error.with_outage_since(since),
            None => error,
        };
        // A probe is part of the outage that it looks at the end of: whoever made it waits on as the others do. One whose
        // outcome is unknown may have acted, and one that was refused or limited says more than this.
        let says_no_more = matches!(error.kind(), PortErrorKind::NotSent | PortErrorKind::Unavailable);
        match standing {
            Standing::Held { until, .. } if pass.is_probe() && says_no_more => {
                let resume_after = until.since(now);
                Err(error.with_kind(PortErrorKind::Paused { resume_after }))
            }
            _ => Err(error),
        }
    }

    fn tell(&self, turned: Turned, error: &str) {
        let provider = self.provider.as_str();
        match turned {
            Turned::Held(because) => {
                metrics::counter!("feedback_provider_held_total", "provider" => provider.to_owned(), "because" => because.as_str())
                    .increment(1);
                metrics::gauge!("feedback_provider_held", "provider" => provider.to_owned()).set(1.0);
                match because {
                    HeldBecause::Unauthorized => {
                        tracing::error!(
                            provider,
                            error,
                            "a provider does not accept our credentials: nothing goes there until a person acts"
                        );
                    }
                    HeldBecause::Down | HeldBecause::Limited => {
                        tracing::warn!(
                            provider,
                            error,
                            because = because.as_str(),
                            "calls to a provider are held back"
                        );
                    }
                }
            }
            Turned::Resumed => {
                metrics::gauge!("feedback_provider_held", "provider" => provider.to_owned()).set(0.0);
                tracing::info!(provider, "a provider answers again");
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entropy(&self) -> u64 {
        self.ids.uuid().as_u64_pair().1
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

/// What a failure says about the provider's health.
fn outcome_of(error: &PortError) -> CallOutcome {
    if error.is_narrow() {
        return CallOutcome::Answered;
    }
    match error.kind() {
        PortErrorKind::NotSent | PortErrorKind::Unavailable | PortErrorKind::Unknown => CallOutcome::Failed,
        PortErrorKind::Unauthorized => CallOutcome::Unauthorized,
        PortErrorKind::RateLimited { retry_after } => CallOutcome::Limited { retry_after },
        PortErrorKind::Rejected
        | PortErrorKind::NotFound
        | PortErrorKind::Conflict
        | PortErrorKind::ChannelRestricted
        | PortErrorKind::Paused { .. } => CallOutcome::Answered,
    }
}

/// The right to make one call. Dropped without a result (the call was cancelled, or not made after all), it goes back.
#[derive(Debug)]
pub struct Turn {
    gate: Arc<Gate>,
    pass: Option<Pass>,
}

impl Turn {
    /// What became of the call.
    ///
    /// # Errors
    /// The call's own, with what the gate knows of the outage; a failed probe's is [`PortErrorKind::Paused`].
    pub fn settle<T>(mut self, result: Result<T, PortError>) -> Result<T, PortError> {
        match self.pass.take() {
            Some(pass) => self.gate.settle(pass, result),
            None => result,
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            let now = self.gate.clock.now();
            self.gate.inner().breaker.release(pass, now);
        }
    }
}
