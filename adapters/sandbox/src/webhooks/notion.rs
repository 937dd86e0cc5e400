//! What Notion posts: signals without content.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use super::{SignedRequest, Webhook, WebhookSecrets};
use crate::Provider;

/// Something happened to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotionEvent {
    /// Unique; attempts share it.
    pub id: String,
    /// For instance `page.properties_updated`.
    pub kind: String,
    /// The page.
    pub page_id: String,
    /// The page's data source.
    pub data_source_id: String,
    /// The database around it.
    pub database_id: String,
    /// Who did it.
    pub author_id: String,
    /// `person` or `bot`.
    pub author_kind: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl NotionEvent {
    pub(crate) fn webhook(&self) -> Webhook {
        let body = json!({
            "id": self.id,
            "timestamp": self.at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "type": self.kind,
            "api_version": "2025-09-03",
            "workspace_id": "99999999-9999-4999-8999-999999999999",
            "workspace_name": "Sandbox",
            "subscription_id": "88888888-8888-4888-8888-888888888888",
            "integration_id": "77777777-7777-4777-8777-777777777777",
            "attempt_number": 1,
            "authors": [{"id": self.author_id, "type": self.author_kind}],
            "entity": {"id": self.page_id, "type": "page"},
            "data": {"parent": {"id": self.database_id, "type": "database", "data_source_id": self.data_source_id}},
        });
        Webhook::json(Provider::Notion, &body)
    }
}

/// An event's signal.
pub fn notion_event(event: &NotionEvent, secrets: &WebhookSecrets, now: DateTime<Utc>) -> SignedRequest {
    event.webhook().sign(secrets, now)
}

/// The first post to a new endpoint, which hands over the token that signs all later ones.
pub fn notion_verification(token: &str, now: DateTime<Utc>) -> SignedRequest {
    let secrets = WebhookSecrets {
        notion_verification_token: token.to_owned(),
        ..WebhookSecrets::default()
    };
    Webhook::json(Provider::Notion, &json!({"verification_token": token})).sign(&secrets, now)
}
