//! Webhooks: judge, record, answer. Nothing else happens while a provider waits.

mod email;
mod intercom;
mod notion;
mod slack;
mod whatsapp;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use feedback_core::{
    Hub,
    domain::Channel,
    logic::{
        normalize::Answer,
        verify::{Payload, SignatureError, Verified},
    },
    ports::{Clock, Queries},
    usecases::{Ingest, IngestError, Recorded},
};
use tracing::Instrument;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use self::{
    email::EmailEndpoint,
    intercom::IntercomEndpoint,
    notion::{NotionEndpoint, ShowToken},
    slack::SlackEndpoint,
    whatsapp::WhatsAppEndpoint,
};
use crate::{
    clock_skew::ClockSkew,
    guard::guarded,
    limits::{self, InFlight},
    problem::{Chain, Problem},
};

/// What the webhooks work with, and which providers may call.
#[derive(Debug, Clone)]
pub struct Webhooks {
    /// Records what comes in.
    pub ingest: Ingest,
    /// Looks up what a slash command is told.
    pub queries: Arc<dyn Queries>,
    /// Now: signatures of Slack and of mails are valid for minutes.
    pub clock: Arc<dyn Clock>,
    /// Slack, where it is used.
    pub slack: Option<SlackEndpoint>,
    /// Intercom, where it is used.
    pub intercom: Option<IntercomEndpoint>,
    /// WhatsApp, where it is used.
    pub whatsapp: Option<WhatsAppEndpoint>,
    /// Email, where it is used.
    pub email: Option<EmailEndpoint>,
    /// Notion, where its signals are used beside the poll.
    pub notion: Option<NotionEndpoint>,
    /// What signatures say of this machine's clock.
    pub clock_skew: ClockSkew,
    /// Room for bodies. Give all routers of a server the same.
    pub in_flight: InFlight,
    /// How long a delivery may take to be recorded before its sender is told to come again. Slack gives up after 3 s.
    pub deadline: Duration,
}

impl Webhooks {
    /// Webhooks into a hub, for no provider yet: 2.5 s to record.
    pub fn new(hub: &Hub) -> Self {
        Self {
            ingest: hub.ingest.clone(),
            queries: Arc::clone(&hub.queries),
            clock: Arc::clone(&hub.clock),
            slack: None,
            intercom: None,
            whatsapp: None,
            email: None,
            notion: None,
            clock_skew: ClockSkew::default(),
            in_flight: InFlight::default(),
            deadline: Duration::from_millis(2500),
        }
    }
}

/// `/webhooks/slack`, `/webhooks/intercom`, `/webhooks/whatsapp`, `/webhooks/email`, `/webhooks/notion`: those that have an
/// endpoint.
pub fn router(webhooks: Webhooks) -> Router {
    let Webhooks {
        ingest,
        queries,
        clock,
        slack,
        intercom,
        whatsapp,
        email,
        notion,
        clock_skew,
        in_flight,
        deadline,
    } = webhooks;
    let intake = Intake {
        ingest,
        queries,
        clock,
        clock_skew,
        in_flight,
        deadline,
    };
    let mut router = Router::new();
    if let Some(endpoint) = slack {
        router = router.merge(opened(slack::routes(), &intake, endpoint));
    }
    if let Some(endpoint) = intercom {
        router = router.merge(opened(intercom::routes(), &intake, endpoint));
    }
    if let Some(endpoint) = whatsapp {
        router = router.merge(opened(whatsapp::routes(), &intake, endpoint));
    }
    if let Some(endpoint) = email {
        router = router.merge(opened(email::routes(), &intake, endpoint));
    }
    if let Some(endpoint) = notion {
        router = router.merge(opened(notion::routes(), &intake, endpoint));
    }
    guarded(router)
}

fn opened<E>(routes: OpenApiRouter<Arc<Door<E>>>, intake: &Intake, endpoint: E) -> Router
where
    E: Send + Sync + 'static,
{
    let (routes, _) = routes.split_for_parts();
    routes.with_state(Arc::new(Door {
        intake: intake.clone(),
        endpoint,
    }))
}

/// The description of all of them, whichever are configured.
pub(crate) fn description() -> Vec<OpenApi> {
    vec![
        slack::routes().into_openapi(),
        intercom::routes().into_openapi(),
        whatsapp::routes().into_openapi(),
        email::routes().into_openapi(),
        notion::routes().into_openapi(),
    ]
}

/// How long showing a form may keep its channel waiting, which waits three seconds for the answer in all.
const FORM_TIME: Duration = Duration::from_millis(2200);

/// One provider's way in.
struct Door<E> {
    intake: Intake,
    endpoint: E,
}

