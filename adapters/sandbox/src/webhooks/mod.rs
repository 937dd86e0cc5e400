//! Correctly signed webhooks, byte for byte as the providers send them. Everything here is a pure function: ids and times
//! come from the caller.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{Provider, post};

pub(crate) mod email;
pub(crate) mod intercom;
mod notion;
pub mod signature;
pub(crate) mod slack;
pub(crate) mod whatsapp;

pub use email::{MailReport, mail};
pub use intercom::{
    IntercomAuthor, IntercomReport, intercom_conversation_created, intercom_conversation_replied,
    intercom_notification, intercom_ping,
};
pub use notion::{NotionEvent, notion_event, notion_verification};
pub use slack::{SlackReport, SlashCommand, slack_command, slack_event, slack_message, slack_url_verification};
pub use whatsapp::{
    BusinessNumber, WhatsAppReport, WhatsAppStatus, whatsapp_delivery, whatsapp_handshake, whatsapp_messages,
    whatsapp_statuses,
};

/// What each provider signs with. An empty secret signs too: the hub has to refuse it.
#[derive(Clone, Default)]
pub struct WebhookSecrets {
    /// Slack's signing secret.
    pub slack_signing_secret: String,
    /// Intercom's client secret.
    pub intercom_client_secret: String,
    /// Meta's app secret.
    pub whatsapp_app_secret: String,
    /// Notion's verification token.
    pub notion_verification_token: String,
    /// The secret of the function that forwards mail.
    pub email_secret: String,
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecrets").finish_non_exhaustive()
    }
}

/// A webhook, ready to be posted to a hub.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedRequest {
    /// The hub's route, for instance `/webhooks/slack`.
    pub path: String,
    /// Content type and signature, among others.
    pub headers: Vec<(String, String)>,
    /// The bytes that were signed.
    pub body: Bytes,
}

impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest")
            .field("path", &self.path)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl SignedRequest {
    /// The value of a header, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Replaces a header or adds it, to send what a provider would not.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Posts it once and gives the status and the body of the answer.
    ///
    /// # Errors
    /// When the hub cannot be reached or does not answer within ten seconds.
    pub async fn send(&self, base_url: &str) -> Result<(u16, String), SendError> {
        let client = post::client().map_err(SendError)?;
        let response = post::once(&client, base_url, self, std::time::Duration::from_secs(10))
            .await
            .map_err(SendError)?;
        let status = response.status().as_u16();
        Ok((status, response.text().await.map_err(SendError)?))
    }
}

/// A webhook that found no one to answer it.
#[derive(Debug)]
pub struct SendError(reqwest::Error);

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("could not post a webhook to the hub")
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// A webhook without its signature, which providers make anew for each attempt.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) provider: Provider,
    content_type: &'static str,
    pub(crate) body: Bytes,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

impl Webhook {
    pub(crate) fn json(provider: Provider, body: &Value) -> Self {
        Self {
            provider,
            content_type: JSON,
            body: body.to_string().into(),
        }
    }

    pub(crate) fn is_form(&self) -> bool {
        self.content_type == FORM
    }

    pub(crate) fn sign(&self, secrets: &WebhookSecrets, at: DateTime<Utc>) -> SignedRequest {
        let body = &self.body;
        let mut headers = vec![("Content-Type".to_owned(), self.content_type.to_owned())];
        let mut header = |name: &str, value: String| headers.push((name.to_owned(), value));
        match self.provider {
            Provider::Slack => {
                let timestamp = at.timestamp();
                header("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)".into());
                header("X-Slack-Request-Timestamp", timestamp.to_string());
                header(
                    "X-Slack-Signature",
                    signature::slack(&secrets.slack_signing_secret, timestamp, body),
                );
            }
            Provider::Intercom => {
                header("User-Agent", "intercom-webhook".into());
                header(
                    "X-Hub-Signature",
                    signature::intercom(&secrets.intercom_client_secret, body),
                );
            }
            Provider::WhatsApp => {
                header("User-Agent", "facebookexternalua".into());
                header(
                    "X-Hub-Signature-256",
                    signature::whatsapp(&secrets.whatsapp_app_secret, body),
                );
            }
            Provider::Notion => {
                header("User-Agent", "notion-webhooks".into());
                header(
                    "X-Notion-Signature",
                    signature::notion(&secrets.notion_verification_token, body),
                );
            }
            Provider::Email => {
                let timestamp = at.timestamp();
                header("User-Agent", "mail-forwarder".into());
                header("X-Feedback-Timestamp", timestamp.to_string());
                header(
                    "X-Feedback-Signature",
                    signature::email(&secrets.email_secret, timestamp, body),
                );
            }
            // OpenAI posts nothing to the hub; an unsigned request is what an impostor would send.
            Provider::OpenAi => {}
        }
        SignedRequest {
            path: format!("/webhooks/{}", self.provider),
            headers,
            body: body.clone(),
        }
    }
}
