//! What Intercom posts to an app, in the 2.x shape.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{SignedRequest, Webhook, WebhookSecrets};
use crate::Provider;

/// Who wrote to the company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntercomAuthor {
    /// The contact's id.
    pub id: String,
    /// The company's own id of the person; leads have none.
    pub external_id: Option<String>,
    /// `user` or `lead`.
    pub kind: String,
    /// Leads may have none.
    pub name: Option<String>,
    /// Empty for a lead, not absent.
    pub email: String,
}

/// A person's words in a conversation: its first message, or a part added to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntercomReport {
    /// The workspace.
    pub app_id: String,
    /// `notif_…`, equal for all attempts.
    pub notification_id: String,
    /// The conversation.
    pub conversation_id: String,
    /// The id of the first message.
    pub source_id: String,
    /// The first message as HTML.
    pub source_html: String,
    /// The id of the new part, for a reply.
    pub part_id: String,
    /// What was written now, as HTML.
    pub html: String,
    /// Who wrote it.
    pub author: IntercomAuthor,
    /// When the conversation began.
    pub opened_at: DateTime<Utc>,
    /// When this was written.
    pub at: DateTime<Utc>,
}

impl IntercomReport {
    fn author(&self) -> Value {
        json!({"type": self.author.kind, "id": self.author.id, "name": self.author.name, "email": self.author.email})
    }

    fn conversation(&self, parts: &[Value]) -> Value {
        json!({
            "type": "conversation",
            "id": self.conversation_id,
            "created_at": self.opened_at.timestamp(),
            "updated_at": self.at.timestamp(),
            "waiting_since": self.at.timestamp(),
            "snoozed_until": null,
            "source": {
                "type": "conversation", "id": self.source_id, "delivered_as": "customer_initiated", "subject": "",
                "body": self.source_html, "author": self.author(), "attachments": [], "url": null, "redacted": false,
            },
            "contacts": {"type": "contact.list", "contacts": [
                {"type": "contact", "id": self.author.id, "external_id": self.author.external_id},
            ]},
            "first_contact_reply": {"created_at": self.opened_at.timestamp(), "type": "conversation", "url": null},
            "admin_assignee_id": null,
            "team_assignee_id": null,
            "open": true,
            "state": "open",
            "read": false,
            "tags": {"type": "tag.list", "tags": []},
            "priority": "not_priority",
            "statistics": null,
            "conversation_rating": null,
            "teammates": null,
            "title": null,
            "custom_attributes": {},
            "ticket": null,
            "ai_agent_participated": false,
            "conversation_parts": {
                "type": "conversation_part.list", "conversation_parts": parts, "total_count": parts.len(),
            },
        })
    }

    fn part(&self) -> Value {
        let at = self.at.timestamp();
        json!({
            "type": "conversation_part", "id": self.part_id, "part_type": "comment", "body": self.html, "created_at": at,
            "updated_at": at, "notified_at": at, "assigned_to": null, "author": self.author(), "attachments": [],
            "external_id": null, "redacted": false,
        })
    }

    pub(crate) fn created(&self) -> Webhook {
        self.notification("conversation.user.created", self.conversation(&[]))
    }

    pub(crate) fn created_with_files(&self, files: &[Value]) -> Webhook {
        let mut conversation = self.conversation(&[]);
        conversation["source"]["attachments"] = json!(files);
        self.notification("conversation.user.created", conversation)
    }

    pub(crate) fn replied(&self) -> Webhook {
        self.notification("conversation.user.replied", self.conversation(&[self.part()]))
    }

    fn notification(&self, topic: &str, item: Value) -> Webhook {
        notification(&self.app_id, topic, Some(&self.notification_id), self.at, item)
    }
}

pub(crate) fn notification(app_id: &str, topic: &str, id: Option<&str>, at: DateTime<Utc>, item: Value) -> Webhook {
    let body = json!({
        "type": "notification_event",
        "app_id": app_id,
        "id": id,
        "topic": topic,
        "delivery_status": "pending",
        "delivery_attempts": 1,
        "delivered_at": 0,
        "first_sent_at": at.timestamp(),
        "created_at": at.timestamp(),
        "links": {},
        "self": null,
        "data": {"type": "notification_event_data", "item": item},
    });
    Webhook::json(Provider::Intercom, &body)
}

/// `conversation.user.created`: the text is in `source`, and there are no parts.
pub fn intercom_conversation_created(
    report: &IntercomReport,
    secrets: &WebhookSecrets,
    now: DateTime<Utc>,
) -> SignedRequest {
    report.created().sign(secrets, now)
}

/// `conversation.user.replied`: holds the new part only, not the history.
pub fn intercom_conversation_replied(
    report: &IntercomReport,
    secrets: &WebhookSecrets,
    now: DateTime<Utc>,
) -> SignedRequest {
    report.replied().sign(secrets, now)
}

/// Any other body that Intercom might post.
pub fn intercom_notification(body: &Value, secrets: &WebhookSecrets, now: DateTime<Utc>) -> SignedRequest {
    Webhook::json(Provider::Intercom, body).sign(secrets, now)
}

/// The test notification, whose `id` is null.
pub fn intercom_ping(app_id: &str, secrets: &WebhookSecrets, now: DateTime<Utc>) -> SignedRequest {
    notification(app_id, "ping", None, now, json!({"type": "ping", "message": "hello"})).sign(secrets, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> IntercomReport {
        IntercomReport {
            app_id: "wk".into(),
            notification_id: "notif_1".into(),
            conversation_id: "900100".into(),
            source_id: "80001".into(),
            source_html: "<p>Primero</p>".into(),
            part_id: "70002".into(),
            html: "<p>Después</p>".into(),
            author: IntercomAuthor {
                id: "66aa".into(),
                external_id: None,
                kind: "lead".into(),
                name: None,
                email: String::new(),
            },
            opened_at: DateTime::from_timestamp(1_767_220_000, 0).unwrap(),
            at: DateTime::from_timestamp(1_767_225_708, 0).unwrap(),
        }
    }

    fn item(request: &SignedRequest) -> Value {
        serde_json::from_slice::<Value>(&request.body).unwrap()["data"]["item"].take()
    }

    #[test]
    fn an_opened_conversation_has_its_text_in_the_source() {
        let item = item(&intercom_conversation_created(
            &report(),
            &WebhookSecrets::default(),
            DateTime::UNIX_EPOCH,
        ));
        assert_eq!(item["source"]["body"], "<p>Primero</p>");
        assert_eq!(item["conversation_parts"]["total_count"], 0);
        assert_eq!(item["source"]["author"]["email"], "");
    }

    #[test]
    fn a_reply_carries_the_new_part_only() {
        let item = item(&intercom_conversation_replied(
            &report(),
            &WebhookSecrets::default(),
            DateTime::UNIX_EPOCH,
        ));
        assert_eq!(
            item["conversation_parts"]["conversation_parts"][0]["body"],
            "<p>Después</p>"
        );
        assert_eq!(item["conversation_parts"]["total_count"], 1);
    }

    #[test]
    fn a_ping_has_no_id() {
        let request = intercom_ping("wk", &WebhookSecrets::default(), DateTime::UNIX_EPOCH);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert!(body["id"].is_null());
        assert_eq!(body["topic"], "ping");
    }
}