#[derive(Clone)]
struct Intake {
    ingest: Ingest,
    queries: Arc<dyn Queries>,
    clock: Arc<dyn Clock>,
    clock_skew: ClockSkew,
    in_flight: InFlight,
    deadline: Duration,
}

/// How a provider's deliveries are judged.
struct Judge<V> {
    channel: Channel,
    max_bytes: usize,
    verify: V,
}

impl Intake {
    /// Judges a delivery, records it, and answers as the provider wants to hear it.
    async fn receive<V>(&self, request: Request, judge: Judge<V>) -> Response
    where
        V: FnOnce(&HeaderMap, Payload) -> Result<Verified<Payload>, SignatureError>,
    {
        let channel = judge.channel;
        match self.judged(request, judge).await {
            Ok(recorded) => self.answer(channel, recorded).await,
            Err((reason, problem)) => {
                let labels = [("channel", channel.as_str()), ("reason", reason)];
                metrics::counter!("feedback_webhook_refused_total", &labels).increment(1);
                problem.into_response()
            }
        }
    }

    async fn judged<V>(&self, request: Request, judge: Judge<V>) -> Result<Recorded, (&'static str, Problem)>
    where
        V: FnOnce(&HeaderMap, Payload) -> Result<Verified<Payload>, SignatureError>,
    {
        let Judge {
            channel,
            max_bytes,
            verify,
        } = judge;
        let (parts, body) = request.into_parts();
        let held = limits::read(&parts.headers, body, max_bytes, &self.in_flight).await;
        let held = held.map_err(|reason| (reason.as_str(), Problem::from(reason)))?;
        let content_type = parts
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let payload = Payload {
            channel,
            content_type,
            body: held.bytes,
        };
        let verified = verify(&parts.headers, payload);
        match &verified {
            Err(SignatureError::Stale(drift)) => self.clock_skew.note(*drift),
            // The others sign no time.
            Ok(_) if matches!(channel, Channel::Slack | Channel::Email) => self.clock_skew.clear(),
            _ => {}
        }
        let delivery = verified.map_err(|reason| {
            tracing::warn!(%channel, reason = reason.as_str(), "refused a webhook whose signature is not the provider's");
            (reason.as_str(), Problem::unauthorized())
        })?;
        self.record(delivery, held.room).await
    }

    /// Records on a task of its own: a sender that hangs up, or that we tell to come again, cannot stop it half way.
    async fn record(
        &self,
        delivery: Verified<Payload>,
        room: Option<tokio::sync::OwnedSemaphorePermit>,
    ) -> Result<Recorded, (&'static str, Problem)> {
        let ingest = self.ingest.clone();
        let recording = tokio::spawn(
            async move {
                let recorded = ingest.record(&delivery).await;
                drop(room);
                match &recorded {
                    Ok(_) => {}
                    Err(IngestError::Foreign) => {
                        tracing::warn!("refused a webhook for a workspace or number that is not configured");
                    }
                    Err(error) => tracing::error!(error = %Chain(error), "could not record a delivery"),
                }
                recorded
            }
            .in_current_span(),
        );
        let again = |reason| (reason, Problem::unavailable("could not record the delivery now", 30));
        match tokio::time::timeout(self.deadline, recording).await {
            Ok(Ok(Ok(recorded))) => Ok(recorded),
            // In the words of a wrong signature: whose the hub is, is nobody else's business.
            Ok(Ok(Err(IngestError::Foreign))) => Err(("foreign", Problem::unauthorized())),
            Ok(Ok(Err(IngestError::Storage(_)))) => Err(again("store_failed")),
            Ok(Err(_)) => {
                tracing::error!("recording a delivery panicked");
                Err(again("panicked"))
            }
            Err(_) => {
                tracing::warn!("recording a delivery takes longer than its sender waits; it goes on");
                Err(again("deadline"))
            }
        }
    }

    async fn answer(&self, channel: Channel, recorded: Recorded) -> Response {
        match recorded.answer {
            Answer::Empty => StatusCode::OK.into_response(),
            // `str` answers as `text/plain; charset=utf-8`.
            Answer::Challenge(challenge) => challenge.into_response(),
            Answer::Command => slack::tell_command(&*self.queries, &recorded.outcomes).await,
            Answer::Form(form) => match tokio::time::timeout(FORM_TIME, self.ingest.open_form(channel, &form)).await {
                Ok(Ok(())) => StatusCode::OK.into_response(),
                shown => {
                    if let Ok(Err(error)) = shown {
                        tracing::warn!(%channel, %error, "could not show a form");
                    }
                    slack::tell_command(&*self.queries, &recorded.outcomes).await
                }
            },
        }
    }
}

/// All values of a header, as the signature checks want them.
fn values<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h [u8]> {
    headers.get_all(name).iter().map(|value| value.as_bytes()).collect()
}
