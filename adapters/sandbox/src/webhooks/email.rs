//! What the function posts that forwards mail to the hub.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::{SignedRequest, Webhook, WebhookSecrets};
use crate::Provider;

/// A mail that a person wrote to the company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailReport {
    /// Its id, without brackets.
    pub message_id: String,
    /// The person's address.
    pub from: String,
    /// The person's name.
    pub name: String,
    /// The company's address.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// The words.
    pub text: String,
    /// The mail that it answers, without brackets.
    pub in_reply_to: Option<String>,
    /// Ids of the thread, oldest first, without brackets.
    pub references: Vec<String>,
    /// When it was written.
    pub at: DateTime<Utc>,
}

impl MailReport {
    pub(crate) fn webhook(&self) -> Webhook {
        let bracketed = |id: &String| format!("<{id}>");
        let body = json!({
            "message_id": bracketed(&self.message_id),
            "from": self.from,
            "from_name": self.name,
            "to": [self.to],
            "subject": self.subject,
            "text": self.text,
            "in_reply_to": self.in_reply_to.as_ref().map(bracketed),
            "references": self.references.iter().map(bracketed).collect::<Vec<_>>(),
            "date": self.at.to_rfc3339_opts(SecondsFormat::Secs, true),
            "authenticated": true,
        });
        Webhook::json(Provider::Email, &body)
    }
}

/// A mail, forwarded and signed.
pub fn mail(report: &MailReport, secrets: &WebhookSecrets, now: DateTime<Utc>) -> SignedRequest {
    report.webhook().sign(secrets, now)
}
