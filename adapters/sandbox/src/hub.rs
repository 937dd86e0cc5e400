//! Telling the hub: webhooks are signed anew for each attempt and repeated with the provider's patience.

use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Provider, clock,
    config::Patience,
    post,
    shared::Shared,
    webhooks::{SignedRequest, Webhook, WebhookSecrets},
};

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// How often it was posted.
    pub attempts: u32,
    /// The status of the last answer; `None` if none came.
    pub status: Option<u16>,
}

impl Delivery {
    /// Whether the hub took it.
    pub fn is_accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// The hub that webhooks go to, which may come up late, go away and return elsewhere.
#[derive(Debug)]
pub(crate) struct Hub {
    url: Shared<Option<String>>,
    client: reqwest::Client,
    secrets: WebhookSecrets,
    patience: Patience,
    closing: CancellationToken,
    tasks: TaskTracker,
}

impl Hub {
    pub(crate) fn new(secrets: WebhookSecrets, patience: Patience) -> Result<Self, reqwest::Error> {
        Ok(Self {
            url: Shared::default(),
            client: post::client()?,
            secrets,
            patience,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    pub(crate) fn connect(&self, url: &str) {
        *self.url.lock() = Some(url.trim_end_matches('/').to_owned());
    }

    pub(crate) fn disconnect(&self) {
        *self.url.lock() = None;
    }

    pub(crate) fn url(&self) -> Option<String> {
        self.url.lock().clone()
    }

    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Runs in the background until the sandbox ends.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            closing.run_until_cancelled(work).await;
        });
    }

    /// Stops the background work; what hangs is dropped.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    pub(crate) fn sign(&self, webhook: &Webhook) -> SignedRequest {
        webhook.sign(&self.secrets, clock::wall())
    }

    /// Posts until the hub answers 2xx or patience runs out. Without a hub it is given up at once.
    ///
    /// The hub's address is read for each attempt: one that was restarted elsewhere still gets what it missed.
    pub(crate) async fn deliver(&self, webhook: &Webhook) -> Delivery {
        let provider = webhook.provider;
        // A person who typed a slash command sees the error; Slack does not repeat it.
        let pauses = if webhook.is_form() {
            Vec::new()
        } else {
            self.patience.pauses(provider)
        };
        let mut pauses = pauses.into_iter();
        let mut delivery = Delivery {
            attempts: 0,
            status: None,
        };
        let mut failure = "unknown_error";
        loop {
            let Some(url) = self.url() else { return delivery };
            let mut request = self.sign(webhook);
            if provider == Provider::Slack && delivery.attempts > 0 {
                request = request
                    .with_header("X-Slack-Retry-Num", delivery.attempts.to_string())
                    .with_header("X-Slack-Retry-Reason", failure);
            }
            delivery.attempts += 1;
            let mut is_final = false;
            match post::once(&self.client, &url, &request, time_limit(provider)).await {
                Ok(response) => {
                    delivery.status = Some(response.status().as_u16());
                    is_final = provider == Provider::Slack && forbids_retry(response.headers());
                    failure = "http_error";
                }
                Err(error) => {
                    delivery.status = None;
                    failure = if error.is_timeout() {
                        "http_timeout"
                    } else {
                        "connection_failed"
                    };
                }
            }
            if delivery.is_accepted() || is_final {
                return delivery;
            }
            let Some(pause) = pauses.next() else {
                tracing::warn!(%provider, attempts = delivery.attempts, status = ?delivery.status, "The hub did not take a webhook; the provider gives up.");
                return delivery;
            };
            tokio::time::sleep(pause).await;
        }
    }
}

fn forbids_retry(headers: &HeaderMap) -> bool {
    headers.get("x-slack-no-retry").is_some_and(|value| value == "1")
}

/// How long a provider waits for one answer.
fn time_limit(provider: Provider) -> Duration {
    Duration::from_secs(match provider {
        Provider::Slack => 3,
        Provider::Intercom => 5,
        Provider::WhatsApp | Provider::Notion | Provider::OpenAi | Provider::Email => 10,
    })
}
